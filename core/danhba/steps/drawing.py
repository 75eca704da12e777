"""How is a card drawn as a step sees it, with what is known of each of its numbers?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from msgspec.structs import replace

from danhba.answers import UNDONE
from danhba.card import Card, Change, Details, Phone
from danhba.changes import made, phones_after
from danhba.context import Context
from danhba.conversion import Conversion
from danhba.evidence import Subject
from danhba.field import Field, read_numbers
from danhba.number import Number
from danhba.rewriting import e164
from danhba.steps import DraftNumber, DraftPhone

_SETTLED = frozenset(
    {"current", "foreign", "proved-mobile", "answered", "ours", "not-yet", "waits"}
)
"""Why a number is kept that is certainly one of today."""
_NOBODYS = frozenset({"closed", "too-short", "no-such-line", "no-such-number"})
"""Why a number is kept that is nobody's, or not to be touched."""


class CardDraft:
    """A card as the earlier steps leave it; see `danhba.steps.Draft`."""

    def __init__(self, card: Card, phones: tuple[DraftPhone, ...], context: Context) -> None:
        self.card = card
        self.phones = phones
        self.context = context

    @cached_property
    def details(self) -> Details:
        """What the card says besides its phones."""
        return self.card.details

    @cached_property
    def fields(self) -> dict[str, DraftPhone]:
        """Its phone fields by key."""
        return {one.phone.key: one for one in self.phones}

    def then(self, changes: Sequence[Change]) -> CardDraft:
        """Return the draft as changes leave it.

        Raises:
            ValueError: The changes do not fit.
        """
        phones = [
            _changed(field.phone, self.fields.get(field.key), self.context)
            for field in made((one.phone for one in self.phones), changes)
            if field.phone
        ]
        return CardDraft(self.card, tuple(phones), self.context)


def draft_of(conversion: Conversion, fields: list[Field], changes: tuple[Change, ...]) -> CardDraft:
    """Return the card as `renumber` leaves it."""
    context, card = conversion.context, conversion.card
    read = {field.phone.key: field for field in fields}
    phones = []
    for phone in phones_after(card.phones, changes):
        field = read.get(phone.key)
        numbers = _numbers_of(conversion, field, phone) if field else _old_beside(phone, context)
        is_open = not phone.locked and not (
            field
            and (_is_asked(field) or (card.ref, UNDONE + field.phone.value) in context.answers)
        )
        phones.append(DraftPhone(phone, numbers, is_open))
    return CardDraft(card, tuple(phones), context)


def _is_asked(field: Field) -> bool:
    return any(number.judged.verdict == "ask" for number in field.numbers)


def _numbers_of(conversion: Conversion, field: Field, phone: Phone) -> tuple[DraftNumber, ...]:
    """Read the numbers of a field as `renumber` leaves it, with what is known of them."""
    now = read_numbers(phone.value, conversion.context) if field.changed else field.numbers
    if len(now) != len(field.numbers):
        return ()
    pairs = zip(field.numbers, now, strict=True)
    return tuple(
        _number(was, is_, legible=_is_legible(conversion, phone, was), settled=_is_settled(was))
        for was, is_ in pairs
        if is_.written and is_.dialled
    )


def _number(was: Number, now: Number, *, legible: bool, settled: bool) -> DraftNumber:
    """Describe a number as it stands now, with the verdict on what it was."""
    written, dialled = now.written, now.dialled
    assert written and dialled
    code, rule = dialled.country_code, was.judged.rule
    beside = rule is not None and was.judged.code == "kept-beside"
    return DraftNumber(
        written.start,
        written.end,
        "" if dialled.form == "short" else f"+{code}{dialled.nsn}",
        written.ext,
        written.words,
        legible,
        legible and settled,
        was.judged,
        e164(dialled, rule) if rule and beside else "",
    )


def _is_legible(conversion: Conversion, phone: Phone, number: Number) -> bool:
    """Say whether the digits of a number can mean but one number of the home country or another."""
    dialled, written = number.dialled, number.written
    if dialled is None or written is None or number.judged.code in _NOBODYS:
        return False
    if dialled.form == "short":
        return False
    if dialled.form == "no-trunk" and conversion.context.judge.kind("1", dialled.nsn, 17):
        return False  # or one of North America
    abroad = conversion.scales.foreign(Subject(phone, written, dialled, None))
    return not any(piece.strength == "decisive" for piece in abroad)


def _is_settled(number: Number) -> bool:
    """Say whether it is settled which number of today this is, once `renumber` is done."""
    judged = number.judged
    if judged.verdict == "keep":
        by_digits = number.today or judged
        return judged.code in _SETTLED and by_digits.verdict != "convert"  # else an old one
    return judged.verdict == "convert"


def _old_beside(phone: Phone, context: Context) -> tuple[DraftNumber, ...]:
    """Read a field that `renumber` added: an old number, beside its new form."""
    return tuple(
        _number(
            Number(
                number.written, number.dialled,
                context.derived(number.judged, "keep", "kept-beside"),
            ),
            number,
            legible=True,
            settled=False,
        )
        for number in read_numbers(phone.value, context)
        if number.written and number.dialled
    )  # fmt: skip


def _changed(phone: Phone, before: DraftPhone | None, context: Context) -> DraftPhone:
    """Return a field as a step leaves it; of a number that stays the same, all is known still."""
    if before and before.phone.value == phone.value:
        return replace(before, phone=phone)
    known = {(one.e164, one.ext): one for one in before.numbers} if before else {}
    numbers = []
    for number in read_numbers(phone.value, context):
        if number.written is None or number.dialled is None:
            continue
        settled = number.judged.verdict == "keep" and _is_settled(number)
        fresh = _number(number, number, legible=_is_plain(number), settled=settled)
        old = known.get((fresh.e164, fresh.ext))
        numbers.append(
            replace(old, start=fresh.start, end=fresh.end, words=fresh.words) if old else fresh
        )
    return DraftPhone(phone, tuple(numbers), before.open if before else True)


def _is_plain(number: Number) -> bool:
    """Say whether a number that a step wrote is legible; that in national form may be abroad."""
    form = number.dialled.form if number.dialled else "short"
    return form in ("international", "prefix") and number.judged.code not in _NOBODYS
