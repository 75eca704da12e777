"""How does a report look in a terminal, or in a file that the output goes to?"""

from __future__ import annotations

from collections.abc import Iterator

from danhba.compare import Comparison
from danhba.display import Column, Line, Part, Piece, line, text_of
from danhba.display import Table as Shown
from danhba.display import cells as width
from danhba.render_report import Amount, Cell, Table, grouped, headline, notices, tables
from danhba.render_rows import visible
from danhba.report import Report
from danhba.texts import label, told

_NAME_CELLS = 48
_NARROWEST = 12
_LONGEST = 2000
_ROWS = 30
"""Rows of a table by rule, place or source that are shown; the page and the JSON hold all."""

_LONG = frozenset(("by-rule", "by-place", "by-source"))


def report_lines(report: Report, compared: Comparison | None, language: str) -> Iterator[Part]:
    """Yield the tables of a report, one under the other."""
    for table in tables(report, compared, language):
        yield from _shown(table, language)
    yield _line(headline(report, language), "bold")
    for notice in notices(report, compared, language):
        yield _line(notice, "yellow")


def _shown(table: Table, language: str) -> Iterator[Part]:
    rows = table.rows[:_ROWS] if table.title in _LONG else table.rows
    yield _line(label(table.title, language), "bold")
    yield _table(table._replace(rows=rows), language)
    left = len(table.rows) - len(rows)
    if left:
        more = told("more-lines", {"count": grouped(left, language)}, language)
        yield _line(f"  {more}", "dim")
        yield _line("")


def _table(table: Table, language: str) -> Shown:
    columns = [
        _column(key, values, language)
        for key, values in zip(table.columns, zip(*table.rows, strict=True), strict=True)
    ]
    return Shown(columns, [[_cell(cell, language) for cell in row] for row in table.rows])


def _column(key: str, values: tuple[Cell, ...], language: str) -> Column:
    right = isinstance(values[0], Amount) or key == "share"
    widest = max(width(text_of(_cell(cell, language))) for cell in values)
    return Column(
        label(key, language) if key else "",
        right,
        narrowest=widest if right or key == "rule" else min(widest, _NARROWEST),
        widest=None if key == "reason" or right else _NAME_CELLS,
    )


def _cell(cell: Cell, language: str) -> Line:
    if isinstance(cell, str):
        return _line(cell)
    number = Piece(grouped(cell.number, language), "" if cell.number else "dim")
    if not cell.difference:
        return (number,)
    return number, Piece(f" ({cell.difference:+})", "cyan")


def _line(words: str, style: str = "") -> Line:
    """Return a line in which control characters are nothing but text."""
    return line(visible(words, _LONGEST), style)
