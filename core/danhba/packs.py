"""Which old number became which new one? Numbering packs: load, check, look up.

A pack is a TOML file, data and nothing else: `[[rule]]` says what was renumbered, `[[range]]` what
is in use today, `[[closed]]` what is named and never touched, `[[province]]` and `[[merged]]` how
an address is recognised. A rule may take keys from a `[wave.NAME]` table that it shares with
others. `packs/vn.toml` is the example to copy.

All numbers are national significant numbers (NSN): digits without trunk prefix and country code.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar, get_args, get_origin

import msgspec

from danhba.errors import PackError, UsageError
from danhba.judge import Judge, Kind

Digits: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\Z")]
SomeDigits: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]*\Z")]
Length: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=17)]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One renumbering: numbers of `old_length` digits that begin with `old` now begin with `new`.

    Attributes:
        id: The rule's name in logs and reports, unique in its pack.
        old: First digits of the old NSN.
        new: What stands in their place in the new NSN.
        old_length: Digits of the whole old NSN.
        new_length: Digits of the whole new NSN.
        kind: What the number is, before and after.
        name: Operator or province, in English.
        name_vi: The same in Vietnamese; empty where it is the same.
        announced: The day the change was made public.
        dual_start: The first day the new number connects.
        dual_end: The last day both connect.
        cutoff: The first day the old number no longer connects.
        announce_end: The last day a recorded message names the new number.
        source: Key of the pack's `sources`.
        lines: First digits of the subscriber numbers that ever existed; empty when unknown.
        exhaustive: Whether `lines` is documented in full, so that a number outside has no old
            reading at all; otherwise it is only evidence.
        line: Where the rule begins in its file, from 1.
    """

    id: str
    old: Digits
    new: Digits
    old_length: Length
    new_length: Length
    kind: Literal["mobile", "fixed", "voip"]
    name: str
    name_vi: str = ""
    announced: date | None = None
    dual_start: date | None = None
    dual_end: date | None = None
    cutoff: date
    announce_end: date | None = None
    source: str
    lines: tuple[Digits, ...] = ()
    exhaustive: bool = False
    line: int = 0


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers in use today.

    Attributes:
        prefix: First digits of the NSN; in the file also a list of them.
        length: Digits of the whole NSN.
        kind: What the numbers are.
        name: Operator or province, in English.
        name_vi: The same in Vietnamese; empty where it is the same.
        since: No number of the range existed before that day, perhaps none for some time after;
            None when unknown.
        source: Key of the pack's `sources`, or an empty string.
        line: Where the range, or the rule it comes from, begins in its file, from 1.
    """

    prefix: Digits
    length: Length
    kind: Kind
    name: str
    name_vi: str = ""
    since: date | None = None
    source: str = ""
    line: int = 0


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that are known by name and never touched.

    Attributes:
        prefix: First digits, as dialled without the trunk prefix; empty for all of these lengths;
            in the file also a list of them.
        lengths: Digits of the whole number, each length that occurs.
        kind: What the numbers are.
        name: What they are, in English.
        name_vi: The same in Vietnamese.
        source: Key of the pack's `sources`, or an empty string.
        line: Where it begins in its file, from 1.
    """

    prefix: SomeDigits
    lengths: tuple[Length, ...]
    kind: Literal["service", "short", "toll-free", "premium"]
    name: str
    name_vi: str = ""
    source: str = ""
    line: int = 0


class Province(msgspec.Struct, frozen=True, kw_only=True):
    """Other names a province has in addresses.

    Attributes:
        name: The `name_vi` (or `name`) of its rule or range.
        aliases: Abbreviations, old names and towns that are in no other province.
        line: Where it begins in its file, from 1.
    """

    name: str
    aliases: tuple[str, ...]
    line: int = 0


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """A province that took in others; an address in it may stand for any of them.

    Attributes:
        name: The province as it is called today.
        old: The provinces it took in; the one whose name it kept is not among them.
        source: Key of the pack's `sources`, or an empty string.
        line: Where it begins in its file, from 1.
    """

    name: str
    old: tuple[str, ...]
    source: str = ""
    line: int = 0


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack says once, at its top.

    Attributes:
        id: The pack's name.
        name: The country, in English.
        country: ISO 3166 code of the country.
        country_code: Its calling code, without `+`.
        trunk_prefix: What is dialled before an NSN inside the country; may be empty.
        international_prefixes: What is dialled before a country code.
        nsn_lengths: Digits an ordinary subscriber's NSN may have today.
        block_digits: The validity of a number never depends on more than its length and so many
            first digits of its NSN; 17, the safe value, means all of them.
        country_names: How people write the country in an address.
        fixed_words: Words in a typed label that mean a landline, in lower case and with all their
            diacritics, which a label may lack; `=` before one: the whole label, spelled so.
        office_words: Words in a typed label that merely suggest one.
        mobile_words: Words in a typed label that mean a mobile or a messenger.
        denial_words: Words such as `not`, with which a label says nothing.
        spaced_codes: Old area codes whose end shows in the spelling, since no mobile prefix of
            today ends there; brackets around one prove a landline.
        bracket_rivals: Countries where the same brackets are written around another area code:
            their names in an address, and their calling codes with a `+`.
    """

    id: str
    name: str
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
    country_code: Digits
    trunk_prefix: SomeDigits = ""
    international_prefixes: tuple[Digits, ...] = ()
    nsn_lengths: tuple[Length, ...]
    block_digits: Length = 17
    country_names: tuple[str, ...] = ()
    fixed_words: tuple[str, ...] = ()
    office_words: tuple[str, ...] = ()
    mobile_words: tuple[str, ...] = ()
    denial_words: tuple[str, ...] = ()
    spaced_codes: tuple[Digits, ...] = ()
    bracket_rivals: tuple[str, ...] = ()


class Pack(Header, frozen=True, kw_only=True, dict=True):
    """A numbering pack; the lookups take one dictionary access per length of prefix.

    Attributes:
        rules: Its rules, in the order of the file.
        ranges: What is in use today: its ranges, then the new prefix of each rule with no range.
        closed_ranges: What is never touched.
        provinces: Other names of provinces.
        mergers: Provinces that took in others.
        sources: Where the facts are from, by the key that rules and ranges give.
        path: The file, as it is called in messages.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
    """

    rules: tuple[Rule, ...]
    ranges: tuple[Range, ...]
    closed_ranges: tuple[Closed, ...]
    provinces: tuple[Province, ...]
    mergers: tuple[Merged, ...]
    sources: dict[str, str]
    path: str
    sha256: str

    def rule_for(self, nsn: str) -> Rule | None:
        """Find the rule whose old numbers include `nsn`, whether or not it is in use today."""
        return _longest(self._rules, nsn)

    def range_of(self, nsn: str) -> Range | None:
        """Find the range of today's plan that includes `nsn`."""
        return _longest(self._ranges, nsn)

    def closed(self, digits: str) -> Closed | None:
        """Find the closed range that includes `digits`, given without trunk prefix."""
        return _longest(self._closed, digits)

    @cached_property
    def _rules(self) -> _Index[Rule]:
        return _index((rule.old_length, rule.old, rule) for rule in self.rules)

    @cached_property
    def _ranges(self) -> _Index[Range]:
        return _index((range_.length, range_.prefix, range_) for range_ in self.ranges)

    @cached_property
    def _closed(self) -> _Index[Closed]:
        return _index((n, shut.prefix, shut) for shut in self.closed_ranges for n in shut.lengths)


T = TypeVar("T")

# Length of the number -> (length of the prefix, what begins with it), longest prefix first.
_Index: TypeAlias = dict[int, list[tuple[int, dict[str, T]]]]


def _index(entries: Iterable[tuple[int, str, T]]) -> _Index[T]:
    """Arrange (length, prefix, value) for `_longest`; of equal prefixes the first counts."""
    tables: dict[int, dict[int, dict[str, T]]] = {}
    for length, prefix, value in entries:
        by_size = tables.setdefault(length, {})
        by_size.setdefault(len(prefix), {}).setdefault(prefix, value)
    return {length: sorted(tables[length].items(), reverse=True) for length in tables}


def _longest(index: _Index[T], digits: str) -> T | None:
    """Look up the longest known prefix of `digits` among numbers of its length."""
    for size, by_prefix in index.get(len(digits), ()):
        hit = by_prefix.get(digits[:size])
        if hit is not None:
            return hit
    return None


def builtin() -> tuple[str, ...]:
    """Name the packs that come with danhba, in alphabetical order."""
    folder = resources.files("danhba") / "packs"
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load(name_or_path: str) -> Pack:
    """Load a pack: a bare name is a built-in one, what has a separator or ends in .toml a file.

    The new numbers of a file's rules are put to phonenumbers (see `check`); those of the built-in
    packs were, by danhba's own tests.

    Raises:
        PackError: The pack has faults; the error carries all of them.
        UsageError: There is no such pack, or the file cannot be read.
    """
    separators = {"/", os.sep}
    if name_or_path.endswith(".toml") or any(sep in name_or_path for sep in separators):
        return _load_file(name_or_path)
    return _load_builtin(name_or_path)


def check(pack: Pack) -> tuple[str, ...]:
    """Put the new numbers of every rule to phonenumbers and say which rules give none it accepts.

    Tried are the first two digits of the subscriber number, 00 to 99 (of `lines` where the rule
    has them). A rule is fine when one of them gives a valid number of the rule's kind.
    """
    faults = _Faults(pack.path)
    _check_outputs(pack.country_code, pack.rules, faults)
    return faults.sorted()


@functools.cache
def _load_builtin(name: str) -> Pack:
    """Load a built-in pack, once per process."""
    file = resources.files("danhba") / "packs" / f"{name}.toml"
    if not file.is_file():
        raise UsageError(
            f"no numbering pack named {name!r}{_did_you_mean(name, builtin())}; "
            f"built in: {', '.join(builtin())} (a file's name must end in .toml)"
        )
    return _Reader(file.read_bytes(), f"packs/{name}.toml").finish()


def _load_file(path: str) -> Pack:
    """Load a pack from a file and put its rules to phonenumbers."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot read the numbering pack: {error.strerror}") from error
    reader = _Reader(data, path)
    reader.check_outputs()
    return reader.finish()


class _Faults:
    """The faults of one file, each with its line."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._found: dict[tuple[int, str], None] = {}

    def add(self, line: int, text: str) -> None:
        """Note a fault; the same one twice counts once."""
        self._found[line, text] = None

    def sorted(self) -> tuple[str, ...]:
        """Give the faults in the order of the file, `path:line: what is wrong`."""
        found = sorted(self._found, key=lambda fault: fault[0])
        return tuple(f"{self.path}:{line}: {text}" for line, text in found)


class _Table(NamedTuple):
    """One table of the file: its values and where they stand.

    Attributes:
        label: How messages call it, such as `[[rule]]`.
        values: What tomllib read.
        line: The line of its header.
        lines: The line of each key.
    """

    label: str
    values: dict[str, Any]
    line: int
    lines: dict[str, int]

    def at(self, key: str) -> int:
        """Give the line of a key, or of the header where the key is missing."""
        return self.lines.get(key, self.line)


# (table, number among those of its name) -> (line of the header, line of each key)
_Places: TypeAlias = dict[tuple[str, int], tuple[int, dict[str, int]]]
_NOWHERE: tuple[int, dict[str, int]] = (1, {})

_PLACE = re.compile(
    r"""\s*(?: \[{1,2} \s* (?P<table> [^\[\]]+?) \s* \] | ["']? (?P<key> [\w-]+) ["']? \s* = )""",
    re.VERBOSE,
)


def _places(text: str) -> _Places:
    """Find the lines of tables and keys, which tomllib does not tell.

    Only lines that begin with a header or a key count; inline tables are not looked into.
    """
    lines: dict[str, int] = {}
    places: _Places = {("", 0): (1, lines)}
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not (place := _PLACE.match(line)):
            continue
        table, key = place.groups()
        if table:
            lines = {}
            counts[table] = counts.get(table, -1) + 1
            places[table, counts[table]] = (number, lines)
        else:
            lines.setdefault(key, number)
    return places


S = TypeVar("S", bound=msgspec.Struct)

_TABLES = ("sources", "wave", "rule", "range", "closed", "province", "merged")


class _Reader:
    """Turns the bytes of a pack into a Pack, noting faults on the way.

    A table with a fault of its own is left out of the checks between tables, so that one mistake
    is not reported twice.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self.faults = _Faults(path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._document, self._places = self._parse(data)
        self.header = self._read_header()
        self.sources = self._read_sources()
        self.rules = self._read_all(self._rule_tables(), Rule)
        self.listed = self._read_all(self._tables("range"), Range)
        self.closed = self._read_all(self._tables("closed"), Closed)
        self.provinces = self._read_all(self._tables("province"), Province)
        self.mergers = self._read_all(self._tables("merged"), Merged)
        self._check()

    def finish(self) -> Pack:
        """Give the pack, or raise PackError with all faults."""
        faults = self.faults.sorted()
        if faults or self.header is None:
            raise PackError(list(faults))
        return Pack(
            **msgspec.structs.asdict(self.header),
            rules=self.rules,
            ranges=self.listed + _ranges_of_rules(self.rules, self.listed),
            closed_ranges=self.closed,
            provinces=self.provinces,
            mergers=self.mergers,
            sources=self.sources,
            path=self.faults.path,
            sha256=self.sha256,
        )

    def check_outputs(self) -> None:
        """Put the rules that can be read to phonenumbers."""
        if self.header is not None:
            _check_outputs(self.header.country_code, self.rules, self.faults)

    def _check(self) -> None:
        """Check what one table alone cannot show."""
        for rule in self.rules:
            _check_rule(rule, self.faults)
        _check_unique(self.rules, self.listed, self.closed, self.faults)
        _check_overlaps(self.rules, self.closed, self.faults)
        _check_chains(self.rules, self.listed, self.faults)
        _check_sources((*self.rules, *self.listed, *self.closed, *self.mergers), self)
        _check_provinces(self)

    def _parse(self, data: bytes) -> tuple[dict[str, Any], _Places]:
        """Read the TOML; of a file that is none, the syntax error is the only fault."""
        try:
            text = data.decode()
            return tomllib.loads(text), _places(text)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.faults.add(line, "not UTF-8; save the file in that encoding")
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))
            line = int(place[1]) if place else data.count(b"\n") + 1
            self.faults.add(line, f"not TOML: {error}")
        raise PackError(list(self.faults.sorted()))

    def _read_header(self) -> Header | None:
        """Read the keys before the first table; a table of an unknown name is noted here too."""
        line, lines = self._places[("", 0)]
        headers = {name: place[0] for (name, number), place in self._places.items() if not number}
        values = {key: value for key, value in self._document.items() if key not in _TABLES}
        return self._read(_Table("the pack", values, line, headers | lines), Header)

    def _read_sources(self) -> dict[str, str]:
        """Read [sources]: texts by key."""
        table = self._keyed("sources", self._document.get("sources", {}))
        for key, text in table.values.items():
            if not isinstance(text, str):
                self.faults.add(table.at(key), f"[sources] {key}: expected a text")
        return table.values

    def _rule_tables(self) -> Iterator[_Table]:
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
                hint = _did_you_mean(str(name), waves)
                self.faults.add(table.at("wave"), f"[[rule]] wave: there is no [wave.{name}]{hint}")

    def _keyed(self, name: str, values: object) -> _Table:
        """Give the table [name]; an empty one where the file has something else in its place."""
        line, lines = self._places.get((name, 0), _NOWHERE)
        if not isinstance(values, dict):
            self.faults.add(line, f"{name} must be a table, written [{name}]")
            values = {}
        return _Table(f"[{name}]", values, line, lines)

    def _tables(self, name: str) -> Iterator[_Table]:
        """Give the [[name]] tables; one with a list for its prefix becomes one for each."""
        found = self._document.get(name, [])
        if not isinstance(found, list) or not all(isinstance(values, dict) for values in found):
            line = self._places.get((name, 0), _NOWHERE)[0]
            self.faults.add(line, f"{name} must be a list of tables, each written [[{name}]]")
            return
        for number, values in enumerate(found):
            table = _Table(f"[[{name}]]", values, *self._places.get((name, number), _NOWHERE))
            prefix = values.get("prefix")
            if not prefix or not isinstance(prefix, list):
                yield table  # an empty list is left in, to be found wrong
                continue
            for one in prefix:
                yield table._replace(values=values | {"prefix": one})

    def _read_all(self, tables: Iterable[_Table], struct: type[S]) -> tuple[S, ...]:
        """Read tables of one sort; those with faults are left out."""
        read = (self._read(table, struct) for table in tables)
        return tuple(value for value in read if value is not None)

    def _read(self, table: _Table, struct: type[S]) -> S | None:
        """Turn a table into a struct; None, and its faults noted, if it has any."""
        if table.values.keys() <= _fields(struct).keys():
            try:
                return msgspec.convert(table.values | {"line": table.line}, struct)
            except msgspec.ValidationError:
                pass  # msgspec names the first fault only
        for line, text in sorted(_explain(table, struct)):
            self.faults.add(line, text)
        return None


def _explain(table: _Table, struct: type[msgspec.Struct]) -> Iterator[tuple[int, str]]:
    """Give all that is wrong with a table, each fault with its line."""
    fields = _fields(struct)
    for key in table.values.keys() - fields.keys():
        hint = _did_you_mean(key, (*fields, *_TABLES) if struct is Header else fields)
        yield table.at(key), f"{table.label} has an unknown key {key!r}{hint}"
    for key, field in fields.items():
        if key in table.values:
            try:
                msgspec.convert(table.values[key], field.type)
            except msgspec.ValidationError as error:
                yield table.at(key), f"{table.label} {key}: {_say(error, field)}"
        elif field.required:
            yield table.line, f"{table.label} has no {key!r}"


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """Give the keys a table may have; `line` is ours."""
    fields = msgspec.structs.fields(struct)
    return {field.name: field for field in fields if field.name != "line"}


def _say(error: msgspec.ValidationError, field: msgspec.structs.FieldInfo) -> str:
    """Put msgspec's complaint about a value in words that name the cure."""
    if get_origin(field.type) is Literal:
        return f"must be one of {', '.join(get_args(field.type))}"
    text = re.sub(r"matching regex '\^\[0-9\].*'", "of digits", str(error))
    return text[0].lower() + text[1:]


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest a known word that looks like this one, if there is one."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _ranges_of_rules(rules: Iterable[Rule], listed: Iterable[Range]) -> tuple[Range, ...]:
    """Make a range of the new prefix of every rule of which the file lists no part as in use."""
    in_use = {(range_.length, range_.prefix) for range_ in listed}
    parts = {(length, prefix[:size]) for length, prefix in in_use for size in range(len(prefix))}
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
        if (rule.new_length, rule.new) not in parts
        and all(
            (rule.new_length, rule.new[:size]) not in in_use for size in range(len(rule.new) + 1)
        )
    )


def _check_rule(rule: Rule, faults: _Faults) -> None:
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
    if rule.dual_start and rule.dual_end and rule.dual_end < rule.dual_start:
        faults.add(rule.line, f"rule {rule.id}: dual_end is before dual_start")
    if rule.dual_end and rule.cutoff <= rule.dual_end:
        faults.add(rule.line, f"rule {rule.id}: cutoff must be after dual_end")


def _adds_up(rule: Rule) -> bool:
    """Tell whether the new number has the digits of the old one, but for the prefix."""
    subscriber = rule.old_length - len(rule.old)
    return subscriber >= 0 and rule.new_length - len(rule.new) == subscriber


def _check_unique(
    rules: Iterable[Rule], ranges: Iterable[Range], closed: Iterable[Closed], faults: _Faults
) -> None:
    """Check that no id and no range is given twice."""
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


def _check_overlaps(rules: Iterable[Rule], closed: Iterable[Closed], faults: _Faults) -> None:
    """Check that an old number belongs to one rule only, and to no closed range."""
    heads = _heads(rules)
    for rule in rules:
        for other in _meeting(heads, rule.old_length, rule.old):
            if (other.line, other.old) < (rule.line, rule.old):
                text = f"rules {other.id} and {rule.id} overlap: {other.old} and {rule.old}"
                faults.add(rule.line, f"{text} (lines {other.line} and {rule.line})")
    for shut in closed:
        for length in shut.lengths:
            for rule in _meeting(heads, length, shut.prefix):
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


def _check_chains(rules: Iterable[Rule], listed: Iterable[Range], faults: _Faults) -> None:
    """Check that no new number is an old number again, so that a second run changes nothing.

    Where a listed range says that the new numbers are in use today, the converter takes them for
    ambiguous and asks for evidence (0168 to 038, which was Nghệ An): that is no fault.
    """
    heads = _heads(rules)
    in_use = _index((range_.length, range_.prefix, range_) for range_ in listed)
    for rule in rules:
        for start in (rule.new + line for line in rule.lines or ("",)):
            for other in _meeting(heads, rule.new_length, start):
                hop = max(start, other.old, key=len)
                if _longest(in_use, hop.ljust(rule.new_length)) is None:
                    faults.add(
                        rule.line,
                        f"rule {rule.id}: its new numbers {hop}… are old numbers of {other.id} "
                        f"(line {other.line}), so a second run would change them again; "
                        "where they are in use today, say so with a [[range]]",
                    )


def _check_sources(tables: Iterable[Rule | Range | Closed | Merged], reader: _Reader) -> None:
    """Check that every source named is in [sources]."""
    for table in tables:
        if table.source and table.source not in reader.sources:
            hint = _did_you_mean(table.source, reader.sources)
            reader.faults.add(table.line, f"no source {table.source!r} in [sources]{hint}")


def _check_provinces(reader: _Reader) -> None:
    """Check that provinces are called as in the rules and ranges."""
    tables: tuple[Rule | Range, ...] = (*reader.rules, *reader.listed)
    known = {name for table in tables for name in (table.name, table.name_vi) if name}
    called = [
        *((province.name, province.line) for province in reader.provinces),
        *((name, merged.line) for merged in reader.mergers for name in (merged.name, *merged.old)),
    ]
    for name, line in called:
        if name not in known:
            hint = _did_you_mean(name, known)
            reader.faults.add(line, f"no rule or range has the name {name!r}{hint}")


def _check_outputs(country_code: str, rules: Iterable[Rule], faults: _Faults) -> None:
    """Check that phonenumbers accepts some new number of each rule, as the kind it declares."""
    judge = Judge()
    for rule in rules:
        if not _adds_up(rule):
            continue
        found = {judge.kind(country_code, nsn, len(nsn)) for nsn in _samples(rule)}
        if not found & {rule.kind, "fixed-or-mobile" if rule.kind != "voip" else "voip"}:
            said = ", ".join(sorted(kind or "not valid" for kind in found))
            faults.add(
                rule.line,
                f"rule {rule.id}: no new number {rule.new}… (first two subscriber digits "
                f"{'of its lines' if rule.lines else '00 to 99'} tried) is a valid {rule.kind} "
                f"number; phonenumbers says: {said}",
            )


def _samples(rule: Rule) -> Iterator[str]:
    """Give new numbers of a rule, one for each pair of first subscriber digits that existed."""
    size = rule.new_length - len(rule.new)
    for start in (f"{pair:02}" for pair in range(100)):
        if not rule.lines or any(start[: len(line)] == line[:2] for line in rule.lines):
            yield rule.new + (start + "2345678901234")[:size]
