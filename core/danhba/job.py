"""What is one run about: which source, with what converter, told to whom; and its result."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import danhba
from danhba.convert import Context
from danhba.difflog import CardLine, LogWriter, OutcomeLine, Run, Section, SkipLine
from danhba.state import State
from danhba.syncer import Syncer
from danhba.tally import Tally

Show = Callable[[CardLine | SkipLine], None]
Progress = Callable[[int], None]


def silent(_: object) -> None:
    """Tell nobody."""
    return


@dataclass
class Job:
    """One source, what to do with it, and where to write it down.

    Attributes:
        syncer: The source.
        source: Its name in state and log: an absolute path or a URL without secrets.
        context: What the converter needs.
        state: What danhba remembers.
        now: The time of the run; what REV is set to.
        target: Where a copy is written; empty for none.
        show: Told of each card with a proposal or a trouble, in order.
        show_encoded: The same for lines that come encoded from another process.
        progress: Told how many cards were read since it was last told.
    """

    syncer: Syncer
    source: str
    context: Context
    state: State
    now: datetime
    target: str = ""
    show: Show = silent
    show_encoded: Callable[[bytes], None] = silent
    progress: Progress = silent
    tally: Tally = field(default_factory=Tally)

    def begin(self, log: LogWriter, section: Section, run: str) -> None:
        """Open a section of the log."""
        context = self.context
        packs = context.packs.digests()
        log.add(
            Run(
                run, section, self.now.isoformat(), self.source, self.target,
                danhba=danhba.__version__, country=context.home.country, packs=packs,
                today=context.today.isoformat(),
            )
        )  # fmt: skip


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time and is unlikely to meet another: `20261122-101500-1a2b3c`."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass
class Result:
    """What became of the cards of an apply or undo.

    Attributes:
        written: How many were written, or found written already.
        problems: ref -> what went wrong: stale, conflict, failed.
    """

    written: int = 0
    problems: dict[str, OutcomeLine] = field(default_factory=dict)
