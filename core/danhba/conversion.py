"""What becomes of a card that has something to convert or to weigh?

A number that is also valid today is weighed by the evidence on its card (`danhba.evidence`). What
comes out is a fixed point: converting the changed card again, without any memory, proposes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from danhba import evidence
from danhba.answers import UNDONE, number_key, question_key
from danhba.card import Card, Change, Phone
from danhba.changes import phones_after
from danhba.context import Context, Proposal
from danhba.dialling import Dialled
from danhba.dual import is_labelled_old
from danhba.evidence import Evidence, Scales, Subject
from danhba.field import (
    Field,
    changes_of,
    field_of,
    judged_of,
    numbers_after,
    questions_of,
    read_numbers,
    told_twice,
    twins_of,
)
from danhba.number import Number, judged_as
from danhba.packs import Rule
from danhba.rewriting import e164
from danhba.verdict import Judged, NumberKind, Verdict


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
        return self.proposed(fields, changes, twins)

    def proposed(
        self,
        fields: list[Field],
        changes: tuple[Change, ...],
        twins: frozenset[str],
        unfit: int = 0,
    ) -> Proposal:
        """Put a proposal together.

        Args:
            fields: The fields as they were judged.
            changes: All that is to be changed.
            twins: The phones, by key, that then hold a number which stands on the card twice.
            unfit: As in `Proposal`.
        """
        changes, questions = told_twice(changes, twins), questions_of(fields)
        undated = bool(changes or questions) and self.scales.is_date_belied
        return Proposal(changes, questions, judged_of(fields), bool(twins), unfit, undated)

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
            field_of(phone, tuple([self._weigh(phone, number) for number in numbers]))
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
            fields = [
                self._asked(field, hops) if is_culprit(field, hops) else field for field in fields
            ]
        return fields

    def _asked(self, field: Field, hops: _Hops) -> Field:
        """Ask about a field's conversions; what proves the new number a landline is told."""
        derived = self.context.derived
        proofs = hops.proofs.get(field.phone.key, ())
        numbers = tuple(
            replace(
                judged_as(number, derived(number.judged, "ask", "would-hop")),
                proofs=proofs,
            )
            if number.judged.verdict == "convert" and number.judged.code != "answered"
            else number
            for number in field.numbers
        )
        return field_of(field.phone, numbers)

    def _hops(self, fields: list[Field]) -> _Hops:
        """Return what of the changed card would change again (DESIGN, promise 4).

        What is asked about lest it hop is left out: the next run will find the same and ask again.
        So is what a person has chosen all the same, and what we leave alone for memory alone:
        another machine would change it anyway.
        """
        if not any(map(_changes, fields)) or _bears_no_proof(fields, self.context):
            return _NO_HOPS
        details = self.card.details
        midnight = datetime.combine(self.context.today, datetime.min.time(), UTC)
        today = replace(details, date=details.date and midnight)
        phones = phones_after(self.card.phones, changes_of(fields, self.context))
        card = Card(self.card.ref, b"", phones, lambda _: today)
        held_back = {field.phone.key for field in fields if _is_held_back(field)}
        chosen = {field.phone.key for field in fields if _is_chosen(field)}
        left = held_back | chosen | self._left_for_memory(fields)
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
            {
                field.phone.key: tuple(
                    piece
                    for number in field.numbers
                    for piece in number.evidence
                    if (piece.direction, piece.strength) == ("fixed", "decisive")
                )
                for field in again
                if _changes(field)
            },
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
            return judged_as(number, self.context.derived(judged, "keep", "ours"))
        rule = judged.rule
        assert written and dialled and rule
        found, verdict, code = self._by_evidence(Subject(phone, written, dialled, rule), judged)
        weighed = Number(written, dialled, judged, found, judged)
        verdict, code = self._answered(phone, weighed, verdict, code)
        if code == "answered" and judged.others:
            judged = _by_answer(weighed, self._answer(weighed))
        if verdict == "convert" and code != "answered" and self._is_beside(phone, dialled, rule):
            verdict, code = "keep", "kept-beside"
        if phone.locked and verdict != "keep":
            verdict, code = "keep", phone.locked
        return judged_as(weighed, self.context.derived(judged, verdict, code))

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
        """Let an undo, or a person's earlier answer to this very question, decide."""
        if answer := self._answer(number):
            verdict, code = ("keep" if answer == "keep" else "convert"), "answered"
        elif verdict == "convert" and number.judged.ambiguous and self._was_kept(number):
            verdict, code = "ask", "kept-before"
        if verdict != "keep" and self.context.answers.get((self.card.ref, UNDONE + phone.value)):
            verdict, code = "keep", "undone"
        return verdict, code

    def _was_kept(self, number: Number) -> bool:
        """Say whether a person kept a number once, on other evidence."""
        return (self.card.ref, number_key(number)) in self.context.kept

    def _answer(self, number: Number) -> str | None:
        """Return what a person answered, `keep` or the new number; None when nothing yet."""
        answers = self.context.answers
        if not answers or not number.judged.rule:
            return None
        return answers.get((self.card.ref, question_key(number)))


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
        proofs: What proves them landlines, by the key of the field.
    """

    phones: frozenset[str]
    numbers: frozenset[str]
    proofs: Mapping[str, tuple[Evidence, ...]]


_NO_HOPS = _Hops(frozenset(), frozenset(), {})


def _changes(field: Field, _: _Hops = _NO_HOPS) -> bool:
    return field.changed


def _is_chosen(field: Field) -> bool:
    """Say whether a person answered that a number is to be converted."""
    judged = (number.judged for number in field.numbers)
    return any((one.verdict, one.code) == ("convert", "answered") for one in judged)


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
