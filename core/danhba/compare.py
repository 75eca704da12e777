"""What has changed between two reports?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from danhba.errors import UsageError
from danhba.report import SCHEMA, STATES, Line, Report, sums_by, totals_of
from danhba.tally import merge


class Shift(msgspec.Struct, frozen=True):
    """A count before and after.

    Attributes:
        before: In the earlier report.
        after: In this one.
        difference: How much it grew; negative when it shrank.
    """

    before: int
    after: int
    difference: int


Shifts: TypeAlias = dict[str, Shift]
"""State, or `read` -> count before and after."""


class Comparison(msgspec.Struct, frozen=True):
    """Two reports side by side; only sources that were counted in both, by name.

    Where either has but one source, they are taken for the same: a book and its converted copy.

    Attributes:
        earlier: When the earlier one was made.
        only_before: Sources that this report does not count.
        only_after: Sources that the earlier report does not count.
        cards: How the cards changed.
        numbers: How the numbers changed, by state.
        sources: The same for each source.
        rules: The same for each rule.
        places: The same for each operator and province.
        names: Vietnamese names of places by the English ones, of both.
    """

    earlier: str
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    cards: Shifts
    numbers: Shifts
    sources: dict[str, Shifts]
    rules: dict[str, Shifts]
    places: dict[str, Shifts]
    names: dict[str, str]


def read_report(path: Path) -> Report:
    """Read a report that `danhba report --json` printed.

    Raises:
        UsageError: The file is something else, or of a later version.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        hint = "make one with: danhba report SOURCE --json > FILE"
        raise UsageError(f"{path}: is no report of danhba ({error}); {hint}") from error
    if found.schema > SCHEMA:
        raise UsageError(
            f"{path}: was made by danhba {found.danhba}, which is newer; update danhba"
        )
    return found


def compare(before: Report, after: Report) -> Comparison:
    """Put two reports side by side."""
    then = {source.source: source for source in before.sources if not source.error}
    now = {source.source: source for source in after.sources if not source.error}
    if len(then) == len(now) == 1:  # a book and its converted copy
        then = dict(zip(now, then.values(), strict=True))
    both = [name for name in now if name in then]
    old_lines = [line for name in both for line in then[name].lines]
    new_lines = [line for name in both for line in now[name].lines]
    return Comparison(
        before.time,
        tuple(name for name in then if name not in now),
        tuple(name for name in now if name not in then),
        _shifts(_added(then[name].cards for name in both), _added(now[n].cards for n in both)),
        _shifts(totals_of(old_lines), totals_of(new_lines)),
        {name: _shifts(then[name].numbers, now[name].numbers) for name in both},
        _each(old_lines, new_lines, lambda line: line.rule),
        _each(old_lines, new_lines, lambda line: line.place),
        before.names | after.names,
    )


def _added(sums: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in sums:
        merge(total, one)
    return total


def _each(
    before: Iterable[Line], after: Iterable[Line], key: Callable[[Line], str]
) -> dict[str, Shifts]:
    then, now = sums_by(before, key), sums_by(after, key)
    return {
        name: _shifts(then.get(name, {}), now.get(name, {}))
        for name in sorted(then.keys() | now.keys())
    }


def _shifts(before: Mapping[str, int], after: Mapping[str, int]) -> Shifts:
    """Pair two sums, in the order of the report."""
    order = ("read", "changed", "asked", "unchanged", "skipped", *STATES)
    return {
        name: Shift(
            before.get(name, 0), after.get(name, 0), after.get(name, 0) - before.get(name, 0)
        )
        for name in order
        if name in before or name in after
    }
