"""Takes back what a log's runs wrote; in cards touched since, only our own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from danhba.apply import BATCH, Pending, outcome_line, record
from danhba.card import Card, Change, Edit, Missing, SetNumber
from danhba.convert import UNDONE
from danhba.deliver import Delivery
from danhba.difflog import EndLine, IntentLine, LogWriter, OutcomeLine, sha256
from danhba.job import Job, Result
from danhba.story import Entry, Story
from danhba.syncer import Syncer


def undo(job: Job, log: LogWriter, story: Story) -> Result:
    """Restore the cards that the log's runs wrote; in cards touched since, only our own numbers."""
    job.state.log_began(job.source, log.path)
    job.begin(log, "undo", story.first.run)
    result = Result()
    refs: dict[str, str] = {}
    restored: list[tuple[str, str, str]] = []
    pending = Pending(job, log, story, result, datetime.fromisoformat(story.first.time))

    def edits() -> Iterator[Edit]:
        todo = (entry for entry in story.entries.values() if entry.steps)
        while batch := {entry.ref: entry for entry in islice(todo, BATCH)}:
            ready = []
            for entry, card in _fetched(job.syncer, batch):
                if entry.open and (isinstance(card, Missing) or not pending.was_sent(entry, card)):
                    continue  # a crash came before the write
                ref = entry.line.ref
                if isinstance(card, Card) and card.sha256 == entry.sha256_before():
                    record(log, result, OutcomeLine(ref, "written", card.version))
                    restored.extend(
                        _keep_answers(entry)
                    )  # a crash cut an undo off behind the write
                    continue
                raw = _restored(job, entry, card)
                if isinstance(raw, str):
                    record(log, result, OutcomeLine(ref, "kept", "", raw))
                elif isinstance(card, Card):
                    log.add(IntentLine(ref, sha256(raw)))
                    refs[card.ref] = ref
                    ready.append(Edit(card, raw))
            log.sync()
            yield from ready

    delivery = Delivery(job.syncer)
    for outcome, _ in delivery.send(edits()):
        ref = refs.pop(outcome.ref)
        record(log, result, outcome_line(ref, outcome))
        if outcome.status == "written":
            restored.extend(_keep_answers(story.entries[ref]))
    job.state.remember_answers(job.source, restored)
    result.stopped = delivery.stopped
    log.add(EndLine({"cards_restored": result.written, "cards_not_restored": len(result.problems)}))
    log.sync()
    job.state.log_finished(log.path)
    return result


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


def _keep_answers(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield what the ledger keeps of a restored card: its old values are to stay."""
    for step in entry.steps:
        for change in entry.sent(step).changes:
            if isinstance(change, SetNumber):
                yield entry.line.ref, UNDONE + change.before, "keep"


def _restored(job: Job, entry: Entry, card: Card | Missing) -> bytes | str:
    """Return the raw that undoes our writes to a card, or why there is none."""
    if isinstance(card, Missing):
        return "the card is gone"
    if card.sha256 == entry.sha256_after() or card.version == entry.steps[-1].version:
        raw = entry.back(card.raw)
        if sha256(raw) == entry.sha256_before():
            return raw
    return _reverted(job, entry, card)


def _reverted(job: Job, entry: Entry, card: Card) -> bytes | str:
    """Put back only the numbers that are still as we wrote them."""
    back: list[Change] = []
    for step in reversed(entry.steps):
        for change in entry.sent(step).changes:
            if isinstance(change, SetNumber):
                same = [p for p in card.phones if p.value == change.after]
                mine = next((p for p in same if p.key == change.phone), same[0] if same else None)
                if mine and all(b.phone != mine.key for b in back):
                    back.append(SetNumber(mine.key, mine.value, change.before, change.rule, "undo"))
    if not back:
        return "the card was changed by someone else since, and holds none of our numbers any more"
    return job.syncer.patch(card, back, job.now)
