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
from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import sha256
from operator import itemgetter

from danhba.card import Decided, SetNumber
from danhba.context import Block, Context
from danhba.convert import COMMON, has_history, simple_change
from danhba.difflog import CardLine, LineSink, name_in_log
from danhba.phone import PLAIN, plain_nsn
from danhba.tally import Tally, merge

_plain = re.compile(PLAIN.encode()).fullmatch
_all_simple = re.compile(rb"(?:\+?[0-9]++(?:[ .-][0-9]++)*+(?<!\.0)\n)*").fullmatch
"""Lines with numbers that surely are `PLAIN`, which is slower."""
_NO_NUMBER = b"?"


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
        self._plain = context.plain_blocks
        self._moving = context.moving_blocks
        self._digits: list[bytes] = []
        self._blocks: list[Block] = []
        self._counts: Counter[Block] = Counter()
        self._ends_of: Callable[[], Sequence[int]] = list

    def sift(self, numbers: Sequence[bytes], ends: Callable[[], Sequence[int]]) -> list[int]:
        """Return which cards are not calm."""
        self._ends_of = ends
        self._digits = digits = self._in_national_form(numbers)
        self._blocks = blocks = list(zip(map(self._first, digits), map(len, digits), strict=True))
        self._counts = counts = Counter(blocks)
        if fresh := [block for block in counts if block not in self._plain]:
            self._judge(fresh)
        if self._moving.isdisjoint(counts):
            return []
        return _cards_with(list(map(self._moving.__contains__, blocks)), ends())

    def count(self, cards: int, left: Collection[int], places: Iterable[str]) -> None:
        """Count the cards decided here, and the other places with numbers on them.

        Args:
            cards: How many cards there are.
            left: The cards that are not decided here.
            places: As in `Card.elsewhere`, of all cards that are.
        """
        tally, counts = self._tally, self._counts
        for card in left:
            counts.subtract(self._blocks[slice(*self._span(card))])
        for block, count in counts.items():
            if count and (judged := self._plain[block]):
                tally.numbers[judged] = tally.numbers.get(judged, 0) + count
        merge(tally.elsewhere, Counter(places))
        tally.cards["read"] += cards - len(left)
        if len(set(self._digits)) < len(self._digits):
            tally.cards["twice"] += self._twice(left)

    def harmless(self, labels: tuple[str, ...], label: str) -> bool:
        """Say whether the labels of a field prove nothing about its number."""
        return not label and self._context.harmless(labels)

    def changes(self, card: int, values: Sequence[str]) -> tuple[SetNumber, ...]:
        """Return what becomes of a card that was held back; nothing where that is not certain.

        Args:
            card: The card, as `sift` counts it.
            values: The values of its phone fields; their keys are taken to be `0`, `1`, ….
        """
        first, end = self._span(card)
        found: list[SetNumber] = []
        if end - first > 1 and len({n[-COMMON:] for n in self._digits[first:end]}) < end - first:
            return ()
        for key, block in enumerate(self._blocks[first:end]):
            judged, value = self._plain[block], values[key]
            if judged is None or "(" in value:
                return ()
            if judged.verdict == "convert":
                change = simple_change(str(key), value, judged, self._context)
                if change is None:
                    return ()
                found.append(change)
        return tuple(found)

    def doubts(self, ref: str, countries: tuple[str, ...]) -> bool:
        """Say whether a card is foreign, or has a history with us."""
        return has_history(ref, self._context) or not self._context.at_home(countries)

    def propose(self, decided: Decided) -> None:
        """Log and count a card that changes."""
        ref, name, date, changes, old, new, back, ref_after = decided
        name, before, after = name_in_log(name), sha256(old).hexdigest(), sha256(new).hexdigest()
        line = CardLine(ref, name, before, date, changes, (), before, after, ref_after, back)
        self._tally.cards["changed"] += 1
        self._log.add(line)

    def _span(self, card: int) -> tuple[int, int]:
        """Say where the numbers of a card begin and end."""
        ends = self._ends_of()
        return ends[card - 1] if card else 0, ends[card]

    def _in_national_form(self, numbers: Sequence[bytes]) -> list[bytes]:
        """Return plain home numbers as they are dialled at home; others are no such numbers."""
        text = b"\n".join([*numbers, b""])
        if text.count(b"\n") != len(numbers) or not _all_simple(text):
            numbers = [number if _plain(number) else _NO_NUMBER for number in numbers]
            text = b"\n".join([*numbers, b""])
        bare = (b"\n" + text).translate(None, b" .-()")
        return bare.replace(b"\n" + self._context.plus.encode(), b"\n0").split(b"\n")[1:-1]

    def _judge(self, blocks: Collection[Block]) -> None:
        """Judge a number of each block, which stands for all of it."""
        examples = dict(zip(self._blocks, self._digits, strict=True))
        for block in blocks:
            nsn = plain_nsn(examples[block].decode(), self._context.plus)
            self._plain[block] = judged = self._context.plain(nsn) if nsn else None
            if judged is None or judged.verdict != "keep":
                self._moving.add(block)

    def _twice(self, left: Collection[int]) -> int:
        """Count the cards decided here that hold a number twice."""
        decided = set(range(len(self._ends_of()))).difference(left)
        found = (self._digits[slice(*self._span(card))] for card in decided)
        return sum(len(set(numbers)) < len(numbers) for numbers in found)


def _cards_with(flags: list[bool], ends: Sequence[int]) -> list[int]:
    """Return the cards one of whose numbers is flagged."""
    found: list[int] = []
    at = 0
    try:
        while True:
            at = flags.index(True, at)
            card = bisect_right(ends, at)
            found.append(card)
            at = ends[card]
    except ValueError:
        return found
