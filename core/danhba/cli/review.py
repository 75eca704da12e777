"""The command that puts the questions of a log to a person."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from danhba.card import Question, Why
from danhba.cli.common import open_for_log, to_copy_again
from danhba.difflog import AnswerLine, EndLine, LogWriter
from danhba.run import Job, Story, read_story
from danhba.texts import label, language_of, meaning, sentence, told

_EXAMPLES = 3


class Asked(NamedTuple):
    """A question, and the card it is about."""

    ref: str
    name: str
    question: Question


@click.command("review")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the answers from a CSV made with: danhba log LOG --csv questions.csv",
)
@click.option("--again", is_flag=True, help="Ask the answered questions again, to change answers.")
def review_command(log: Path, answers: Path | None, again: bool) -> int:  # noqa: FBT001
    """Put the questions of LOG to a person; may be left with q and taken up again.

    Questions that hang on the same prefix and the same evidence are put together: an answer can
    cover them all. Nothing is written to the source; danhba apply LOG does that.
    """
    language = language_of(os.environ)
    story = read_story(log)
    asked = list(_open_questions(story, again=again))
    with (
        open_for_log(story) as job,
        job.state.locked(job.source),
        LogWriter(log) as writer,
    ):
        job.begin(writer, "review", story.first.run)
        if answers:
            given = _from_csv(answers, list(_open_questions(story, again=True)))
        else:
            given = _from_person(asked, language)
        # the source of a copy is what will be converted again
        source = story.first.source if story.first.target else job.source
        count = _keep(job, writer, source, given)
        writer.add(EndLine({"answers": count}))
        writer.sync()
    left = len(asked) - count
    shown = {
        "count": str(count),
        "left": str(left) if left > 0 else "",
        "command": _carries_out(story, log) if count else "",
    }
    click.echo(told("review-kept", shown, language))
    return 0


def _carries_out(story: Story, log: Path) -> str:
    """Return the command that carries answers out."""
    return to_copy_again(story.first) if story.first.target else shlex.join(["apply", str(log)])


def _open_questions(story: Story, *, again: bool) -> Iterator[Asked]:
    for entry in story.entries.values():
        for question in entry.line.questions:
            if again or not story.answers.get((entry.line.ref, question.key)):
                yield Asked(entry.line.ref, entry.line.name, question)


def _keep(job: Job, writer: LogWriter, source: str, given: Iterable[tuple[Asked, str]]) -> int:
    """Write answers into the log and the ledger as they come, so that leaving loses none."""
    count = 0
    for asked, answer in given:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        question = asked.question
        writer.add(AnswerLine(asked.ref, question.phone, question.key, answer, time))
        writer.flush()
        job.state.remember_answers(source, [(asked.ref, question.key, answer)])
        count += bool(answer)
    return count


def _from_csv(path: Path, asked: list[Asked]) -> Iterator[tuple[Asked, str]]:
    from danhba.render_csv import read_answers

    raw = path.read_bytes()
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))  # Excel's "Unicode text"
    text = raw.decode("utf-16" if wide else "utf-8-sig", "replace")
    by_key = {(one.ref, one.question.phone, one.question.key): one for one in asked}
    questions = {key: one.question for key, one in by_key.items()}
    for answer in read_answers(text, questions):
        yield by_key[answer.ref, answer.phone, answer.key], answer.answer


def _from_person(asked: list[Asked], language: str) -> Iterator[tuple[Asked, str]]:
    """Ask group by group, the largest first; of equal ones that with the most hints."""
    groups: dict[tuple[str, ...], list[Asked]] = {}
    for one in asked:
        groups.setdefault(_what_decides(one.question), []).append(one)
    ordered = sorted(groups.values(), key=lambda group: (-len(group), -len(group[0].question.why)))
    for number, group in enumerate(ordered, 1):
        more = str(len(group) - 1 or "")
        place = {"number": f"{number}/{len(ordered)}", "more": more}
        click.echo(f"\n{told('review-group', place, language)}")
        given = _ask_group(group, language)
        if given is None:
            return
        yield from given


def _what_decides(question: Question) -> tuple[str, ...]:
    """Name what a group of questions has in common: the rule and the evidence."""
    return question.readings[0].rule, *sorted(why.code for why in question.why)


def _ask_group(group: list[Asked], language: str) -> list[tuple[Asked, str]] | None:
    """Ask about a group; None when the person leaves."""
    first = group[0].question
    for why in first.why:
        click.echo(f"  · {sentence(Why(why.code, why.args), language)}")
    for one in group[:_EXAMPLES]:
        _show(one, language)
    many = len(group) > 1
    menu = label("review-all" if many else "review-one", language)
    choices = ["1", "2", "s", "q", *(["e"] if many else [])]
    choice = _prompt(menu, choices, language)
    if choice == "e":
        return _one_by_one(group, language)
    if choice in ("1", "2"):
        return [(one, _answer(one.question, choice)) for one in group]
    return None if choice == "q" else []


def _one_by_one(group: list[Asked], language: str) -> list[tuple[Asked, str]] | None:
    given: list[tuple[Asked, str]] = []
    for one in group:
        _show(one, language)
        choice = _prompt(label("review-each", language), ["1", "2", "s", "q"], language)
        if choice == "q":
            break
        if choice != "s":
            given.append((one, _answer(one.question, choice)))
    return given


def _show(one: Asked, language: str) -> None:
    click.echo(f"  {_safe(one.name) or one.ref}: {_safe(one.question.value)}")
    for i, reading in enumerate(one.question.readings, 1):
        click.echo(f"      {i}: {_safe(reading.after)}  {meaning(reading, language)}")


def _safe(text: str) -> str:
    """Make text from a card harmless for a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _prompt(menu: str, choices: list[str], language: str) -> str:
    while True:
        try:
            chosen: str = click.prompt(f"  {menu}").strip().lower()
        except click.Abort:
            click.echo()
            return "q"
        chosen = "2" if chosen == "keep" else chosen
        if chosen in choices:
            return chosen
        click.echo(f"  {told('review-again', {'choices': ', '.join(choices)}, language)}")


def _answer(question: Question, choice: str) -> str:
    reading = question.readings[int(choice) - 1]
    return reading.e164 if reading.rule else "keep"
