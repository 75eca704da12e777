"""What shall become of the numbers on a card? (Card, Context) -> changes, questions, verdicts.

Pure and deterministic: packs, home country, today, policy and known answers are all in the context.
A number with one reading is converted. One that is also valid today is weighed by the evidence on
its card (`danhba.evidence`): converted, kept, or put to a person. What comes out is a fixed point:
converting the changed card again, without any memory, proposes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from danhba import evidence
from danhba.card import AddPhone, Card, Change, Phone, Question, Reading, SetNumber, Why, named
from danhba.changes import Net, phones_after
from danhba.dual import OLD_LABEL, Policy, begins, is_labelled_old, phase
from danhba.evidence import Earlier, Evidence, Scales, Subject, fold
from danhba.judge import KNOWS_UNTIL, Judge, Kind
from danhba.packs import Pack, Packs, Range, Rule
from danhba.phone import Dialled, Scan, Written, plain_nsn, scan
from danhba.reading import Reader
from danhba.rewriting import e164, rewrite

Verdict: TypeAlias = Literal["convert", "keep", "ask"]
NumberKind: TypeAlias = Kind | Literal["foreign", "unreadable"]
Ask: TypeAlias = Literal["evidence", "all"]

ALL_CHANGES = frozenset(get_args(Change))
NO_ANSWERS: Mapping[tuple[str, str], str] = {}
NO_LEDGER: Mapping[str, Earlier] = {}
UNDONE = "undone|"
"""In front of a value: the key under which an answer says that `undo` restored this value."""
UNDONE_LABELS = "undone-labels|"
"""The same in front of labels, sorted and joined by commas: of a field that had these."""
UNDONE_PHONE = "undone-phone|"
"""The same in front of the value of a field that was added."""


_OF_OUR_MAKING = frozenset({"other-old-numbers"})
"""Evidence that our own writes take away; an answer outlives it."""
_COMMON = 5
"""Last digits that every renumbering leaves alone."""
_LENGTHS = tuple(f"/{length}" for length in range(16))


class Judged(msgspec.Struct, frozen=True, eq=False):
    """A verdict and its reason; one value is shared by all numbers that are judged alike.

    Attributes:
        verdict: `convert`, `keep` or `ask`.
        code: Why, such as `one-reading`, `current`, `also-valid-today` or `no-such-line`.
        kind: What the number is today; where the verdict is `convert`, what it becomes.
        ambiguous: Whether its digits are both an old number and one valid today.
        rule: The rule that fits, also where it is not applied.
        made_by: The rule whose new numbers these are, where they are valid today.
        name: Operator or province today, in English; where converted, of the rule.
        name_vi: The same in Vietnamese, where it differs.
        country_code: The calling code the number belongs to; empty when unreadable.
        abroad: Whether that is not the home country's.
        others: Other rules that fit: what the old number may have become instead.
    """

    verdict: Verdict
    code: str
    kind: NumberKind
    ambiguous: bool = False
    rule: Rule | None = None
    name: str = ""
    name_vi: str = ""
    country_code: str = ""
    abroad: bool = False
    others: tuple[Rule, ...] = ()
    made_by: Rule | None = None


class Number(msgspec.Struct, frozen=True):
    """One number of a phone field, as read and judged.

    Attributes:
        written: Where and how it is written; None when it cannot be read.
        dialled: What its digits mean; None when that is not certain.
        judged: The verdict.
        evidence: What the card says about it, for an ambiguous number.
        today: The verdict by its digits alone, where evidence was weighed.
    """

    written: Written | None
    dialled: Dialled | None
    judged: Judged
    evidence: tuple[Evidence, ...] = ()
    today: Judged | None = None


class Proposal(msgspec.Struct, frozen=True):
    """What the converter proposes for one card.

    Attributes:
        changes: In the order of the card.
        questions: In the order of the card.
        judged: One verdict for each number read; a field that cannot be read counts as one.
        twice: Whether the card holds a number twice once the changes are made.
        unfit: How many changes a step would make that the source, or this card, cannot take.
    """

    changes: tuple[Change, ...]
    questions: tuple[Question, ...]
    judged: tuple[Judged, ...]
    twice: bool = False
    unfit: int = 0


Labelling: TypeAlias = Callable[[Phone, tuple[str, ...]], tuple[str, ...] | None]
"""Field and labels to give it -> the labels it then has; None when it cannot be given these."""


def as_given(_: Phone, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Label a field of a source that takes any labels."""
    return labels


class Steps(Protocol):
    """The steps that follow `renumber`; see `danhba.steps`.

    Attributes:
        names: Each step as it was asked for, in order, such as `normalise=e164`.
    """

    names: tuple[str, ...]

    def propose(self, card: Card, context: Context) -> Proposal:
        """Renumber the card, then make each step's changes to what came out."""
        ...


class Context:
    """Everything a conversion depends on besides the card.

    Args:
        home: The pack of the country in which a national-form number is dialled.
        others: Packs to use instead of the built-in ones, or with them, where a number has another
            country code; or all the packs of another context.
        today: The day of the run.
        ask: `all` turns every undecided ambiguous number into a question.
        answers: What a person answered before: (ref, key of the question) -> E.164 or `keep`.
        ledger: ref -> what a card was before we wrote it, and the values we wrote.
        policy: What to do while old and new numbers both connect.
        steps: The steps that follow `renumber`; None for none.
        supports: The change types that the source can carry out.
        labelling: Says which labels a field of the source has once it is given some.
    """

    def __init__(
        self,
        home: Pack,
        others: tuple[Pack, ...] | Packs = (),
        *,
        today: date,
        ask: Ask = "evidence",
        answers: Mapping[tuple[str, str], str] = NO_ANSWERS,
        ledger: Mapping[str, Earlier] = NO_LEDGER,
        policy: Policy = "replace",
        steps: Steps | None = None,
        supports: frozenset[type] = ALL_CHANGES,
        labelling: Labelling = as_given,
    ) -> None:
        self.packs = others if isinstance(others, Packs) else Packs(home, others)
        self.home = home = self.packs[home.country_code]
        self.today = today
        self.ask = ask
        self.answers = answers
        self.ledger = dict(ledger)
        self.policy = policy
        self.steps = steps
        self.supports = supports
        self.labelling = labelling
        self.judge = Judge()
        self.reader = Reader(home, self.packs, self.judge)
        self.plus = f"+{home.country_code}"
        self.leads = (home.trunk_prefix, home.country_code)
        self._plain: dict[str, Judged | None] = {}
        self._ours: dict[str, Judged | None] = {}
        self._reasons: dict[Judged, tuple[Why, ...]] = {}
        self._homes: dict[str, bool] = {"": True}
        self._harmless: dict[tuple[str, ...], bool] = {}
        self._blocks: dict[tuple[str, int, str], Judged] = {}
        self._derived: dict[tuple[Judged, Verdict, str], Judged] = {}
        self._foreign: dict[str, Judged] = {}

    @cached_property
    def without_memory(self) -> Context:
        """The same context on another machine: nobody has answered anything there."""
        if not self.answers and not self.ledger and self.ask == "evidence":
            return self
        return Context(
            self.home, self.packs, today=self.today, policy=self.policy, steps=self.steps,
            supports=self.supports, labelling=self.labelling,
        )  # fmt: skip

    def remember(self, ref: str, earlier: Earlier) -> None:
        """Take a card into the ledger that was written in this run."""
        self.ledger[ref] = earlier

    def plain(self, nsn: str) -> Judged | None:
        """Judge a plain home number; None where it must be weighed or asked about."""
        key = nsn[: self.home.block_digits] + _LENGTHS[len(nsn)]
        try:
            return self._plain[key]
        except KeyError:
            found = self.judged(Dialled(self.home.country_code, nsn, "national", 1))
            sure = not found.ambiguous and found.verdict != "ask" and self._is_plain(found.rule)
            sure = sure and not (found.verdict == "convert" and self.keeps_old(found.rule))
            self._plain[key] = answer = found if sure else None
            return answer

    def wrote(self, ref: str, value: str) -> bool:
        """Say whether we wrote this value into the card ourselves, which settles it."""
        earlier = self.ledger.get(ref)
        return bool(earlier and value in earlier.ours)

    def plain_of_ours(self, nsn: str) -> Judged | None:
        """Judge a plain home number that we wrote: it is kept; None where it is not that plain."""
        key = nsn[: self.home.block_digits] + _LENGTHS[len(nsn)]
        if key not in self._ours:
            found = self.judged(Dialled(self.home.country_code, nsn, "national", 1))
            kept = self.derived(found, "keep", "ours")
            self._ours[key] = kept if self._is_plain(found.rule) else None
        return self._ours[key]

    def _is_plain(self, rule: Rule | None) -> bool:
        """Say whether `0` and an NSN is read in one way only and renumbered by replacing digits."""
        home = self.home
        kept = rule is None or not (
            rule.new_trunk is not None or rule.new_country_code or rule.adds_a_group
        )
        return kept and home.trunk_prefix == "0" and not (home.old_trunks or home.carrier_prefixes)

    def keeps_old(self, rule: Rule | None) -> bool:
        """Say whether the old numbers of a rule are to stand beside the new ones today."""
        return self.policy == "add" and rule is not None and phase(rule, self.today) == "dual"

    def reasons(self, judged: Judged) -> tuple[Why, ...]:
        """Return the reasons for a verdict that rests on the digits alone."""
        try:
            return self._reasons[judged]
        except KeyError:
            said = self._reasons[judged] = reasons(Number(None, None, judged))
            return said

    def at_home(self, countries: tuple[str, ...]) -> bool:
        """Say whether all countries are the home country."""
        for country in countries:
            if country not in self._homes:
                self._homes[country] = fold(country) in set(map(fold, self.home.country_names))
            if not self._homes[country]:
                return False
        return True

    def harmless(self, labels: tuple[str, ...]) -> bool:
        """Say whether machine labels prove nothing about a number."""
        try:
            return self._harmless[labels]
        except KeyError:
            answer = self._harmless[labels] = not any("fax" in label for label in labels)
            return answer

    def judged(self, dialled: Dialled | None) -> Judged:
        """Judge a number by its digits alone; an ambiguous one waits for evidence."""
        if dialled is None:
            return UNCLEAR
        pack = self.packs.get(dialled.country_code)
        nsn = dialled.nsn
        abroad = dialled.country_code != self.home.country_code
        if pack is None or (abroad and not pack.rules_for(nsn)):
            return self._foreign_number(dialled)
        form = dialled.form if dialled.form in ("short", "no-trunk") else ""
        digits = nsn if form else nsn[: pack.block_digits]
        key = (dialled.country_code + form, len(nsn), digits)
        try:
            return self._blocks[key]
        except KeyError:
            found = self._dated(_judge(pack, self.judge, dialled), pack.range_of(nsn))
            if found.ambiguous or found.code == "current":
                found = replace(found, made_by=pack.rule_into(nsn))
            if abroad:
                found = replace(found, abroad=True)
                plain = found.verdict == "keep" and not found.ambiguous
                found = self._foreign_number(dialled) if plain else found
            self._blocks[key] = found
            return found

    def _dated(self, judged: Judged, present: Range | None) -> Judged:
        """Heed the days of the rule: before them nothing changes.

        An old number that phonenumbers accepts is not ambiguous by that alone while it still
        connects, or where phonenumbers cannot know of the change yet; it is where the pack says
        that others use it.
        """
        rule = judged.rule
        if rule is None or judged.code == "no-such-line":
            return judged
        now = phase(rule, self.today)
        if now == "before" or (now == "dual" and self.policy == "wait"):
            code = "not-yet" if now == "before" else "waits"
            kind = rule.kind if judged.kind == "unreadable" else judged.kind
            return replace(judged, verdict="keep", code=code, ambiguous=False, kind=kind)
        known = now == "after" and rule.cutoff <= KNOWS_UNTIL
        if judged.code != "also-valid-today" or present or known:
            return judged
        code = "under-way" if now == "dual" else "withdrawn"
        return _with_verdict(replace(judged, ambiguous=False), "convert", code)

    def _foreign_number(self, dialled: Dialled) -> Judged:
        code = dialled.country_code
        if code not in self._foreign:
            self._foreign[code] = Judged(
                "keep", "foreign", "foreign", country_code=code, abroad=True
            )
        return self._foreign[code]

    def derived(self, judged: Judged, verdict: Verdict, code: str) -> Judged:
        """Return the same judgement with another verdict and reason, one value for all."""
        key = (judged, verdict, code)
        try:
            return self._derived[key]
        except KeyError:
            found = self._derived[key] = _with_verdict(judged, verdict, code)
            return found


def undone_labels(labels: Iterable[str]) -> str:
    """Return the key under which an answer says that `undo` restored these machine labels."""
    return UNDONE_LABELS + ",".join(sorted(labels))


def keys_of_undo(fields: Mapping[str, Net]) -> Iterator[str]:
    """Yield the keys under which answers say that changes to these fields were undone."""
    for field in fields.values():
        if field.was is None:
            yield UNDONE_PHONE + field.number
        elif field.was.value is not None:
            yield UNDONE + field.was.value
        if field.was and field.now and field.was.labels is not None:
            yield undone_labels(field.was.labels)


def _unreadable(code: str) -> Judged:
    return Judged("keep", code, "unreadable")


UNCLEAR = _unreadable("unclear")
_TROUBLES: dict[str, Judged] = {"unclear": UNCLEAR}


def _trouble(code: str) -> Judged:
    return _TROUBLES.setdefault(code, _unreadable(code))


def _judge(pack: Pack, judge: Judge, dialled: Dialled) -> Judged:
    """Judge a number by its digits; the answer holds for its whole block (`Pack.block_digits`)."""
    nsn, code = dialled.nsn, pack.country_code
    closed = pack.closed(nsn)
    if closed:
        names = closed.name, closed.name_vi
        return Judged(
            "keep", "closed", closed.kind, name=names[0], name_vi=names[1], country_code=code
        )
    if dialled.form == "short":
        return Judged("keep", "too-short", "unreadable", country_code=code)
    rules, present = pack.rules_for(nsn), pack.range_of(nsn)
    kind = judge.kind(code, nsn, pack.block_digits)
    if not rules or not _has_old_reading(rules[0], nsn):
        return _current(kind, present, code)
    fitting = [rule for rule in rules if _is_fitting(rule, nsn, pack, judge)]
    if kind and not fitting:
        return _current(kind, present, code)
    rule, *others = fitting or rules
    judged = Judged(
        "keep", "no-such-line", "unreadable", rule=rule, name=rule.name, name_vi=rule.name_vi,
        country_code=code, others=tuple(others),
    )  # fmt: skip
    if not fitting:
        return judged
    if kind and not rule.withdrawn:
        return _ambiguous(judged, kind, present)
    verdict, why = ("ask", rule.ask) if rule.ask else _lost_zero(judge, dialled)
    if kind and verdict == "convert":
        why = "withdrawn"
    return replace(judged, verdict=verdict, code=why, kind=rule.kind)


def _is_fitting(rule: Rule, nsn: str, pack: Pack, judge: Judge) -> bool:
    """Say whether the new number of a rule exists and is of its kind."""
    code = rule.new_country_code or pack.country_code
    after = judge.kind(code, rule.renumber(nsn), pack.block_digits)
    return after in (rule.kind, "fixed-or-mobile")


def _ambiguous(judged: Judged, kind: Kind, present: Range | None) -> Judged:
    """Judge a number that is valid today and has an old reading besides: it waits for evidence."""
    assert judged.rule
    doubt = judged.rule.ask
    return replace(
        judged,
        verdict="ask" if doubt else "keep",
        code=doubt or "also-valid-today",
        kind=kind,
        ambiguous=True,
        name=present.name if present else "",
        name_vi=present.name_vi if present else "",
    )


def _has_old_reading(rule: Rule, nsn: str) -> bool:
    """Say whether a number may be an old one: not where all old lines are documented without it."""
    return not rule.exhaustive or nsn[len(rule.old) :].startswith(rule.lines)


def _current(kind: Kind | None, present: Range | None, code: str) -> Judged:
    names = (present.name, present.name_vi) if present else ("", "")
    if kind:
        return Judged("keep", "current", kind, name=names[0], name_vi=names[1], country_code=code)
    return Judged(
        "keep", "no-such-number", "unreadable", name=names[0], name_vi=names[1], country_code=code
    )


def _lost_zero(judge: Judge, dialled: Dialled) -> tuple[Verdict, str]:
    """Ask about ten bare digits: an old landline without its 0, or a North American number."""
    if dialled.form == "no-trunk" and judge.kind("1", dialled.nsn, len(dialled.nsn)):
        return "ask", "maybe-foreign"
    return "convert", "one-reading"


def _with_verdict(judged: Judged, verdict: Verdict, code: str) -> Judged:
    rule = judged.rule
    if verdict != "convert" or rule is None:
        return replace(judged, verdict=verdict, code=code)
    return replace(
        judged, verdict=verdict, code=code, kind=rule.kind, name=rule.name, name_vi=rule.name_vi
    )


def read_numbers(value: str, context: Context) -> tuple[Number, ...]:
    """Read a phone field and judge each number in it by its digits alone."""
    return _numbers(scan(value), context)


def _numbers(found: Scan, context: Context) -> tuple[Number, ...]:
    if found.trouble or not found.numbers:
        return (Number(None, None, _trouble(found.trouble or "unclear")),)
    return tuple(_number(written, context) for written in found.numbers)


def _number(written: Written, context: Context) -> Number:
    dialled = context.reader.read(written)
    return Number(written, dialled, context.judged(dialled))


class Field(NamedTuple):
    """A phone field with its numbers judged, and its value with the certain ones converted."""

    phone: Phone
    numbers: tuple[Number, ...]
    after: str

    @property
    def changed(self) -> bool:
        """Whether a number of it is converted."""
        return self.after != self.phone.value


def _field(phone: Phone, numbers: tuple[Number, ...]) -> Field:
    return Field(phone, numbers, converted(phone.value, numbers))


def convert(card: Card, context: Context) -> Proposal:
    """Propose the changes and questions for a card, and judge every number on it."""
    return context.steps.propose(card, context) if context.steps else renumber(card, context)


def renumber(card: Card, context: Context) -> Proposal:
    """Do what `convert` does, without the steps that follow."""
    verdicts: list[Judged] = []
    nsns: list[str] = []
    changing = False
    for phone in card.phones:
        nsn = plain_nsn(phone.value, context.plus)
        judged = context.plain(nsn) if nsn else None
        if judged is None and nsn and context.wrote(card.ref, phone.value):
            judged = context.plain_of_ours(nsn)
        if judged is None:
            return Conversion(card, context).proposal()
        changing = changing or judged.verdict == "convert"
        verdicts.append(judged)
        nsns.append(nsn)
    if not changing:
        return Proposal((), (), tuple(verdicts), twice=len(set(nsns)) < len(nsns))
    if (
        not context.answers
        and card.ref not in context.ledger
        and _raises_no_doubt(card, nsns, context)
    ):
        changes = _simple_changes(card.phones, verdicts, context)
        if changes:
            return Proposal(changes, (), tuple(verdicts))
    return Conversion(card, context).proposal()


def _raises_no_doubt(card: Card, nsns: list[str], context: Context) -> bool:
    """Say whether surely nothing on a card of plain numbers is foreign or proves a landline.

    A shortcut on the safe side: two numbers may only be forms of one if their last digits agree,
    for every renumbering changes the first ones.
    """
    for phone in card.phones:
        if phone.label or phone.locked or "(" in phone.value or not context.harmless(phone.labels):
            return False
    if len({nsn[-_COMMON:] for nsn in nsns}) < len(nsns):
        return False
    return context.at_home(card.headline.countries)


def _simple_changes(
    phones: tuple[Phone, ...], verdicts: list[Judged], context: Context
) -> tuple[Change, ...]:
    """Change plain numbers with one reading, when the old prefix stands together; else nothing.

    A shortcut: `Conversion` proposes the same.
    """
    changes: list[Change] = []
    for phone, judged in zip(phones, verdicts, strict=True):
        if judged.verdict != "convert" or judged.rule is None:
            continue
        after = simply_converted(phone.value, judged.rule, context)
        if not after:
            return ()
        why = context.reasons(judged)
        changes.append(SetNumber(phone.key, phone.value, after, judged.rule.id, "renumber", why))
    return tuple(changes)


def simply_converted(value: str, rule: Rule, context: Context) -> str:
    """Convert a plain number whose old prefix stands together; empty where it does not."""
    at = value.find(rule.old, 1, len(context.plus) + len(rule.old) + 2)
    if at < 1 or value[:at].strip("+ .-") not in context.leads:
        return ""
    return value[:at] + rule.new + value[at + len(rule.old) :]


def examine(card: Card, context: Context) -> list[Field]:
    """Judge every number of a card, and return the numbers with their verdicts and evidence."""
    return Conversion(card, context).safe()


class Conversion:
    """The conversion of one card that may have something to convert or to weigh."""

    def __init__(self, card: Card, context: Context) -> None:
        self.card = card
        self.context = context
        self.read = [(phone, read_numbers(phone.value, context)) for phone in card.phones]

    def proposal(self) -> Proposal:
        """Propose the changes and questions."""
        fields = self.safe()
        changes = changes_of(fields, self.context)
        numbers = [
            (field.phone.key, number)
            for field in fields
            for number in numbers_after(field, self.context)
        ]
        twins = twins_of(numbers) if len(numbers) > 1 else frozenset()
        changes = told_twice(changes, twins)
        return Proposal(changes, questions_of(fields), judged_of(fields), bool(twins))

    @cached_property
    def scales(self) -> Scales:
        """What weighs the numbers of this card."""
        subjects = [
            Subject(phone, number.written, number.dialled, number.judged.rule)
            for phone, numbers in self.read
            for number in numbers
            if number.written and number.dialled
        ]
        context = self.context
        earlier = context.ledger.get(self.card.ref)
        if earlier and earlier.version != self.card.version:
            earlier = None
        return Scales(self.card, subjects, context.packs, context.today, earlier)

    def weighed(self) -> list[Field]:
        """Weigh the evidence for each number that needs it; heed what a person answered."""
        return [
            _field(phone, tuple([self._weigh(phone, number) for number in numbers]))
            for phone, numbers in self.read
        ]

    def safe(self) -> list[Field]:
        """Judge every number; what would hop on a machine that remembers nothing is asked about.

        First only the numbers that hop themselves; then those whose old form, gone by the change,
        was all that proved a hopping number a mobile; at last every conversion of the card.
        """
        fields = self.weighed()
        for is_culprit in (_hops_itself, _becomes_one_that_hops, _changes):
            hops = self._hops(fields)
            if not hops.phones:
                break
            fields = [self._asked(field) if is_culprit(field, hops) else field for field in fields]
        return fields

    def _asked(self, field: Field) -> Field:
        derived = self.context.derived
        numbers = tuple(
            _judged_as(number, derived(number.judged, "ask", "would-hop"))
            if number.judged.verdict == "convert" and number.judged.code != "answered"
            else number
            for number in field.numbers
        )
        return _field(field.phone, numbers)

    def _hops(self, fields: list[Field]) -> _Hops:
        """Return what of the changed card would change again (DESIGN, promise 4).

        What is asked about lest it hop is left out: the next run will find the same and ask again.
        So is what we leave alone for memory alone: another machine would change it anyway.
        """
        if not any(map(_changes, fields)) or _bears_no_proof(fields, self.context):
            return _NO_HOPS
        details = self.card.details
        midnight = datetime.combine(self.context.today, datetime.min.time(), UTC)
        today = replace(details, date=details.date and midnight)
        phones = phones_after(self.card.phones, changes_of(fields, self.context))
        card = Card(self.card.ref, b"", phones, lambda _: today)
        held_back = {field.phone.key for field in fields if _is_held_back(field)}
        left = held_back | self._left_for_memory(fields)
        again = [
            field for field in Conversion(card, self.context.without_memory).weighed()
            if field.phone.key not in left
        ]  # fmt: skip
        return _Hops(
            frozenset(field.phone.key for field in again if _changes(field)),
            frozenset(
                number.dialled.nsn
                for field in again
                for number in field.numbers
                if number.dialled and number.judged.verdict == "convert"
            ),
        )

    def _left_for_memory(self, fields: list[Field]) -> frozenset[str]:
        """Return the phones that we leave alone and would change without memory."""
        if self.context.without_memory is self.context:
            return frozenset()
        forgetful = Conversion(self.card, self.context.without_memory).weighed()
        anyway = frozenset([field.phone.key for field in forgetful if field.changed])
        return anyway.difference(field.phone.key for field in fields if field.changed)

    def _weigh(self, phone: Phone, number: Number) -> Number:
        judged, written, dialled = number.judged, number.written, number.dialled
        if not judged.ambiguous and judged.verdict == "keep":
            return number
        if self.context.wrote(self.card.ref, phone.value):
            number = Number(written, dialled, judged, (), judged)
            return _judged_as(number, self.context.derived(judged, "keep", "ours"))
        rule = judged.rule
        assert written and dialled and rule
        found, verdict, code = self._by_evidence(Subject(phone, written, dialled, rule), judged)
        weighed = Number(written, dialled, judged, found, judged)
        verdict, code = self._answered(phone, weighed, verdict, code)
        if code == "answered" and judged.others:
            judged = _by_answer(weighed, self._answer(phone, weighed))
        if verdict == "convert" and code != "answered" and self._is_beside(phone, dialled, rule):
            verdict, code = "keep", "kept-beside"
        if phone.locked and verdict != "keep":
            verdict, code = "keep", phone.locked
        return _judged_as(weighed, self.context.derived(judged, verdict, code))

    def _by_evidence(
        self, subject: Subject, judged: Judged
    ) -> tuple[tuple[Evidence, ...], Verdict, str]:
        """Return what the card says about a number, and the verdict and reason that follow."""
        rule, verdict, code = subject.rule, judged.verdict, judged.code
        assert rule
        found: tuple[Evidence, ...] = ()
        if judged.ambiguous and _can_be_weighed(rule, judged.kind):
            found = self.scales.weigh(subject)
            verdict, code = evidence.decide(found)
            if rule.ask and code != "proved-mobile":
                verdict, code = "ask", rule.ask
        if foreign := self.scales.foreign(subject):
            found = (*found, *foreign)
            if verdict == "convert" and any(piece.strength == "decisive" for piece in foreign):
                verdict, code = "ask", "foreign-card"
        if code == "also-valid-today" and self.context.ask == "all":
            verdict = "ask"
        return found, verdict, code

    def _is_beside(self, phone: Phone, dialled: Dialled, rule: Rule) -> bool:
        """Say whether an old number is there on purpose, beside its new form."""
        if not (is_labelled_old(phone) or self.context.keeps_old(rule)):
            return False
        new = rule.new_country_code or dialled.country_code, rule.renumber(dialled.nsn)
        return new in {
            (number.dialled.country_code, number.dialled.nsn)
            for _, numbers in self.read
            for number in numbers
            if number.dialled
        }

    def _answered(
        self, phone: Phone, number: Number, verdict: Verdict, code: str
    ) -> tuple[Verdict, str]:
        """Let a person's earlier answer to this very question decide."""
        answer = self._answer(phone, number)
        if answer is None:
            return verdict, code
        return ("keep", "answered") if answer == "keep" else ("convert", "answered")

    def _answer(self, phone: Phone, number: Number) -> str | None:
        """Return what a person answered, `keep` or the new number; None when nothing yet."""
        answers, ref = self.context.answers, self.card.ref
        if not answers or not number.judged.rule:
            return None
        undone = answers.get((ref, UNDONE + phone.value))
        return undone or answers.get((ref, question_key(number)))


def _can_be_weighed(rule: Rule, kind: NumberKind) -> bool:
    """Say whether evidence speaks about a number: it tells an old landline from today's mobile."""
    return not rule.ask or (rule.kind == "fixed" and kind == "mobile")


def _by_answer(number: Number, answer: str | None) -> Judged:
    """Judge by the rule that makes the number a person chose."""
    judged, dialled = number.judged, number.dialled
    assert dialled and judged.rule
    for rule in judged.others:
        if e164(dialled, rule) == answer:
            others = tuple(other for other in (judged.rule, *judged.others) if other is not rule)
            return replace(judged, rule=rule, others=others)
    return judged


class _Hops(NamedTuple):
    """What of a changed card would change again.

    Attributes:
        phones: The keys of the fields.
        numbers: The NSNs in them, as they are after the first change.
    """

    phones: frozenset[str]
    numbers: frozenset[str]


_NO_HOPS = _Hops(frozenset(), frozenset())


def _changes(field: Field, _: _Hops = _NO_HOPS) -> bool:
    return field.changed


def _is_held_back(field: Field) -> bool:
    asked = any(number.judged.code == "would-hop" for number in field.numbers)
    return asked and not _changes(field)


def _hops_itself(field: Field, hops: _Hops) -> bool:
    return field.phone.key in hops.phones


def _becomes_one_that_hops(field: Field, hops: _Hops) -> bool:
    return any(
        number.judged.rule.renumber(number.dialled.nsn) in hops.numbers
        for number in field.numbers
        if number.dialled and number.judged.rule and number.judged.verdict == "convert"
    )


def _bears_no_proof(fields: list[Field], context: Context) -> bool:
    """Say whether surely nothing on a card proves a landline, so that no number can hop.

    Quick and on the safe side: most cards have neither typed labels nor extensions nor brackets.
    """
    held: set[str] = set()
    wanted: set[str] = set()
    for phone, numbers, _ in fields:
        if phone.label or "(" in phone.value or "fax" in "".join(phone.labels):
            return False
        for number in numbers:
            written, dialled, judged = number.written, number.dialled, number.judged
            if written is None or dialled is None:
                continue
            if written.ext or written.words or judged.ambiguous:
                return False
            held.add(dialled.nsn)
            if judged.rule and judged.verdict == "convert":
                new = judged.rule.renumber(dialled.nsn)
                code = judged.rule.new_country_code or dialled.country_code
                if again := context.packs[code].rule_for(new):
                    wanted.add(again.renumber(new))
    return held.isdisjoint(wanted)


def changes_of(fields: list[Field], context: Context) -> tuple[Change, ...]:
    """Return the changes that carry out the verdicts, in the order of the card."""
    return tuple([change for field in fields for change in _changes_of(field, context)])


def questions_of(fields: list[Field]) -> tuple[Question, ...]:
    """Return the questions, in the order of the card."""
    return tuple([question for field in fields for question in _questions(field)])


def judged_of(fields: list[Field]) -> tuple[Judged, ...]:
    """Return the verdict on each number, in the order of the card."""
    return tuple([number.judged for field in fields for number in field.numbers])


def _changes_of(field: Field, context: Context) -> Iterator[Change]:
    if not field.changed:
        return
    phone, numbers, after = field
    done = [number for number in numbers if number.judged.verdict == "convert"]
    rule = next(number.judged.rule.id for number in done if number.judged.rule)
    why = tuple([reason for number in done for reason in reasons(number)])
    yield SetNumber(phone.key, phone.value, after, rule, "renumber", why)
    labels = (*(label for label in phone.labels if label != "pref"), OLD_LABEL)
    labels = context.labelling(Phone("", ""), labels) or (OLD_LABEL,)
    for number in done:
        if number.judged.rule and context.keeps_old(number.judged.rule):
            old = phone.value if len(numbers) == 1 else _alone(phone.value, number)
            beside = Why("beside", {"cutoff": number.judged.rule.cutoff.isoformat()})
            yield AddPhone(phone.key, old, labels, "renumber", (beside,))


def _alone(value: str, number: Number) -> str:
    """Return one number of a field that holds several, as it is written there."""
    written = number.written
    assert written
    ext = f" ext {written.ext}" if written.ext else ""
    return value[written.start : written.end] + ext


def numbers_after(field: Field, context: Context) -> tuple[Number, ...]:
    """Read the numbers of a field as it is with the changes made."""
    return read_numbers(field.after, context) if field.changed else field.numbers


def twins_of(numbers: Iterable[tuple[str, Number]]) -> frozenset[str]:
    """Return the phones, by key, that hold a number which stands on the card twice."""
    first: dict[tuple[str, str, str], str] = {}
    found: set[str] = set()
    for key, number in numbers:
        written, dialled = number.written, number.dialled
        if written and dialled and dialled.form != "short":
            other = first.setdefault((dialled.country_code, dialled.nsn, written.ext), key)
            if other != key:
                found |= {other, key}
    return frozenset(found)


def told_twice(changes: tuple[Change, ...], twins: frozenset[str]) -> tuple[Change, ...]:
    """Add to the changes of a number that it then stands on the card twice."""
    if not twins:
        return changes
    return tuple(
        replace(change, why=(*change.why, Why("twice")))
        if isinstance(change, SetNumber) and change.phone in twins
        else change
        for change in changes
    )


def _questions(field: Field) -> Iterator[Question]:
    phone, numbers, base = field
    for number in numbers:
        if number.judged.verdict == "ask":
            readings = tuple(readings_of(phone.value, number, numbers))
            kept = replace(readings[-1], after=base)
            key = question_key(number)
            yield Question(phone.key, phone.value, (*readings[:-1], kept), reasons(number), key)


def _judged_as(number: Number, judged: Judged) -> Number:
    return Number(number.written, number.dialled, judged, number.evidence, number.today)


def converted(value: str, numbers: tuple[Number, ...], also: Number | None = None) -> str:
    """Return a phone field with the numbers converted whose verdict says so, and `also`.

    `also` need not be one of the numbers itself, but stand in the place of one.
    """
    for number in reversed(numbers):
        if also and number.written is also.written:
            value = _respelled(value, also)
        elif number.judged.verdict == "convert":
            value = _respelled(value, number)
    return value


def _respelled(value: str, number: Number) -> str:
    written, dialled, rule = number.written, number.dialled, number.judged.rule
    assert written and dialled and rule
    return rewrite(value, written, dialled, rule)


def readings_of(value: str, number: Number, numbers: tuple[Number, ...]) -> Iterator[Reading]:
    """Spell out the readings of a number: the old one converted, last the one that keeps it."""
    judged, dialled = number.today or number.judged, number.dialled
    assert judged.rule and dialled
    for rule in (judged.rule, *judged.others):
        after = converted(value, numbers, _by_rule(number, rule))
        old = f"{rule.kind}, {rule.name} (old form, until {rule.cutoff})"
        yield Reading(after, e164(dialled, rule), old, rule.id, rule.name_vi)
    today, name_vi = "some other number", ""
    if judged.ambiguous:
        name = f"{judged.kind}, {judged.name}" if judged.name else judged.kind
        today, name_vi = f"{name} (valid today)", judged.name_vi
    yield Reading(value, f"+{dialled.country_code}{dialled.nsn}", today, "", name_vi)


def _by_rule(number: Number, rule: Rule) -> Number:
    judged = replace(number.judged, rule=rule)
    return Number(number.written, number.dialled, judged)


def reasons(number: Number) -> tuple[Why, ...]:
    """Give the reasons for a verdict: the rule's or the digits', then what the card says."""
    judged = number.judged
    args: dict[str, str] = {}
    if judged.rule:
        rule = judged.rule
        args = {"old": rule.old, "new": rule.new, **named(rule)}
        args["cutoff"] = rule.cutoff.isoformat()
        if judged.code == "not-yet":
            args["start"] = begins(rule).isoformat()
    elif judged.name:
        args = named(judged)
    if judged.ambiguous:
        args |= named(judged, "today")
    said = (Why(found.code, {**found.args, "for": found.direction}) for found in number.evidence)
    return Why(judged.code, args), *said


def question_key(number: Number) -> str:
    """Name what a question hangs on: the number and the evidence; new evidence asks anew."""
    assert number.dialled
    said = ",".join(sorted({found.code for found in number.evidence} - _OF_OUR_MAKING))
    return f"+{number.dialled.country_code}{number.dialled.nsn}|{said}"
