"""The cards of one vCard file, and what they are called.

A card's ref is the file's name, `#`, and the UID (the sha256 of the card where it has none), with
`#2`, `#3` … for further cards of the same name. Its version is the sha256 of its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

from danhba.card import Card, Edit
from danhba.errors import UsageError
from danhba_syncers import _one_card, _plain, _vcard
from danhba_syncers._names import Names, PartNames, name_of, ref
from danhba_syncers._replace import Fingerprint, fingerprint
from danhba_syncers._split import Piece, split
from danhba_syncers._wide import Shadow, low_byte

RefOf: TypeAlias = Callable[[str], str]
"""The name of the next card -> its ref."""


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
        ref = ref_of(name_of(uid, raw))
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
        ref = ref_of(name_of(_plain.uid(narrow), piece.raw))
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


def card_of(edit: Edit) -> FileCard:
    """Return the card of an edit, in its place.

    Raises:
        UsageError: It was not read from a file.
    """
    if not isinstance(edit.card, FileCard) or edit.card.file is None:
        raise UsageError(f"{edit.card.ref}: not a card of this syncer; fetch it first")
    return edit.card


def file_of(edit: Edit) -> VcardFile:
    """Return the file that the card of an edit was read from."""
    file = card_of(edit).file
    assert file
    return file
