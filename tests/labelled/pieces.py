"""The pieces of evidence that a card can hold, each with its side and strength, and what they make.

A piece knows how to put itself on a card. What a set of pieces decides is said here once, by the
rules of `docs/evidence.md`, from the pieces alone; danhba has to find them on the card.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random

from tests.labelled.card import COMPANY, PERSON, Labelled, Tel, digits
from tests.labelled.facts import MOBILE, Range


@dataclass
class Draft:
    """A card in the making, about one ambiguous number.

    Attributes:
        range: The range it is of.
        rest: Its digits behind the area code.
        write: Writes area code (without 0) and rest as they stand on the card.
        behind: What is written behind the number.
        types: Its TYPE values.
        others: The other phone fields.
    """

    range: Range
    rest: str
    write: Callable[[str, str], str] = lambda code, rest: f"0{code}{rest}"
    behind: str = ""
    label: str = ""
    types: list[str] = field(default_factory=list)
    others: list[Tel] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    name: tuple[str, ...] = PERSON

    def neighbour(self, distance: int) -> str:
        """Return the digits behind the area code of a number so far away."""
        far = int(self.rest) + distance
        if f"{far:0{len(self.rest)}}"[:3] != self.rest[:3]:
            far = int(self.rest) - distance
        return f"{far:0{len(self.rest)}}"


Put = Callable[[Draft, Random], None]


@dataclass(frozen=True)
class Piece:
    """A piece of evidence.

    Attributes:
        name: What it is.
        side: `fixed`, `mobile`, or `foreign`.
        decisive: Whether it decides alone.
        slot: The place it takes on the card; two pieces cannot share one.
        put: Puts it on a draft.
        city: Whether it is only there for Ho Chi Minh City.
    """

    name: str
    side: str
    decisive: bool
    slot: str
    put: Put
    city: bool = False

    @property
    def hops(self) -> bool:
        """Whether the old mobile on the same card must not be converted unasked.

        The old form proves that the new one is a mobile. Once it is converted, what speaks for the
        landline stands alone, and a second run would make a landline of it. Only a date does not
        stay (the write sets a new one), nor do neighbours that were converted themselves.
        """
        return self.side == "fixed" and self.decisive and self.slot not in ("date", "sibling")

    def fits(self, range_: Range, rest: str) -> bool:
        """Say whether a number can have it."""
        if self.name == "old-mobile":
            return bool(old_mobile_of(range_.old + rest))
        return not self.city or range_.old == "8"


# -- how each piece gets onto a card ---------------------------------------------------------------


def _older(draft: Draft, rng: Random) -> None:
    year = int(draft.range.since[:4])
    day = f"{rng.randint(2003, year - 1)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    forms = (f"{day}T10:20:30Z", f"{day.replace('-', '')}T102030Z", day, f"{day}T10:20:30+07:00")
    draft.lines.append(f"REV:{rng.choice(forms)}")


def _later(draft: Draft, rng: Random) -> None:
    draft.lines.append(f"REV:{rng.randint(2020, 2025)}-{rng.randint(1, 12):02}-11T10:20:30Z")


def _type(*kinds: str) -> Put:
    return lambda draft, rng: draft.types.append(rng.choice(kinds))


def _label(*words: str) -> Put:
    def put(draft: Draft, rng: Random) -> None:
        draft.label = rng.choice(words)

    return put


def _behind(*texts: str) -> Put:
    def put(draft: Draft, rng: Random) -> None:
        draft.behind = rng.choice(texts)

    return put


def _written(*forms: Callable[[str, str], str]) -> Put:
    def put(draft: Draft, rng: Random) -> None:
        draft.write = rng.choice(forms)

    return put


def _new_form(draft: Draft, rng: Random) -> None:
    new, rest = draft.range.new, draft.rest
    draft.others.append(Tel(rng.choice((f"0{new} {rest}", f"+84 {new} {rest}", f"0{new}{rest}"))))


def _fax_beside(draft: Draft, rng: Random) -> None:
    rest = draft.neighbour(rng.randint(1, 99))
    to = f"0{draft.range.new}{rest}"
    draft.others.append(Tel(f"0{draft.range.old}{rest}", "convert", to, ";TYPE=FAX"))


def _desk_beside(draft: Draft, rng: Random) -> None:
    rest = draft.neighbour(rng.randint(1, 99))
    to = f"0{draft.range.new}{rest}"
    draft.others.append(Tel(f"0{draft.range.old}{rest} ext 21", "convert", to))


def _bracketed_beside(draft: Draft, rng: Random) -> None:
    rest = draft.neighbour(rng.randint(1, 99))
    draft.others.append(Tel(f"(08) {rest[:4]} {rest[4:]}", "convert", f"028{rest}"))


def old_mobile_of(today: str) -> str:
    """Return the mobile number, with its 0, that became these digits (without 0) in 2018."""
    old = next((old for old, new in MOBILE.items() if new == today[:2]), "")
    return f"0{old}{today[2:]}" if old else ""


def _old_mobile_too(draft: Draft, rng: Random) -> None:
    number = old_mobile_of(draft.range.old + draft.rest)
    spelled = rng.choice((number, f"{number[:4]} {number[4:]}"))
    draft.others.append(Tel(spelled, "convert", f"0{draft.range.old}{draft.rest}"))


def _handle(draft: Draft, rng: Random) -> None:
    today = draft.range.old + draft.rest
    forms = (
        f"IMPP:zalo:0{today}", f"IMPP;X-SERVICE-TYPE=WhatsApp:whatsapp:+84{today}",
        f"IMPP:viber:+84{today}", f"X-ZALO:0{today}", f"X-WHATSAPP:+84{today}",
    )  # fmt: skip
    draft.lines.append(rng.choice(forms))


def _address(place: str) -> str:
    return f"ADR;TYPE=HOME:;;12 Phố Mẫu;;{place};;Việt Nam"


def _there(draft: Draft, rng: Random) -> None:
    names = [draft.range.province, draft.range.now]
    names += [f"Tỉnh {names[0]}"] if draft.range.old != "8" else ["TP. Hồ Chí Minh", "Sài Gòn"]
    draft.lines.append(_address(rng.choice(names)))


def _elsewhere(draft: Draft, rng: Random) -> None:
    del rng
    draft.lines.append(_address("Lạng Sơn"))


def _abroad(draft: Draft, rng: Random) -> None:
    where = rng.choice(("Lyon;;69001;France", "Berlin;;10115;Germany", "Osaka;;;Nhật Bản"))
    draft.lines.append(f"ADR;TYPE=HOME:;;1 Main St;{where}")


def _company(draft: Draft, rng: Random) -> None:
    del rng
    draft.name = COMPANY


_OTHER_OLD = "0169 77 1"


def _other_old(draft: Draft, rng: Random) -> None:
    last = f"{rng.randint(1000, 9999)}"
    mobile, fixed = (f"{_OTHER_OLD}{last}", f"039771{last}"), (f"0511 38 1{last}", f"0236381{last}")
    old, to = rng.choice((mobile, fixed))
    draft.others.append(Tel(old, "convert", to))


PIECES = (
    Piece("date", "fixed", True, "date", _older),
    Piece("fax", "fixed", True, "type", _type("FAX", "WORK,FAX", "HOME,FAX", "fax")),
    Piece("extension", "fixed", True, "behind", _behind(
        " ext 12", " ext. 105", " x12", " #12", " máy lẻ 12", " (máy lẻ 105)", " nhánh 3",
        " số nội bộ 12", " may le 12", ", nhánh: 12",
    )),
    Piece("label-fixed", "fixed", True, "label", _label(
        "ĐT bàn", "Máy bàn", "bàn", "Cố định", "landline", "may ban", "DT ban", "co dinh",
        "Điện thoại bàn", "ĐT cố định", "Landline", "MÁY BÀN", "số cố định",
    )),
    Piece("new-form", "fixed", True, "twin", _new_form),
    Piece("brackets", "fixed", True, "write", _written(
        lambda _, rest: f"(08) {rest[:4]} {rest[4:]}",
        lambda _, rest: f"(08){rest}",
        lambda _, rest: f"(84-8) {rest[:4]} {rest[4:]}",
        lambda _, rest: f"(+84 8) {rest[:4]} {rest[4:]}",
        lambda _, rest: f"(84 8) {rest[:4]}{rest[4:]}",
        lambda _, rest: f"+84 (8) {rest[:4]} {rest[4:]}",
        lambda _, rest: f"(08)-{rest[:4]}.{rest[4:]}",
    ), city=True),
    Piece("fax-beside", "fixed", True, "sibling", _fax_beside),
    Piece("extension-beside", "fixed", True, "sibling", _desk_beside),
    Piece("brackets-beside", "fixed", True, "sibling", _bracketed_beside, city=True),
    Piece("label-mobile", "mobile", True, "label", _label(
        "di động", "DĐ", "ĐTDĐ", "Zalo", "Viber", "Di Động", "đtdđ", "DD", "di dong",
        "Số di động", "Zalo/Viber",
    )),
    Piece("messenger", "mobile", True, "handle", _handle),
    Piece("old-mobile", "mobile", True, "old", _old_mobile_too),
    Piece("separator", "fixed", False, "write", _written(
        lambda _, rest: f"08 {rest[:4]} {rest[4:]}",
        lambda _, rest: f"+84 8 {rest[:4]} {rest[4:]}",
        lambda _, rest: f"+84-8-{rest[:4]}-{rest[4:]}",
        lambda _, rest: f"08-{rest}",
        lambda _, rest: f"08.{rest[:4]}.{rest[4:]}",
    ), city=True),
    Piece("type-place", "fixed", False, "type", _type("WORK", "HOME", "WORK,VOICE", "HOME,VOICE")),
    Piece("address-there", "fixed", False, "address", _there),
    Piece("company", "fixed", False, "name", _company),
    Piece("other-old", "fixed", False, "other", _other_old),
    Piece("label-office", "fixed", False, "label", _label(
        "Văn phòng", "văn phòng", "ĐT văn phòng", "van phong",
    )),
    Piece("type-cell", "mobile", False, "type", _type("CELL", "cell", "CELL,VOICE")),
    Piece("address-elsewhere", "mobile", False, "address", _elsewhere),
    Piece("grouped-as-mobile", "mobile", False, "write", _written(
        lambda _, rest: f"08{rest[0]} {rest[1:4]} {rest[4:]}",
        lambda _, rest: f"08{rest[:2]} {rest[2:5]} {rest[5:]}",
        lambda _, rest: f"(08{rest[0]}) {rest[1:4]} {rest[4:]}",
    ), city=True),
    Piece("date-late", "", False, "date", _later),
    Piece("abroad", "foreign", False, "address", _abroad),
)  # fmt: skip


_OF_FOREIGN_CARD = {"0": "ask", "84": "ask|convert"}

# -- what they make --------------------------------------------------------------------------------


def verdict(pieces: Iterable[Piece], prefix: str = "0") -> str:
    """Say what the pieces make of an ambiguous number written with this prefix."""
    of = {(piece.side, piece.decisive) for piece in pieces}
    if prefix == "+84":
        of.discard(("foreign", False))  # it is Vietnamese wherever it stands
    if ("fixed", True) in of:
        if ("mobile", True) in of:
            return "ask"
        return _OF_FOREIGN_CARD.get(prefix, "convert") if ("foreign", False) in of else "convert"
    if ("mobile", True) in of:
        return "keep"
    if ("foreign", False) in of:
        return "keep|ask" if ("fixed", False) in of else "keep"
    if ("fixed", False) in of:
        return "ask|keep" if ("mobile", False) in of else "ask"
    return "keep"


def build(about: str, range_: Range, rest: str, pieces: tuple[Piece, ...], rng: Random) -> Labelled:
    """Return a card about one ambiguous number with these pieces on it."""
    draft = Draft(range_, rest)
    for piece in pieces:
        piece.put(draft, rng)
    prefix = digits(draft.write(range_.old, rest)).removesuffix(range_.old + rest)
    expect = verdict(pieces, prefix)
    to = prefix + range_.new + rest if "convert" in expect else ""
    params = f";TYPE={','.join(draft.types)}" if draft.types else ""
    value = draft.write(range_.old, rest) + draft.behind
    target = Tel(value, expect, to, params, draft.label)
    others = (_seen_with(other, pieces) for other in draft.others)
    return Labelled(about, (target, *others), tuple(draft.lines), draft.name)


def _seen_with(other: Tel, pieces: tuple[Piece, ...]) -> Tel:
    """Return another number of the card with what the pieces make of it."""
    names = {piece.name for piece in pieces}
    if "convert" not in other.expect:
        return other
    if "abroad" in names:
        return replace(other, expect="ask", to="")
    if other.value.startswith("01") and not other.value.startswith(_OTHER_OLD):
        mobile = [p for p in pieces if p.side == "mobile" and p.decisive and p.slot != "old"]
        if any(piece.hops for piece in pieces) and not mobile:
            return replace(other, expect="ask", to="")
        if mobile or any(piece.slot == "sibling" for piece in pieces):
            return replace(other, expect="ask|convert")
    return other
