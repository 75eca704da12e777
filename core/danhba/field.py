"""What stands in a phone field, and which changes and questions come of the verdicts on it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from danhba.answers import question_key
from danhba.card import AddPhone, Change, Phone, Question, SetNumber, Why
from danhba.context import Context
from danhba.dual import OLD_LABEL
from danhba.number import Number, converted, readings_of, reasons
from danhba.phone import Scan, Written, scan
from danhba.verdict import Judged, trouble


class Field(NamedTuple):
    """A phone field with its numbers judged, and its value with the certain ones converted."""

    phone: Phone
    numbers: tuple[Number, ...]
    after: str

    @property
    def changed(self) -> bool:
        """Whether a number of it is converted."""
        return self.after != self.phone.value


def field_of(phone: Phone, numbers: tuple[Number, ...]) -> Field:
    """Put the numbers that are to be converted into a field."""
    return Field(phone, numbers, converted(phone.value, numbers))


def read_numbers(value: str, context: Context) -> tuple[Number, ...]:
    """Read a phone field and judge each number in it by its digits alone."""
    return _numbers(scan(value), context)


def _numbers(found: Scan, context: Context) -> tuple[Number, ...]:
    if found.trouble or not found.numbers:
        return (Number(None, None, trouble(found.trouble or "unclear")),)
    return tuple(_number(written, context) for written in found.numbers)


def _number(written: Written, context: Context) -> Number:
    dialled = context.reader.read(written)
    return Number(written, dialled, context.judged(dialled))


def numbers_after(field: Field, context: Context) -> tuple[Number, ...]:
    """Read the numbers of a field as it is with the changes made."""
    return read_numbers(field.after, context) if field.changed else field.numbers


def changes_of(fields: list[Field], context: Context) -> tuple[Change, ...]:
    """Return the changes that carry out the verdicts, in the order of the card."""
    return tuple([change for field in fields for change in _changes_of(field, context)])


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


def questions_of(fields: list[Field]) -> tuple[Question, ...]:
    """Return the questions, in the order of the card."""
    return tuple([question for field in fields for question in _questions(field)])


def _questions(field: Field) -> Iterator[Question]:
    phone, numbers, base = field
    for number in numbers:
        if number.judged.verdict == "ask":
            readings = tuple(readings_of(phone.value, number, numbers))
            kept = replace(readings[-1], after=base)
            key = question_key(number)
            yield Question(phone.key, phone.value, (*readings[:-1], kept), reasons(number), key)


def judged_of(fields: list[Field]) -> tuple[Judged, ...]:
    """Return the verdict on each number, in the order of the card."""
    return tuple([number.judged for field in fields for number in field.numbers])


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
