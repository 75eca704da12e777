"""What does a log say all in all? Its sections put together, as rows ready to be shown."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from danhba.card import AddPhone, Change, DropPhone, Question, SetLabel, SetNumber
from danhba.difflog import (
    AnswerLine,
    CardLine,
    EndLine,
    IntentLine,
    LogLine,
    OutcomeLine,
    Run,
    SkipLine,
)

_JOINERS = frozenset("\u200c\u200d")
_NOTHING = "∅"
"""Stands for a field without number and labels."""
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"))


@dataclass
class CardRow:
    """A card with a proposal, and what became of it.

    Attributes:
        line: The latest proposal.
        status: `proposed`, `sent`, or what the last outcome said.
        detail: What went wrong.
        answers: Key of a question -> the latest answer.
        settled: Keys of the questions whose answers were written.
    """

    line: CardLine
    status: str = "proposed"
    detail: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    def status_of(self, question: Question) -> str:
        """Say what became of a question: `open`, `keep`, `answered`, or as the card's `status`."""
        answer = self.answers.get(question.key, "")
        if answer in ("", "keep"):
            return answer or "open"
        if question.key in self.settled:
            return "written"
        return "answered" if self.status in ("proposed", "written") else self.status


@dataclass
class SectionRow:
    """A section of the log, and how its outcomes add up."""

    run: Run
    outcomes: Counter[str] = field(default_factory=Counter)
    end: EndLine | None = None


@dataclass
class Rows:
    """A whole log.

    Attributes:
        cards: By ref, in the order of the log; a later plan for a card takes the place of a former.
        skipped: What was passed over.
        sections: In the order of the log; not empty when the log was not.
    """

    cards: dict[str, CardRow] = field(default_factory=dict)
    skipped: list[SkipLine] = field(default_factory=list)
    sections: list[SectionRow] = field(default_factory=list)

    @property
    def end(self) -> EndLine | None:
        """The sums of the conversion; None when it did not come to its end."""
        return self.sections[0].end if self.sections else None

    def changes(self) -> Iterator[tuple[CardRow, Change]]:
        """Yield all proposed changes."""
        for row in self.cards.values():
            for change in row.line.changes:
                yield row, change

    def questions(self) -> Iterator[tuple[CardRow, Question]]:
        """Yield all questions."""
        for row in self.cards.values():
            for question in row.line.questions:
                yield row, question


def gather(lines: Iterable[LogLine]) -> Rows:
    """Put a log together; what undoes a card (`splices`, `original`) is let go of."""
    rows = Rows()
    for line in lines:
        match line:
            case Run():
                rows.sections.append(SectionRow(line))
            case CardLine():
                _planned(rows, line)
            case SkipLine():
                rows.skipped.append(line)
            case IntentLine():
                _intended(rows, line)
            case OutcomeLine():
                _came_out(rows, line)
            case AnswerLine() if line.ref in rows.cards:
                rows.cards[line.ref].answers[line.key] = line.answer
            case EndLine() if rows.sections:
                rows.sections[-1].end = line
    return rows


def _planned(rows: Rows, line: CardLine) -> None:
    former = rows.cards.get(line.ref)
    lean = CardLine(line.ref, line.name, line.version, line.date, line.changes, line.questions)
    rows.cards[line.ref] = CardRow(lean, answers=former.answers if former else {})


def _meant(rows: Rows, ref: str) -> Iterator[CardRow]:
    """Yield the cards that an intent or outcome is about; `*` is every card with changes."""
    if ref == "*":
        yield from (row for row in rows.cards.values() if row.line.changes)
    elif ref in rows.cards:
        yield rows.cards[ref]


def _intended(rows: Rows, line: IntentLine) -> None:
    if rows.sections and rows.sections[-1].run.section != "undo":
        for row in _meant(rows, line.ref):
            row.status, row.detail = "sent", ""


def _came_out(rows: Rows, line: OutcomeLine) -> None:
    section = rows.sections[-1] if rows.sections else None
    undo = section is not None and section.run.section == "undo"
    for row in _meant(rows, line.ref):
        if line.ref == "*" and row.status != "sent":
            continue
        if section:
            section.outcomes[line.status] += 1
        if not undo:
            row.status, row.detail = line.status, line.detail
        elif line.status == "written":
            row.status, row.detail = "undone", ""
        else:
            row.detail = f"undo: {line.detail or line.status}"
        _settle(row)


def _settle(row: CardRow) -> None:
    """Note which answers a write carried out, or an undo took back."""
    if row.status == "written":
        row.settled.update(key for key, answer in row.answers.items() if answer not in ("", "keep"))
    elif row.status == "undone":
        row.settled.clear()


def counted(end: EndLine, *columns: int) -> list[tuple[tuple[str, ...], int]]:
    """Sum the rows of an end line by some of their columns, the largest sums first."""
    sums: dict[tuple[str, ...], int] = {}
    for row in end.rows:
        key = tuple(str(row[column]) for column in columns)
        sums[key] = sums.get(key, 0) + row[5]
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def counted_by_rule(end: EndLine, language: str) -> list[tuple[str, str, str, int]]:
    """Return rule, its operator or province, verdict and count."""
    return [
        (rule, place(end.rules.get(rule, ""), end.names, language), verdict, count)
        for (rule, verdict), count in counted(end, 2, 0)
        if rule
    ]


def counted_by_place(end: EndLine, language: str) -> list[tuple[str, str, str, int]]:
    """Return operator or province, kind, verdict and count, of numbers that there are."""
    return [
        (place(name, end.names, language), kind, verdict, count)
        for (name, kind, verdict), count in counted(end, 3, 4, 0)
        if name and kind != "unreadable"
    ]


def place(name: str, names: Mapping[str, str], language: str) -> str:
    """Return the name of an operator or province in a language."""
    return names.get(name, name) if language == "vi" else name


def visible(text: str, longest: int = 500) -> str:
    """Return a text with nothing in it that hides, moves or commands.

    Characters that cannot be seen, control characters among them, become their code: `<U+001B>`. A
    text of more than `longest` characters is cut.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_visible, cut))


def _visible(char: str) -> str:
    if char in _JOINERS or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"<U+{ord(char):04X}>"


def difference(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield a text and its successor in pairs of pieces; equal pieces are what stayed."""
    shortest = min(len(before), len(after))
    head = next((i for i in range(shortest) if before[i] != after[i]), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    if head:
        yield before[:head], after[:head]
    yield from _middle(before[head : len(before) - tail], after[head : len(after) - tail])
    if tail:
        yield before[len(before) - tail :], after[len(after) - tail :]


def _middle(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of what lies between the first and the last difference."""
    if len(before) < 6 or len(after) < 6:
        if before or after:
            yield before, after
        return
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for _, i, j, k, m in matcher.get_opcodes():
        yield before[i:j], after[k:m]


def mark(change: Change) -> str:
    """Return what a change rests on: the rule of a pack, or the step that made it."""
    return (change.rule if isinstance(change, SetNumber) else "") or change.step


def sides(change: Change) -> tuple[str, str]:
    """Return what a change takes away and what it puts there, as text; either may be empty."""
    match change:
        case SetNumber():
            return visible(change.before), visible(change.after)
        case SetLabel():
            return _labelled(change.value, change.before), _labelled(change.value, change.after)
        case AddPhone():
            return "", _labelled(change.value, change.labels) or _NOTHING
        case DropPhone():
            return _labelled(change.before, change.labels) or _NOTHING, ""


def _labelled(value: str, labels: tuple[str, ...]) -> str:
    listed = ", ".join(labels)
    return visible(f"{value} [{listed}]" if value and listed else value or listed)
