"""What does a numbering pack say? Its values, and how a number is looked up in them.

All numbers are national significant numbers (NSN): digits without trunk prefix and country code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from danhba.judge import Kind

Digits: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\Z")]
SomeDigits: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]*\Z")]
Length: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=17)]


Doubt: TypeAlias = Literal[
    "unconfirmed", "reassigned", "still-in-use", "host-country", "two-targets"
]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One renumbering: numbers of `old_length` digits that begin with `old` now begin with `new`.

    Attributes:
        id: The rule's name in logs and reports, unique in its table of the file.
        old: First digits of the old NSN; in the file also a list of them.
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
        ask: Why the rule never converts by itself and only makes questions; empty when it does.
        withdrawn: How it is known that the old numbers are out of use although phonenumbers still
            accepts them; without it, a number that is valid today is not converted by its digits.
        note: What else a person should know about the rule.
        confidence: How well the source supports the rule.
        old_country_code: The calling code of the old numbers, where it is not the pack's; in the
            file also a list of codes.
        old_trunks: What was dialled inside the country before the old NSN, where it is not what
            is dialled today; an empty text means that a national number was its NSN.
        new_trunk: What is dialled inside the country before the new NSN, where something else was
            before the old one; None leaves what is written.
        new_country_code: The calling code of the new numbers, where it is not that of the old ones;
            always the pack's, so no key of the file.
        keep: How many first digits of `old` stand first in `new` too; no key of the file.
        behind: How many last digits of `old` stand last in `new` too; no key of the file.
        inserted: How many digits of `new`, before these, are written at the head of what follows
            and not at the end of the code; no key of the file.
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
    ask: Doubt | Literal[""] = ""
    withdrawn: str = ""
    note: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    old_country_code: SomeDigits = ""
    old_trunks: tuple[SomeDigits, ...] = ()
    new_trunk: SomeDigits | None = None
    new_country_code: SomeDigits = ""
    keep: int = 0
    behind: int = 0
    inserted: int = 0
    line: int = 0

    @property
    def adds_a_group(self) -> bool:
        """Whether several digits are put before an old number and nothing else changes in it."""
        extra = len(self.new) - len(self.old)
        return self.behind == len(self.old) and extra > 1 and not self.inserted

    def renumber(self, nsn: str) -> str:
        """Return the new NSN of an old one."""
        return self.new + nsn[len(self.old) :]


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
        trunk_optional: Whether numbers are as often written without the trunk prefix.
        carrier_prefixes: What may be dialled in its place to choose a carrier.
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
    trunk_optional: bool = False
    carrier_prefixes: tuple[Digits, ...] = ()
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
        return next(iter(self.rules_for(nsn)), None)

    def rules_for(self, nsn: str) -> tuple[Rule, ...]:
        """Find all such rules: more than one where an old number may have become either of two."""
        by_size = self._rules.get(len(nsn), ())
        return tuple(rule for size, by_prefix in by_size for rule in by_prefix.get(nsn[:size], ()))

    def range_of(self, nsn: str) -> Range | None:
        """Find the range of today's plan that includes `nsn`."""
        return longest(self._ranges, nsn)

    def rule_into(self, nsn: str) -> Rule | None:
        """Find the rule whose new numbers include `nsn`."""
        return longest(self._new_numbers, nsn)

    def closed(self, digits: str) -> Closed | None:
        """Find the closed range that includes `digits`, given without trunk prefix."""
        return longest(self._closed, digits)

    @cached_property
    def old_trunks(self) -> frozenset[str]:
        """What was dialled before old numbers of its rules and is not dialled today."""
        return frozenset(trunk for rule in self.rules for trunk in rule.old_trunks)

    @cached_property
    def trunks(self) -> tuple[str, ...]:
        """What is or was dialled inside the country before an NSN, where it is something."""
        return tuple(filter(None, (self.trunk_prefix, *sorted(self.old_trunks))))

    @cached_property
    def _rules(self) -> Index[tuple[Rule, ...]]:
        alike: dict[tuple[int, str], tuple[Rule, ...]] = {}
        for rule in self.rules:
            if not rule.old_country_code:
                key = rule.old_length, rule.old
                alike[key] = (*alike.get(key, ()), rule)
        return index_of((*key, rules) for key, rules in alike.items())

    @cached_property
    def _ranges(self) -> Index[Range]:
        return index_of((range_.length, range_.prefix, range_) for range_ in self.ranges)

    @cached_property
    def names_vi(self) -> dict[str, str]:
        """The Vietnamese names of operators and provinces, by the English ones; not where equal."""
        named: tuple[Rule | Range | Closed, ...] = (*self.rules, *self.ranges, *self.closed_ranges)
        return {one.name: one.name_vi for one in named if one.name_vi not in ("", one.name)}

    @cached_property
    def _new_numbers(self) -> Index[Rule]:
        return index_of(
            (rule.new_length, rule.new, rule) for rule in self.rules if not rule.new_country_code
        )

    @cached_property
    def _closed(self) -> Index[Closed]:
        return index_of((n, shut.prefix, shut) for shut in self.closed_ranges for n in shut.lengths)


def merge(country_code: str, packs: Sequence[Pack]) -> Pack:
    """Make one pack of all that packs say about a country code; the header is the first one's.

    What shares a calling code shares its plan: +7 is Russia and Kazakhstan, and what was +377 44 in
    Monaco is told by the pack of Kosovo.
    """
    first = packs[0]
    if packs == [first] and first.country_code == country_code:
        return first
    own = [pack for pack in packs if pack.country_code == country_code]
    return msgspec.structs.replace(
        first,
        country_code=country_code,
        country_names=tuple(name for pack in packs for name in pack.country_names),
        block_digits=max(pack.block_digits for pack in packs) if own == packs else 17,
        rules=tuple(rule for pack in packs for rule in _rules_under(country_code, pack)),
        ranges=tuple(range_ for pack in own for range_ in pack.ranges),
        closed_ranges=tuple(shut for pack in own for shut in pack.closed_ranges),
        provinces=tuple(province for pack in own for province in pack.provinces),
        mergers=tuple(merged for pack in own for merged in pack.mergers),
        sha256="+".join(pack.sha256 for pack in packs),
    )


def _rules_under(country_code: str, pack: Pack) -> Iterator[Rule]:
    """Give the rules of a pack for old numbers of a country code."""
    for rule in pack.rules:
        if rule.old_country_code == country_code:
            yield msgspec.structs.replace(rule, old_country_code="")
        elif not rule.old_country_code and pack.country_code == country_code:
            yield rule


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
