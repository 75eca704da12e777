"""Takes back what a log's runs wrote; in cards touched since, only our own changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby

from danhba.answers import keys_of_undo
from danhba.apply import Pending, batches, outcome_line, record, values_written
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
from danhba.changes import Net, keys_after, net, phones_after
from danhba.deliver import Delivery
from danhba.difflog import CardLine, EndLine, IntentLine, LogWriter, OutcomeLine, sha256
from danhba.job import GONE, Job, Result
from danhba.state import Written
from danhba.story import Entry, Story
from danhba.syncer import NamesByContent, Syncer


def undo(job: Job, log: LogWriter, story: Story) -> Result:
    """Restore the cards that the log's runs wrote; in cards touched since, only our own changes."""
    job.state.log_began(job.source, log.path)
    job.begin(log, "undo", story.first.run)
    undoing = _Undoing(job, log, story)
    delivery = Delivery(job.syncer)
    try:
        for outcome, _ in delivery.send(undoing.edits()):
            undoing.came_out(outcome)
    finally:  # also when somebody stops it, or the server falls silent
        undoing.remember()
    result = undoing.result
    result.stopped = delivery.stopped
    log.add(EndLine({"cards_restored": result.written, "cards_not_restored": len(result.problems)}))
    log.sync()
    job.state.log_finished(log.path)
    return result


_FEW = 100
"""Outcomes whose lines surely fit into the log's buffer."""


class _Undoing:
    """What an undo sends, and what becomes of it."""

    def __init__(self, job: Job, log: LogWriter, story: Story) -> None:
        self.job, self.log, self.story, self.result = job, log, story, Result()
        first = datetime.fromisoformat(story.first.time)
        self._pending = Pending(job, log, story, self.result, first)
        # by ref now, which several cards may have had: that at planning, and that at last
        self._refs: dict[str, list[tuple[str, str]]] = {}
        self._restored: list[tuple[Entry, Written]] = []
        self._gone: dict[str, str] = {}  # by ref at planning: numbers of ours that are not there

    def edits(self) -> Iterator[Edit]:
        """Yield the edits; the intents of a batch are on the disk before its first edit."""
        todo = (entry for entry in self.story.entries.values() if entry.steps)
        for batch in batches(todo):
            found = _readable(self.log, self.result, _fetched(self.job.syncer, batch))
            ready = [edit for entry, card in found if (edit := self._edit(entry, card))]
            self.remember()
            self.log.sync()
            yield from ready

    def _edit(self, entry: Entry, card: Card | Missing) -> Edit | None:
        if entry.open and not (isinstance(card, Card) and self._pending.was_sent(entry, card)):
            return None  # a crash came before the write
        ref = entry.line.ref
        if isinstance(card, Card) and card.sha256 == entry.sha256_before():
            record(self.log, self.result, OutcomeLine(ref, "written", card.version))
            self._restored.append((entry, _row(entry, entry.ref, card.ref, card.version)))
            return None  # a crash cut an undo off behind the write
        raw = _restored(self.job, entry, card)
        if isinstance(raw, str):
            record(self.log, self.result, OutcomeLine(ref, "kept", "", raw))
            return None
        assert isinstance(card, Card)
        digest = sha256(raw)
        self.log.add(IntentLine(ref, digest))
        moved = ref, _ref_after(self.job.syncer, card, raw)
        self._refs.setdefault(card.ref, []).append(moved)
        if digest != entry.sha256_before() and (gone := _gone(entry, card)):
            self._gone[ref] = gone
        return Edit(card, raw)

    def came_out(self, outcome: Outcome) -> None:
        """Log an outcome, and keep what the state and the person shall know of it."""
        if len(self._restored) >= _FEW:
            self.remember()
        ref, ref_after = self._refs[outcome.ref].pop(0)
        record(self.log, self.result, outcome_line(ref, outcome))
        if outcome.status != "written":
            return
        entry = self.story.entries[ref]
        self._restored.append((entry, _row(entry, outcome.ref, ref_after, outcome.version)))
        if gone := self._gone.get(ref):
            self.result.notes[ref] = f"not there any more, so not taken back: {gone}"

    def remember(self) -> None:
        """Keep in the state what was taken back, before the log on the disk tells of it.

        What the log tells of is not undone again, so that the state would never hear of it.
        """
        if self._restored:
            self.job.state.remember_undone(self.job.source, [row for _, row in self._restored])
            answers = (answer for entry, _ in self._restored for answer in _keep_answers(entry))
            self.job.state.remember_answers(self.job.source, answers)
            self._restored.clear()


def _readable(
    log: LogWriter, result: Result, found: Iterable[tuple[Entry, Card | Missing]]
) -> Iterator[tuple[Entry, Card | Missing]]:
    """Pass on the cards that can be read, and list the others."""
    for entry, card in found:
        if isinstance(card, Card) and card.trouble:
            record(log, result, OutcomeLine(entry.line.ref, "kept", "", card.trouble))
        else:
            yield entry, card


def _fetched(syncer: Syncer, batch: dict[str, Entry]) -> Iterator[tuple[Entry, Card | Missing]]:
    """Fetch cards under the refs they have now, else under those they had before our writes."""
    before: dict[str, Entry] = {}
    for card in syncer.fetch(list(batch)):
        entry = batch[card.ref]
        if isinstance(card, Missing) and entry.line.ref != card.ref:
            before[entry.line.ref] = entry
        else:
            yield entry, card
    if before:
        for card in syncer.fetch(list(before)):
            yield before[card.ref], card


def _row(entry: Entry, ref: str, ref_after: str, version: str) -> Written:
    """Return the ledger's row of a restored card, with the values that are not ours any more."""
    values = (value for step in entry.steps for value in values_written(entry.sent(step).changes))
    return Written(ref, ref_after, version, entry.line.date, tuple(values))


def _ref_after(syncer: Syncer, card: Card, raw: bytes) -> str:
    return syncer.ref_after(card, raw) if isinstance(syncer, NamesByContent) else card.ref


def _gone(entry: Entry, card: Card) -> str:
    """Name the numbers we wrote last that somebody has removed or changed since."""
    *_, (changes, _) = _proposals(entry)
    written = (field.number for field in net(changes).values() if field.now)
    values = {phone.value for phone in card.phones}
    return ", ".join(dict.fromkeys(number for number in written if number not in values))


def _keep_answers(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield what the ledger keeps of a restored card: what it was is to stay."""
    for changes, _ in _proposals(entry):
        for key in keys_of_undo(net(changes)):
            yield entry.line.ref, key, "keep"


def _proposals(entry: Entry) -> Iterator[tuple[list[Change], tuple[str, ...]]]:
    """Yield what we made of each proposal for the card, oldest first, with the keys it knew."""
    for offset, steps in groupby(entry.steps, key=lambda step: step.offset):
        line = entry.places.at(offset)
        keys = line.keys if isinstance(line, CardLine) else ()
        yield [change for step in steps for change in entry.sent(step).changes], keys


def _restored(job: Job, entry: Entry, card: Card | Missing) -> bytes | str:
    """Return the raw that undoes our writes to a card, or why there is none."""
    if isinstance(card, Missing):
        return GONE
    if card.sha256 == entry.sha256_after() or card.version == entry.steps[-1].version:
        raw = entry.back(card.raw)
        if sha256(raw) == entry.sha256_before():
            return raw
    return _reverted(job, entry, card)


def _reverted(job: Job, entry: Entry, card: Card) -> bytes | str:
    """Take back only what is still as we wrote it."""
    back: list[Change] = []
    for changes, keys in reversed(list(_proposals(entry))):
        phones = phones_after(card.phones, back)
        names = keys_after(keys, changes)
        same = keys and len(names) == len(phones)
        now = dict(zip(names, (phone.key for phone in phones), strict=False)) if same else {}
        back += _taken_back(net(changes), phones, now)
    back = [change for change in back if type(change) in job.syncer.supports]
    if not back:
        return "the card was changed by someone else since, and holds none of our numbers any more"
    try:
        return job.syncer.patch(card, back, job.now)
    except ValueError as error:
        return str(error)


def _taken_back(
    fields: Mapping[str, Net], phones: Iterable[Phone], now: Mapping[str, str]
) -> Iterator[Change]:
    """Yield what takes changes back, as far as the phones are as these left them.

    Args:
        fields: What we made of one proposal, by field.
        phones: The phones as they are.
        now: The key that a field of the proposal has by now, where that may be another.
    """
    others, stay = list(phones), list(phones)
    for key, field in fields.items():
        mine = _find(others, now.get(key, key), field)
        if mine:
            others.remove(mine)
            if field.was is None:
                stay.remove(mine)
            yield from _put_back(mine, field)
    gone = [field.was for field in fields.values() if field.was and not field.now]
    for side in gone if stay else ():
        yield AddPhone(stay[-1].key, side.value or "", side.labels or (), "undo")


def _find(phones: list[Phone], key: str, field: Net) -> Phone | None:
    """Find the field that is as we left it, the one of the key if it can be."""
    now = field.now
    if now is None:
        return None
    free = field.was is not None and now.value is not None  # the labels may be another's by now
    fitting = [
        phone
        for phone in phones
        if phone.value == field.number
        and (free or now.labels is None or set(phone.labels) == set(now.labels))
    ]
    return next((phone for phone in fitting if phone.key == key), fitting[0] if fitting else None)


def _put_back(mine: Phone, field: Net) -> Iterator[Change]:
    """Yield what makes a field of ours what it was."""
    was, now = field.was, field.now
    if was is None:
        yield DropPhone(mine.key, mine.value, "undo", (), mine.labels)
        return
    if was.value is not None:
        yield SetNumber(mine.key, mine.value, was.value, step="undo")
    if was.labels is not None and now and set(mine.labels) == set(now.labels or ()):
        yield SetLabel(mine.key, mine.labels, was.labels, "undo")
