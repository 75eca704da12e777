"""What shall become of the numbers on a card? (Card, Context) -> changes, questions and a verdict each.

Pure and deterministic: packs, home country, today, policy and known answers are all in the context.
A number with one reading is converted. One that is also valid today is weighed by the evidence on
its card (`danhba.evidence`): converted, kept, or put to a person. What comes out is a fixed point:
converting the changed card again, without any memory, proposes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Literal, TypeAlias

import msgspec

from danhba import evidence
from danhba.card import Card, Change, Phone, Question, Reading, SetNumber, Why
from danhba.evidence import Earlier, Evidence, Scales, Subject
from danhba.judge import Judge, Kind
from danhba.packs import Pack, Range, Rule
from danhba.phone import Dialing, Dialled, Scan, Written, dial, respell, scan

Verdict: TypeAlias = Literal["convert", "keep", "ask"]
NumberKind: TypeAlias = Kind | Literal["foreign", "unreadable"]
Ask: TypeAlias = Literal["evidence", "all"]

NO_ANSWERS: Mapping[tuple[str, str], str] = {}
NO_DATES: Mapping[str, Earlier] = {}
UNDONE = "undone|"
"""In front of a value: the key under which an answer says that `undo` restored this value."""


class Judged(msgspec.Struct, frozen=True, eq=False):
    """A verdict and its reason; one value is shared by all numbers that are judged alike.

    Attributes:
        verdict: `convert`, `keep` or `ask`.
        code: Why, such as `one-reading`, `current`, `also-valid-today` or `no-such-line`.
        kind: What the number is today; where the verdict is `convert`, what it becomes.
        ambiguous: Whether its digits are both an old number and one valid today.
        rule: The rule that fits, also where it is not applied.
        name: Operator or province today, in English; where converted, of the rule.
        name_vi: The same in Vietnamese, where it differs.
        country_code: The calling code the number belongs to; empty when unreadable.
    """

    verdict: Verdict
    code: str
    kind: NumberKind
    ambiguous: bool = False
    rule: Rule | None = None
    name: str = ""
    name_vi: str = ""
    country_code: str = ""


class Number(msgspec.Struct, frozen=True):
    """One number of a phone field, as read and judged.

    Attributes:
        written: Where and how it is written; None when it cannot be read.
        dialled: What its digits mean; None when that is not certain.
        judged: The verdict.
        evidence: What the card says about it, for an ambiguous number.
    """

    written: Written | None
    dialled: Dialled | None
    judged: Judged
    evidence: tuple[Evidence, ...] = ()


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
        others: Packs for numbers with another country code.
        today: The day of the run.
        ask: `all` turns every undecided ambiguous number into a question.
        answers: What a person answered before: (ref, key of the question) -> E.164 or `keep`.
        dates: ref -> what a card was before we wrote it.
    """

    def __init__(
        self,
        home: Pack,
        others: tuple[Pack, ...] = (),
        *,
        today: date,
        ask: Ask = "evidence",
        answers: Mapping[tuple[str, str], str] = NO_ANSWERS,
        dates: Mapping[str, Earlier] = NO_DATES,
    ) -> None:
        self.home = home
        self.packs = {pack.country_code: pack for pack in (*others, home)}
        self.today = today
        self.ask = ask
        self.answers = answers
        self.dates = dates
        self.judge = Judge()
        self.dialing = dialing_of(home)
        self._blocks: dict[tuple[str, int, str], Judged] = {}
        self._derived: dict[tuple[Judged, Verdict, str], Judged] = {}
        self._foreign: dict[str, Judged] = {}

    @cached_property
    def without_memory(self) -> Context:
        """The same context on another machine: nobody has answered anything there."""
        if not self.answers and not self.dates and self.ask == "evidence":
            return self
        return Context(self.home, tuple(self.packs.values()), today=self.today)

    def judged(self, dialled: Dialled | None) -> Judged:
        """Judge a number by its digits alone; an ambiguous one is kept until evidence is weighed."""
        if dialled is None:
            return UNCLEAR
        pack = self.packs.get(dialled.country_code)
        if pack is None:
            return self._foreign_number(dialled)
        nsn = dialled.nsn
        form = dialled.form if dialled.form in ("short", "no-trunk") else ""
        digits = nsn if form else nsn[: pack.block_digits]
        key = (dialled.country_code + form, len(nsn), digits)
        try:
            return self._blocks[key]
        except KeyError:
            found = self._blocks[key] = _judge(pack, self.judge, dialled)
            return found

    def _foreign_number(self, dialled: Dialled) -> Judged:
        code = dialled.country_code
        if code not in self._foreign:
            self._foreign[code] = Judged("keep", "foreign", "foreign", country_code=code)
        return self._foreign[code]

    def derived(self, judged: Judged, verdict: Verdict, code: str) -> Judged:
        """Return the same judgement with another verdict and reason, shared by all who ask for it."""
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


def dialing_of(pack: Pack) -> Dialing:
    """Say how numbers are dialled in the country of a pack."""
    old = {rule.old_length for rule in pack.rules}
    return Dialing(
        pack.country_code,
        pack.trunk_prefix,
        pack.international_prefixes,
        tuple(sorted(old.union(pack.nsn_lengths))),
    )


def new_nsn(rule: Rule, nsn: str) -> str:
    """Return the number that a rule makes of an old one."""
    return rule.new + nsn[len(rule.old) :]


def _judge(pack: Pack, judge: Judge, dialled: Dialled) -> Judged:
    """Judge a number by its digits; the answer holds for its whole block (`Pack.block_digits`)."""
    nsn, code = dialled.nsn, pack.country_code
    closed = pack.closed(nsn)
    if closed:
        names = closed.name, closed.name_vi
        return Judged("keep", "closed", closed.kind, False, None, *names, country_code=code)
    if dialled.form == "short":
        return Judged("keep", "too-short", "unreadable", country_code=code)
    rule, present = pack.rule_for(nsn), pack.range_of(nsn)
    kind = judge.kind(code, nsn, pack.block_digits)
    if rule is None or (kind and not _has_old_reading(rule, nsn)):
        return _current(kind, present, code)
    after = judge.kind(code, new_nsn(rule, nsn), pack.block_digits)
    if after not in (rule.kind, "fixed-or-mobile"):
        return _current(kind, present, code) if kind else Judged(
            "keep", "no-such-line", "unreadable", False, rule, rule.name, rule.name_vi, code
        )  # fmt: skip
    if kind:
        names = (present.name, present.name_vi) if present else ("", "")
        return Judged("keep", "also-valid-today", kind, True, rule, *names, country_code=code)
    verdict, why = _lost_zero(rule, judge, dialled)
    return Judged(verdict, why, rule.kind, False, rule, rule.name, rule.name_vi, code)


def _has_old_reading(rule: Rule, nsn: str) -> bool:
    """Say whether a number valid today may be an old one: not when all old lines are documented."""
    return not rule.exhaustive or nsn[len(rule.old) :].startswith(rule.lines)


def _current(kind: Kind | None, present: Range | None, code: str) -> Judged:
    names = (present.name, present.name_vi) if present else ("", "")
    if kind:
        return Judged("keep", "current", kind, False, None, *names, country_code=code)
    if present and not present.source:
        return Judged("keep", "no-such-number", "unreadable", country_code=code)
    return Judged("keep", "no-such-number", "unreadable", False, None, *names, country_code=code)


def _lost_zero(rule: Rule, judge: Judge, dialled: Dialled) -> tuple[Verdict, str]:
    """Ask about ten bare digits that are an old landline without its 0, or a North American number."""
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
    dialled = dial(written, context.dialing)
    return Number(written, dialled, context.judged(dialled))


def convert(card: Card, context: Context) -> Proposal:
    """Propose the changes and questions for a card, and judge every number on it."""
    verdicts: list[Judged] = []
    scans: list[Scan] = []
    calm = True
    for phone in card.phones:
        found = scan(phone.value)
        scans.append(found)
        if found.trouble or not found.numbers:
            verdicts.append(_trouble(found.trouble or "unclear"))
            continue
        for written in found.numbers:
            judged = context.judged(dial(written, context.dialing))
            if judged.ambiguous or judged.verdict != "keep":
                calm = False
            verdicts.append(judged)
    if calm:
        return Proposal((), (), tuple(verdicts))
    fields = [
        (phone, _numbers(found, context))
        for phone, found in zip(card.phones, scans, strict=True)
    ]
    return _Conversion(card, fields, context).proposal()


Fields: TypeAlias = list[tuple[Phone, tuple[Number, ...]]]


def examine(card: Card, context: Context) -> Fields:
    """Judge every number of a card, and return the numbers with their verdicts and evidence."""
    fields = [(phone, read_numbers(phone.value, context)) for phone in card.phones]
    return _Conversion(card, fields, context).safe()


class _Conversion:
    """The conversion of one card that has something to convert or to weigh."""

    def __init__(self, card: Card, fields: Fields, context: Context) -> None:
        self.card = card
        self.context = context
        self.fields = fields

    def proposal(self) -> Proposal:
        """Propose the changes and questions."""
        changes: list[Change] = []
        questions: list[Question] = []
        judged: list[Judged] = []
        for phone, numbers in self.safe():
            judged.extend(number.judged for number in numbers)
            after = converted(phone.value, numbers)
            if after != phone.value:
                changes.append(_change(phone, numbers, after))
            questions.extend(_questions(phone, numbers))
        return Proposal(tuple(changes), tuple(questions), tuple(judged))

    def weighed(self) -> Fields:
        """Weigh the evidence for each number that needs it; heed what a person answered."""
        subjects = [
            Subject(phone, number.written, number.dialled, number.judged.rule)
            for phone, numbers in self.fields
            for number in numbers
            if number.written and number.dialled
        ]
        context = self.context
        earlier = context.dates.get(self.card.ref)
        if earlier and earlier.version != self.card.version:
            earlier = None
        scales = Scales(self.card, subjects, context.packs, context.today, earlier)
        return [
            (phone, tuple(_unlocked(phone, self._weigh(phone, n, scales), context) for n in numbers))
            for phone, numbers in self.fields
        ]

    def safe(self) -> Fields:
        """Judge every number; what would hop on a machine that remembers nothing is asked about.

        First only the numbers that hop themselves; where others hop since these changed (a twin
        that is gone, say), every conversion of the card.
        """
        fields = self.weighed()
        hops = self._hops(fields)
        if not hops:
            return fields
        fields = [(p, self._asked(numbers) if p.key in hops else numbers) for p, numbers in fields]
        if not self._hops(fields):
            return fields
        return [(phone, self._asked(numbers)) for phone, numbers in fields]

    def _asked(self, numbers: tuple[Number, ...]) -> tuple[Number, ...]:
        derived = self.context.derived
        return tuple(
            _judged_as(number, derived(number.judged, "ask", "would-hop"))
            if number.judged.verdict == "convert" and number.judged.code != "answered"
            else number
            for number in numbers
        )

    def _hops(self, fields: Fields) -> frozenset[str]:
        """Return the phones of the changed card that would change again (DESIGN, promise 4)."""
        after = {phone.key: converted(phone.value, numbers) for phone, numbers in fields}
        if all(after[phone.key] == phone.value for phone, _ in fields):
            return frozenset()
        if _bears_no_proof(fields, self.context):
            return frozenset()
        details = self.card.details
        midnight = datetime.combine(self.context.today, datetime.min.time(), UTC)
        today = msgspec.structs.replace(details, date=details.date and midnight)
        phones = tuple(
            msgspec.structs.replace(phone, value=after[phone.key]) for phone, _ in fields
        )
        context = self.context.without_memory
        again = [(phone, read_numbers(phone.value, context)) for phone in phones]
        card = Card(self.card.ref, b"", phones, lambda _: today)
        weighed = _Conversion(card, again, context).weighed()
        return frozenset(p.key for p, numbers in weighed if converted(p.value, numbers) != p.value)

    def _weigh(self, phone: Phone, number: Number, scales: Scales) -> Number:
        judged = number.judged
        if number.written is None or number.dialled is None or judged.rule is None:
            return number
        if not judged.ambiguous and judged.verdict == "keep":
            return number
        subject = Subject(phone, number.written, number.dialled, judged.rule)
        if judged.ambiguous:
            found = scales.weigh(subject)
            verdict, code = evidence.decide(found)
        else:
            found = ()
            verdict, code = judged.verdict, judged.code
        foreign = scales.foreign(subject)
        if foreign:
            found = (*found, *foreign)
            verdict, code = ("ask", "foreign-card") if verdict == "convert" else (verdict, code)
        if verdict == "keep" and code == "also-valid-today" and self.context.ask == "all":
            verdict = "ask"
        weighed = Number(number.written, number.dialled, judged, found)
        verdict, code = self._answered(phone, weighed, verdict, code)
        return _judged_as(weighed, self.context.derived(judged, verdict, code))

    def _answered(
        self, phone: Phone, number: Number, verdict: Verdict, code: str
    ) -> tuple[Verdict, str]:
        """Let a person's earlier answer to this very question decide."""
        answers, ref = self.context.answers, self.card.ref
        if not answers or not number.judged.rule:
            return verdict, code
        answer = answers.get((ref, question_key(number))) or answers.get((ref, UNDONE + phone.value))
        if answer is None:
            return verdict, code
        return ("keep", "answered") if answer == "keep" else ("convert", "answered")


def _bears_no_proof(fields: Fields, context: Context) -> bool:
    """Say whether surely nothing on a card proves a landline, so that no number can hop.

    Quick and on the safe side: most cards have neither typed labels nor extensions nor brackets.
    """
    held: set[str] = set()
    wanted: set[str] = set()
    for phone, numbers in fields:
        if phone.label or "(" in phone.value or "fax" in "".join(phone.labels):
            return False
        for number in numbers:
            written, dialled, rule = number.written, number.dialled, number.judged.rule
            if written is None or dialled is None:
                continue
            if written.ext or written.words:
                return False
            held.add(dialled.nsn)
            if rule and number.judged.ambiguous:
                return False
            if rule and number.judged.verdict == "convert":
                new = new_nsn(rule, dialled.nsn)
                again = context.packs[dialled.country_code].rule_for(new)
                if again:
                    wanted.add(new_nsn(again, new))
    return held.isdisjoint(wanted)


def _unlocked(phone: Phone, number: Number, context: Context) -> Number:
    """Keep a number in a field that cannot be written, and say so."""
    if not phone.locked or number.judged.verdict == "keep":
        return number
    return _judged_as(number, context.derived(number.judged, "keep", phone.locked))


def _change(phone: Phone, numbers: tuple[Number, ...], after: str) -> SetNumber:
    done = [number for number in numbers if number.judged.verdict == "convert"]
    rules = [number.judged.rule.id for number in done if number.judged.rule]
    why = tuple(reason for number in done for reason in reasons(number))
    return SetNumber(phone.key, phone.value, after, rules[0], "renumber", why)


def _questions(phone: Phone, numbers: tuple[Number, ...]) -> Iterator[Question]:
    base = converted(phone.value, numbers)
    for number in numbers:
        if number.judged.verdict == "ask":
            readings = tuple(readings_of(phone.value, number, numbers))
            kept = msgspec.structs.replace(readings[-1], after=base)
            key = question_key(number)
            yield Question(phone.key, phone.value, (*readings[:-1], kept), reasons(number), key)


def _judged_as(number: Number, judged: Judged) -> Number:
    return Number(number.written, number.dialled, judged, number.evidence)


def converted(value: str, numbers: tuple[Number, ...], also: Number | None = None) -> str:
    """Return a phone field with the numbers converted whose verdict says so, and `also` one more."""
    for number in reversed(numbers):
        if number.judged.verdict == "convert" or number is also:
            value = _respelled(value, number)
    return value


def _respelled(value: str, number: Number) -> str:
    written, dialled, rule = number.written, number.dialled, number.judged.rule
    assert written and dialled and rule
    return respell(value, written, dialled.lead, len(rule.old), rule.new)


def readings_of(value: str, number: Number, numbers: tuple[Number, ...]) -> Iterator[Reading]:
    """Spell out both readings of a number: the old one converted, then the one that keeps it."""
    judged, dialled = number.judged, number.dialled
    rule = judged.rule
    assert rule and dialled
    plus = f"+{dialled.country_code}"
    after = converted(value, numbers, number)
    old = f"{rule.kind}, {rule.name_vi or rule.name} (old form, until {rule.cutoff})"
    yield Reading(after, plus + new_nsn(rule, dialled.nsn), old, rule.id)
    today = f"{judged.kind}, {judged.name_vi or judged.name}" if judged.name else judged.kind
    meaning = f"{today} (valid today)" if judged.ambiguous else "some other number"
    yield Reading(value, plus + dialled.nsn, meaning)


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
    said = ",".join(sorted({found.code for found in number.evidence}))
    return f"+{number.dialled.country_code}{number.dialled.nsn}|{said}"
