"""The cards of a chunk by columns: their numbers and names, without making a card of any.

Most cards of most books need no change, and their numbers alone show it. What is needed of all
cards of a chunk is found by two searches through the whole of it, which costs a third of reading
card by card (`_plain`). The same is found; cards that are not of the common shape are marked.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from danhba_syncers import _plain
from danhba_syncers._names import content_name
from danhba_syncers._plain import PLACE, TEL, UID, VALUE
from danhba_syncers._vcard import has_number

_WANTED = re.compile(
    rb"\n(?:(%b|item\d+\.TEL[A-Za-z0-9=,_;-]*+):([^\r\n]*+)\r?(?=\n)(?!\n[ \t])"
    rb"|%b|END:VCARD)" % (TEL, UID)
)
"""A phone field, a UID of printable ASCII, or the end of a card."""
_PLACES = re.compile(rb"\n(%b):(%b)(?=\r?\n|\Z)" % (PLACE, VALUE))
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
        numbers: The value of each phone field, in UTF-8; an empty one ends a card.
    """

    def __init__(self, stretch: Stretch) -> None:
        """Search the stretch."""
        self._stretch = stretch
        self._chunk = chunk = stretch.chunk
        self._upper = stretch.upper
        rows = _WANTED.findall(chunk)
        self._uids_and_ends = [uid for head, _, uid in rows if not head]
        self._heads = [head for head, _, uid in rows if not uid]
        self.numbers = [
            value or (_NO_NUMBER if head else b"") for head, value, uid in rows if not uid
        ]
        self._ends = self._found_ends()
        if len(self) == stretch.cards and (odd := frozenset(self._odd())):
            self._mark(odd)

    def __len__(self) -> int:
        """Return the number of cards that END marks, which is that of all where all is well."""
        return len(self._ends)

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
        found, cards = self._uids_and_ends, self._stretch.cards
        uids = found[::2]
        if len(found) == 2 * cards and all(uids) and not any(found[1::2]):
            return b"\n".join(uids).decode().split("\n")
        raws = (self._chunk[a:b] for a, b in pairwise(self.offsets))
        return [_plain.uid(raw) or content_name(raw) for raw in raws]

    @cached_property
    def elsewhere(self) -> dict[int, tuple[str, ...]]:
        """The names of the other places with numbers, of each card that has some."""
        rows = _PLACES.findall(self._chunk)
        if not has_number(b"\n".join([value for _, value in rows])):
            return {}
        found: dict[int, tuple[str, ...]] = {}
        for row in _PLACES.finditer(self._chunk):
            if has_number(row[2]):
                card = bisect_right(self.offsets, row.start()) - 1
                found[card] = (*found.get(card, ()), _plain.head_of(row[1]).place)
        return found

    def places_without(self, cards: Iterable[int]) -> Iterator[str]:
        """Yield the other places with numbers, of all cards but some."""
        without = frozenset(cards)
        for card, places in self.elsewhere.items():
            if card not in without:
                yield from places

    def raw(self, card: int) -> bytes:
        """Return the bytes of a card."""
        return self._chunk[self.offsets[card] : self.offsets[card + 1]]

    @cached_property
    def texts(self) -> list[str]:
        """The numbers as text."""
        return b"\n".join(self.numbers).decode("utf-8", "surrogateescape").split("\n")

    def values(self, card: int) -> list[str]:
        """Return the values of the phone fields of a card."""
        first, end = self._span(card)
        return self.texts[first:end]

    def heads(self, card: int) -> list[bytes]:
        """Return what stands before them."""
        first, end = self._span(card)
        return self._heads[first:end]

    def _span(self, card: int) -> tuple[int, int]:
        """Say where the numbers of a card begin and end."""
        return self._ends[card - 1] + 1 if card else 0, self._ends[card]

    def _found_ends(self) -> list[int]:
        return [i for i, value in enumerate(self.numbers) if not value]

    def _odd(self) -> Iterator[int]:
        """Yield the cards with a phone field that the search cannot read or did not find."""
        heads, upper = self._heads, self._upper
        strange = {head for head in set(heads) if head and _is_odd(head)}
        if not strange and upper.count(b"TEL") == len(heads) - len(self._ends):
            return
        for card, (start, behind) in enumerate(pairwise(self.offsets)):
            first, end = self._span(card)
            count = upper.count(b"TEL", start, behind)
            if count != end - first or not strange.isdisjoint(heads[first:end]):
                yield card

    def _mark(self, odd: frozenset[int]) -> None:
        """Put a number that takes a closer look into the place of those of odd cards."""
        heads: list[bytes] = []
        numbers: list[bytes] = []
        for card in range(len(self._ends)):
            first, end = self._span(card)
            if card in odd:
                heads += b"", b""
                numbers += _NO_NUMBER, b""
            else:
                heads += self._heads[first : end + 1]
                numbers += self.numbers[first : end + 1]
        self._heads, self.numbers = heads, numbers
        self._ends = self._found_ends()


def skim(stretch: Stretch) -> Columns | None:
    """Search the cards of a stretch; None where they cannot be told apart for sure."""
    columns = Columns(stretch)
    return columns if len(columns) == stretch.cards else None


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
    upper, cards = chunk.upper(), chunk.count(last + first) + 1
    well_parted = upper.count(b":VCARD") == 2 * cards
    return Stretch(start, chunk, upper, first, last, cards) if well_parted else None


def _is_odd(head: bytes) -> bool:
    return _plain.head_of(head[head.find(b"TEL") :]).odd
