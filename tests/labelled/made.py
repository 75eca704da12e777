"""Labelled cards made by rule: every code, every piece of evidence, pairs and triples of them.

The seed is fixed: the same cards every time.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations
from random import Random

from tests.labelled.card import Labelled, Tel, tel
from tests.labelled.facts import (
    AMBIGUOUS,
    FIXED,
    MOBILE,
    MOBILE_ONLY,
    NORTH_AMERICAN,
    NOT_THERE_BEFORE,
    ONE_READING_LEADS,
    Range,
)
from tests.labelled.pieces import PIECES, Piece, build

SEED = 20170211

Write = Callable[[str, str], str]

SPELLINGS: tuple[Write, ...] = (
    lambda code, rest: f"0{code}{rest}",
    lambda code, rest: f"0{code} {rest[:3]} {rest[3:]}",
    lambda code, rest: f"(0{code}) {rest}",
    lambda code, rest: f"0{code}.{rest[:-4]}.{rest[-4:]}",
    lambda code, rest: f"0{code}-{rest}",
    lambda code, rest: f"+84{code}{rest}",
    lambda code, rest: f"+84 {code} {rest[:3]} {rest[3:]}",
    lambda code, rest: f"+84-{code}-{rest}",
    lambda code, rest: f"0084{code}{rest}",
    lambda code, rest: f"00 84 {code} {rest}",
    lambda code, rest: f"84{code}{rest}",
    lambda code, rest: f"+84 (0){code} {rest}",
    lambda code, rest: f"(+84) {code} {rest}",
)


def made() -> Iterator[Labelled]:
    """Yield all cards."""
    rng = Random(SEED)
    for part in (
        _one_reading, _partly_ambiguous, _without_zero, _bare, _mobile_only, _closed, _services,
        _too_short, _new_forms, _date_borders, _void_dates, _far_neighbours,
        _single_pieces, _pairs, _triples, _abroad,
        _would_hop,
    ):  # fmt: skip
        yield from part(rng)


def _rest(rng: Random, length: int, lead: str = "") -> str:
    """Return subscriber digits that look ordinary: no neighbours, no zeros in front."""
    return lead + "".join(rng.choice("123456789") for _ in range(length - len(lead)))


def _landline(rng: Random, range_: Range) -> str:
    return _rest(rng, range_.rest, rng.choice(range_.leads))


def _converts(about: str, write: Write, old: str, new: str, rest: str) -> Labelled:
    return Labelled(about, (tel(write(old, rest), "convert", write(new, rest)),))


# -- numbers that can be read one way only ---------------------------------------------------------


def _one_reading(rng: Random) -> Iterator[Labelled]:
    for old, new in MOBILE.items():
        for write in rng.sample(SPELLINGS, 9):
            rest = _rest(rng, 7, rng.choice("0123456789"))
            yield _converts("one reading: mobile of 2018", write, old, new, rest)
    for old, new in FIXED.items():
        for write in rng.sample(SPELLINGS, 6):
            rest = _rest(rng, 8 if old == "4" else 7, rng.choice("234567"))
            yield _converts("one reading: area code of 2017", write, old, new, rest)
    for write in SPELLINGS:
        rest = _rest(rng, 6)
        yield _converts("one reading: satellite", write, "992", "672", rest)


def _partly_ambiguous(rng: Random) -> Iterator[Labelled]:
    new = {"52": "232", "55": "255", "67": "277"}
    for old, leads in ONE_READING_LEADS.items():
        for lead in leads:
            rest = _rest(rng, 7, lead)
            write = rng.choice(SPELLINGS)
            yield _converts("one reading: of a code ambiguous in part", write, old, new[old], rest)


def _without_zero(rng: Random) -> Iterator[Labelled]:
    """Numbers whose 0 a spreadsheet dropped."""
    for old, new in MOBILE.items():
        yield _converts("one reading: its 0 dropped", lambda c, r: c + r, old, new, _rest(rng, 7))
    for old, new in FIXED.items():
        rest = _rest(rng, 8 if old == "4" else 7, rng.choice("234567"))
        if old in NORTH_AMERICAN:
            yield Labelled(
                "foreign cards: 0 dropped, or North American", (Tel(old + rest, "ask|keep"),)
            )
        else:
            yield _converts("one reading: its 0 dropped", lambda c, r: c + r, old, new, rest)
    for range_ in AMBIGUOUS:
        value = range_.old + _landline(rng, range_)
        yield Labelled("nothing decides: 0 dropped", (Tel(value),))


# -- numbers that must be left alone ---------------------------------------------------------------

_PLAIN: tuple[Write, ...] = (
    lambda code, rest: f"0{code}{rest}",
    lambda code, rest: f"+84{code}{rest}",
    lambda code, rest: f"84{code}{rest}",
    lambda code, rest: f"0084{code}{rest}",
)


def _bare(rng: Random) -> Iterator[Labelled]:
    for range_ in AMBIGUOUS:
        for lead in range_.leads:
            for write in rng.sample(_PLAIN, 2):
                value = write(range_.old, _rest(rng, range_.rest, lead))
                yield Labelled("nothing decides: bare number", (Tel(value),))
    for range_ in AMBIGUOUS[3:]:
        for write in rng.sample(SPELLINGS, 5):  # how the digits are grouped says nothing there
            value = write(range_.old, _landline(rng, range_))
            yield Labelled("nothing decides: bare number", (Tel(value),))


def _mobile_only(rng: Random) -> Iterator[Labelled]:
    """Numbers in ambiguous codes that begin as no landline did."""
    suggestive = [p for p in PIECES if (p.side, p.decisive) == ("fixed", False) and not p.city]
    for start in MOBILE_ONLY:
        value = start + _rest(rng, 9 - len(start))
        about = "decisive for the mobile: first digit"
        yield Labelled(about, (Tel("0" + value),))
        yield Labelled(about, (Tel("+84" + value, params=";TYPE=WORK"),))
        range_ = Range(value[:2], "", (), "2010-01-01", "Hà Nội", "Hà Nội")
        yield build(about, range_, value[2:], (rng.choice(suggestive), _MOBILE_DIGIT), rng)
        # No landline of Ho Chi Minh City ever began so: one reading, or two that contradict.
        contested = "keep|ask" if start[0] == "8" else "ask"
        about = "decisive on both sides: first digit"
        yield Labelled(about, (Tel("0" + value, contested, params=";TYPE=FAX"),))
        yield Labelled(about, (Tel("0" + value, contested, label="Máy bàn"),))
        yield Labelled(about, (Tel("0" + value + " ext 12", contested),))


_MOBILE_DIGIT = Piece("first-digit", "mobile", True, "digit", lambda draft, rng: None)


def _closed(rng: Random) -> Iterator[Labelled]:
    never = [*range(110, 120), *range(130, 162), *range(170, 186), 187, *range(189, 199)]
    mobile = ("90", "91", "93", "94", "95", "96", "97", "98", "991", "993", "996", "997", "999")
    nothing = ("80", "890", "891", "892", "893", "894", "895")
    for about, codes in (
        ("left alone: code never used", [f"{code}" for code in never]),
        ("left alone: mobile never renumbered", mobile),
        ("left alone: no such number", nothing),
    ):
        for code in codes:
            length = 10 if about == "left alone: code never used" else 9
            yield Labelled(about, (Tel(f"0{code}{_rest(rng, length - len(code))}"),))
    for start, length in (("69", 6), ("69", 7), ("80", 5)):
        for write in _PLAIN[:3]:
            yield Labelled("left alone: closed network", (Tel(write(start, _rest(rng, length))),))


def _services(rng: Random) -> Iterator[Labelled]:
    for service in ("1800", "1900"):
        for length in (4, 5, 6):
            number = service + _rest(rng, length)
            yield Labelled(
                "left alone: service number", (Tel(number), Tel(f"{number[:4]} {number[4:]}"))
            )
    for short in ("113", "114", "115", "111", "1080", "18001091", "9090", "9191", "195", "888"):
        yield Labelled("left alone: service number", (Tel(short),))


def _too_short(rng: Random) -> Iterator[Labelled]:
    """Landlines as they were before October 2008, one digit short: never changed unasked."""
    short = ("320", "321", "350", "351", "510", "511", "780", "781", "240", "500", "710")
    for code, length in (*((code, 6) for code in short), ("4", 7), ("8", 7), ("37", 6), ("31", 6),
                         ("34", 7), ("57", 6)):  # fmt: skip
        value = f"0{code}{_rest(rng, length, '8')}"
        yield Labelled("left alone: one digit short, of before 2008", (Tel(value, "keep|ask"),))


def _new_forms(rng: Random) -> Iterator[Labelled]:
    """Numbers of today, with all that could make a tool think of them as old."""
    codes = [*FIXED.values(), *(range_.new for range_ in AMBIGUOUS[2:]), "210", "211", "218", "219"]
    for code in codes:
        value = f"0{code}{_rest(rng, 10 - len(code), rng.choice('234567'))}"
        params = rng.choice(("", ";TYPE=FAX", ";TYPE=WORK"))
        yield Labelled(
            "left alone: new form", (Tel(value, params=params),), ("REV:2017-07-20T08:00:00Z",)
        )
    for code in MOBILE.values():
        if not any(code.startswith(range_.old) for range_ in AMBIGUOUS):
            yield Labelled(
                "left alone: new form", (Tel(f"0{code}{_rest(rng, 7, '2')}", params=";TYPE=FAX"),)
            )


# -- the card's date -------------------------------------------------------------------------------


def _dated(range_: Range, rng: Random, day: str, *, older: bool) -> Labelled:
    rest = _landline(rng, range_)
    about = "decisive for the landline: date" if older else "date that proves nothing: too late"
    if not older:
        return Labelled(about, (Tel(f"0{range_.old}{rest}"),), (f"REV:{day}",))
    target = Tel(f"0{range_.old}{rest}", "convert", f"0{range_.new}{rest}")
    return Labelled(about, (target,), (f"REV:{day}",))


def _date_borders(rng: Random) -> Iterator[Labelled]:
    for range_ in AMBIGUOUS:
        border = date.fromisoformat(range_.since)
        before = border - timedelta(days=1)
        after = border + timedelta(days=1)
        for day in (f"{before}T08:00:00Z", f"{before:%Y%m%d}T080000Z", f"{before}", "2000-06-01"):
            yield _dated(range_, rng, day, older=True)
        for day in (f"{after}T08:00:00Z", f"{after:%Y%m%d}", f"{border}T12:00:00Z", "2024-02-29"):
            yield _dated(range_, rng, day, older=False)


_VOID = (
    "1970-01-01T00:00:00Z", "19700101T000000Z", "1980-01-06T00:00:00Z", "1999-12-31T23:59:59Z",
    "19991231", "2027-01-01T00:00:00Z", "20991231T235959Z", "2106-02-07T06:28:15Z", "",
    "yesterday", "2015-13-45", "0000-00-00T00:00:00Z",
)  # fmt: skip


def _void_dates(rng: Random) -> Iterator[Labelled]:
    for range_ in AMBIGUOUS:
        for day in rng.sample(_VOID, 4):
            target = Tel(f"0{range_.old}{_landline(rng, range_)}")
            yield Labelled(
                "date that proves nothing: unset, future or senseless", (target,), (f"REV:{day}",)
            )
        for newer in rng.sample(sorted(NOT_THERE_BEFORE), 4):
            yield from _beside_a_newer_number(range_, newer, rng)


def _beside_a_newer_number(range_: Range, newer: str, rng: Random) -> Iterator[Labelled]:
    """A card whose REV is older than a number on it, so nobody kept the REV; and one just not."""
    there = date.fromisoformat(NOT_THERE_BEFORE[newer])
    limit = date.fromisoformat(range_.since)
    rest = _landline(rng, range_)
    rev = min(there, limit) - timedelta(days=rng.randint(3, 300))
    tels = (Tel(f"0{range_.old}{rest}"), Tel(newer))
    about = "date that proves nothing: belied by a newer number"
    yield Labelled(about, tels, (f"REV:{rev}T08:00:00Z",))
    if there + timedelta(days=6) < limit:
        target = Tel(f"0{range_.old}{rest}", "convert", f"0{range_.new}{rest}")
        rev = there + timedelta(days=3)
        about = "decisive for the landline: date"
        yield Labelled(about, (target, Tel(newer)), (f"REV:{rev}T08:00:00Z",))


# -- pieces of evidence ----------------------------------------------------------------------------


def _far_neighbours(rng: Random) -> Iterator[Labelled]:
    """A fax 99 away proves a landline; one 100 away says nothing."""
    for range_ in AMBIGUOUS:
        lead = rng.choice(range_.leads)
        base = int(_rest(rng, range_.rest - 3, lead) + "200")
        fax = Tel(f"0{range_.old}{base}", "convert", f"0{range_.new}{base}", ";TYPE=FAX")
        for distance in (99, -99, 100, -100, 1):
            value, to = f"0{range_.old}{base + distance}", f"0{range_.new}{base + distance}"
            near = abs(distance) < 100
            other = Tel(value, "convert", to) if near else Tel(value, "keep|ask")
            about = (
                "decisive for the landline: neighbour of a fax"
                if near
                else "nothing decides: too far from a fax"
            )
            yield Labelled(about, (fax, other))
        chain = Tel(f"0{range_.old}{base + 150}", "keep|ask")
        middle = Tel(f"0{range_.old}{base + 75}", "convert", f"0{range_.new}{base + 75}")
        yield Labelled("nothing decides: too far from a fax", (fax, middle, chain))


def _fitting(rng: Random, pieces: Sequence[Piece], tries: int) -> Iterator[tuple[Range, str]]:
    """Yield some ranges and numbers that can have all the pieces."""
    found = 0
    while found < tries:
        range_ = rng.choice(AMBIGUOUS)
        rest = _landline(rng, range_)
        if all(piece.fits(range_, rest) for piece in pieces):
            found += 1
            yield range_, rest


def _single_pieces(rng: Random) -> Iterator[Labelled]:
    for piece in PIECES:
        for range_ in AMBIGUOUS:
            rest = _landline(rng, range_)
            if piece.fits(range_, rest):
                yield build(f"{_class(piece)}: {piece.name}", range_, rest, (piece,), rng)


def _class(*pieces: Piece) -> str:
    """Name the class of a card with these pieces."""
    decisive = {piece.side for piece in pieces if piece.decisive}
    hints = {piece.side for piece in pieces if piece.side} - {"foreign"}
    if any(piece.side == "foreign" for piece in pieces):
        return "foreign cards"
    if decisive:
        both = len(decisive) > 1
        return "decisive on both sides" if both else f"decisive for the {_NAMES[decisive.pop()]}"
    if hints:
        return "suggests both" if len(hints) > 1 else f"suggests the {_NAMES[hints.pop()]}"
    return "nothing decides"


_NAMES = {"fixed": "landline", "mobile": "mobile"}


def _pairs(rng: Random) -> Iterator[Labelled]:
    for pieces in combinations(PIECES, 2):
        if pieces[0].slot != pieces[1].slot:
            for range_, rest in _fitting(rng, pieces, 3):
                yield build(f"{_class(*pieces)}: several pieces", range_, rest, pieces, rng)


def _triples(rng: Random) -> Iterator[Labelled]:
    for _ in range(600):
        pieces = tuple(rng.sample(PIECES, rng.choice((3, 4))))
        if len({piece.slot for piece in pieces}) == len(pieces):
            for range_, rest in _fitting(rng, pieces, 1):
                yield build(f"{_class(*pieces)}: several pieces", range_, rest, pieces, rng)


# -- foreign cards, double hops --------------------------------------------------------------------

_COUNTRIES = (
    "France", "Australia", "Germany", "Deutschland", "Japan", "USA", "United States", "Canada",
    "Úc", "Đức", "Pháp", "Mỹ", "Hoa Kỳ", "Nhật Bản", "Hàn Quốc", "United Kingdom", "Singapore",
)  # fmt: skip
_HOME = ("", "Việt Nam", "Vietnam", "Viet Nam", "VN", "VIETNAM", "VNM")
_FOREIGN = ("+33 1 42 68 53 00", "+61 2 9374 4000", "+49 30 227 32152", "+81 3 3224 9999")
_OURS = ("+84 912 345 678", "+84 24 3825 1234")


def _abroad(rng: Random) -> Iterator[Labelled]:
    olds = {**MOBILE, **FIXED}
    for country in _COUNTRIES:
        _, value, to = _old_number(rng, olds)
        lines = (f"ADR:;;1 High Street;Town;;;{country}",)
        yield Labelled("foreign cards: address", (Tel("0" + value, "ask"),), lines)
        plus = tel("+84" + value, "convert", "+84" + to)
        yield Labelled("foreign cards: written with +84", (plus,), lines)
        zeros = tel("0084" + value, "convert", "0084" + to)
        yield Labelled("foreign cards: written with +84", (zeros,), lines)
    for country in _HOME:
        _, value, to = _old_number(rng, olds)
        lines = (f"ADR:;;1 Phố Mẫu;Quận 1;;;{country}",)
        target = tel("0" + value, "convert", "0" + to)
        yield Labelled("one reading: address at home", (target,), lines)
    for _ in range(12):
        yield from _among_foreign_numbers(rng, olds)


def _old_number(rng: Random, olds: dict[str, str]) -> tuple[str, str, str]:
    old = rng.choice(sorted(olds))
    rest = _rest(rng, 8 if old == "4" else 7, rng.choice("234567"))
    return old, old + rest, olds[old] + rest


def _among_foreign_numbers(rng: Random, olds: dict[str, str]) -> Iterator[Labelled]:
    _, value, to = _old_number(rng, olds)
    target = tel("0" + value, "convert", "0" + to)
    foreign = tuple(map(Tel, rng.sample(_FOREIGN, 3)))
    ours = tuple(map(Tel, _OURS))
    asked = Tel("0" + value, "ask")
    yield Labelled("foreign cards: numbers", (asked, *foreign))
    yield Labelled("foreign cards: numbers", (asked, *foreign, ours[0]))
    yield Labelled(
        "one reading: foreign numbers, not more than ours", (target, *foreign[:2], *ours)
    )
    yield Labelled("one reading: one foreign number", (target, foreign[0]))


def _would_hop(rng: Random) -> Iterator[Labelled]:
    """Old mobiles whose new form the same card would prove to be an old landline."""
    about = "double hop: asked about"
    for old, new in (*MOBILE.items(), ("992", "672")):
        range_ = next((r for r in AMBIGUOUS if _is_of(r, old, new)), None)
        if range_ is None:
            continue
        lead = next(lead for lead in range_.leads if f"{range_.old}{lead}".startswith(new[:2]))
        today = _rest(rng, 9, range_.old + lead)
        number = "0" + old + today[len(new) :]
        rest = today[len(range_.old) :]
        yield Labelled(about, (Tel(number, "ask", params=";TYPE=FAX"),))
        yield Labelled(about, (Tel(number, "ask", label="Máy bàn"),))
        yield Labelled(about, (Tel(number + " ext 12", "ask"),))
        yield Labelled(about, (Tel(number, "ask"), Tel(f"0{range_.new} {rest}")))
        fax = Tel(f"0{today}", "ask", params=";TYPE=FAX")
        yield Labelled(about, (fax, Tel(number, "ask")))
        same = tel(number, "convert", f"0{today}")
        yield Labelled("one reading: on an old card", (same,), ("REV:2015-05-05T05:05:05Z",))
        yield Labelled(
            "one reading: with weak hints", (Tel(number, "convert", f"0{today}", ";TYPE=WORK"),)
        )


def _is_of(range_: Range, old: str, new: str) -> bool:
    """Say whether the new form of an old mobile code lies in an ambiguous range."""
    if old == "992":
        return range_.old == "67"
    return new.startswith(range_.old) and any(
        f"{range_.old}{lead}".startswith(new) for lead in range_.leads
    )
