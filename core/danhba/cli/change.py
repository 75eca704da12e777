"""The commands that change sources: convert, apply, undo."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import click

from danhba import config, run
from danhba.cli.common import (
    CHANGES_PROPOSED,
    Most,
    Screen,
    exit_code,
    log_path,
    open_for_log,
    open_job,
    pack_options,
    progress_bar,
    quoted,
    say,
    step_options,
    to_copy_again,
)
from danhba.difflog import EndLine, LogWriter
from danhba.errors import DanhbaError, UsageError
from danhba.job import Budget
from danhba.run import Job, Result, Story
from danhba.steps.pipeline import load
from danhba.story import Entry
from danhba.texts import language_of, told

_LOG = click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


@click.command("convert")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@click.option(
    "-o", "--output", metavar="FILE", help="Write a converted copy; - is standard output."
)
@click.option("--write", is_flag=True, help="Change the source in place.")
@pack_options
@step_options
@click.option(
    "--ask",
    type=click.Choice(["evidence", "all"]),
    default="evidence",
    show_default=True,
    help="all: ask about every ambiguous number, not only where evidence points.",
)
@click.option(
    "--log",
    "log_to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the diff log goes; by default into the state folder.",
)
@click.option(
    "--max-changes",
    "budget",
    type=Most(),
    metavar="N|N%",
    help="With --write or -o: write nothing when more cards than this would be changed.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 3 when there are changes to make; with --write or -o, when some were made.",
)
@click.option("--all", "everything", is_flag=True, help="Show every card, however many.")
@click.option("--forget-answers", is_flag=True, help="Forget earlier answers and undone changes.")
@_JSON
def convert_command(
    sources: tuple[str, ...],
    output: str | None,
    write: bool,  # noqa: FBT001 - click gives flags so
    country: str,
    pack_names: tuple[str, ...],
    today: date | None,
    steps: tuple[str, ...],
    policy: str | None,
    ask: str,
    log_to: Path | None,
    budget: Budget | None,
    check: bool,  # noqa: FBT001
    everything: bool,  # noqa: FBT001
    forget_answers: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> int:
    """Convert the numbers of a file, a folder or - (standard input); shows what would change.

    Nothing is written without -o or --write.

    \b
    Examples:
      danhba convert contacts.vcf                    what would change?
      danhba convert contacts.vcf -o converted.vcf   a converted copy
      danhba convert addressbook/ --write            in place; danhba undo LOG takes it back
    """  # noqa: D301 - \b is click's mark for lines that are kept
    _refuse_contradictions(sources, output, log_to, write=write)
    unless_told = config.conversion()
    policy, pipeline = policy or unless_told.policy, load(steps or unless_told.steps)
    worst = 0
    for location in sources:
        screen = Screen(
            as_json=as_json, everything=everything,
            on_stderr=output == "-" or (location == "-" and output is not None),
        )  # fmt: skip
        with open_job(
            location, country, pack_names, today, ask=ask, target=_target(output),
            steps=pipeline, policy=policy,
        ) as job:  # fmt: skip
            job.budget = budget
            if forget_answers:
                job.state.forget_answers(job.source)
                job.context.answers, job.context.ledger = {}, {}
            code = _convert(job, screen, log_path(job, log_to), output, write=write, check=check)
        worst = max(worst, code)
    return worst


def _refuse_contradictions(
    sources: tuple[str, ...], output: str | None, log_to: Path | None, *, write: bool
) -> None:
    if write and output is not None:
        raise UsageError("--write changes the source, -o leaves it alone: give one of them")
    if len(sources) > 1 and (output is not None or log_to is not None):
        raise UsageError("-o and --log take one source")
    if output and log_to and Path(output).absolute() == log_to.absolute():
        raise UsageError(f"{output}: cannot be both the copy and the log")
    if "-" in sources and write:
        raise UsageError("standard input cannot be changed in place; give -o FILE")
    source, target = Path(sources[0]), Path(output or "-")
    if source.exists() and target.exists() and target.samefile(source):
        raise UsageError(f"{output}: is the source itself; use --write to change it in place")


def _target(output: str | None) -> str:
    return "" if output is None else output if output == "-" else str(Path(output).absolute())


def _convert(
    job: Job, screen: Screen, path: Path, output: str | None, *, write: bool, check: bool
) -> int:
    job.show, job.show_encoded, job.say = screen.card, screen.encoded, say
    result = Result()
    with ExitStack() as stack:
        if write:
            stack.enter_context(job.state.locked(job.source))
            _settle(job)
        stack.enter_context(progress_bar(job, screen, "converting"))
        log = stack.enter_context(LogWriter(path, ahead=write or output is not None))
        if output is not None:
            end, result = run.copy(job, log, None if output == "-" else Path(output))
        elif write:
            end, result = run.convert_in_place(job, log)
        else:
            end = run.plan(job, log)
            say(run.why_not(job, end))
    screen.end(end, path)
    if write or result.stopped:
        _tell_written(screen, end, result, path)
    elif output is None:
        _tell_next(screen, end, path, job.source)
    elif output != "-":
        _tell_copied(screen, end, path, output)
    if any(reason in ("answered", "undone") for _, reason, *_ in end.rows):
        screen.next("next-forget", path, job.source)
    return _code(end, result, check=check)


def _tell_next(screen: Screen, end: EndLine, log: Path, source: str) -> None:
    """Say how to go on from a plan."""
    if source == "-":
        screen.next("next-copy", log)
        return
    asked, changed = end.totals["numbers_ask"], end.totals["cards_changed"]
    if asked or changed:
        screen.next("next-nothing-written", log)
        screen.next("next-page", log)
    if asked:
        screen.next("next-review", log)
    if changed:
        screen.next("next-apply", log)


def _tell_written(screen: Screen, end: EndLine, result: Result, log: Path) -> None:
    """Say what was written in place, and how to go on."""
    screen.result(result, "written", log)
    if result.written:
        screen.next("next-undo", log)
    if end.totals["numbers_ask"] and not result.stopped:
        screen.next("next-left", log)


def _tell_copied(screen: Screen, end: EndLine, log: Path, output: str) -> None:
    """Say that a copy was written, and how to take its changes back."""
    if not screen.as_json:
        say(f"written: {output}")
    if end.totals["cards_changed"]:
        screen.next("next-undo-copy", log)


def _code(end: EndLine, result: Result, *, check: bool) -> int:
    skipped = end.totals["cards_skipped"] + end.totals.get("cards_failed", 0)
    if code := exit_code(skipped, result):
        return code
    return CHANGES_PROPOSED if check and end.totals["cards_changed"] else 0


def _settle(job: Job) -> None:
    """Settle the logs of this source that an earlier run left open."""
    for path in job.state.unfinished_logs(job.source):
        try:
            result = run.settle(job, path)
        except DanhbaError as error:
            say(f"{path}: not settled: {error}")
        else:
            args = {"log": str(path), "count": str(result.written)}
            say(told("settled", args, language_of(os.environ)))


@click.command("apply")
@_LOG
@click.option(
    "--replan", is_flag=True, help="Convert stale cards again, into a new section to review."
)
@_JSON
def apply_command(log: Path, replan: bool, as_json: bool) -> int:  # noqa: FBT001
    """Do exactly what LOG proposes and what was answered, nothing else.

    A card that has changed since is stale: listed and skipped (exit code 4).
    """
    story = run.read_story(log)
    if story.first.target:
        again = to_copy_again(story.first)
        raise UsageError(
            f"{log}: is of a copy, which convert -o writes itself. Answers are remembered; for a"
            f" copy with them: danhba {again}"
        )
    if story.end is None and not story.first.assumed:
        say(
            f"{log}: was cut off while it was planned; run danhba convert again for the other cards"
        )
    screen = Screen(as_json=as_json)
    with (
        open_for_log(story, converting=replan) as job,
        job.state.locked(job.source),
        LogWriter(log) as writer,
    ):
        with progress_bar(job, screen, "applying"):
            result = run.apply(job, writer, story)
        stale = [ref for ref, line in result.problems.items() if line.status == "stale"]
        if replan and stale:
            job.show = screen.card
            count = run.replan(job, writer, story, stale).cards
            say(
                told(
                    "replanned",
                    {"count": str(count), "log": quoted(log)},
                    screen.language,
                )
            )
    screen.result(result, "written", log)
    if stale and not replan:
        screen.next("next-replan", log)
    if not result.written and any(entry.undone for entry in story.entries.values()):
        screen.next("next-forget", log, story.first.source)
    if any(_is_open(story, entry) for entry in story.entries.values()):
        screen.next("next-left", log)
    if result.written:
        screen.next("next-undo", log)
    return exit_code(0, result)


def _is_open(story: Story, entry: Entry) -> bool:
    """Say whether a card has questions that nobody has answered."""
    questions = () if entry.settled else entry.line.questions
    return any(not story.answers.get((entry.line.ref, one.key)) for one in questions)


@click.command("undo")
@_LOG
@_JSON
def undo_command(log: Path, as_json: bool) -> int:  # noqa: FBT001
    """Take back what the runs of LOG wrote.

    Cards nobody touched since get their old bytes back; in the others only danhba's own changes are
    reverted. What was undone counts as the answer "keep" from then on.
    """
    story = run.read_story(log)
    if story.first.target == "-":
        raise UsageError(f"{log}: went to standard output, there is nothing to undo")
    screen = Screen(as_json=as_json)
    with (
        open_for_log(story) as job,
        job.state.locked(job.source),
        LogWriter(log) as writer,
        progress_bar(job, screen, "restoring"),
    ):
        result = run.undo(job, writer, story)
    screen.result(result, "restored", log)
    if result.written and not story.first.target:
        screen.next("next-again", log, story.first.source)
    return exit_code(0, result)
