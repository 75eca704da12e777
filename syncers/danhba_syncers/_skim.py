"""The cards of a chunk by columns: their numbers and names, without making a card of any.

Most cards of most books need no change, and their numbers alone show it. What is needed of all
cards of a chunk is found by two searches through the whole of it, which costs a third of reading
card by card (`_plain`). The same is found; cards that are not of the common shape are marked.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from danhba_syncers import _plain, _vcard
from danhba_syncers._names import name_of
from danhba_syncers._plain import PLACE, TEL, VALUE, of_its_own
from danhba_syncers._vcard import has_number

_WANTED = re.compile(
    rb"\n(?:(UID|%b|%btem\d+\.TEL[A-Za-z0-9=,_;-]*+):([ -\xff]*+)\r?(?=\n[^ \t])|END:VCARD)"
    % (TEL, of_its_own(b"i"))
)
"""A UID, a phone field, or the end of a card. A single range is what is searched fastest."""
_PLACES = re.compile(rb"\n%b:%b" % (PLACE, VALUE))
_PLACES_APART = re.compile(rb"\n(%b):(%b)" % (PLACE, VALUE))
_plain_uids = re.compile(rb"(?:(?!sha256:)[!\"$&-\[\]-~]++\n)*").fullmatch
"""Lines of printable ASCII without a backslash (`_plain.UID`) that are names as they are."""
_LINE_ENDS = (b"\r\n", b"\n")
_NO_NUMBER = b"?"
"""Stands for an empty value, and for the numbers of a card that takes a closer look."""


class Stretch(NamedTuple):
    """Cards in a chunk, one behind the other: each is `first`, its body, `last`.

    Attributes:
        start: Bytes from the start of the chunk.
        chunk: The bytes of the cards.
        upper: The same in upper case.
        first: How each card begins.
        last: How each card ends.
        cards: How many there are.
    """

    start: int
    chunk: bytes
    upper: bytes
    first: bytes
    last: bytes
    cards: int


class Columns:
    """The cards of a stretch.

    Attributes:
        cards: How many there are.
        numbers: The values of the phone fields, in UTF-8, card after card. For one that is empty or
            not known for sure stands something that is no number.
    """

    def __init__(self, stretch: Stretch) -> None:
        """Search the stretch."""
        self.cards = stretch.cards
        self._stretch = stretch
        self._chunk = chunk = stretch.chunk
        rows = _WANTED.findall(chunk)
        self._uids_and_ends = [value for head, value in rows if not head or head == b"UID"]
        fields = [row for row in rows if row[0] != b"UID"]
        heads, values = zip(*fields, strict=True) if fields else ((), ())
        self._heads: Sequence[bytes] = heads
        if values.count(b"") > stretch.cards:
            values = tuple(value or (head and _NO_NUMBER) for head, value in fields)
        self.numbers = list(filter(None, values))
        if self.well_parted() and (odd := frozenset(self._odd())):
            self._mark(odd)

    def well_parted(self) -> bool:
        """Say whether as many cards were found as the stretch has."""
        return self._heads.count(b"") == self.cards

    @cached_property
    def begins(self) -> list[int]:
        """Where in the numbers those of each card begin, and where the last one's end."""
        places = [i for i, head in enumerate(self._heads, 1) if not head]
        return [place - card for card, place in enumerate([0, *places])]

    @cached_property
    def offsets(self) -> list[int]:
        """Bytes from the start of the stretch to each card, and to the end."""
        first, last = self._stretch.first, self._stretch.last
        bodies = self._chunk[len(first) : -len(last)].split(last + first)
        around = len(first) + len(last)
        return list(accumulate([len(body) + around for body in bodies], initial=0))

    @cached_property
    def names(self) -> list[str]:
        """The name of each card: its UID, or its content where it has none."""
        found = self._uids_and_ends
        uids = found[::2]
        if len(found) == 2 * self.cards and not any(found[1::2]):
            text = b"\n".join([*uids, b""])
            if _plain_uids(text):
                return text.decode().split("\n")[:-1]
        raws = (self._chunk[a:b] for a, b in pairwise(self.offsets))
        return [name_of(_plain.uid(raw), raw) for raw in raws]

    @cached_property
    def elsewhere(self) -> dict[int, tuple[str, ...]]:
        """The names of the other places with numbers, of each card that has some."""
        text = b"\n".join(_PLACES.findall(self._chunk))
        if not has_number(text) and b"QUOTED-PRINTABLE" not in text.upper():
            return {}
        found: dict[int, tuple[str, ...]] = {}
        odd: set[int] = set()
        for place in _PLACES_APART.finditer(self._chunk):
            head, value = _plain.head_of(place[1]), place[2]
            card = bisect_right(self.offsets, place.start()) - 1
            if head.odd:
                odd.add(card)
            elif has_number(value):
                found[card] = (*found.get(card, ()), head.place)
        return found | {card: _vcard.spots(*self.raws([card]))[1] for card in odd}

    def places_without(self, cards: Iterable[int]) -> Iterator[str]:
        """Yield the other places with numbers, of all cards but some."""
        without = frozenset(cards)
        for card, places in self.elsewhere.items():
            if card not in without:
                yield from places

    def raws(self, cards: Iterable[int]) -> list[bytes]:
        """Return the bytes of some cards."""
        chunk, offsets = self._chunk, self.offsets
        return [chunk[offsets[card] : offsets[card + 1]] for card in cards]

    @cached_property
    def texts(self) -> list[str]:
        """The numbers as text."""
        return b"\n".join(self.numbers).decode("utf-8", "surrogateescape").split("\n")

    @cached_property
    def kinds(self) -> frozenset[bytes]:
        """All that stands before values, each once."""
        return frozenset(filter(None, self._heads))

    def heads(self, cards: Iterable[int]) -> list[Sequence[bytes]]:
        """Return what stands before the values of the phone fields of some cards."""
        heads, begins = self._heads, self.begins  # an empty head ends each card
        return [heads[begins[card] + card : begins[card + 1] + card] for card in cards]

    def _odd(self) -> Iterator[int]:
        """Yield the cards with a phone field that the search cannot read or did not find."""
        strange = set(filter(_is_odd, self.kinds))
        upper = self._stretch.upper
        if not strange and upper.count(b"TEL") == len(self.numbers):
            return
        places = zip(self.heads(range(self.cards)), pairwise(self.offsets), strict=True)
        for card, (heads, (start, behind)) in enumerate(places):
            if upper.count(b"TEL", start, behind) != len(heads) or not strange.isdisjoint(heads):
                yield card

    def _mark(self, odd: frozenset[int]) -> None:
        """Put a number that takes a closer look into the place of those of odd cards."""
        heads: list[bytes] = []
        numbers: list[bytes] = []
        begins = self.begins
        for card, mine in enumerate(self.heads(range(self.cards))):
            if card in odd:
                heads += _NO_NUMBER, b""
                numbers.append(_NO_NUMBER)
            else:
                heads += *mine, b""
                numbers += self.numbers[begins[card] : begins[card + 1]]
        self._heads, self.numbers = heads, numbers
        del self.begins, self.kinds


def skim(stretch: Stretch) -> Columns | None:
    """Search the cards of a stretch; None where they cannot be told apart for sure."""
    columns = Columns(stretch)
    return columns if columns.well_parted() else None


def stretches(chunk: bytes, size: int) -> list[Stretch] | None:
    """Part a chunk into stretches of about that size; None where its cards do not allow it.

    They do where the chunk is nothing but cards, one behind the other, with one kind of line end
    and no card in another.
    """
    for end in _LINE_ENDS:
        first, last = b"BEGIN:VCARD" + end, end + b"END:VCARD" + end
        if chunk.startswith(first) and chunk.endswith(last):
            break
    else:
        return None
    found: list[Stretch] = []
    start = 0
    while start < len(chunk):
        seam = chunk.find(last + first, start + size)
        behind = len(chunk) if seam < 0 else seam + len(last)
        stretch = _stretch(start, chunk[start:behind], first, last)
        if stretch is None:
            return None
        found.append(stretch)
        start = behind
    return found


def _stretch(start: int, chunk: bytes, first: bytes, last: bytes) -> Stretch | None:
    empty = b"BEGIN:VCARD" + last  # its two lines share a line end
    if chunk.startswith(empty) or chunk.endswith(empty):
        return None
    upper, cards = chunk.upper(), chunk.count(last + first) + 1
    well_parted = upper.count(b":VCARD") == 2 * cards
    return Stretch(start, chunk, upper, first, last, cards) if well_parted else None


def _is_odd(head: bytes) -> bool:
    return _plain.head_of(head[head.find(b"TEL") :]).odd
