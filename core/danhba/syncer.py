"""The Syncer protocols: what a source of cards must be able to do, and what each method promises.

A syncer is any object with the methods of `Syncer`. Each further ability is a protocol of its own,
found with `isinstance`, so that a small syncer stays small. `danhba.testing.SyncerContract` holds
these promises as tests; `danhba_syncers.memory` is the smallest example.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from danhba.card import Card, Change, Decided, Edit, Missing, Outcome, Phone, SetNumber
from danhba.edits import Octets, Span


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
class Splices(Protocol):
    """A syncer that can tell which bytes of a raw its changes replace."""

    def spans(self, card: Card, changes: Sequence[Change], now: datetime) -> list[Span] | None:
        """Return the stretches that `patch` would replace, in order; None where only it knows."""
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
        """Yield the bytes of the part with the edits made; edits come in the order of `read`.

        A part that stays as it is comes in one piece.
        """
        ...

    def keys(self) -> bytes:
        """Return what tells whether refs of this part occur in others; after `read`."""
        ...


class Lane(Protocol):
    """Decides about plain cards, many at a time, without a `Card` of any (`danhba.bulk`).

    It is given the numbers of some cards (`sift`), then asked about those it held back: what
    becomes of their numbers (`changes`), whether the rest of a card raises a doubt (`harmless`,
    `doubtful`). What it decides is told to it (`propose`), and at last what was left (`count`).
    Cards are counted from 0 in the order they were given.
    """

    def sift(self, numbers: Sequence[bytes], begins: Callable[[], Sequence[int]]) -> list[int]:
        """Return the cards that are not calm: those with a number that is not surely kept.

        Args:
            numbers: The values of all phone fields, in UTF-8, card after card. For one that is
                empty or not known for sure, something that is no number.
            begins: Where in them those of each card begin, and where the last one's end; asked when
                needed.
        """
        ...

    def changes(
        self, cards: Iterable[int], values: Sequence[str]
    ) -> Iterator[tuple[SetNumber, ...]]:
        """Yield what becomes of each card's numbers; nothing where they alone do not decide.

        Args:
            cards: Those that `sift` returned, or some of them.
            values: The values of all phone fields; the keys of a card's are `0`, `1`, ….
        """
        ...

    def harmless(self, labels: tuple[str, ...], label: str) -> bool:
        """Say whether machine labels and a typed one prove nothing about a number."""
        ...

    def doubtful(self, refs: Sequence[str], countries: Sequence[tuple[str, ...]]) -> list[bool]:
        """Say of each card whether it must be looked at closely, by the countries it names."""
        ...

    def propose(self, decided: Collection[Decided]) -> None:
        """Log and count cards that change."""
        ...

    def count(self, cards: int, left: Collection[int], places: Iterable[str]) -> None:
        """Count the numbers of all cards but those that are left to the usual way.

        Args:
            cards: How many cards there are.
            left: The cards that are left.
            places: The other places with numbers (`Card.elsewhere`) of all others.
        """
        ...


@runtime_checkable
class InBulk(Protocol):
    """A part in memory that can have its plain cards decided about in bulk."""

    def in_bulk(self, lane: Lane, now: datetime) -> Iterator[Card]:
        """Yield what `read` would, without the cards that the lane decides about.

        Those that change get REV set to `now`, and come out of `copy` changed.
        """
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

    def write_copy(self, target: Path | None, chunks: Iterable[Octets | Part]) -> None:
        """Write a copy of the source, standard output when None; it appears when complete.

        A part among the chunks stands for its own bytes.
        """
        ...


@runtime_checkable
class NamesByContent(Protocol):
    """A syncer some of whose refs change when the card does (a vCard without UID)."""

    def ref_after(self, card: Card, raw: bytes) -> str:
        """Return the ref that the card has once `raw` is written."""
        ...


@runtime_checkable
class LabelsItsWay(Protocol):
    """A syncer whose phone fields cannot have any machine labels together."""

    def labelling(self, phone: Phone, labels: tuple[str, ...]) -> tuple[str, ...] | None:
        """Say which labels a field reads with once it is given some; None if it cannot be.

        `phone` without a key is one that is still to be added.
        """
        ...


# -- abilities of syncers that speak to a server ---------------------------------------------------


@runtime_checkable
class Batches(Protocol):
    """A syncer that reads and writes in calls of limited size.

    `fetch` may be called while a `write` is under way: written cards are read back meanwhile.

    Attributes:
        batch: Cards in a call. The first `batch` cards of a run are written and read back before
            any other goes out (the canary), and written cards are read back so many at a time.
    """

    batch: int


@runtime_checkable
class Tracks(Protocol):
    """A syncer that can tell what changed since an earlier read."""

    def token(self) -> str:
        """Return what the last complete `read` or `changes_since` showed, as an opaque text.

        Empty while there was none, or when the source cannot tell what changes. The text may hold
        whatever saves requests later (where the books are); never a secret.
        """
        ...

    def changes_since(
        self, token: str, known: Mapping[str, str]
    ) -> Iterator[Card | Missing] | None:
        """Yield the cards that are new or changed since the token, and `Missing` for those gone.

        Args:
            token: What `token` returned at an earlier time.
            known: ref -> version of every card as it was last seen. A card that has that version
                need not be read; one that is not there any more must be yielded as `Missing`.

        Returns:
            None when the token is not valid (any more), or of another form: `read` everything.
        """
        ...


@runtime_checkable
class Refuses(Protocol):
    """A syncer that knows some cards which it had better not write."""

    def refusal(self, card: Card) -> str:
        """Say why a card that is to be changed must not be written; empty when it may be."""
        ...


@runtime_checkable
class InLanes(Protocol):
    """A syncer whose cards lie in lanes that are written side by side, each one in order."""

    def lane(self, ref: str) -> str:
        """Return the lane of a card, such as the account it belongs to."""
        ...


class Finding(msgspec.Struct, frozen=True):
    """What a probe found out about a server.

    Attributes:
        trait: What it is about, such as `if-match` or `loses`; unique in a probe.
        value: What was found; for the syncer to read.
        text: The same as a sentence, in English.
        good: Whether that is how it should be.
    """

    trait: str
    value: str
    text: str
    good: bool = True


@runtime_checkable
class Probes(Protocol):
    """A syncer that can find out how its server behaves.

    Attributes:
        server: The name under which the findings are kept: a URL without user and secret.
    """

    server: str

    def probe(self) -> Iterator[Finding]:
        """Try the server out on a scratch card, which is removed again."""
        ...

    def knows(self, findings: Mapping[str, str]) -> None:
        """Take trait -> value of an earlier probe; empty when there was none."""
        ...

    def conditional(self) -> bool:
        """Say whether a write is surely refused when the card moved meanwhile.

        When not, cards are read and compared once more, shortly before they are written. A syncer
        may find out with the first edit of a `write`, by sending it on a condition that cannot
        hold; it then settles that edit before it pulls the next.
        """
        ...


class Book(msgspec.Struct, frozen=True):
    """An address book, or an account, that a source offers.

    Attributes:
        location: What to give as SOURCE for this one alone.
        name: What people call it.
        writable: Whether its cards can be written; None when the server does not say.
        shared: Whether it belongs to somebody else.
        max_size: Largest card in octets; None when the server does not say.
        chosen: Whether the source as given reads it.
        text: Anything else worth saying, in English.
    """

    location: str
    name: str
    writable: bool | None = None
    shared: bool = False
    max_size: int | None = None
    chosen: bool = True
    text: str = ""


@runtime_checkable
class Lists(Protocol):
    """A syncer that can say what its source holds, without reading the cards."""

    def books(self) -> Iterator[Book]:
        """Yield the address books or accounts."""
        ...


@runtime_checkable
class SignsIn(Protocol):
    """A syncer that a person signs in to once."""

    def login(self, *, headless: bool, ask: Callable[[str], str]) -> str:
        """Sign in, keep what later runs need, and say for whom; `ask` shows a text, gets a line."""
        ...

    def logout(self) -> bool:
        """Forget the sign-in; False when there was none."""
        ...


@runtime_checkable
class Closes(Protocol):
    """A syncer that holds something open: connections, what was read from standard input."""

    def close(self) -> None:
        """Let go of it; called at the end of each command, also after an error."""
        ...


@runtime_checkable
class Forecasts(Protocol):
    """A syncer that knows what a write will cost."""

    def forecast(self, cards: int) -> str:
        """Say what writing so many cards takes (requests, minutes); empty when not worth saying."""
        ...
