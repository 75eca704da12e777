"""What does a diff log say about each card, up to now?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from danhba.card import Card, Change
from danhba.changes import keys_after
from danhba.difflog import (
    AnswerLine,
    CardLine,
    EndLine,
    IntentLine,
    LogPlaces,
    OutcomeLine,
    Run,
    Section,
    read_log_places,
    unpack_raw,
    unsplice,
)
from danhba.errors import LogError


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
        proposes: Whether that proposal has changes; it may be a question alone.
        steps: Our writes to the card, oldest first; the last may be unsettled after a crash.
        undone: Whether the card was restored, and is to be left alone.
        void: Whether the card moved on, was read again, and needed nothing any more.
    """

    places: LogPlaces
    offset: int
    proposes: bool = False
    steps: list[Step] = field(default_factory=list)
    undone: bool = False
    void: bool = False

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
    def settled(self) -> bool:
        """Whether nothing of the proposal is to be made any more."""
        return self.undone or self.void

    @property
    def open(self) -> bool:
        """Whether a write was under way when the log breaks off."""
        return bool(self.steps) and not self.steps[-1].settled

    def made(self) -> tuple[Change, ...]:
        """Return what has been made of the latest proposal, answers included."""
        return tuple(
            [
                change
                for step in self.steps
                if step.settled and step.offset == self.offset
                for change in self.sent(step).changes
            ]
        )

    def located(self, changes: tuple[Change, ...], card: Card) -> tuple[Change, ...]:
        """Return changes of the latest proposal with the keys that the card's phones have now.

        Raises:
            ValueError: A field is not there any more.
        """
        keys = keys_after(self.line.keys, self.made())
        if keys == self.line.keys:
            return changes
        now = dict(zip(keys, (phone.key for phone in card.phones), strict=False))
        if len(keys) != len(card.phones) or not all(change.phone in now for change in changes):
            raise ValueError("the card does not hold the phones that the log says it does")
        return tuple([replace(change, phone=now[change.phone]) for change in changes])

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
            entry.offset, entry.proposes, entry.void = offset, bool(line.changes), False
        elif isinstance(line, IntentLine):
            _intended(story, line, section)
        elif isinstance(line, OutcomeLine):
            _came_out(story, line, section)
        elif isinstance(line, AnswerLine):
            story.answers[line.ref, line.key] = line.answer
        elif isinstance(line, EndLine) and story.end is None and section == first.section:
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
        elif section == "replan":
            entry.void = line.status == "kept"
        elif entry.open:
            if line.status == "written":
                step = entry.steps[-1]
                step.settled, step.version = True, line.version or entry.sha256_after()
            else:
                entry.steps.pop()
