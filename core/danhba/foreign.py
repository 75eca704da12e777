"""Does a source hold more numbers of another country than of the home country?

Digits mean something else elsewhere: 0438 123 456 is old Hanoi, an Australian mobile and a line in
Grenoble. Whoever converts such a book as Vietnamese destroys it, so that a person must say first in
which country it is dialled.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from danhba.difflog import EndLine

_OF_SUBSCRIBERS = frozenset(
    ("mobile", "fixed", "fixed-or-mobile", "voip", "toll-free", "premium", "service")
)


class Origins(NamedTuple):
    """How many numbers of a source are of which country.

    Attributes:
        home: Numbers read as the home country's, but for those on cards that point elsewhere.
        abroad: Country code -> numbers written with it.
    """

    home: int
    abroad: Counter[str]


def origins(end: EndLine) -> Origins:
    """Count the numbers of a run by country; short codes and what cannot be read count nowhere."""
    home = 0
    abroad: Counter[str] = Counter()
    for _, reason, _, name, kind, count in end.rows:
        if name[:1] == "+":
            abroad[name[1:].partition(" ")[0]] += count
        elif kind in _OF_SUBSCRIBERS and reason != "foreign-card":
            home += count
    return Origins(home, abroad)


def foreign_majority(end: EndLine) -> str:
    """Return the country code of which there are more numbers than of the home country, or ''."""
    found = origins(end)
    if not found.abroad:
        return ""
    code, count = min(found.abroad.items(), key=lambda item: (-item[1], item[0]))
    return code if count > found.home else ""


def whose_book(end: EndLine, home: str) -> str:
    """Say that a source holds more numbers of another country than of its home; else nothing.

    Args:
        end: The sums of the source.
        home: The country that its national numbers were read in.
    """
    code = foreign_majority(end)
    if not code:
        return ""
    found = origins(end)
    return (
        f"more numbers are of +{code} ({found.abroad[code]}) than of {home} ({found.home}): is this"
        " a book of another country? Nothing was written. Say in which country numbers"
        f" without a country code are dialled, with --country CODE (--country {home} to go on so)"
    )
