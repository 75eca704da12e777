"""The diff log: what was proposed, what was sent, what became of it; JSON Lines, append-only.

A log is a row of sections, each from a `run` line to an `end` line. The first holds the proposals
of a conversion; `review`, `apply` and `undo` append sections of their own. An intent is on the
disk before its card is written, so that a run killed at any moment can be settled and undone.
"""

from __future__ import annotations

import hashlib
import os
import weakref
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, TypeAlias

import msgspec

from danhba.card import Change, Question, Splice, Status
from danhba.edits import Octets
from danhba.errors import LogError
from danhba.private import make_private
from danhba.synced import SyncedAhead

SCHEMA = 1
"""Version of the log's format; a reader refuses a later one."""

_LONGEST_NAME = 500
"""Characters of a card's name in the log: it is for people, and some names take megabytes."""
_FLUSH_AT = 1 << 18
_NEAR = 16
"""Lines within which two rows of lines that differ are expected to meet again."""

OutcomeStatus: TypeAlias = Status | Literal["stale", "kept"]
Section: TypeAlias = Literal["convert", "apply", "undo", "review", "replan"]


class Run(msgspec.Struct, frozen=True, tag_field="type", tag="run", omit_defaults=True):
    """The first line of a section.

    Attributes:
        run: Id of the run, the same in all sections of a log.
        section: What this section does.
        time: When it began, RFC 3339.
        source: The source, without secrets.
        target: Where a copy is written (`-o`); empty where the source itself is changed.
        schema: Version of the format.
        danhba: Version of the program.
        country: Home country.
        assumed: Whether the home country was assumed, since nobody named one.
        packs: Pack id -> sha256 of the pack.
        given: Absolute paths of the packs that are files.
        today: The day that dates were compared with.
        policy: What is done while old and new numbers both connect.
        steps: The steps that follow `renumber`, as they were asked for.
    """

    run: str
    section: Section
    time: str
    source: str
    target: str = ""
    schema: int = SCHEMA
    danhba: str = ""
    country: str = ""
    packs: dict[str, str] = {}
    today: str = ""
    policy: str = "replace"
    steps: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    assumed: bool = False


class CardLine(msgspec.Struct, frozen=True, tag_field="type", tag="card", omit_defaults=True):
    """A proposal for one card.

    Attributes:
        ref: The card.
        name: What a person calls it.
        version: Its version when it was read.
        date: Its date before any write of ours, RFC 3339; empty when unknown, or when a number on
            the card is younger, so that it proves nothing.
        changes: What shall be done.
        questions: What a person must decide.
        sha256_before: Hash of the raw as read.
        sha256_after: Hash of the raw with the changes; empty when there are none.
        ref_after: The ref after the write, where it becomes another one.
        splices: What turns the new raw back into the old one.
        original: The whole old raw, zlib and base64, for a syncer that writes remotely.
        keys: Keys of all phone fields in their order, where the changes add or drop some.
    """

    ref: str
    name: str
    version: str
    date: str = ""
    changes: tuple[Change, ...] = ()
    questions: tuple[Question, ...] = ()
    sha256_before: str = ""
    sha256_after: str = ""
    ref_after: str = ""
    splices: tuple[Splice, ...] = ()
    original: str = ""
    keys: tuple[str, ...] = ()


class SkipLine(msgspec.Struct, frozen=True, tag_field="type", tag="skip"):
    """A card, or a whole file, that was passed over, and why."""

    ref: str
    reason: str


class IntentLine(msgspec.Struct, frozen=True, tag_field="type", tag="intent", omit_defaults=True):
    """What is about to be sent for a card.

    Attributes:
        ref: The card.
        sha256: Hash of the raw that is sent.
        ref_after: The ref after the write, where it becomes another one.
        splices: What turns the sent raw back, where it is not what the proposal says.
        original: The old raw, likewise.
        changes: The changes made, likewise (a review's answers); keys are those of the proposal.
    """

    ref: str
    sha256: str
    ref_after: str = ""
    splices: tuple[Splice, ...] = ()
    original: str = ""
    changes: tuple[Change, ...] = ()
    sha256_before: str = ""


class OutcomeLine(msgspec.Struct, frozen=True, tag_field="type", tag="outcome", omit_defaults=True):
    """What became of an intent.

    Attributes:
        ref: The card.
        status: `written`, `conflict`, `failed`, or `stale` for a card that had moved on.
        version: The version after the write.
        detail: What went wrong.
    """

    ref: str
    status: OutcomeStatus
    version: str = ""
    detail: str = ""


class AnswerLine(msgspec.Struct, frozen=True, tag_field="type", tag="answer", omit_defaults=True):
    """A person's answer to a question.

    Attributes:
        ref: The card.
        phone: Key of the phone field.
        key: Key of the question.
        answer: E.164 of the chosen reading, `keep`, or an empty string to take an answer back.
        time: When, RFC 3339.
    """

    ref: str
    phone: str
    key: str
    answer: str
    time: str = ""


class EndLine(msgspec.Struct, frozen=True, tag_field="type", tag="end", omit_defaults=True):
    """The last line of a section that came to its end.

    Attributes:
        totals: The sums, by name.
        rows: Numbers by verdict, reason, rule, operator or province in English, and kind; the last
            value is the count.
        elsewhere: Places with numbers that were seen and left alone, and how often.
        steps: Changes by step, where steps follow `renumber`.
        names: Vietnamese names of operators and provinces, by the English ones, where they differ.
        rules: What the rules in `rows` are of, in English, by id.
    """

    totals: dict[str, int]
    rows: tuple[tuple[str, str, str, str, str, int], ...] = ()
    elsewhere: dict[str, int] = {}
    steps: dict[str, int] = {}
    names: dict[str, str] = {}
    rules: dict[str, str] = {}


LogLine: TypeAlias = Run | CardLine | SkipLine | IntentLine | OutcomeLine | AnswerLine | EndLine

_CARD = b'{"type":"card"'
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LogLine)


class LineSink(Protocol):
    """Whatever takes lines of a log."""

    def add(self, line: LogLine) -> None:
        """Append a line."""
        ...


class MemoryLog:
    """Lines of a log that wait to be appended by another process."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, line: LogLine) -> None:
        """Append a line."""
        self._lines.append(_encoder.encode(line))

    def encoded(self) -> bytes:
        """Return all lines as they stand in a log."""
        return b"\n".join([*self._lines, b""]) if self._lines else b""


class LogWriter:
    """Appends lines to a log; use it as a context manager.

    Args:
        path: The file; made with mode 0600 in folders of 0700 when it is not there. A cut-off last
            line, left by a crash, is removed first.
        ahead: Whether to bring lines to the disk as they come, for a long log that `sync` is
            called on at its end.
    """

    def __init__(self, path: Path, *, ahead: bool = False) -> None:
        make_private(path.parent)
        self.path = path
        self.repaired = repair(path) if path.exists() else 0
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = SyncedAhead(handle, ahead=ahead)
        self._lines: list[bytes] = []
        self._size = 0

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, line: LogLine) -> None:
        """Append a line; it may wait in memory until `flush`."""
        encoded = _encoder.encode(line)
        self._lines.append(encoded)
        self._size += len(encoded)
        if self._size > _FLUSH_AT:
            self.flush()

    def add_encoded(self, lines: Octets) -> None:
        """Append whole lines that another process encoded."""
        self.flush()
        self._write(lines)

    def flush(self) -> None:
        """Hand all lines to the operating system."""
        if self._lines:
            self._lines.append(b"")
            block = b"\n".join(self._lines)
            self._lines, self._size = [], 0
            self._write(block)

    def _write(self, block: Octets) -> None:
        left = memoryview(block)
        with self._named():
            while left:
                left = left[self._file.write(left) :]

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LogError(f"{self.path}: cannot be written: {error.strerror}") from error

    def sync(self) -> None:
        """Return only when all lines are on the disk."""
        self.flush()
        with self._named():
            self._file.sync()

    def close(self) -> None:
        """Flush and close; may be called twice."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()


def read_log(path: Path) -> Iterator[LogLine]:
    """Yield the lines of a log; a cut-off last line is passed over.

    Raises:
        LogError: The file is not there, a line is damaged, or the format is a later one.
    """
    for _, line in read_log_places(path):
        yield line


def read_log_places(path: Path) -> Iterator[tuple[int, LogLine]]:
    """Yield the lines of a log, each with its offset in the file."""
    try:
        with path.open("rb") as file:
            offset = number = 0
            for number, raw in enumerate(file, 1):
                if not raw.endswith(b"\n"):
                    return
                yield offset, _read_line(path, number, raw)
                offset += len(raw)
            if not number:
                raise LogError(f"{path}: the log is empty")
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror}") from error


class LogPlaces:
    """Reads single lines of a log again, by offset; remembers the last one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        self._last: tuple[int, LogLine] | None = None

    def at(self, offset: int) -> LogLine:
        """Return the line at that offset."""
        if self._last is None or self._last[0] != offset:
            self._file.seek(offset)
            self._last = offset, _decoder.decode(self._file.readline())
        return self._last[1]


def decode_lines(lines: Octets, most: int) -> Iterator[LogLine]:
    """Read lines that were encoded a moment ago, but only so many of those about cards."""
    for raw in bytes(lines).splitlines():
        if raw.startswith(_CARD):
            if most <= 0:
                continue
            most -= 1
        line: LogLine = _decoder.decode(raw)
        yield line


def _read_line(path: Path, number: int, raw: bytes) -> LogLine:
    try:
        line: LogLine = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if number == 1 and not raw.startswith(b"{"):
            raise LogError(f"{path}: is not a diff log; give the file that --log made") from error
        raise LogError(
            f"{path}:{number}: damaged line: {error}. Restore the log from a backup; the source"
            " itself was not touched."
        ) from error
    if isinstance(line, Run) and line.schema > SCHEMA:
        raise LogError(f"{path}:{number}: written by a later danhba ({line.danhba}); update first")
    return line


def repair(path: Path) -> int:
    """Remove a last line that a crash cut off; return how many bytes went."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end:
            start = max(0, end - (1 << 16))
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            file.truncate(end)
        return size - end


def name_in_log(name: str) -> str:
    """Return the name of a card, cut where it is very long."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def sha256(raw: bytes) -> str:
    """Return the SHA-256 of a raw in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def splices(old: bytes, new: bytes) -> tuple[Splice, ...]:
    """Return what turns `new` back into `old`, line by line; lines may be more or fewer."""
    old_lines, new_lines = old.split(b"\n"), new.split(b"\n")
    if len(old_lines) != len(new_lines):
        return tuple(_stretches(old_lines, new_lines))
    pairs = enumerate(zip(old_lines, new_lines, strict=True))
    changed = [(i, before, after) for i, (before, after) in pairs if before != after]
    if len(changed) > _NEAR:
        return tuple(_stretches(old_lines, new_lines))
    found: list[Splice] = []
    offset = last = 0
    for i, before, after in changed:
        offset += sum(map(len, new_lines[last:i])) + i - last
        found.append((offset, len(after), before.decode("latin-1")))
        last = i
    return tuple(found)


def _stretches(old: list[bytes], new: list[bytes]) -> Iterator[Splice]:
    """Yield a splice for each stretch in which two rows of lines differ; takes linear time."""
    old, new = ([*(line + b"\n" for line in lines[:-1]), lines[-1]] for lines in (old, new))
    ends = zip(reversed(old), reversed(new), strict=False)
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    old, new = old[: len(old) - tail], new[: len(new) - tail]
    i = j = offset = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i] == new[j]:
            gone, come = 1, 1
            length = len(new[j])
        else:
            gone, come = _meeting(old[i : i + _NEAR], new[j : j + _NEAR])
            gone, come = (gone, come) if gone + come else (len(old) - i, len(new) - j)
            length = sum(map(len, new[j : j + come]))
            yield offset, length, b"".join(old[i : i + gone]).decode("latin-1")
        i, j, offset = i + gone, j + come, offset + length


def _meeting(old: list[bytes], new: list[bytes]) -> tuple[int, int]:
    """Return behind how many lines of each they go on alike; (0, 0) when they do not."""
    for lines in range(1, len(old) + len(new)):
        for gone in range(lines + 1):
            if gone < len(old) and lines - gone < len(new) and old[gone] == new[lines - gone]:
                return gone, lines - gone
    return 0, 0


def unsplice(new: bytes, back: tuple[Splice, ...]) -> bytes:
    """Return the old raw."""
    for offset, length, text in sorted(back, reverse=True):
        new = new[:offset] + text.encode("latin-1") + new[offset + length :]
    return new


def pack_raw(raw: bytes) -> str:
    """Write a whole raw as text: zlib, then base64.

    The window is no larger than the raw: zlib's usual 268 kB of memory cost more than the work.
    """
    bits = min(15, max(9, len(raw).bit_length()))
    packer = zlib.compressobj(wbits=bits, memLevel=min(8, bits - 6))
    return b64encode(packer.compress(raw) + packer.flush()).decode()


def unpack_raw(text: str) -> bytes:
    """Undo `pack_raw`."""
    return zlib.decompress(b64decode(text))
