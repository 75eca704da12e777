"""The quick reading of a card of the common shape; gives up on any oddity.

Most cards have plain `TEL` lines: no group, no fold, no escape, no quoted-printable. One regular
expression finds all that danhba needs of such a card, some thirty times faster than `_vcard`. Each
function returns what its namesake in `_vcard` would, or None when the card is not that simple.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from danhba.card import Change, Details, Headline, Phone, SetNumber
from danhba_syncers._params import read_params
from danhba_syncers._patch import splice, stamp_like
from danhba_syncers._vcard import KEYS, has_number, read_details, read_stamp

_WANTED = re.compile(
    rb"\n(TEL(?<!=\nTEL)(?<!=\r\nTEL)[A-Za-z0-9=,_;-]*+|UID|(?:NOTE|IMPP|MEMBER|PHONE|FAX|X-S(?:IP|KYPE-PSTNNUMBER))[^:\r\n]*+)"
    rb":([^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*)(?=\r?\n|\Z)"
)
_ADR = re.compile(rb"\nADR[A-Za-z0-9=,_;-]*+:([^\r\n]*+)(?=\r?\n([ \t])?)")
_OTHER_REV = re.compile(rb"\n(?:[\w-]+\.)?REV[;:\r\n]", re.IGNORECASE)
_DESCRIBING = re.compile(
    rb"\n(FN|N|ORG|REV|ADR|KIND|IMPP|CREATED|X-(?:CREATED|CREATION-DATE|ABShowAs|ABSHOWAS|WHATSAPP"
    rb"|ZALO|VIBER|TELEGRAM|SIGNAL|ADDRESSBOOKSERVER-KIND))"
    rb"(;[^:\r\n]*+)?:([^\r\n]*+)(?=\r?\n([ \t])?)"
)
_ODD_NAME = re.compile(rb"\n(?:[\w-]+\.|[a-z])")
_ESCAPE = re.compile(r"\\(.)")
_MOST_HEADS = 4096


class _Head(NamedTuple):
    """What stands before the colon of a line, read once for all lines that begin alike.

    Attributes:
        labels: The machine labels of a phone.
        label: Its typed label.
        place: The name of another property with numbers in it; empty for a phone.
        odd: Whether the careful way must read the card.
        more: What else is said of a phone.
    """

    labels: tuple[str, ...] = ()
    label: str = ""
    place: str = ""
    odd: bool = False
    more: tuple[str, ...] = ()


_heads: dict[bytes, _Head] = {}


class Plain(NamedTuple):
    """The phones of a card, its UID, and the names of the other places with numbers."""

    phones: tuple[Phone, ...]
    uid: str
    elsewhere: tuple[str, ...]


def read(raw: bytes) -> Plain | None:
    """Read the phones and the UID of a card of the common shape; None for any other."""
    if raw[11:12] != b"\n" and raw[11:13] != b"\r\n":
        return None
    phones: list[Phone] = []
    uids: list[bytes] = []
    elsewhere: tuple[str, ...] = ()
    try:
        for start, value in _WANTED.findall(raw):
            if start == b"UID":
                uids.append(value)
                continue
            head = _heads.get(start) or _head(start)
            if head.odd:
                return None
            if head.place:
                if has_number(value):
                    elsewhere = (*elsewhere, head.place)
                continue
            text = value.decode()
            if "\n" in text or "\\" in text:
                return None
            phones.append(Phone(KEYS[len(phones)], text, head.labels, head.label, "", head.more))
        if raw.upper().count(b"TEL") != len(phones):
            return None  # grouped, in lower case, or in the middle of something else
        uid = _only_uid(uids)
        return None if uid is None else Plain(tuple(phones), uid, elsewhere)
    except (UnicodeDecodeError, IndexError):
        return None


def _only_uid(uids: list[bytes]) -> str | None:
    """Return the one UID of a card, an empty string when it has none; None when it is not plain."""
    if not uids:
        return ""
    value = uids[0]
    if len(uids) > 1 or not value or b"\n" in value or b"\\" in value:
        return None
    return value.decode().strip()


def _head(start: bytes) -> _Head:
    name, _, rest = start.partition(b";")
    said = read_params(b";" + rest if rest else b"")
    odd = bool(said.soft or said.charset or said.handle) or b"ENCODING" in rest.upper()
    place = "" if name == b"TEL" else name.decode()
    odd = odd or (name.startswith(b"TEL") and name != b"TEL")
    head = _Head(said.labels, said.label, place, odd, said.more)
    if len(_heads) < _MOST_HEADS:
        _heads[start] = head
    return head


def headline(raw: bytes) -> Headline | None:
    """Read the name, the date and the countries of a card of the common shape."""
    upper = raw.upper()
    try:
        name = _only_value(raw, upper, b"\nFN:", b"\nFN")
        stamp = _only_value(raw, upper, b"\nREV:", b"REV")
        if not name or stamp is None:
            return None
        countries: tuple[str, ...] = ()
        if b"ADR" in upper:
            found = _addresses(raw, upper.count(b"ADR"))
            if found is None:
                return None
            countries = found
        return Headline(name, read_stamp(stamp) if stamp else None, countries)
    except UnicodeDecodeError:
        return None


def _only_value(raw: bytes, upper: bytes, start: bytes, name: bytes) -> str | None:
    """Return the value of a property that stands once at most; None where it is not that simple."""
    at = raw.find(start)
    if upper.count(name) != (at >= 0):
        return None
    if at < 0:
        return ""
    at += len(start)
    end = raw.find(b"\n", at)
    value = raw[at:end]
    folded = raw[end + 1 : end + 2] in (b" ", b"\t")
    return None if end < 0 or folded or b"\\" in value else value.decode().strip()


def _addresses(raw: bytes, count: int) -> tuple[str, ...] | None:
    """Return the countries of so many addresses; None where one is not simple."""
    found = _ADR.findall(raw)
    if len(found) != count or any(fold or b"\\" in value for value, fold in found):
        return None
    parts = (value.split(b";", 7) for value, _ in found)
    return tuple([part[6].decode().strip() for part in parts if len(part) > 6 and part[6].strip()])


def details(raw: bytes) -> Details | None:
    """Read what a card of the common shape says besides its phones."""
    if _ODD_NAME.search(raw):
        return None
    properties: list[tuple[str, str]] = []
    for name, params, value, fold in _DESCRIBING.findall(raw):
        if fold or (params and _head(b"TEL" + params).odd):
            return None
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return None
        if "\\" in text:
            text = _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)
        properties.append((name.decode().upper(), text.strip()))
    found = read_details(properties)
    return found if found.name else None


def patch(raw: bytes, changes: Sequence[Change], now: datetime) -> bytes | None:
    """Set the numbers and the REV stamp of a card whose phones are plain."""
    edits: list[tuple[int, int, bytes]] = []
    numbers = _numbers(changes)
    if numbers is None:
        return None
    for change in numbers:
        before = change.before.encode()
        place = b":" + before
        at = raw.find(place)
        start = raw.rfind(b"\n", 0, at)
        after = raw[at + len(place) : at + len(place) + 2]
        if at < 0 or raw.find(place, at + 1) >= 0 or raw[start : start + 4] != b"\nTEL":
            return None
        if after != b"\r\n" and after[:1] != b"\n":
            return None
        if str(raw.count(b"\nTEL", 0, at) - 1) != change.phone:
            return None
        edits.append((at + 1, at + len(place), change.after.encode()))
    revs = raw.count(b"REV")
    if revs:
        start = raw.find(b"\nREV:") + 5
        end = raw.find(b"\n", start)
        if revs > 1 or start < 5 or end < 0 or raw[end + 1 : end + 2] in (b" ", b"\t"):
            return None
        end -= raw[end - 1 : end] == b"\r"
        edits.append((start, end, stamp_like(raw[start:end], now)))
    elif _OTHER_REV.search(raw):
        return None
    return splice(raw, edits)


def _numbers(changes: Sequence[Change]) -> Sequence[SetNumber] | None:
    """Take numbers set one after the other together; None where something else is changed too."""
    found: dict[str, SetNumber] = {}
    for change in changes:
        if not isinstance(change, SetNumber):
            return None
        first = found.get(change.phone)
        if first and first.after != change.before:
            return None
        found[change.phone] = replace(change, before=first.before) if first else change
    return tuple(found.values())
