"""What is known of one number in a phone field, and what is there to say of it?

Its verdict and what it rests on; from these its reasons, its readings and the field written anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from danhba.card import Reading, Why, named
from danhba.dialling import Dialled
from danhba.dual import begins
from danhba.evidence import Evidence
from danhba.packs import Rule
from danhba.phone import Written
from danhba.rewriting import e164, rewrite
from danhba.verdict import Judged


class Number(msgspec.Struct, frozen=True):
    """One number of a phone field, as read and judged.

    Attributes:
        written: Where and how it is written; None when it cannot be read.
        dialled: What its digits mean; None when that is not certain.
        judged: The verdict.
        evidence: What the card says about it, for an ambiguous number.
        today: The verdict by its digits alone, where evidence was weighed.
        proofs: What would prove the new number a landline, where it is asked about for that.
    """

    written: Written | None
    dialled: Dialled | None
    judged: Judged
    evidence: tuple[Evidence, ...] = ()
    today: Judged | None = None
    proofs: tuple[Evidence, ...] = ()


def judged_as(number: Number, judged: Judged) -> Number:
    """Return a number with another verdict."""
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
    said = (
        Why(found.code, {**found.args, "for": found.direction})
        for found in (*number.evidence, *number.proofs)
    )
    return Why(judged.code, args), *said
