"""What becomes of an old number while it and the new one both connect?

A rule has days: before `dual_start` the change is still to come; from then on both numbers connect;
from `cutoff` on, or the day after `dual_end`, only the new one does.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeAlias

from danhba.card import Phone
from danhba.packs import Rule

Phase: TypeAlias = Literal["before", "dual", "after"]
Policy: TypeAlias = Literal["replace", "add", "wait"]
"""What to do while both connect: write the new number; write it and keep the old one beside it; or
leave the old one until it is cut off."""

OLD_LABEL = "x-old"
"""The machine label of an old number that is kept beside its new form."""


def begins(rule: Rule) -> date:
    """Return the first day on which the new number connects."""
    return rule.dual_start or rule.cutoff


def phase(rule: Rule, today: date) -> Phase:
    """Say where a day lies in the course of a renumbering."""
    if today < begins(rule):
        return "before"
    ended = today >= rule.cutoff or (rule.dual_end is not None and today > rule.dual_end)
    return "after" if ended else "dual"


def is_labelled_old(phone: Phone) -> bool:
    """Say whether a phone field is labelled as an old number that was kept beside the new one."""
    typed = phone.label.casefold().removeprefix("x-")
    return OLD_LABEL in phone.labels or typed == OLD_LABEL.removeprefix("x-")
