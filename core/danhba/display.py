"""What is shown to a person: lines whose pieces have styles, and tables of them.

A terminal shows it in colours and fitted to its width (rich does that). A file or a pipe gets one
line a row, however long, so that it can be searched; rich, which takes 25 ms to import and lays out
for 80 columns, is not loaded for that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, NamedTuple, TypeAlias
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

_MARGIN = "  "
_FILLED = 72
"""Width up to which the columns in a file are filled up; what is longer stands out."""
_FORCE = "FORCE_COLOR"
_CLOSED = "standard output was closed"


class Piece(NamedTuple):
    """A stretch of text, and rich's name of its style; nothing in the text is markup."""

    text: str
    style: str = ""


Line: TypeAlias = Sequence[Piece]


class Column(NamedTuple):
    """A column of a table; widths are in cells of a terminal and do not bind a file.

    Attributes:
        head: What stands above it.
        right: Whether its cells are numbers, which stand to the right and are never folded.
        narrowest: Cells it has at least.
        widest: Cells it has at most; None for no limit.
    """

    head: str
    right: bool = False
    narrowest: int | None = None
    widest: int | None = None


class Table(NamedTuple):
    """A table.

    Attributes:
        columns: Its columns.
        rows: Its rows, a line for each column.
        parted_after: Rows, counted from 0, behind which a line is drawn.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Line]]
    parted_after: frozenset[int] = frozenset()


Part: TypeAlias = Line | Table


def line(text: str, style: str = "") -> Line:
    """Return a line of one piece."""
    return (Piece(text, style),)


def text_of(shown: Line) -> str:
    """Return a line without its styles."""
    return "".join(piece.text for piece in shown)


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes (UAX #11)."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


class Display:
    """Shows parts on a terminal, or writes them to a file or a pipe.

    Args:
        file: Where they go. Colours are forced on a file by FORCE_COLOR, and kept from a terminal
            by NO_COLOR, as rich does it.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._console: Console | None = None
        if file.isatty() or os.environ.get(_FORCE):
            self._console = _terminal(file)

    def show(self, parts: Iterable[Part]) -> None:
        """Show parts, one under the other."""
        for part in parts:
            if self._console:
                _print(self._console, part)
            else:
                self._write(plain(part))

    def _write(self, rows: Iterable[str]) -> None:
        try:
            self._file.writelines(f"{row}\n" for row in rows)
            self._file.flush()  # nobody shall be told too late that nobody takes it
        except BrokenPipeError as error:
            raise BrokenPipeError(_CLOSED) from error


def plain(part: Part) -> Iterator[str]:
    """Yield the lines of a part as they stand in a file."""
    if isinstance(part, Table):
        yield from _plain_table(part)
    else:
        yield text_of(part).rstrip()


def _plain_table(table: Table) -> Iterator[str]:
    heads = [column.head for column in table.columns]
    rows = [[text_of(cell) for cell in row] for row in table.rows]
    columns = zip(heads, *rows, strict=True)
    widths = [min(max(map(cells, column)), _FILLED) for column in columns]
    ruler = " " + "─" * (sum(widths) + len(_MARGIN) * len(widths) + 1)
    yield ""
    yield _row(heads, widths, table.columns)
    yield ruler
    for number, row in enumerate(rows):
        yield _row(row, widths, table.columns)
        if number in table.parted_after:
            yield ""
    yield ""


def _row(texts: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    shown = ""
    for text, width, column in zip(texts, widths, columns, strict=True):
        space = " " * (width - cells(text))
        shown += _MARGIN + (space + text if column.right else text + space)
    return shown.rstrip()


def _terminal(file: IO[str]) -> Console:
    import rich.table  # noqa: F401 - needed at the end, when somebody waits for it
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError(_CLOSED)

    return Terminal(file=file, highlight=False, soft_wrap=True)


def _print(console: Console, part: Part) -> None:
    from rich.text import Text

    console.print(_rich_table(part) if isinstance(part, Table) else Text.assemble(*part))


def _rich_table(table: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=box.SIMPLE_HEAD)
    for column in table.columns:
        shown.add_column(
            Text(column.head),
            justify="right" if column.right else "left",
            no_wrap=column.right,
            min_width=column.narrowest,
            max_width=column.widest,
            overflow="fold",
        )
    for number, row in enumerate(table.rows):
        shown.add_row(*(Text.assemble(*cell) for cell in row))
        if number in table.parted_after:
            shown.add_section()
    return shown
