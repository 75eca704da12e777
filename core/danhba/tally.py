"""How many cards and numbers, by verdict, reason, rule, name and kind?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias, TypeVar

from danhba.difflog import EndLine
from danhba.packs import Packs
from danhba.verdict import Judged

K = TypeVar("K")
Row: TypeAlias = tuple[str, str, str, str, str]
"""Verdict, reason, rule, operator or province in English, kind."""
_NO_CARDS = dict.fromkeys(("read", "changed", "asked", "skipped", "unfit", "twice"), 0)


@dataclass
class Tally:
    """Counts cards and numbers, so that the sums add up (promise 7)."""

    numbers: dict[Judged, int] = field(default_factory=dict)
    rows: dict[Row, int] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=_NO_CARDS.copy)
    elsewhere: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Count from nothing again."""
        self.numbers.clear()
        self.rows.clear()
        self.elsewhere.clear()
        self.steps.clear()
        self.cards.update(_NO_CARDS)

    def close(self) -> None:
        """Turn counts by judgement into counts by row."""
        for judged, count in self.numbers.items():
            row = _row_of(judged)
            self.rows[row] = self.rows.get(row, 0) + count
        self.numbers.clear()

    def add(
        self, rows: dict[Row, int], cards: dict[str, int], elsewhere: dict[str, int],
        steps: dict[str, int],
    ) -> None:  # fmt: skip
        """Add what another process counted."""
        merge(self.rows, rows)
        merge(self.cards, cards)
        merge(self.elsewhere, elsewhere)
        merge(self.steps, steps)

    def end(self, packs: Packs, **more: int) -> EndLine:
        """Return the closing line of a section; `packs` name what the rows are of."""
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
        if cards["twice"]:
            totals["cards_twice"] = cards["twice"]
        if cards["unfit"]:
            totals["changes_not_applicable"] = cards["unfit"]
        rows = tuple((*row, count) for row, count in sorted(self.rows.items()))
        names, rules = names_in(packs, {row[3] for row in rows}, {row[2] for row in rows})
        return EndLine({**totals, **more}, rows, self.elsewhere, self.steps, names, rules)


@cache
def _row_of(judged: Judged) -> Row:
    """Say under which row a number counts."""
    rule = judged.rule.id if judged.rule and judged.verdict != "keep" else ""
    return judged.verdict, judged.code, rule, place_of(judged), judged.kind


def place_of(judged: Judged) -> str:
    """Return the operator or province of a number in English, behind its country code if abroad."""
    return f"+{judged.country_code} {judged.name}".rstrip() if judged.abroad else judged.name


def names_in(
    packs: Packs, places: Iterable[str], rules: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what tables are to be read with, taken from the packs.

    Args:
        packs: The packs of the run; read are only those of the places.
        places: As `place_of` names them.
        rules: Ids of rules.

    Returns:
        English name -> Vietnamese name, where it is another; id of a rule -> English name.
    """
    wanted, places = set(rules), set(places)
    home = packs.given[0].country_code
    known: dict[str, str] = {}
    found: dict[str, str] = {}
    for code in sorted({home, *_codes_in(places)}):
        pack = packs.get(code)
        lead = "" if code == home else f"+{code} "
        if pack:
            known |= {lead + name: lead + name_vi for name, name_vi in pack.names_vi.items()}
            found |= {rule.id: lead + rule.name for rule in pack.rules if rule.id in wanted}
    shown = {*places, *found.values()}
    return {name: known[name] for name in sorted(shown) if name in known}, found


def _codes_in(places: Iterable[str]) -> Iterator[str]:
    for place in places:
        if place.startswith("+"):
            yield place[1:].partition(" ")[0]


def merge(mine: dict[K, int], theirs: Mapping[K, int]) -> None:
    """Add one count to another."""
    for key, count in theirs.items():
        mine[key] = mine.get(key, 0) + count
