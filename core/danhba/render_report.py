"""Which tables does a report have? The same for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from danhba.compare import Comparison, Shifts
from danhba.render_page import moment
from danhba.render_rows import place
from danhba.report import DONE, STATES, Counted, Report, progress, sums_by
from danhba.texts import label, reason_label, told

_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("column-convert", ("to-convert",)),
    ("column-ask", ("to-ask",)),
    ("column-ambiguous", ("ambiguous",)),
    ("column-new", DONE),
)
"""Columns of the tables, and the states that are added up in each; the rest is `other`."""

_COLUMNS = ("read", *(name for name, _ in _GROUPS), "other")


class Amount(NamedTuple):
    """A number in a table.

    Attributes:
        number: How many.
        difference: How many more than in the earlier report; None where there is none.
    """

    number: int
    difference: int | None = None


Cell: TypeAlias = str | Amount


class Table(NamedTuple):
    """A table.

    Attributes:
        title: Key of its heading.
        columns: Keys of its columns.
        rows: Its rows, a text or an amount for each column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(report: Report, compared: Comparison | None, language: str) -> Iterator[Table]:
    """Yield the tables that have rows."""
    names = compared.names if compared else report.names
    for table in (
        _by_state(report, compared, language),
        _cards(report, compared, language),
        _by_source(report, compared),
        _by_rule(report, compared, names, language),
        _by_place(report, compared, names, language),
        _by_reason(report, language),
    ):
        if table.rows:
            yield table


def headline(report: Report, language: str) -> str:
    """Say how far the renumbering has come."""
    done, of = progress(report.numbers)
    if not of:
        return told("nothing-to-renumber", {}, language)
    share = percent(done, of, language)
    counts = {"done": grouped(done, language), "of": grouped(of, language)}
    return told("progress", {**counts, "share": share}, language)


def notices(report: Report, compared: Comparison | None, language: str) -> Iterator[str]:
    """Say what must be known to read the sums: what is missing, and what is compared."""
    for source in report.sources:
        if source.error:
            named = source.source in source.error
            what = source.error if named else f"{source.source}: {source.error}"
            yield told("not-counted", {"what": what}, language)
    if compared:
        yield told("compared-with", {"time": moment(compared.earlier)}, language)
        for key, names in (
            ("only-before", compared.only_before),
            ("only-after", compared.only_after),
        ):
            if names:
                yield told(key, {"sources": ", ".join(names)}, language)


def counted(report: Report) -> list[Counted]:
    """Return the sources that could be counted."""
    return [source for source in report.sources if not source.error]


def grouped(number: int, language: str) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}".replace(",", ".") if language == "vi" else f"{number:,}"


def percent(part: int, whole: int, language: str) -> str:
    """Write a share; never 100 % while something is missing, nor 0 % while there is something."""
    tenths = round(1000 * part / whole) if whole else 0
    tenths = min(max(tenths, 1 if part else 0), 1000 if part == whole else 999)
    return f"{tenths / 10:.1f}%".replace(".", "," if language == "vi" else ".")


# -- the tables ------------------------------------------------------------------------------------


def _by_state(report: Report, compared: Comparison | None, language: str) -> Table:
    shifts = compared.numbers if compared else None
    read = report.numbers["read"]
    rows = [
        (label(state, language), _amount(state, report.numbers, shifts),
         percent(report.numbers.get(state, 0), read, language))
        for state in STATES
        if state in report.numbers or (shifts and state in shifts)
    ]  # fmt: skip
    rows.append((label("numbers_read", language), _amount("read", report.numbers, shifts), ""))
    return Table("by-state", ("state", "count", "share"), tuple(rows))


def _cards(report: Report, compared: Comparison | None, language: str) -> Table:
    shifts = compared.cards if compared else None
    order = ("changed", "asked", "unchanged", "skipped", "read")
    rows = (
        (label(f"cards_{name}", language), _amount(name, report.cards, shifts))
        for name in order
        if name in report.cards
    )
    return Table("cards", ("", "count"), tuple(rows))


def _amount(name: str, sums: Mapping[str, int], shifts: Shifts | None) -> Amount:
    if shifts is None:
        return Amount(sums.get(name, 0))
    return Amount(sums.get(name, 0), shifts[name].difference if name in shifts else 0)


def _by_source(report: Report, compared: Comparison | None) -> Table:
    sources = {source.source: source.numbers for source in counted(report)}
    if len(sources) < 2:
        return Table("by-source", (), ())
    shifts = compared.sources if compared else None
    rows = (_row(name, *_amounts(sums, shifts, name)) for name, sums in sources.items())
    return Table("by-source", ("source", *_COLUMNS), tuple(rows))


def _by_rule(
    report: Report, compared: Comparison | None, names: Mapping[str, str], language: str
) -> Table:
    shifts = compared.rules if compared else None
    sums = _with_gone(sums_by(report.lines(), lambda line: line.rule), shifts)
    rows = (
        _row(
            rule, _named(report.rules.get(rule, ""), names, language), *_amounts(own, shifts, rule)
        )
        for rule, own in sums
    )
    return Table("by-rule", ("rule", "name", *_COLUMNS), tuple(rows))


def _by_place(
    report: Report, compared: Comparison | None, names: Mapping[str, str], language: str
) -> Table:
    shifts = compared.places if compared else None
    sums = _with_gone(sums_by(report.lines(), lambda line: line.place), shifts)
    rows = (_row(_named(name, names, language), *_amounts(own, shifts, name)) for name, own in sums)
    return Table("by-place", ("place", *_COLUMNS), tuple(rows))


def _by_reason(report: Report, language: str) -> Table:
    sums: dict[tuple[str, str], int] = {}
    for line in report.lines():
        sums[line.state, line.reason] = sums.get((line.state, line.reason), 0) + line.count
    rows = (
        (label(state, language), Amount(count), reason_label(reason, language))
        for (state, reason), count in sorted(sums.items(), key=_in_order)
    )
    return Table("by-reason", ("state", "count", "reason"), tuple(rows))


def _named(name: str, names: Mapping[str, str], language: str) -> str:
    return place(name, names, language) or label("none", language)


_ORDER: dict[str, int] = {state: number for number, state in enumerate(STATES)}


def _in_order(item: tuple[tuple[str, str], int]) -> tuple[int, int]:
    (state, _), count = item
    return _ORDER[state], -count


def _row(*cells: Cell) -> tuple[Cell, ...]:
    return cells


def _with_gone(
    sums: Mapping[str, Mapping[str, int]], shifts: Mapping[str, Shifts] | None
) -> list[tuple[str, Mapping[str, int]]]:
    """Return sums by key, the most to do first, with those keys that only were there before.

    What has no key comes last, so that a table's columns add up.
    """
    every = {**{name: {} for name in shifts or ()}, **sums}
    return sorted(every.items(), key=lambda item: (not item[0], *_to_do(item[1]), item[0]))


def _to_do(sums: Mapping[str, int]) -> tuple[int, int]:
    return -sums.get("to-convert", 0) - sums.get("to-ask", 0), -sum(sums.values())


def _amounts(
    sums: Mapping[str, int], shifts: Mapping[str, Shifts] | None, name: str
) -> Iterator[Amount]:
    """Yield an amount for each of `_COLUMNS`."""
    now = grouped_states(sums)
    if shifts is None:
        yield from (Amount(now[column]) for column in _COLUMNS)
        return
    own = shifts.get(name, {})
    more = grouped_states({state: one.difference for state, one in own.items()})
    yield from (Amount(now[column], more[column]) for column in _COLUMNS)


def grouped_states(sums: Mapping[str, int]) -> dict[str, int]:
    """Add states up to the columns of the tables; `read` is their sum."""
    states = {state: count for state, count in sums.items() if state != "read"}
    found = {"read": sum(states.values())}
    for name, members in _GROUPS:
        found[name] = sum(states.pop(state, 0) for state in members)
    return {**found, "other": sum(states.values())}
