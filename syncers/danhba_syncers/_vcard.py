"""What does one vCard (2.1, 3.0 or 4.0) hold? Its phone fields, where they stand, and the details.

The formats (RFC 6350, RFC 2426, vCard 2.1) are read as programs really write them: folds,
quoted-printable with soft breaks, groups, quoted and bare parameters, any case, any line end.
`spots` finds the phone fields, `details` what evidence needs. Nothing here writes; see `_patch`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from danhba.card import Address, Details, Phone
from danhba_syncers._params import FOLD, Params, read_params

_WIDE = {b"\0B\0E": "utf-16-be", b"B\0E\0": "utf-16-le"}
_ASCII_SHIFTED = "".join(chr(code << 8) for code in range(0x20, 0x7F))
_SHIFTED = re.compile(
    f"\u0a00|[{re.escape(_ASCII_SHIFTED)}]\u0d00|\u0d00[{re.escape(_ASCII_SHIFTED)}]"
)
"""A line end whose two octets have changed places: U+0A00 is no character, U+0D00 a rare one."""
_LINE_END = re.compile(rb"\r*\n")
_ANY_LINE_END = re.compile(rb"\r*\n|\r")
_HEAD = re.compile(rb"(?:([\w-]+)\.)?([\w/-]+)((?:;(?>\"[^\"]*\"|\([^()]*\)|[^:])*+)?):")
_END_LINE = re.compile(rb"END:VCARD", re.IGNORECASE)
_STEPS = {b"BEGIN:VCARD": 1, b"AGENT:BEGIN:VCARD": 1, b"END:VCARD": -1}
_UNIT = re.compile(rb"(?:\r*\n|\r)[ \t]|(.)", re.DOTALL)
_SOFT_UNIT = re.compile(
    rb"=[ \t]*(?:\r*\n|\r)[ \t]?|(?:\r*\n|\r)[ \t]|(=[0-9A-Fa-f]{2}|.)", re.DOTALL
)
_TORN = re.compile(rb"\0|\r(?!\r*\n|[ \t])")
_SWALLOWED = re.compile(rb"=[ \t]*\r*\n(?:[\w-]+\.)?[A-Za-z][\w-]*(?:;[^:\r\n]*)?:")
_APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_")
_ELSEWHERE = frozenset(
    {
        "X-MS-TEL",
        "X-ASSISTANT-TEL",
        "X-SKYPE-PSTNNUMBER",
        "X-SIP",
        "IMPP",
        "MEMBER",
        "NOTE",
        "PHONE",
        "FAX",
        "AGENT",
    }
)
_HANDLES = frozenset(["IMPP", "X-WHATSAPP", "X-ZALO", "X-VIBER", "X-TELEGRAM", "X-SIGNAL"])
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_REV = re.compile(
    r"(\d{4})(-?)(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?(\d\d))?(?:[.,]\d+)?(Z|[+-]\d\d:?(?:\d\d)?)?)?"
)
KEYS = tuple(str(i) for i in range(64))

# Codecs of Python that are no charsets: they fail in ways of their own, or write digits as more.
_NO_CHARSETS = frozenset({"undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape"})


class Line(NamedTuple):
    """A logical line of a card.

    Attributes:
        group: What stands before the dot (`item1`), lower case; empty when there is none.
        name: The property's name, upper case.
        params: The parameters as written, from the first `;`, unfolded.
        value: Where the value begins in the card.
        end: Where the value ends; its line end comes behind it.
        start: Where the line begins.
        behind: Where the next line begins.
        head: Where the name ends, and the parameters begin.
    """

    group: bytes
    name: str
    params: bytes
    value: int
    end: int
    start: int
    behind: int
    head: int


class Spot(NamedTuple):
    """A phone field, and the line of the (narrowed) card that holds it."""

    phone: Phone
    line: Line
    params: Params


def is_torn(value: bytes, *, soft: bool) -> bool:
    """Say whether a value may hold more than itself: a bare CR, a NUL, or by `=` the next property.

    Other programs may see a line end there.
    """
    return bool(_TORN.search(value) or (soft and _SWALLOWED.search(value)))


def has_number(text: bytes) -> bool:
    """Say whether text holds seven digits with nothing but separators between them."""
    return b"0000000" in text.translate(_AS_ZEROS, b" .()/-")


def narrow(raw: bytes) -> tuple[bytes, str]:
    """Return a card as UTF-8 and the UTF-16 codec it came in; else as it is, and no codec.

    Raises:
        UnicodeDecodeError: It is broken UTF-16, or an octet in it shifts all that comes behind.
    """
    codec = _WIDE.get(raw[:4].upper(), "")
    if not codec:
        return raw, ""
    text = raw.decode(codec, "surrogatepass")
    if amiss := _SHIFTED.search(text):
        at = len(text[: amiss.start()].encode(codec, "surrogatepass"))
        raise UnicodeDecodeError(codec, raw, at, at + 2, "an octet too many or too few before it")
    return text.encode("utf-8", "surrogatepass"), codec


def widen(raw: bytes, codec: str) -> bytes:
    """Undo `narrow`."""
    return raw.decode("utf-8", "surrogatepass").encode(codec, "surrogatepass") if codec else raw


def lines(raw: bytes) -> Iterator[Line]:
    """Yield the property lines of the outermost card; junk and nested cards are passed over."""
    first = _ANY_LINE_END.search(raw)
    line_end = _ANY_LINE_END if first and first[0] == b"\r" else _LINE_END  # an old Mac's
    position, depth, size = 0, 0, len(raw)
    while position < size:
        start, content, position = position, *_physical(raw, position, line_end)
        while raw[position : position + 1] in (b" ", b"\t"):
            content, position = _physical(raw, position, line_end)
        head = _HEAD.match(raw, start, content)
        if not head:
            continue
        name = head[2].upper().decode("ascii", "replace")
        if name in ("BEGIN", "END", "AGENT") and (step := _STEPS.get(_marker(raw, start, content))):
            depth += step
            continue
        params = FOLD.sub(b"", head[3])
        if params and read_params(params).soft:
            while raw[content - 1 : content] == b"=" and not _END_LINE.match(raw, position):
                content, position = _physical(raw, position, line_end)
        if depth == 1:
            yield Line(
                (head[1] or b"").lower(), name, params, head.end(), content, start, position,
                head.start(3),
            )  # fmt: skip


def _marker(raw: bytes, start: int, end: int) -> bytes:
    """Return a short line without blanks and case, to see whether a card begins or ends there."""
    return b"".join(raw[start : min(end, start + 64)].upper().split())


def _physical(raw: bytes, start: int, line_end: re.Pattern[bytes]) -> tuple[int, int]:
    """Return where the content of a physical line ends, and where the next line begins."""
    found = line_end.search(raw, start)
    return (found.start(), found.end()) if found else (len(raw), len(raw))


def _units(value: bytes, *, soft: bool) -> Iterator[tuple[bytes, bytes]]:
    """Yield each byte that a value means, with the bytes that stand for it; folds are left out."""
    for unit in (_SOFT_UNIT if soft else _UNIT).finditer(value):
        written = unit[1]
        if written:
            meant = bytes.fromhex(written[1:].decode()) if soft and len(written) == 3 else written
            yield meant, written


def tokens(value: bytes, params: Params) -> list[tuple[str, bytes]]:
    r"""Take a value apart into characters, each with the bytes that stand for it.

    Escapes (`\\,` `\\;` `\\n`) are one character each; folds and soft breaks are left out.

    Raises:
        UnicodeDecodeError: The bytes are not text in the declared charset, UTF-8 when none is.
        LookupError: The declared charset is unknown.
    """
    decoder = codecs.getincrementaldecoder(_charset(params))()
    found: list[tuple[str, bytes]] = []
    waiting = b""
    for meant, written in _units(value, soft=params.soft):
        waiting += written
        character = decoder.decode(meant)
        if character:
            if found and found[-1][0] == "\\" and len(found[-1][1]) == 1:
                waiting, character = found.pop()[1] + waiting, _unescape(character)
            found.append((character, waiting))
            waiting = b""
    decoder.decode(b"", final=True)
    return found


def _unescape(character: str) -> str:
    return "\n" if character in "nN" else character


def _charset(params: Params) -> str:
    """Return the codec of a value; raises LookupError for one that Python has but no card can."""
    if not params.charset:
        return "utf-8"
    try:
        codec = codecs.lookup(params.charset)
    except ValueError as error:  # a NUL in the name
        raise LookupError(str(error)) from None
    if codec.name in _NO_CHARSETS or not codec._is_text_encoding:
        raise LookupError(f"no charset: {params.charset}")
    return params.charset


def _value(raw: bytes, params: Params) -> tuple[str, str]:
    """Read a value; return its text, and why it cannot be written back, or an empty string."""
    try:
        if params.soft or b"\\" in raw or b"\n" in raw or b"\r" in raw:
            return "".join(character for character, _ in tokens(raw, params)), ""
        return raw.decode(_charset(params)), ""
    except (ValueError, LookupError):
        return raw.decode("latin-1"), "charset"


def shown(raw: bytes, line: Line) -> str:
    """Read the value of a line for people and evidence."""
    return _value(raw[line.value : line.end], read_params(line.params))[0].strip()


def spots(raw: bytes) -> tuple[list[Spot], tuple[str, ...]]:
    """Find the phone fields of a (narrowed) card, and the other places with numbers."""
    fields: list[Line] = []
    labels: dict[bytes, str] = {}
    elsewhere: list[str] = []
    for line in lines(raw):
        if line.name == "TEL":
            fields.append(line)
        elif line.name == "X-ABLABEL" and line.group:
            labels[line.group] = shown(raw, line)
        elif line.name in _ELSEWHERE and has_number(raw[line.value : line.end]):
            elsewhere.append(line.name)
    found = [_spot(raw, i, line, labels.get(line.group, "")) for i, line in enumerate(fields)]
    elsewhere.extend("waid" for spot in found if spot.params.handle)
    return found, tuple(elsewhere)


def _spot(raw: bytes, index: int, line: Line, typed: str) -> Spot:
    params = read_params(line.params)
    written = raw[line.value : line.end]
    value, locked = _value(written, params)
    if is_torn(written, soft=params.soft):
        locked = "torn"
    apple = _APPLE_LABEL.fullmatch(typed)
    labels = (*params.labels, apple[1].lower()) if apple else params.labels
    label = params.label if apple or not typed else typed
    key = KEYS[index] if index < len(KEYS) else str(index)
    return Spot(Phone(key, value, labels, label, locked, params.more), line, params)


def read_stamp(text: str) -> datetime | None:
    """Read a REV or CREATED value; a time without a zone counts as UTC; None when it is no date."""
    try:
        stamp = datetime.fromisoformat(text)
        return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except ValueError:
        found = _REV.match(text.strip())
    if not found:
        return None
    year, _, month, day, hour, minute, second, zone = found.groups()
    try:
        return datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            tzinfo=_zone(zone),
        )  # fmt: skip
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)


def details(raw: bytes) -> Details:
    """Read what a card says besides its phones."""
    plain, _ = narrow(raw)
    return read_details(_properties(plain))


def _properties(raw: bytes) -> Iterator[tuple[str, str]]:
    for line in lines(raw):
        if line.name != "TEL":
            yield line.name, shown(raw, line)
        elif handle := read_params(line.params).handle:
            yield "X-WHATSAPP", handle


def read_details(properties: Iterable[tuple[str, str]]) -> Details:
    """Put together what a card says from its properties, names in upper case, values as text."""
    name = structured = organisation = ""
    date = created = None
    company = False
    addresses: list[Address] = []
    handles: list[str] = []
    for key, value in properties:
        match key:
            case "FN":
                name = name or value
            case "N":
                structured = structured or " ".join(value.replace(";", " ").split())
            case "ORG":
                organisation = organisation or value.strip(";")
            case "REV":
                date = read_stamp(value) or date
            case "CREATED" | "X-CREATED" | "X-CREATION-DATE":
                created = read_stamp(value) or created
            case "KIND" | "X-ABSHOWAS" | "X-ADDRESSBOOKSERVER-KIND":
                company = value.lower() in ("org", "company", "organization")
            case "ADR":
                addresses.append(_address(value))
            case _ if key in _HANDLES:
                handles.append(value)
    company = company or bool(organisation and (not structured or name == organisation))
    name = name or structured or organisation
    return Details(name, date, created, company, tuple(addresses), tuple(handles))


def _address(value: str) -> Address:
    """Read an ADR: box; extended; street; locality; region; code; country (RFC 6350 §6.3.1)."""
    parts = [part.strip() for part in value.split(";")] + [""] * 7
    return Address(parts[3], parts[4], parts[6], parts[2])


def content(raw: bytes) -> list[tuple[str, tuple[str, ...], str]]:
    """Return what a card means, for comparing: no order, no case of names, no folds, no REV."""
    plain, _ = narrow(raw)
    return sorted(
        (line.name, tuple(sorted(_type_words(line.params))), shown(plain, line))
        for line in lines(plain)
        if line.name not in ("REV", "PRODID", "VERSION")
    )


def _type_words(params: bytes) -> set[str]:
    found = read_params(params)
    return set(found.labels) | ({found.label} if found.label else set())


def uid(raw: bytes) -> str:
    """Return the UID of a (narrowed) card, or an empty string."""
    return next((shown(raw, line) for line in lines(raw) if line.name == "UID"), "")
