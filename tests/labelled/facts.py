"""What is known of Vietnam's renumberings, written down for the labels alone.

Typed in from the published tables (Decisions 2036/QĐ-BTTTT of 2016 and 798/QĐ-BTTTT of 2018), not
taken from `packs/vn.toml`, so that an error in the pack cannot hide here as well.
"""

from typing import NamedTuple

MOBILE = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36",
    "167": "37", "168": "38", "169": "39", "186": "56", "188": "58", "199": "59",
}  # fmt: skip
"""Old mobile code -> new, without the trunk 0; seven more digits follow either."""

FIXED = {
    "22": "212", "231": "213", "20": "214", "230": "215", "29": "216", "53": "233", "54": "234",
    "510": "235", "511": "236", "240": "204", "25": "205", "26": "206", "27": "207", "280": "208",
    "281": "209", "320": "220", "321": "221", "241": "222", "351": "226", "350": "228",
    "780": "290", "781": "291", "710": "292", "711": "293", "74": "294", "4": "24", "61": "251",
    "62": "252", "64": "254", "57": "257", "68": "259", "60": "260", "501": "261", "500": "262",
    "63": "263", "651": "271", "72": "272", "73": "273", "650": "274", "75": "275", "66": "276",
}  # fmt: skip
"""The 41 area codes whose old numbers can be read one way only; 4 has eight digits behind it."""

ONE_READING_LEADS = {"52": "4567", "55": "234567", "67": "34567"}
"""Codes that are ambiguous in part, with the first subscriber digits that are not."""

NORTH_AMERICAN = frozenset((
    "231", "240", "281", "320", "321", "350", "351",
    "500", "501", "510", "650", "651", "780", "781",
))  # fmt: skip
"""Old codes whose ten digits without the 0 may also be a number of the United States or Canada."""


class Range(NamedTuple):
    """Numbers that were a landline once and are something else today.

    Attributes:
        old: Old area code without the 0.
        new: Its new code.
        leads: First subscriber digits of real landlines in this range.
        since: A card last changed before this day can only mean the landline.
        province: Where.
        now: The province it belongs to since 1 July 2025.
    """

    old: str
    new: str
    leads: tuple[str, ...]
    since: str
    province: str
    now: str

    @property
    def rest(self) -> int:
        """How many digits stand behind the area code."""
        return 8 if self.old == "8" else 7


_SIX = ("2", "3", "4", "5", "6", "7")
_CITY = "Hồ Chí Minh"

AMBIGUOUS = (
    Range("8", "28", ("2", "3", "4", "5"), "2018-08-01", _CITY, _CITY),
    Range("8", "28", ("62", "63", "66"), "2015-12-01", _CITY, _CITY),
    Range("8", "28", ("71", "73"), "2019-04-01", _CITY, _CITY),
    Range("37", "237", _SIX, "2018-08-01", "Thanh Hóa", "Thanh Hóa"),
    Range("38", "238", _SIX, "2018-08-01", "Nghệ An", "Nghệ An"),
    Range("39", "239", _SIX, "2018-08-01", "Hà Tĩnh", "Hà Tĩnh"),
    Range("33", "203", _SIX, "2018-08-01", "Quảng Ninh", "Quảng Ninh"),
    Range("31", "225", _SIX, "2017-05-15", "Hải Phòng", "Hải Phòng"),
    Range("36", "227", _SIX, "2018-08-01", "Thái Bình", "Hưng Yên"),
    Range("30", "229", _SIX, "2017-05-15", "Ninh Bình", "Ninh Bình"),
    Range("76", "296", _SIX, "2018-08-01", "An Giang", "An Giang"),
    Range("77", "297", _SIX, "2018-08-01", "Kiên Giang", "An Giang"),
    Range("79", "299", _SIX, "2018-08-01", "Sóc Trăng", "Cần Thơ"),
    Range("56", "256", _SIX, "2018-08-01", "Bình Định", "Gia Lai"),
    Range("58", "258", _SIX, "2018-08-01", "Khánh Hòa", "Khánh Hòa"),
    Range("59", "269", _SIX, "2018-08-01", "Gia Lai", "Gia Lai"),
    Range("70", "270", _SIX, "2018-08-01", "Vĩnh Long", "Vĩnh Long"),
    Range("52", "232", ("2", "3"), "2017-03-13", "Quảng Bình", "Quảng Trị"),
    Range("67", "277", ("2",), "2017-07-17", "Đồng Tháp", "Đồng Tháp"),
)

MOBILE_ONLY = (
    *(f"{code}{lead}" for code in ("37", "38", "39", "33", "31", "36", "30", "76", "77", "79")
      for lead in "0189"),
    *(f"{code}{lead}" for code in ("56", "58", "59", "70") for lead in "0189"),
    "528", "559", "81", "88", "896", "897", "898", "899",
    "860", "861", "864", "865", "867", "868", "869",
    "870", "872", "874", "875", "876", "877", "878", "879",
)  # fmt: skip
"""Beginnings of numbers of today, in ambiguous codes, that no landline ever had."""

NOT_THERE_BEFORE = {
    "028 3829 9999": "2017-06-17",
    "024 3829 9999": "2017-06-17",
    "0251 382 9999": "2017-06-17",
    "0203 382 9999": "2017-04-15",
    "0225 382 9999": "2017-04-15",
    "0212 382 9999": "2017-02-11",
    "0236 382 9999": "2017-02-11",
    "0888 129 999": "2015-12-01",
    "0898 129 999": "2015-12-01",
    "0868 129 999": "2015-12-01",
    "0812 129 999": "2018-08-01",
    "0345 129 999": "2018-08-01",
    "0785 129 999": "2018-08-01",
    "0358 129 999": "2018-08-01",
    "0328 129 999": "2018-08-01",
    "0879 129 999": "2019-04-01",
}
"""A number that can only be one of today, and the day before which no card can have held it."""
