"""Writes the tables of docs/world.md from the numbering packs; the text above them stays.

Run it after a change to a pack: python docs/make_world.py
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from danhba import packs

TARGET = Path(__file__).with_name("world.md")
MARK = "<!-- From here on written by docs/make_world.py -->\n"


def page() -> str:
    """Return the whole page, its tables made anew."""
    text, mark, _ = TARGET.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{TARGET}: the line {MARK!r} is missing"
    countries = sorted(
        (packs.load(name) for name in packs.builtin() if name != "vn"), key=lambda pack: pack.name
    )
    return text + mark + "\n".join((*_summary(countries), *map(_country, countries)))


def _summary(countries: list[packs.Pack]) -> Iterator[str]:
    yield "\n| country | code | pack | converted | asked about | years |\n|---|---|---|---|---|---|"
    for pack in countries:
        rules = {rule.id: rule for rule in pack.rules}.values()
        asking = sum(1 for rule in rules if rule.ask)
        years = sorted({rule.cutoff.year for rule in rules})
        span = f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])
        yield (
            f"| {pack.name} | +{pack.country_code} | `{pack.id}` | {len(rules) - asking or ''} "
            f"| {asking or ''} | {span} |"
        )
    yield ""


def _country(pack: packs.Pack) -> str:
    lines = [
        f"## {pack.name}, +{pack.country_code}\n",
        "| rule | old | new | digits | cut off | what | |",
        "|---|---|---|---|---|---|---|",
        *_rows(pack),
        "",
        *(f"- {text}" for text in pack.sources.values()),
        "",
    ]
    return "\n".join(lines)


def _rows(pack: packs.Pack) -> Iterator[str]:
    """Give a row of each rule of the file, its prefixes as they stand there."""
    written = {rule["id"]: rule for rule in _document(pack.id)["rule"]}
    for rule in {rule.id: rule for rule in pack.rules}.values():
        old, new = written[rule.id]["old"], written[rule.id]["new"]
        patterns = [old] if isinstance(old, str) else old
        code = f"+{rule.old_country_code} " if rule.old_country_code else ""
        what = f"{rule.kind}, {rule.name}" if rule.name != pack.name else rule.kind
        remark = "; ".join(filter(None, (_asks(rule), rule.withdrawn, rule.note)))
        yield (
            f"| {rule.id} | {' '.join(f'`{code}{one}`' for one in patterns)} | `{new}` "
            f"| {rule.old_length} → {rule.new_length} | {rule.cutoff} | {what} | {remark} |"
        )


def _asks(rule: packs.Rule) -> str:
    return f"**asks**: {rule.ask}, {rule.confidence} confidence" if rule.ask else ""


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("danhba") / "packs" / f"{name}.toml").read_text("utf-8"))


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
