"""What is on one vCard, and how is it changed? `read` is for sources with a card a piece."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from danhba.card import Card, Change, Details
from danhba.edits import Span, spliced
from danhba_syncers import _patch, _plain, _vcard
from danhba_syncers._split import Piece, split


def read(ref: str, raw: bytes, stamp: str) -> Card:
    """Read bytes that shall hold one card; where they do not, the card's trouble says so."""
    pieces = list(split(BytesIO(raw)))
    if trouble := _trouble(pieces):
        return Card(ref, raw, (), stamp=stamp, trouble=trouble)
    plain = pieces[0].raw == raw and not pieces[0].nested
    if found := _plain.read(raw) if plain else None:
        phones, _, elsewhere = found
        return Card(ref, raw, phones, describe_plain, stamp, elsewhere, "", _plain.headline)
    try:
        spots, elsewhere = _vcard.spots(_vcard.narrow(raw)[0])
    except UnicodeDecodeError:
        return Card(ref, raw, (), stamp=stamp, trouble="broken UTF-16")
    phones = tuple(spot.phone for spot in spots)
    return Card(ref, raw, phones, _vcard.details, stamp, elsewhere)


def patch(card: Card, changes: Sequence[Change], now: datetime) -> bytes:
    """Return the card with the changes made and REV, where it has one, set to `now`.

    Raises:
        ValueError: A change does not fit the card.
    """
    found = spans(card, changes, now)
    return _patch.patch(card.raw, changes, now) if found is None else spliced(card.raw, found)[0]


def spans(card: Card, changes: Sequence[Change], now: datetime) -> list[Span] | None:
    """Say which bytes the changes replace in a card of the common shape; None for any other."""
    plain = card.describe is describe_plain
    return _plain.spans(card.raw, changes, now) if plain else None


def _trouble(pieces: Sequence[Piece]) -> str:
    if not pieces:
        return "not a vCard: no BEGIN:VCARD in it"
    if len(pieces) > 1:
        return f"holds {len(pieces)} cards where there should be one"
    return pieces[0].trouble


def describe_plain(raw: bytes) -> Details:
    """Read what a card of the common shape says besides its phones."""
    return _plain.details(raw) or _vcard.details(raw)
