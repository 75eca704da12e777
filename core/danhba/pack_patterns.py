"""How does a pack write many prefixes in short? `[0-3]` is any of these, `{1:}` a part of `old`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

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


def fill(template: str, old: str) -> tuple[str, int, int]:
    """Fill the places of `new` with parts of the old prefix.

    `{:2}` is its first two digits, `{2:}` what follows them, `{:}` all of it.

    Returns:
        The new prefix; how many first digits of the old one still stand first in it, and how many
        last ones last, so that only what changed need be written anew.
    """
    new = _PART.sub(lambda part: _part(part, old), template)
    parts = [_part(part, old) for part in _PART.finditer(template)]
    behind = len(parts[-1]) if template.endswith(":}") else 0
    first = template.startswith("{:") and (len(parts) > 1 or not behind)
    keep = len(parts[0]) if first else 0
    return new, keep, min(behind, len(old) - keep)


def _part(part: re.Match[str], old: str) -> str:
    begin, end = part.groups()
    return old[int(begin or 0) : int(end) if end else None]
