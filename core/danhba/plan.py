"""What would be changed? Reads, converts, logs and counts; for a copy, also what is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from danhba import parallel
from danhba.bulk import Lane
from danhba.card import Card, Change, Edit, SetLabel, SetNumber, Splice
from danhba.convert import Proposal, convert, renumber
from danhba.difflog import (
    CardLine,
    EndLine,
    IntentLine,
    LineSink,
    LogLine,
    LogWriter,
    MemoryLog,
    OutcomeLine,
    SkipLine,
    name_in_log,
    pack_raw,
    splices,
)
from danhba.edits import Octets, spliced
from danhba.errors import UsageError
from danhba.follow import follow
from danhba.foreign import whose_book
from danhba.job import GONE, Job, Result, silent
from danhba.judge import Asked
from danhba.story import Story
from danhba.syncer import Copies, InBulk, InParts, Part, Syncer, Tracks
from danhba.tally import Row, Tally

_TELL_EVERY = 1000
_IN_PLACE = frozenset({SetNumber, SetLabel})
"""Changes that leave the number of fields as it is."""


def plan(job: Job, log: LogWriter) -> EndLine:
    """Convert every card of the source and log what is proposed; write nothing."""
    job.begin(log, "convert", log.path.stem)
    if isinstance(job.syncer, Tracks):
        for edit in follow(job, job.syncer, log, proposals):
            job.held.keep(edit)
    else:
        for _ in _chunks(job, log, copying=False):
            pass
    end = job.tally.end(job.context.packs)
    log.add(end)
    log.flush()
    return end


def copy(job: Job, log: LogWriter, target: Path | None) -> tuple[EndLine, Result]:
    """Convert the source into a copy, in one pass; the source stays as it is.

    The result says whether the copy was stopped: then there is none.

    Raises:
        UsageError: The syncer cannot make copies.
    """
    if not isinstance(job.syncer, Copies):
        raise UsageError(f"{job.source}: cannot be copied with -o; use --write")
    job.begin(log, "convert", log.path.stem)
    failed, result = 0, Result()
    try:
        failed = _write_copy(job, job.syncer, log, target)
    except _StoppedError as error:
        result.stopped = str(error)
    else:
        log.add(OutcomeLine("*", "written"))
    end = job.tally.end(job.context.packs, cards_failed=failed)
    log.add(end)
    log.flush()
    return end, result


class _StoppedError(Exception):
    """Nothing may be written; raised amid the edits, so that the copy never takes its place."""


def _write_copy(job: Job, syncer: Copies, log: LogWriter, target: Path | None) -> int:
    """Write the copy; return how many cards failed."""
    if isinstance(syncer, InParts) and _workers(syncer) > 1:
        syncer.write_copy(target, _chunks(job, log, copying=True))
        return 0
    failed = 0
    for outcome in syncer.copy_to(target, _edits_of_copy(job, log)):
        if outcome.status != "written":
            failed += 1
            log.add(OutcomeLine(outcome.ref, outcome.status, "", outcome.detail))
    return failed


class Replanned(NamedTuple):
    """What came of planning cards again.

    Attributes:
        cards: How many have a new proposal.
        gone: Those that are not there any more.
    """

    cards: int
    gone: Sequence[OutcomeLine]


def replan(job: Job, log: LogWriter, story: Story, planned: Iterable[str]) -> Replanned:
    """Read and convert cards again that moved on; append the new proposals to the log.

    A card that needs nothing any more, or is gone, is settled: its earlier proposal is void.

    Args:
        job: The run.
        log: The log.
        story: What it says.
        planned: The cards, by their ref at planning.
    """
    job.begin(log, "replan", story.first.run)
    named = {story.entries[ref].ref: ref for ref in planned}
    told = _Told(log)
    versions: dict[str, str] = {}
    gone: list[OutcomeLine] = []

    def found() -> Iterator[Card]:
        for card in job.syncer.fetch(list(named)):
            if isinstance(card, Card):
                versions[card.ref] = card.version
                yield card
            else:
                gone.append(OutcomeLine(named[card.ref], "kept", "", GONE))
                log.add(gone[-1])

    for _ in proposals(job, told, found()):
        pass
    for ref in sorted(versions.keys() - told.refs):
        log.add(OutcomeLine(named[ref], "kept", versions[ref], "it needs nothing any more"))
    log.add(job.tally.end(job.context.packs))
    log.sync()
    return Replanned(len(told.refs), gone)


class _Told:
    """A log that knows of which cards it tells."""

    def __init__(self, log: LineSink) -> None:
        self._log = log
        self.refs: set[str] = set()

    def add(self, line: LogLine) -> None:
        """Append a line."""
        if isinstance(line, CardLine | SkipLine):
            self.refs.add(line.ref)
        self._log.add(line)


def _edits_of_copy(job: Job, log: LogWriter) -> Iterator[Edit]:
    yield from proposals(job, log, job.syncer.read())
    _intend_copy(job, log)


def of_another_country(job: Job, end: EndLine) -> str:
    """Say that the source seems to be of another country, when nobody said of which it is."""
    if job.home_is_sure or not end.totals["cards_changed"]:
        return ""
    return whose_book(end, job.context.home.country)


def why_not(job: Job, end: EndLine) -> str:
    """Say why nothing of a plan may be written; empty when it may."""
    return of_another_country(job, end) or _too_many(job, end)


def _too_many(job: Job, end: EndLine) -> str:
    """Say that the plan changes more cards than the run may; empty when it does not."""
    changed, read = end.totals["cards_changed"], end.totals["cards_read"]
    if job.budget is None or not job.budget.exceeded(changed, read):
        return ""
    return (
        f"cards to be changed: {changed} of {read}, more than --max-changes {job.budget};"
        " nothing was written. Look at the log, then give a higher number"
    )


def _intend_copy(job: Job, log: LogWriter) -> None:
    """Make the log durable before the copy takes its place.

    Raises:
        _StoppedError: Nothing may be written.
    """
    if stopped := why_not(job, job.tally.end(job.context.packs)):
        raise _StoppedError(stopped)
    log.add(IntentLine("*", ""))
    log.sync()


class _Worked(msgspec.Struct, array_like=True):
    """What a process made of one part of the source, besides its copy and its lines in the log.

    Attributes:
        odd: Whether the part cannot be worked on by itself.
        changed: Whether its copy is another one than the part itself, and wanted.
    """

    odd: bool
    changed: bool = False
    keys: bytes = b""
    rows: list[tuple[Row, int]] = []
    cards: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    steps: dict[str, int] = {}
    asked: list[Asked] = []


def _chunks(job: Job, log: LogWriter, *, copying: bool) -> Iterator[Octets | Part]:
    """Convert the source, side by side where it comes in parts; yield the converted copy of each.

    A part that stays as it is is yielded itself.

    A part that cannot be read by itself (an odd one, or one with a ref of an earlier part) is read
    here, one card after another, and so is all that comes behind it.
    """
    syncer = job.syncer
    workers = _workers(syncer)
    if not isinstance(syncer, InParts) or workers < 2:
        for edit in proposals(job, log, syncer.read()):
            if syncer.writes_remotely:
                job.held.keep(edit.card)
        return
    parts = syncer.parts()
    results = parallel.side_by_side(parts, lambda part: _work(job, part, copying=copying), workers)
    for part, result in zip(parts, results, strict=True):
        worked, lines, chunk = _received(result)
        if worked.odd or not syncer.take(worked.keys):
            results.close()
            yield from syncer.copy_from(part, lambda cards: proposals(job, log, cards))
            break
        log.add_encoded(lines)
        cards = worked.cards
        job.show_encoded(lines, cards["changed"] + cards["asked"], cards["skipped"])
        job.tally.add(dict(worked.rows), worked.cards, worked.elsewhere, worked.steps)
        job.context.judge.learn(worked.asked)
        job.progress(worked.cards["read"])
        if copying:
            yield chunk if worked.changed else part
    if copying:
        _intend_copy(job, log)


def _workers(syncer: object) -> int:
    """Return how many processes can work on the source; below 2 it is read card after card."""
    parts = syncer.parts() if isinstance(syncer, InParts) else ()
    return min(parallel.processors(), len(parts))


def _received(result: Sequence[Octets] | None) -> tuple[_Worked, Octets, Octets]:
    """Take apart what `_work` returned: what was made of a part, its lines in the log, its copy."""
    if result is None:
        return _Worked(odd=True), b"", b""
    worked, lines, chunk = result
    return _worked_decoder.decode(worked), lines, chunk


def _work(job: Job, part: Part, *, copying: bool) -> Sequence[bytes]:
    """Convert one part, in a process of its own."""
    mine = replace(job, tally=Tally(), show=silent, progress=silent)
    lines = MemoryLog()
    loaded = part.load()
    if loaded is None:
        return _worked_encoder.encode(_Worked(odd=True)), b"", b""
    cards = loaded.read()
    if isinstance(loaded, InBulk) and not job.context.steps:
        cards = loaded.in_bulk(Lane(mine.context, mine.tally, lines), job.now)
    edits = list(proposals(mine, lines, cards))
    copied = list(loaded.copy(edits)) if copying else []
    mine.tally.close()
    tally = mine.tally
    worked = _Worked(
        odd=False,
        changed=len(copied) > 1,
        keys=loaded.keys(),
        rows=list(tally.rows.items()),
        cards=tally.cards,
        elsewhere=tally.elsewhere,
        steps=tally.steps,
        asked=mine.context.judge.asked(),
    )
    chunk = b"".join(copied) if worked.changed else b""
    return _worked_encoder.encode(worked), lines.encoded(), chunk


_worked_encoder = msgspec.msgpack.Encoder()
_worked_decoder = msgspec.msgpack.Decoder(_Worked)


def proposals(job: Job, log: LineSink, cards: Iterable[Card]) -> Iterator[Edit]:
    """Convert cards; log, show and count what is proposed; yield the edits."""
    context, numbers = job.context, job.tally.numbers
    counts, elsewhere = job.tally.cards, job.tally.elsewhere
    refusal = getattr(job.syncer, "refusal", None)  # Refuses; isinstance costs 30 µs
    read = told = 0
    for card in cards:
        read += 1
        if card.trouble:
            _skip(job, log, card, card.trouble)
            continue
        proposal = convert(card, context)
        if refusal and proposal.changes and (why_not := refusal(card)):
            _skip(job, log, card, why_not)
            continue
        for judged in proposal.judged:
            numbers[judged] = numbers.get(judged, 0) + 1
        if proposal.twice:
            counts["twice"] += 1
        for place in card.elsewhere:
            elsewhere[place] = elsewhere.get(place, 0) + 1
        if proposal.changes or proposal.questions or proposal.unfit:
            edit = _propose(job, log, card, proposal)
            if edit:
                yield edit
        if read - told >= _TELL_EVERY:
            job.progress(read - told)
            told = read
    job.progress(read - told)
    counts["read"] += read


def _skip(job: Job, log: LineSink, card: Card, reason: str) -> None:
    job.tally.cards["skipped"] += 1
    _log_and_show(job, log, SkipLine(card.ref, reason))


def _propose(job: Job, log: LineSink, card: Card, proposal: Proposal) -> Edit | None:
    counts = job.tally.cards
    changes, edit = proposal.changes, None
    if changes:
        changes = _supported(job, changes)
        try:
            edit = made(job, card, changes) if changes else None
        except ValueError as error:
            if (plain := _without_steps(job, card, proposal)) is not None:
                return _propose(job, log, card, plain)
            _skip(job, log, card, f"cannot be written: {error}")
            return None
    counts["unfit"] += len(proposal.changes) - len(changes) + proposal.unfit
    if edit:
        counts["changed"] += 1
    elif proposal.questions:
        counts["asked"] += 1
    else:
        return None
    if job.context.steps:
        for change in changes:
            job.tally.steps[change.step] = job.tally.steps.get(change.step, 0) + 1
    headline, sha256 = card.headline, card.sha256
    date = headline.date.isoformat() if headline.date and not proposal.undated else ""
    back = way_back(job.syncer, edit) if edit else ("", "", (), "")
    line = CardLine(
        card.ref, name_in_log(headline.name), card.stamp or sha256, date, changes,
        proposal.questions, sha256,
        *back, _keys(card, changes),
    )  # fmt: skip
    _log_and_show(job, log, line)
    return edit


def _supported(job: Job, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the changes that the source can make."""
    supported = job.syncer.supports
    for change in changes:
        if type(change) not in supported:
            return tuple([change for change in changes if type(change) in supported])
    return changes


def made(job: Job, card: Card, changes: Sequence[Change]) -> Edit:
    """Make changes to a card.

    Raises:
        ValueError: The card is such that they cannot be written.
    """
    syncer = job.syncer
    spans_of = getattr(syncer, "spans", None)  # Splices; isinstance costs 20 µs
    spans = spans_of(card, changes, job.now) if spans_of else None
    if spans is None:
        return Edit(card, syncer.patch(card, changes, job.now))
    return Edit(card, *spliced(card.raw, spans))


def _without_steps(job: Job, card: Card, proposal: Proposal) -> Proposal | None:
    """Return what `renumber` alone proposes for a card that cannot take the changes of the steps.

    None where no step changes it.
    """
    if all(change.step == "renumber" for change in proposal.changes):
        return None
    plain = renumber(card, job.context)
    if plain.twice and not proposal.twice:
        job.tally.cards["twice"] += 1
    left = len(proposal.changes) - len(plain.changes)
    return msgspec.structs.replace(plain, unfit=proposal.unfit + left)


def _keys(card: Card, changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the keys of the card's phones, where changes add or drop some."""
    if _IN_PLACE.issuperset(map(type, changes)):
        return ()
    return tuple([phone.key for phone in card.phones])


def way_back(syncer: Syncer, edit: Edit) -> tuple[str, str, tuple[Splice, ...], str]:
    """Return sha256 and ref after the edit, and the splices or the original to undo it."""
    card = edit.card
    ref_after = getattr(syncer, "ref_after", None)  # NamesByContent; isinstance costs 20 µs
    ref = ref_after(card, edit.raw) if ref_after else card.ref
    moved_to = "" if ref == card.ref else ref
    if syncer.writes_remotely:
        return edit.sha256, moved_to, (), pack_raw(card.raw)
    back = splices(card.raw, edit.raw) if edit.back is None else edit.back
    return edit.sha256, moved_to, back, ""


def _log_and_show(job: Job, log: LineSink, line: CardLine | SkipLine) -> None:
    log.add(line)
    job.show(line)
