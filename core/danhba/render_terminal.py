"""How does a proposal look in a terminal? rich is imported when something is shown, not before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from danhba.card import Change, Question, Reading, Why
from danhba.difflog import CardLine, EndLine
from danhba.render_rows import (
    counted,
    counted_by_place,
    counted_by_rule,
    difference,
    mark,
    sides,
    visible,
)
from danhba.texts import label, meaning, reason_label, sentence

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

_NAME_CELLS = 80
_TABLE_NAME_CELLS = 48
_STYLES = {"convert": "green", "ask": "yellow", "keep": "", "changed": "green", "asked": "yellow"}
_CARDS = ("cards_read", "cards_changed", "cards_asked", "cards_unchanged", "cards_skipped")
_NUMBERS = ("numbers_read", "numbers_convert", "numbers_keep", "numbers_ask", "numbers_ambiguous")


# --- one card -------------------------------------------------------------------------------------


def card_lines(line: CardLine, language: str) -> list[Text]:
    """Return the proposal for a card, a text a line: its name, its changes, its questions."""
    lines = [_heading(line)]
    for change in line.changes:
        lines.extend(_change(change, language))
    for question in line.questions:
        lines.extend(_question(question, language))
    return lines


def _heading(line: CardLine) -> Text:
    from rich.text import Text

    text = Text(visible(line.name.strip() or line.ref), style="bold")
    text.truncate(_NAME_CELLS, overflow="ellipsis")
    return text


def _change(change: Change, language: str) -> Iterator[Text]:
    old, new = _diff(*sides(change))
    (new or old).append(f"  [{visible(mark(change))}]", style="dim cyan")
    yield from filter(None, (old, new))
    yield from _reasons(change.why, language)


def _diff(before: str, after: str) -> tuple[Text, Text]:
    """Return the line that goes and the line that comes, only what differs highlighted."""
    from rich.text import Text

    old, new = Text(), Text()
    if before:
        old.append("  - ", style="red")
    if after:
        new.append("  + ", style="green")
    for gone, come in difference(before, after):
        same = gone == come
        old.append(gone, style="red" if same else "bold reverse red")
        new.append(come, style="green" if same else "bold reverse green")
    return old, new


def _reasons(why: Iterable[Why], language: str, indent: str = "      ") -> Iterator[Text]:
    from rich.text import Text

    for reason in why:
        yield Text(indent + visible(sentence(reason, language)), style="dim")


def _question(question: Question, language: str) -> Iterator[Text]:
    from rich.text import Text

    asked = Text("  ? ", style="yellow")
    asked.append(visible(question.value), style="yellow")
    asked.append(f"  {label('which', language)}", style="dim")
    yield asked
    for number, reading in enumerate(question.readings, 1):
        yield _reading(number, reading, question.value, language)
    yield from _reasons(question.why, language)


def _reading(number: int, reading: Reading, value: str, language: str) -> Text:
    from rich.text import Text

    text = Text(f"    {number}  ", style="bold")
    for gone, come in difference(visible(value), visible(reading.after)):
        text.append(come, style="not bold" if gone == come else "bold reverse yellow")
    text.append(f"  {visible(meaning(reading, language))}", style="not bold")
    if reading.rule:
        text.append(f"  [{visible(reading.rule)}]", style="not bold dim cyan")
    return text


# --- the sums -------------------------------------------------------------------------------------


def summary(end: EndLine, language: str) -> Group:
    """Return the closing tables of a run: totals, by rule, by operator and province, by reason."""
    from rich.console import Group

    tables = [_totals(end, language), _by_rule(end, language), _by_place(end, language)]
    tables += [_by_reason(end, language), _by_step(end, language), _elsewhere(end, language)]
    return Group(
        *(part for table in tables if table.row_count for part in _titled(table, language))
    )


def _titled(table: Table, language: str) -> tuple[Text, Table]:
    """Return a table's title apart from it, so that a narrow table does not wrap it."""
    title, table.title = _plain(label(str(table.title), language), "bold"), None
    return title, table


def _table(title: str, columns: Iterable[str], language: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD)
    for column in columns:
        right = column == "count"
        table.add_column(
            _plain(label(column, language)) if column else "",
            justify="right" if right else "left",
            no_wrap=right,
            max_width=None if column == "reason" else _TABLE_NAME_CELLS,
            overflow="fold",
        )
    return table


def _plain(text: str, style: str = "") -> Text:
    """Return a cell in which markup and control characters are nothing but text."""
    from rich.text import Text

    return Text(visible(text), style=style)


def _add(table: Table, style: str, *cells: str | int) -> None:
    table.add_row(*(_plain(f"{c:,}" if isinstance(c, int) else c, style) for c in cells))


def _totals(end: EndLine, language: str) -> Table:
    table = _table("totals", ("", "count"), language)
    known = [key for key in (*_CARDS, *_NUMBERS) if key in end.totals]
    for key in (*known, *(key for key in end.totals if key not in known)):
        _add(table, _STYLES.get(key.rpartition("_")[2], ""), label(key, language), end.totals[key])
        if key == _CARDS[-1]:
            table.add_section()
    return table


def _by_rule(end: EndLine, language: str) -> Table:
    table = _table("by-rule", ("rule", "name", "verdict", "count"), language)
    for rule, name, verdict, count in counted_by_rule(end, language):
        _add(table, _STYLES.get(verdict, ""), rule, name, label(verdict, language), count)
    return table


def _by_place(end: EndLine, language: str) -> Table:
    table = _table("by-place", ("place", "kind", "verdict", "count"), language)
    for name, kind, verdict, count in counted_by_place(end, language):
        words = label(kind, language), label(verdict, language)
        _add(table, _STYLES.get(verdict, ""), name, *words, count)
    return table


def _by_reason(end: EndLine, language: str) -> Table:
    table = _table("by-verdict", ("verdict", "reason", "count"), language)
    for (verdict, code), count in counted(end, 0, 1):
        words = label(verdict, language), reason_label(code, language)
        _add(table, _STYLES.get(verdict, ""), *words, count)
    return table


def _by_step(end: EndLine, language: str) -> Table:
    table = _table("by-step", ("step", "count"), language)
    for step, count in end.steps.items():
        _add(table, "green", step, count)
    return table


def _elsewhere(end: EndLine, language: str) -> Table:
    table = _table("elsewhere", ("field", "count"), language)
    for place, count in sorted(end.elsewhere.items(), key=lambda item: -item[1]):
        _add(table, "", place, count)
    return table
