"""How does a log look in a spreadsheet, and how do answers come back out of one?

No cell can act as a formula, and none is taken for a number or a date: whatever could be gets an
apostrophe in front, and so does an operator behind a separator within a cell, because a spreadsheet
may cut there. Answers are read strictly: an answered row must be as it was written, but for its
answer and for what a spreadsheet drops before a number. Other rows do not matter.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from csv import Error as CsvError
from csv import reader, writer
from pathlib import PurePath
from typing import Literal, TypeAlias

from danhba.card import Question, Why
from danhba.difflog import AnswerLine, LogLine
from danhba.errors import UsageError
from danhba.messages import translated
from danhba.render_rows import CardRow, Rows, gather, mark, sides, visible
from danhba.texts import label, meaning, sentence

What: TypeAlias = Literal["changes", "questions"]
Asked: TypeAlias = tuple[str, str, str]
"""Ref of the card, key of the phone, key of the question."""

CHANGES = (
    "ref",
    "name",
    "status",
    "phone",
    "before",
    "after",
    "rule",
    "why",
    "detail",
    "change",
    "step",
)
QUESTIONS = ("ref", "phone", "key", "name", "value", "reading_1", "reading_2", "why", "answer")

_NUMBERS = QUESTIONS[4:7]
_ASKING = ("question", "cau-hoi", "cau_hoi", "cauhoi", "cau hoi", "câu hỏi", "câu-hỏi")
_BOM = "\ufeff"
_DELIMITERS = {"en": ",", "vi": ";"}
_PHONE_ONLY = re.compile(r"[\d\s()./;,|+-]*")
_MISREAD_WORDS = frozenset(("true", "false"))
_MISREAD_LENGTH = 20
_INNER = re.compile(r"([,;|\"]\s*)([=+@-])")
_LONGEST = 30_000  # characters; a cell of Excel holds 32,767


def what_of(path: str) -> What:
    """Return what a CSV file of this name is to hold: questions, where its name says so."""
    name = PurePath(path).name.lower()
    return "questions" if any(word in name for word in _ASKING) else "changes"


def csv(lines: Iterable[LogLine], language: str = "en", what: What = "changes") -> Iterator[str]:
    """Yield a log as CSV, a row at a time; the first piece has a BOM, so that Excel sees UTF-8.

    In Vietnamese the delimiter is a semicolon, which Excel expects there.
    """
    rows = gather(lines)
    asked = what == "questions"
    yield _BOM + _row(QUESTIONS if asked else CHANGES, language)
    for cells in (_questions if asked else _changed)(rows, language):
        yield _row(cells, language)


def _changed(rows: Rows, language: str) -> Iterator[tuple[str, ...]]:
    for row, change in rows.changes():
        line, why = row.line, _why(change.why, language)
        cells = line.ref, line.name, label(row.status, language), change.phone, *sides(change)
        kind = label(str(change.__struct_config__.tag), language)
        detail = translated(row.detail, language)
        yield tuple(map(_cell, (*cells, mark(change), why, detail, kind, change.step)))
    yield from _answered(rows, language)


def _answered(rows: Rows, language: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each question that a person answered otherwise than to keep the number."""
    for row, question in rows.questions():
        answer = row.answers.get(question.key, "")
        chosen = [one for one in question.readings if one.rule and one.e164 == answer]
        for reading in chosen[:1]:
            line, why = row.line, _why(question.why, language)
            status = label(row.status_of(question), language)
            sides, kind = (question.value, reading.after), label("set-number", language)
            detail = translated(row.detail, language)
            cells = line.ref, line.name, status, question.phone, *sides, reading.rule, why, detail
            yield tuple(map(_cell, (*cells, kind, "answer")))


def _questions(rows: Rows, language: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each question; one for all that the same answer decides."""
    rows_by_name = {
        (row.line.ref, question.phone, question.key): (row, question)
        for row, question in rows.questions()
        if row.status_of(question) != "written"
    }
    for asked, (row, question) in rows_by_name.items():
        before = map(_cell, (*asked, row.line.name))
        yield (*before, *_numbers(question), *_said(row, question, language))


def _numbers(question: Question) -> tuple[str, ...]:
    """Return the cells of the value and of both readings."""
    first, last = question.readings[0], question.readings[-1]
    return tuple(map(_cell, (question.value, first.after, last.after)))


def _said(row: CardRow, question: Question, language: str) -> tuple[str, str]:
    first, last = question.readings[0], question.readings[-1]
    said = f"1: {meaning(first, language)}. 2: {meaning(last, language)}."
    known = row.answers.get(question.key, "")
    answer = known if known in ("", "keep") else "1"
    return _cell(f"{said} {_why(question.why, language)}"), answer


def _why(reasons: Iterable[Why], language: str) -> str:
    return " ".join(sentence(reason, language) for reason in reasons)


def _row(cells: Sequence[str], language: str) -> str:
    out = io.StringIO()
    writer(out, delimiter=_DELIMITERS.get(language, ","), lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet computes or takes for a number or a date."""
    text = visible(text, _LONGEST).strip()
    if not _PHONE_ONLY.fullmatch(text):
        text = _INNER.sub(r"\1'\2", text)
    return f"'{text}" if _is_misread(text) else text


def _is_misread(text: str) -> bool:
    """Say whether a spreadsheet could see in a cell anything but its text."""
    if not text:
        return False
    dated = len(text) <= _MISREAD_LENGTH and any(char.isdigit() for char in text)
    return dated or not text[0].isalpha() or text.casefold() in _MISREAD_WORDS


# --- back again -----------------------------------------------------------------------------------


def read_answers(text: str, questions: Mapping[Asked, Question]) -> list[AnswerLine]:
    """Read the answers out of a questions file; rows without an answer give none.

    An answer is `keep`, `1`, `2` or one of the readings as it is written; `2` is to keep. The file
    may have a BOM, semicolons or tabs between its cells, and any line ends.

    Args:
        text: The file, decoded.
        questions: (ref, key of the phone, key of the question) -> the question.

    Raises:
        UsageError: Rows are altered, unknown or contradict each other; one message names them all.
    """
    return _Answers(questions).read(text.removeprefix(_BOM))


class _Answers:
    """Reads one file; gathers its faults."""

    def __init__(self, questions: Mapping[Asked, Question]) -> None:
        self.known = {
            tuple(_bare(_cell(part)) for part in asked): (asked, question)
            for asked, question in questions.items()
        }
        self.found: dict[Asked, tuple[int, AnswerLine]] = {}
        self.faults: list[str] = []

    def read(self, text: str) -> list[AnswerLine]:
        try:
            self._read_rows(text)
        except CsvError as error:
            self.faults.append(f"the file is not readable as CSV: {error}")
        if self.faults:
            raise UsageError("\n".join(self.faults))
        return [answer for _, answer in self.found.values()]

    def _read_rows(self, text: str) -> None:
        rows = reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        header = tuple(_bare(cell).lower() for cell in next(rows, ()))
        if header != QUESTIONS:
            self.faults.append(f"line 1: the columns must be {', '.join(QUESTIONS)}")
            return
        line = rows.line_num + 1
        for cells in rows:
            if any(map(str.strip, cells)):
                self._read_row(line, tuple(map(_bare, cells)))
            line = rows.line_num + 1

    def _read_row(self, line: int, cells: tuple[str, ...]) -> None:
        if not cells[-1]:
            return
        if len(cells) != len(QUESTIONS):
            self._fault(line, f"{len(cells)} cells instead of {len(QUESTIONS)}")
            return
        known = self.known.get(cells[:3])
        if not known:
            self._fault(line, "no such question in this log (ref, phone and key must stay)")
            return
        asked, question = known
        altered = _altered(cells, question)
        if altered:
            self._fault(line, f"{altered} was altered; only the column answer may be")
        else:
            self._take(line, asked, question, cells[-1])

    def _take(self, line: int, asked: Asked, question: Question, said: str) -> None:
        meant = _meant(said, question)
        if not meant:
            self._fault(line, f"the answer {said[:60]!r} is not keep, 1, 2 or a reading")
            return
        answer = AnswerLine(*asked, meant)
        before, former = self.found.setdefault(asked, (line, answer))
        if former != answer:
            self._fault(line, f"contradicts the answer in line {before} to the same question")

    def _fault(self, line: int, what: str) -> None:
        self.faults.append(f"line {line}: {what}")


def _meant(said: str, question: Question) -> str:
    """Return the answer for the log; an empty string when what was said means nothing."""
    first, last = question.readings[0], question.readings[-1]
    if said.casefold() == "keep" or said in ("2", _bare(_cell(last.after))):
        return "keep"
    if said in ("1", _bare(_cell(first.after))):
        return first.e164
    return ""


def _altered(cells: tuple[str, ...], question: Question) -> str:
    """Return the column in which a row differs from its question, or an empty string."""
    pairs = zip(_NUMBERS, cells[4:7], _numbers(question), strict=True)
    return next((name for name, is_now, was in pairs if not _same(is_now, _bare(was))), "")


def _same(is_now: str, was: str) -> bool:
    """Say whether two cells hold the same; a spreadsheet drops what stands before a number."""
    return is_now == was or (is_now.isdigit() and is_now == was.lstrip("+0"))


def _bare(cell: str) -> str:
    """Return a cell without the protective apostrophe, which some spreadsheets drop."""
    return cell.strip().lstrip("' ")


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)
