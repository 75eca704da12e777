"""How far along are the books? Counts every number by what is left to do about it.

A number is counted once, under the first of `STATES` that fits, so that the sums of the states are
the numbers read. Nothing is written and no log is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

import msgspec

import danhba
from danhba import parallel
from danhba.card import Card, Edit
from danhba.convert import convert, examine
from danhba.job import Job, silent
from danhba.packs import Packs, Rule
from danhba.syncer import InParts, Part, Refuses
from danhba.tally import merge, names_in, place_of
from danhba.verdict import Judged

SCHEMA = 1
"""Version of the report's JSON; a later one is refused as a baseline."""

State: TypeAlias = Literal[
    "to-convert", "to-ask", "not-writable", "undone", "waiting", "ambiguous", "decided",
    "converted", "already-new", "never-renumbered", "foreign", "short", "no-such-number",
    "unreadable",
]  # fmt: skip
STATES: tuple[State, ...] = get_args(State)
"""What is left to do, then what is done, then what never was to do."""

OPEN: tuple[State, ...] = ("to-convert", "to-ask", "not-writable", "undone")
DONE: tuple[State, ...] = ("converted", "already-new")

_TELL_EVERY = 1000


class Line(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """Numbers that are alike, and how many.

    Attributes:
        state: What is left to do about them.
        reason: Code of the reason; `danhba.texts` has a sentence for each.
        rule: Id of the rule that would convert them, or whose new numbers they are.
        place: Operator or province in English; of a foreign number its country as +61.
        kind: What they are: mobile, fixed, …
        count: How many.
    """

    state: State
    reason: str
    rule: str = ""
    place: str = ""
    kind: str = ""
    count: int = 0


class Counted(msgspec.Struct, frozen=True, omit_defaults=True):
    """One source, counted.

    Attributes:
        source: Its name, without secrets.
        error: Why it could not be counted; then it adds nothing to the sums.
        cards: `read`, `changed`, `asked`, `unchanged`, `skipped`: each card once.
        numbers: `read`, then by state; only states that occur.
        lines: What the numbers are made up of.
    """

    source: str
    error: str = ""
    cards: dict[str, int] = {}
    numbers: dict[str, int] = {}
    lines: tuple[Line, ...] = ()


class Report(msgspec.Struct, frozen=True, tag_field="type", tag="report"):
    """A count over sources.

    Attributes:
        schema: Version of this format.
        danhba: Version of the program.
        time: When it was made, RFC 3339.
        today: The day dates were compared with.
        country: Home country.
        packs: Pack id -> sha256 of the pack.
        sources: In the order they were given.
        cards: The sums over all sources.
        numbers: Likewise.
        names: Vietnamese names by the English ones, where they differ.
        rules: Id of each rule -> its operator or province, in English.
    """

    schema: int
    danhba: str
    time: str
    today: str
    country: str
    packs: dict[str, str]
    sources: tuple[Counted, ...]
    cards: dict[str, int]
    numbers: dict[str, int]
    names: dict[str, str]
    rules: dict[str, str]

    def lines(self) -> Iterator[Line]:
        """Yield the lines of all sources."""
        for source in self.sources:
            yield from source.lines


Sums: TypeAlias = dict[str, int]
"""State -> count."""


# -- counting ------------------------------------------------------------------------------------

_Key: TypeAlias = tuple[State, str, str, str, str]


@dataclass
class _Count:
    """What was counted of one source so far."""

    keys: dict[_Key, int] = field(default_factory=dict)
    cards: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("read", "changed", "asked", "skipped"), 0)
    )
    judged: dict[tuple[Judged, bool], int] = field(default_factory=dict)

    def close(self) -> None:
        """Turn counts by judgement into counts by key."""
        for (judged, ours), count in self.judged.items():
            key = _key(judged, ours=ours)
            self.keys[key] = self.keys.get(key, 0) + count
        self.judged.clear()


def _key(judged: Judged, *, ours: bool) -> _Key:
    state = state_of(judged, ours=ours)
    rule: Rule | None = judged.made_by if state in DONE else judged.rule
    return state, judged.code, rule.id if rule else "", place_of(judged), judged.kind


def state_of(judged: Judged, *, ours: bool = False) -> State:
    """Say what is left to do about a number; `ours`: danhba wrote it, says the ledger."""
    if judged.verdict != "keep":
        return "to-convert" if judged.verdict == "convert" else "to-ask"
    if judged.code in _BY_REASON:
        return _BY_REASON[judged.code]
    if judged.kind in _BY_KIND:
        return _BY_KIND[judged.kind]
    if ours and (judged.made_by or judged.code == "ours"):
        return "converted"
    if judged.code == "also-valid-today":
        return "ambiguous"
    if judged.rule and judged.code not in ("proved-mobile", "ours"):
        return "not-writable"
    return "already-new" if judged.made_by else "never-renumbered"


_BY_REASON: Mapping[str, State] = {
    "answered": "decided",
    "undone": "undone",
    "kept-beside": "waiting",
    "not-yet": "waiting",
    "waits": "waiting",
    "too-short": "short",
    "no-such-line": "no-such-number",
    "no-such-number": "no-such-number",
}
_BY_KIND: Mapping[str, State] = {
    "foreign": "foreign",
    "short": "short",
    "unreadable": "unreadable",
}


def count(job: Job, skipped: Callable[[str, str], None] = lambda _ref, _reason: None) -> Counted:
    """Read and judge every number of a source.

    Args:
        job: The source; only its progress is told, nothing is shown or written.
        skipped: Told ref and reason of each card that cannot be understood or written.
    """
    found = _Count()
    for _ in _parts_counted(job, found, skipped):
        pass
    found.close()
    lines = tuple(sorted(Line(*key, number) for key, number in found.keys.items()))
    cards = found.cards
    rest = cards["read"] - cards["changed"] - cards["asked"] - cards["skipped"]
    return Counted(job.source, "", {**cards, "unchanged": rest}, totals_of(lines), lines)


def totals_of(lines: Iterable[Line]) -> dict[str, int]:
    """Return how many numbers were read, then how many there are of each state that occurs."""
    by_state = sums_by(lines, lambda line: line.state)
    totals: dict[str, int] = {}
    for state in STATES:
        if state in by_state:
            totals[state] = sum(by_state[state].values())
    return {"read": sum(totals.values()), **totals}


class _Worked(msgspec.Struct, array_like=True):
    """What a process made of one part of a source."""

    odd: bool
    keys: bytes = b""
    counts: list[tuple[_Key, int]] = []
    cards: dict[str, int] = {}
    skipped: list[tuple[str, str]] = []


_worked_encoder = msgspec.msgpack.Encoder()
_worked_decoder = msgspec.msgpack.Decoder(_Worked)


def _parts_counted(job: Job, found: _Count, skipped: Callable[[str, str], None]) -> Iterator[bytes]:
    """Count side by side where the source comes in parts; what it yields is of no use.

    A part that cannot be read by itself is read here, and so is all that comes behind it.
    """
    syncer = job.syncer
    parts = syncer.parts() if isinstance(syncer, InParts) else ()
    workers = min(parallel.processors(), len(parts))
    if not isinstance(syncer, InParts) or workers < 2:
        for _ in _cards_counted(job, syncer.read(), found, skipped):
            pass
        return
    results = parallel.side_by_side(parts, lambda part: [_work(job, part)], workers)
    for part, result in zip(parts, results, strict=True):
        worked = _worked_decoder.decode(result[0]) if result else _Worked(odd=True)
        if worked.odd or not syncer.take(worked.keys):
            results.close()
            yield from syncer.copy_from(
                part, lambda cards: _cards_counted(job, cards, found, skipped)
            )
            return
        merge(found.keys, dict(worked.counts))
        merge(found.cards, worked.cards)
        for ref, reason in worked.skipped:
            skipped(ref, reason)
        job.progress(worked.cards["read"])


def _work(job: Job, part: Part) -> bytes:
    """Count one part, in a process of its own."""
    loaded = part.load()
    if loaded is None:
        return _worked_encoder.encode(_Worked(odd=True))
    found, skipped = _Count(), list[tuple[str, str]]()
    quiet = replace(job, progress=silent)
    for _ in _cards_counted(quiet, loaded.read(), found, lambda *card: skipped.append(card)):
        pass
    found.close()
    return _worked_encoder.encode(
        _Worked(
            odd=False, keys=loaded.keys(), counts=list(found.keys.items()), cards=found.cards,
            skipped=skipped,
        )
    )  # fmt: skip


def _cards_counted(
    job: Job, cards: Iterable[Card], found: _Count, skipped: Callable[[str, str], None]
) -> Iterator[Edit]:
    """Count cards; the edits it yields are none, whoever copies with them copies all as it is."""
    told = 0
    read_before = found.cards["read"]
    refusal = job.syncer.refusal if isinstance(job.syncer, Refuses) else None
    for read, card in enumerate(cards, 1):
        found.cards["read"] = read_before + read
        if reason := card.trouble or _counted(job, card, found, refusal):
            found.cards["skipped"] += 1
            skipped(card.ref, reason)
        if read - told >= _TELL_EVERY:
            job.progress(read - told)
            told = read
    job.progress(found.cards["read"] - read_before - told)
    yield from ()


def _counted(job: Job, card: Card, found: _Count, refusal: Callable[[Card], str] | None) -> str:
    """Count one card; return why it must be skipped, as in `plan`, or an empty string."""
    proposal = convert(card, job.context)
    if refusal and proposal.changes and (why_not := refusal(card)):
        return why_not
    if proposal.changes:
        found.cards["changed"] += 1
    elif proposal.questions:
        found.cards["asked"] += 1
    earlier = job.context.ledger.get(card.ref)
    if not earlier:
        numbers = [(judged, False) for judged in proposal.judged]
    else:
        numbers = [
            (number.judged, one.phone.value in earlier.ours)
            for one in examine(card, job.context)
            for number in one.numbers
        ]
    for number in numbers:
        found.judged[number] = found.judged.get(number, 0) + 1
    return ""


# -- putting together ------------------------------------------------------------------------------


def report(
    sources: Iterable[Counted], packs: Packs, *, time: str, today: str, country: str
) -> Report:
    """Put counted sources together."""
    counted = tuple(sources)
    lines = [line for source in counted for line in source.lines]
    names, rules = names_in(packs, {line.place for line in lines}, {line.rule for line in lines})
    cards: dict[str, int] = {}
    for source in counted:
        merge(cards, source.cards)
    return Report(
        SCHEMA, danhba.__version__, time, today, country,
        packs.digests(), counted, cards, totals_of(lines), names, rules,
    )  # fmt: skip


def sums_by(lines: Iterable[Line], key: Callable[[Line], str]) -> dict[str, Sums]:
    """Count by a key, then by state; the key may be empty."""
    found: dict[str, Sums] = {}
    for line in lines:
        sums = found.setdefault(key(line), {})
        sums[line.state] = sums.get(line.state, 0) + line.count
    return found


def progress(numbers: Mapping[str, int]) -> tuple[int, int]:
    """Return how many renumbered numbers are in their new form, and how many there are."""
    done = sum(numbers.get(state, 0) for state in DONE)
    return done, done + sum(numbers.get(state, 0) for state in OPEN)
