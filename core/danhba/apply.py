"""Carries out what a log says and nothing else, after settling what a crash left open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from danhba.answers import keys_of_undo
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
from danhba.deliver import Delivery, batch_of
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
from danhba.follow import saw_written
from danhba.job import GONE, Job, Result
from danhba.plan import of_another_country, proposals, way_back
from danhba.state import Written, earlier_of
from danhba.story import Entry, Story, read_story
from danhba.syncer import Fidelity, InLanes, Probes, Syncer

_ALIKE = "another card has become the same; run the same command again for this one"
BATCH = 500
"""Cards fetched, logged and made durable together before they are written."""


def apply(job: Job, log: LogWriter, story: Story, *, section: Section = "apply") -> Result:
    """Carry out what the log proposes and what was answered, after settling a crash."""
    if stopped := _why_not(job, story):
        return Result(stopped=stopped)
    job.state.log_began(job.source, log.path)
    job.begin(log, section, story.first.run)
    result = Result()
    now = datetime.fromisoformat(story.first.time)
    pending = Pending(job, log, story, result, now)
    _write(job, log, pending, result)
    log.add(EndLine({"cards_written": result.written, "cards_not_written": len(result.problems)}))
    log.sync()
    if not result.unclear:
        job.state.log_finished(log.path)
    return result


def _why_not(job: Job, story: Story) -> str:
    """Say why nothing of a log may be carried out; empty when it may.

    Whose book it is shows in the numbers that were left alone, of which only the sums tell.
    """
    if story.end:
        return of_another_country(job, story.end)
    if job.home_is_sure:
        return ""
    return (
        "the plan was cut off before it was known whether this is a book of another country;"
        " nothing was written. Run danhba convert again (answers given are remembered), with"
        f" --country {job.context.home.country} if numbers without a country code are dialled there"
    )


class Sent(NamedTuple):
    """What the ledger will hold of a card once it is written.

    Attributes:
        planned: The card's ref at planning.
        ref_after: Its ref after the write.
        date: Its own date before.
        values: The values written.
        version: Its version before.
        renumbered: Those of the values that were old numbers.
    """

    planned: str
    ref_after: str
    date: str
    values: tuple[str, ...]
    version: str
    renumbered: tuple[str, ...]


class Pending:
    """The edits that a log still asks for, in batches whose intents are durable."""

    def __init__(
        self, job: Job, log: LogWriter, story: Story, result: Result, now: datetime
    ) -> None:
        self.job, self.log, self.story, self.result, self.now = job, log, story, result, now
        self.sent: dict[str, Sent] = {}  # by ref now
        self.planned: dict[str, Edit] = {}  # by ref now; what the plan made of cards at hand
        self.first = ""

    def edits(self) -> Iterator[Edit]:
        """Yield the edits; each batch is fetched, checked and logged before its first edit."""
        entries = self.story.entries.items()
        todo: dict[str, Entry] = {}
        for ref, entry in entries:
            if entry.open or self._may_want(entry):
                now = entry.ref if entry.steps else ref
                if todo.setdefault(now, entry) is not entry:
                    self._note(ref, "stale", detail=_ALIKE)
        for refs in self._batches(todo):
            edits = []
            for card in self._cards(refs):
                entry = todo[card.ref]
                edit = self._check(entry, self._wanted(entry), card)
                if edit:
                    edits.append(edit)
            self.log.sync()
            yield from edits
            self.job.progress(len(refs))

    def _batches(self, refs: Iterable[str]) -> Iterator[list[str]]:
        """Cut refs into batches; those of several lanes take turns.

        Where it is not known whether the server refuses a write to a card that moved, the card read
        last goes alone and first: the syncer finds out with it.
        """
        syncer = self.job.syncer
        left = dict.fromkeys(refs)
        if not trusted(syncer) and (last := self.job.held.last()) in left:
            del left[last]
            self.first = last
            yield [last]
        size = batch_of(syncer) if syncer.writes_remotely else BATCH
        lanes: dict[str, list[str]] = {}
        lane_of = syncer.lane if isinstance(syncer, InLanes) else lambda _: ""
        for ref in left:
            lanes.setdefault(lane_of(ref), []).append(ref)
        for start in range(0, max(map(len, lanes.values()), default=0), size):
            for lane in lanes.values():
                if batch := lane[start : start + size]:
                    yield batch

    def _cards(self, refs: list[str]) -> Iterator[Card | Missing]:
        """Yield the cards as they were planned where that will do, else as they are now."""
        syncer, held = self.job.syncer, self.job.held
        kept = {ref: card for ref in refs if (card := held.take(ref))}
        if trusted(syncer) or refs == [self.first]:
            self.planned = {ref: edit for ref, edit in kept.items() if isinstance(edit, Edit)}
            for card in kept.values():
                yield card.card if isinstance(card, Edit) else card
            refs = [ref for ref in refs if ref not in kept]
            self.planned = {}
        if refs:
            yield from syncer.fetch(refs)

    def _may_want(self, entry: Entry) -> bool:
        """Say whether anything is to be done; looks into the log only where it must."""
        if entry.steps or entry.settled or self.story.answers or self.job.context.answers:
            return bool(self._wanted(entry))
        return entry.proposes

    def _wanted(self, entry: Entry) -> tuple[Change, ...]:
        """Return the changes of a card that are proposed or answered, and not made yet."""
        if entry.settled:
            return ()
        line, done = entry.line, entry.made()
        answers = tuple(self._answers(line, done or line.changes))
        wanted = answers if done else (*line.changes, *answers)
        return () if self._was_undone(line.ref, wanted) else wanted

    def _was_undone(self, ref: str, changes: tuple[Change, ...]) -> bool:
        """Say whether the state knows of an undo that this log, an older copy, knows nothing of."""
        known = self.job.context.answers
        return bool(known) and any((ref, key) in known for key in keys_of_undo(net(changes)))

    def _answers(self, line: CardLine, changes: tuple[Change, ...]) -> Iterator[SetNumber]:
        """Yield what a person's answers add to changes, one change for each field."""
        answered: dict[str, list[tuple[Question, Reading]]] = {}
        earlier = {change.phone for change in changes if change.step == "answer"}
        for question in line.questions:
            if reading := self._answered(line.ref, question, again=question.phone in earlier):
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

    def _answered(self, ref: str, question: Question, *, again: bool) -> Reading | None:
        """Return the reading that was chosen; that which keeps the number only where it has gone.

        Args:
            ref: The card.
            question: The question.
            again: Whether an earlier answer about the field was carried out.
        """
        answer = self.story.answers.get((ref, question.key), "")
        if again and answer == "keep":
            return question.readings[-1]
        return next((r for r in question.readings if answer and r.rule and r.e164 == answer), None)

    def _check(self, entry: Entry, wanted: tuple[Change, ...], card: Card | Missing) -> Edit | None:
        """Compare a card with the log; return its edit, or settle or list it."""
        line = entry.line
        if isinstance(card, Missing):
            return self._settle_missing(entry)
        if card.trouble:
            self._leave(entry, card.trouble)
            return None
        version, sha = entry.versions()
        if entry.open:
            if self.was_sent(entry, card):
                self._note(line.ref, "written", card.version)
                self.job.state.remember_written(self.job.source, [_written(self.job, entry, card)])
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

    def _leave(self, entry: Entry, why: str) -> None:
        """List a card that cannot be read; whether an earlier write to it arrived stays open."""
        if entry.open:
            leave_open(self.result, entry.line.ref, why)
        else:
            self._note(entry.line.ref, "failed", detail=why)

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

    def _settle_missing(self, entry: Entry) -> Edit | None:
        """Look for a card that is named by its content under the name it had before a write."""
        if entry.open and entry.ref != entry.line.ref:
            entry.steps.pop()
            found = next(iter(self.job.syncer.fetch([entry.ref])))
            if isinstance(found, Card):
                return self._check(entry, self._wanted(entry), found)
        self._note(entry.line.ref, "stale", detail=GONE)
        return None

    def _edit(self, entry: Entry, wanted: tuple[Change, ...], card: Card) -> Edit | None:
        if not wanted:
            return None
        line, job = entry.line, self.job
        edit = self.planned.get(card.ref)
        if edit is None or edit.card is not card or wanted != line.changes:
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
        values, now_at = values_written(wanted), ref_after or card.ref
        old = renumbered_by(wanted, _renumbered(job, card.ref))
        self.sent[card.ref] = Sent(line.ref, now_at, line.date, values, card.version, old)
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


def renumbered_by(
    changes: tuple[Change, ...], known: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Return the values that changes write in the place of numbers that could only be old ones.

    Args:
        changes: The changes.
        known: The values on the card that stand in such a place since an earlier write.
    """
    old = {
        change.phone
        for change in changes
        if isinstance(change, SetNumber)
        and (change.before in known or any(why.code == "one-reading" for why in change.why))
    }
    if not old:
        return ()
    found = net(change for change in changes if change.phone in old)
    return tuple(each.number for each in found.values() if each.was and each.now)


def values_written(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the phone values that changes write.

    Not old ones that they leave beside new ones, nor those that an answer puts back.
    """
    changes = tuple([change for change in changes if not _puts_back(change)])
    if len(changes) == 1 and isinstance(changes[0], SetNumber):  # most cards
        return (changes[0].after,)
    written = [
        each.now.value
        for each in net(changes).values()
        if each.was and each.now and each.now.value is not None
    ]
    added = [c.value for c in changes if isinstance(c, AddPhone) and c.step != "renumber"]
    return (*written, *added)


def trusted(syncer: Syncer) -> bool:
    """Say whether the syncer's writes are surely refused for a card that moved meanwhile."""
    return syncer.conditional() if isinstance(syncer, Probes) else syncer.writes_remotely


def _write(job: Job, log: LogWriter, pending: Pending, result: Result) -> None:
    """Write edits, log each outcome, and remember the cards we wrote."""
    written: list[tuple[Written, Card | None]] = []
    delivery = Delivery(job.syncer)
    try:
        for outcome, found in delivery.send(pending.edits()):
            card = pending.sent.pop(outcome.ref)
            if outcome.status == "unclear":
                result.unclear.add(card.planned)
                result.problems[card.planned] = outcome_line(card.planned, outcome)
                continue
            record(log, result, outcome_line(card.planned, outcome))
            if outcome.status == "written":
                row = Written(
                    outcome.ref,
                    card.ref_after,
                    outcome.version,
                    card.date,
                    card.values,
                    card.version,
                    card.renumbered,
                )
                written.append((row, found))
            if len(written) >= BATCH:
                _remember(job, written)
                written.clear()
    finally:  # also when the server falls silent amid the run
        _remember(job, written)
    if delivery.stopped:
        result.stopped = delivery.stopped
        for card in pending.sent.values():
            why = "not sent: the run was stopped"
            record(log, result, OutcomeLine(card.planned, "failed", "", why))


def _remember(job: Job, written: list[tuple[Written, Card | None]]) -> None:
    """Keep what was written in the ledger, and what was read back where the source is followed."""
    rows = [row for row, _ in written]
    if not rows:
        return
    for row in rows:
        known, later = job.context.ledger.get(row.ref), earlier_of(row)
        earlier = known.then(row.version_before, later) if known else later
        job.context.remember(row.ref_after, earlier)
    seen = saw_written(job, proposals, [card for _, card in written if card])
    job.state.remember_written(job.source, rows, seen)


def batches(entries: Iterable[Entry]) -> Iterator[dict[str, Entry]]:
    """Put entries together by the refs of their cards now, at most `BATCH`, each ref once.

    Cards without UID that have become alike have one ref: it is the next one's when the first has
    another.
    """
    batch: dict[str, Entry] = {}
    for entry in entries:
        if entry.ref in batch or len(batch) == BATCH:
            yield batch
            batch = {}
        batch[entry.ref] = entry
    if batch:
        yield batch


def record(log: LogWriter, result: Result, line: OutcomeLine) -> None:
    """Log an outcome and count it."""
    log.add(line)
    if line.status == "written":
        result.written += 1
        result.problems.pop(line.ref, None)
    else:
        result.problems[line.ref] = line


def leave_open(result: Result, ref: str, why: str) -> None:
    """Count a card that may have been written; its intent has no outcome, so the next run looks."""
    result.unclear.add(ref)
    result.problems[ref] = OutcomeLine(ref, "failed", "", why)


def outcome_line(planned: str, outcome: Outcome) -> OutcomeLine:
    """Return the log's line for an outcome, under the ref that the card had at planning."""
    status: OutcomeStatus = "failed" if outcome.status == "unclear" else outcome.status
    return OutcomeLine(planned, status, outcome.version, outcome.detail)


def _written(job: Job, entry: Entry, card: Card) -> Written:
    """Return what the ledger holds of a card that a crashed run turns out to have written."""
    line = entry.line
    changes = entry.sent(entry.steps[-1]).changes
    values, old = values_written(changes), renumbered_by(changes, _renumbered(job, line.ref))
    return Written(line.ref, card.ref, card.version, line.date, values, line.version, old)


def _renumbered(job: Job, ref: str) -> frozenset[str]:
    """Return the values on a card that we wrote in the place of old numbers."""
    earlier = job.context.ledger.get(ref)
    return earlier.renumbered if earlier else frozenset()


def _puts_back(change: Change) -> bool:
    """Say whether a change puts back what an earlier answer had changed: it rests on no rule."""
    return isinstance(change, SetNumber) and change.step == "answer" and not change.rule


def settle(job: Job, path: Path) -> Result:
    """Find out which intents of a log that a crash cut off were carried out; write no card."""
    result = Result()
    with LogWriter(path) as log:
        story = read_story(path)
        job.begin(log, "apply", story.first.run)
        todo = (entry for entry in story.entries.values() if entry.open)
        pending = Pending(job, log, story, result, datetime.fromisoformat(story.first.time))
        for batch in batches(todo):
            for card in job.syncer.fetch(list(batch)):
                entry = batch[card.ref]
                if isinstance(card, Card) and card.trouble:
                    leave_open(result, entry.line.ref, card.trouble)
                elif isinstance(card, Card) and pending.was_sent(entry, card):
                    log.add(OutcomeLine(entry.line.ref, "written", card.version))
                    job.state.remember_written(job.source, [_written(job, entry, card)])
                    result.written += 1
                else:
                    why = "the run was cut off before this card"
                    log.add(OutcomeLine(entry.line.ref, "failed", "", why))
        log.add(EndLine({"cards_written": result.written}))
        log.sync()
    if not result.unclear:
        job.state.log_finished(path)
    return result
