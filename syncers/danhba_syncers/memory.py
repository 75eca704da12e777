"""The smallest syncer: read it, then write yours. Its cards are JSON, held in a dict.

`{"name": "An", "phones": [{"value": "0168 123 4567", "labels": ["cell"]}], "rev": "2018-01-31T…"}`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct, ValidationError, json
from msgspec.structs import replace

from danhba.card import (
    AddPhone,
    Card,
    Change,
    Details,
    DropPhone,
    Edit,
    Missing,
    Outcome,
    Phone,
    SetLabel,
    SetNumber,
)
from danhba.syncer import Fidelity


class Entry(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A phone of a card, as the JSON has it."""

    value: str
    labels: tuple[str, ...] = ()


class Content(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A card, as the JSON has it; `rev` is when it was last changed."""

    name: str
    phones: tuple[Entry, ...] = ()
    rev: datetime | None = None


class MemorySyncer:
    """Cards in a dict, each with a counter for its version, as a server has its ETag."""

    supports: frozenset[type] = frozenset({SetNumber, SetLabel, AddPhone, DropPhone})
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
            entries = enumerate(json.decode(raw, type=Content).phones)
        except (ValidationError, UnicodeDecodeError) as error:
            return Card(ref, raw, (), stamp=stamp, trouble=str(error))
        phones = tuple(Phone(str(key), entry.value, entry.labels) for key, entry in entries)
        return Card(ref, raw, phones, _describe, stamp)

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the card's JSON with the changes made."""
        if not changes:
            return card.raw
        content = json.decode(card.raw, type=Content)
        slots = {str(key): [entry] for key, entry in enumerate(content.phones)}
        for change in changes:
            _make(change, slots.get(change.phone, []))
        phones = tuple(entry for slot in slots.values() for entry in slot)
        return json.encode(replace(content, phones=phones, rev=content.rev and now))

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare two cards: byte for byte, then by what they mean."""
        if sent == found:
            return Fidelity.EXACT
        same = json.decode(sent, type=Content) == json.decode(found, type=Content)
        return Fidelity.EQUAL if same else Fidelity.LOST

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Store each card that has not moved since it was read."""
        for edit in edits:
            ref = edit.card.ref
            if str(self.stamps.get(ref)) != edit.card.version:
                yield Outcome(ref, "conflict", detail="the card has changed or is gone")
            else:
                self.put(ref, edit.raw)
                yield Outcome(ref, "written", str(self.stamps[ref]))


def _make(change: Change, slot: list[Entry]) -> None:
    """Make a change in a slot, which holds a phone and those added behind it."""
    match change, slot:
        case SetNumber(before=before, after=after), [Entry(value=value), *_] if value == before:
            slot[0] = replace(slot[0], value=after)
        case SetLabel(before=before, after=after), [Entry(labels=labels), *_] if labels == before:
            slot[0] = replace(slot[0], labels=after)
        case DropPhone(before=before), [Entry(value=value), *_] if value == before:
            del slot[0]
        case AddPhone(), [_, *_]:
            slot.append(Entry(change.value, change.labels))
        case _:
            raise ValueError(f"phone {change.phone}: not what the change expects")


def _describe(raw: bytes) -> Details:
    content = json.decode(raw, type=Content)
    return Details(content.name, content.rev)
