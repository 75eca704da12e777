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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from danhba.card import Address, Card, Phone, named
from danhba.dialling import Dialled
from danhba.packs import Pack, Rule
from danhba.phone import Written

Direction: TypeAlias = Literal["fixed", "mobile", "foreign"]
Strength: TypeAlias = Literal["decisive", "suggestive"]

_NEAR = 99
"""Numbers so close were given out together (facts, §10)."""
_FIRST_DATE = date(2000, 1, 1)
_FAX_LABELS = frozenset({"fax", "homefax", "workfax", "otherfax"})
_MOBILE_LABELS = frozenset({"cell", "mobile", "iphone", "text", "msg", "workmobile"})
_PLACE_LABELS = frozenset({"work", "home", "business", "main"})
_STROKE = "\N{COMBINING SHORT STROKE OVERLAY}"
_PIECES = re.compile(r"[,;\n]|\s[-\N{EN DASH}]\s")
_WORD = re.compile(r"[^\W_]+")
_DOTTED = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")
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


_Ordered: TypeAlias = dict[tuple[str, int], list[tuple[int, Subject]]]
"""(A key, length) -> the numbers of that length, in their order."""


class Earlier(NamedTuple):
    """A card before our own write, whose REV would otherwise destroy evidence.

    Attributes:
        version: The version the card had after our write.
        date: Its own date before it; None when unknown, or belied by a number on it.
        ours: The values we wrote, for which the earlier date says nothing.
        renumbered: Those of them that were old numbers.
    """

    version: str
    date: date | None
    ours: frozenset[str]
    renumbered: frozenset[str] = frozenset()

    def then(self, version_before: str, later: Earlier) -> Earlier:
        """Return what counts after another write of ours.

        The first date stays while nobody else touched the card between our writes.
        """
        day = self.date if self.version == version_before else later.date
        renumbered = self.renumbered | later.renumbered
        return Earlier(later.version, day, self.ours | later.ours, renumbered)


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


def day_of(stamp: datetime) -> date:
    """Return the day of a time, in UTC; of one that falls out of the calendar there, its own."""
    try:
        return stamp.astimezone(UTC).date()
    except OverflowError:
        return stamp.date()


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

    @cached_property
    def is_date_belied(self) -> bool:
        """Whether the card's date proves nothing, for a number on the card is younger.

        That number may be changed, or turn out to be old; its date is not to be believed then.
        """
        if self.card.details.date is None:
            return False
        day = self._date
        return day is None or any(day < born for _, born in self._surely_mobile)

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
            if country and not _is_in(home, country):
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
        if day and born and day < born and not self._is_belied(day, subject):
            args = {"date": day.isoformat(), "since": born.isoformat()}
            yield Evidence("card-older", "fixed", "decisive", args)
        yield from self._proofs_on_field(subject)
        if fixed := _says(subject, pack.fixed_words, pack.denial_words):
            yield Evidence("label-fixed", "fixed", "decisive", {"label": fixed})
        if (subject.dialled.country_code, rule.new + _line(subject)) in self._held:
            yield Evidence("new-form-too", "fixed", "decisive")
        if sibling := self._proved_sibling(subject):
            yield Evidence("sibling-fixed", "fixed", "decisive", {"number": sibling.phone.value})

    def _proofs_on_field(self, subject: Subject) -> Iterator[Evidence]:
        """Yield what proves a fixed line by the field alone: fax, an extension, bracketed 08."""
        denials = self.packs[subject.dialled.country_code].denial_words
        if _FAX_LABELS.intersection(subject.phone.labels) or _says(subject, ("fax",), denials):
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
        if self._calling_codes.intersection(pack.bracket_rivals):
            return False
        written = subject.written
        text = subject.phone.value[max(0, written.start - 1) : written.end]
        return bool(_brackets(pack.country_code, pack.trunk_prefix, rule.old).search(text))

    @cached_property
    def _calling_codes(self) -> frozenset[str]:
        """The countries of all numbers on the card, such as +84."""
        return frozenset(f"+{subject.dialled.country_code}" for subject in self.subjects)

    @cached_property
    def _held(self) -> frozenset[tuple[str, str]]:
        """All numbers of the card: country code and NSN."""
        return frozenset((s.dialled.country_code, s.dialled.nsn) for s in self.subjects)

    @cached_property
    def _becoming(self) -> frozenset[tuple[str, str]]:
        """What the numbers of the card become by their rules: country code and NSN."""
        return frozenset(
            (s.dialled.country_code, s.rule.new + _line(s)) for s in self.subjects if s.rule
        )

    @cached_property
    def _has_old(self) -> bool:
        """Whether a number of the card can only be an old form, or was one until we changed it."""
        renumbered = self.earlier.renumbered if self.earlier else frozenset[str]()
        return any(s.phone.value in renumbered or self._is_old(s) for s in self.subjects)

    @cached_property
    def _proved(self) -> _Ordered:
        """The numbers proved fixed by their own field, by rule and length.

        One that something else proves to be a mobile is contested, and proves nothing for others.
        """
        return _ordered(
            (subject.rule.id, subject)
            for subject in self.subjects
            if subject.rule
            and any(self._proofs_on_field(subject))
            and not any(self._decisive_mobile(subject))
        )

    @cached_property
    def _all(self) -> _Ordered:
        """All numbers, by country code and length."""
        return _ordered((subject.dialled.country_code, subject) for subject in self.subjects)

    def _proved_sibling(self, subject: Subject) -> Subject | None:
        """Find a number within `_NEAR` of this one that its own field proves to be fixed."""
        assert subject.rule
        nsn = subject.dialled.nsn
        return _near(self._proved.get((subject.rule.id, len(nsn)), ()), int(nsn))

    def _landline_near(self, subject: Subject) -> Subject | None:
        """Find a landline of today within `_NEAR` of what this number would become."""
        rule = subject.rule
        assert rule
        new = rule.new + _line(subject)
        found = _near(self._all.get((subject.dialled.country_code, len(new)), ()), int(new))
        return found if found and found.dialled.nsn.startswith(rule.new) else None

    def _decisive_mobile(self, subject: Subject) -> Iterator[Evidence]:
        pack, rule = self._pack_and_rule(subject)
        dialled = subject.dialled
        if mobile := _says(subject, pack.mobile_words, pack.denial_words):
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
        if office := _says(subject, pack.office_words, pack.denial_words):
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
        if neighbour := self._landline_near(subject):
            yield Evidence("landline-near", "fixed", args={"number": neighbour.phone.value})

    def _addresses(self, pack: Pack, rule: Rule) -> Iterator[Evidence]:
        """Compare the card's addresses with the province of the old reading."""
        parts = {
            _without_rank(place)
            for address in self.card.details.addresses
            for place in _places(address, pack)
        }
        if parts & _names_of(pack, rule.name_vi or rule.name):
            yield Evidence("address-there", "fixed", args=named(rule))
        elif parts & _all_names(pack):
            yield Evidence("address-elsewhere", "mobile", args=named(rule))

    def _is_old(self, subject: Subject) -> bool:
        """Say whether a number can only be an old form."""
        rule = subject.rule
        pack = self.packs.get(subject.dialled.country_code)
        certain = rule and not rule.ask
        return bool(certain and pack and pack.range_of(subject.dialled.nsn) is None)

    def _date_for(self, subject: Subject) -> date | None:
        if self.earlier and subject.phone.value not in self.earlier.ours:
            return self._earlier_date
        return self._date

    @cached_property
    def _date(self) -> date | None:
        """The card's date; None when unknown, impossible, or belied by a number on the card."""
        stamp = self.card.details.date
        return self._credible(day_of(stamp), self.subjects) if stamp else None

    @cached_property
    def _earlier_date(self) -> date | None:
        """The same of the card before our own write; what we wrote does not belie it."""
        if not self.earlier or not self.earlier.date:
            return None
        ours = self.earlier.ours
        return self._credible(
            self.earlier.date, [s for s in self.subjects if s.phone.value not in ours]
        )

    def _credible(self, day: date, subjects: Iterable[Subject]) -> date | None:
        if not _FIRST_DATE <= day <= self.today:
            return None
        younger = (self._born(s) for s in subjects if s.rule is None)
        return None if any(born and day < born for born in younger) else day

    def _is_belied(self, day: date, subject: Subject) -> bool:
        """Say whether another number is surely a mobile, of a range that did not exist that day."""
        ours = self.earlier.ours if self.earlier else frozenset[str]()
        return any(
            day < born and other.dialled.nsn != subject.dialled.nsn
            for other, born in self._surely_mobile
            if other.phone.value not in ours
        )

    @cached_property
    def _surely_mobile(self) -> tuple[tuple[Subject, date], ...]:
        """The ambiguous numbers that are proved to be of today, and since when they can be."""
        return tuple(
            (subject, born)
            for subject in self.subjects
            if subject.rule
            and (born := self._born(subject))
            and any(self._decisive_mobile(subject))
        )

    def _born(self, subject: Subject) -> date | None:
        """Return the day before which no number of today's range existed; None when unknown."""
        pack = self.packs.get(subject.dialled.country_code)
        found = pack.range_of(subject.dialled.nsn) if pack else None
        return found.since if found else None

    def _pack_and_rule(self, subject: Subject) -> tuple[Pack, Rule]:
        assert subject.rule
        return self.packs[subject.dialled.country_code], subject.rule


def _ordered(found: Iterable[tuple[str, Subject]]) -> _Ordered:
    """Arrange numbers by a key and their length, each list in their order, no number twice."""
    by_key: dict[tuple[str, int], dict[int, Subject]] = {}
    for key, subject in found:
        nsn = subject.dialled.nsn
        by_key.setdefault((key, len(nsn)), {})[int(nsn)] = subject
    return {key: sorted(by_nsn.items()) for key, by_nsn in by_key.items()}


def _near(ordered: Sequence[tuple[int, Subject]], own: int) -> Subject | None:
    """Find a number within `_NEAR` of this one, but not itself."""
    first = bisect_left(ordered, own - _NEAR, key=lambda pair: pair[0])
    near = (pair for pair in ordered[first : first + 2] if pair[0] != own)
    number, subject = next(near, (0, None))
    return subject if abs(number - own) <= _NEAR else None


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


def _says(subject: Subject, words: tuple[str, ...], denials: tuple[str, ...] = ()) -> str:
    """Return the word of the list that stands in the typed label or beside the number, or nothing.

    A word may be written without its diacritics, or with some of them; one that begins with `=`
    must be the whole label, as it is spelled. A text with a denial in it says nothing.
    """
    for text in filter(None, (subject.phone.label, subject.written.words)):
        label = _spaced(text)
        if any(pattern.search(label) for _, pattern in _patterns(denials)):
            continue
        for word, pattern in _patterns(words):
            if pattern.search(label):
                return word
    return ""


@cache
def _patterns(words: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return each word with what finds it in a label that `_spaced` has written."""
    return tuple((word.removeprefix("="), re.compile(_pattern(word))) for word in words)


def _pattern(word: str) -> str:
    if word.startswith("="):
        return f"^ {_apart(word[1:])} $"
    optional = (f"{char}?" if _is_mark(char) else re.escape(char) for char in _apart(word))
    return f" {''.join(optional)} "


def _spaced(text: str) -> str:
    """Write a label in lower case, its words between single spaces; Đ.T.D.Đ is one word."""
    folded = _DOTTED.sub(r"\1", unicodedata.normalize("NFC", text).casefold())
    return _apart(f" {' '.join(re.findall(_WORD, folded))} ")


def _apart(text: str) -> str:
    """Write diacritics as marks of their own, the stroke of đ too."""
    return unicodedata.normalize("NFD", text).replace("đ", "d" + _STROKE)


def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) > 0


def fold(text: str) -> str:
    """Write a name without case, diacritics and punctuation, for comparing."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join(re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode()))


@cache
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold, names))


def _is_in(pack: Pack, country: str) -> bool:
    """Say whether an address's country, folded, is the pack's; some write a province there."""
    return country in _folded(pack.country_names) or _without_rank(country) in _all_names(pack)


def _places(address: Address, pack: Pack) -> Iterator[str]:
    """Yield the places that an address names, folded; of a street with a town behind it, the town.

    Streets are named after provinces, so a street by itself names no place.
    """
    for part in (address.locality, address.region):
        yield from filter(None, map(fold, _PIECES.split(part)))
    pieces = [fold(piece) for piece in _PIECES.split(address.street)[1:]]
    towns = [piece for piece in pieces if piece and piece not in _folded(pack.country_names)]
    yield from towns[-1:]


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
