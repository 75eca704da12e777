"""What does the file of a numbering pack say? Reads its TOML, and names every fault at its line.

`[[rule]]` says what was renumbered, `[[range]]` what is in use today, `[[closed]]` what is named
and never touched, `[[province]]` and `[[merged]]` how an address is recognised. A rule may take
keys from a `[wave.NAME]` table that it shares with others. `packs/vn.toml` is the example to copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from danhba.errors import PackError
from danhba.numbering import Closed, Header, Merged, Pack, Province, Range, Rule
from danhba.pack_checks import Tables, check_outputs, check_tables
from danhba.pack_patterns import fill, spread
from danhba.toml_tables import NOWHERE, Faults, Table, did_you_mean, explain, fields, read_toml

OURS = frozenset({"line", "keep", "behind", "inserted", "new_country_code"})
"""Attributes that are made here and no keys of the file."""


def read_pack(data: bytes, path: str, *, judge: bool = False) -> Pack:
    """Read a pack.

    Args:
        data: What the file holds.
        path: How messages call it.
        judge: Whether the new numbers of its rules are put to phonenumbers too.

    Raises:
        PackError: The pack has faults; the error carries all of them.
    """
    reader = _Reader(data, path)
    header, tables, faults = reader.header, reader.tables, reader.faults
    check_tables(tables, faults)
    if judge and header is not None:
        check_outputs(header.country_code, tables.rules, faults)
    if found := faults.sorted():
        raise PackError(list(found))
    assert header is not None
    return Pack(
        **msgspec.structs.asdict(header),
        rules=tables.rules,
        ranges=tables.ranges + _ranges_of_rules(tables.rules, tables.ranges),
        closed_ranges=tables.closed,
        provinces=tables.provinces,
        mergers=tables.mergers,
        sources=dict(tables.sources),
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
    )


S = TypeVar("S", bound=msgspec.Struct)
_TABLES = ("sources", "wave", "rule", "range", "closed", "province", "merged")


class _Reader:
    """Turns the bytes of a pack into its tables, noting faults on the way.

    A table with a fault of its own is left out of the checks between tables, so that one mistake
    is not reported twice.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self.faults = Faults(path)
        found = read_toml(data, self.faults)
        if found is None:
            raise PackError(list(self.faults.sorted()))
        self._document, self._places = found
        self.header = self._read_header()
        sources = self._read_sources()
        self.tables = Tables(
            self._read_all(self._rule_tables(), Rule),
            self._read_all(self._tables("range"), Range),
            self._read_all(self._tables("closed"), Closed),
            self._read_all(self._tables("province"), Province),
            self._read_all(self._tables("merged"), Merged),
            sources,
        )

    def _read_header(self) -> Header | None:
        """Read the keys before the first table; a table of an unknown name is noted here too."""
        line, lines = self._places[("", 0)]
        headers = {name: place[0] for (name, number), place in self._places.items() if not number}
        values = {key: value for key, value in self._document.items() if key not in _TABLES}
        for key in ("international_prefixes", "carrier_prefixes"):
            if isinstance(values.get(key), list):
                values[key] = list(spread(values[key]))
        return self._read(Table("the pack", values, line, headers | lines), Header)

    def _read_sources(self) -> dict[str, str]:
        """Read [sources]: texts by key."""
        table = self._keyed("sources", self._document.get("sources", {}))
        for key, text in table.values.items():
            if not isinstance(text, str):
                self.faults.add(table.at(key), f"[sources] {key}: expected a text")
        return table.values

    def _rule_tables(self) -> Iterator[Table]:
        """Give the [[rule]] tables, one for each old prefix and old country code."""
        own = self.header.country_code if self.header else ""
        for table in self._complete_rules():
            for one in _spread(table, "old"):
                for rule in _spread(one, "old_country_code"):
                    yield _with_new(rule, own)

    def _complete_rules(self) -> Iterator[Table]:
        """Give the [[rule]] tables, each with the keys it takes from its wave."""
        named = self._keyed("wave", self._document.get("wave", {})).values
        waves = {name: self._keyed(f"wave.{name}", values) for name, values in named.items()}
        for table in self._tables("rule"):
            name = table.values.get("wave")
            if name is None:
                yield table
            elif isinstance(name, str) and name in waves:
                values, lines = waves[name].values | table.values, waves[name].lines | table.lines
                del values["wave"]
                yield table._replace(values=values, lines=lines)
            else:
                hint = did_you_mean(str(name), waves)
                self.faults.add(table.at("wave"), f"[[rule]] wave: there is no [wave.{name}]{hint}")

    def _keyed(self, name: str, values: object) -> Table:
        """Give the table [name]; an empty one where the file has something else in its place."""
        line, lines = self._places.get((name, 0), NOWHERE)
        if not isinstance(values, dict):
            self.faults.add(line, f"{name} must be a table, written [{name}]")
            values = {}
        return Table(f"[{name}]", values, line, lines)

    def _tables(self, name: str) -> Iterator[Table]:
        """Give the [[name]] tables; one with a list for its prefix becomes one for each."""
        found = self._document.get(name, [])
        if not isinstance(found, list) or not all(isinstance(values, dict) for values in found):
            line = self._places.get((name, 0), NOWHERE)[0]
            self.faults.add(line, f"{name} must be a list of tables, each written [[{name}]]")
            return
        for number, values in enumerate(found):
            table = Table(f"[[{name}]]", values, *self._places.get((name, number), NOWHERE))
            yield from _spread(table, "prefix")

    def _read_all(self, tables: Iterable[Table], struct: type[S]) -> tuple[S, ...]:
        """Read tables of one sort; those with faults are left out."""
        read = (self._read(table, struct) for table in tables)
        return tuple(value for value in read if value is not None)

    def _read(self, table: Table, struct: type[S]) -> S | None:
        """Turn a table into a struct; None, and its faults noted, if it has any."""
        if table.values.keys() <= fields(struct, OURS).keys():
            try:
                values = {**table.values, **table.made, "line": table.line}
                return msgspec.convert(values, struct)
            except msgspec.ValidationError:
                pass  # msgspec names the first fault only
        also = _TABLES if struct is Header else ()
        for line, text in sorted(explain(table, struct, OURS, also)):
            self.faults.add(line, text)
        return None


def _spread(table: Table, key: str) -> Iterator[Table]:
    """Make one table of each that a key's patterns stand for; a faulty value stays as it is."""
    for one in spread(table.values.get(key)):
        yield table._replace(values=table.values | {key: one}) if one is not None else table


def _with_new(table: Table, own_code: str) -> Table:
    """Fill the new prefix of a rule with the parts it takes from the old one."""
    values = dict(table.values)
    made: dict[str, Any] = {}
    old, new = values.get("old"), values.get("new")
    if isinstance(old, str) and isinstance(new, str):
        values["new"], *counts = fill(new, old)
        made |= zip(("keep", "behind", "inserted"), counts, strict=True)
    if values.get("old_country_code") == own_code:
        del values["old_country_code"]
    elif "old_country_code" in values:
        made["new_country_code"] = own_code
    if isinstance(values.get("old_trunks"), list):
        values["old_trunks"] = list(spread(values["old_trunks"]))
    return table._replace(values=values, made=made)


def _ranges_of_rules(rules: Sequence[Rule], listed: Iterable[Range]) -> tuple[Range, ...]:
    """Make a range of the new prefix of every rule of which the file lists no part as in use."""
    in_use = {(range_.length, range_.prefix) for range_ in listed}
    parts = {(length, prefix[:size]) for length, prefix in in_use for size in range(len(prefix))}
    first_with = {(rule.new_length, rule.new): rule for rule in reversed(rules)}
    return tuple(
        Range(
            prefix=rule.new,
            length=rule.new_length,
            kind=rule.kind,
            name=rule.name,
            name_vi=rule.name_vi,
            since=rule.dual_start,
            source=rule.source,
            line=rule.line,
        )
        for rule in rules
        if first_with[rule.new_length, rule.new] is rule
        and (rule.new_length, rule.new) not in parts
        and all(
            (rule.new_length, rule.new[:size]) not in in_use for size in range(len(rule.new) + 1)
        )
    )
