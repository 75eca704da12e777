"""How does an edit get onto the server, exactly once?

One conditional PUT each, side by side. When the answer is lost, the server is asked what it has:
what was sent, what was there before, or something else. Where it is not known whether the server
honours If-Match, the first card tells: it is sent on a condition that cannot hold.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from danhba.card import Card, Edit, Missing, Outcome
from danhba.errors import SyncerError
from danhba.syncer import Fidelity
from danhba_syncers import _dav
from danhba_syncers._dav_client import Answer, NoAnswerError
from danhba_syncers._dav_transport import Transport
from danhba_syncers._fidelity import compare
from danhba_syncers._lanes import Width, as_they_end

_TRIES = 5
"""How often one card is sent, when the server fails or the connection breaks."""
_TOLD_TO_WAIT = 50
"""How often one card is sent, when the server says each time how long to wait."""
_UNHEARD = 3
"""After so many cards in a row without any answer, the others are not sent."""
_REFUSED = 20
"""After so many cards in a row that the server refuses, the others are not sent."""
_ASKED_TOGETHER = 100
_FAILING = frozenset({423, 429, 500, 502, 503, 504})
_NOT_DONE = frozenset({423, 429})
"""Statuses of a request that was surely not carried out."""


_BARRING = frozenset({403, 405, 501, 507})
"""Statuses that speak of the user, the book or the disk rather than of one card."""
_LOCKED_S = 0.1
"""Seconds after which a card that was locked is tried again, at first: as long as a write takes."""
_IMPOSSIBLE = '"danhba-no-card-has-this"'


class Shelf(Protocol):
    """What a writer must know about the cards' place."""

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the present state of cards."""
        ...

    def obstacle(self, card: Card, size: int) -> str:
        """Say why so many octets cannot be written in place of a card; empty when they can."""
        ...


class _Turns:
    """Lets cards be sent side by side; one after the other once the server has shown to want that.

    Xandikos 0.4 answers 423 to one of two writes that meet, so that a card may be refused again and
    again while others overtake it.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._under_way: set[object] = set()
        self._one_by_one = False

    def put(self, send: Callable[[], Answer]) -> Answer:
        """Send a card when its turn has come."""
        with self._change:
            self._change.wait_for(lambda: not (self._one_by_one and self._under_way))
            self._under_way.add(send)
            met = len(self._under_way) > 1
        status = 0
        try:
            answer = send()
            status = answer.status
            return answer
        finally:
            with self._change:
                met = met or len(self._under_way) > 1
                self._one_by_one |= status == 423 and met
                self._under_way.remove(send)
                self._change.notify_all()


class Writer:
    """Writes edits to one server.

    Args:
        transport: The way to the server.
        shelf: Where the cards are.
        connections: How many cards may be under way.

    Attributes:
        turns: Decides when a card may be sent.
        honours: Whether the server refuses to write on a condition that does not hold; None while
            that is not known.
    """

    def __init__(self, transport: Transport, shelf: Shelf, connections: int) -> None:
        self.transport = transport
        self.shelf = shelf
        self._width = Width(connections)
        self.turns = _Turns()
        self.honours: bool | None = None
        self.spelling = 0  # which spelling of an entity tag the server takes
        self._unheard = self._refused = 0  # in a row
        self._over = self._silence = ""  # why nothing more is sent; what the last silence was

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write each edit whose card has not moved; outcomes come as they are known.

        Raises:
            NoAnswerError: The server fell silent, so that of some cards nobody knows whether they
                were stored; all other outcomes have come before. A later run must look.
        """
        self._unheard = self._refused = 0
        self._over = ""
        untagged: list[Edit] = []
        unknown: list[Edit] = []
        for edit, outcome in self._worked_through(iter(edits)):
            if outcome is None:
                unknown.append(edit)
            elif outcome.status == "written" and not outcome.version:
                untagged.append(edit)
            else:
                yield outcome
            if len(untagged) >= _ASKED_TOGETHER:
                yield from self._tagged(untagged)
                untagged = []
        yield from self._tagged(untagged)
        if unknown:
            count = "1 card was" if len(unknown) == 1 else f"{len(unknown)} cards were"
            raise NoAnswerError(
                f"{self._silence}; whether {count} stored, {unknown[0].card.ref}"
                " for one, is not known. Run the same command again: it finds out"
            )

    def _worked_through(self, edits: Iterator[Edit]) -> Iterator[tuple[Edit, Outcome | None]]:
        """Write edits side by side; the first one by itself while the server is not known."""
        if self.honours is None and (first := next(edits, None)):
            yield self._worked(first)[0]
        yield from as_they_end(edits, self._worked, self._width)

    def _tagged(self, edits: list[Edit]) -> Iterator[Outcome]:
        """Ask for the entity tags that the server did not give after PUT."""
        found: dict[str, str] = {}
        if edits:
            try:
                now = self.shelf.fetch(edit.card.ref for edit in edits)
                found = {card.ref: card.stamp for card in now if isinstance(card, Card)}
            except SyncerError:
                pass  # they are written all the same
        for edit in edits:
            yield Outcome(edit.card.ref, "written", found.get(edit.card.ref, ""))

    def _worked(self, edit: Edit) -> tuple[tuple[Edit, Outcome | None], bool]:
        """Write one edit, in any thread; say also whether the server had trouble with it.

        There is no outcome when the server could not even be asked what became of the card.
        """
        if self._over:
            return (edit, _failed(edit, self._over)), False
        if obstacle := self.shelf.obstacle(edit.card, len(edit.raw)):
            return (edit, _failed(edit, obstacle)), False
        attempt = _Attempt(self, edit)
        try:
            outcome = attempt.outcome()
            self._unheard = 0
            self._refused = self._refused + 1 if attempt.barred else 0
            if self._refused >= _REFUSED:
                self._over = f"not sent, since the server refuses them all: {outcome.detail}"
        except NoAnswerError as error:
            self._unheard += 1
            self._silence = str(error)
            if self._unheard >= _UNHEARD:
                self._over = f"not sent, since the server does not answer: {error}"
            return (edit, None), True
        except SyncerError as error:
            outcome = _failed(edit, str(error))
            self._over = f"not sent: {error}"
        return (edit, outcome), attempt.rough


def _failed(edit: Edit, why: str) -> Outcome:
    return Outcome(edit.card.ref, "failed", "", why)


def _conflict(edit: Edit, why: str) -> Outcome:
    return Outcome(edit.card.ref, "conflict", "", why)


class _Attempt:
    """The writing of one edit.

    Attributes:
        rough: Whether the server had trouble.
        barred: Whether the server refused the card for no reason that lies in the card.
    """

    def __init__(self, writer: Writer, edit: Edit) -> None:
        self.rough = self.barred = False
        self._writer = writer
        self._edit = edit
        self._in_doubt = False  # whether an earlier try may have stored the card
        self._tries = self._told = 0
        self._said = ""
        self._spelling = 0  # of the entity tag that was sent last

    def outcome(self) -> Outcome:
        """Send the card until it is known what became of it.

        Raises:
            SyncerError: The server cannot be reached, or we are not let in.
        """
        edit, writer = self._edit, self._writer
        if writer.honours is None and (done := self._tried_out()):
            return done
        while self._tries < _TRIES and self._told < _TOLD_TO_WAIT:
            if done := self._sent():
                return done
        times = self._tries + self._told
        return _failed(edit, f"sent {times} times, without success: {self._said}")

    def _sent(self) -> Outcome | None:
        """Send the card once; None when it must be sent again."""
        edit, transport = self._edit, self._writer.transport
        if not edit.card.stamp and (moved := self._moved()):
            return moved
        answer: Answer | None = None
        try:
            condition = self._condition()
            answer = self._writer.turns.put(
                lambda: transport.put(edit.card.ref, edit.raw, If_Match=condition)
            )
        except NoAnswerError as error:
            self._said = str(error)
        else:
            if answer.status not in _FAILING:
                return self._judged(answer)
            self._said = answer.said()
        self.rough = True
        if answer and "Retry-After" in answer.headers:
            self._told += 1
            self._in_doubt |= answer.status not in _NOT_DONE
            return None
        self._tries += 1
        if answer and answer.status in _NOT_DONE:
            transport.back_off(self._tries, _LOCKED_S)
            return None
        transport.back_off(self._tries)
        self._in_doubt = True
        return self._looked_after()

    def _tried_out(self) -> Outcome | None:
        """Send the card on a condition that cannot hold; None when it was refused, as it should."""
        writer, edit = self._writer, self._edit
        try:
            answer = writer.transport.put(edit.card.ref, edit.raw, If_Match=_IMPOSSIBLE)
        except NoAnswerError:
            self._in_doubt = True
            return None
        if answer.status == 412:
            writer.honours = True
            return None
        if answer.status in _FAILING:
            self._in_doubt |= answer.status not in _NOT_DONE
            return None
        if answer.status < 300:
            writer.honours = False
        return self._judged(answer)

    def _condition(self) -> str:
        """Return the If-Match that keeps us from overwriting or making another card."""
        stamp = self._edit.card.stamp
        if not stamp:
            return "*"
        ways = _dav.spellings(stamp)
        self._spelling = min(self._writer.spelling, len(ways) - 1)
        return ways[self._spelling]

    def _judged(self, answer: Answer) -> Outcome:
        """Turn a final answer into an outcome."""
        edit = self._edit
        self.barred = answer.status in _BARRING
        match answer.status:
            case 200 | 201 | 204:
                return Outcome(edit.card.ref, "written", answer.etag)
            case 412:
                return self._after_412()
            case 404 | 410:
                now = self._now()
                gone = isinstance(now, Missing)
                return _conflict(edit, "the card is gone") if gone else _failed(edit, answer.said())
            case 401:
                raise SyncerError(
                    f"{answer.said()}: the user or the password is not accepted any more"
                )
            case 403:
                return _failed(edit, f"{answer.said()}: the user may not write it")
            case 405 | 501:
                return _failed(edit, f"{answer.said()}: the server takes no cards there")
            case 413:
                return _failed(edit, f"{answer.said()}: the card is too large for the server")
            case 507:
                return _failed(edit, f"{answer.said()}: the server's storage is full")
            case _:
                return _failed(edit, answer.said())

    def _after_412(self) -> Outcome:
        """Tell a card that moved from one that we stored, and from an If-Match spelled wrongly."""
        if self._in_doubt and (done := self._looked_after()):
            return done
        card, writer = self._edit.card, self._writer
        ways = _dav.spellings(card.stamp) if card.stamp else ()
        proper = card.stamp.startswith('"')  # strong and quoted, as If-Match wants it
        if ways and not proper and not self._moved():
            for i in sorted(set(range(len(ways))) - {self._spelling}):
                answer = writer.transport.put(card.ref, self._edit.raw, If_Match=ways[i])
                if answer.status != 412:
                    writer.spelling = i
                    return self._judged(answer)
        return _conflict(self._edit, "the card has changed")

    def _moved(self) -> Outcome | None:
        """Say whether the card is not any more what it was when it was read."""
        now = self._now()
        if isinstance(now, Missing):
            return _conflict(self._edit, "the card is gone")
        same = now.raw == self._edit.card.raw and not now.trouble
        return None if same else _conflict(self._edit, "the card has changed")

    def _looked_after(self) -> Outcome | None:
        """See what became of a card whose fate is not known; None when it is as it was."""
        edit, now = self._edit, self._now()
        if isinstance(now, Missing):
            return _conflict(edit, "the card is gone")
        if now.trouble:
            return _failed(edit, f"whether the card was stored is not known: {now.trouble}")
        if now.raw == edit.card.raw:
            return None
        if compare(edit.raw, now.raw) is not Fidelity.LOST:
            return Outcome(edit.card.ref, "written", now.stamp)
        if edit.card.stamp and _dav.strong(now.stamp) == _dav.strong(edit.card.stamp):
            return None
        return _conflict(edit, "the card has changed")

    def _now(self) -> Card | Missing:
        return next(iter(self._writer.shelf.fetch([self._edit.card.ref])))
