"""What danhba makes of the labelled cards, held against their labels, and counted by class."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import json
from tests.command import run
from tests.labelled.card import Labelled, Tel, digits
from tests.labelled.handmade import handmade
from tests.labelled.made import made

TODAY = "2026-11-22"
ALL = "all"


@dataclass(frozen=True)
class Verdict:
    """What danhba made of a number.

    Attributes:
        about: The class of the card.
        tel: The number with its label.
        verdict: convert, keep or ask.
        after: The new number, when it is converted.
        text: The card.
    """

    about: str
    tel: Tel
    verdict: str
    after: str
    text: str

    @property
    def right(self) -> bool:
        """Whether that is what the label says."""
        if self.verdict == "convert" and digits(self.after) != self.tel.to:
            return False
        return self.verdict in self.tel.allowed

    def __str__(self) -> str:
        said = f"{self.verdict} {self.after}".strip()
        return f"{self.about}: {self.tel.value!r} {said}, not {self.tel.expect}\n{self.text}"


def labelled() -> list[Labelled]:
    """Return the whole set."""
    return [*handmade(), *made()]


def write(cards: Sequence[Labelled], folder: Path) -> Path:
    """Write the cards into one file."""
    book = folder / "labelled.vcf"
    text = "".join(card.vcard(f"card-{i}") for i, card in enumerate(cards))
    book.write_bytes(text.encode())
    return book


def judge(cards: Sequence[Labelled], folder: Path) -> list[Verdict]:
    """Pass cards through `danhba convert`, as one file, and return its verdict on each number."""
    done = run("convert", write(cards, folder), "--json", "--today", TODAY)
    assert done.code == 0, done.err
    lines = [json.decode(line) for line in done.out.splitlines()]
    by_card = {line["ref"].rpartition("#")[2]: line for line in lines if line["type"] == "card"}
    return [
        one for i, card in enumerate(cards)
        for one in _of_card(card, f"card-{i}", by_card.get(f"card-{i}", {}))
    ]  # fmt: skip


def _of_card(card: Labelled, uid: str, line: dict[str, list[dict[str, str]]]) -> Iterable[Verdict]:
    changed = {change["phone"]: change["after"] for change in line.get("changes", ())}
    asked = {question["phone"] for question in line.get("questions", ())}
    for key, tel in enumerate(card.tels):
        after = changed.get(str(key), "")
        verdict = "convert" if after else "ask" if str(key) in asked else "keep"
        yield Verdict(card.about, tel, verdict, after, card.vcard(uid))


@dataclass
class Score:
    """How danhba did on a class.

    Attributes:
        cards: How many cards.
        numbers: How many numbers on them.
        verdicts: How often each verdict was given.
        wrong: How many are not what the label says.
    """

    cards: int = 0
    numbers: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: int = 0

    def add(self, one: Verdict) -> None:
        """Count a verdict."""
        self.numbers += 1
        self.verdicts[one.verdict] += 1
        self.wrong += not one.right


def scores(
    cards: Sequence[Labelled], verdicts: Iterable[Verdict], *, split: bool = False
) -> dict[str, Score]:
    """Count by class, or by what it is split into; the sum of all is the last."""

    def named(about: str) -> str:
        return about if split else about.partition(":")[0]

    found = {name: Score() for name in sorted({named(card.about) for card in cards})}
    found[ALL] = Score()
    for card in cards:
        for name in (named(card.about), ALL):
            found[name].cards += 1
    for one in verdicts:
        for name in (named(one.about), ALL):
            found[name].add(one)
    return found


def table(found: dict[str, Score]) -> Iterator[str]:
    """Yield the scores as lines of a Markdown table."""
    yield "| class | cards | numbers | converted | kept | asked | share asked | wrong |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, score in found.items():
        of = score.verdicts
        share = of["ask"] / score.numbers
        cells = name, score.cards, score.numbers, of["convert"], of["keep"], of["ask"]
        yield f"| {' | '.join(map(str, cells))} | {share:.1%} | {score.wrong} |"
