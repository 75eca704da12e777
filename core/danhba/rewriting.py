"""How does the new number of a rule look in the place of the old one? Its digits, in its spelling.

Only what changed is written anew: digits that a rule puts into the middle or in front leave the
others where they are, and a trunk prefix or country code that changed is a second step.
"""

from __future__ import annotations

from msgspec.structs import replace

from danhba.dialling import INTERNATIONAL, Dialled
from danhba.numbering import Rule
from danhba.phone import Written
from danhba.respelling import respell

_SEPARATORS = " .-/"
_BRACKETS = ("()", "[]")


def e164(dialled: Dialled, rule: Rule) -> str:
    """Return the new number that a rule makes of an old one."""
    return f"+{rule.new_country_code or dialled.country_code}{rule.renumber(dialled.nsn)}"


def rewrite(value: str, written: Written, dialled: Dialled, rule: Rule) -> str:
    """Write the new number of a rule in the place of an old one."""
    after = _with_new_nsn(value, written, dialled, rule)
    at, strip, put = _front(dialled, rule)
    if strip > len(put):
        surplus = strip - len(put)
        after = _without(after, _moved(written, value, after), at + len(put), surplus)
        strip = len(put)
    return respell(after, _moved(written, value, after), at, strip, put) if put else after


def _moved(written: Written, value: str, after: str) -> Written:
    """Say where a number ends after a change in it."""
    return replace(written, end=written.end + len(after) - len(value))


def _with_new_nsn(value: str, written: Written, dialled: Dialled, rule: Rule) -> str:
    at = dialled.lead + rule.keep
    strip = len(rule.old) - rule.keep - rule.behind
    put = rule.new[rule.keep : len(rule.new) - rule.behind]
    if not put:
        return _without(value, written, at, strip)
    own = put[: len(put) - rule.inserted]
    after = respell(value, written, at, strip, own)
    if rule.inserted:
        return respell(after, _moved(written, value, after), at + len(own), 0, put[len(own) :])
    return _set_apart(value, after, written, at, len(put)) if rule.adds_a_group else after


def _set_apart(value: str, after: str, written: Written, lead: int, size: int) -> str:
    """Set digits put before a number apart, where its groups have their size: 01 97 12 34 56."""
    places = _places(value, written)
    if len(places) <= lead + size:
        return after
    first, last = places[lead], places[lead + size - 1]
    begins = lead == 0 or places[lead - 1] < first - 1
    if not begins or last - first >= size or places[lead + size] != last + 2:
        return after
    separator = value[last + 1]
    at = first + size
    return after[:at] + separator + after[at:] if separator in _SEPARATORS else after


def _front(dialled: Dialled, rule: Rule) -> tuple[int, int, str]:
    """Say which digits in front of the NSN go, from which on, and what takes their place."""
    start = dialled.lead - dialled.trunk
    if dialled.form not in INTERNATIONAL:
        dialled_so = dialled.trunk or "" in rule.old_trunks
        if rule.new_trunk is None or not dialled_so:
            return 0, 0, ""
        return start, dialled.trunk, rule.new_trunk
    trunk = dialled.trunk if rule.new_trunk is not None else 0
    if not rule.new_country_code:
        return start, trunk, ""
    code = len(dialled.country_code)
    return start - code, code + trunk, rule.new_country_code


def _without(value: str, written: Written, at: int, count: int) -> str:
    """Remove digits, the brackets around just them, and the separators behind them.

    A bracket that is closed further on stays.
    """
    if not count:
        return value
    places = _places(value, written)
    begin, end = places[at], places[at + count - 1] + 1
    head = value[:begin]
    rest = "".join(char for char in value[begin:end] if char in "()[]") + value[end:]
    while True:
        if rest[:2] in _BRACKETS:
            rest = rest[2:]
        elif head[-1:] + rest[0] in _BRACKETS:
            head, rest = head[:-1], rest[1:]
        elif rest[0] in _SEPARATORS and not head[-1:].isdecimal():
            rest = rest[1:]
        else:
            return head + rest


def _places(value: str, written: Written) -> list[int]:
    """Give the places of a number's digits in the value."""
    return [i for i in range(written.start, written.end) if value[i].isdecimal()]
