"""The syncer for vCard files: one .vcf with many cards, a folder of .vcf files, standard input.

A card's ref is the file's name, `#`, and the UID (the sha256 of the card where it has none), with
`#2`, `#3` … for further cards of the same name. Its version is the sha256 of its bytes. So a card
added to a file disturbs no other, and nothing depends on where in the file a card stands.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, TypeAlias, get_args

import msgspec

from danhba.card import Card, Change, Decided, Edit, Missing, Outcome, Status
from danhba.edits import Octets, Span
from danhba.errors import SyncerError, UsageError
from danhba.syncer import Fidelity, Lane, Part
from danhba_syncers import _one_card, _plain, _skim, _vcard
from danhba_syncers._names import Names, PartNames, content_name, ref
from danhba_syncers._replace import (
    ChangedMeanwhileError,
    Fingerprint,
    append,
    fingerprint,
    replacing,
    staging,
)
from danhba_syncers._skim import Columns, Stretch
from danhba_syncers._split import LARGEST_CARD, Piece, split
from danhba_syncers._wide import Shadow, low_byte

SUFFIXES = (".vcf", ".vcard")
_CHUNK = 1 << 20
RefOf: TypeAlias = Callable[[str], str]
"""The name of the next card -> its ref."""
_json = msgspec.json.Encoder()
_outcome = msgspec.json.Decoder(Outcome)
_PART = 1 << 20
"""Bytes of a part when a large file is worked on side by side."""
_STRETCH = 1 << 18
"""Bytes of it that are searched at a time: they stay in a processor's cache."""
_WORTH_PARTS = 4 << 20
"""Bytes of a file from which that is worth it."""
_SEAM = re.compile(rb"\nEND:VCARD\r?\n(BEGIN:VCARD\r?\n)")
_AHEAD = 10_000
"""Refs looked for in one pass through the source."""


class VcardFile:
    """One file of the source, as it was when it was last opened for reading."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.expected: Fingerprint | None = None

    def has_changed(self) -> bool:
        """Say whether the file is not any more what it was when it was opened."""
        try:
            return fingerprint(self.path) != self.expected
        except OSError:
            return True

    def cards(self) -> Iterator[FileCard]:
        """Yield the cards of the file; where there are none, one card that says so."""
        try:
            if not self.path.is_file():
                yield self._in_trouble(self.name, "cannot be read: not a regular file")
                return
            with self.path.open("rb") as stream:
                self.expected = fingerprint(self.path)
                found = False
                for card in self._cards(stream):
                    found = True
                    yield card
                if not found:
                    what = "no BEGIN:VCARD in it" if self.expected.size else "an empty file"
                    yield self._in_trouble(self.name, f"not a vCard: {what} (read from byte 0)")
        except OSError as error:
            yield self._in_trouble(self.name, f"cannot be read: {error.strerror or error}")

    def _in_trouble(self, ref: str, what: str, offset: int = 0) -> FileCard:
        return FileCard(ref, b"", (), trouble=what, file=self, offset=offset)

    def _cards(self, stream: BinaryIO) -> Iterator[FileCard]:
        order = low_byte(stream)
        pieces = split(stream) if order is None else self._wide_pieces(Shadow(stream, order))
        return self.pieces_to_cards(pieces, self.refs(Names()))

    def refs(self, names: Names | PartNames) -> RefOf:
        """Return what names the cards of the file."""
        return lambda name: ref(self.name, name, names.count(name))

    def pieces_to_cards(self, pieces: Iterable[Piece], ref_of: RefOf) -> Iterator[FileCard]:
        """Read each piece of the file as a card."""
        for piece in pieces:
            if piece.trouble:
                what = f"{piece.trouble} (byte {piece.offset})"
                yield self._in_trouble(f"{self.name}#@{piece.offset}", what, piece.offset)
            else:
                yield self.card(piece, ref_of)

    def _wide_pieces(self, shadow: Shadow) -> Iterator[Piece]:
        """Yield the cards of a UTF-16 file: found in its shadow, read from the file itself."""
        with self.path.open("rb") as stream:
            for piece in split(shadow):
                stream.seek(2 * piece.offset)
                size = 0 if piece.trouble else 2 * piece.size
                raw = stream.read(size)
                offset, size = 2 * piece.offset, 2 * piece.size
                yield Piece(offset, raw, size, nested=True, trouble=piece.trouble)

    def card(self, piece: Piece, ref_of: RefOf) -> FileCard:
        """Read a piece of the file as a card."""
        raw = piece.raw
        found = None if piece.nested else _plain.read(raw)
        if found is None:
            return self._odd_card(piece, ref_of)
        phones, uid, elsewhere = found
        ref = ref_of(uid or content_name(raw))
        return FileCard(
            ref, raw, phones, _one_card.describe_plain, "", elsewhere, "", _plain.headline, self,
            piece.offset,
        )  # fmt: skip

    def _odd_card(self, piece: Piece, ref_of: RefOf) -> FileCard:
        """Read a card that is not of the common shape."""
        try:
            narrow = _vcard.narrow(piece.raw)[0]
        except UnicodeDecodeError as error:
            where = piece.offset + error.start
            what = f"broken UTF-16 (byte {where})"
            return self._in_trouble(f"{self.name}#@{where}", what, piece.offset)
        spots, elsewhere = _vcard.spots(narrow)
        phones = tuple(spot.phone for spot in spots)
        ref = ref_of(_plain.uid(narrow) or content_name(piece.raw))
        return FileCard(
            ref, piece.raw, phones, _vcard.details, "", elsewhere, "", None, self, piece.offset
        )


class FileCard(Card, frozen=True, dict=True):
    """A card and its place in a file.

    Attributes:
        file: The file it was read from.
        offset: Bytes from the start of the file to the card.
    """

    file: VcardFile | None = None
    offset: int = 0


class FilePart(NamedTuple):
    """A stretch of a file from the beginning of a card to the end of another.

    Attributes:
        file: The file.
        start: Bytes from the start of the file.
        end: Where the next part begins.
    """

    file: VcardFile
    start: int
    end: int

    def append_to(self, out: IO[bytes]) -> None:
        """Write the bytes of the part behind what was written."""
        with self.file.path.open("rb") as stream:
            append(out, stream, self.start, self.end - self.start)

    def load(self) -> LoadedPart | None:
        """Read the part; None when a card in it may hold others, for then a cut may lie in one.

        None as well when it holds a card that is larger than danhba reads.
        """
        if self.end - self.start > LARGEST_CARD:
            return None
        with self.file.path.open("rb") as stream:
            stream.seek(self.start)
            chunk = stream.read(self.end - self.start)
        stretches = _skim.stretches(chunk, _STRETCH)
        if stretches is None and b"AGENT" in chunk.upper():
            return None
        return LoadedPart(self.file, chunk, stretches or [])

    def cards_from_here(self, names: Names) -> Iterator[FileCard]:
        """Yield the cards from here to the end of the file, without loading them all."""
        with self.file.path.open("rb") as stream:
            stream.seek(self.start)
            yield from self.file.pieces_to_cards(split(stream), self.file.refs(names))

    def copy_from_here(self, edits: Iterable[Edit]) -> Iterator[bytes]:
        """Yield the bytes from here to the end of the file with the edits made."""
        with self.file.path.open("rb", buffering=_CHUNK) as stream:
            stream.seek(self.start)
            position = 0
            for edit in edits:
                card = _placed(edit)
                yield stream.read(card.offset - position)
                stream.read(len(card.raw))
                yield edit.raw
                position = card.offset + len(card.raw)
            while block := stream.read(_CHUNK):
                yield block


class LoadedPart:
    """A part of a file in memory; the offsets of its cards count from its own beginning."""

    def __init__(self, file: VcardFile, chunk: bytes, stretches: list[Stretch]) -> None:
        self._file = file
        self._chunk = chunk
        self._stretches = stretches
        self._names = PartNames()
        self._changed: list[tuple[int, int, bytes]] = []

    def read(self) -> Iterator[FileCard]:
        """Yield the cards."""
        return self._read(self._chunk, 0)

    def _read(self, chunk: bytes, start: int) -> Iterator[FileCard]:
        pieces = split(BytesIO(chunk))
        placed = (piece._replace(offset=start + piece.offset) for piece in pieces)
        return self._file.pieces_to_cards(placed, self._file.refs(self._names))

    def in_bulk(self, lane: Lane, now: datetime) -> Iterator[FileCard]:
        """Yield the cards that the lane does not decide about; change those it does."""
        for stretch in self._stretches:
            columns = _skim.skim(stretch)
            if columns is None:
                yield from self._read(stretch.chunk, stretch.start)
            else:
                yield from self._left(columns, stretch.start, lane, now)
        if not self._stretches:
            yield from self.read()

    def _left(self, columns: Columns, begin: int, lane: Lane, now: datetime) -> Iterator[FileCard]:
        """Yield the cards of a stretch that are left, and change those that are decided."""
        names, file = columns.names, self._file.name
        counts = self._names.count_all(names)
        held = lane.sift(columns.numbers, lambda: columns.begins)
        raws = columns.raws(held)
        refs = [ref(file, names[card], counts[card] if counts else 1) for card in held]
        decided = _decide(columns, held, refs, raws, lane, now) if held else []
        left: list[int] = []
        ready: list[Decided] = []
        for card, name, raw, made in zip(held, refs, raws, decided, strict=True):
            offset = begin + columns.offsets[card]
            if made:
                ready.append(made)
                self._changed.append((offset, len(raw), made.new))
            else:
                lane.propose(ready)  # first those before it, for the log keeps their order
                ready = []
                left.append(card)
                yield self._file.card(Piece(offset, raw, len(raw)), partial(_given, name))
        lane.propose(ready)
        lane.count(columns.cards, left, columns.places_without(left))

    def keys(self) -> bytes:
        """Return the names of the cards read, 8 bytes each."""
        return self._names.keys()

    def copy(self, edits: Iterable[Edit]) -> Iterator[bytes]:
        """Yield the bytes of the part with the edits made."""
        position, chunk = 0, self._chunk
        placed = [(_placed(edit).offset, len(edit.card.raw), edit.raw) for edit in edits]
        for offset, size, raw in sorted([*placed, *self._changed]):
            yield chunk[position:offset]
            yield raw
            position = offset + size
        yield chunk[position:]


def _decide(
    columns: Columns, cards: Sequence[int], refs: Sequence[str], raws: Sequence[bytes], lane: Lane,
    now: datetime,
) -> list[Decided | None]:  # fmt: skip
    """Change the cards that the lane decides about; None for the others."""
    heads = columns.heads(cards)
    found = list(map(_plain.summary, raws))
    countries = [summary.countries if summary else () for summary in found]
    doubtful = lane.doubtful(refs, countries)
    harmful = frozenset(head for head in columns.kinds if not _is_harmless(head, lane))
    changes = lane.changes(cards, columns.texts)
    decided: list[Decided | None] = []
    for name, raw, starts, summary, doubts, mine in zip(
        refs, raws, heads, found, doubtful, changes, strict=True
    ):
        made = None
        if mine and summary and not doubts and (not harmful or harmful.isdisjoint(starts)):
            made = _plain.rewritten(raw, starts, mine, summary.stamp, now)
        if made is None:
            decided.append(None)
        else:
            date = _plain.date_text(summary.stamp)
            moved = _moved_to(name, made[0])
            decided.append(Decided(name, summary.name, date, mine, raw, *made, moved))
    return decided


def _is_harmless(start: bytes, lane: Lane) -> bool:
    """Say whether what stands before the value of a phone proves nothing about it."""
    head = _plain.head_of(start) if start.startswith(b"TEL") else None
    return head is not None and lane.harmless(head.labels, head.label)


def _cut(file: VcardFile) -> list[FilePart]:
    """Cut a file into parts of about `_PART` bytes; none when it is small or in UTF-16."""
    file.expected = fingerprint(file.path)
    size = file.expected.size
    if size < _WORTH_PARTS:
        return []
    cuts = [0]
    with file.path.open("rb") as stream:
        if low_byte(stream) is not None:
            return []
        seams = (_seam(stream, start) for start in range(_PART, size - _PART // 2, _PART))
        cuts.extend(seam for seam in seams if seam is not None)
    return [FilePart(file, a, b) for a, b in zip(cuts, [*cuts[1:], size], strict=True)]


def _seam(stream: BinaryIO, start: int) -> int | None:
    """Find the beginning of a card behind a place, near it in most files."""
    for size in (1 << 14, _PART):
        stream.seek(start)
        if found := _SEAM.search(stream.read(size)):
            return start + found.start(1)
    return None


def _given(ref: str, _name: str) -> str:
    return ref


def _moved_to(name: str, raw: bytes) -> str:
    """Return another ref that a card has with a new raw; empty where it stays."""
    if "#sha256:" not in name:
        return ""
    file, _, rest = name.partition("#")
    if not rest.startswith("sha256:"):
        return ""
    _, again, count = rest.partition("#")
    return f"{file}#{content_name(raw)}{again}{count}"


class VcardFiles:
    """vCards in one file, in a folder with its subfolders, or on standard input (`-`).

    Attributes:
        source: The path as given.
        supports: What `patch` can do: everything.
        writes_remotely: False.
    """

    supports: frozenset[type] = frozenset(get_args(Change))
    writes_remotely = False

    def __init__(self, location: str, options: msgspec.Struct | None = None) -> None:
        """Take a path; nothing is opened yet."""
        del options
        self.source = location
        self._spool: Path | None = None
        self._parts: list[FilePart] | None = None
        self._taken = Names()
        self._name = "-" if location == "-" else _printable(Path(location).name)
        self._cursor: Iterator[FileCard] = iter(())
        self._at: VcardFile | None = None

    # -- reading ---------------------------------------------------------------------------------

    def read(self) -> Iterator[FileCard]:
        """Yield the cards file by file, files in the order of their names."""
        for file in self._files():
            yield from file.cards()

    def _files(self) -> Iterator[VcardFile]:
        if self.source == "-":
            yield VcardFile(self._name, self._standard_input())
            return
        path = Path(self.source)
        if path.is_dir():
            for found in _below(path):
                yield VcardFile(_printable(found.relative_to(path).as_posix()), found)
        elif path.exists():
            yield VcardFile(self._name, path)
        else:
            raise SyncerError(f"{self.source}: no such file or folder")

    def _standard_input(self) -> Path:
        """Keep standard input in a temporary file, for it can be read only once."""
        if self._spool is None:
            with tempfile.NamedTemporaryFile(
                prefix="danhba-", suffix=".vcf", delete=False
            ) as spool:
                self._spool = Path(spool.name)
                try:
                    shutil.copyfileobj(sys.stdin.buffer, spool, _CHUNK)
                except OSError as error:
                    where = self._spool.parent
                    raise SyncerError(f"{where}: no place for standard input: {error}") from error
        return self._spool

    def refs_like(self, source: str) -> None:
        """Use the refs of the file that this one is a copy of."""
        self._name = "-" if source == "-" else _printable(Path(source).name)

    def close(self) -> None:
        """Remove what was kept of standard input."""
        if self._spool:
            self._spool.unlink(missing_ok=True)
            self._spool = None

    def fetch(self, refs: Iterable[str]) -> Iterator[FileCard | Missing]:
        """Yield the present state of the named cards.

        A pass through the source goes on from call to call, so that refs in reading order cost one
        pass altogether; it begins anew for a ref that lies behind, or when the file has changed.
        """
        waiting = iter(refs)
        while wanted := dict.fromkeys(islice(waiting, _AHEAD)):
            if self._at is None or self._at.has_changed():
                self._cursor = self.read()
            yield from self._pick(wanted)
            if wanted:
                self._cursor = self.read()
                yield from self._pick(wanted)
                yield from map(Missing, wanted)

    def _pick(self, wanted: dict[str, None]) -> Iterator[FileCard]:
        """Yield the wanted cards as they come by, and strike them off."""
        while wanted:
            card = next(self._cursor, None)
            if card is None:
                return
            self._at = card.file
            if card.ref in wanted:
                del wanted[card.ref]
                yield card

    def ref_after(self, card: Card, raw: bytes) -> str:
        """Return the ref that the card has once `raw` is written: another one without UID."""
        return _moved_to(card.ref, raw) or card.ref

    # -- in parts --------------------------------------------------------------------------------

    def parts(self) -> list[FilePart]:
        """Cut one large file where a card ends and the next begins; nothing else is cut."""
        if self._parts is None:
            path = self._standard_input() if self.source == "-" else Path(self.source)
            file = VcardFile(self._name, path)
            self._parts = _cut(file) if path.is_file() else []
            self._taken = Names()
        return self._parts

    def take(self, keys: bytes) -> bool:
        """Remember the names of a part's cards; False when one is also in an earlier part."""
        return self._taken.take(keys)

    def copy_from(
        self, part: Part, change: Callable[[Iterator[Card]], Iterator[Edit]]
    ) -> Iterator[bytes]:
        """Read from a part to the end of the file, card by card; yield it with the edits made."""
        assert isinstance(part, FilePart)
        return part.copy_from_here(change(part.cards_from_here(self._taken)))

    def write_copy(self, target: Path | None, chunks: Iterable[Octets | Part]) -> None:
        """Write a copy of the file."""
        if target is not None:
            _refuse_itself(Path(self.source), target)
        with _standard_output() if target is None else replacing(target, None) as out:
            for chunk in chunks:
                if isinstance(chunk, FilePart):
                    chunk.append_to(out)
                else:
                    assert isinstance(chunk, bytes | memoryview)
                    out.write(chunk)
            for part in self.parts()[:1]:
                _must_be_as_it_was(part.file)

    # -- changing --------------------------------------------------------------------------------

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the card with its numbers set and REV, where it has one, set to `now`."""
        return _one_card.patch(card, changes, now)

    def spans(self, card: Card, changes: Sequence[Change], now: datetime) -> list[Span] | None:
        """Say what the changes replace, of a card of the common shape."""
        return _one_card.spans(card, changes, now)

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare two cards: byte for byte, then by what they mean."""
        if sent == found:
            return Fidelity.EXACT
        same = _vcard.content(sent) == _vcard.content(found)
        return Fidelity.EQUAL if same else Fidelity.LOST

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Rewrite each file that has edits, once where the edits come in reading order."""
        late: list[Edit] = []
        for file, group in _by_file(edits, late):
            yield from _rewrite(file, group)
        self._at = None
        while late:
            edits, late = self._found_again(late), []
            for file, group in _by_file(edits, late):
                yield from _rewrite(file, group)
            self._at = None

    def _found_again(self, late: list[Edit]) -> list[Edit]:
        """Look up cards again whose file was rewritten before their turn came.

        One that has changed keeps the raw it was read with, so that it comes out as a conflict.
        """
        by_ref = {edit.card.ref: edit for edit in late}
        found = []
        for card in self.fetch(list(by_ref)):
            edit = by_ref[card.ref]
            if isinstance(card, FileCard):
                same = card if card.raw == edit.card.raw else _with_raw(card, edit.card.raw)
                found.append(Edit(same, edit.raw))
            else:
                found.append(edit)
        return sorted(found, key=lambda edit: (str(_file_of(edit).path), _placed(edit).offset))

    def copy_to(self, target: Path | None, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write the source with the edits made to a new place, standard output when None."""
        files = list(self._files())
        if Path(self.source).is_dir():
            yield from _copy_folder(files, target, edits, Path(self.source))
        elif target is None:
            with _standard_output() as out:
                yield from _copied(files[0], out, edits)
        else:
            _refuse_itself(files[0].path, target)
            with replacing(target, None) as out:
                yield from _copied(files[0], out, edits)


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    """Hold back what is written, so that standard output gets all of it, or nothing on an error."""
    with tempfile.SpooledTemporaryFile(_CHUNK) as out:
        yield out
        out.seek(0)
        shutil.copyfileobj(out, sys.stdout.buffer, _CHUNK)
        sys.stdout.buffer.flush()


def _below(folder: Path) -> Iterator[Path]:
    """Yield the vCard files of a folder and its subfolders, in the order of their names.

    A file comes once, however many symlinks lead to it: under its own name if it lies in the
    folder, else under that of the first link. Hard links are files of their own, for a write parts
    them: a new file takes the place of one name only.
    """
    for path, same in _with_links(folder):
        if same is None:
            yield path


def _with_links(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Yield each vCard file; one that is but a link to another one with that other one."""
    root = os.path.realpath(folder)
    outside: dict[Path, Path] = {}
    for path in _named_so(folder):
        same = None
        if path.is_symlink() and (real := Path(os.path.realpath(path))).exists():
            if _is_vcard(real.name) and real.is_relative_to(root):
                same = folder / real.relative_to(root)
            elif (first := outside.setdefault(real, path)) != path:
                same = first
        yield path, same


def _named_so(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder, onerror=_unreadable_folder):
        folders.sort()
        for name in sorted(names):
            if _is_vcard(name):
                yield Path(here, name)


def _is_vcard(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _unreadable_folder(error: OSError) -> None:
    raise SyncerError(f"{error.filename}: cannot be read: {error.strerror}") from error


def _printable(name: str) -> str:
    """Write a file name so that it can stand in a ref: printable Unicode, `%` and `#` escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace").replace("%", "%25")
    return "".join(
        char if char.isprintable() and char != "#" else f"%{ord(char):02X}" for char in text
    )


def _by_file(edits: Iterable[Edit], late: list[Edit]) -> Iterator[tuple[VcardFile, Iterator[Edit]]]:
    """Group edits by file, in the order of the file; those that come too late are put aside."""
    waiting = iter(edits)
    ahead = next(waiting, None)
    done: set[Path] = set()

    def run(file: VcardFile) -> Iterator[Edit]:
        nonlocal ahead
        offset = -1
        while ahead is not None and _file_of(ahead).path == file.path:
            edit = ahead
            if _placed(edit).offset > offset:
                offset = _placed(edit).offset
                yield edit
            else:
                late.append(edit)
            ahead = next(waiting, None)

    while ahead is not None:
        file = _file_of(ahead)
        if file.path in done:
            late.append(ahead)
            ahead = next(waiting, None)
            continue
        done.add(file.path)
        yield file, run(file)


def _file_of(edit: Edit) -> VcardFile:
    file = _placed(edit).file
    assert file
    return file


def _with_raw(card: FileCard, raw: bytes) -> FileCard:
    return FileCard(card.ref, raw, (), file=card.file, offset=card.offset)


def _placed(edit: Edit) -> FileCard:
    if not isinstance(edit.card, FileCard) or edit.card.file is None:
        raise UsageError(f"{edit.card.ref}: not a card of this syncer; fetch it first")
    return edit.card


def _rewrite(file: VcardFile, edits: Iterator[Edit]) -> Iterator[Outcome]:
    """Replace one file; a file that somebody else changed makes every edit a conflict."""
    under_way = ""

    def watched() -> Iterator[Edit]:
        nonlocal under_way
        for edit in edits:
            under_way = edit.card.ref
            yield edit

    with tempfile.SpooledTemporaryFile(max_size=_CHUNK) as later:
        problem: Outcome | None = None
        try:
            with replacing(file.path, file.expected) as out:
                for outcome in _copy(file, out, watched()):
                    later.write(_json.encode(outcome) + b"\n")
                    under_way = ""
            file.expected = fingerprint(file.path)
        except ChangedMeanwhileError as error:
            problem = Outcome("", "conflict", "", str(error))
        except SyncerError as error:
            status: Status = "failed" if file.path.exists() else "conflict"
            problem = Outcome("", status, "", str(error))
        later.seek(0)
        for line in later:
            outcome = _outcome.decode(line)
            yield msgspec.structs.replace(problem, ref=outcome.ref) if problem else outcome
    if problem:
        if under_way:
            yield msgspec.structs.replace(problem, ref=under_way)
        for edit in edits:
            yield msgspec.structs.replace(problem, ref=edit.card.ref)


def _copied(file: VcardFile, out: IO[bytes], edits: Iterable[Edit]) -> Iterator[Outcome]:
    """Copy a file that nobody may change meanwhile."""
    file.expected = fingerprint(file.path)
    yield from _copy(file, out, edits)
    _must_be_as_it_was(file)


def _must_be_as_it_was(file: VcardFile) -> None:
    """Make sure that a copy is one of a single state of the file.

    Raises:
        SyncerError: Somebody has written it since it was opened.
    """
    if file.has_changed():
        raise SyncerError(f"{file.path}: changed while it was read; run the same command again")


def _copy(file: VcardFile, out: IO[bytes], edits: Iterable[Edit]) -> Iterator[Outcome]:
    """Copy a file and put the edited cards in; an edit whose card is not there is a conflict."""
    with file.path.open("rb", buffering=_CHUNK) as stream:
        position = 0
        for edit in edits:
            card = _placed(edit)
            position = _copy_up_to(card.offset, position, stream, out)
            found = stream.read(len(card.raw))
            position += len(found)
            if found == card.raw:
                out.write(edit.raw)
                yield Outcome(card.ref, "written", edit.sha256)
            else:
                out.write(found)
                yield Outcome(card.ref, "conflict", "", f"{file.path}: the card has moved")
        shutil.copyfileobj(stream, out, _CHUNK)


def _copy_up_to(offset: int, position: int, stream: BinaryIO, out: IO[bytes]) -> int:
    while position < offset:
        block = stream.read(min(_CHUNK, offset - position))
        if not block:
            break
        out.write(block)
        position += len(block)
    return position


def _refuse_itself(source: Path, target: Path) -> None:
    """Refuse a target that is the source, or nothing that a file may take the place of."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise UsageError(f"{target}: is not a file; give the name of one, or - for standard output")
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target}: is the source itself; use --write to change it in place")


def _copy_folder(
    files: list[VcardFile], target: Path | None, edits: Iterable[Edit], root: Path
) -> Iterator[Outcome]:
    """Copy every vCard file of a folder below a new folder, with the edits made."""
    if target is None:
        raise UsageError("a folder cannot be written to standard output; give -o a folder")
    late: list[Edit] = []
    grouped = _by_file(edits, late)
    file, group = next(grouped, (None, iter(())))
    with staging(target) as stage:
        for each in files:
            if not each.path.is_file():  # a pipe, a link that leads nowhere: named when it was read
                continue
            name = each.path.relative_to(root)
            _refuse_itself(each.path, target / name)
            mine = group if file is not None and file.path == each.path else iter(())
            with stage.file(name) as out:
                yield from _copied(each, out, mine)
            if file is not None and file.path == each.path:
                file, group = next(grouped, (None, iter(())))
        for link, same in _with_links(root):
            if same is not None:
                stage.link(link.relative_to(root), same.relative_to(root))
        late.extend(group)  # of a file that came after the files were listed
        for _, group in grouped:
            late.extend(group)
    for edit in late:
        yield Outcome(edit.card.ref, "failed", "", "was not there when the copy began")
