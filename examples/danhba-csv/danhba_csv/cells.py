"""Where does each cell of a CSV row begin and end, in bytes?

Quoting is that of RFC 4180: a cell that begins with `"` ends at the next single `"`, and `""` in it
stands for one. A quote elsewhere is an ordinary character. Rows end with LF or CRLF.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_QUOTED = re.compile(rb'"(?:[^"]|"")*+"')
_CLOSING = re.compile(rb'(?:[^"]|"")*+"')


class Row(NamedTuple):
    """One row of a file: its bytes, and those that end it (none at the end of a file)."""

    raw: bytes
    end: bytes


def rows(lines: Iterable[bytes], delimiter: bytes) -> Iterator[Row]:
    """Put lines that end with LF together to rows; a quoted cell may run over several lines."""
    parts: list[bytes] = []
    for line in lines:
        opened = _leaves_open(line, delimiter, opened=bool(parts))
        parts.append(line)
        if not opened:
            yield _row(b"".join(parts))
            parts.clear()
    if parts:
        yield _row(b"".join(parts))


def _row(line: bytes) -> Row:
    end = b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else b""
    return Row(line.removesuffix(end), end)


def _leaves_open(line: bytes, delimiter: bytes, *, opened: bool) -> bool:
    """Say whether a quoted cell is open at the end of a line."""
    if b'"' not in line:
        return opened
    at = 0
    if opened:
        closing = _CLOSING.match(line)
        at = line.find(delimiter, closing.end()) + 1 if closing else 0
        if not at:
            return not closing
    start, _ = spans(line, delimiter, at)[-1]
    return is_open(line[start:])


def is_open(cell: bytes) -> bool:
    """Say whether a cell begins with a quote that is never closed."""
    return cell.startswith(b'"') and not _QUOTED.match(cell)


def spans(raw: bytes, delimiter: bytes, at: int = 0) -> list[tuple[int, int]]:
    """Return where each cell from an index on begins and ends, quotes included; at least one."""
    found = []
    while True:
        end = _end(raw, at, delimiter)
        found.append((at, end))
        if end == len(raw):
            return found
        at = end + 1


def _end(raw: bytes, at: int, delimiter: bytes) -> int:
    if raw.startswith(b'"', at):
        quoted = _QUOTED.match(raw, at)
        at = quoted.end() if quoted else len(raw)
    end = raw.find(delimiter, at)
    return len(raw) if end < 0 else end


def read(cell: bytes, encoding: str) -> str:
    """Return the text of a cell; what stands behind its closing quote belongs to it."""
    if quoted := _QUOTED.match(cell):
        cell = cell[1 : quoted.end() - 1].replace(b'""', b'"') + cell[quoted.end() :]
    return cell.decode(encoding)


def write(text: str, old: bytes, delimiter: bytes, encoding: str) -> bytes:
    """Return a cell with this text, in quotes where the old one was or where it needs them."""
    cell = text.encode(encoding)
    special = (b'"', b"\r", b"\n", delimiter)
    if old.startswith(b'"') or any(byte in cell for byte in special):
        return b'"' + cell.replace(b'"', b'""') + b'"'
    return cell
