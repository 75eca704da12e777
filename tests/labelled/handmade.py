"""Labelled cards written by hand: near misses, traps and odd spellings.

Each class is a fault that a converter could have. All numbers and names are invented.
"""

from collections.abc import Iterator

from tests.labelled.card import COMPANY, Labelled, Tel, tel

_HCMC = "028 3812 3456"


def handmade() -> Iterator[Labelled]:
    """Yield all cards."""
    for part in (
        _brackets, _grouping, _labels, _words_like_labels, _faxes, _extensions, _handles, _twins,
        _neighbours, _dates, _addresses, _australia, _kinds, _several_in_a_field, _dialects,
        _companies, _other_spellings,
    ):  # fmt: skip
        yield from part()


def _one(about: str, *tels: Tel, lines: tuple[str, ...] = ()) -> Labelled:
    return Labelled(about, tels, lines)


def _brackets() -> Iterator[Labelled]:
    about = "decisive for the landline: brackets"
    for value, to in (
        ("(08) 3812 3456", "028 3812 3456"), ("(08)3812.3456", "028 3812 3456"),
        ("(08) 6212 3456", "028 6212 3456"), ("(08) 6312 3456", "028 6312 3456"),
        ("(08) 6612 3456", "028 6612 3456"), ("(08) 7112 3456", "028 7112 3456"),
        ("(08) 7312 3456", "028 7312 3456"), ("(08) 2212 3456", "028 2212 3456"),
        ("(08) 54 123 456", "028 5412 3456"), ("( 08 ) 3812 3456", "028 3812 3456"),
        ("(84-8) 3812 3456", "84 28 3812 3456"), ("(84 8) 38123456", "84 28 3812 3456"),
        ("(+84-8) 3812 3456", "+84 28 3812 3456"), ("(+84 8) 38123456", "+84 28 3812 3456"),
        ("(84.8) 3812.3456", "84 28 3812 3456"), ("+84 (8) 3812 3456", "+84 28 3812 3456"),
        ("(8) 3812 3456", "28 3812 3456"),
    ):  # fmt: skip
        yield _one(about, tel(value, "convert", to))
    about = "nothing decides: brackets around something else"
    for value in (
        "(083) 812 3456", "(0838) 123 456", "(0838)123456", "08(3812)3456", "(0838123456)",
        "(+84) 838123456", "(84) 838 123 456", "+84 (83) 812 3456", "+84 (0) 83 812 3456",
        "(+84 83) 812 3456", "(0)838123456",
    ):  # fmt: skip
        yield _one(about, Tel(value, "keep|ask"))
    about = "decisive for the mobile: first digit, bracketed"
    for value in (
        "(08) 8812 3456", "(08) 1812 3456", "(08) 9812 3456", "(08) 6812 3456", "(08) 6912 3456",
        "(08) 6012 3456", "(08) 7912 3456", "(08) 7012 3456",
    ):  # fmt: skip
        yield _one(about, Tel(value, "keep"))
    about = "nothing decides: brackets outside Ho Chi Minh City"
    for value in ("(037) 382 1234", "(038)3821234", "(076) 3 821 234", "(84-37) 382 1234"):
        yield _one(about, Tel(value, "keep"))
    about = "one reading: in brackets"
    for value, to in (
        ("(04) 3825 1234", "024 3825 1234"), ("(84-4) 3825 1234", "84 24 3825 1234"),
        ("(0511) 382 1234", "0236 382 1234"), ("(+84 511) 3821234", "+84 236 382 1234"),
        ("(84 4) 38251234", "84 24 3825 1234"), ("(0168) 123 4567", "038 123 4567"),
    ):  # fmt: skip
        yield _one(about, tel(value, "convert", to))


def _grouping() -> Iterator[Labelled]:
    for value in ("08 3812 3456", "08-3812-3456", "08.3812.3456", "+84 8 3812 3456",
                  "+84-8-38123456", "+84.8.3812.3456", "0084 8 3812 3456", "08 38123456",
                  "(+84) 8 3812 3456", "84 8 3812 3456"):  # fmt: skip
        yield _one("suggests the landline: separator", Tel(value, "ask"))
    for value in ("083 812 3456", "0838 123 456", "083.812.3456", "+84 83 812 3456", "0838-123-456",
                  "083 8123456", "+84 838 123 456", "0 838 123 456", "08381 23456"):  # fmt: skip
        yield _one("suggests the mobile: grouped-as-mobile", Tel(value, "keep"))
    for value in ("037 382 1234", "037 3821234", "0373 821 234", "037.382.1234", "+84 37 3821234",
                  "03 7382 1234", "037-3-821-234"):  # fmt: skip
        yield _one("nothing decides: grouping outside Ho Chi Minh City", Tel(value, "keep"))


def _labels() -> Iterator[Labelled]:
    for label in (
        "ĐT bàn", "đt bàn", "Máy bàn", "MÁY BÀN", "máy  bàn", "Bàn", "Số bàn", "Điện thoại bàn",
        "Cố định", "ĐT cố định", "Điện thoại cố định", "Landline", "LANDLINE", "may ban", "DT ban",
        "co dinh", "dien thoai co dinh", "Ma\u0301y ba\u0300n", "Máy bàn:", "Máy bàn (cũ)",
        "Máy bàn cơ quan", "land line", "DT bàn", "Dt ban", "máy ban", "Đ.T bàn", "co định",
    ):  # fmt: skip
        target = Tel("0838123456", "convert", "02838123456", label=label)
        yield _one("decisive for the landline: label-fixed", target)
        target = Tel("0373821234", "convert", "02373821234", label=label)
        yield _one("decisive for the landline: label-fixed", target)
    for label in (
        "di động", "Di động", "DI ĐỘNG", "DĐ", "dđ", "ĐTDĐ", "đtdđ", "Đ.T.D.Đ", "DTDĐ",
        "di đông", "Zalo", "zalo", "Viber", "VIBER", "Số Zalo", "ĐT di động",
        "Điện thoại di động", "di dong", "dtdd", "DTDD",
        "Di đô\u0323ng",
    ):  # fmt: skip
        yield _one("decisive for the mobile: label-mobile", Tel("0838123456", label=label))
        fax = Tel("0373821234", "ask", params=";TYPE=FAX", label=label)
        yield _one("decisive on both sides: several pieces", fax)
    for text in ("0838123456 (máy bàn)", "Máy bàn: 0838123456", "0838123456 - cố định"):
        yield _one(
            "decisive for the landline: word beside the number", Tel(text, "convert", "02838123456")
        )
    for text in ("0838123456 (di động)", "DĐ: 0838123456", "0838123456 Zalo", "ĐTDĐ 0838123456"):
        yield _one(
            "decisive on both sides: word beside the number", Tel(text, "ask", params=";TYPE=FAX")
        )


def _words_like_labels() -> Iterator[Labelled]:
    """Labels that hold the letters of a decisive word and mean something else."""
    for label in (
        "bạn", "Bạn bè", "bạn thân", "Bạn học", "bán hàng", "Bán hàng", "ban hang", "Ban giám đốc",
        "Ban quản lý", "ban giam doc", "bán", "bản thân", "Trưởng ban", "bàn giao", "Bangkok",
        "máy bạn", "số bạn", "so ban", "Lan", "island", "Việt Nam", "Chính", "Khác", "Mẹ", "Nhà",
        "Công ty", "di dời", "cá định", "Gia đình", "băn khoăn",
    ):  # fmt: skip
        yield _one(
            "nothing decides: label that only looks decisive",
            Tel("0373821234", "keep|ask", label=label),
        )
    for label in ("ban", "không phải fax", "Khong phai may ban", "ko phải máy bàn",
                  "không phải máy bàn", "không phải số cố định", "not a landline",
                  "máy bàn đã bỏ, giờ là di động", "bàn/di động"):  # fmt: skip
        yield _one(
            "nothing decides: label that denies or can be read two ways",
            Tel("0373821234", "keep|ask", label=label),
        )
    for label in (
        "_$!<Mobile>!$_",
        "_$!<Home>!$_",
        "_$!<Work>!$_",
        "_$!<Main>!$_",
        "_$!<Other>!$_",
    ):
        yield _one(
            "nothing decides: label of Apple's own", Tel("0373821234", "keep|ask", label=label)
        )


def _faxes() -> Iterator[Labelled]:
    about = "decisive for the landline: fax"
    for params in (";FAX", ";WORK;FAX", ";TYPE=WORK;TYPE=FAX", ";TYPE=fax,work", ";type=Fax",
                   ";TYPE=FAX;TYPE=PREF", ";FAX;HOME;PREF", ";TYPE=FAX,CELL"):  # fmt: skip
        yield _one(about, Tel("0373821234", "convert", "02373821234", params))
        yield _one(about, Tel("0838123456", "convert", "02838123456", params))
    for label in ("Fax", "FAX", "Số fax", "_$!<WorkFAX>!$_", "_$!<HomeFAX>!$_", "_$!<OtherFAX>!$_",
                  "Fax VP"):  # fmt: skip
        yield _one(about, Tel("0373821234", "convert", "02373821234", label=label))
    for value in ("Fax: 0373821234", "0373821234 (Fax)", "0373821234 fax", "FAX 037 3821234",
                  "Fax:0373821234"):  # fmt: skip
        yield _one(about, Tel(value, "convert", "02373821234"))
    about = "nothing decides: fax of another number"
    yield _one(about, Tel("0373821234"), Tel("0373899999", "convert", "02373899999", ";TYPE=FAX"))
    yield _one(about, Tel("0838123456"), Tel("028 3899 9999", params=";TYPE=FAX"))
    yield _one(about, Tel("0373821234"), lines=("NOTE:Fax: 0373821234",))
    for label in ("Fairfax", "Halifax", "faxina"):
        yield _one(
            "nothing decides: label that only looks decisive",
            Tel("0373821234", "keep|ask", label=label),
        )


def _extensions() -> Iterator[Labelled]:
    about = "decisive for the landline: extension"
    for behind in (
        " ext 12", " ext.12", " ext: 12", " Ext 105", " EXT.105", " x12", " x 12", " #12", " # 105",
        " máy lẻ 12", " (máy lẻ 12)", " máy lẻ: 12", " - máy lẻ 12", " nhánh 3", " số nội bộ 105",
        " may le 12", " nhanh 3", " so noi bo 105", " Máy lẻ 12", " (ext. 12)", ", ext 12",
    ):  # fmt: skip
        yield _one(about, Tel(f"0838123456{behind}", "convert", "02838123456"))
        yield _one(about, Tel(f"037 382 1234{behind}", "convert", "02373821234"))
    uri = Tel("tel:+84-37-382-1234;ext=105", "convert", "+842373821234", ";VALUE=uri")
    yield Labelled(about, (uri,), version="4.0")
    about = "nothing decides: no extension"
    for value in ("037 382 1234 #", "037 382 1234 x", "037 382 1234 ext", "037 382 1234 (3)",
                  "037 382 1234 máy lẻ", "037 382 1234 - 12", "037 382 1234/12",
                  "037 382 1234;12", "037 382 1234 (nhánh sông)"):  # fmt: skip
        yield _one(about, Tel(value, "keep|ask"))


def _handles() -> Iterator[Labelled]:
    for line in (
        "IMPP:zalo:0373821234", "IMPP:whatsapp:+84373821234", "IMPP:viber:84373821234",
        "IMPP;X-SERVICE-TYPE=Zalo;TYPE=HOME:x-apple:0373821234", "X-WHATSAPP:+84 37 382 1234",
        "X-ZALO:037.382.1234", "X-VIBER:+84373821234",
        "item9.IMPP;X-SERVICE-TYPE=WhatsApp:whatsapp:0373821234",
    ):  # fmt: skip
        yield _one("decisive for the mobile: messenger", Tel("0373821234"), lines=(line,))
        fax = Tel("0373821234", "ask", params=";TYPE=FAX")
        yield _one("decisive on both sides: messenger", fax, lines=(line,))
    about = "decisive for the landline: handle with other digits"
    for line in (
        "IMPP:zalo:0373821235", "IMPP:whatsapp:+84912345678", "IMPP:skype:company.hanoi",
        "X-WHATSAPP:+842373821234", "IMPP:zalo:373821", "IMPP:xmpp:0373821234567@example.org",
    ):  # fmt: skip
        fax = Tel("0373821234", "convert", "02373821234", ";TYPE=FAX")
        yield _one(about, fax, lines=(line,))


def _twins() -> Iterator[Labelled]:
    about = "decisive for the landline: new-form"
    for new in ("0237 382 1234", "+84 237 382 1234", "(0237) 3821234", "02373821234",
                "842373821234", "0084 237 3821234", "0237.382.1234 ext 12"):  # fmt: skip
        yield _one(about, Tel("037 382 1234", "convert", "02373821234"), Tel(new))
    about = "nothing decides: new form of another number"
    for new in ("0237 382 5678", "0238 382 1234", "024 3738 2123", "0297 382 1234"):
        yield _one(about, Tel("037 382 1234", "keep|ask"), Tel(new))
    about = "decisive for the mobile: old-mobile"
    for old in ("0167 382 1234", "+84 167 382 1234", "01673821234", "841673821234"):
        prefix = old[:3] if old.startswith("+") else "84" if old.startswith("84") else "0"
        yield _one(about, Tel("0373821234"), Tel(old, "convert", f"{prefix}373821234"))
    about = "suggests the landline: old mobile of another number"
    yield _one(about, Tel("037 382 1234", "ask"), Tel("0167 382 1235", "convert", "0373821235"))
    yield _one(about, Tel("037 382 1234", "ask"), Tel("0168 382 1234", "convert", "0383821234"))


def _neighbours() -> Iterator[Labelled]:
    about = "nothing decides: contested neighbour"
    contested = Tel("0373821234", "ask", params=";TYPE=FAX", label="Zalo")
    yield _one(about, contested, Tel("0373821240", "keep|ask"))
    contested = Tel("0373821234 ext 3", "ask", label="di động")
    yield _one(about, contested, Tel("0373821240", "keep|ask"))
    about = "nothing decides: neighbour that says nothing"
    yield _one(about, Tel("0373821234"), Tel("0373821240"))
    yield _one(about, Tel("0373821234"), Tel("0383821240", "convert", "02383821240", ";TYPE=FAX"))
    yield _one(about, Tel("0838123456"), Tel("0863812340", "keep"))
    yield _one(about, Tel("0373821234"), Tel("0373821240", label="Zalo"))
    about = "suggests the landline: neighbour in its new form"
    yield _one(about, Tel("0838123456"), Tel("028 3812 3556"))
    for new in ("028 3812 3457", "+84 28 3812 3555", "02838123357"):
        yield _one(about, Tel("0838123456", "ask"), Tel(new))
        yield _one(about, Tel("0838123456", label="Zalo"), Tel(new))
    about = "decisive for the landline: neighbours proved together"
    fax = Tel("(08) 3812 3456", "convert", "02838123456")
    near = tuple(Tel(f"083812{n}", "convert", f"0283812{n}") for n in (3457, 3460, 3499, 3400))
    yield _one(about, fax, *near)
    fax = Tel("+84 37 382 1234 ext 9", "convert", "+842373821234")
    yield _one(about, fax, Tel("037 382 1299", "convert", "02373821299"))


def _dates() -> Iterator[Labelled]:
    old, new = "0373821234", "02373821234"
    about = "decisive for the landline: date"
    for rev in ("REV:20150101T101112Z", "REV:2015-01-01T10:11:12.345Z", "REV:2015-01-01",
                "REV;VALUE=DATE-TIME:2015-01-01T10:11:12Z", "REV:20150101",
                "REV:2015-01-01T10:11:12+07:00", "rev:2015-01-01T10:11:12Z",
                "REV:2018-07-31T10:00:00Z"):  # fmt: skip
        yield _one(about, Tel(old, "convert", new), lines=(rev,))
        yield _one(about, Tel(old, "convert", new, ";TYPE=CELL"), lines=(rev,))
    about = "date that proves nothing: not of the card, or late"
    for revs in (("REV:2015-01-01T10:11:12Z", "REV:2022-01-01T10:11:12Z"),
                 ("REV:2018-08-01T12:00:00Z",), ("REV:2018-08-08",), ("BDAY:1985-02-03",),
                 ("X-REV:2015-01-01T10:11:12Z",), ("NOTE:REV:2015-01-01T10:11:12Z",),
                 ("X-CREATED:2015-01-01",)):  # fmt: skip
        yield _one(about, Tel(old), lines=revs)
    about = "decisive on both sides: date"
    rev = ("REV:2015-05-05T05:05:05Z",)
    yield _one(about, Tel(old, "ask", label="Zalo"), lines=rev)
    yield _one(about, Tel(old, "ask"), lines=(*rev, "IMPP:zalo:0373821234"))
    yield _one(about, Tel(old, "ask"), Tel("01673821234", "convert", old), lines=rev)
    about = "date that proves nothing: belied by a newer number"
    for newer in ("028 3812 9999", "+84 24 3825 1234", "0236 3821 999", "0898 123 456",
                  "0868123456", "0812345678"):  # fmt: skip
        yield _one(about, Tel(old), Tel(newer), lines=rev)
    about = "date that proves nothing: belied by a sure mobile"
    doubted = Tel(old, "keep|ask")
    zalo = Tel("0383812345", "ask", label="Zalo")
    yield _one(about, doubted, zalo, lines=rev)
    yield _one(about, doubted, Tel("0383812345", "ask"), lines=(*rev, "IMPP:zalo:0383812345"))
    twins = Tel("0383812345", "ask"), Tel("0168 381 2345", "convert", "0383812345")
    yield _one(about, doubted, *twins, lines=rev)
    yield _one(about, doubted, Tel("0389123456", "ask|keep"), lines=rev)
    yield _one(about, Tel(old, "convert", new, ";TYPE=FAX"), zalo, lines=rev)
    both = (Tel(old, "convert", new), Tel("0705 123 456", "convert", "02705123456"))
    yield _one("decisive for the landline: date", *both, lines=rev)
    also = (Tel(old, "convert", new), Tel("0912 345 678"), Tel("+1 650 253 0000"))
    yield _one("decisive for the landline: date", *also, lines=rev)


def _addresses() -> Iterator[Labelled]:
    def at(locality: str, region: str = "", country: str = "", street: str = "12 Phố Mẫu") -> str:
        return f"ADR;TYPE=WORK:;;{street};{locality};{region};;{country}"

    about = "suggests the landline: address-there"
    for number, place in (
        ("0363821234", "Thái Bình"), ("0363821234", "Hưng Yên"), ("0363821234", "Thai Binh"),
        ("0773821234", "Kiên Giang"), ("0773821234", "An Giang"), ("0793821234", "Cần Thơ"),
        ("0793821234", "Sóc Trăng"), ("0563821234", "Bình Định"), ("0563821234", "Gia Lai"),
        ("0313821234", "Hải Phòng"), ("0313821234", "TP. Hải Phòng"), ("0333821234", "Quang Ninh"),
        ("0303821234", "Tỉnh Ninh Bình"), ("0583821234", "KHÁNH HÒA"), ("0583821234", "Khánh Hoà"),
        ("0523821234", "Quảng Bình"), ("0523821234", "Quảng Trị"), ("0373821234", "Thanh Hoá"),
        ("0838123456", "Ho Chi Minh City"), ("0838123456", "TP.HCM"), ("0838123456", "TPHCM"),
        ("0838123456", "Sài Gòn"), ("0838123456", "Saigon"), ("0838123456", "Tp Hồ Chí Minh"),
        ("0838123456", "Thành phố Hồ Chí Minh"), ("0838123456", "HCMC"),
    ):  # fmt: skip
        yield _one(about, Tel(number, "ask"), lines=(at("", place),))
        yield _one(about, Tel(number, "ask"), lines=(at(place, "", "Việt Nam"),))
    for number, place in (
        ("0838123456", "Quận 1\\, TP. Hồ Chí Minh"), ("0383821234", "Vinh\\, Nghệ An"),
        ("0363821234", "Thái Bình\\, Việt Nam"), ("0583821234", "Nha Trang - Khánh Hòa"),
    ):  # fmt: skip
        yield _one(
            "suggests the landline: address in one part", Tel(number, "ask"), lines=(at(place),)
        )
        street = f"ADR:;;12 Lê Lợi\\, {place};;;;"
        yield _one(
            "suggests the landline: address in one part", Tel(number, "ask"), lines=(street,)
        )
    about = "suggests the mobile: address-elsewhere"
    for number, place in (
        ("0363821234", "Hà Nội"), ("0363821234", "Ninh Bình"), ("0563821234", "Bình Dương"),
        ("0838123456", "Hà Nội"), ("0583821234", "Đà Nẵng"), ("0523821234", "Quảng Ngãi"),
        ("0333821234", "Quảng Nam"), ("0303821234", "Thái Bình"), ("0793821234", "Hậu Lộc"),
    ):  # fmt: skip
        yield _one(about, Tel(number), lines=(at("", place),))
    about = "nothing decides: street named after a province"
    yield _one(about, Tel("0363821234"), lines=(at("Hà Nội", "", "", "12 Thái Bình"),))
    yield _one(about, Tel("0373821234"), lines=(at("Hà Nội", "", "", "12 Thanh Hóa"),))
    yield _one(about, Tel("0373821234"), lines=("ADR:;;12 Thanh Hóa\\, Hà Nội;;;;",))
    about = "one reading: address at home"
    for country in ("CHXHCN Việt Nam", "Socialist Republic of Vietnam", "VIỆT-NAM", "Viet Nam.",
                    "TP. Hồ Chí Minh", "Hà Nội"):  # fmt: skip
        old = Tel("0168 123 4567", "convert", "0381234567")
        yield _one(about, old, lines=(at("Quận 1", "", country),))


def _australia() -> Iterator[Labelled]:
    about = "foreign cards: Australian (08)"
    for lines in (("ADR:;;1 Hay St;Perth;WA;6000;Australia",), ("ADR:;;1 Hay St;Perth;WA;6000;Úc",),
                  ("ADR:;;1 Hay St;Perth;WA;6000;AU",)):  # fmt: skip
        yield _one(about, Tel("(08) 6212 3456", "keep|ask"), lines=lines)
        yield _one(about, Tel("(08) 6212 3456", "ask|keep", params=";TYPE=FAX"), lines=lines)
    yield _one(about, Tel("(08) 6212 3456", "keep|ask"), Tel("+61 8 6212 3499"))
    yield _one(about, Tel("(08) 6212 3456", "keep|ask"), Tel("+61 412 345 678"))
    yield _one(about, Tel("(04) 3812 3456", "ask"), Tel("+61 412 345 678"), Tel("+61 8 6212 3499"))
    yield _one(about, Tel("0438 123 456", "ask"), lines=("ADR:;;1 Hay St;Perth;WA;6000;Australia",))


def _kinds() -> Iterator[Labelled]:
    about = "nothing decides: satellite or Đồng Tháp"
    yield _one(about, Tel("0672 123 456"))
    yield _one(about, Tel("067 2123456", "convert", "02772123456"), lines=("REV:2017-07-01",))
    yield _one(about, Tel("067 2123456"), lines=("REV:2017-08-01",))
    yield _one("one reading: satellite", Tel("0992 123 456", "convert", "0672123456"))
    yield _one("double hop: asked about", Tel("0992 123 456", "ask", params=";TYPE=FAX"))
    about = "one reading: whatever its type"
    yield _one(about, Tel("0511 3821234", "convert", "02363821234", ";TYPE=CELL"))
    yield _one(about, Tel("04 38251234", "convert", "02438251234", ";TYPE=CELL", "Di động"))
    yield _one(about, Tel("0168 1234567", "convert", "0381234567", ";TYPE=HOME"))
    yield _one(about, Tel("0168 1234567", "convert", "0381234567", ";TYPE=CELL", "Zalo"))
    about = "left alone: no such number"
    for value in ("04 0825 1234", "04 1825 1234", "04 9825 1234", "080 123 4567", "0890 123 456"):
        yield _one(about, Tel(value, params=";TYPE=FAX"))


def _several_in_a_field() -> Iterator[Labelled]:
    about = "one reading: several in a field"
    for value, to in (
        ("0168 123 4567 / 0912 345 678", "038 123 4567 0912 345 678"),
        ("0912345678 - 0168 123 4567", "0912345678 038 123 4567"),
        ("04 3825 1234, 04 3825 5678", "024 3825 1234 024 3825 5678"),
        ("0168 123 4567; 0169 123 4567", "038 123 4567 039 123 4567"),
    ):  # fmt: skip
        yield _one(about, tel(value, "convert", to))
    about = "left alone: second number written in part"
    for value in ("04 38251234/57", "04 38251234 - 38251235", "0168 123 4567/68",
                  "08 38123456/57/58", "(08) 38123456-7"):  # fmt: skip
        yield _one(about, Tel(value, "keep|ask"))
    about = "left alone: no number"
    for value in ("", "gọi mẹ", "0168 xxx xxxx", "0168 123", "0168 123 45678", "016812345678901",
                  "*101#", "anh@example.org", "0168-123-456O", "0168_123_4567"):  # fmt: skip
        yield _one(about, Tel(value))


def _dialects() -> Iterator[Labelled]:
    about = "decisive for the landline: vCard dialects"
    qp = ";X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=4D=C3=A1=79=20=62=C3=A0=6E)"
    yield Labelled(about, (Tel("0373821234", "convert", "02373821234", qp),), version="2.1")
    custom = Tel("0373821234", "convert", "02373821234", ";X-Máy bàn")
    yield Labelled(about, (custom,), version="2.1")
    fax = Tel("0373821234", "convert", "02373821234", ";WORK;FAX")
    yield Labelled(about, (fax,), version="2.1")
    quoted = Tel("tel:+84373821234", "convert", "+842373821234", ';TYPE="fax,work";VALUE=uri')
    yield Labelled(about, (quoted,), version="4.0")
    bare = Tel("tel:+84373821234", params=';TYPE="voice,work";VALUE=uri', expect="ask")
    yield Labelled(about, (bare,), version="4.0")
    old = Tel("tel:+84-168-123-4567", "convert", "+84381234567", ";VALUE=uri;TYPE=cell")
    yield Labelled(about, (old,), version="4.0")


def _companies() -> Iterator[Labelled]:
    about = "suggests the landline: company"
    kinds = (
        (COMPANY, ()), (("FN:Công ty Mẫu", "ORG:Công ty Mẫu"), ()),
        (("N:;Công ty Mẫu;;;", "FN:Công ty Mẫu", "ORG:Công ty Mẫu"), ("X-ABShowAs:COMPANY",)),
        (("FN:Công ty Mẫu",), ("KIND:org",)),
    )  # fmt: skip
    for name, lines in kinds:
        yield Labelled(about, (Tel("0373821234", "ask"),), lines, name)
        yield Labelled(
            "one reading: on a company's card",
            (Tel("0168 123 4567", "convert", "0381234567"),),
            lines,
            name,
        )
        yield Labelled(
            "one reading: on a company's card",
            (Tel("04 3825 1234", "convert", "02438251234"),),
            lines,
            name,
        )
    person = ("N:Mẫu;Thẻ;;;", "FN:Thẻ Mẫu", "ORG:Công ty Mẫu")
    yield Labelled("nothing decides: bare number", (Tel("0373821234"),), (), person)


def _other_spellings() -> Iterator[Labelled]:
    about = "one reading: odd spellings"
    for value, to in (
        ("0168\u00a0123\u00a04567", "038 123 4567"), ("٠١٦٨١٢٣٤٥٦٧", "038 123 4567"),
        ("０１６８１２３４５６７", "038 123 4567"), ("+84(0)168 123 4567", "+84 0 38 123 4567"),
        ("\u202d0168 123 4567\u202c", "038 123 4567"), ("0168–123–4567", "038 123 4567"),
        ("0 1 6 8 1 2 3 4 5 6 7", "038 123 4567"), ("016 8123 4567", "038 123 4567"),
        ("00 84 (0) 168 123 4567", "0084 0 38 123 4567"), ("+84 168.123.4567", "+84 38 123 4567"),
        ("0168·123·4567", "038 123 4567"),
        ("+84 0168 123 4567", "+84 0 38 123 4567"), ("(84) 168 123 4567", "84 38 123 4567"),
        ("+ 84 168 123 4567", "+84 38 123 4567"),
    ):  # fmt: skip
        yield _one(about, Tel(value, "convert", _plain(to)))


def _plain(text: str) -> str:
    return text.replace(" ", "")
