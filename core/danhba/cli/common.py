"""What several commands need: options, a job for a source, the screen, the totals."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
import msgspec
from msgspec.structs import replace

from danhba import config, packs
from danhba.card import AddPhone
from danhba.context import Context, Steps, as_given
from danhba.difflog import CardLine, EndLine, Run, SkipLine, decode_lines, read_log
from danhba.display import Display
from danhba.dual import Policy
from danhba.edits import Octets
from danhba.errors import PackError, PluginError, UsageError
from danhba.job import Budget
from danhba.messages import translated
from danhba.private import state_folder, write_private
from danhba.render_rows import visible
from danhba.render_terminal import card_lines, summary
from danhba.run import Job, Result, Story, new_run_id
from danhba.state import State
from danhba.steps.pipeline import load as load_steps
from danhba.syncer import Closes, LabelsItsWay, Probes, RefsLike, Syncer
from danhba.texts import label, language_of, told

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

FAILED = 1
HOME = "VN"
"""Country in which a number without country code is dialled, unless told."""

CHANGES_PROPOSED = 3
DONE_IN_PART = 4
SHOWN = 50
"""Cards shown before the rest is only counted; `--all` shows every one."""

_FEW = 100
"""Changes, and questions, shown of one card."""

_json = msgspec.json.Encoder()
F = TypeVar("F", bound=Callable[..., Any])


class Day(click.ParamType[date]):
    """A day, written YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:  # noqa: ANN401 - click's types
        """Read the day."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it like 2026-11-22", param, ctx)


class Most(click.ParamType[Budget]):
    """A number of cards, or a share of the book: `500` or `2%`."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> Budget:  # noqa: ANN401 - click's types
        """Read the limit."""
        if isinstance(value, Budget):
            return value
        digits = value.removesuffix("%")
        if not re.fullmatch(r"\d+(\.\d+)?", digits) or (digits == value and "." in digits):
            self.fail(f"{value!r} is no limit; write 500, or a share like 2%", param, ctx)
        return Budget(float(digits), percent=digits != value)


def say(text: str) -> None:
    """Tell the person something that is not a result; a message is told in their language."""
    if text:
        click.echo(f"danhba: {translated(text, language_of(os.environ))}", err=True)


def quoted(path: Path) -> str:
    """Write a path as a person can paste it behind a command."""
    return visible(shlex.quote(str(path)))


def _refuse_one_of(path: Path, others: Iterable[Path]) -> None:
    for other in others:
        if path.exists() and other.exists() and path.samefile(other):
            raise UsageError(f"{path}: would take the place of {other}; give another name")


def write_text(path: Path, parts: Iterable[str], *, apart_from: Iterable[Path] = ()) -> None:
    """Write a file that only its owner can read, for it may hold contacts: whole or not at all.

    Args:
        path: The file.
        parts: Its text.
        apart_from: What it must not be: that is read, or worth more.

    Raises:
        UsageError: The file cannot be written, or is another one.
    """
    _refuse_one_of(path, apart_from)
    try:
        if path.exists() and not path.is_file():  # a device, a pipe
            path.write_text("".join(parts), encoding="utf-8", newline="")
        else:
            write_private(Path(os.path.realpath(path)), (part.encode() for part in parts))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    say(f"written: {path}")


def pack_options(command: F) -> F:
    """Add the options that say how numbers are read."""
    for option in (
        click.option("--today", type=Day(), help="Compare dates with this day, for planning."),
        click.option(
            "--pack", "pack_names", multiple=True, metavar="NAME|FILE",
            help="Numbering pack to add; may be given several times.",
        ),
        click.option(
            "--country", default="", show_default="VN", metavar="CODE",
            help="Country in which a number without country code is dialled.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def step_options(command: F) -> F:
    """Add the options that say what a conversion does besides renumbering."""
    for option in (
        click.option(
            "--policy", type=click.Choice(get_args(Policy)),
            help="What to do while an old and a new number both connect; replace unless told.",
        ),
        click.option(
            "--step", "steps", multiple=True, metavar="NAME[=TEXT]",
            help="Step to take after renumbering; may be given several times, in order.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def load_packs(country: str, names: tuple[str, ...]) -> tuple[packs.Pack, tuple[packs.Pack, ...]]:
    """Load the home country's pack and those that were named; others are read when needed.

    Raises:
        UsageError: No pack is there for the country.
    """
    given = [packs.load(name) for name in names]
    return packs.for_country(country, given), tuple(given)


def identity(location: str) -> str:
    """Name a source in state and logs: the absolute path of what is on this disk, else as given."""
    return os.path.realpath(location) if Path(location).exists() else location


@contextmanager
def opened(location: str) -> Iterator[tuple[Syncer, str]]:
    """Open a source, and say its name in the state; close it at the end."""
    syncer, location = config.open_named(location)
    try:
        yield syncer, syncer.source if syncer.writes_remotely else identity(location)
    finally:
        if isinstance(syncer, Closes):
            syncer.close()


def open_job(
    location: str,
    country: str,
    pack_names: tuple[str, ...],
    today: date | None,
    *,
    ask: str = "",
    target: str = "",
    steps: Steps | None = None,
    policy: str = "replace",
) -> Job:
    """Open a source and put together what its run needs.

    Raises:
        UsageError: The source or a pack is not there, or the source cannot do what is asked.
    """
    for name in (location, target):
        must_be_text(name)
    home, others = load_packs(country or HOME, pack_names)
    state = State(state_folder())
    syncer, location = config.open_named(location)
    source = syncer.source if syncer.writes_remotely else identity(location)
    if isinstance(syncer, Probes):
        syncer.knows(state.findings(syncer.server))
    now = datetime.now(UTC).replace(microsecond=0)
    if policy == "add" and AddPhone not in syncer.supports:
        raise UsageError(f"{location}: no phone can be added there; use --policy replace or wait")
    context = Context(
        home,
        others,
        today=today or now.date(),
        ask="all" if ask == "all" else "evidence",
        answers=state.answers(source),
        ledger=state.ledger(source),
        policy=msgspec.convert(policy, Policy),
        steps=steps,
        supports=syncer.supports,
        labelling=syncer.labelling if isinstance(syncer, LabelsItsWay) else as_given,
    )
    return Job(syncer, source, context, state, now, target, home_is_sure=bool(country))


def must_be_text(name: str) -> None:
    """Refuse a name that is not UTF-8: no log could tell of it.

    Raises:
        UsageError: It is not.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = visible(name)
        raise UsageError(f"{shown}: is not UTF-8; rename it, or give a link to it") from None


def log_path(job: Job, given: Path | None) -> Path:
    """Return where the log goes: as given, else a new file in the state folder.

    Raises:
        UsageError: The given file is there already, for a log is never overwritten; or no folder.
    """
    if given is None:
        return job.state.logs / f"{new_run_id(job.now)}.jsonl"
    if not given.parent.is_dir():
        raise UsageError(f"{given}: no such folder to put the log into")
    if given.exists() and given.stat().st_size:
        raise UsageError(f"{given}: is there already; give a new file for the log")
    return given


class Screen:
    """Shows cards as they are proposed, then the sums; or JSON, a line each.

    Args:
        as_json: Whether to print the lines of the log instead of a diff.
        everything: Whether to show every card.
        on_stderr: Whether standard output is taken by the vCards themselves.
    """

    def __init__(self, *, as_json: bool, everything: bool = False, on_stderr: bool = False) -> None:
        self.as_json = as_json
        self.limit = sys.maxsize if everything or as_json else SHOWN
        self.file = sys.stderr if on_stderr else sys.stdout
        self.language = language_of(os.environ)
        self.shown = 0

    def card(self, line: CardLine | SkipLine) -> None:
        """Show one card, unless very many were shown already; a trouble always."""
        if isinstance(line, CardLine):
            self.shown += 1
            if self.shown > self.limit:
                return
        if self.as_json:
            self.print_json(line)
        elif isinstance(line, SkipLine):
            reason = translated(line.reason, self.language)
            click.echo(visible(f"danhba: {line.ref}: {reason}"), err=True)
        else:
            self.print_card(line)

    def encoded(self, lines: Octets, cards: int, troubles: int) -> None:
        """Show cards whose log lines come encoded from another process.

        Args:
            lines: The lines.
            cards: How many of them are of cards with a proposal.
            troubles: How many tell of a trouble.
        """
        if self.as_json:
            self.file.write(str(lines, "utf-8"))
            return
        _ = self.display  # what a terminal needs takes a while to import: do it while others work
        shown = self.shown
        if shown < self.limit or troubles:
            for line in decode_lines(lines, self.limit - shown):
                if isinstance(line, CardLine | SkipLine):
                    self.card(line)
        self.shown = shown + cards

    @cached_property
    def display(self) -> Display:
        """The terminal, or the file that standard output is."""
        return Display(self.file)

    def print_card(self, line: CardLine) -> None:
        """Print the diff of a card."""
        few = replace(line, changes=line.changes[:_FEW], questions=line.questions[:_FEW])
        self.display.show(card_lines(few, self.language))
        more = len(line.changes) + len(line.questions) - len(few.changes) - len(few.questions)
        if more:
            click.echo(told("more-numbers", {"count": str(more)}, self.language), file=self.file)

    def print_summary(self, end: EndLine) -> None:
        """Print the tables of the sums."""
        self.display.show(summary(end, self.language))

    def print_json(self, value: object) -> None:
        """Print a value as one line of JSON."""
        self.file.write(_json.encode(value).decode() + "\n")

    def end(self, end: EndLine, log: Path) -> None:
        """Show the sums and where the log is."""
        if self.as_json:
            self.print_json({**msgspec.to_builtins(end), "type": "summary", "log": str(log)})
            return
        if self.shown > self.limit:
            left = {"count": str(self.shown - self.limit), "log": quoted(log)}
            click.echo(told("more-cards", left, self.language), file=self.file)
        self.print_summary(end)
        click.echo(f"{label('log', self.language)}: {log}", err=True)

    def next(self, key: str, log: Path, source: str = "") -> None:
        """Say what can be done next with a log or a source; `key` is that of a label."""
        if not self.as_json:
            args = {"log": quoted(log), "source": visible(shlex.quote(source))}
            click.echo(told(key, args, self.language), file=self.file)

    def result(self, result: Result, what: str, log: Path) -> None:
        """Show what became of the cards of an apply or undo; the log knows their names."""
        language = self.language
        if self.as_json:
            self.print_json(
                {
                    "type": "result",
                    "written": result.written,
                    "problems": [*result.problems.values()],
                    "notes": result.notes,
                    "stopped": result.stopped,
                }
            )
            return
        said = {
            ref: f"{label(line.status, language)}: {translated(line.detail, language)}"
            for ref, line in result.problems.items()
        }
        said |= {ref: translated(note, language) for ref, note in result.notes.items()}
        names = _names(log, said) if said else {}
        for ref, words in said.items():
            name = f"{names[ref]}, {ref}" if names.get(ref) else ref
            click.echo(visible(f"danhba: {name}: {words}", 2000), err=True)
        if result.stopped:
            stopped = f"{label('stopped', language)}: {translated(result.stopped, language)}"
            click.echo(visible(f"danhba: {stopped}"), err=True)
        counts = {"written": str(result.written), "not": str(len(result.problems) or "")}
        click.echo(told(f"result-{what}", counts, language), file=self.file)


def _names(log: Path, refs: Container[str]) -> dict[str, str]:
    """Return what people call some cards of a log."""
    cards = (line for line in read_log(log) if isinstance(line, CardLine))
    return {card.ref: card.name.strip() for card in cards if card.ref in refs}


@contextmanager
def progress_bar(job: Job, screen: Screen, words: str) -> Iterator[None]:
    """Show how many cards were read, on long work, when standard error is a terminal."""
    if not sys.stderr.isatty() or screen.as_json:
        yield
        return
    bar: list[Progress] = []
    task: TaskID | None = None
    count = 0

    def tell(cards: int) -> None:
        nonlocal task, count
        count += cards
        if not bar and count >= 5000:
            bar.append(_bar())
            bar[0].start()
            task = bar[0].add_task(words, total=None)
        if task is not None:
            bar[0].update(task, completed=count)

    job.progress = tell
    try:
        yield
    finally:
        if bar:
            bar[0].stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def to_copy_again(first: Run) -> str:
    """Return the command, without `danhba`, that makes a copy again as a run made it."""
    words = ["convert", first.source, "-o", first.target]
    words += [] if first.assumed else ["--country", first.country]
    words += [word for pack in first.given for word in ("--pack", pack)]
    words += [word for step in first.steps for word in ("--step", step)]
    words += [] if first.policy == "replace" else ["--policy", first.policy]
    return shlex.join(words)


def exit_code(skipped: int, result: Result | None) -> int:
    """Return 4 when something was not done, 1 when nothing was because it was stopped, else 0."""
    if result and result.stopped and not result.written and not result.problems:
        return FAILED
    return DONE_IN_PART if skipped or (result and result.problems) else 0


def open_for_log(story: Story, *, converting: bool = False) -> Job:
    """Open the source that a log speaks of, or the copy it made, with what its plan rests on.

    Args:
        story: The log.
        converting: Whether cards are to be converted, for which the plan's packs and steps must be
            there; to carry out or take back what the log says, they need not.
    """
    first = story.first
    today = date.fromisoformat(first.today) if first.today else None
    country, given, steps = first.country or HOME, first.given, None
    try:
        load_packs(country, given)
        steps = load_steps(first.steps)
    except (UsageError, PackError, PluginError):
        if converting:
            raise
        country, given = HOME, ()  # what is written already is taken back without them
    location = first.target or first.source
    job = open_job(location, country, given, today, steps=steps, policy=first.policy)
    job.home_is_sure = not first.assumed
    if first.target and isinstance(job.syncer, RefsLike):
        job.syncer.refs_like(first.source)
    return job
