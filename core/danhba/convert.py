"""What shall become of the numbers on a card? (Card, Context) -> changes, questions, verdicts.

Pure and deterministic: packs, home country, today, policy and known answers are all in the context.
A number with one reading is converted. One that is also valid today is weighed by the evidence on
its card (`danhba.evidence`): converted, kept, or put to a person. What comes out is a fixed point:
converting the changed card again, without any memory, proposes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from danhba import evidence
from danhba.card import Card, Change, Phone, Question, Reading, SetNumber, Why
from danhba.evidence import Earlier, Evidence, Scales, Subject, fold
from danhba.judge import Judge, Kind
from danhba.packs import Pack, Packs, Range, Rule
from danhba.phone import Dialled, Scan, Written, plain_nsn, scan
from danhba.reading import Reader, e164, rewrite

Verdict: TypeAlias = Literal["convert", "keep", "ask"]
NumberKind: TypeAlias = Kind | Literal["foreign", "unreadable"]
Ask: TypeAlias = Literal["evidence", "all"]

NO_ANSWERS: Mapping[tuple[str, str], str] = {}
NO_LEDGER: Mapping[str, Earlier] = {}
UNDONE = "undone|"
"""In front of a value: the key under which an answer says that `undo` restored this value."""


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
    """

    changes: tuple[Change, ...]
    questions: tuple[Question, ...]
    judged: tuple[Judged, ...]


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
    ) -> None:
        self.packs = others if isinstance(others, Packs) else Packs(home, others)
        self.home = home = self.packs[home.country_code]
        self.today = today
        self.ask = ask
        self.answers = answers
        self.ledger = dict(ledger)
        self.judge = Judge()
        self.reader = Reader(home, self.packs, self.judge)
        self.plus = f"+{home.country_code}"
        self.leads = (home.trunk_prefix, home.country_code)
        self._plain: dict[str, Judged | None] = {}
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
        return Context(self.home, self.packs, today=self.today)

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
            self._plain[key] = answer = found if sure else None
            return answer

    def _is_plain(self, rule: Rule | None) -> bool:
        """Say whether `0` and an NSN is read in one way only, and the 0 outlives a renumbering."""
        home = self.home
        kept = rule is None or (rule.new_trunk is None and not rule.new_country_code)
        return kept and home.trunk_prefix == "0" and not (home.old_trunks or home.carrier_prefixes)

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
            found = _judge(pack, self.judge, dialled)
            if found.ambiguous or found.code == "current":
                found = msgspec.structs.replace(found, made_by=pack.rule_into(nsn))
            if abroad:
                found = msgspec.structs.replace(found, abroad=True)
                plain = found.verdict == "keep" and not found.ambiguous
                found = self._foreign_number(dialled) if plain else found
            self._blocks[key] = found
            return found

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
    return msgspec.structs.replace(judged, verdict=verdict, code=why, kind=rule.kind)


def _is_fitting(rule: Rule, nsn: str, pack: Pack, judge: Judge) -> bool:
    """Say whether the new number of a rule exists and is of its kind."""
    code = rule.new_country_code or pack.country_code
    after = judge.kind(code, rule.renumber(nsn), pack.block_digits)
    return after in (rule.kind, "fixed-or-mobile")


def _ambiguous(judged: Judged, kind: Kind, present: Range | None) -> Judged:
    """Judge a number that is valid today and has an old reading besides: it waits for evidence."""
    assert judged.rule
    doubt = judged.rule.ask
    return msgspec.structs.replace(
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
        return msgspec.structs.replace(judged, verdict=verdict, code=code)
    return msgspec.structs.replace(
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


def _field(phone: Phone, numbers: tuple[Number, ...]) -> Field:
    return Field(phone, numbers, converted(phone.value, numbers))


def convert(card: Card, context: Context) -> Proposal:
    """Propose the changes and questions for a card, and judge every number on it."""
    verdicts: list[Judged] = []
    nsns: list[str] = []
    changing = False
    for phone in card.phones:
        nsn = plain_nsn(phone.value, context.plus)
        judged = context.plain(nsn) if nsn else None
        if judged is None:
            return _Conversion(card, context).proposal()
        changing = changing or judged.verdict == "convert"
        verdicts.append(judged)
        nsns.append(nsn)
    if not changing:
        return Proposal((), (), tuple(verdicts))
    if (
        not context.answers
        and card.ref not in context.ledger
        and _raises_no_doubt(card, nsns, context)
    ):
        changes = _simple_changes(card.phones, verdicts, context)
        if changes:
            return Proposal(changes, (), tuple(verdicts))
    return _Conversion(card, context).proposal()


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

    A shortcut: `_Conversion` proposes the same.
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
    return _Conversion(card, context).safe()


class _Conversion:
    """The conversion of one card that may have something to convert or to weigh."""

    def __init__(self, card: Card, context: Context) -> None:
        self.card = card
        self.context = context
        self.read = [(phone, read_numbers(phone.value, context)) for phone in card.phones]

    def proposal(self) -> Proposal:
        """Propose the changes and questions."""
        changes: list[Change] = []
        questions: list[Question] = []
        judged: list[Judged] = []
        for field in self.safe():
            judged.extend([number.judged for number in field.numbers])
            if _changes(field):
                changes.append(_change(field))
            questions.extend(_questions(field))
        return Proposal(tuple(changes), tuple(questions), tuple(judged))

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
        """
        if not any(map(_changes, fields)) or _bears_no_proof(fields, self.context):
            return _NO_HOPS
        details = self.card.details
        midnight = datetime.combine(self.context.today, datetime.min.time(), UTC)
        today = msgspec.structs.replace(details, date=details.date and midnight)
        phones = tuple(msgspec.structs.replace(field.phone, value=field.after) for field in fields)
        card = Card(self.card.ref, b"", phones, lambda _: today)
        held_back = {field.phone.key for field in fields if _is_held_back(field)}
        again = [
            field for field in _Conversion(card, self.context.without_memory).weighed()
            if field.phone.key not in held_back
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

    def _weigh(self, phone: Phone, number: Number) -> Number:
        judged, written, dialled = number.judged, number.written, number.dialled
        if not judged.ambiguous and judged.verdict == "keep":
            return number
        rule = judged.rule
        assert written and dialled and rule
        subject = Subject(phone, written, dialled, rule)
        verdict, code = judged.verdict, judged.code
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
        weighed = Number(written, dialled, judged, found, judged)
        verdict, code = self._answered(phone, weighed, verdict, code)
        if code == "answered" and judged.others:
            judged = _by_answer(weighed, self._answer(phone, weighed))
        if phone.locked and verdict != "keep":
            verdict, code = "keep", phone.locked
        return _judged_as(weighed, self.context.derived(judged, verdict, code))

    def _answered(
        self, phone: Phone, number: Number, verdict: Verdict, code: str
    ) -> tuple[Verdict, str]:
        """Let a person's earlier answer to this very question decide."""
        written = self.context.ledger.get(self.card.ref)
        if written and phone.value in written.ours:
            return "keep", "ours"
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
            return msgspec.structs.replace(judged, rule=rule, others=others)
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
    return field.after != field.phone.value


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


def _change(field: Field) -> SetNumber:
    done = [number for number in field.numbers if number.judged.verdict == "convert"]
    rule = next(number.judged.rule.id for number in done if number.judged.rule)
    why = tuple([reason for number in done for reason in reasons(number)])
    return SetNumber(field.phone.key, field.phone.value, field.after, rule, "renumber", why)


def _questions(field: Field) -> Iterator[Question]:
    phone, numbers, base = field
    for number in numbers:
        if number.judged.verdict == "ask":
            readings = tuple(readings_of(phone.value, number, numbers))
            kept = msgspec.structs.replace(readings[-1], after=base)
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
        old = f"{rule.kind}, {rule.name_vi or rule.name} (old form, until {rule.cutoff})"
        yield Reading(after, e164(dialled, rule), old, rule.id)
    today = f"{judged.kind}, {judged.name_vi or judged.name}" if judged.name else judged.kind
    meaning = f"{today} (valid today)" if judged.ambiguous else "some other number"
    yield Reading(value, f"+{dialled.country_code}{dialled.nsn}", meaning)


def _by_rule(number: Number, rule: Rule) -> Number:
    judged = msgspec.structs.replace(number.judged, rule=rule)
    return Number(number.written, number.dialled, judged)


def reasons(number: Number) -> tuple[Why, ...]:
    """Give the reasons for a verdict: the rule's or the digits', then what the card says."""
    judged = number.judged
    args: dict[str, str] = {}
    if judged.rule:
        rule = judged.rule
        args = {"old": rule.old, "new": rule.new, "name": rule.name_vi or rule.name}
        args["cutoff"] = rule.cutoff.isoformat()
    elif judged.name:
        args = {"name": judged.name_vi or judged.name}
    if judged.ambiguous:
        args["today"] = judged.name_vi or judged.name
    said = (Why(found.code, {**found.args, "for": found.direction}) for found in number.evidence)
    return Why(judged.code, args), *said


def question_key(number: Number) -> str:
    """Name what a question hangs on: the number and the evidence; new evidence asks anew."""
    assert number.dialled
    said = ",".join(sorted({found.code for found in number.evidence} - _OF_OUR_MAKING))
    return f"+{number.dialled.country_code}{number.dialled.nsn}|{said}"
