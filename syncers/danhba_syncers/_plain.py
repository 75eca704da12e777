"""The quick reading of a card of the common shape; gives up on any oddity.

Most cards have plain `TEL` lines: no group, no fold, no escape, no quoted-printable. One regular
expression finds all that danhba needs of such a card, some thirty times faster than `_vcard`. Each
function returns what its namesake in `_vcard` would, or None when the card is not that simple.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from danhba.card import Change, Details, Phone, SetNumber
from danhba_syncers._vcard import KEYS, NUMBERISH, read_details, read_params, splice, stamp_like

_WANTED = re.compile(
    rb"\n(?:"
    rb"TEL([A-Za-z0-9=,_;-]*+):([^\r\n\\]*+)(?=\r?\n[^ \t])"
    rb"|UID:([^\r\n\\]++)(?=\r?\n[^ \t])"
    rb"|(NOTE|IMPP|MEMBER|PHONE|FAX|X-S(?:IP|KYPE-PSTNNUMBER))"
    rb"([;:][^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*+)"
    rb")"
)
_DESCRIBING = re.compile(
    rb"\n((?i:FN|N|ORG|REV|ADR|KIND|(?:X-)?CREATED|X-CREATION-DATE|X-ABSHOWAS"
    rb"|X-ADDRESSBOOKSERVER-KIND|IMPP|X-WHATSAPP|X-ZALO|X-VIBER|X-TELEGRAM|X-SIGNAL))"
    rb"((?:;[A-Za-z0-9=,_-]*)*):([^\r\n]*)(?=\r?\n([ \t])?)"
)
_REV = re.compile(rb"\nREV:([^\r\n]*)(?=\r?\n[^ \t])")
_OTHER_REV = re.compile(rb"\n(?:[\w-]+\.)?REV[;:\r\n]", re.IGNORECASE)
_SOFT_BREAK = re.compile(rb"=\r?\nTEL")
_ESCAPE = re.compile(r"\\(.)")


class Plain(NamedTuple):
    """The phones of a card, its UID, and the names of the other places with numbers."""

    phones: tuple[Phone, ...]
    uid: str
    elsewhere: tuple[str, ...]


def read(raw: bytes) -> Plain | None:
    """Read the phones and the UID of a card of the common shape; None for any other."""
    phones: list[Phone] = []
    uid = b""
    elsewhere: tuple[str, ...] = ()
    for params, value, found, place, other in _WANTED.findall(raw):
        if found:
            if uid:
                return None
            uid = found
        elif place:
            if b"QUOTED" in other:
                return None
            if NUMBERISH.search(other):
                elsewhere = (*elsewhere, place.decode())
        else:
            phone = _phone(len(phones), params, value)
            if phone is None:
                return None
            phones.append(phone)
    if raw.upper().count(b"TEL") != len(phones) or (phones and _SOFT_BREAK.search(raw)):
        return None  # grouped, in lower case, or in the middle of something else
    try:
        return Plain(tuple(phones), uid.decode().strip(), elsewhere)
    except UnicodeDecodeError:
        return None


def _phone(index: int, params: bytes, value: bytes) -> Phone | None:
    said = _labels(params)
    if said is None or index >= len(KEYS):
        return None
    try:
        return Phone(KEYS[index], value.decode(), said[0], said[1])
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=4096)
def _labels(params: bytes) -> tuple[tuple[str, ...], str] | None:
    """Return the labels that plain parameters give; None for an encoding, charset or handle."""
    said = read_params(params)
    if said.soft or said.charset or said.handle or b"ENCODING" in params.upper():
        return None
    return said.labels, said.label


def details(raw: bytes) -> Details | None:
    """Read what a card of the common shape says besides its phones."""
    properties: list[tuple[str, str]] = []
    for name, params, value, fold in _DESCRIBING.findall(raw):
        if fold or (params and _labels(params) is None):
            return None
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return None
        if "\\" in text:
            text = _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)
        properties.append((name.decode().upper(), text.strip()))
    return read_details(properties)


def patch(raw: bytes, changes: Sequence[Change], now: datetime) -> bytes | None:
    """Set the numbers and the REV stamp of a card whose phones are plain."""
    spans = [found.span(2) for found in _WANTED.finditer(raw) if found.start(2) >= 0]
    edits: list[tuple[int, int, bytes]] = []
    for change in changes:
        if not isinstance(change, SetNumber) or not change.phone.isdigit():
            return None
        start, end = spans[int(change.phone)]
        if raw[start:end] != change.before.encode():
            return None
        edits.append((start, end, change.after.encode()))
    revs = _REV.findall(raw)
    if len(revs) != len(_OTHER_REV.findall(raw)) or len(revs) > 1:
        return None
    if revs:
        found = _REV.search(raw)
        assert found
        edits.append((*found.span(1), stamp_like(revs[0], now)))
    return splice(raw, edits)
