"""The Syncer protocols: what a source of cards must be able to do, and what each method promises.

A syncer is any object with the methods of `Syncer`. Each further ability is a protocol of its own,
found with `isinstance`, so that a small syncer stays small. `danhba.testing.SyncerContract` holds
these promises as tests; `danhba_syncers.memory` is the smallest example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from danhba.card import Card, Change, Edit, Missing, Outcome


class Fidelity(Enum):
    """How a card that was read back relates to what was sent."""

    EXACT = "exact"
    EQUAL = "equal"
    LOST = "lost"


@runtime_checkable
class Syncer(Protocol):
    """A source of cards.

    Attributes:
        source: The name of the source in logs and messages: a path or URL, never a secret.
        supports: The change types `patch` can carry out; others are reported as not applicable.
        writes_remotely: Whether a write leaves this machine; canary, budget and read-back follow.
    """

    source: str
    supports: frozenset[type]
    writes_remotely: bool

    def read(self) -> Iterator[Card]:
        """Yield every card of the source once, lazily; memory does not grow with the source.

        A card that cannot be understood is yielded with `trouble` set and never stops the others.

        Raises:
            SyncerError: The source as a whole cannot be read.
        """
        ...

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the present state of each named card, in any order, one answer per ref.

        `refs` is consumed as needed, in the order of an earlier `read`, so that it can be long.
        """
        ...

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the card's raw with the changes made and nothing else moved.

        Pure: the same arguments give the same bytes. A modification stamp of the card (REV) that is
        there already is set to `now`; none is added.

        Raises:
            ValueError: A change names a phone that the card does not have, or whose value differs.
        """
        ...

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Say whether a card that was read back is what was sent: exactly, in content, or not."""
        ...

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write each edit whose card still has the version it was read with.

        `edits` is pulled from the calling thread only, possibly many ahead. Exactly one outcome per
        edit comes back, late and in any order, possibly after the last edit. A card that moved is a
        `conflict` and stays as it is.

        Raises:
            SyncerError: The source as a whole cannot be written; it is unchanged.
        """
        ...


@runtime_checkable
class Copies(Protocol):
    """A syncer that can write a changed copy of its source elsewhere, leaving the source alone."""

    def copy_to(self, target: Path | None, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write the source with the edits made to `target`, standard output when None.

        Edits come in the order of `read`; the copy appears at once, when it is complete. Outcomes
        may come earlier: they hold if the iterator ends without an error.
        """
        ...


@runtime_checkable
class RefsLike(Protocol):
    """A syncer whose refs hold its own name, so that those of a copy differ from its source's."""

    def refs_like(self, source: str) -> None:
        """Use the refs of the source that this one is a copy of."""
        ...


class Part(Protocol):
    """A part of a source that can be worked on by itself."""

    def load(self) -> LoadedPart | None:
        """Get the part into memory; None when it cannot be told from its neighbours for sure."""
        ...


class LoadedPart(Protocol):
    """A part of a source in memory."""

    def read(self) -> Iterator[Card]:
        """Yield the cards of the part, refs counted within the part."""
        ...

    def copy(self, edits: Iterable[Edit]) -> Iterator[bytes]:
        """Yield the bytes of the part with the edits made; edits come in the order of `read`."""
        ...

    def keys(self) -> bytes:
        """Return what tells whether refs of this part occur in others; after `read`."""
        ...


@runtime_checkable
class InParts(Protocol):
    """A syncer whose source can be worked on in parts side by side."""

    def parts(self) -> Sequence[Part]:
        """Cut the source; an empty sequence when it is not worth it, or not possible."""
        ...

    def take(self, keys: bytes) -> bool:
        """Remember the keys of the next part; False when one was there before."""
        ...

    def copy_from(
        self, part: Part, change: Callable[[Iterator[Card]], Iterator[Edit]]
    ) -> Iterator[bytes]:
        """Read from the beginning of a part to the end of the source; yield it with the edits."""
        ...

    def write_copy(self, target: Path | None, chunks: Iterable[bytes]) -> None:
        """Write a copy of the source, standard output when None; it appears when complete."""
        ...


@runtime_checkable
class NamesByContent(Protocol):
    """A syncer some of whose refs change when the card does (a vCard without UID)."""

    def ref_after(self, card: Card, raw: bytes) -> str:
        """Return the ref that the card has once `raw` is written."""
        ...
