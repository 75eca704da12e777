"""The pipeline: read, convert, log, write; apply, resume and undo. Start reading here.

`convert --write` is `plan`, which logs every proposal, then `apply`, which carries out what the
log says. `apply` never converts anew; `convert` may, when a card moved between the two.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec

import danhba
from danhba import parallel
from danhba.card import Card, Change, Edit, Missing, Outcome, Question, SetNumber
from danhba.convert import UNDONE, Context, Judged, Proposal, convert
from danhba.difflog import (
    AnswerLine,
    CardLine,
    EndLine,
    IntentLine,
    LineSink,
    LogPlaces,
    LogWriter,
    MemoryLog,
    OutcomeLine,
    OutcomeStatus,
    Run,
    Section,
    SkipLine,
    Splice,
    pack_raw,
    read_log_places,
    sha256,
    splices,
    unpack_raw,
    unsplice,
)
from danhba.errors import LogError, UsageError
from danhba.state import State, Written
from danhba.syncer import Copies, Fidelity, InParts, Part, Syncer

_TELL_EVERY = 1000
BATCH = 500
"""Cards fetched, logged and made durable together before they are written."""
ROUNDS = 3
"""How often a card that moved is read and converted again."""

Show = Callable[[CardLine | SkipLine], None]
Progress = Callable[[int], None]


def _silent(_: object) -> None:
    return None


K = TypeVar("K")
Row: TypeAlias = tuple[str, str, str, str, str]
"""Verdict, reason, rule, operator or province, kind."""


@dataclass
class Tally:
    """Counts cards and numbers, so that the sums add up (promise 7)."""

    numbers: dict[Judged, int] = field(default_factory=dict)
    rows: dict[Row, int] = field(default_factory=dict)
    cards: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("read", "changed", "asked", "skipped", "unfit"), 0)
    )
    elsewhere: dict[str, int] = field(default_factory=dict)

    def close(self) -> None:
        """Turn counts by judgement into counts by row."""
        for judged, count in self.numbers.items():
            rule = judged.rule.id if judged.rule and judged.verdict != "keep" else ""
            name = judged.name_vi or judged.name
            if judged.code == "foreign":
                name = f"+{judged.country_code}"
            row = (judged.verdict, judged.code, rule, name, judged.kind)
            self.rows[row] = self.rows.get(row, 0) + count
        self.numbers.clear()

    def add(self, rows: dict[Row, int], cards: dict[str, int], elsewhere: dict[str, int]) -> None:
        """Add what another process counted."""
        _merge(self.rows, rows)
        _merge(self.cards, cards)
        _merge(self.elsewhere, elsewhere)

    def end(self, **more: int) -> EndLine:
        """Return the closing line of a section."""
        self.close()
        verdicts = {"convert": 0, "keep": 0, "ask": 0}
        undecided = 0
        for (verdict, code, *_), count in self.rows.items():
            verdicts[verdict] += count
            undecided += count if (verdict, code) == ("keep", "also-valid-today") else 0
        cards = self.cards
        unchanged = cards["read"] - cards["changed"] - cards["asked"] - cards["skipped"]
        totals = {
            "cards_read": cards["read"],
            "cards_changed": cards["changed"],
            "cards_asked": cards["asked"],
            "cards_unchanged": unchanged,
            "cards_skipped": cards["skipped"],
            "numbers_read": sum(verdicts.values()),
            **{f"numbers_{verdict}": count for verdict, count in verdicts.items()},
            "numbers_ambiguous": undecided,
        }
        if cards["unfit"]:
            totals["changes_not_applicable"] = cards["unfit"]
        rows = tuple((*row, count) for row, count in sorted(self.rows.items()))
        return EndLine({**totals, **more}, rows, self.elsewhere)


def _merge(mine: dict[K, int], theirs: dict[K, int]) -> None:
    for key, count in theirs.items():
        mine[key] = mine.get(key, 0) + count


@dataclass
class Job:
    """One source, what to do with it, and where to write it down.

    Attributes:
        syncer: The source.
        source: Its name in state and log: an absolute path or a URL without secrets.
        context: What the converter needs.
        state: What danhba remembers.
        now: The time of the run; what REV is set to.
        target: Where a copy is written; empty for none.
        show: Told of each card with a proposal or a trouble, in order.
        show_encoded: The same for lines that come encoded from another process.
        progress: Told how many cards were read since it was last told.
    """

    syncer: Syncer
    source: str
    context: Context
    state: State
    now: datetime
    target: str = ""
    show: Show = _silent
    show_encoded: Callable[[bytes], None] = _silent
    progress: Progress = _silent
    tally: Tally = field(default_factory=Tally)

    def begin(self, log: LogWriter, section: Section, run: str) -> None:
        """Open a section of the log."""
        context = self.context
        packs = {pack.id: pack.sha256 for pack in context.packs.values()}
        log.add(
            Run(
                run, section, self.now.isoformat(), self.source, self.target,
                danhba=danhba.__version__, country=context.home.country, packs=packs,
                today=context.today.isoformat(),
            )
        )  # fmt: skip


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time and is unlikely to meet another: `20261122-101500-1a2b3c`."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


# -- plan ----------------------------------------------------------------------------------------


def plan(job: Job, log: LogWriter) -> EndLine:
    """Convert every card of the source and log what is proposed; write nothing."""
    job.begin(log, "convert", log.path.stem)
    for _ in _chunks(job, log, copying=False):
        pass
    end = job.tally.end()
    log.add(end)
    log.flush()
    return end


def copy(job: Job, log: LogWriter, target: Path | None) -> EndLine:
    """Convert the source into a copy, in one pass; the source stays as it is.

    Raises:
        UsageError: The syncer cannot make copies.
    """
    if not isinstance(job.syncer, Copies):
        raise UsageError(f"{job.source}: cannot be copied with -o; use --write")
    job.begin(log, "convert", log.path.stem)
    failed = 0
    if isinstance(job.syncer, InParts) and job.syncer.parts():
        job.syncer.write_copy(target, _chunks(job, log, copying=True))
    else:
        for outcome in job.syncer.copy_to(target, _edits_of_copy(job, log)):
            if outcome.status != "written":
                failed += 1
                log.add(OutcomeLine(outcome.ref, outcome.status, "", outcome.detail))
    log.add(OutcomeLine("*", "written"))
    end = job.tally.end(cards_failed=failed)
    log.add(end)
    log.flush()
    return end


def _edits_of_copy(job: Job, log: LogWriter) -> Iterator[Edit]:
    yield from _proposals(job, log, job.syncer.read())
    _intend_copy(log)


def _intend_copy(log: LogWriter) -> None:
    """Make the log durable before the copy takes its place."""
    log.add(IntentLine("*", ""))
    log.sync()


class _Worked(msgspec.Struct, array_like=True):
    """What a process made of one part of the source."""

    odd: bool
    keys: bytes = b""
    chunk: bytes = b""
    lines: bytes = b""
    rows: list[tuple[Row, int]] = []
    cards: dict[str, int] = {}
    elsewhere: dict[str, int] = {}


def _chunks(job: Job, log: LogWriter, *, copying: bool) -> Iterator[bytes]:
    """Convert the source, side by side where it comes in parts; yield the converted copy of each.

    A part that cannot be read by itself (an odd one, or one with a ref of an earlier part) is read
    here, one card after another, and so is all that comes behind it.
    """
    syncer = job.syncer
    parts = syncer.parts() if isinstance(syncer, InParts) else ()
    workers = min(parallel.processors(), len(parts))
    if not isinstance(syncer, InParts) or workers < 2:
        for _ in _proposals(job, log, syncer.read()):
            pass
        return
    results = parallel.side_by_side(parts, lambda part: _work(job, part, copying=copying), workers)
    for part, result in zip(parts, results, strict=True):
        worked = _worked_decoder.decode(result) if result else _Worked(odd=True)
        if worked.odd or not syncer.take(worked.keys):
            results.close()
            yield from syncer.copy_from(part, lambda cards: _proposals(job, log, cards))
            break
        log.add_encoded(worked.lines)
        job.show_encoded(worked.lines)
        job.tally.add(dict(worked.rows), worked.cards, worked.elsewhere)
        job.progress(worked.cards["read"])
        yield worked.chunk
    if copying:
        _intend_copy(log)


def _work(job: Job, part: Part, *, copying: bool) -> bytes:
    """Convert one part, in a process of its own."""
    mine = replace(job, tally=Tally(), show=_silent, progress=_silent)
    lines = MemoryLog()
    loaded = part.load()
    if loaded is None:
        return _worked_encoder.encode(_Worked(odd=True))
    chunk = b"".join(loaded.copy(_proposals(mine, lines, loaded.read())))
    mine.tally.close()
    tally = mine.tally
    return _worked_encoder.encode(
        _Worked(
            odd=False,
            keys=loaded.keys(),
            chunk=chunk if copying else b"",
            lines=lines.encoded(),
            rows=list(tally.rows.items()),
            cards=tally.cards,
            elsewhere=tally.elsewhere,
        )
    )


_worked_encoder = msgspec.msgpack.Encoder()
_worked_decoder = msgspec.msgpack.Decoder(_Worked)


def _proposals(job: Job, log: LineSink, cards: Iterable[Card]) -> Iterator[Edit]:
    """Convert cards; log, show and count what is proposed; yield the edits."""
    context, numbers = job.context, job.tally.numbers
    counts, elsewhere = job.tally.cards, job.tally.elsewhere
    read = told = 0
    for card in cards:
        read += 1
        if card.trouble:
            counts["skipped"] += 1
            _log_and_show(job, log, SkipLine(card.ref, card.trouble))
            continue
        proposal = convert(card, context)
        for judged in proposal.judged:
            numbers[judged] = numbers.get(judged, 0) + 1
        for place in card.elsewhere:
            elsewhere[place] = elsewhere.get(place, 0) + 1
        if proposal.changes or proposal.questions:
            edit = _propose(job, log, card, proposal)
            if edit:
                yield edit
        if read - told >= _TELL_EVERY:
            job.progress(read - told)
            told = read
    job.progress(read - told)
    counts["read"] += read


def _propose(job: Job, log: LineSink, card: Card, proposal: Proposal) -> Edit | None:
    supported = job.syncer.supports
    counts = job.tally.cards
    changes = tuple([change for change in proposal.changes if type(change) in supported])
    counts["unfit"] += len(proposal.changes) - len(changes)
    if changes:
        counts["changed"] += 1
    elif proposal.questions:
        counts["asked"] += 1
    else:
        return None
    headline = card.headline
    date = headline.date.isoformat() if headline.date else ""
    edit = Edit(card, job.syncer.patch(card, changes, job.now)) if changes else None
    way_back = _way_back(job.syncer, edit) if edit else ()
    line = CardLine(
        card.ref, headline.name, card.version, date, changes, proposal.questions, card.sha256,
        *way_back,
    )  # fmt: skip
    _log_and_show(job, log, line)
    return edit


def _way_back(syncer: Syncer, edit: Edit) -> tuple[str, str, tuple[Splice, ...], str]:
    """Return sha256 and ref after the edit, and the splices or the original to undo it."""
    card = edit.card
    ref_after = getattr(syncer, "ref_after", None)  # NamesByContent; isinstance costs 20 µs
    ref = ref_after(card, edit.raw) if ref_after else card.ref
    moved_to = "" if ref == card.ref else ref
    if syncer.writes_remotely:
        return edit.sha256, moved_to, (), pack_raw(card.raw)
    return edit.sha256, moved_to, splices(card.raw, edit.raw), ""


def _log_and_show(job: Job, log: LineSink, line: CardLine | SkipLine) -> None:
    log.add(line)
    job.show(line)


# -- the log as it stands --------------------------------------------------------------------------


@dataclass(slots=True)
class Step:
    """One write of ours to a card.

    Attributes:
        intent: Its intent, where that holds more than the proposal: the answers of a review.
        offset: Where the proposal it carried out stands in the log.
        settled: Whether its outcome is known: it was written.
        version: The version the card had after it.
    """

    intent: IntentLine | None
    offset: int
    settled: bool = False
    version: str = ""


@dataclass(slots=True)
class Entry:
    """What a log says about one card, up to now; the proposal itself stays in the log.

    Attributes:
        places: Where the log's lines can be read again.
        offset: Where the latest proposal stands in the log.
        steps: Our writes to the card, oldest first; the last may be unsettled after a crash.
        undone: Whether the card was restored, and is to be left alone.
    """

    places: LogPlaces
    offset: int
    steps: list[Step] = field(default_factory=list)
    undone: bool = False

    @property
    def line(self) -> CardLine:
        """The latest proposal."""
        line = self.places.at(self.offset)
        assert isinstance(line, CardLine)
        return line

    def sent(self, step: Step) -> CardLine | IntentLine:
        """Return the line that says what a step sent, and how to take it back."""
        if step.intent:
            return step.intent
        line = self.places.at(step.offset)
        assert isinstance(line, CardLine)
        return line

    def sha256_after(self) -> str:
        """Return the hash of what was sent last."""
        sent = self.sent(self.steps[-1])
        return sent.sha256 if isinstance(sent, IntentLine) else sent.sha256_after

    @property
    def ref(self) -> str:
        """The card's ref now."""
        after = (self.sent(step).ref_after for step in reversed(self.steps))
        return next(filter(None, after), self.line.ref)

    @property
    def open(self) -> bool:
        """Whether a write was under way when the log breaks off."""
        return bool(self.steps) and not self.steps[-1].settled

    def versions(self) -> tuple[str, str]:
        """Return the version and the sha256 the card has if nobody but us touched it."""
        if self.steps:
            return self.steps[-1].version, self.sha256_after()
        return self.line.version, self.line.sha256_before

    def back(self, raw: bytes) -> bytes:
        """Take all our writes back, newest first."""
        for step in reversed(self.steps):
            sent = self.sent(step)
            raw = unpack_raw(sent.original) if sent.original else unsplice(raw, sent.splices)
        return raw

    def sha256_before(self) -> str:
        """Return the hash of the raw before our first write."""
        return self.sent(self.steps[0]).sha256_before


@dataclass
class Story:
    """A whole log, read and put together.

    Attributes:
        first: Its first line.
        entries: ref at planning -> what is known of that card; only cards with a proposal.
        answers: (ref, key of the question) -> answer, the latest counts.
        end: The sums of the plan; None when a crash cut it off.
    """

    first: Run
    entries: dict[str, Entry]
    answers: dict[tuple[str, str], str]
    end: EndLine | None = None


def read_story(path: Path) -> Story:
    """Read a log and put together what became of each card.

    Raises:
        LogError: The log is damaged, or does not begin with a run.
    """
    lines = read_log_places(path)
    first = next(lines, (0, None))[1]
    if not isinstance(first, Run):
        raise LogError(f"{path}:1: not a diff log: it does not begin with a run")
    story = Story(first, {}, {})
    places = LogPlaces(path)
    section: Section = first.section
    for offset, line in lines:
        if isinstance(line, Run):
            section = line.section
        elif isinstance(line, CardLine):
            entry = story.entries.setdefault(line.ref, Entry(places, offset))
            entry.offset = offset
        elif isinstance(line, IntentLine):
            _intended(story, line, section)
        elif isinstance(line, OutcomeLine):
            _came_out(story, line, section)
        elif isinstance(line, AnswerLine):
            story.answers[line.ref, line.key] = line.answer
        elif isinstance(line, EndLine) and story.end is None:
            story.end = line
    return story


def _intended(story: Story, line: IntentLine, section: Section) -> None:
    if line.ref == "*":
        for entry in story.entries.values():
            if entry.line.changes:
                entry.steps.append(Step(None, entry.offset))
    elif section != "undo" and line.ref in story.entries:
        entry = story.entries[line.ref]
        if entry.open:
            entry.steps.pop()  # a crash came before it; this is the next try
        entry.steps.append(Step(line if line.changes else None, entry.offset))


def _came_out(story: Story, line: OutcomeLine, section: Section) -> None:
    refs = list(story.entries) if line.ref == "*" else [line.ref]
    for ref in refs:
        entry = story.entries.get(ref)
        if entry is None:
            continue
        if section == "undo":
            if line.status == "written":
                entry.undone, entry.steps = True, []
        elif entry.open:
            if line.status == "written":
                step = entry.steps[-1]
                step.settled, step.version = True, line.version or entry.sha256_after()
            else:
                entry.steps.pop()


# -- apply -----------------------------------------------------------------------------------------


@dataclass
class Result:
    """What became of the cards of an apply or undo.

    Attributes:
        written: How many were written, or found written already.
        problems: ref -> what went wrong: stale, conflict, failed.
    """

    written: int = 0
    problems: dict[str, OutcomeLine] = field(default_factory=dict)


def apply(job: Job, log: LogWriter, story: Story, *, section: Section = "apply") -> Result:
    """Carry out what the log proposes and what was answered, after settling a crash."""
    job.state.log_began(job.source, log.path)
    job.begin(log, section, story.first.run)
    result = Result()
    now = datetime.fromisoformat(story.first.time)
    pending = _Pending(job, log, story, result, now)
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


class _Pending:
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
        made = {
            change.phone: change
            for step in entry.steps if step.settled
            for change in entry.sent(step).changes
        }  # fmt: skip
        wanted: dict[str, Change] = {change.phone: change for change in entry.line.changes}
        for question in entry.line.questions:
            answered = self._answered(entry.line.ref, question)
            if answered:
                earlier = wanted.get(question.phone)
                before = question.value
                if earlier and question.phone in made and isinstance(earlier, SetNumber):
                    before = earlier.after
                wanted[question.phone] = SetNumber(
                    question.phone, before, answered.after, answered.rule, "answer", question.why
                )
        return tuple(
            change for phone, change in wanted.items()
            if phone not in made or _goes_on(made[phone], change)
        )  # fmt: skip

    def _answered(self, ref: str, question: Question) -> SetNumber | None:
        answer = self.story.answers.get((ref, question.key), "")
        for reading in question.readings:
            if answer and reading.e164 == answer and reading.rule:
                return SetNumber(question.phone, question.value, reading.after, reading.rule)
        return None

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
            sent = self.job.syncer.patch(before, line.changes, self.now)
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
            edit = Edit(card, job.syncer.patch(card, wanted, self.now))
        except ValueError as error:
            self._note(line.ref, "stale", detail=str(error))
            return None
        ref_after = line.ref_after
        if wanted == line.changes and edit.sha256 == line.sha256_after:
            self.log.add(IntentLine(line.ref, line.sha256_after))
        else:
            way_back = _way_back(job.syncer, edit)
            ref_after = way_back[1]
            self.log.add(IntentLine(line.ref, *way_back, wanted, card.sha256))
        values = tuple(change.after for change in wanted if isinstance(change, SetNumber))
        self.sent[card.ref] = Sent(line.ref, ref_after or card.ref, line.date, values)
        return edit

    def _note(self, ref: str, status: OutcomeStatus, version: str = "", detail: str = "") -> None:
        _record(self.log, self.result, OutcomeLine(ref, status, version, detail))


def _goes_on(made: Change, wanted: Change) -> bool:
    """Say whether a change builds on one that was made to the same field already."""
    return (
        isinstance(made, SetNumber)
        and isinstance(wanted, SetNumber)
        and wanted.before == made.after
        and wanted.after != made.after
    )


def _write(
    job: Job, log: LogWriter, edits: Iterator[Edit], sent: dict[str, Sent], result: Result
) -> None:
    """Write edits, log each outcome, and remember the cards we wrote."""
    written: list[Written] = []
    for outcome in job.syncer.write(edits):
        card = sent.pop(outcome.ref)
        _record(log, result, _outcome_line(card.planned, outcome))
        if outcome.status == "written":
            row = Written(outcome.ref, card.ref_after, outcome.version, card.date, card.values)
            written.append(row)
        if len(written) >= BATCH:
            job.state.remember_written(job.source, written)
            written.clear()
    if written:
        job.state.remember_written(job.source, written)


def _record(log: LogWriter, result: Result, line: OutcomeLine) -> None:
    """Log an outcome and count it."""
    log.add(line)
    if line.status == "written":
        result.written += 1
        result.problems.pop(line.ref, None)
    else:
        result.problems[line.ref] = line


def _outcome_line(planned: str, outcome: Outcome) -> OutcomeLine:
    """Return the log's line for an outcome, under the ref that the card had at planning."""
    return OutcomeLine(planned, outcome.status, outcome.version, outcome.detail)


def replan(job: Job, log: LogWriter, story: Story, refs: Iterable[str]) -> list[str]:
    """Read and convert cards again that moved on; append the new proposals to the log."""
    job.begin(log, "replan", story.first.run)
    found = (card for card in job.syncer.fetch(list(refs)) if isinstance(card, Card))
    fresh = [edit.card.ref for edit in _proposals(job, log, found)]
    log.add(job.tally.end())
    log.sync()
    return fresh


def convert_in_place(job: Job, log: LogWriter) -> tuple[EndLine, Result]:
    """Plan, then apply the plan; a card that moved is converted again, three times at most."""
    end = plan(job, log)
    tally = job.tally
    log.sync()
    result = Result()
    if not tally.cards["changed"]:
        return end, result
    result = apply(job, log, read_story(log.path))
    for _ in range(ROUNDS):
        moved = [r for r, line in result.problems.items() if line.status in ("conflict", "stale")]
        if not moved:
            break
        job.tally = Tally()
        story = read_story(log.path)
        now_at = [story.entries[ref].ref for ref in moved]
        replan(job, log, story, now_at)
        again = apply(job, log, read_story(log.path))
        result.written += again.written
        for ref in moved:
            result.problems.pop(ref)
        result.problems.update(again.problems)
    job.tally = tally
    return end, result


def _written(entry: Entry, card: Card) -> Written:
    """Return what the ledger holds of a card that a crashed run turns out to have written."""
    line = entry.line
    changes = entry.sent(entry.steps[-1]).changes
    values = tuple(change.after for change in changes if isinstance(change, SetNumber))
    return Written(line.ref, card.ref, card.version, line.date, values)


def settle(job: Job, path: Path) -> Result:
    """Find out which intents of a log that a crash cut off were carried out; write no card."""
    result = Result()
    with LogWriter(path) as log:
        story = read_story(path)
        job.begin(log, "apply", story.first.run)
        todo = (entry for entry in story.entries.values() if entry.open)
        pending = _Pending(job, log, story, result, datetime.fromisoformat(story.first.time))
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


# -- undo ------------------------------------------------------------------------------------------


def undo(job: Job, log: LogWriter, story: Story) -> Result:
    """Restore the cards that the log's runs wrote; in cards touched since, only our own numbers."""
    job.state.log_began(job.source, log.path)
    job.begin(log, "undo", story.first.run)
    result = Result()
    refs: dict[str, str] = {}
    restored: list[tuple[str, str, str]] = []
    pending = _Pending(job, log, story, result, datetime.fromisoformat(story.first.time))

    def edits() -> Iterator[Edit]:
        todo = (entry for entry in story.entries.values() if entry.steps)
        while batch := {entry.ref: entry for entry in islice(todo, BATCH)}:
            ready = []
            for entry, card in _fetched(job.syncer, batch):
                if entry.open and (isinstance(card, Missing) or not pending.was_sent(entry, card)):
                    continue  # a crash came before the write
                ref = entry.line.ref
                if isinstance(card, Card) and card.sha256 == entry.sha256_before():
                    _record(log, result, OutcomeLine(ref, "written", card.version))
                    restored.extend(
                        _keep_answers(entry)
                    )  # a crash cut an undo off behind the write
                    continue
                raw = _restored(job, entry, card)
                if isinstance(raw, str):
                    _record(log, result, OutcomeLine(ref, "kept", "", raw))
                elif isinstance(card, Card):
                    log.add(IntentLine(ref, sha256(raw)))
                    refs[card.ref] = ref
                    ready.append(Edit(card, raw))
            log.sync()
            yield from ready

    for outcome in job.syncer.write(edits()):
        ref = refs.pop(outcome.ref)
        _record(log, result, _outcome_line(ref, outcome))
        if outcome.status == "written":
            restored.extend(_keep_answers(story.entries[ref]))
    job.state.remember_answers(job.source, restored)
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
