"""The syncer for vCard files: one .vcf with many cards, a folder of .vcf files, standard input.

A card is known by its file and its UID (`_file_cards`), so that a card added to a file disturbs no
other, and nothing depends on where in the file a card stands.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import get_args

import msgspec

from danhba.card import Card, Change, Edit, Missing, Outcome
from danhba.edits import Octets, Span
from danhba.errors import SyncerError
from danhba.syncer import Fidelity, Part
from danhba_syncers import _one_card, _vcard
from danhba_syncers._file_cards import FileCard, VcardFile, card_of, file_of
from danhba_syncers._file_copies import (
    by_file,
    copied,
    copy_folder,
    must_be_as_it_was,
    refuse_itself,
    rewrite,
    standard_output,
)
from danhba_syncers._file_parts import FilePart, cut
from danhba_syncers._folder import printable, vcards_below
from danhba_syncers._names import Names, moved_to
from danhba_syncers._replace import replacing
from danhba_syncers._split import BLOCK

_AHEAD = 10_000
"""Refs looked for in one pass through the source."""


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
        self._name = "-" if location == "-" else printable(Path(location).name)
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
            for found in vcards_below(path):
                yield VcardFile(printable(found.relative_to(path).as_posix()), found)
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
                    shutil.copyfileobj(sys.stdin.buffer, spool, BLOCK)
                except OSError as error:
                    where = self._spool.parent
                    raise SyncerError(f"{where}: no place for standard input: {error}") from error
        return self._spool

    def refs_like(self, source: str) -> None:
        """Use the refs of the file that this one is a copy of."""
        self._name = "-" if source == "-" else printable(Path(source).name)

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
        return moved_to(card.ref, raw) or card.ref

    # -- in parts --------------------------------------------------------------------------------

    def parts(self) -> list[FilePart]:
        """Cut one large file where a card ends and the next begins; nothing else is cut."""
        if self._parts is None:
            path = self._standard_input() if self.source == "-" else Path(self.source)
            file = VcardFile(self._name, path)
            self._parts = cut(file) if path.is_file() else []
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
            refuse_itself(Path(self.source), target)
        with standard_output() if target is None else replacing(target, None) as out:
            for chunk in chunks:
                if isinstance(chunk, FilePart):
                    chunk.append_to(out)
                else:
                    assert isinstance(chunk, bytes | memoryview)
                    out.write(chunk)
            for part in self.parts()[:1]:
                must_be_as_it_was(part.file)

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
        for file, group in by_file(edits, late):
            yield from rewrite(file, group)
        self._at = None
        while late:
            edits, late = self._found_again(late)
            for file, group in by_file(edits, late):
                yield from rewrite(file, group)
            self._at = None

    def _found_again(self, late: list[Edit]) -> tuple[list[Edit], list[Edit]]:
        """Look up cards again whose file was rewritten before their turn came.

        One that has changed keeps the raw it was read with, so that it comes out as a conflict. Of
        several with one ref, for they have become alike, the first is found; the others are
        returned apart, for it has another ref once it is written.
        """
        by_ref: dict[str, Edit] = {}
        others = [edit for edit in late if by_ref.setdefault(edit.card.ref, edit) is not edit]
        found = []
        for card in self.fetch(list(by_ref)):
            edit = by_ref[card.ref]
            if isinstance(card, FileCard):
                same = card if card.raw == edit.card.raw else _with_raw(card, edit.card.raw)
                found.append(Edit(same, edit.raw))
            else:
                found.append(edit)
        found.sort(key=lambda edit: (str(file_of(edit).path), card_of(edit).offset))
        return found, others

    def copy_to(self, target: Path | None, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write the source with the edits made to a new place, standard output when None."""
        files = list(self._files())
        if Path(self.source).is_dir():
            yield from copy_folder(files, target, edits, Path(self.source))
        elif target is None:
            with standard_output() as out:
                yield from copied(files[0], out, edits)
        else:
            refuse_itself(files[0].path, target)
            with replacing(target, None) as out:
                yield from copied(files[0], out, edits)


def _with_raw(card: FileCard, raw: bytes) -> FileCard:
    return FileCard(card.ref, raw, (), file=card.file, offset=card.offset)
