"""What becomes of many cards at once? The quick lane for those with none but plain numbers.

A number is plain when it is one home number in a plain spelling, with one reading. Where all
numbers of a card are plain, it is calm (all are kept), or its old numbers are converted whatever
else it says, unless something on it raises a doubt. Such cards are decided here, thousands at a
time and without becoming a `Card`; the others go the usual way (`danhba.plan`). Proposals and sums
are those that the usual way comes to; the property tests hold the two together.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from operator import itemgetter

from danhba.card import Decided, SetNumber
from danhba.context import Block, Context
from danhba.convert import COMMON, has_history, simple_change
from danhba.difflog import CardLine, LineSink, name_in_log
from danhba.phone import PLAIN, plain_nsn
from danhba.tally import Tally, merge
from danhba.verdict import Judged

_plain = re.compile(PLAIN.encode()).fullmatch
_all_simple = re.compile(rb"(?:\+?[0-9]++(?:[ .-][0-9]++)*+(?<!\.0)\n)*").fullmatch
"""Lines with numbers that surely are `PLAIN`, which is slower."""
_NO_NUMBER = b"?"
_KEYS = tuple(map(str, range(64)))
"""Keys of phone fields; a card with more takes the usual way."""
_WEIGHED = Judged("ask", "weighed", "unreadable")
"""Stands for the judgement on a number that is not plain: the usual way weighs it."""


class Lane:
    """Decides about the plain cards of one part of a source (`danhba.syncer.Lane`).

    Args:
        context: What the conversion depends on; it must have no steps.
        tally: Where cards and numbers are counted.
        log: Where proposals go.
    """

    def __init__(self, context: Context, tally: Tally, log: LineSink) -> None:
        self._context = context
        self._tally = tally
        self._log = log
        self._first = itemgetter(slice(1 + context.home.block_digits))
        self._known = context.plain_blocks
        self._moving = context.moving
        self._remembers = bool(context.answers or context.ledger)
        self._digits: list[bytes] = []
        self._judged: list[Judged] = []
        self._begins: Sequence[int] = ()
        self._any_twice = False
        self._brackets = False

    def sift(self, numbers: Sequence[bytes], begins: Callable[[], Sequence[int]]) -> list[int]:
        """Return which cards are not calm."""
        self._digits = digits = self._in_national_form(numbers)
        blocks = list(zip(map(self._first, digits), map(len, digits), strict=True))
        try:
            judged = list(map(self._known.__getitem__, blocks))
        except KeyError:
            self._judge(blocks)
            judged = list(map(self._known.__getitem__, blocks))
        self._judged = judged
        self._any_twice = len(set(digits)) < len(digits)
        if not self._any_twice and self._moving.isdisjoint(judged):
            return []
        self._begins = begins()
        return _cards_with(list(map(self._moving.__contains__, judged)), self._begins)

    def count(self, cards: int, left: Collection[int], places: Iterable[str]) -> None:
        """Count the cards decided here, and the other places with numbers on them.

        Args:
            cards: How many cards there are.
            left: The cards that are not decided here.
            places: As in `Card.elsewhere`, of all cards that are.
        """
        tally, counts = self._tally, Counter(self._judged)
        for card in left:
            counts.subtract(self._judged[slice(*self._span(card))])
        merge(tally.numbers, +counts)
        merge(tally.elsewhere, Counter(places))
        tally.cards["read"] += cards - len(left)
        if self._any_twice:
            tally.cards["twice"] += self._twice(left)

    def harmless(self, labels: tuple[str, ...], label: str) -> bool:
        """Say whether the labels of a field prove nothing about its number."""
        return not label and self._context.harmless(labels)

    def changes(
        self, cards: Iterable[int], values: Sequence[str]
    ) -> Iterator[tuple[SetNumber, ...]]:
        """Yield what becomes of each card that was held back; nothing where that is not certain.

        Args:
            cards: The cards, as `sift` counts them.
            values: The values of all phone fields; a card's are taken to have the keys `0`, `1`, ….
        """
        begins = self._begins
        for card in cards:
            yield self._changes(begins[card], begins[card + 1], values)

    def _changes(self, first: int, end: int, values: Sequence[str]) -> tuple[SetNumber, ...]:
        """Return what becomes of the numbers of a card, from `first` to `end`."""
        count = end - first
        if count > 1 and (count > len(_KEYS) or _may_be_one(self._digits[first:end])):
            return ()
        if self._brackets and any("(" in value for value in values[first:end]):
            return ()
        judged, moving, found = self._judged, self._moving, []
        for at in range(first, end):
            if judged[at] in moving:
                change = simple_change(_KEYS[at - first], values[at], judged[at], self._context)
                if change is None:
                    return ()
                found.append(change)
        return tuple(found)

    def doubtful(self, refs: Sequence[str], countries: Sequence[tuple[str, ...]]) -> list[bool]:
        """Say which cards are foreign, or have a history with us."""
        at_home = {named: self._context.at_home(named) for named in set(countries)}
        doubts = [not at_home[named] for named in countries]
        if self._remembers:
            known = (has_history(ref, self._context) for ref in refs)
            doubts = [a or b for a, b in zip(doubts, known, strict=True)]
        return doubts

    def propose(self, decided: Collection[Decided]) -> None:
        """Log and count cards that change."""
        add = self._log.add
        for card in decided:
            before, after = sha256(card.old).hexdigest(), sha256(card.new).hexdigest()
            name = name_in_log(card.name)
            add(CardLine(
                card.ref, name, before, card.date, card.changes, (), before, after,
                card.ref_after, card.back,
            ))  # fmt: skip
        self._tally.cards["changed"] += len(decided)

    def _span(self, card: int) -> tuple[int, int]:
        """Say where the numbers of a card begin and end."""
        return self._begins[card], self._begins[card + 1]

    def _in_national_form(self, numbers: Sequence[bytes]) -> list[bytes]:
        """Return plain home numbers as they are dialled at home; others are no such numbers."""
        text = b"\n".join([*numbers, b""])
        self._brackets = b"(" in text
        if text.count(b"\n") != len(numbers) or not _all_simple(text):
            numbers = [number if _plain(number) else _NO_NUMBER for number in numbers]
            text = b"\n".join([*numbers, b""])
        bare = (b"\n" + text).translate(None, b" .-()")
        return bare.replace(b"\n" + self._context.plus.encode(), b"\n0").split(b"\n")[1:-1]

    def _judge(self, blocks: Sequence[Block]) -> None:
        """Judge a number of each new block, which stands for all of it."""
        known, context = self._known, self._context
        for block, digits in zip(blocks, self._digits, strict=True):
            if block not in known:
                nsn = plain_nsn(digits.decode(), context.plus)
                known[block] = judged = (context.plain(nsn) if nsn else None) or _WEIGHED
                if judged.verdict != "keep":
                    self._moving.add(judged)

    def _twice(self, left: Collection[int]) -> int:
        """Count the cards decided here that hold a number twice."""
        decided = set(range(len(self._begins) - 1)).difference(left)
        found = (self._digits[slice(*self._span(card))] for card in decided)
        return sum(len(set(numbers)) < len(numbers) for numbers in found)


def _may_be_one(digits: Sequence[bytes]) -> bool:
    """Say whether two numbers may be forms of one."""
    return len({number[-COMMON:] for number in digits}) < len(digits)


def _cards_with(flags: list[bool], begins: Sequence[int]) -> list[int]:
    """Return the cards one of whose numbers is flagged."""
    found: list[int] = []
    at = 0
    try:
        while True:
            at = flags.index(True, at)
            card = bisect_right(begins, at) - 1
            found.append(card)
            at = begins[card + 1]
    except ValueError:
        return found
