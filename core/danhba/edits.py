"""How is a raw changed, and turned back? Stretches of bytes, and what takes their place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from danhba.card import Splice

Octets: TypeAlias = bytes | memoryview
Span: TypeAlias = tuple[int, int, bytes]
"""Where a stretch of a raw begins and ends, and the bytes that shall stand there."""


def spliced(old: bytes, spans: Iterable[Span]) -> tuple[bytes, tuple[Splice, ...]]:
    """Replace stretches of a raw, in order; return the new one and what turns it back."""
    parts: list[bytes] = []
    back: list[Splice] = []
    position = shift = 0
    for start, end, new in spans:
        size = len(new)
        parts.append(old[position:start])
        parts.append(new)
        back.append((start + shift, size, str(old[start:end], "latin-1")))
        shift += size - (end - start)
        position = end
    parts.append(old[position:])
    return b"".join(parts), tuple(back)
