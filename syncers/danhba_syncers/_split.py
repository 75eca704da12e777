"""Where one card ends and the next begins in a stream of vCards; everything else is passed by.

A card runs from its `BEGIN:VCARD` line through its `END:VCARD` line, line end included; when the
END is missing, up to the next BEGIN or the end of the file. Cards nested in AGENT belong to the
card around them. Bytes between cards are nobody's and stay where they are.

The quick way handles the common shape with a few searches; any oddity falls back to the careful
way, which gives the same answer for common shapes, only slower.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

BLOCK = 1 << 20
"""Bytes read at a time."""

LARGEST_CARD = 64 << 20
"""Bytes; a larger card is passed by, so that no input can fill the memory."""

_MARKER = re.compile(
    rb"(?:[\w.-]*(AGENT)\b[^:\r\n]*:[ \t]*(?:\r*\n)?)?(BEGIN|END):VCARD[ \t]*(?=[\r\n\0]|\Z)",
    re.IGNORECASE,
)
_MARKER_ON_NEW_LINE = re.compile(rb"[\r\n\0](?=[\w.-])" + _MARKER.pattern, re.IGNORECASE)
_LINE_END = re.compile(rb"[ \t]*(?:\r*\n|\r(?!\r*\n))")
_ONE_LINE_END = (b"\r\n", b"\n")
_BOM = re.compile(rb"\xef\xbb\xbf|\xff")  # 0xFF is what that of UTF-16 casts (`_wide`)
_TAIL = 256
"""Bytes kept when nothing in the buffer is a card: a marker could have begun there."""


class Readable(Protocol):
    """A stream of bytes that can be read on."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        ...


class Piece(NamedTuple):
    """A card's place in the stream.

    Attributes:
        offset: Bytes from the start of the stream to the card.
        raw: The card's bytes; empty when `trouble` is set.
        size: Bytes of the card in the stream.
        nested: Whether there are cards inside the card.
        trouble: Why the card cannot be read, or an empty string.
    """

    offset: int
    raw: bytes
    size: int
    nested: bool = False
    trouble: str = ""


def split(stream: Readable) -> Iterator[Piece]:
    """Yield the cards of a stream of vCards in UTF-8 or any other superset of ASCII."""
    splitter = _Splitter(stream)
    while splitter.fill():
        yield from map(_bounded, splitter.quick())
        found = splitter.pass_on() if splitter.passed else splitter.careful()
        yield from map(_bounded, found)


def _is_common(buffer: bytes) -> bool:
    """Say whether all cards of a buffer begin and end in lines that are written alike."""
    if not buffer.startswith(b"BEGIN:VCARD") or b"\0" in buffer:
        return False
    if buffer.count(b"\r") != buffer.count(b"\r\n"):
        return False
    marks = 1 + buffer.count(b"\nBEGIN:VCARD") + buffer.count(b"\nEND:VCARD")
    return buffer.upper().count(b":VCARD") == marks


def _bounded(piece: Piece) -> Piece:
    """Pass by a card that is too large, though it came in one with the block that ends it."""
    return _too_large(piece.offset, piece.size) if piece.size > LARGEST_CARD else piece


def _too_large(offset: int, size: int) -> Piece:
    return Piece(offset, b"", size, trouble=f"larger than {LARGEST_CARD >> 20} MiB")


class _Splitter:
    """The unread part of the stream (`buffer`), and where it lies (`base`)."""

    def __init__(self, stream: Readable) -> None:
        self.stream = stream
        self.buffer = b""
        self.base = 0
        self.ended = False
        self.on_new_line = True  # whether the buffer begins at the beginning of a line
        self.passed = 0  # bytes of a card that is too large, passed so far

    def fill(self) -> bool:
        """Read on; say whether there is anything left to look at."""
        if not self.ended:
            block = self.stream.read(max(BLOCK, len(self.buffer) // 2))
            self.ended = not block
            self.buffer += block
            if self.base == 0 and (mark := _BOM.match(self.buffer)):
                self._drop(mark.end())
                self.on_new_line = True
        return bool(self.buffer) or not self.ended

    def _drop(self, count: int) -> None:
        if count:
            self.on_new_line = self.buffer[count - 1] in b"\r\n\0"
            self.base += count
            self.buffer = self.buffer[count:]

    def quick(self) -> Iterator[Piece]:
        """Yield the cards at the head of the buffer while they have the common shape."""
        buffer, base, begin = self.buffer, self.base, 0
        if self.passed or not self.on_new_line or not _is_common(buffer):
            return
        find = buffer.find
        while True:
            end = find(b"\nEND:VCARD", begin) + 10
            following = find(b"\nBEGIN:VCARD", begin + 11) + 1
            if following < end or end == 9:
                break
            gap = buffer[end:following]
            if gap in _ONE_LINE_END:
                end = following
            elif (line_end := _LINE_END.match(buffer, end)) and gap.isspace():
                end = line_end.end()
            else:
                break
            yield Piece(base + begin, buffer[begin:end], end - begin)
            begin = following
        self._drop(begin)

    def careful(self) -> Iterator[Piece]:
        """Yield every card of the buffer that is surely complete, whatever its shape."""
        marks, i, done = self._marks(), 0, 0
        while i < len(marks):
            if not _is_begin(marks[i]):
                i += 1
                continue
            closing, nested = _extent(marks, i, ended=self.ended)
            end = self._end_of_card(marks, closing)
            if end is None:
                break
            begin = marks[i].start(2)
            yield Piece(self.base + begin, self.buffer[begin:end], end - begin, nested)
            i, done = closing, end
        if i < len(marks):
            self._drop(marks[i].start(2))
            self.passed = len(self.buffer) > LARGEST_CARD
        else:
            self._drop(len(self.buffer) if self.ended else max(done, len(self.buffer) - _TAIL))

    def _marks(self) -> list[re.Match[bytes]]:
        """Find the BEGIN and END lines; one that touches the end of the buffer may go on."""
        first = _MARKER.match(self.buffer) if self.on_new_line else None
        marks = [first] if first else []
        marks.extend(_MARKER_ON_NEW_LINE.finditer(self.buffer))
        if marks and not self.ended and marks[-1].end() == len(self.buffer):
            marks.pop()
        return marks

    def _end_of_card(self, marks: list[re.Match[bytes]], closing: int) -> int | None:
        """Say where in the buffer the card closed by that mark ends; None when not yet known."""
        if closing == len(marks):
            return len(self.buffer) if self.ended else None
        mark = marks[closing]
        if _is_begin(mark):
            return mark.start(2)
        line_end = _LINE_END.match(self.buffer, mark.end())
        end = line_end.end() if line_end else mark.end()
        unsure = not self.buffer[end : end + _TAIL].strip(b"\r")  # CR CR LF may be cut in two
        return None if unsure and not self.ended else end

    def pass_on(self) -> Iterator[Piece]:
        """Pass through a card that is too large, up to its end or the next card's beginning."""
        marks = [m for m in self._marks() if self.passed > 1 or m.start() > 0]
        if marks:
            count = marks[0].start(2) if _is_begin(marks[0]) else marks[0].end()
        else:
            count = len(self.buffer) if self.ended else max(0, len(self.buffer) - _TAIL)
        self.passed += count
        self._drop(count)
        if marks or self.ended:
            size, self.passed = self.passed - 1, 0
            yield _too_large(self.base - size, size)


def _is_begin(mark: re.Match[bytes]) -> bool:
    return mark.group(2)[:1] in b"Bb"


def _extent(marks: list[re.Match[bytes]], start: int, *, ended: bool) -> tuple[int, bool]:
    """Find the marker that closes the card begun at `marks[start]`.

    Returns:
        The index of the closing END, or of the BEGIN that shows that the END is missing, or the
        number of marks when the stream must be read on (or has ended); and whether there are cards
        inside the card.
    """
    depth, nested = 1, False
    for i in range(start + 1, len(marks)):
        mark = marks[i]
        if not _is_begin(mark):
            depth -= 1
            if depth == 0:
                return i, nested
        elif mark.group(1) or _pairs_up(marks, i, depth):
            depth, nested = depth + 1, True
        elif i + 1 + depth < len(marks) or ended:
            return i, nested
        else:
            break
    return len(marks), nested


def _pairs_up(marks: list[re.Match[bytes]], i: int, depth: int) -> bool:
    """Say whether a BEGIN within a card is followed by an END for itself and for those around."""
    ends = marks[i + 1 : i + 2 + depth]
    return len(ends) == depth + 1 and not any(_is_begin(m) for m in ends)
