"""A large vCard file in parts, which may be worked on side by side; plain cards of one in bulk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import IO, BinaryIO, NamedTuple

from danhba.card import Decided, Edit
from danhba.syncer import Lane
from danhba_syncers import _plain, _skim
from danhba_syncers._file_cards import FileCard, VcardFile, card_of
from danhba_syncers._names import Names, PartNames, moved_to, ref
from danhba_syncers._replace import append, fingerprint
from danhba_syncers._skim import Columns, Stretch
from danhba_syncers._split import BLOCK, LARGEST_CARD, Piece, split
from danhba_syncers._wide import low_byte

_PART = 1 << 20
"""Bytes of a part when a large file is worked on side by side."""
_STRETCH = 1 << 18
"""Bytes of it that are searched at a time: they stay in a processor's cache."""
_WORTH_PARTS = 4 << 20
"""Bytes of a file from which that is worth it."""
_SEAM = re.compile(rb"\nEND:VCARD\r?\n(BEGIN:VCARD\r?\n)")


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
        with self.file.path.open("rb", buffering=BLOCK) as stream:
            stream.seek(self.start)
            position = 0
            for edit in edits:
                card = card_of(edit)
                yield stream.read(card.offset - position)
                stream.read(len(card.raw))
                yield edit.raw
                position = card.offset + len(card.raw)
            while block := stream.read(BLOCK):
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
        placed = [(card_of(edit).offset, len(edit.card.raw), edit.raw) for edit in edits]
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
    changes = list(lane.changes(cards, columns.texts))
    found = [_plain.summary(raw) if mine else None for raw, mine in zip(raws, changes, strict=True)]
    doubtful = lane.doubtful(refs, [summary.countries if summary else () for summary in found])
    harmful = frozenset(head for head in columns.kinds if not _is_harmless(head, lane))
    decided: list[Decided | None] = []
    for name, raw, starts, summary, doubts, mine in zip(
        refs, raws, columns.heads(cards), found, doubtful, changes, strict=True
    ):
        made = None
        if summary and not doubts and (not harmful or harmful.isdisjoint(starts)):
            made = _plain.rewritten(raw, starts, mine, summary.stamp, now)
        if summary is None or made is None:
            decided.append(None)
        else:
            date, moved = _plain.date_text(summary.stamp), moved_to(name, made[0])
            decided.append(Decided(name, summary.name, date, mine, raw, *made, moved))
    return decided


def _is_harmless(start: bytes, lane: Lane) -> bool:
    """Say whether what stands before the value of a phone proves nothing about it."""
    head = _plain.head_of(start) if start.startswith(b"TEL") else None
    return head is not None and lane.harmless(head.labels, head.label)


def _given(ref: str, _name: str) -> str:
    return ref


def cut(file: VcardFile) -> list[FilePart]:
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
