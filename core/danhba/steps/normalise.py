"""The step `normalise`: writes numbers in one form, and leaves what stands beside them.

`normalise=e164` (the default): +84383812345. `normalise=international`: +84 38 381 2345.
`normalise=national`: 038 381 2345, where the number is of the home country, else international.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

from danhba.card import Change, SetNumber, Why
from danhba.context import Context
from danhba.errors import UsageError
from danhba.field import read_numbers
from danhba.steps import Draft, DraftNumber, DraftPhone

_FORMS = ("e164", "international", "national")
_KINDS = frozenset({"mobile", "fixed", "fixed-or-mobile", "voip", "foreign"})


class Normalise:
    """Writes numbers in one form.

    Args:
        text: Which form: `e164`, `international` or `national`.
    """

    def __init__(self, text: str = "") -> None:
        self.form = text or "e164"
        if self.form not in _FORMS:
            raise UsageError(f"--step normalise={text}: the forms are {', '.join(_FORMS)}")

    def __call__(self, draft: Draft) -> Iterator[Change]:
        """Propose the values of the fields whose numbers are certain."""
        for one in draft.phones:
            before = one.phone.value
            after = self._value(one, draft.context) if one.open else before
            if after != before and _reads_the_same(before, after, draft.context):
                why = (Why("written-as", {"form": self.form}),)
                yield SetNumber(one.phone.key, before, after, "", "", why)

    def _value(self, one: DraftPhone, context: Context) -> str:
        value = one.phone.value
        uri = value.lstrip()[:4].lower() == "tel:"
        if uri and (self.form == "national" or "phone-context" in value.lower()):
            return value  # a national number is none there without its context (RFC 3966 §5.1.5)
        for number in reversed(one.numbers):
            if number.certain and number.kind in _KINDS:
                written = self._written(number, context) or value[number.start : number.end]
                written = written.replace(" ", "-") if uri else written
                value = value[: number.start] + written + value[number.end :]
        return value

    def _written(self, number: DraftNumber, context: Context) -> str:
        """Write a number in the form; an empty string when phonenumbers does not know it."""
        if self.form == "e164" and number.kind != "foreign":
            return number.e164
        form = PhoneNumberFormat.E164 if self.form == "e164" else PhoneNumberFormat.INTERNATIONAL
        if self.form == "national" and number.e164.startswith(context.plus):
            form = PhoneNumberFormat.NATIONAL
        return _formatted(number.e164, form)


@lru_cache(maxsize=1024)
def _formatted(e164: str, form: int) -> str:
    parsed = phonenumbers.parse(e164)
    valid = phonenumbers.is_valid_number(parsed)
    return phonenumbers.format_number(parsed, form) if valid else ""


def _reads_the_same(before: str, after: str, context: Context) -> bool:
    """Say whether two values hold the same numbers with the same extensions and words."""
    read = (
        [
            (n.dialled.country_code, n.dialled.nsn, n.written.ext, n.written.words)
            if n.dialled and n.written
            else None
            for n in read_numbers(value, context)
        ]
        for value in (before, after)
    )
    return next(read) == next(read)
