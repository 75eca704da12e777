"""How does a pack write many prefixes in short? `[0-3]` is any of these, `{1:}` a part of `old`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

_PATTERN = re.compile(r"(?:[0-9]|\[(?:[0-9](?:-[0-9])?)+\])+")
_PLACE = re.compile(r"[0-9]|\[[0-9-]+\]")
_PART = re.compile(r"\{([0-9]*):([0-9]*)\}")


def spread(value: object) -> Iterator[object]:
    """Give the prefixes that a pattern, or a list of patterns, stands for.

    What is neither comes back as it is, to be found wrong by whoever checks the values.
    """
    if isinstance(value, str) and _PATTERN.fullmatch(value):
        yield from map("".join, product(*map(_digits, _PLACE.findall(value))))
    elif isinstance(value, list) and value:
        for one in value:
            yield from spread(one)
    else:
        yield value


def _digits(place: str) -> str:
    """Give the digits that may stand in a place, `[0-35]` or a single digit."""
    ranges = re.findall(r"([0-9])(?:-([0-9]))?", place)
    return "".join(
        str(n) for first, last in ranges for n in range(int(first), int(last or first) + 1)
    )


class Filled(NamedTuple):
    """A new prefix, and which of its digits are the old one's: the attributes of a rule."""

    new: str
    keep: int
    behind: int
    inserted: int


def fill(template: str, old: str) -> Filled:
    """Fill the places of `new` with parts of the old prefix.

    `{:2}` is its first two digits, `{2:}` what follows them, `{:}` all of it. Digits behind a space
    are written at the head of what follows: `10 5{2:}` makes 10-5234 of 11-234, not 105-234.
    """
    head, _, tail = template.partition(" ")
    new = [_PART.sub(lambda part: _part(part, old), text) for text in (head, tail)]
    parts = [_part(part, old) for part in _PART.finditer(template)]
    behind = len(parts[-1]) if template.endswith(":}") else 0
    first = template.startswith("{:") and (len(parts) > 1 or not behind)
    keep = len(parts[0]) if first else 0
    behind = min(behind, len(old) - keep)
    return Filled("".join(new), keep, behind, len(new[1]) - behind if tail else 0)


def _part(part: re.Match[str], old: str) -> str:
    begin, end = part.groups()
    return old[int(begin or 0) : int(end) if end else None]
