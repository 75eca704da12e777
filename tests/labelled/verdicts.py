"""What danhba makes of the labelled cards, held against their labels, and counted by class."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import json
from tests.command import run
from tests.labelled.card import Labelled, Tel, digits
from tests.labelled.handmade import handmade
from tests.labelled.made import made

TODAY = "2026-11-22"


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


def judge(cards: Sequence[Labelled], folder: Path) -> list[Verdict]:
    """Pass cards through `danhba convert`, as one file, and return its verdict on each number."""
    book = folder / "labelled.vcf"
    text = "".join(card.vcard(f"card-{i}") for i, card in enumerate(cards))
    book.write_bytes(text.encode())
    done = run("convert", book, "--json", "--today", TODAY)
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
        converted_wrongly: Numbers changed that must not be, or changed to something else.
        kept_wrongly: Numbers that the card decides to be old, and that were kept.
        asked_wrongly: Numbers asked about that need no person.
    """

    cards: int = 0
    numbers: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    converted_wrongly: int = 0
    kept_wrongly: int = 0
    asked_wrongly: int = 0

    def add(self, one: Verdict) -> None:
        """Count a verdict."""
        self.numbers += 1
        self.verdicts[one.verdict] += 1
        self.converted_wrongly += one.verdict == "convert" and not one.right
        self.kept_wrongly += one.verdict == "keep" and not one.right
        self.asked_wrongly += one.verdict == "ask" and not one.right


def scores(cards: Sequence[Labelled], verdicts: Iterable[Verdict]) -> dict[str, Score]:
    """Count by class, in the order of the alphabet; `""` is all of them."""
    found = {about: Score() for about in ("", *sorted({card.about for card in cards}))}
    for card in cards:
        found[card.about].cards += 1
        found[""].cards += 1
    for one in verdicts:
        found[one.about].add(one)
        found[""].add(one)
    return found
