"""One vCard (2.1, 3.0 or 4.0): its bytes <-> its phones and details; edits byte spans, no more.

Nothing here re-serialises a card. `spots` finds the phone fields, `details` what evidence needs,
`patch` replaces the value of a field and the REV stamp and leaves every other byte alone. The
formats (RFC 6350, RFC 2426, vCard 2.1) are read as programs really write them: folds,
quoted-printable with soft breaks, groups, quoted and bare parameters, any case, any line end.
"""

from __future__ import annotations

import codecs
import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

from danhba.card import Address, Change, Details, Phone, SetNumber

_WIDE = {
    b"\0B\0E": "utf-16-be",
    b"B\0E\0": "utf-16-le",
    b"\0b\0e": "utf-16-be",
    b"b\0e\0": "utf-16-le",
}
_LINE_END = re.compile(rb"\r*\n")
_LINE_END_CR = re.compile(rb"\r")
_FOLD = re.compile(rb"(?:\r*\n|\r)[ \t]")
_HEAD = re.compile(rb"(?:([\w-]+)\.)?([\w/-]+)((?:;(?>\"[^\"]*\"|\([^()]*\)|[^:])*+)?):")
_PARAM = re.compile(rb";((?>\"[^\"]*\"|\([^()]*\)|[^;])*+)")
_END_LINE = re.compile(rb"END:VCARD", re.IGNORECASE)
_STEPS = {b"BEGIN:VCARD": 1, b"AGENT:BEGIN:VCARD": 1, b"END:VCARD": -1}
_UNIT = re.compile(rb"(?:\r*\n|\r)[ \t]|(.)", re.DOTALL)
_SOFT_UNIT = re.compile(
    rb"=[ \t]*(?:\r*\n|\r)[ \t]?|(?:\r*\n|\r)[ \t]|(=[0-9A-Fa-f]{2}|.)", re.DOTALL
)
_APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_")
_NOT_LABELS = frozenset(
    {
        "quoted-printable",
        "base64",
        "b",
        "8bit",
        "7bit",
        "utf-8",
        "inline",
        "vcard",
        "x-unknown",
        "uri",
        "text",
        "phone-number",
    }
)
_MACHINE = frozenset(
    {
        "home",
        "work",
        "pref",
        "voice",
        "fax",
        "msg",
        "cell",
        "pager",
        "bbs",
        "modem",
        "car",
        "isdn",
        "video",
        "pcs",
        "text",
        "textphone",
        "tlx",
        "iphone",
        "mobile",
        "main",
        "other",
        "private",
        "business",
        "homefax",
        "workfax",
        "school",
        "intl",
        "dom",
        "internet",
        "custom",
    }
)
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


class Line(NamedTuple):
    """A logical line of a card.

    Attributes:
        group: What stands before the dot (`item1`), lower case; empty when there is none.
        name: The property's name, upper case.
        params: The parameters as written, from the first `;`, unfolded.
        value: Where the value begins in the card.
        end: Where the value ends; its line end comes behind it.
    """

    group: bytes
    name: str
    params: bytes
    value: int
    end: int


class Params(NamedTuple):
    """What the parameters of a field say.

    Attributes:
        labels: TYPE values and bare 2.1 words, lower case.
        label: What a person typed as a label, or an empty string.
        soft: Whether the value is quoted-printable.
        charset: The declared charset; empty when none is.
        handle: A number in the parameters themselves (`waid=`), or an empty string.
    """

    labels: tuple[str, ...] = ()
    label: str = ""
    soft: bool = False
    charset: str = ""
    handle: str = ""


class Spot(NamedTuple):
    """A phone field, and where its value lies in the (narrowed) card."""

    phone: Phone
    start: int
    end: int
    params: Params


def has_number(text: bytes) -> bool:
    """Say whether text holds seven digits with nothing but separators between them."""
    return b"0000000" in text.translate(_AS_ZEROS, b" .()/-")


def narrow(raw: bytes) -> tuple[bytes, str]:
    """Return a card as UTF-8 and the UTF-16 codec it came in; else as it is, and no codec."""
    codec = _WIDE.get(raw[:4], "")
    if not codec:
        return raw, ""
    return raw.decode(codec, "surrogatepass").encode("utf-8", "surrogatepass"), codec


def widen(raw: bytes, codec: str) -> bytes:
    """Undo `narrow`."""
    return raw.decode("utf-8", "surrogatepass").encode(codec, "surrogatepass") if codec else raw


def lines(raw: bytes) -> Iterator[Line]:
    """Yield the property lines of the outermost card; junk and nested cards are passed over."""
    line_end = _LINE_END if b"\n" in raw else _LINE_END_CR
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
        params = _FOLD.sub(b"", head[3])
        if params and read_params(params).soft:
            while raw[content - 1 : content] == b"=" and not _END_LINE.match(raw, position):
                content, position = _physical(raw, position, line_end)
        if depth == 1:
            yield Line((head[1] or b"").lower(), name, params, head.end(), content)


def _marker(raw: bytes, start: int, end: int) -> bytes:
    """Return a short line without blanks and case, to see whether a card begins or ends there."""
    return b"".join(raw[start : min(end, start + 64)].upper().split())


def _physical(raw: bytes, start: int, line_end: re.Pattern[bytes]) -> tuple[int, int]:
    """Return where the content of a physical line ends, and where the next line begins."""
    found = line_end.search(raw, start)
    return (found.start(), found.end()) if found else (len(raw), len(raw))


@lru_cache(maxsize=4096)
def read_params(params: bytes) -> Params:
    """Read the parameters of a field, as written from the first `;`."""
    labels: list[str] = []
    label = charset = handle = ""
    soft = False
    for param in _PARAM.findall(params):
        if param[:9].upper() == b"X-CUSTOM(":
            label = _custom_label(param[9:].rstrip(b")"))
            continue
        name, equals, value = param.partition(b"=")
        text = _text(value if equals else name)
        match name.strip().upper() if equals else b"TYPE":
            case b"TYPE":
                labels.extend(word.strip().lower() for word in text.replace('"', "").split(","))
            case b"ENCODING":
                labels.append(text.lower())
            case b"CHARSET":
                charset = text.strip('"').lower()
            case b"X-ABLABEL":
                label = text.strip('"')
            case b"WAID":
                handle = text
    soft = "quoted-printable" in labels
    typed = next((w for w in labels if w and w not in _MACHINE and w not in _NOT_LABELS), "")
    known = tuple(w for w in labels if w and w not in _NOT_LABELS)
    return Params(known, label or typed.removeprefix("x-"), soft, charset, handle)


def _custom_label(inside: bytes) -> str:
    """Read the label in `X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=70=72…)` of Android."""
    return _text(quopri.decodestring(inside.rpartition(b",")[2]))


def _text(raw: bytes) -> str:
    """Decode text that is only shown or compared, never written back."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


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
    decoder = codecs.getincrementaldecoder(params.charset or "utf-8")()
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


def _value(raw: bytes, params: Params) -> tuple[str, str]:
    """Read a value; return its text, and why it cannot be written back, or an empty string."""
    try:
        if params.soft or b"\\" in raw or b"\n" in raw or b"\r" in raw:
            return "".join(character for character, _ in tokens(raw, params)), ""
        return raw.decode(params.charset or "utf-8"), ""
    except (UnicodeDecodeError, LookupError):
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
    value, locked = _value(raw[line.value : line.end], params)
    apple = _APPLE_LABEL.fullmatch(typed)
    labels = (*params.labels, apple[1].lower()) if apple else params.labels
    label = params.label if apple or not typed else typed
    key = KEYS[index] if index < len(KEYS) else str(index)
    return Spot(Phone(key, value, labels, label, locked), line.value, line.end, params)


def patch(raw: bytes, changes: Sequence[Change], now: datetime) -> bytes:
    """Return the card with the numbers set, and REV, when it has one, set to `now`.

    Raises:
        ValueError: A change names a field the card does not have, or whose value is not `before`.
    """
    plain, codec = narrow(raw)
    by_key = {spot.phone.key: spot for spot in spots(plain)[0]}
    edits = [_set_number(plain, by_key.get(change.phone), change) for change in changes]
    return widen(splice(plain, [*edits, *_stamp(plain, now)]), codec)


def splice(raw: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Replace each span `start, end` by its new bytes; spans lie apart, in any order."""
    parts: list[bytes] = []
    position = 0
    for start, end, new in sorted(edits):
        parts += raw[position:start], new
        position = end
    return b"".join([*parts, raw[position:]])


def _set_number(raw: bytes, spot: Spot | None, change: Change) -> tuple[int, int, bytes]:
    if not isinstance(change, SetNumber) or spot is None or spot.phone.value != change.before:
        raise ValueError(f"phone {change.phone}: the card does not hold what the change expects")
    if spot.phone.locked:
        raise ValueError(f"phone {change.phone}: cannot be written ({spot.phone.locked})")
    return spot.start, spot.end, respelled(raw[spot.start : spot.end], change.after, spot.params)


def respelled(value: bytes, after: str, params: Params) -> bytes:
    """Write new text over a value: what both have in common keeps its bytes, folds go."""
    old = tokens(value, params)
    head = 0
    while head < min(len(old), len(after)) and old[head][0] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(after)) - head and old[-1 - tail][0] == after[-1 - tail]:
        tail += 1
    middle = _encode(after[head : len(after) - tail], params)
    kept = [written for _, written in old]
    return b"".join([*kept[:head], middle, *kept[len(old) - tail :]])


def _encode(text: str, params: Params) -> bytes:
    raw = text.encode(params.charset or "utf-8")
    if params.soft:
        return b"".join(b"%c" % b if 32 < b < 127 and b != 61 else b"=%02X" % b for b in raw)
    return re.sub(rb"([\\;,])", rb"\\\1", raw)


def _stamp(raw: bytes, now: datetime) -> Iterator[tuple[int, int, bytes]]:
    """Yield the splice that sets REV to `now`, in the form it has (RFC 6350 §6.7.4)."""
    for line in lines(raw):
        if line.name == "REV":
            yield line.value, line.end, stamp_like(raw[line.value : line.end], now)


@lru_cache(maxsize=64)
def _stamps(now: datetime) -> tuple[bytes, bytes, bytes, bytes]:
    utc = now.astimezone(UTC)
    forms = "%Y%m%dT%H%M%SZ", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"
    basic, basic_date, extended, extended_date = (utc.strftime(form).encode() for form in forms)
    return basic, basic_date, extended, extended_date


def stamp_like(old: bytes, now: datetime) -> bytes:
    """Write a time (UTC) in the form of an old stamp: basic or extended, with a clock or not."""
    basic, basic_date, extended, extended_date = _stamps(now)
    if b"-" in old[:5]:
        return extended if b"T" in old else extended_date
    if b"T" in old:
        return basic
    return basic_date if old.strip().isdigit() else extended


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
