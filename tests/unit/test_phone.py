"""Written forms and what they read as; every number is invented."""

import subprocess
import sys

import pytest

from danhba.dialling import Dialing, Dialled, dial
from danhba.phone import Written, scan
from danhba.respelling import respell

VN = Dialing()
MOBILE = "01681234567"
HCMC = "0838123456"
HANOI = "0438123456"

ONE_NUMBER = [
    # plain
    ("01681234567", MOBILE),
    ("0168 123 4567", MOBILE),
    ("0168.123.4567", MOBILE),
    ("0168-123-4567", MOBILE),
    ("0168 1234567", MOBILE),
    ("016 8123 4567", MOBILE),
    ("0 168 123 4567", MOBILE),
    ("(0168) 123 4567", MOBILE),
    ("(0168)1234567", MOBILE),
    ("0168 (123) 4567", MOBILE),
    ("0168  123   4567", MOBILE),
    ("  0168 123 4567  ", MOBILE),
    ("0168 123 4567" + 69 * " ", MOBILE),
    ("0168\t123\t4567", MOBILE),
    ("08 3812 3456", HCMC),
    ("(08) 3812 3456", HCMC),
    ("(08)-3812-3456", HCMC),
    ("08 - 3812 3456", HCMC),
    ("024 - 3812 3456", "02438123456"),
    ("024- 3812 3456", "02438123456"),
    ("024 3812 - 3456", "02438123456"),
    ("0168 123 - 4567", MOBILE),
    ("08/38123456", HCMC),
    ("0168/1234567", MOBILE),
    ("(08 38123456", HCMC),
    ("(08 3812 3456)", HCMC),
    ("[08] 3812 3456", HCMC),
    ("'0838123456", HCMC),
    ("0838123456,", HCMC),
    ("0838123456;", HCMC),
    ("0838123456 -", HCMC),
    # the spreadsheet took the zero, or the number is short
    ("1681234567", "1681234567"),
    ("38123456", "38123456"),
    ("113", "113"),
    ("1900 1234", "19001234"),
    ("1800.123456", "1800123456"),
    ("080 43162", "08043162"),
    # international without plus
    ("0084 168 123 4567", "00841681234567"),
    ("00 84 168 123 4567", "00841681234567"),
    ("84 168 123 4567", "841681234567"),
    ("84-8-38123456", "84838123456"),
    ("(84-8) 3812 3456", "84838123456"),
    ("(0084) 168 1234567", "00841681234567"),
    # dashes and spaces of the world
    ("0168\u2010123\u20104567", MOBILE),
    ("0168\u2011123\u20114567", MOBILE),
    ("0168\u2012123\u20124567", MOBILE),
    ("0168\u2013123\u20134567", MOBILE),
    ("0168\u2014123\u20144567", MOBILE),
    ("0168\u2212123\u22124567", MOBILE),
    ("0168\uff0d123\uff0d4567", MOBILE),
    ("0168\xa0123\xa04567", MOBILE),
    ("0168\u2009123\u20094567", MOBILE),
    ("0168\u202f123\u202f4567", MOBILE),
    ("0168\u3000123\u30004567", MOBILE),
    ("0168·123·4567", MOBILE),
    ("0168•123•4567", MOBILE),
    # other digits
    ("０１６８１２３４５６７", MOBILE),
    ("０１６８－１２３－４５６７", MOBILE),
    ("（０８）３８１２ ３４５６", HCMC),
    ("٠١٦٨١٢٣٤٥٦٧", MOBILE),
    ("۰۱۶۸ ۱۲۳ ۴۵۶۷", MOBILE),
    ("०१६८१२३४५६७", MOBILE),
    # marks that cannot be seen
    ("\u200e0168 123 4567", MOBILE),
    ("\u202a0168 123 4567\u202c", MOBILE),
    ("\u20660168 123 4567\u2069", MOBILE),
    ("\ufeff01681234567", MOBILE),
    ("0168\u200b123\u200b4567", MOBILE),
    ("0168\u200f1234567", MOBILE),
    ("0168\xad1234567", MOBILE),
    # URIs
    ("tel:01681234567", MOBILE),
    ("tel:0168-123-4567", MOBILE),
    ("TEL:0168 123 4567", MOBILE),
    ("tel:38123456;phone-context=+848", "38123456"),
    ("tel:01681234567;isub=12", MOBILE),
]

WITH_PLUS = [
    ("+841681234567", "841681234567"),
    ("+84 168 123 4567", "841681234567"),
    ("+84-168-123-4567", "841681234567"),
    ("+84.168.123.4567", "841681234567"),
    ("+ 84 168 123 4567", "841681234567"),
    ("+(84) 168 123 4567", "841681234567"),
    ("(+84) 168 123 4567", "841681234567"),
    ("(+84 168 123 4567)", "841681234567"),
    ("(+84)1681234567", "841681234567"),
    ("+84 (0)168 123 4567", "8401681234567"),
    ("+84(0)1681234567", "8401681234567"),
    ("+84 (0) 168 123 4567", "8401681234567"),
    ("+8401681234567", "8401681234567"),
    ("+84 8 3812 3456", "84838123456"),
    ("(+84-8) 3812 3456", "84838123456"),
    ("+84 (8) 3812 3456", "84838123456"),
    ("+84 8 - 3812 3456", "84838123456"),
    ("＋８４１６８１２３４５６７", "841681234567"),
    ("\u202d+84 168 123 4567\u202c", "841681234567"),
    ("+\u200e84168\u200e1234567", "841681234567"),
    ("tel:+84-168-123-4567", "841681234567"),
    ("tel:+841681234567;phone-context=example.com", "841681234567"),
    ("+1 212 555 0123", "12125550123"),
    ("+49 30 1234567", "49301234567"),
]

EXTENSIONS = [
    ("08 3812 3456 ext 12", HCMC, "12"),
    ("08 3812 3456 ext.12", HCMC, "12"),
    ("08 3812 3456 Ext: 12", HCMC, "12"),
    ("08 3812 3456, ext 12", HCMC, "12"),
    ("08 3812 3456 (ext 12)", HCMC, "12"),
    ("08 3812 3456 - ext 12", HCMC, "12"),
    ("08 3812 3456 extension 123", HCMC, "123"),
    ("0838123456ext12", HCMC, "12"),
    ("0838123456x12", HCMC, "12"),
    ("08 3812 3456 x 12", HCMC, "12"),
    ("08 3812 3456 x.12", HCMC, "12"),
    ("08 3812 3456 #12", HCMC, "12"),
    ("0838123456#12", HCMC, "12"),
    ("08 3812 3456 máy lẻ 12", HCMC, "12"),
    ("08 3812 3456 (máy lẻ: 12)", HCMC, "12"),
    ("08 3812 3456 Máy Lẻ 12", HCMC, "12"),
    ("08 3812 3456 ma\u0301y le\u0309 12", HCMC, "12"),
    ("08 3812 3456 may le 12", HCMC, "12"),
    ("08 3812 3456 ml 12", HCMC, "12"),
    ("08 3812 3456 ML12", HCMC, "12"),
    ("08 3812 3456 số nội bộ 12", HCMC, "12"),
    ("08 3812 3456 - Số nội bộ: 12", HCMC, "12"),
    ("08 3812 3456 nội bộ 12", HCMC, "12"),
    ("08 3812 3456 nhánh 12", HCMC, "12"),
    ("08 3812 3456 ext １２", HCMC, "12"),
    ("0838123456;ext=12", HCMC, "12"),
    ("tel:0838123456;ext=12", HCMC, "12"),
    ("tel:08-3812-3456;ext=1-2;phone-context=+84", HCMC, "12"),
    ("38123456x12", "38123456", "12"),
]

WORDS = [
    ("ĐTDĐ: 0168 123 4567", MOBILE, "", "ĐTDĐ"),
    ("DĐ 0168 123 4567", MOBILE, "", "DĐ"),
    ("DĐ0168 123 4567", MOBILE, "", "DĐ"),
    ("Fax: 08 3812 3456", HCMC, "", "Fax"),
    ("Fax (08) 3812 3456", HCMC, "", "Fax"),
    ("Tel. 08 3812 3456", HCMC, "", "Tel"),
    ("Tel: 08 3812 3456", HCMC, "", "Tel"),
    ("ĐT bàn - 08 3812 3456", HCMC, "", "ĐT bàn"),
    ("08 3812 3456 (Fax)", HCMC, "", "Fax"),
    ("08 3812 3456 (anh Nam)", HCMC, "", "anh Nam"),
    ("08 3812 3456 - anh Nam", HCMC, "", "anh Nam"),
    ("08 3812 3456 anh Nam", HCMC, "", "anh Nam"),
    ("CQ (08 3812 3456)", HCMC, "", "CQ"),
    ("CQ: 08 3812 3456 (gọi chị Lan)", HCMC, "", "CQ gọi chị Lan"),
    ("08 3812 3456 phòng 203", HCMC, "", "phòng 203"),
    ("08 3812 3456 (nhà 2)", HCMC, "", "nhà 2"),
    ("08 3812 3456 (5 lines)", HCMC, "", "5 lines"),
    ("Hotline: 1900 1234 (24/7)", "19001234", "", "Hotline 24/7"),
    ("08 3812 3456 sau 17h", HCMC, "", "sau 17h"),
    ("SĐT1: 0168 123 4567", MOBILE, "", "SĐT1"),
    ("DĐ 2: 0168 123 4567", MOBILE, "", "DĐ 2"),
    ("08 3812 3456 máy lẻ 12 (anh Nam)", HCMC, "12", "anh Nam"),
    ("08 3812 3456 phòng kế toán, máy lẻ 12", HCMC, "12", "phòng kế toán"),
    ("Fax: 08 3812 3456 ext 12", HCMC, "12", "Fax"),
    ("📞 08 3812 3456", HCMC, "", "📞"),
    ("work phone 2", "2", "", "work phone"),
    ("ĐT bàn:\n08 3812 3456", HCMC, "", "ĐT bàn"),
]

SEVERAL = [
    ("0438123456/0168 123 4567", ("0438123456", MOBILE), ("", "")),
    ("04 3812 3456 / 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456; 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456;0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456, 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456 - 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456 – 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456 hoặc 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456 or 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456 và 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456\n0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456\r\n0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("04 3812 3456 & 0168 123 4567", (HANOI, MOBILE), ("", "")),
    ("+84 4 3812 3456 +84 168 123 4567", ("84438123456", "841681234567"), ("", "")),
    ("(04) 3812 3456 / (08) 3812 3456", (HANOI, HCMC), ("", "")),
    ("0438123456 / 19001234", (HANOI, "19001234"), ("", "")),
    ("0438123456/0838123456/01681234567", (HANOI, HCMC, MOBILE), ("", "", "")),
    ("ĐT: 0438123456; DĐ: 01681234567", (HANOI, MOBILE), ("ĐT", "DĐ")),
    ("ĐT 0438123456 Fax 0838123456", (HANOI, HCMC), ("ĐT", "Fax")),
    ("0438123456 (CQ) 01681234567 (NR)", (HANOI, MOBILE), ("CQ", "NR")),
    ("0438123456 CQ 01681234567 NR", (HANOI, MOBILE), ("CQ", "NR")),
    ("0438123456 (anh Nam) / 01681234567 (chị Lan)", (HANOI, MOBILE), ("anh Nam", "chị Lan")),
    ("0438123456 (01681234567)", (HANOI, MOBILE), ("", "")),
    ("0438123456 chị Lê 01681234567", (HANOI, MOBILE), ("", "chị Lê")),
    ("1900 1234 - 0168 123 4567", ("19001234", MOBILE), ("", "")),
    ("0438123456 Nam (GĐ) - 01681234567", (HANOI, MOBILE), ("Nam (GĐ)", "")),
    ("0438123456 - Nam / 01681234567 - Lan", (HANOI, MOBILE), ("Nam", "Lan")),
    ("ĐT: 0438123456 - Fax: 0838123456", (HANOI, HCMC), ("ĐT", "Fax")),
    ("0438123456 Fax: 0838123456", (HANOI, HCMC), ("", "Fax")),
    ("SĐT1: 0438123456, SĐT2: 01681234567", (HANOI, MOBILE), ("SĐT1", "SĐT2")),
]

TROUBLE = [
    ("", "empty"),
    ("   ", "empty"),
    ("\u200e\ufeff", "empty"),
    (100_000 * " ", "empty"),
    ("ask Jenny", "no-digits"),
    ("+...", "no-digits"),
    ("§", "no-digits"),
    ("*155*181#", "ussd"),
    ("*101#", "ussd"),
    ("#31#0912345678", "ussd"),
    ("101#", "ussd"),
    ("p1234p5678w9", "pause"),
    ("0438123456p1234p5678w9", "pause"),
    ("18923535007w", "pause"),
    ("0438123456,,12", "pause"),
    ("0438123456,12", "pause"),
    ("0438123456,0912345678", "pause"),
    ("0438123456;12", "pause"),
    ("0438123456 p 12", "pause"),
    ("tel:+84438123456;postd=pp22", "pause"),
    ("1-800-FLOWERS", "letters"),
    ("1-800-MY-APPLE", "letters"),
    ("1800FLOWERS", "letters"),
    ("911xx", "letters"),
    ("0912xxx678", "letters"),
    ("0912345xxx", "letters"),
    ("sip:0912345678@example.com", "not-a-phone"),
    ("sip:90-180-360", "not-a-phone"),
    ("mailto:nam@example.com", "not-a-phone"),
    ("nam1@example.com", "not-a-phone"),
    ("https://example.com/0912345678", "not-a-phone"),
    ("01/02/1985", "unclear"),
    ("1-2-1985", "unclear"),
    ("1985-02-01", "unclear"),
    ("CMND 012345678", "unclear"),
    ("CCCD: 001085012345", "unclear"),
    ("1234567890123456", "unclear"),
    ("0912345678 0987654321", "unclear"),
    ("8.41681E+11", "unclear"),
    ("84168123456.0", "unclear"),
    (r"205246\;\;\,", "unclear"),
    ("08 3812 3456 (57)", "unclear"),
    ("++84 168 123 4567", "unclear"),
    ("0168…57", "unclear"),
    ("0438123456#", "unclear"),
    ("113, 114", "unclear"),
    ("113/114/115", "unclear"),
    ("Nam 2 0912345678", "unclear"),
    ("0438123456 ext 12 0912", "unclear"),
    (100_000 * "0", "unclear"),
]

PARTIAL = [
    ("04 38123456/57", HANOI),
    ("04 38123456 / 57", HANOI),
    ("04 38123456 - 57", HANOI),
    ("04 38123456/38123457", HANOI),
    ("04 38123456, 38123457", HANOI),
    ("04 38123456 hoặc 57", HANOI),
    ("04 38123456 ext 12/13", HANOI),
    ("04 38123456 Fax: 38123457", HANOI),
]


def one(value):
    found = scan(value)
    assert found.trouble == ""
    assert len(found.numbers) == 1
    return found.numbers[0]


@pytest.mark.parametrize(("value", "digits"), ONE_NUMBER)
def test_one_number_is_read_in_any_spelling(value, digits):
    number = one(value)
    assert (number.digits, number.plus, number.ext) == (digits, False, "")
    assert number.words == ""


@pytest.mark.parametrize(("value", "digits"), WITH_PLUS)
def test_plus_is_seen_wherever_it_stands(value, digits):
    number = one(value)
    assert (number.digits, number.plus, number.ext, number.words) == (digits, True, "", "")


@pytest.mark.parametrize(("value", "digits", "ext"), EXTENSIONS)
def test_extension_is_kept_apart_from_the_number(value, digits, ext):
    number = one(value)
    assert (number.digits, number.ext, number.words) == (digits, ext, "")


@pytest.mark.parametrize(("value", "digits", "ext", "words"), WORDS)
def test_words_beside_the_number_are_harmless(value, digits, ext, words):
    number = one(value)
    assert (number.digits, number.ext, number.words) == (digits, ext, words)


@pytest.mark.parametrize(("value", "digits", "words"), SEVERAL)
def test_several_complete_numbers_are_read_apart(value, digits, words):
    found = scan(value)
    assert found.trouble == ""
    assert tuple(n.digits for n in found.numbers) == digits
    assert tuple(n.words for n in found.numbers) == words


@pytest.mark.parametrize(("value", "trouble"), TROUBLE)
def test_what_cannot_be_read_is_named_and_left_alone(value, trouble):
    found = scan(value)
    assert (found.trouble, found.numbers) == (trouble, ())


@pytest.mark.parametrize(("value", "digits"), PARTIAL)
def test_second_number_without_area_code_is_reported(value, digits):
    found = scan(value)
    assert found.trouble == "partial-second"
    assert [n.digits for n in found.numbers] == [digits]


def test_extensions_of_several_numbers_stay_with_their_numbers():
    found = scan("04 3812 3456 máy lẻ 12 / 08 3812 3456 máy lẻ 34")
    assert [(n.digits, n.ext) for n in found.numbers] == [(HANOI, "12"), (HCMC, "34")]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("(08) 3812 3456", "(08) 3812 3456"),
        ("(08 3812 3456)", "08 3812 3456"),
        ("(+84) 168 1234567", "(+84) 168 1234567"),
        ("((+84) 168 1234567", "(+84) 168 1234567"),
        ("(+84 168 1234567)", "+84 168 1234567"),
        ("+ 84 168 1234567", "+ 84 168 1234567"),
        ("\u202a+84168\u200e1234567\u202c", "+84168\u200e1234567"),
        ("tel:+841681234567;ext=1", "+841681234567"),
        ("Fax: [08] 3812 3456 ext 12", "[08] 3812 3456"),
        ("ma\u0301y: 08 3812 3456 (Nam)", "08 3812 3456"),
    ],
)
def test_slice_runs_from_the_first_character_to_the_last_digit(value, written):
    number = one(value)
    assert value[number.start : number.end] == written


FORMS = [
    ("0168 123 4567", ("84", "1681234567", "national", 1, 1)),
    ("0838123456", ("84", "838123456", "national", 1, 1)),
    ("080 43162", ("84", "8043162", "national", 1, 1)),
    ("+84 168 123 4567", ("84", "1681234567", "international", 2)),
    ("+84 (0)168 123 4567", ("84", "1681234567", "international", 3, 1)),
    ("+8401681234567", ("84", "1681234567", "international", 3, 1)),
    ("0084 168 123 4567", ("84", "1681234567", "prefix", 4)),
    ("0084 0168 123 4567", ("84", "1681234567", "prefix", 5, 1)),
    ("84 168 123 4567", ("84", "1681234567", "bare", 2)),
    ("84 0168 123 4567", ("84", "1681234567", "bare", 3, 1)),
    ("84838123456", ("84", "838123456", "bare", 2)),
    ("1681234567", ("84", "1681234567", "no-trunk", 0)),
    ("838123456", ("84", "838123456", "no-trunk", 0)),
    ("841234567", ("84", "841234567", "no-trunk", 0)),
    ("113", ("84", "113", "short", 0)),
    ("1900 1234", ("84", "19001234", "short", 0)),
    ("1800 123456", ("84", "1800123456", "short", 0)),
    ("38123456", ("84", "38123456", "short", 0)),
    ("0438", ("84", "0438", "short", 0)),
    ("+1 212 555 0123", ("1", "2125550123", "international", 1)),
    ("001 212 555 0123", ("1", "2125550123", "prefix", 3)),
    ("+49 030 1234567", ("49", "0301234567", "international", 2)),
    ("+856 20 1234 5678", ("856", "2012345678", "international", 3)),
]


@pytest.mark.parametrize(("value", "expected"), FORMS)
def test_digits_mean_what_a_caller_would_reach(value, expected):
    assert dial(one(value), VN) == Dialled(*expected)


@pytest.mark.parametrize(
    "value", ["+84", "+999 123 456 789", "16812345678", "00 12", "210 1234567890"]
)
def test_what_no_caller_could_reach_means_nothing(value):
    assert dial(one(value), VN) is None


def test_country_without_trunk_prefix_dials_the_whole_number():
    norway = Dialing(country_code="47", trunk_prefix="", nsn_lengths=(8,))
    assert dial(one("22123456"), norway) == Dialled("47", "22123456", "national", 0)
    assert dial(one("+47 22 12 34 56"), norway) == Dialled("47", "22123456", "international", 2)


def test_number_without_trunk_prefix_is_none_from_abroad_while_it_is_short():
    ivory_coast = Dialing("225", "", ("00",), (8, 10))
    assert dial(one("00 12 34 56"), ivory_coast) == Dialled("225", "00123456", "national", 0)
    assert dial(one("00 84 912345678"), ivory_coast) == Dialled("84", "912345678", "prefix", 4)


def test_carrier_prefix_stands_for_the_trunk_prefix():
    brazil = Dialing(
        "55", "0", nsn_lengths=(10, 11), trunk_optional=True, carrier_prefixes=("015",)
    )
    assert dial(one("0 15 11 98123-4567"), brazil) == Dialled("55", "11981234567", "national", 3, 3)
    assert dial(one("0 11 98123-4567"), brazil) == Dialled("55", "11981234567", "national", 1, 1)
    assert dial(one("(11) 98123-4567"), brazil) == Dialled("55", "11981234567", "national", 0)


def test_trunk_prefix_that_may_begin_an_nsn_is_told_by_length():
    russia = Dialing("7", "8", ("810",), (10,))
    assert dial(one("8 812 123-45-67"), russia) == Dialled("7", "8121234567", "national", 1, 1)
    assert dial(one("812 123-45-67"), russia) == Dialled("7", "8121234567", "no-trunk", 0)
    assert dial(one("+7 812 123-45-67"), russia) == Dialled("7", "8121234567", "international", 1)
    assert dial(one("810 84 1681234567"), russia) == Dialled("84", "1681234567", "prefix", 5)


def test_bare_number_that_also_is_ordinary_means_nothing():
    assert dial(one("49301234567"), Dialing("49", "0", ("00",), (9, 11))) is None


RESPELLED = [
    ("0168.123.4567", 1, 3, "38", "038.123.4567"),
    ("016 8123 4567", 1, 3, "38", "03 8123 4567"),
    ("0 168 123 4567", 1, 3, "38", "0 38 123 4567"),
    ("01 68 123 4567", 1, 3, "38", "0 38 123 4567"),
    ("0 1 68 123 4567", 1, 3, "38", "0 38 123 4567"),
    ("(01)68 123 4567", 1, 3, "38", "(0)38 123 4567"),
    ("0(1)68 123 4567", 1, 3, "38", "0(3)8 123 4567"),
    ("(0168) 123 4567", 1, 3, "38", "(038) 123 4567"),
    ("08 3812 3456", 1, 1, "28", "028 3812 3456"),
    ("(84-8) 3812 3456", 2, 1, "28", "(84-28) 3812 3456"),
    ("+84 (0)168 123 4567", 3, 3, "38", "+84 (0)38 123 4567"),
    ("+84 8 3812 3456", 2, 1, "28", "+84 28 3812 3456"),
    ("(04) 3812 3456", 1, 1, "24", "(024) 3812 3456"),
    ("0511 3812 345", 1, 3, "236", "0236 3812 345"),
    ("05 11 3812345", 1, 3, "236", "02 36 3812345"),
    ("168 1234567", 0, 3, "38", "38 1234567"),
    ("1 68 1234567", 0, 3, "38", "38 1234567"),
    ("08 3812 3456", 1, 0, "2", "028 3812 3456"),
    ("0838123456", 10, 0, "7", "08381234567"),
    ("０１６８ １２３ ４５６７", 1, 3, "38", "０３８ １２３ ４５６７"),
    ("۰۸ ۳۸۱۲ ۳۴۵۶", 1, 1, "28", "۰۲۸ ۳۸۱۲ ۳۴۵۶"),
    ("tel:+84-168-123-4567;ext=12", 2, 3, "38", "tel:+84-38-123-4567;ext=12"),
    ("DĐ: 0168\xa0123\xa04567 (Nam)", 1, 3, "38", "DĐ: 038\xa0123\xa04567 (Nam)"),
    ("\u202a0\u200e168 1234567\u202c", 1, 3, "38", "\u202a0\u200e38 1234567\u202c"),
    ("08 3812 3456 máy lẻ 18", 1, 1, "28", "028 3812 3456 máy lẻ 18"),
    ("0168 123 4567", 1, 3, "", "0 123 4567"),
]


@pytest.mark.parametrize(("value", "at", "strip", "put", "after"), RESPELLED)
def test_new_digits_take_the_old_spelling(value, at, strip, put, after):
    assert respell(value, one(value), at, strip, put) == after


def test_second_number_of_a_field_is_respelled_alone():
    value = "0168 123 4567 / 0168.123.4568"
    assert respell(value, scan(value).numbers[1], 1, 3, "38") == "0168 123 4567 / 038.123.4568"


def test_digits_that_are_not_there_cannot_be_replaced():
    with pytest.raises(ValueError, match="number of 10"):
        respell("0838123456", one("0838123456"), 9, 2, "1")


def test_lone_surrogate_is_no_error():
    assert scan("0838123456 \ud800").numbers[0].digits == HCMC


def test_import_does_not_load_phonenumbers():
    code = "import sys, danhba.phone; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_fast_path_and_full_scan_agree():
    for value, *_ in ONE_NUMBER + WITH_PLUS:
        marked = scan("\u200e" + value).numbers[0]
        plain = scan(value).numbers[0]
        assert plain == Written(marked.start - 1, marked.end - 1, marked.digits, marked.plus)
