"""How do changes look in the octets of a vCard? Only what a change names moves.

A number is written over the old one in its place, labels among the parameters, a new field as a
line behind the one it belongs to; a dropped field takes its line along, and the X-ABLabel that was
of this field alone. The card's REV, when it has one, is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from danhba.card import Change, Phone, SetNumber
from danhba.changes import Made, made
from danhba.edits import Span, spliced
from danhba_syncers._params import Params, params_like, read_params, relabelled
from danhba_syncers._vcard import (
    Line,
    Spot,
    is_torn,
    lines,
    narrow,
    shown,
    spots,
    tokens,
    widen,
)

_MOST = 75
"""Octets of a physical line, its line end apart (RFC 6350 §3.2; quoted-printable has 76)."""
_UNIT = re.compile(rb"[\x00-\x7f\xf8-\xff]|[\xc0-\xf7][\x80-\xbf]*|[\x80-\xbf]")
_SOFT_UNIT = re.compile(rb"=[0-9A-F]{2}|.", re.DOTALL)
_FIRST_END = re.compile(rb"\r*\n|\r")
_OF_THE_NEXT = ("LATESTDATE", "X-OPPO-DURATION", "X-OPPO-TYPE")
"""Private lines of OPPO phones, which belong to the phone field behind them."""


class _Style(NamedTuple):
    """How a card writes new lines.

    Attributes:
        bare: Labels stand without `TYPE=`, and lines are not folded (vCard 2.1).
        lower: Labels are written in lower case (4.0).
    """

    bare: bool
    lower: bool


def patch(raw: bytes, changes: Sequence[Change], now: datetime) -> bytes:
    """Return the card with the changes made, and REV, when it has one, set to `now`.

    Raises:
        ValueError: A change names a field the card does not have, or expects something else there;
            or the card is such that the result would not read back as meant.
    """
    plain, codec = narrow(raw)
    found = spots(plain)[0]
    fields = made([spot.phone for spot in found], changes)
    spans = sorted([*_splices(plain, found, fields), *_stamp(plain, now)])
    patched, _ = spliced(plain, spans)
    if not all(isinstance(change, SetNumber) for change in changes):
        _check(patched, fields)
    return widen(patched, codec)


def _splices(raw: bytes, found: list[Spot], fields: Sequence[Made]) -> Iterator[Span]:
    """Yield what turns the fields as they are into the fields as they shall be."""
    added: dict[str, list[Phone]] = {spot.phone.key: [] for spot in found}
    behind = ""
    for field in fields:
        if field.was:
            behind = field.key
        elif field.phone:
            added[behind].append(field.phone)
    now = {field.key: field.phone for field in fields}
    style, around = _style(raw), _around(raw) if None in now.values() else None
    for spot in found:
        phone = now[spot.phone.key]
        new = [_new_line(raw, spot, other, style) for other in added[spot.phone.key]]
        if phone:
            yield from _changed(raw, spot, phone, new, style)
        elif around:
            yield from _dropped(raw, spot, new, around)


def _style(raw: bytes) -> _Style:
    version = next((shown(raw, line) for line in lines(raw) if line.name == "VERSION"), "")
    return _Style(version == "2.1", version.startswith("4"))


def _changed(
    raw: bytes, spot: Spot, phone: Phone, new: list[bytes], style: _Style
) -> Iterator[Span]:
    """Yield the splices of a field that stays, and of the lines that come behind it."""
    was, line = spot.phone, spot.line
    gone = frozenset(was.labels).difference(phone.labels)
    come = [label for label in dict.fromkeys(phone.labels) if label not in was.labels]
    if gone or come:
        params = raw[line.head : line.value - 1]
        yield line.head, line.value - 1, relabelled(params, gone, come, **style._asdict())
    value = raw[line.value : line.end]
    if phone.value != was.value:
        value = respelled(value, phone.value, spot.params)
    end = _line_end(raw, line)
    yield line.value, line.end, b"".join([value, *(end + other for other in new)])


class _Around(NamedTuple):
    """What stands around the lines of a card.

    Attributes:
        before: Where a line begins -> the name of the line before it.
        groups: The lines of each group.
    """

    before: dict[int, str]
    groups: dict[bytes, list[Line]]


def _around(raw: bytes) -> _Around:
    around, name = _Around({}, {}), ""
    for line in lines(raw):
        around.before[line.start], name = name, line.name
        if line.group:
            around.groups.setdefault(line.group, []).append(line)
    return around


def _dropped(raw: bytes, spot: Spot, new: list[bytes], around: _Around) -> Iterator[Span]:
    """Yield the splices that take a field away, and put lines in its place.

    Raises:
        ValueError: Lines before it would then belong to another field.
    """
    line, end = spot.line, _line_end(raw, spot.line)
    before = around.before[line.start]
    if before in _OF_THE_NEXT:
        raise ValueError(f"phone {spot.phone.key}: the line before it, {before}, belongs to it")
    yield line.start, line.behind, b"".join(other + end for other in new)
    partners = [one for one in around.groups.get(line.group, ()) if one.start != line.start]
    if all(partner.name == "X-ABLABEL" for partner in partners):
        yield from ((partner.start, partner.behind, b"") for partner in partners)


def _new_line(raw: bytes, spot: Spot, phone: Phone, style: _Style) -> bytes:
    """Write a phone field like the one it will stand behind; without group and line end."""
    line, value = spot.line, phone.value
    name = raw[line.start : line.head].rpartition(b".")[2]
    params = params_like(line.params, value, phone.labels, **style._asdict())
    coding = Params() if value.isascii() else spot.params
    uri = value.startswith("tel:") and b"=URI" in params.upper()
    written = value.encode() if uri else _encode(value, coding)
    return _folded(b"%b%b:%b" % (name, params, written), _line_end(raw, line), coding, style)


def _folded(line: bytes, end: bytes, coding: Params, style: _Style) -> bytes:
    """Fold a long line; one of vCard 2.1 only where it is quoted-printable, by soft breaks."""
    if len(line) <= _MOST or (style.bare and not coding.soft):
        return line
    mark, margin = (b"=" + end, b"") if coding.soft else (end, b" ")
    parts = [b""]
    for unit in (_SOFT_UNIT if coding.soft else _UNIT).findall(line):
        if len(parts[-1]) + len(unit) > _MOST:
            parts.append(margin)
        parts[-1] += unit
    return mark.join(parts)


def _line_end(raw: bytes, line: Line) -> bytes:
    """Return the line end of a line; of the last one, which may have none, that of the first."""
    if line.behind > line.end:
        return raw[line.end : line.behind]
    found = _FIRST_END.search(raw)
    return found[0] if found else b"\r\n"


def _check(raw: bytes, fields: Sequence[Made]) -> None:
    """Make sure that a patched card reads back as it shall be."""
    meant = [(field.phone.value, set(field.phone.labels)) for field in fields if field.phone]
    found = [(spot.phone.value, set(spot.phone.labels)) for spot in spots(raw)[0]]
    if found != meant:
        raise ValueError("the card is written in a way that these changes cannot be made in")


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
    return re.sub(rb"([\\;,])", rb"\\\1", raw).replace(b"\n", b"\\n")


def _stamp(raw: bytes, now: datetime) -> Iterator[Span]:
    """Yield the splice that sets REV to `now`, in the form it has (RFC 6350 §6.7.4)."""
    for line in lines(raw):
        if line.name == "REV":
            old = raw[line.value : line.end]
            if is_torn(old, soft=read_params(line.params).soft):
                raise ValueError("its REV goes on behind a line break that is none")
            yield line.value, line.end, stamp_like(old, now)


@lru_cache(maxsize=64)
def _stamps(now: datetime) -> tuple[bytes, bytes, bytes, bytes]:
    utc = now.astimezone(UTC)
    forms = "%Y%m%dT%H%M%SZ", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"
    basic, basic_date, extended, extended_date = (utc.strftime(form).encode() for form in forms)
    return basic, basic_date, extended, extended_date


@lru_cache(maxsize=4096)
def stamp_like(old: bytes, now: datetime) -> bytes:
    """Write a time (UTC) in the form of an old stamp: basic or extended, with a clock or not."""
    basic, basic_date, extended, extended_date = _stamps(now)
    if b"-" in old[:5]:
        return extended if b"T" in old else extended_date
    if b"T" in old:
        return basic
    return basic_date if old.strip().isdigit() else extended
