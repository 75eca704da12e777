"""What does a numbering pack say? Its values, and how a number is looked up in them.

All numbers are national significant numbers (NSN): digits without trunk prefix and country code.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from danhba.judge import Kind

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
        fixed_words: Words in a typed label that mean a landline; `=` before one: the whole label.
        office_words: Words in a typed label that merely suggest one.
        mobile_words: Words in a typed label that mean a mobile or a messenger.
        spaced_codes: Old area codes whose end shows in the spelling, since no mobile prefix of
            today ends there; brackets around one prove a landline.
        bracket_rivals: Countries where the same brackets are written around another area code.
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
        return longest(self._rules, nsn)

    def range_of(self, nsn: str) -> Range | None:
        """Find the range of today's plan that includes `nsn`."""
        return longest(self._ranges, nsn)

    def closed(self, digits: str) -> Closed | None:
        """Find the closed range that includes `digits`, given without trunk prefix."""
        return longest(self._closed, digits)

    @cached_property
    def _rules(self) -> Index[Rule]:
        return index_of((rule.old_length, rule.old, rule) for rule in self.rules)

    @cached_property
    def _ranges(self) -> Index[Range]:
        return index_of((range_.length, range_.prefix, range_) for range_ in self.ranges)

    @cached_property
    def _closed(self) -> Index[Closed]:
        return index_of((n, shut.prefix, shut) for shut in self.closed_ranges for n in shut.lengths)


T = TypeVar("T")

# Length of the number -> (length of the prefix, what begins with it), longest prefix first.
Index: TypeAlias = dict[int, list[tuple[int, dict[str, T]]]]


def index_of(entries: Iterable[tuple[int, str, T]]) -> Index[T]:
    """Arrange (length, prefix, value) for `longest`; of equal prefixes the first counts."""
    tables: dict[int, dict[int, dict[str, T]]] = {}
    for length, prefix, value in entries:
        by_size = tables.setdefault(length, {})
        by_size.setdefault(len(prefix), {}).setdefault(prefix, value)
    return {length: sorted(tables[length].items(), reverse=True) for length in tables}


def longest(index: Index[T], digits: str) -> T | None:
    """Look up the longest known prefix of `digits` among numbers of its length."""
    for size, by_prefix in index.get(len(digits), ()):
        hit = by_prefix.get(digits[:size])
        if hit is not None:
            return hit
    return None
