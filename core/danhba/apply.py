"""Carries out what a log says and nothing else, after settling what a crash left open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import NamedTuple

from danhba.card import (
    AddPhone,
    Card,
    Change,
    Edit,
    Missing,
    Outcome,
    Question,
    Reading,
    SetNumber,
)
from danhba.changes import net
from danhba.difflog import (
    CardLine,
    EndLine,
    IntentLine,
    LogWriter,
    OutcomeLine,
    OutcomeStatus,
    Section,
    unpack_raw,
)
from danhba.job import Job, Result
from danhba.plan import way_back
from danhba.state import Written
from danhba.story import Entry, Story, read_story
from danhba.syncer import Fidelity

BATCH = 500
"""Cards fetched, logged and made durable together before they are written."""


def apply(job: Job, log: LogWriter, story: Story, *, section: Section = "apply") -> Result:
    """Carry out what the log proposes and what was answered, after settling a crash."""
    job.state.log_began(job.source, log.path)
    job.begin(log, section, story.first.run)
    result = Result()
    now = datetime.fromisoformat(story.first.time)
    pending = Pending(job, log, story, result, now)
    _write(job, log, pending.edits(), pending.sent, result)
    log.add(EndLine({"cards_written": result.written, "cards_not_written": len(result.problems)}))
    log.sync()
    job.state.log_finished(log.path)
    return result


class Sent(NamedTuple):
    """What the ledger will hold of a card once it is written.

    Attributes:
        planned: The card's ref at planning.
        ref_after: Its ref after the write.
        date: Its own date before.
        values: The values written.
    """

    planned: str
    ref_after: str
    date: str
    values: tuple[str, ...]


class Pending:
    """The edits that a log still asks for, in batches whose intents are durable."""

    def __init__(
        self, job: Job, log: LogWriter, story: Story, result: Result, now: datetime
    ) -> None:
        self.job, self.log, self.story, self.result, self.now = job, log, story, result, now
        self.sent: dict[str, Sent] = {}  # by ref now

    def edits(self) -> Iterator[Edit]:
        """Yield the edits; each batch is fetched, checked and logged before its first edit."""
        todo = ((entry, wanted) for entry in self.story.entries.values()
                if (wanted := self._wanted(entry)) or entry.open)  # fmt: skip
        while batch := {entry.ref: (entry, wanted) for entry, wanted in islice(todo, BATCH)}:
            edits = []
            for card in self.job.syncer.fetch(list(batch)):
                entry, wanted = batch[card.ref]
                edit = self._check(entry, wanted, card)
                if edit:
                    edits.append(edit)
            self.log.sync()
            yield from edits
            self.job.progress(len(batch))

    def _wanted(self, entry: Entry) -> tuple[Change, ...]:
        """Return the changes of a card that are proposed or answered, and not made yet."""
        if entry.undone:
            return ()
        line, done = entry.line, entry.made()
        answers = tuple(self._answers(line, done or line.changes))
        return answers if done else (*line.changes, *answers)

    def _answers(self, line: CardLine, changes: tuple[Change, ...]) -> Iterator[SetNumber]:
        """Yield what a person's answers add to changes, one change for each field."""
        answered: dict[str, list[tuple[Question, Reading]]] = {}
        for question in line.questions:
            if reading := self._answered(line.ref, question):
                answered.setdefault(question.phone, []).append((question, reading))
        sofar = net(changes) if answered else {}
        for phone, pairs in answered.items():
            question, reading = pairs[0]
            known = sofar.get(phone)
            before = (known.now.value if known and known.now else None) or question.value
            kept = question.readings[-1].after
            after = _together(kept, [reading.after for _, reading in pairs])
            if after != before:
                why = question.why
                yield SetNumber(phone, before, after, reading.rule, "answer", why)

    def _answered(self, ref: str, question: Question) -> Reading | None:
        answer = self.story.answers.get((ref, question.key), "")
        return next((r for r in question.readings if answer and r.rule and r.e164 == answer), None)

    def _check(self, entry: Entry, wanted: tuple[Change, ...], card: Card | Missing) -> Edit | None:
        """Compare a card with the log; return its edit, or settle or list it."""
        line = entry.line
        if isinstance(card, Missing):
            return self._settle_missing(entry, card)
        version, sha = entry.versions()
        if entry.open:
            if self.was_sent(entry, card):
                self._note(line.ref, "written", card.version)
                self.job.state.remember_written(self.job.source, [_written(entry, card)])
                entry.steps[-1].settled, entry.steps[-1].version = True, card.version
                wanted = self._wanted(entry)
                return self._edit(entry, wanted, card) if wanted else None
            entry.steps.pop()
            version, sha = entry.versions()
            wanted = self._wanted(entry)
        if card.version != version and card.sha256 != sha:
            self._note(line.ref, "stale", detail="the card has changed since the log was written")
            return None
        return self._edit(entry, wanted, card)

    def was_sent(self, entry: Entry, card: Card) -> bool:
        """Say whether a card is what was sent before a crash, maybe re-formed by a server."""
        if card.sha256 == entry.sha256_after():
            return True
        line = entry.sent(entry.steps[-1])
        if not line.original:
            return False
        before = Card(card.ref, unpack_raw(line.original), card.phones)
        try:
            sent = self.job.syncer.patch(before, entry.located(line.changes, card), self.now)
        except ValueError:
            return False
        return self.job.syncer.compare(sent, card.raw) is not Fidelity.LOST

    def _settle_missing(self, entry: Entry, missing: Missing) -> Edit | None:
        """Look for a card that is named by its content under the name it had before a write."""
        if entry.open and entry.ref != entry.line.ref:
            entry.steps.pop()
            found = next(iter(self.job.syncer.fetch([entry.ref])))
            if isinstance(found, Card):
                return self._check(entry, self._wanted(entry), found)
        self._note(entry.line.ref, "stale", detail=f"{missing.ref}: the card is gone")
        return None

    def _edit(self, entry: Entry, wanted: tuple[Change, ...], card: Card) -> Edit | None:
        if not wanted:
            return None
        line, job = entry.line, self.job
        try:
            edit = Edit(card, job.syncer.patch(card, entry.located(wanted, card), self.now))
        except ValueError as error:
            self._note(line.ref, "stale", detail=str(error))
            return None
        ref_after = line.ref_after
        if wanted == line.changes and edit.sha256 == line.sha256_after:
            self.log.add(IntentLine(line.ref, line.sha256_after))
        else:
            back = way_back(job.syncer, edit)
            ref_after = back[1]
            self.log.add(IntentLine(line.ref, *back, wanted, card.sha256))
        values = _values(wanted)
        self.sent[card.ref] = Sent(line.ref, ref_after or card.ref, line.date, values)
        return edit

    def _note(self, ref: str, status: OutcomeStatus, version: str = "", detail: str = "") -> None:
        record(self.log, self.result, OutcomeLine(ref, status, version, detail))


def _together(kept: str, readings: Iterable[str]) -> str:
    """Return a value with the change that each reading makes to the one that keeps it."""
    after, last = kept, len(kept)
    for start, end, new in sorted((_difference(kept, one) for one in readings), reverse=True):
        if end <= last:
            after, last = after[:start] + new + after[end:], start
    return after


def _difference(before: str, after: str) -> tuple[int, int, str]:
    """Return the stretch of a text that another one has something else for, and what."""
    start = _alike(before, after)
    tail = _alike(before[:start:-1], after[:start:-1])
    return start, len(before) - tail, after[start : len(after) - tail]


def _alike(one: str, other: str) -> int:
    """Return how many first characters two texts have in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _values(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the phone values that changes write; not old ones that they leave beside new ones."""
    written = [
        each.now.value
        for each in net(changes).values()
        if each.was and each.now and each.now.value is not None
    ]
    added = [c.value for c in changes if isinstance(c, AddPhone) and c.step != "renumber"]
    return (*written, *added)


def _write(
    job: Job, log: LogWriter, edits: Iterator[Edit], sent: dict[str, Sent], result: Result
) -> None:
    """Write edits, log each outcome, and remember the cards we wrote."""
    written: list[Written] = []
    for outcome in job.syncer.write(edits):
        card = sent.pop(outcome.ref)
        record(log, result, outcome_line(card.planned, outcome))
        if outcome.status == "written":
            row = Written(outcome.ref, card.ref_after, outcome.version, card.date, card.values)
            written.append(row)
        if len(written) >= BATCH:
            job.state.remember_written(job.source, written)
            written.clear()
    if written:
        job.state.remember_written(job.source, written)


def record(log: LogWriter, result: Result, line: OutcomeLine) -> None:
    """Log an outcome and count it."""
    log.add(line)
    if line.status == "written":
        result.written += 1
        result.problems.pop(line.ref, None)
    else:
        result.problems[line.ref] = line


def outcome_line(planned: str, outcome: Outcome) -> OutcomeLine:
    """Return the log's line for an outcome, under the ref that the card had at planning."""
    return OutcomeLine(planned, outcome.status, outcome.version, outcome.detail)


def _written(entry: Entry, card: Card) -> Written:
    """Return what the ledger holds of a card that a crashed run turns out to have written."""
    line = entry.line
    changes = entry.sent(entry.steps[-1]).changes
    return Written(line.ref, card.ref, card.version, line.date, _values(changes))


def settle(job: Job, path: Path) -> Result:
    """Find out which intents of a log that a crash cut off were carried out; write no card."""
    result = Result()
    with LogWriter(path) as log:
        story = read_story(path)
        job.begin(log, "apply", story.first.run)
        todo = (entry for entry in story.entries.values() if entry.open)
        pending = Pending(job, log, story, result, datetime.fromisoformat(story.first.time))
        while batch := {entry.ref: entry for entry in islice(todo, BATCH)}:
            for card in job.syncer.fetch(list(batch)):
                entry = batch[card.ref]
                if isinstance(card, Card) and pending.was_sent(entry, card):
                    log.add(OutcomeLine(entry.line.ref, "written", card.version))
                    job.state.remember_written(job.source, [_written(entry, card)])
                    result.written += 1
                else:
                    why = "the run was cut off before this card"
                    log.add(OutcomeLine(entry.line.ref, "failed", "", why))
        log.add(EndLine({"cards_written": result.written}))
        log.sync()
    job.state.log_finished(path)
    return result
