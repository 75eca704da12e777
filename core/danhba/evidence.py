"""What does a card say about a number that is both an old landline and a mobile of today?

Each piece of evidence points to the old fixed line or to today's number, and either decides or
merely suggests. Nothing is added up: a decisive piece decides unless one for the other side is
there too; suggestions make a question, never a change. Changing a mobile destroys it; keeping a
dead landline costs nothing.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date
from functools import cache, cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from danhba.card import Card, Phone
from danhba.packs import Pack, Rule
from danhba.phone import Dialled, Written

Direction: TypeAlias = Literal["fixed", "mobile", "foreign"]
Strength: TypeAlias = Literal["decisive", "suggestive"]

_NEAR = 99
"""Numbers so close were given out together (facts, §10)."""
_FIRST_DATE = date(2000, 1, 1)
_FAX_LABELS = frozenset({"fax", "homefax", "workfax", "otherfax"})
_MOBILE_LABELS = frozenset({"cell", "mobile", "iphone", "text", "msg", "workmobile"})
_PLACE_LABELS = frozenset({"work", "home", "business", "main"})
_INTERNATIONAL = frozenset({"international", "prefix", "bare"})


class Evidence(msgspec.Struct, frozen=True):
    """One thing a card says about a number.

    Attributes:
        code: What it is, such as `fax` or `card-older`; `danhba.texts` has a sentence for each.
        direction: What it points to: the old `fixed` line, today's `mobile`, a `foreign` number.
        strength: Whether it decides by itself.
        args: What the sentence names.
    """

    code: str
    direction: Direction
    strength: Strength = "suggestive"
    args: dict[str, str] = {}


class Subject(msgspec.Struct, frozen=True):
    """A number on a card that evidence may be about, or come from.

    Attributes:
        phone: The field it is in.
        written: How it is written there.
        dialled: What its digits mean.
        rule: The rule for its old reading; None when it has none.
    """

    phone: Phone
    written: Written
    dialled: Dialled
    rule: Rule | None


class Earlier(NamedTuple):
    """A card before our own write, whose REV would otherwise destroy evidence.

    Attributes:
        version: The version the card had after our write.
        date: Its own date before it; None when unknown.
        ours: The values we wrote, for which the earlier date says nothing.
    """

    version: str
    date: date | None
    ours: frozenset[str]


def decide(found: Sequence[Evidence]) -> tuple[Literal["convert", "keep", "ask"], str]:
    """Decide about an ambiguous number; the second value is the code of the reason."""
    decisive = {piece.direction for piece in found if piece.strength == "decisive"}
    if decisive == {"fixed"}:
        return "convert", "proved-fixed"
    if decisive == {"mobile"}:
        return "keep", "proved-mobile"
    if decisive:
        return "ask", "evidence-on-both-sides"
    if any(piece.direction == "fixed" for piece in found):
        return "ask", "points-to-fixed"
    return "keep", "also-valid-today"


class Scales:
    """Weighs the numbers of one card.

    Args:
        card: The card.
        subjects: All numbers on it that can be read.
        packs: Country code -> pack.
        today: The day of the run.
        earlier: What the card was before we wrote it, while it still is as we wrote it.
    """

    def __init__(
        self,
        card: Card,
        subjects: Sequence[Subject],
        packs: Mapping[str, Pack],
        today: date,
        earlier: Earlier | None = None,
    ) -> None:
        self.earlier = earlier
        self._abroad: dict[str, tuple[Evidence, ...]] = {}
        self.card = card
        self.subjects = subjects
        self.packs = packs
        self.today = today

    def weigh(self, subject: Subject) -> tuple[Evidence, ...]:
        """Gather what the card says about an ambiguous number, decisive pieces first."""
        found = [*self._decisive_fixed(subject), *self._decisive_mobile(subject)]
        return (*found, *self._suggestive(subject))

    def foreign(self, subject: Subject) -> tuple[Evidence, ...]:
        """Say what speaks against the home country; only national forms can be misread that way."""
        if subject.dialled.form in _INTERNATIONAL:
            return ()
        code = subject.dialled.country_code
        if code not in self._abroad:
            self._abroad[code] = tuple(self._signs_of_abroad(self.packs[code]))
        return self._abroad[code]

    def _signs_of_abroad(self, home: Pack) -> Iterator[Evidence]:
        for country in self._countries:
            if country and country not in _folded(home.country_names):
                yield Evidence("foreign-address", "foreign", "decisive", {"country": country})
        foreign = [s for s in self.subjects if s.dialled.country_code != home.country_code]
        at_home = len([s for s in self.subjects if self._is_provably_of(home, s)])
        if foreign:
            code = f"+{foreign[0].dialled.country_code}"
            many = len(foreign) > max(1, at_home)
            strength: Strength = "decisive" if many else "suggestive"
            yield Evidence(
                "foreign-numbers" if many else "foreign-sibling",
                "foreign",
                strength,
                {"code": code},
            )

    @staticmethod
    def _is_provably_of(home: Pack, subject: Subject) -> bool:
        dialled = subject.dialled
        return dialled.country_code == home.country_code and dialled.form in _INTERNATIONAL

    @cached_property
    def _countries(self) -> tuple[str, ...]:
        return tuple(fold(address.country) for address in self.card.details.addresses)

    def _decisive_fixed(self, subject: Subject) -> Iterator[Evidence]:
        pack, rule = self._pack_and_rule(subject)
        born = self._born(subject)
        day = self._date_for(subject)
        if day and born and day < born:
            args = {"date": day.isoformat(), "since": born.isoformat()}
            yield Evidence("card-older", "fixed", "decisive", args)
        yield from self._proofs_on_field(subject)
        if fixed := _says(subject, pack.fixed_words):
            yield Evidence("label-fixed", "fixed", "decisive", {"label": fixed})
        if (subject.dialled.country_code, rule.new + _line(subject)) in self._held:
            yield Evidence("new-form-too", "fixed", "decisive")
        if sibling := self._proved_sibling(subject):
            yield Evidence("sibling-fixed", "fixed", "decisive", {"number": sibling.phone.value})

    def _proofs_on_field(self, subject: Subject) -> Iterator[Evidence]:
        """Yield what proves a fixed line by the field alone: fax, an extension, bracketed 08."""
        if _FAX_LABELS.intersection(subject.phone.labels) or _says(subject, ("fax",)):
            yield Evidence("fax", "fixed", "decisive")
        if subject.written.ext:
            yield Evidence("extension", "fixed", "decisive", {"ext": subject.written.ext})
        if self._is_bracketed(subject):
            yield Evidence("bracketed-code", "fixed", "decisive")

    def _is_bracketed(self, subject: Subject) -> bool:
        pack, rule = self._pack_and_rule(subject)
        if rule.old not in pack.spaced_codes or not _line(subject).startswith(rule.lines):
            return False
        if _folded(pack.bracket_rivals).intersection(self._countries):
            return False
        written = subject.written
        text = subject.phone.value[max(0, written.start - 1) : written.end]
        return bool(_brackets(pack.country_code, pack.trunk_prefix, rule.old).search(text))

    @cached_property
    def _held(self) -> frozenset[tuple[str, str]]:
        """All numbers of the card: country code and NSN."""
        return frozenset((s.dialled.country_code, s.dialled.nsn) for s in self.subjects)

    @cached_property
    def _becoming(self) -> frozenset[tuple[str, str]]:
        """What the old mobile numbers of the card become: country code and NSN."""
        return frozenset(
            (s.dialled.country_code, s.rule.new + _line(s))
            for s in self.subjects
            if s.rule and s.rule.kind == "mobile"
        )

    @cached_property
    def _has_old(self) -> bool:
        """Whether a number of the card can only be an old form."""
        return any(map(self._is_old, self.subjects))

    @cached_property
    def _proved(self) -> dict[tuple[str, int], list[tuple[int, Subject]]]:
        """The numbers proved fixed by their own field, by rule and length, in order."""
        found: dict[tuple[str, int], dict[int, Subject]] = {}
        for subject in self.subjects:
            if subject.rule and any(self._proofs_on_field(subject)):
                key = subject.rule.id, len(subject.dialled.nsn)
                found.setdefault(key, {})[int(subject.dialled.nsn)] = subject
        return {key: sorted(by_nsn.items()) for key, by_nsn in found.items()}

    def _proved_sibling(self, subject: Subject) -> Subject | None:
        """Find a number within `_NEAR` of this one that its own field proves to be fixed."""
        assert subject.rule
        proved = self._proved.get((subject.rule.id, len(subject.dialled.nsn)), [])
        own = int(subject.dialled.nsn)
        first = bisect_left(proved, own - _NEAR, key=lambda pair: pair[0])
        near = (other for number, other in proved[first : first + 2] if number != own)
        sibling = next(near, None)
        return sibling if sibling and abs(int(sibling.dialled.nsn) - own) <= _NEAR else None

    def _decisive_mobile(self, subject: Subject) -> Iterator[Evidence]:
        pack, rule = self._pack_and_rule(subject)
        dialled = subject.dialled
        if mobile := _says(subject, pack.mobile_words):
            yield Evidence("label-mobile", "mobile", "decisive", {"label": mobile})
        dialled_forms = {pack.country_code + dialled.nsn, pack.trunk_prefix + dialled.nsn}
        if dialled_forms.intersection(map(_digits, self.card.details.handles)):
            yield Evidence("messenger", "mobile", "decisive")
        if (dialled.country_code, dialled.nsn) in self._becoming:
            yield Evidence("old-mobile-form-too", "mobile", "decisive")
        if rule.lines and not _line(subject).startswith(rule.lines):
            yield Evidence("no-such-landline", "mobile", "decisive", {"digit": _line(subject)[:1]})

    def _suggestive(self, subject: Subject) -> Iterator[Evidence]:
        pack, rule = self._pack_and_rule(subject)
        labels = _MOBILE_LABELS.intersection(subject.phone.labels)
        if labels:
            yield Evidence("type-mobile", "mobile", args={"label": min(labels)})
        elif place := _PLACE_LABELS.intersection(subject.phone.labels):
            yield Evidence("type-place", "fixed", args={"label": min(place)})
        if office := _says(subject, pack.office_words):
            yield Evidence("label-office", "fixed", args={"label": office})
        if rule.old in pack.spaced_codes:
            yield from _grouping(subject, rule)
        yield from self._addresses(pack, rule)
        details = self.card.details
        if details.created and details.created.date() >= rule.cutoff:
            yield Evidence("created-later", "mobile", args={"date": f"{details.created:%Y-%m-%d}"})
        if details.company:
            yield Evidence("company", "fixed")
        if self._has_old:
            yield Evidence("other-old-numbers", "fixed")

    def _addresses(self, pack: Pack, rule: Rule) -> Iterator[Evidence]:
        """Compare the card's addresses with the province of the old reading."""
        parts = {
            _without_rank(fold(part))
            for address in self.card.details.addresses
            for part in (address.locality, address.region, address.street.rpartition(",")[2])
            if part
        }
        if parts & _names_of(pack, rule.name_vi or rule.name):
            yield Evidence("address-there", "fixed", args={"name": rule.name_vi or rule.name})
        elif parts & _all_names(pack):
            yield Evidence("address-elsewhere", "mobile", args={"name": rule.name_vi or rule.name})

    def _is_old(self, subject: Subject) -> bool:
        """Say whether a number can only be an old form."""
        rule = subject.rule
        pack = self.packs.get(subject.dialled.country_code)
        certain = rule and not rule.ask
        return bool(certain and pack and pack.range_of(subject.dialled.nsn) is None)

    def _date_for(self, subject: Subject) -> date | None:
        if self.earlier and subject.phone.value not in self.earlier.ours:
            return self.earlier.date
        return self._date

    @cached_property
    def _date(self) -> date | None:
        """The card's date; None when unknown, impossible, or belied by a number on the card."""
        stamp = self.card.details.date
        if stamp is None:
            return None
        day = stamp.astimezone(UTC).date()
        if not _FIRST_DATE <= day <= self.today:
            return None
        younger = (self._born(s) for s in self.subjects if s.rule is None)
        return None if any(born and day < born for born in younger) else day

    def _born(self, subject: Subject) -> date | None:
        """Return the day before which no number of today's range existed; None when unknown."""
        pack = self.packs.get(subject.dialled.country_code)
        found = pack.range_of(subject.dialled.nsn) if pack else None
        return found.since if found else None

    def _pack_and_rule(self, subject: Subject) -> tuple[Pack, Rule]:
        assert subject.rule
        return self.packs[subject.dialled.country_code], subject.rule


def _line(subject: Subject) -> str:
    """Return the subscriber number of the old reading."""
    assert subject.rule
    return subject.dialled.nsn[len(subject.rule.old) :]


def _grouping(subject: Subject, rule: Rule) -> Iterator[Evidence]:
    """See where the digits of a one-digit area code are grouped: 08 3812 3456 or 083 812 3456."""
    value, lead = subject.phone.value, subject.dialled.lead
    places = [i for i in range(subject.written.start, subject.written.end) if value[i].isdecimal()]
    last = lead + len(rule.old) - 1
    breaks = {i for i, (a, b) in enumerate(pairwise(places)) if b > a + 1}
    if last in breaks:
        yield Evidence("grouped-as-landline", "fixed")
    elif breaks & {last + 1, last + 2}:
        yield Evidence("grouped-as-mobile", "mobile")


@cache
def _brackets(country_code: str, trunk: str, code: str) -> re.Pattern[str]:
    """Match brackets around exactly an area code: (08), (8), (84-8), (+84 8)."""
    dash = "\\s.\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}-"
    return re.compile(rf"\(\s*(?:\+?{country_code}[{dash}]*)?(?:{trunk})?{code}\s*\)")


def _says(subject: Subject, words: tuple[str, ...]) -> str:
    """Return the word of the list that stands in the typed label or beside the number, or nothing.

    A word that begins with `=` must be the whole label.
    """
    for text in filter(None, (subject.phone.label, subject.written.words)):
        label = _spaced(text)
        for word in words:
            if label == f" {word[1:]} " if word[0] == "=" else f" {word} " in label:
                return word.removeprefix("=")
    return ""


def _spaced(text: str) -> str:
    """Write a label in lower case, its words between single spaces."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).casefold())
    return f" {' '.join(words)} "


def fold(text: str) -> str:
    """Write a name without case, diacritics and punctuation, for comparing."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join(re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode()))


@cache
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold, names))


def _without_rank(name: str) -> str:
    """Drop `tỉnh`, `thành phố`, `TP` before the name of a province."""
    return re.sub(r"^(?:tinh|thanh pho|tp|t p|city of) |(?: province| city)$", "", name)


def _names_of(pack: Pack, province: str) -> frozenset[str]:
    return _province_names(pack).get(fold(province), frozenset())


def _all_names(pack: Pack) -> frozenset[str]:
    return frozenset().union(*_province_names(pack).values())


_KNOWN_NAMES: dict[str, dict[str, frozenset[str]]] = {}


def _province_names(pack: Pack) -> dict[str, frozenset[str]]:
    """Return, for each province of old, all names an address in it may give today."""
    if pack.sha256 not in _KNOWN_NAMES:
        names: dict[str, set[str]] = {}
        for rule in pack.rules:
            if rule.kind == "fixed":
                own = {rule.name, rule.name_vi or rule.name}
                names[fold(rule.name_vi or rule.name)] = {_without_rank(fold(n)) for n in own}
        for province in pack.provinces:
            names.setdefault(fold(province.name), set()).update(map(fold, province.aliases))
        for merged in pack.mergers:
            for old in merged.old:
                names.setdefault(fold(old), set()).add(_without_rank(fold(merged.name)))
        _KNOWN_NAMES[pack.sha256] = {key: frozenset(value) for key, value in names.items()}
    return _KNOWN_NAMES[pack.sha256]


def _digits(handle: str) -> str:
    return "".join(char for char in handle if char.isascii() and char.isdigit())
