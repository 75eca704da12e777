"""How does a proposal look in a terminal, or in a file that the output goes to?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from danhba.card import Change, Question, Reading, Why
from danhba.difflog import CardLine, EndLine
from danhba.display import Column, Line, Part, Piece, Table, line
from danhba.messages import translated
from danhba.render_rows import (
    CardRow,
    counted,
    counted_by_place,
    counted_by_rule,
    difference,
    mark,
    sides,
    visible,
)
from danhba.texts import label, meaning, reason_label, sentence

_NAME_CHARS = 80
_TABLE_NAME_CELLS = 48
_STYLES = {"convert": "green", "ask": "yellow", "keep": "", "changed": "green", "asked": "yellow"}
_CARDS = ("cards_read", "cards_changed", "cards_asked", "cards_unchanged", "cards_skipped")
_NUMBERS = ("numbers_read", "numbers_convert", "numbers_keep", "numbers_ask", "numbers_ambiguous")


# --- one card -------------------------------------------------------------------------------------


def card_lines(card: CardLine, language: str) -> list[Line]:
    """Return the proposal for a card: its name, its changes, its questions."""
    lines = [line(visible(card.name.strip() or card.ref, _NAME_CHARS), "bold")]
    for change in card.changes:
        lines.extend(_change(change, language))
    for question in card.questions:
        lines.extend(_question(question, language))
    return lines


def _change(change: Change, language: str) -> Iterator[Line]:
    before, after = sides(change)
    rests_on = Piece(f"  [{visible(mark(change))}]", "dim cyan")
    pairs = list(difference(before, after))
    if before:
        gone = [_side(old, "red", same=old == new) for old, new in pairs]
        yield [Piece("  - ", "red"), *gone, *([] if after else [rests_on])]
    if after:
        come = [_side(new, "green", same=old == new) for old, new in pairs]
        yield [Piece("  + ", "green"), *come, rests_on]
    yield from _reasons(change.why, language)


def _side(text: str, colour: str, *, same: bool) -> Piece:
    return Piece(text, colour if same else f"bold reverse {colour}")


def _reasons(why: Iterable[Why], language: str, indent: str = "      ") -> Iterator[Line]:
    for reason in why:
        yield line(indent + visible(sentence(reason, language)), "dim")


def _question(question: Question, language: str) -> Iterator[Line]:
    which = Piece(f"  {label('which', language)}", "dim")
    yield [Piece("  ? ", "yellow"), Piece(visible(question.value), "yellow"), which]
    for number, reading in enumerate(question.readings, 1):
        yield list(_reading(number, reading, question.value, language))
    yield from _reasons(question.why, language)


def _reading(number: int, reading: Reading, value: str, language: str) -> Iterator[Piece]:
    yield Piece(f"    {number}  ", "bold")
    for gone, come in difference(visible(value), visible(reading.after)):
        yield Piece(come, "" if gone == come else "bold reverse yellow")
    yield Piece(f"  {visible(meaning(reading, language))}")
    if reading.rule:
        yield Piece(f"  [{visible(reading.rule)}]", "dim cyan")


def became(row: CardRow, language: str) -> Iterator[str]:
    """Yield lines that say what became of a card's proposal and questions, so far."""
    for question in row.line.questions:
        if (status := row.status_of(question)) != "open":
            answer = row.answers[question.key]
            readings = [one for one in question.readings if one.e164 == answer]
            value = readings[0].after if readings and status != "keep" else question.value
            yield f"  = {label(status, language)}: {visible(value)}"
    if row.status != "proposed":
        detail = f": {translated(row.detail, language)}" if row.detail else ""
        yield f"  = {label(row.status, language)}{visible(detail)}"


# --- the sums -------------------------------------------------------------------------------------


def summary(end: EndLine, language: str) -> Iterator[Part]:
    """Yield the closing tables of a run: totals, by rule, by operator and province, by reason."""
    for title, table in (
        ("totals", _totals(end, language)),
        ("by-rule", _by_rule(end, language)),
        ("by-place", _by_place(end, language)),
        ("by-verdict", _by_reason(end, language)),
        ("by-step", _by_step(end, language)),
        ("elsewhere", _elsewhere(end, language)),
    ):
        if table.rows:
            yield line(label(title, language), "bold")
            yield table


def _table(columns: Iterable[str], rows: Iterable[list[Line]], language: str) -> Table:
    return Table([_column(key, language) for key in columns], list(rows))


def _column(key: str, language: str) -> Column:
    widest = None if key == "reason" else _TABLE_NAME_CELLS
    return Column(label(key, language) if key else "", key == "count", widest=widest)


def _row(style: str, *values: str | int) -> list[Line]:
    return [line(f"{v:,}" if isinstance(v, int) else visible(v), style) for v in values]


def _totals(end: EndLine, language: str) -> Table:
    known = [key for key in (*_CARDS, *_NUMBERS) if key in end.totals]
    keys = [*known, *(key for key in end.totals if key not in known)]
    rows = [
        _row(_STYLES.get(key.rpartition("_")[2], ""), label(key, language), end.totals[key])
        for key in keys
    ]
    cards = {keys.index(_CARDS[-1])} if _CARDS[-1] in keys else ()
    return _table(("", "count"), rows, language)._replace(parted_after=frozenset(cards))


def _by_rule(end: EndLine, language: str) -> Table:
    rows = (
        _row(_STYLES.get(verdict, ""), rule, name, label(verdict, language), count)
        for rule, name, verdict, count in counted_by_rule(end, language)
    )
    return _table(("rule", "name", "verdict", "count"), rows, language)


def _by_place(end: EndLine, language: str) -> Table:
    rows = (
        _row(_STYLES.get(verdict, ""), name, label(kind, language), label(verdict, language), count)
        for name, kind, verdict, count in counted_by_place(end, language)
    )
    return _table(("place", "kind", "verdict", "count"), rows, language)


def _by_reason(end: EndLine, language: str) -> Table:
    rows = (
        _row(
            _STYLES.get(verdict, ""), label(verdict, language), count, reason_label(code, language)
        )
        for (verdict, code), count in counted(end, 0, 1)
    )
    return _table(("verdict", "count", "reason"), rows, language)


def _by_step(end: EndLine, language: str) -> Table:
    rows = (_row("green", step, count) for step, count in end.steps.items())
    return _table(("step", "count"), rows, language)


def _elsewhere(end: EndLine, language: str) -> Table:
    most_first = sorted(end.elsewhere.items(), key=lambda item: -item[1])
    rows = (_row("", place, count) for place, count in most_first)
    return _table(("field", "count"), rows, language)
