"""A danhba syncer for address books in CSV files; cells that do not change keep their bytes.

A card is a row. Its ref is the cell in the key column, or else the sha256 of all cells but the
phones, so that it outlives our own changes; `#2`, `#3` … tell rows apart that share one. Its
version is the sha256 of the row's bytes, its phones are the phone columns that are not empty.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from danhba.card import Card, Change, Details, DropPhone, Edit, Missing, Outcome, Phone, SetNumber
from danhba.changes import made
from danhba.errors import SyncerError, UsageError
from danhba.syncer import Fidelity
from danhba_csv import cells, columns

_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
_TRIES = 3


class CsvOptions(Struct, frozen=True):
    """What can be set for a CSV file; titles are written as in its header.

    Attributes:
        name: Title of the column with the name; guessed when empty.
        phones: Titles of the columns with phones; guessed when empty.
        key: Title of the column that names the row; guessed when empty.
        delimiter: What stands between cells, one ASCII character; guessed when empty.
        encoding: The file's encoding; one in which ASCII is ASCII.
    """

    name: str = ""
    phones: tuple[str, ...] = ()
    key: str = ""
    delimiter: str = ""
    encoding: str = "utf-8"


class Layout(NamedTuple):
    """What the header of a file says about its rows."""

    header: cells.Row
    delimiter: bytes
    columns: columns.Columns


class CsvSyncer:
    """The rows of one CSV file that has a header."""

    Options = CsvOptions
    supports: frozenset[type] = frozenset({SetNumber, DropPhone})
    writes_remotely = False

    def __init__(self, location: str, options: CsvOptions | None = None) -> None:
        """Take a path; nothing is opened yet."""
        self.source = location
        self._path = Path(location)
        self._options = options or CsvOptions()

    # -- reading ---------------------------------------------------------------------------------

    def read(self) -> Iterator[Card]:
        """Yield a card for each row that is not empty, in the order of the file."""
        with self._opened() as file:
            yield from (card for _, card in self._rows(file) if card)

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the named cards in the order of the file, then those that are not there."""
        wanted = set(refs)
        for card in self.read() if wanted else ():
            if card.ref in wanted:
                wanted.remove(card.ref)
                yield card
        yield from map(Missing, wanted)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise SyncerError(f"{self.source}: cannot be read: {error.strerror}") from error
        with file:
            yield file

    @cached_property
    def _layout(self) -> Layout:
        """What the header says; read once, for a patch knows nothing but the row."""
        with self._opened() as file:
            first = file.readline()
            delimiter = self._delimiter(first)
            header = next(
                cells.rows((line for part in ([first], file) for line in part), delimiter)
            )
        try:
            titles = [
                text.strip() for text in self._texts(header.raw.removeprefix(_BOM), delimiter)
            ]
            opts = self._options
            return Layout(header, delimiter, columns.find(titles, opts.name, opts.phones, opts.key))
        except (UnicodeDecodeError, LookupError, UsageError) as error:
            raise UsageError(f"{self.source}: {error}") from error

    def _delimiter(self, line: bytes) -> bytes:
        """Return the delimiter that was set, or the one that the header has most of."""
        if fault := _fault(line):
            raise SyncerError(f"{self.source}: {fault}")
        if not self._options.delimiter:
            return max((b",", b";", b"\t", b"|"), key=line.count)
        delimiter = self._options.delimiter.encode()
        if len(delimiter) != 1:
            raise UsageError(f"{self.source}: the delimiter must be one ASCII character")
        return delimiter

    def _texts(self, raw: bytes, delimiter: bytes) -> list[str]:
        found = cells.spans(raw, delimiter)
        return [cells.read(raw[start:end], self._options.encoding) for start, end in found]

    def _rows(self, file: BinaryIO) -> Iterator[tuple[cells.Row, Card | None]]:
        """Yield every row of the file with its card; the header and empty rows have none."""
        layout, seen = self._layout, Counter[str]()
        rows = cells.rows(file, layout.delimiter)
        header = next(rows, None)
        if header is None or header.raw != layout.header.raw:
            raise SyncerError(f"{self.source}: its header has changed meanwhile; start again")
        yield header, None
        for row in rows:
            yield row, self._card(row.raw, seen) if row.raw.strip(b" " + layout.delimiter) else None

    def _card(self, raw: bytes, seen: Counter[str]) -> Card:
        try:
            texts = self._texts(raw, self._layout.delimiter)
        except UnicodeDecodeError as error:
            ref = self._ref([], raw, seen)
            return Card(ref, raw, (), trouble=f"not {self._options.encoding}: {error.reason}")
        ref = self._ref(texts, raw, seen)
        start, end = cells.spans(raw, self._layout.delimiter)[-1]
        if cells.is_open(raw[start:end]):
            return Card(ref, raw, (), trouble="a quote in this row is never closed")
        return Card(ref, raw, tuple(self._phones(texts)), self._describe)

    def _ref(self, texts: Sequence[str], raw: bytes, seen: Counter[str]) -> str:
        """Name a row by its key, else by what else it holds, else by its bytes."""
        found = self._layout.columns
        ref = texts[found.key].strip() if found.key is not None and found.key < len(texts) else ""
        if not ref:
            others = [text for place, text in enumerate(texts) if place not in found.phones]
            content = "\x1f".join(others).encode() if others else raw
            ref = "sha256:" + hashlib.sha256(content).hexdigest()
        seen[ref] += 1
        return ref if seen[ref] == 1 else f"{ref}#{seen[ref]}"

    def _phones(self, texts: Sequence[str]) -> Iterator[Phone]:
        titles = self._layout.columns.titles
        for place in self._layout.columns.phones:
            if place < len(texts) and texts[place].strip():
                title = titles[place]
                yield Phone(str(place), texts[place], columns.labels(title), title)

    def _describe(self, raw: bytes) -> Details:
        texts, place = self._texts(raw, self._layout.delimiter), self._layout.columns.name
        return Details(texts[place].strip() if place is not None and place < len(texts) else "")

    # -- changing --------------------------------------------------------------------------------

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the row with other bytes in the cells that the changes name."""
        del now
        delimiter = self._layout.delimiter
        found = cells.spans(card.raw, delimiter)
        row = [card.raw[start:end] for start, end in found]
        if not self.supports.issuperset(map(type, changes)):
            raise ValueError("a row has no place for labels, nor for another number")
        for field in made(card.phones, changes):
            text = field.phone.value if field.phone else ""
            column = int(field.key)
            if field.phone != field.was:
                old = row[column]
                row[column] = cells.write(text, old, delimiter, self._options.encoding)
        return delimiter.join(row)

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare two rows: byte for byte, then by their texts."""
        if sent == found:
            return Fidelity.EXACT
        delimiter = self._layout.delimiter
        same = self._texts(sent, delimiter) == self._texts(found, delimiter)
        return Fidelity.EQUAL if same else Fidelity.LOST

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Replace the file by one with the edits; outcomes come once it is in place."""
        wanted = list(edits)
        if not wanted:
            return
        for _ in range(_TRIES):
            before = self._stamp()
            with _beside(self._path) as (temporary, out):
                outcomes = self._copy(out, wanted)
                _close(out)
                if self._stamp() == before:
                    self._put(temporary, self._path)
                    break
        else:
            raise SyncerError(f"{self.source}: somebody else keeps writing it; left as it is")
        yield from outcomes

    def copy_to(self, target: Path | None, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write the file with the edits made to another place."""
        if target is None:
            yield from self._copy(sys.stdout.buffer, edits)
            return
        with _beside(target) as (temporary, out):
            outcomes = self._copy(out, edits)
            _close(out)
            self._put(temporary, target)
        yield from outcomes

    def _put(self, temporary: Path, target: Path) -> None:
        """Let a finished file take the place of another; a link stays, and so does the mode."""
        shutil.copymode(self._path, temporary)
        temporary.replace(target.resolve())

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise SyncerError(f"{self.source}: cannot be read: {error.strerror}") from error
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _copy(self, out: BinaryIO, edits: Iterable[Edit]) -> list[Outcome]:
        """Copy the file with the edits made, and say what became of each."""
        waiting: dict[str, list[Edit]] = {}
        for edit in edits:
            waiting.setdefault(edit.card.ref, []).append(edit)
        outcomes = []
        with self._opened() as file:
            for row, card in self._rows(file):
                raw = row.raw
                for edit in waiting.pop(card.ref, ()) if card else ():
                    raw, outcome = _applied(edit, raw)
                    outcomes.append(outcome)
                out.write(raw + row.end)
        gone = (ref for ref, several in waiting.items() for _ in several)
        return outcomes + [Outcome(ref, "conflict", detail="the row is gone") for ref in gone]


def _fault(line: bytes) -> str:
    """Say why a file with this first line cannot be read, or return an empty string."""
    if not line.strip():
        return "is empty"
    if line.startswith(_WIDE_BOMS):
        return "is UTF-16; save it as UTF-8 first"
    if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r") and b'"' not in line:
        return "ends its lines with CR alone; save it with LF or CRLF first"
    return ""


def _applied(edit: Edit, raw: bytes) -> tuple[bytes, Outcome]:
    """Return what a row becomes, and the outcome."""
    ref = edit.card.ref
    if raw != edit.card.raw:
        return raw, Outcome(ref, "conflict", detail="the row has changed")
    return edit.raw, Outcome(ref, "written", hashlib.sha256(edit.raw).hexdigest())


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a temporary file in the folder of a path; it is gone afterwards, unless renamed."""
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                yield temporary, out
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise SyncerError(f"{path}: cannot be written: {error.strerror}") from error


def _close(out: BinaryIO) -> None:
    """Close a file once it is on the disk."""
    out.flush()
    os.fsync(out.fileno())
    out.close()
