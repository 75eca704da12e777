"""The memory syncer keeps the promises; so does the contract that says so."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
import pytest

from danhba.card import AddPhone, Card, DropPhone, Edit, Outcome, SetNumber
from danhba.syncer import Fidelity
from danhba.testing import NOW, Sample, SyncerContract
from danhba_syncers.memory import MemorySyncer


def filled(syncer: MemorySyncer, samples: Iterable[Sample]) -> MemorySyncer:
    for sample in samples:
        phones = [{"value": number, "labels": ["cell"]} for number in sample.numbers]
        raw = msgspec.json.encode({"name": sample.name, "phones": phones})
        syncer.put(str(len(syncer.cards)), raw)
    return syncer


def rev_card(number: str, rev: str) -> bytes:
    phones = [{"value": number, "labels": [], "kept": "as it is"}]
    return msgspec.json.encode({"name": "An", "phones": phones, "rev": rev, "note": "too"})


class TestMemory(SyncerContract):
    def make(self, samples: Sequence[Sample]) -> MemorySyncer:
        return filled(MemorySyncer("test"), samples)

    def add(self, syncer: MemorySyncer, sample: Sample) -> None:
        filled(syncer, [sample])

    def remove(self, syncer: MemorySyncer, ref: str) -> None:
        del syncer.cards[ref], syncer.stamps[ref]

    def test_rev_is_set_where_there_is_one(self) -> None:
        syncer = MemorySyncer()
        syncer.put("1", rev_card("1", "2018-01-31T00:00:00Z"))
        (card,) = syncer.read()
        assert card.details.date == datetime.fromisoformat("2018-01-31T00:00:00Z")
        raw = syncer.patch(card, [SetNumber("0", "1", "2")], NOW)
        assert raw == rev_card("2", "2026-03-14T15:09:26Z")

    def test_a_phone_can_be_replaced_by_two(self) -> None:
        syncer = filled(MemorySyncer(), [Sample("An", ("1", "2"))])
        (card,) = syncer.read()
        changes = [
            AddPhone("0", "3", ("home",), "test"),
            AddPhone("0", "4", (), "test"),
            DropPhone("0", "1", "test"),
        ]
        phones = msgspec.json.decode(syncer.patch(card, changes, NOW))["phones"]
        assert phones == [
            {"value": "3", "labels": ["home"]},
            {"value": "4", "labels": []},
            {"value": "2", "labels": ["cell"]},
        ]

    def test_a_card_that_cannot_be_understood_is_named(self) -> None:
        syncer = filled(MemorySyncer(), [Sample("An")])
        syncer.put("odd", b'{"name": "An"}')
        syncer.put("cut", b'{"name": "B')
        assert [bool(card.trouble) for card in syncer.read()] == [False, True, True]

    def test_cards_are_equal_however_they_are_spaced(self) -> None:
        spaced, tight = b'{"name": "An"}', b'{"name":"An"}'
        assert MemorySyncer().compare(spaced, tight) is Fidelity.EQUAL


class Overwriting(MemorySyncer):
    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        for edit in edits:
            self.put(edit.card.ref, edit.raw)
            yield Outcome(edit.card.ref, "written", str(self.stamps[edit.card.ref]))


class Hasty(MemorySyncer):
    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        return super().write(list(edits))


class Silent(MemorySyncer):
    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        return (outcome for outcome in super().write(edits) if outcome.status == "written")


class Guessing(MemorySyncer):
    def patch(self, card: Card, changes: Sequence[object], now: datetime) -> bytes:
        try:
            return super().patch(card, changes, now)
        except ValueError:
            return card.raw


class Blind(MemorySyncer):
    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        return Fidelity.EXACT


class Telling(MemorySyncer):
    def __repr__(self) -> str:
        return "Telling(https://me:secret@host/)"


@pytest.mark.parametrize(
    ("syncer", "promise"),
    [
        (Overwriting, "test_stale_write_is_refused"),
        (Overwriting, "test_second_write_of_an_edit_is_refused"),
        (Overwriting, "test_stale_write_among_others_is_refused"),
        (Hasty, "test_write_pulls_edits_in_the_calling_thread"),
        (Silent, "test_stale_write_is_refused"),
        (Guessing, "test_patch_refuses_an_unknown_phone"),
        (Guessing, "test_patch_refuses_another_value"),
        (Blind, "test_compare_tells_the_same_from_the_lost"),
        (Telling, "test_shows_no_secret"),
    ],
)
def test_contract_finds_a_broken_promise(syncer: type[MemorySyncer], promise: str) -> None:
    class Broken(SyncerContract):
        def make(self, samples: Sequence[Sample]) -> MemorySyncer:
            return filled(syncer(), samples)

    with pytest.raises(AssertionError):
        getattr(Broken(), promise)()
