"""How do other digits of a number look in its own spelling?

Nothing here knows a numbering rule.
"""

from __future__ import annotations

import re
from unicodedata import decimal

from danhba.characters import fold_char, folded
from danhba.phone import Written

_SEPARATORS = frozenset(" .-/")
_TORN = re.compile(r"[(\[ .-][)\]]|[(\[][ .-]")


def respell(value: str, written: Written, at: int, strip: int, put: str) -> str:
    """Replace some digits of a number and keep its spelling.

    New digits take the places of the old ones from the right; surplus new digits go before the
    first of them. Where digits vanish, separators among the replaced ones go if they would stand
    double or first; no other character moves. The result reads back as the new digits as long as
    the number stays a complete one, of 9 to 15 digits.

    Args:
        value: The whole value that was scanned.
        written: The number in it.
        at: Index in `written.digits` of the first digit to be replaced.
        strip: How many digits are replaced.
        put: The new digits, ASCII.
    """
    first = _place(value, written, at)
    if put and value[first : first + strip].isdigit() and value[first : first + strip].isascii():
        together = value[first : first + strip]
        if len(together) == strip > 0 and first + strip <= written.end:
            return value[:first] + put + value[first + strip :]
    places = [i for i in range(written.start, written.end) if value[i].isdecimal()]
    if not 0 <= at <= at + strip <= len(places):
        raise ValueError(f"digits {at} to {at + strip} of a number of {len(places)}")
    surplus = len(put) - strip
    if surplus < 0:
        return _shrink(value, written, places, at, strip, put)
    chars = list(value)
    for place, digit in zip(places[at : at + strip], put[surplus:], strict=True):
        chars[place] = _like(value[place], digit)
    model = value[places[min(at, len(places) - 1)]] if places else "0"
    behind = places[at] if at < len(places) else written.end
    chars.insert(behind, "".join(_like(model, digit) for digit in put[:surplus]))
    return "".join(chars)


def _place(value: str, written: Written, at: int) -> int:
    """Return the index in the value of a digit of the number; the value's end when it has none."""
    for place in range(written.start, written.end):
        if value[place].isdecimal():
            if at == 0:
                return place
            at -= 1
    return len(value)


def _like(model: str, digit: str) -> str:
    """Write an ASCII digit in the script of another digit; scripts keep 0 to 9 in a row."""
    return chr(ord(model) - decimal(model) + int(digit))


def _shrink(value: str, written: Written, places: list[int], at: int, strip: int, put: str) -> str:
    """Write fewer digits than there were.

    The first of the replaced digits vanish, or later ones where that leaves the brackets in order.
    """
    fewer = strip - len(put)
    windows = [range(at + i, at + i + fewer) for i in range(len(put) + 1)]
    bounds = [_around(written, places, window) for window in windows]
    inside = range(places[at] + 1, places[at + strip - 1])
    rests = [
        _rest(value, slice_, {places[i] for i in window}, inside, edge=_at_edge(written, slice_))
        for window, slice_ in zip(windows, bounds, strict=True)
    ]
    best = next((i for i, rest in enumerate(rests) if not _TORN.search(folded(rest))), 0)
    chars = list(value)
    kept = [i for i in range(at, at + strip) if i not in windows[best]]
    for i, digit in zip(kept, put, strict=True):
        chars[places[i]] = _like(value[places[i]], digit)
    chars[slice(*bounds[best])] = rests[best]
    return "".join(chars)


def _around(written: Written, places: list[int], window: range) -> tuple[int, int]:
    """Return the value's slice between the digits left and right of the vanishing ones."""
    left = places[window.start - 1] + 1 if window.start else written.start
    right = places[window.stop] if window.stop < len(places) else written.end
    return left, right


def _at_edge(written: Written, bounds: tuple[int, int]) -> bool:
    """Tell whether a slice lies at an end of the number, where no separator may stand."""
    return bounds[0] == written.start or bounds[1] == written.end


def _rest(
    value: str, bounds: tuple[int, int], vanishing: set[int], inside: range, *, edge: bool
) -> str:
    """Return what stays between two digits when those between them vanish.

    Of the separators among the replaced digits, those behind the last vanishing one stay, unless
    something else stands before them.
    """
    last = max(vanishing)
    stay = [i for i in range(*bounds) if i not in vanishing]
    loose = [i for i in stay if i in inside and fold_char(value[i]) in _SEPARATORS]
    fixed = [i for i in stay if i not in loose and fold_char(value[i]) is not None]
    doubled = edge or any(i < last for i in fixed) or any(i not in inside for i in fixed)
    return "".join(value[i] for i in stay if i not in loose or (i > last and not doubled))
