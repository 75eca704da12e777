"""The smallest syncer: read it, then write yours. Its cards are JSON, held in a dict.

`{"name": "An", "phones": [{"value": "0168 123 456", "labels": []}], "rev": "2018-01-31T07:00:00Z"}`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, get_args

from msgspec import DecodeError, Struct, json

from danhba.card import Card, Change, Details, Edit, Missing, Outcome, Phone
from danhba.changes import made
from danhba.syncer import Fidelity


class MemorySyncer:
    """Cards in a dict, each with a counter for its version, as a server has its ETag."""

    supports: frozenset[type] = frozenset(get_args(Change))
    writes_remotely = False

    def __init__(self, location: str = "", options: Struct | None = None) -> None:
        """Start empty; `location` is only a name, and there are no options."""
        del options
        self.source = f"memory:{location}"
        self.cards: dict[str, bytes] = {}
        self.stamps: dict[str, int] = {}

    def put(self, ref: str, raw: bytes) -> None:
        """Store a card; every change moves its version."""
        self.cards[ref] = raw
        self.stamps[ref] = self.stamps.get(ref, 0) + 1

    def read(self) -> Iterator[Card]:
        """Yield every card."""
        return map(self._card, list(self.cards))

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the named cards as they are now."""
        return (self._card(ref) if ref in self.cards else Missing(ref) for ref in refs)

    def _card(self, ref: str) -> Card:
        raw, stamp = self.cards[ref], str(self.stamps[ref])
        try:
            phones = tuple(_phones(json.decode(raw)))
        except (DecodeError, KeyError, TypeError) as error:
            return Card(ref, raw, (), stamp=stamp, trouble=f"not a card: {error}")
        return Card(ref, raw, phones, _describe, stamp)

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the card's JSON with the changes made; what it holds besides stays."""
        if not changes:
            return card.raw
        content = json.decode(card.raw)
        old = content["phones"]
        fields = made(_phones(content), changes)
        content["phones"] = [
            {**(old[int(field.key)] if field.was else {}), **_written(field.phone)}
            for field in fields
            if field.phone
        ]
        if "rev" in content:
            content["rev"] = now
        return json.encode(content)

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare two cards: byte for byte, then by what they mean."""
        if sent == found:
            return Fidelity.EXACT
        return Fidelity.EQUAL if json.decode(sent) == json.decode(found) else Fidelity.LOST

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Store each card that has not moved since it was read."""
        for edit in edits:
            ref = edit.card.ref
            if str(self.stamps.get(ref)) != edit.card.version:
                yield Outcome(ref, "conflict", detail="the card has changed or is gone")
            else:
                self.put(ref, edit.raw)
                yield Outcome(ref, "written", str(self.stamps[ref]))


def _phones(content: dict[str, Any]) -> Iterator[Phone]:
    for key, phone in enumerate(content["phones"]):
        yield Phone(str(key), phone["value"], tuple(phone["labels"]))


def _describe(raw: bytes) -> Details:
    content = json.decode(raw)
    rev = content.get("rev")
    return Details(content["name"], datetime.fromisoformat(rev) if rev else None)


def _written(phone: Phone) -> dict[str, Any]:
    return {"value": phone.value, "labels": phone.labels}
