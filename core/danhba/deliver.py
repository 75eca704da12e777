"""Sends edits and makes sure that they arrived.

What leaves this machine is read back and compared. The first cards go out alone (the canary): a
server that loses something is found out there. What it lost is put back, and the run stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from danhba.card import Card, Edit, Outcome
from danhba.syncer import Batches, Fidelity, Syncer

_CANARY = 100
"""Cards written before the rest where the syncer does not say."""
_TOUCHED_AT_ONCE = 3
"""So many cards that somebody seems to change right behind us are the server's own doing."""


class Delivered(NamedTuple):
    """What became of an edit, and the card as it was read back; None where it was not."""

    outcome: Outcome
    card: Card | None = None


class Delivery:
    """Sends edits through a syncer.

    Attributes:
        stopped: Why nothing more is sent; empty while all is well.
    """

    def __init__(self, syncer: Syncer) -> None:
        self.syncer = syncer
        self.batch = batch_of(syncer)
        self.stopped = ""
        self._sent: dict[str, Edit] = {}
        self._lost: list[tuple[Edit, Card]] = []
        self._touched = 0

    def send(self, edits: Iterable[Edit]) -> Iterator[Delivered]:
        """Write edits; each one that was taken gets its outcome, when it is certain."""
        if not self.syncer.writes_remotely:
            yield from map(Delivered, self.syncer.write(edits))
            return
        rest = iter(edits)
        yield from self._send(islice(rest, self.batch))
        if not self.stopped:
            yield from self._send(rest)

    def _send(self, edits: Iterable[Edit]) -> Iterator[Delivered]:
        waiting: list[tuple[Edit, Outcome]] = []
        for outcome in self.syncer.write(self._taken(edits)):
            edit = self._sent.pop(outcome.ref)
            if outcome.status != "written":
                yield Delivered(outcome)
                continue
            waiting.append((edit, outcome))
            if len(waiting) == self.batch:
                yield from self._read_back(waiting)
                waiting.clear()
        if waiting:
            yield from self._read_back(waiting)
        for edit, found in self._lost:
            yield Delivered(self._restore(edit, found))
        self._lost.clear()

    def _taken(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        for edit in edits:
            self._sent[edit.card.ref] = edit
            yield edit
            if self.stopped:
                return

    def _read_back(self, waiting: list[tuple[Edit, Outcome]]) -> Iterator[Delivered]:
        found = {card.ref: card for card in self.syncer.fetch([o.ref for _, o in waiting])}
        for edit, outcome in waiting:
            card = found.get(outcome.ref)
            if not isinstance(card, Card):
                yield _failed(outcome.ref, "the card was gone right after it was written")
            elif card.trouble:
                why = f"it was sent, and cannot be read back: {card.trouble}"
                yield Delivered(Outcome(outcome.ref, "unclear", "", why))
            elif self.syncer.compare(edit.raw, card.raw) is not Fidelity.LOST:
                yield Delivered(Outcome(outcome.ref, "written", card.version), card)
            elif outcome.version and outcome.version != card.version:
                yield self._moved(outcome.ref)
            else:
                self._lost.append((edit, card))
                self.stopped = f"{outcome.ref}: the server does not keep cards as they are sent"

    def _moved(self, ref: str) -> Delivered:
        """Report a card that is not what was sent, under another version than the write gave it."""
        self._touched += 1
        if self._touched >= _TOUCHED_AT_ONCE:
            self.stopped = (
                f"{ref}: cards are not what was sent, and nobody can say who changed them"
            )
        return _failed(
            ref,
            "the card was written, and was changed by somebody, or by the server, before it could"
            " be read back; compare it with the original: danhba log LOG --originals DIR",
        )

    def _restore(self, edit: Edit, found: Card) -> Outcome:
        """Put a card back that the server stored with something lost."""
        ref, original = found.ref, edit.card.raw
        written = next(iter(self.syncer.write(iter([Edit(found, original)]))))
        now = next(iter(self.syncer.fetch([ref])))
        back = isinstance(now, Card) and self.syncer.compare(original, now.raw)
        if written.status == "written" and back and back is not Fidelity.LOST:
            detail = "the server lost a part of the card when storing it; it was put back as it was"
        else:
            detail = (
                "the server lost a part of the card, also when it was put back"
                f"{': ' + written.detail if written.detail else ''}; the original is in the log:"
                " danhba log LOG --originals DIR"
            )
        return Outcome(ref, "failed", "", detail)


def _failed(ref: str, detail: str) -> Delivered:
    return Delivered(Outcome(ref, "failed", "", detail))


def batch_of(syncer: Syncer) -> int:
    """Return how many cards a call of the syncer takes."""
    return syncer.batch if isinstance(syncer, Batches) else _CANARY
