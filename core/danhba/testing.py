"""What must every syncer do? The promises of `danhba.syncer` as tests, for plugin authors.

Inherit `SyncerContract`, say how a source is made, and let pytest find the class:

    pytest.register_assert_rewrite("danhba.testing")  # in conftest.py: failures show their values

    class TestMySyncer(SyncerContract):
        def make(self, samples):
            ...  # a syncer of a new, empty source, with one card put in for each sample

The hooks come first, the promises below them. A promise that needs a hook you left out is skipped.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn, get_args

from msgspec import Struct
from msgspec.structs import replace

from danhba.card import (
    AddPhone,
    Card,
    Change,
    DropPhone,
    Edit,
    Missing,
    Outcome,
    Phone,
    SetLabel,
    SetNumber,
)
from danhba.syncer import Copies, Fidelity, NamesByContent, Syncer

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
"""The time at which the contract makes its changes."""

_PASSWORD_IN_URL = re.compile(r"//[^/@\s]*:[^/@\s]*@")


class Sample(Struct, frozen=True):
    """A card that a source shall hold.

    Attributes:
        name: What a person calls the card.
        numbers: Its numbers as they are written, in this order.
    """

    name: str
    numbers: tuple[str, ...] = ()


SAMPLES = (
    Sample("Nguyễn Văn An", ("0168 123 4567", "(08) 3812-3456")),
    Sample('Trần "Bé", kế toán; kho', ("+84 168 123 4568",)),
    Sample("Không Số"),
    Sample("Đôi", ("0912 345 678",)),
    Sample("Đôi", ("0912 345 678",)),
    Sample("Phạm Thị Cúc", ("0123.456.7890", "0123.456.7890")),
)
"""What the source holds in most tests: twins, a card without number, one number twice on a card."""


class SyncerContract:
    """The promises every syncer keeps.

    Attributes:
        number: A number that no sample has; written over another one.
        label: A machine label that the source knows.
        unknown_ref: A ref that no card has.
        secrets: What must not show in the syncer's `source` and `repr`, such as a password.
    """

    number = "0912 000 111"
    label = "home"
    unknown_ref = "no-such-card"
    secrets: tuple[str, ...] = ()

    # -- hooks -----------------------------------------------------------------------------------

    def make(self, samples: Sequence[Sample]) -> Syncer:
        """Return the syncer of a new source that holds a card for each sample, and no other."""
        raise NotImplementedError

    def add(self, syncer: Syncer, sample: Sample) -> None:
        """Put one more card into the source, behind the syncer's back."""
        raise NotImplementedError

    def remove(self, syncer: Syncer, ref: str) -> None:
        """Take a card out of the source, behind the syncer's back."""
        raise NotImplementedError

    def reopen(self, copy: Path) -> Syncer:
        """Return the syncer of a copy that `copy_to` has written; its path has no suffix."""
        raise NotImplementedError

    def touch(self, syncer: Syncer, ref: str) -> None:
        """Change a card that has a phone behind the syncer's back; by default with a write."""
        self._write(syncer, self._edit(syncer, _present(syncer, ref), "0912 000 222"))

    # -- what a syncer is ------------------------------------------------------------------------

    def test_is_a_syncer(self) -> None:
        """It has all methods and attributes, and can at least set numbers."""
        syncer = self.make(SAMPLES)
        assert isinstance(syncer, Syncer)
        assert isinstance(syncer.supports, frozenset)
        assert SetNumber in syncer.supports
        assert syncer.supports <= set(get_args(Change))

    def test_shows_no_secret(self) -> None:
        """The source's name and the syncer's repr can be logged."""
        syncer = self.make(SAMPLES)
        assert syncer.source
        for text in (syncer.source, repr(syncer), str(syncer)):
            assert not _PASSWORD_IN_URL.search(text)
            assert not [secret for secret in self.secrets if secret in text]

    # -- read ------------------------------------------------------------------------------------

    def test_read_yields_every_card_once(self) -> None:
        """Each sample comes back with its name, and its numbers as written and in order."""
        found = Counter((card.details.name, _numbers(card)) for card in self.make(SAMPLES).read())
        assert found == Counter((sample.name, sample.numbers) for sample in SAMPLES)

    def test_an_empty_source_has_no_cards(self) -> None:
        """A source without cards is no error; it may tell its trouble."""
        assert [card for card in self.make([]).read() if not card.trouble] == []

    def test_reads_run_side_by_side(self) -> None:
        """A read can be given up, repeated and interleaved; the cards come in the same order."""
        syncer = self.make(SAMPLES)
        given_up = syncer.read()
        first = next(given_up)
        pairs = list(zip(syncer.read(), syncer.read(), strict=True))
        assert [_state(one) for one, _ in pairs] == [_state(other) for _, other in pairs]
        assert _state(pairs[0][0]) == _state(first)

    def test_refs_are_unique_and_stay_when_a_card_is_added(self) -> None:
        """A ref names one card, whatever else comes into the source."""
        self._needs("add")
        syncer = self.make(SAMPLES)
        before = _states(syncer)
        self.add(syncer, Sample("Người Mới", ("0912 999 888",)))
        after = _states(syncer)
        assert len(after) == len(before) + 1
        assert {ref: after.get(ref) for ref in before} == before

    def test_phone_keys_are_unique_in_a_card(self) -> None:
        """A key names one phone field, even where two hold the same number; added ones have `+`."""
        for card in self.make(SAMPLES).read():
            assert len({phone.key for phone in card.phones}) == len(card.phones)
            assert not [phone.key for phone in card.phones if "+" in phone.key]

    # -- fetch -----------------------------------------------------------------------------------

    def test_fetch_answers_as_read_does(self) -> None:
        """A fetched card has the version, phones and bytes that it was read with."""
        syncer = self.make(SAMPLES)
        states = _states(syncer)
        answers = list(syncer.fetch(iter(states)))
        assert len(answers) == len(states)
        assert {a.ref: _state(a) for a in answers if isinstance(a, Card)} == states

    def test_fetch_names_what_is_missing(self) -> None:
        """A ref that no card has is answered, and does not stop the others."""
        syncer = self.make(SAMPLES)
        first, *_, last = _states(syncer)
        refs = [first, self.unknown_ref, last]
        answers = list(syncer.fetch(iter(refs)))
        assert sorted(answer.ref for answer in answers) == sorted(refs)
        assert [a for a in answers if isinstance(a, Missing)] == [Missing(self.unknown_ref)]

    def test_fetch_of_nothing_is_nothing(self) -> None:
        """No refs, no answers."""
        assert list(self.make(SAMPLES).fetch(iter(()))) == []

    def test_fetch_shows_the_present_state(self) -> None:
        """A card that somebody changed has another version, or another ref."""
        syncer, card = self._one()
        self.touch(syncer, card.ref)
        (answer,) = syncer.fetch([card.ref])
        assert isinstance(answer, Missing) or answer.version != card.version

    # -- patch -----------------------------------------------------------------------------------

    def test_patch_is_pure(self) -> None:
        """The same arguments give the same bytes, and the source does not change."""
        syncer = self.make(SAMPLES)
        before = _states(syncer)
        for card in _with_phones(syncer):
            assert self._edit(syncer, card, self.number) == self._edit(syncer, card, self.number)
        assert _states(syncer) == before

    def test_patch_without_changes_moves_nothing(self) -> None:
        """No change, no other byte."""
        syncer = self.make(SAMPLES)
        for card in syncer.read():
            assert syncer.patch(card, [], NOW) == card.raw

    def test_patch_sets_the_named_number_only(self) -> None:
        """The other number, the labels and the details stay, save the date of the change."""
        for at in (0, 1):
            syncer, card = self._one()
            phones = list(card.phones)
            change = SetNumber(phones[at].key, phones[at].value, self.number)
            phones[at] = replace(phones[at], value=self.number)
            found = self._write(syncer, Edit(card, syncer.patch(card, [change], NOW)))
            assert found.phones == tuple(phones)
            assert replace(found.details, date=None) == replace(card.details, date=None)

    def test_patch_there_and_back_and_there_is_patch_there(self) -> None:
        """Nothing wears off: three changes later the bytes are those after the first."""
        syncer, card = self._one()
        there = self._edit(syncer, card, self.number)
        back = self._edit(syncer, self._write(syncer, there), card.phones[0].value)
        again = self._edit(syncer, self._write(syncer, back), self.number)
        assert syncer.compare(there.raw, again.raw) is not Fidelity.LOST
        assert syncer.writes_remotely or there.raw == again.raw

    def test_patch_makes_changes_in_any_order(self) -> None:
        """Each of several changes finds its own field."""
        syncer, card = self._one()
        numbers = ("0912 000 333", "0912 000 444")
        named = zip(card.phones, numbers, strict=True)
        changes = [SetNumber(phone.key, phone.value, number) for phone, number in named]
        raw = syncer.patch(card, changes, NOW)
        assert syncer.patch(card, changes[::-1], NOW) == raw
        assert _numbers(self._write(syncer, Edit(card, raw))) == numbers

    def test_patch_makes_changes_build_on_each_other(self) -> None:
        """The second change to a field finds what the first left; only the outcome counts."""
        syncer, card = self._one()
        first, other = card.phones[0], "0912 000 333"
        chain = [
            SetNumber(first.key, first.value, other),
            SetNumber(first.key, other, self.number, step="contract"),
        ]
        once = SetNumber(first.key, first.value, self.number)
        assert syncer.patch(card, chain, NOW) == syncer.patch(card, [once], NOW)
        _refused(syncer, card, chain[1])

    def test_added_phones_can_be_changed_and_dropped(self) -> None:
        """An added phone is named by the one it stands behind, `+` and its place there."""
        syncer, card = self._one()
        if not {AddPhone, DropPhone} <= syncer.supports:
            _skip("the syncer does not add and drop phones")
        key = card.phones[0].key
        changes: list[Change] = [
            AddPhone(key, "0912 000 333", (self.label,), "contract"),
            AddPhone(key, "0912 000 444", (), "contract"),
            SetNumber(f"{key}+1", "0912 000 333", self.number, step="contract"),
            DropPhone(f"{key}+2", "0912 000 444", "contract"),
            DropPhone(card.phones[1].key, card.phones[1].value, "contract"),
        ]
        found = self._write(syncer, Edit(card, syncer.patch(card, changes, NOW)))
        assert _numbers(found) == (card.phones[0].value, self.number)
        _refused(syncer, card, changes[-2])

    def test_patch_refuses_an_unknown_phone(self) -> None:
        """A change that names no phone of the card is an error, never a guess."""
        syncer, card = self._one()
        _refused(syncer, card, SetNumber("no-such-phone", card.phones[0].value, self.number))

    def test_patch_refuses_another_value(self) -> None:
        """A change that was made for another value is an error."""
        syncer, card = self._one()
        _refused(syncer, card, SetNumber(card.phones[0].key, "1", self.number))

    def test_labels_are_set_or_refused(self) -> None:
        """SetLabel gives the phone these machine labels; its number stays."""
        syncer, card = self._one()
        (number, _), *others = _labelled(card)
        phone = card.phones[0]
        change = SetLabel(phone.key, phone.labels, (self.label,), "contract")
        self._done_or_refused(syncer, card, change, [(number, {self.label}), *others])

    def test_phones_are_added_or_refused(self) -> None:
        """AddPhone puts a phone right behind the named one."""
        syncer, card = self._one()
        first, *others = _labelled(card)
        change = AddPhone(card.phones[0].key, self.number, (self.label,), "contract")
        added = (self.number, {self.label})
        self._done_or_refused(syncer, card, change, [first, added, *others])

    def test_phones_are_dropped_or_refused(self) -> None:
        """DropPhone removes the named phone, no other."""
        syncer, card = self._one()
        change = DropPhone(card.phones[0].key, card.phones[0].value, "contract")
        self._done_or_refused(syncer, card, change, _labelled(card)[1:])

    # -- compare ---------------------------------------------------------------------------------

    def test_compare_tells_the_same_from_the_lost(self) -> None:
        """A card is exactly itself; one without the number that was sent is a loss."""
        syncer = self.make(SAMPLES)
        for card in _with_phones(syncer):
            sent = self._edit(syncer, card, self.number).raw
            assert syncer.compare(sent, sent) is Fidelity.EXACT
            assert syncer.compare(sent, card.raw) is Fidelity.LOST

    # -- write -----------------------------------------------------------------------------------

    def test_write_answers_each_edit_once(self) -> None:
        """Every edit has one outcome, with the version that fetch then shows."""
        syncer = self.make(SAMPLES)
        edits = [self._edit(syncer, card, self.number) for card in _with_phones(syncer)]
        outcomes = _outcomes(syncer, edits)
        for edit in edits:
            found = _present(syncer, _ref_after(syncer, edit))
            assert outcomes[edit.card.ref] == Outcome(edit.card.ref, "written", found.version)
            assert syncer.compare(edit.raw, found.raw) is not Fidelity.LOST

    def test_write_leaves_the_other_cards_alone(self) -> None:
        """Cards without an edit keep their bytes, version and ref."""
        syncer, card = self._one()
        before = _states(syncer)
        edit = self._edit(syncer, card, self.number)
        self._write(syncer, edit)
        after = _states(syncer)
        assert before.pop(card.ref) != after.pop(_ref_after(syncer, edit))
        assert after == before

    def test_stale_write_is_refused(self) -> None:
        """A card that moved is a conflict and stays as it is; read again, it can be written."""
        syncer, card = self._one()
        stale = self._edit(syncer, card, self.number)
        self.touch(syncer, card.ref)
        before = _states(syncer)
        assert _outcomes(syncer, [stale])[card.ref].status == "conflict"
        assert _states(syncer) == before
        self._write(syncer, self._edit(syncer, _first_with_two(syncer), self.number))

    def test_stale_write_among_others_is_refused(self) -> None:
        """What is reported as written is, what is reported as a conflict is not."""
        syncer = self.make(SAMPLES)
        edits = [self._edit(syncer, card, self.number) for card in _with_phones(syncer)]
        stale = edits[len(edits) // 2].card.ref
        self.touch(syncer, stale)
        before = _states(syncer)
        statuses = {ref: outcome.status for ref, outcome in _outcomes(syncer, edits).items()}
        assert statuses[stale] == "conflict"
        moved = _states(syncer).items() - before.items()
        assert len(moved) == list(statuses.values()).count("written")

    def test_second_write_of_an_edit_is_refused(self) -> None:
        """An edit is good for one write."""
        syncer, card = self._one()
        edit = self._edit(syncer, card, self.number)
        self._write(syncer, edit)
        before = _states(syncer)
        assert _outcomes(syncer, [edit])[card.ref].status == "conflict"
        assert _states(syncer) == before

    def test_write_makes_no_card(self) -> None:
        """A card that is gone is a conflict, and stays gone."""
        self._needs("remove")
        syncer, card = self._one()
        edit = self._edit(syncer, card, self.number)
        self.remove(syncer, card.ref)
        before = _states(syncer)
        assert card.ref not in before
        assert _outcomes(syncer, [edit])[card.ref].status == "conflict"
        assert _states(syncer) == before

    def test_write_of_nothing_changes_nothing(self) -> None:
        """No edits, no outcomes, no new version of anything."""
        syncer = self.make(SAMPLES)
        before = _states(syncer)
        assert _outcomes(syncer, []) == {}
        assert _states(syncer) == before

    def test_write_pulls_edits_in_the_calling_thread(self) -> None:
        """Edits come from code that need not be thread-safe, and not before they are wanted."""
        syncer = self.make(SAMPLES)
        edits = [self._edit(syncer, card, self.number) for card in _with_phones(syncer)]
        threads: list[int] = []

        def noted() -> Iterator[Edit]:
            for edit in edits:
                threads.append(threading.get_ident())
                yield edit

        outcomes = syncer.write(noted())
        assert threads == []
        assert len(list(outcomes)) == len(edits)
        assert threads == [threading.get_ident()] * len(edits)

    def test_error_among_the_edits_comes_through(self) -> None:
        """What goes wrong in the caller's generator is not swallowed; no card is lost by it."""
        syncer, card = self._one()
        edit = self._edit(syncer, card, self.number)

        def broken() -> Iterator[Edit]:
            yield edit
            raise _CallerError

        try:
            _outcomes(syncer, broken())
        except _CallerError:
            assert len(_states(syncer)) == len(SAMPLES)
        else:
            raise AssertionError("write swallowed the error")

    # -- copy_to ---------------------------------------------------------------------------------

    def test_copy_holds_the_edits_and_the_source_does_not(self) -> None:
        """A changed copy has every card of the source, which keeps its bytes."""
        syncer, card = self._one()
        if not isinstance(syncer, Copies):
            _skip("the syncer makes no copies")
        self._needs("reopen")
        before = _states(syncer)
        edit = self._edit(syncer, card, self.number)
        with TemporaryDirectory() as folder:
            (outcome,) = syncer.copy_to(Path(folder, "copy"), iter([edit]))
            copied = Counter(card.raw for card in self.reopen(Path(folder, "copy")).read())
        assert outcome.status == "written"
        assert copied == Counter(c.raw if c.ref != card.ref else edit.raw for c in syncer.read())
        assert _states(syncer) == before

    # -- helpers ---------------------------------------------------------------------------------

    def _needs(self, hook: str) -> None:
        if getattr(type(self), hook) is getattr(SyncerContract, hook):
            _skip(f"needs the hook {hook}")

    def _one(self) -> tuple[Syncer, Card]:
        """Return a fresh source and its card with two different numbers."""
        syncer = self.make(SAMPLES)
        return syncer, _first_with_two(syncer)

    def _edit(self, syncer: Syncer, card: Card, number: str) -> Edit:
        """Write another number over the first of a card."""
        change = SetNumber(card.phones[0].key, card.phones[0].value, number)
        return Edit(card, syncer.patch(card, [change], NOW))

    def _write(self, syncer: Syncer, edit: Edit) -> Card:
        """Write one edit and return the card as it then is."""
        outcome = _outcomes(syncer, [edit])[edit.card.ref]
        assert outcome.status == "written", outcome.detail
        return _present(syncer, _ref_after(syncer, edit))

    def _done_or_refused(
        self, syncer: Syncer, card: Card, change: Change, expected: list[tuple[str, set[str]]]
    ) -> None:
        """Make sure that a change has its effect if it is claimed, and is an error if not."""
        if type(change) in syncer.supports:
            raw = syncer.patch(card, [change], NOW)
            assert _labelled(self._write(syncer, Edit(card, raw))) == expected
        else:
            _refused(syncer, card, change)


class _CallerError(Exception):
    """Goes wrong in the caller's own code."""


def _skip(reason: str) -> NoReturn:
    import pytest

    pytest.skip(reason)


def _numbers(card: Card) -> tuple[str, ...]:
    return tuple(phone.value for phone in card.phones)


def _labelled(card: Card) -> list[tuple[str, set[str]]]:
    return [(phone.value, set(phone.labels)) for phone in card.phones]


def _with_phones(syncer: Syncer) -> list[Card]:
    return [card for card in syncer.read() if card.phones]


def _first_with_two(syncer: Syncer) -> Card:
    return next(card for card in syncer.read() if len(set(_numbers(card))) > 1)


def _ref_after(syncer: Syncer, edit: Edit) -> str:
    """Return the ref that the card has once the edit is written."""
    if isinstance(syncer, NamesByContent):
        return syncer.ref_after(edit.card, edit.raw)
    return edit.card.ref


def _state(card: Card) -> tuple[str, str, bytes, tuple[Phone, ...]]:
    return card.ref, card.version, card.raw, card.phones


def _states(syncer: Syncer) -> dict[str, tuple[str, str, bytes, tuple[Phone, ...]]]:
    """Read everything; no two cards may have one ref."""
    cards = list(syncer.read())
    states = {card.ref: _state(card) for card in cards}
    assert len(states) == len(cards), "two cards have the same ref"
    return states


def _present(syncer: Syncer, ref: str) -> Card:
    (answer,) = syncer.fetch([ref])
    assert isinstance(answer, Card), f"{ref} is missing"
    return answer


def _outcomes(syncer: Syncer, edits: Iterable[Edit]) -> dict[str, Outcome]:
    """Write, and make sure that each edit has one outcome."""
    given: list[str] = []

    def noted() -> Iterator[Edit]:
        for edit in edits:
            given.append(edit.card.ref)
            yield edit

    outcomes = list(syncer.write(noted()))
    assert sorted(outcome.ref for outcome in outcomes) == sorted(given)
    return {outcome.ref: outcome for outcome in outcomes}


def _refused(syncer: Syncer, card: Card, change: Change) -> None:
    try:
        syncer.patch(card, [change], NOW)
    except ValueError:
        return
    raise AssertionError(f"patch took what it must refuse: {change}")
