"""Is a numbering pack at one with itself, and with phonenumbers? Its faults, each with a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from danhba.judge import Judge
from danhba.numbering import Closed, Merged, Province, Range, Rule, index_of, longest
from danhba.toml_tables import Faults, did_you_mean


class Tables(NamedTuple):
    """The tables of one file, but for those with a fault of their own."""

    rules: tuple[Rule, ...]
    ranges: tuple[Range, ...]
    closed: tuple[Closed, ...]
    provinces: tuple[Province, ...]
    mergers: tuple[Merged, ...]
    sources: Mapping[str, str]


def check_tables(tables: Tables, faults: Faults) -> None:
    """Check what one table alone cannot show."""
    for rule in tables.rules:
        _check_rule(rule, faults)
    _check_unique(tables, faults)
    _check_overlaps(tables, faults)
    _check_chains(tables, faults)
    _check_sources(tables, faults)
    _check_provinces(tables, faults)


def check_outputs(country_code: str, rules: Iterable[Rule], faults: Faults) -> None:
    """Check that phonenumbers accepts some new number of each rule, as the kind it declares."""
    judge = Judge()
    for rule in rules:
        if _adds_up(rule):
            wanted = {rule.kind, "fixed-or-mobile" if rule.kind != "voip" else "voip"}
            found: set[str] = set()
            for nsn in _samples(rule):
                found.add(judge.kind(country_code, nsn, len(nsn)) or "not valid")
                if not wanted.isdisjoint(found):
                    break
            else:
                faults.add(rule.line, _without_output(rule, found))


def _without_output(rule: Rule, found: Iterable[str]) -> str:
    """Say that no new number of a rule is what the rule says."""
    tried = "of its lines" if rule.lines else "00 to 99"
    return (
        f"rule {rule.id}: no new number {rule.new}… (first two subscriber digits {tried} tried) "
        f"is a valid {rule.kind} number; phonenumbers says: {', '.join(sorted(found))}"
    )


def _check_rule(rule: Rule, faults: Faults) -> None:
    """Check the lengths and the days of one rule."""
    if len(rule.old) > rule.old_length or len(rule.new) > rule.new_length:
        faults.add(rule.line, f"rule {rule.id}: a prefix is longer than its whole number")
    elif not _adds_up(rule):
        expected = rule.old_length - len(rule.old) + len(rule.new)
        faults.add(
            rule.line,
            f"rule {rule.id}: {rule.old} to {rule.new} makes {rule.old_length} digits "
            f"{expected}, but new_length is {rule.new_length}",
        )
    if rule.old == rule.new and rule.old_length == rule.new_length and not rule.new_country_code:
        faults.add(rule.line, f"rule {rule.id}: {rule.old} to {rule.new} changes nothing")
    if rule.dual_start and rule.dual_end and rule.dual_end < rule.dual_start:
        faults.add(rule.line, f"rule {rule.id}: dual_end is before dual_start")
    if rule.dual_end and rule.cutoff <= rule.dual_end:
        faults.add(rule.line, f"rule {rule.id}: cutoff must be after dual_end")


def _adds_up(rule: Rule) -> bool:
    """Tell whether the new number has the digits of the old one, but for the prefix."""
    subscriber = rule.old_length - len(rule.old)
    return subscriber >= 0 and rule.new_length - len(rule.new) == subscriber


def _check_unique(tables: Tables, faults: Faults) -> None:
    """Check that no id and no range is given twice."""
    rules, ranges, closed, *_ = tables
    seen: dict[tuple[str, object], int] = {}
    keys: list[tuple[str, object, int]] = [
        *(("rules with the id", rule.id, rule.line) for rule in rules),
        *(("ranges", f"{range_.prefix}, {range_.length} digits", range_.line) for range_ in ranges),
        *(
            ("closed ranges", f"{shut.prefix}, {length} digits", shut.line)
            for shut in closed
            for length in shut.lengths
        ),
    ]
    for what, key, line in keys:
        first = seen.setdefault((what, key), line)
        if first != line:
            faults.add(line, f"two {what} {key} (lines {first} and {line})")


def _check_overlaps(tables: Tables, faults: Faults) -> None:
    """Check that an old number belongs to one rule only, and to no closed range."""
    heads = _heads(tables.rules)
    for rule in tables.rules:
        for other in _meeting(heads, rule.old_length, rule.old):
            if rule.old_country_code != other.old_country_code or (rule.ask and other.ask):
                continue
            if (other.line, other.old) < (rule.line, rule.old):
                text = f"rules {other.id} and {rule.id} overlap: {other.old} and {rule.old}"
                faults.add(rule.line, f"{text} (lines {other.line} and {rule.line})")
    for shut in tables.closed:
        for length in shut.lengths:
            for rule in _meeting(heads, length, shut.prefix):
                if rule.old_country_code:
                    continue
                text = f"closed range {shut.prefix!r} overlaps rule {rule.id}"
                faults.add(shut.line, f"{text} (lines {rule.line} and {shut.line})")


# (digits of the old number, first digits of an old prefix, up to all) -> rules
_Heads: TypeAlias = dict[tuple[int, str], list[Rule]]


def _heads(rules: Iterable[Rule]) -> _Heads:
    """Arrange rules for `_meeting`."""
    heads: _Heads = {}
    for rule in rules:
        for size in range(len(rule.old) + 1):
            heads.setdefault((rule.old_length, rule.old[:size]), []).append(rule)
    return heads


def _meeting(heads: _Heads, length: int, prefix: str) -> list[Rule]:
    """Give the rules that have old numbers of `length` digits beginning with `prefix`."""
    wider = (prefix[:size] for size in range(1, len(prefix)))
    found = [rule for old in wider for rule in heads.get((length, old), ()) if rule.old == old]
    return found + heads.get((length, prefix), [])


def _check_chains(tables: Tables, faults: Faults) -> None:
    """Check that no new number is an old number again, so that a second run changes nothing.

    Where a listed range says that the new numbers are in use today, the converter takes them for
    ambiguous and asks for evidence (0168 to 038, which was Nghệ An): that is no fault.
    """
    heads = _heads(tables.rules)
    in_use = index_of((range_.length, range_.prefix, range_) for range_ in tables.ranges)
    for rule in tables.rules:
        for start in (rule.new + line for line in rule.lines or ("",)):
            for other in _meeting(heads, rule.new_length, start):
                if other.old_country_code:
                    continue
                hop = max(start, other.old, key=len)
                if longest(in_use, hop.ljust(rule.new_length)) is None:
                    faults.add(
                        rule.line,
                        f"rule {rule.id}: its new numbers {hop}… are old numbers of {other.id} "
                        f"(line {other.line}), so a second run would change them again; "
                        "where they are in use today, say so with a [[range]]",
                    )


def _check_sources(tables: Tables, faults: Faults) -> None:
    """Check that every source named is in [sources]."""
    sourced: tuple[Rule | Range | Closed | Merged, ...] = (
        *tables.rules,
        *tables.ranges,
        *tables.closed,
        *tables.mergers,
    )
    for table in sourced:
        if table.source and table.source not in tables.sources:
            hint = did_you_mean(table.source, tables.sources)
            faults.add(table.line, f"no source {table.source!r} in [sources]{hint}")


def _check_provinces(tables: Tables, faults: Faults) -> None:
    """Check that provinces are called as in the rules and ranges."""
    named: tuple[Rule | Range, ...] = (*tables.rules, *tables.ranges)
    known = {name for table in named for name in (table.name, table.name_vi) if name}
    called = [
        *((province.name, province.line) for province in tables.provinces),
        *((name, merged.line) for merged in tables.mergers for name in (merged.name, *merged.old)),
    ]
    for name, line in called:
        if name not in known:
            hint = did_you_mean(name, known)
            faults.add(line, f"no rule or range has the name {name!r}{hint}")


def _samples(rule: Rule) -> Iterator[str]:
    """Give new numbers of a rule, one for each pair of first subscriber digits that existed."""
    size = rule.new_length - len(rule.new)
    for start in (f"{pair:02}" for pair in range(100)):
        if not rule.lines or any(start[: len(line)] == line[:2] for line in rule.lines):
            yield rule.new + (start + "2345678901234")[:size]
