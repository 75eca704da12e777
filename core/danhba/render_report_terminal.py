"""How does a report look in a terminal? rich is imported when something is shown, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from danhba.compare import Comparison
from danhba.render_report import Amount, Cell, Table, grouped, headline, notices, tables
from danhba.render_rows import visible
from danhba.report import Report
from danhba.texts import label, told

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text

_NAME_CELLS = 48
_NARROWEST = 14
_ROWS = 30
"""Rows of a table by rule, place or source that are shown; the page and the JSON hold all."""

_LONG = frozenset(("by-rule", "by-place", "by-source"))


def report_lines(report: Report, compared: Comparison | None, language: str) -> Group:
    """Return the tables of a report, one under the other."""
    from rich.console import Group

    parts: list[RenderableType] = []
    for table in tables(report, compared, language):
        parts += _shown(table, language)
    parts.append(_text(headline(report, language), "bold"))
    parts += [_text(notice, "yellow") for notice in notices(report, compared, language)]
    return Group(*parts)


def _shown(table: Table, language: str) -> list[RenderableType]:
    rows = table.rows[:_ROWS] if table.title in _LONG else table.rows
    shown: list[RenderableType] = [_text(label(table.title, language), "bold")]
    shown.append(_table(table._replace(rows=rows), language))
    left = len(table.rows) - len(rows)
    if left:
        more = told("more-lines", {"count": grouped(left, language)}, language)
        shown.append(_text(f"  {more}\n", "dim"))
    return shown


def _table(table: Table, language: str) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    shown = RichTable(box=box.SIMPLE_HEAD)
    for column, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True):
        right = isinstance(cells[0], Amount) or column == "share"
        widest = max(_cell(cell, language).cell_len for cell in cells)
        shown.add_column(
            _text(label(column, language)) if column else "",
            justify="right" if right else "left",
            min_width=widest if right or column == "rule" else min(widest, _NARROWEST),
            max_width=None if column == "reason" or right else _NAME_CELLS,
            overflow="fold",
        )
    for row in table.rows:
        shown.add_row(*(_cell(cell, language) for cell in row))
    return shown


def _cell(cell: Cell, language: str) -> Text:
    if isinstance(cell, str):
        return _text(cell)
    text = _text(grouped(cell.number, language), "" if cell.number else "dim")
    if cell.difference:
        text.append(f" ({cell.difference:+})", style="cyan")
    return text


def _text(words: str, style: str = "") -> Text:
    """Return a text in which markup and control characters are nothing but text."""
    from rich.text import Text

    return Text(visible(words, 2000), style=style)
