"""What is one run about: which source, with what converter, told to whom; and its result."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import danhba
from danhba.card import Card, Edit
from danhba.context import Context
from danhba.difflog import CardLine, LogWriter, OutcomeLine, Run, Section, SkipLine
from danhba.edits import Octets
from danhba.state import State
from danhba.syncer import Closes, Syncer
from danhba.tally import Tally

Show = Callable[[CardLine | SkipLine], None]
Progress = Callable[[int], None]

GONE = "the card is gone"
"""Why a card was not written."""


def silent(*_: object) -> None:
    """Tell nobody."""
    return


class Budget(NamedTuple):
    """How many cards a run may change: a number, or a share of the cards read."""

    limit: float
    percent: bool = False

    def exceeded(self, changed: int, read: int) -> bool:
        """Say whether that is too many."""
        return changed > (read * self.limit / 100 if self.percent else self.limit)

    def __str__(self) -> str:
        return f"{self.limit:g}{'%' if self.percent else ''}"


class Held:
    """Cards kept in memory from the plan to the write, up to a size; oldest first.

    A card may be kept together with its edit, so that the edit is not made a second time.
    """

    def __init__(self, octets: int = 96 << 20) -> None:
        """Keep so many octets of raw at most."""
        self._left = octets
        self._cards: dict[str, Card | Edit] = {}

    def keep(self, held: Card | Edit) -> None:
        """Keep a card, or an edit with its card, if there is room."""
        size = _octets(held)
        if size <= self._left:
            self._left -= size
            self._cards[held.card.ref if isinstance(held, Edit) else held.ref] = held

    def take(self, ref: str) -> Card | Edit | None:
        """Give a card away."""
        held = self._cards.pop(ref, None)
        if held:
            self._left += _octets(held)
        return held

    def last(self) -> str:
        """Return the ref of the card that was read last; empty when there is none."""
        return next(reversed(self._cards), "")


def _octets(held: Card | Edit) -> int:
    return len(held.card.raw) + len(held.raw) if isinstance(held, Edit) else len(held.raw)


@dataclass
class Job:
    """One source, what to do with it, and where to write it down; a context manager that closes it.

    Attributes:
        syncer: The source.
        source: Its name in state and log: an absolute path or a URL without secrets.
        context: What the converter needs.
        state: What danhba remembers.
        now: The time of the run; what REV is set to.
        target: Where a copy is written; empty for none.
        show: Told of each card with a proposal or a trouble, in order.
        show_encoded: The same for lines that come encoded from another process; and how many of
            them are of cards with a proposal, how many of cards in trouble.
        progress: Told how many cards were read since it was last told.
        say: Told a sentence for the person, such as a forecast; it may be empty.
        home_is_sure: Whether a person has said in which country the source's numbers are dialled.
        budget: How many cards may be changed; None for any number.
        held: ref -> cards with a proposal as they were planned, for a source that is far away.
    """

    syncer: Syncer
    source: str
    context: Context
    state: State
    now: datetime
    target: str = ""
    show: Show = silent
    show_encoded: Callable[[Octets, int, int], None] = silent
    progress: Progress = silent
    tally: Tally = field(default_factory=Tally)
    say: Callable[[str], None] = silent
    home_is_sure: bool = True
    budget: Budget | None = None
    held: Held = field(default_factory=Held)

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the source and the state; keep what was found out about blocks of numbers."""
        self.context.judge.keep()
        if isinstance(self.syncer, Closes):
            self.syncer.close()
        self.state.close()

    def begin(self, log: LogWriter, section: Section, run: str) -> None:
        """Open a section of the log."""
        context = self.context
        packs = context.packs.digests()
        log.add(
            Run(
                run, section, self.now.isoformat(), self.source, self.target,
                danhba=danhba.__version__, country=context.home.country, packs=packs,
                today=context.today.isoformat(), policy=context.policy, given=context.packs.files(),
                steps=context.steps.names if context.steps else (), assumed=not self.home_is_sure,
            )
        )  # fmt: skip


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time and is unlikely to meet another: `20261122-101500-1a2b3c`."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"


@dataclass
class Result:
    """What became of the cards of an apply or undo.

    Attributes:
        written: How many were written, or found written already.
        problems: ref -> what went wrong: stale, conflict, failed.
        stopped: Why nothing, or nothing more, was written; empty when the run came to its end.
        notes: ref -> what else is to be said of a card that was written.
        unclear: Those of the problems that may have been written; the log stays open for them.
    """

    written: int = 0
    problems: dict[str, OutcomeLine] = field(default_factory=dict)
    stopped: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
