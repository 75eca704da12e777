"""How many cards and numbers, by verdict, reason, rule, name and kind?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from danhba.convert import Judged
from danhba.difflog import EndLine

K = TypeVar("K")
Row: TypeAlias = tuple[str, str, str, str, str]
"""Verdict, reason, rule, operator or province, kind."""


@dataclass
class Tally:
    """Counts cards and numbers, so that the sums add up (promise 7)."""

    numbers: dict[Judged, int] = field(default_factory=dict)
    rows: dict[Row, int] = field(default_factory=dict)
    cards: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("read", "changed", "asked", "skipped", "unfit", "twice"), 0
        )
    )
    elsewhere: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)

    def close(self) -> None:
        """Turn counts by judgement into counts by row."""
        for judged, count in self.numbers.items():
            rule = judged.rule.id if judged.rule and judged.verdict != "keep" else ""
            name = judged.name_vi or judged.name
            if judged.abroad:
                name = f"+{judged.country_code} {name}".rstrip()
            row = (judged.verdict, judged.code, rule, name, judged.kind)
            self.rows[row] = self.rows.get(row, 0) + count
        self.numbers.clear()

    def add(
        self, rows: dict[Row, int], cards: dict[str, int], elsewhere: dict[str, int],
        steps: dict[str, int],
    ) -> None:  # fmt: skip
        """Add what another process counted."""
        _merge(self.rows, rows)
        _merge(self.cards, cards)
        _merge(self.elsewhere, elsewhere)
        _merge(self.steps, steps)

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
        if cards["twice"]:
            totals["cards_twice"] = cards["twice"]
        if cards["unfit"]:
            totals["changes_not_applicable"] = cards["unfit"]
        rows = tuple((*row, count) for row, count in sorted(self.rows.items()))
        return EndLine({**totals, **more}, rows, self.elsewhere, self.steps)


def _merge(mine: dict[K, int], theirs: dict[K, int]) -> None:
    for key, count in theirs.items():
        mine[key] = mine.get(key, 0) + count
