"""UTF-16 files: a shadow of one byte per code unit, in which cards are found like in any other.

Only old macOS programs write vCards in UTF-16, with or without a byte order mark. A code unit that
is ASCII casts itself, any other casts 0xFF; so an offset in the shadow is half the one in the file.
"""

from __future__ import annotations

from typing import BinaryIO

_MARKS = {b"\xfe\xff": 0, b"\xff\xfe": 1}
_NO_MARKS = {b"\0B\0E": 0, b"B\0E\0": 1}


def low_byte(stream: BinaryIO) -> int | None:
    """Say whether a file is UTF-16: 0 for big endian, 1 for little endian, None for neither."""
    head = stream.read(4)
    stream.seek(0)
    return _MARKS.get(head[:2], _NO_MARKS.get(head.upper()))


class Shadow:
    """The shadow of a UTF-16 stream; just enough of a stream for `split`."""

    def __init__(self, stream: BinaryIO, order: int) -> None:
        self._stream = stream
        self._order = order

    def read(self, size: int) -> bytes:
        """Return the shadow of the next `size` code units."""
        block = self._stream.read(2 * size)
        low, high = block[1 - self._order :: 2], block[self._order :: 2]
        if high.count(0) == len(high) and low.isascii():
            return low
        return bytes(a if not b and a < 128 else 0xFF for a, b in zip(low, high, strict=False))
