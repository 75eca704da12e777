"""What shall become of the numbers on a card? (Card, Context) -> changes, questions, verdicts.

Pure and deterministic: packs, home country, today, policy and known answers are all in the context.
A number with one reading is converted. One that is also valid today is weighed by the evidence on
its card (`danhba.evidence`): converted, kept, or put to a person. What comes out is a fixed point:
converting the changed card again, without any memory, proposes nothing (`danhba.conversion`).
"""

from __future__ import annotations

from danhba.card import Card, Change, Phone, SetNumber
from danhba.context import Context, Proposal
from danhba.conversion import Conversion
from danhba.field import Field
from danhba.packs import Rule
from danhba.phone import plain_nsn
from danhba.verdict import Judged

__all__ = ["Context", "Proposal", "convert", "examine", "renumber", "simply_converted"]

COMMON = 5
"""Last digits that every renumbering leaves alone."""


def convert(card: Card, context: Context) -> Proposal:
    """Propose the changes and questions for a card, and judge every number on it."""
    return context.steps.propose(card, context) if context.steps else renumber(card, context)


def examine(card: Card, context: Context) -> list[Field]:
    """Judge every number of a card, and return the numbers with their verdicts and evidence."""
    return Conversion(card, context).safe()


def renumber(card: Card, context: Context) -> Proposal:
    """Do what `convert` does, without the steps that follow."""
    plus, plain = context.plus, context.plain
    verdicts: list[Judged] = []
    nsns: list[str] = []
    changing = False
    for phone in card.phones:
        nsn = plain_nsn(phone.value, plus)
        judged = plain(nsn) if nsn else None
        if judged is None and nsn and context.wrote(card.ref, phone.value):
            judged = context.plain_of_ours(nsn)
        if judged is None:
            return Conversion(card, context).proposal()
        changing = changing or judged.verdict == "convert"
        verdicts.append(judged)
        nsns.append(nsn)
    if not changing:
        return Proposal((), (), tuple(verdicts), twice=len(set(nsns)) < len(nsns))
    if _raises_no_doubt(card, nsns, context) and not has_history(card.ref, context):
        changes = _simple_changes(card.phones, verdicts, context)
        if changes:
            return Proposal(changes, (), tuple(verdicts))
    return Conversion(card, context).proposal()


def has_history(ref: str, context: Context) -> bool:
    """Say whether a card may have been answered about, or was written by us."""
    return bool(context.answers) or ref in context.ledger


def _raises_no_doubt(card: Card, nsns: list[str], context: Context) -> bool:
    """Say whether surely nothing on a card of plain numbers is foreign or proves a landline.

    A shortcut on the safe side: two numbers may only be forms of one if their last digits agree,
    for every renumbering changes the first ones.
    """
    for phone in card.phones:
        if phone.label or phone.locked or "(" in phone.value or not context.harmless(phone.labels):
            return False
    if len(nsns) > 1 and len({nsn[-COMMON:] for nsn in nsns}) < len(nsns):
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
        if judged.verdict == "convert":
            change = simple_change(phone.key, phone.value, judged, context)
            if change is None:
                return ()
            changes.append(change)
    return tuple(changes)


def simple_change(key: str, value: str, judged: Judged, context: Context) -> SetNumber | None:
    """Convert a plain number; None where its old prefix does not stand together."""
    swap = context.swap(judged)
    if swap is None:
        return None
    old, new, rule, why = swap
    if value.startswith(old):
        after = new + value[len(old) :]
    elif not (after := simply_converted(value, rule, context)):
        return None
    return SetNumber(key, value, after, rule.id, "renumber", why)


def simply_converted(value: str, rule: Rule, context: Context) -> str:
    """Convert a plain number whose old prefix stands together; empty where it does not."""
    old, plus = rule.old, context.plus
    lead = len(plus) if value.startswith(plus) else 1
    if value.startswith(old, lead) and value[:lead] in context.written_leads:
        return value[:lead] + rule.new + value[lead + len(old) :]
    at = value.find(old, lead, lead + len(old) + 2)
    if at < 1 or value[:at].strip("+ .-") not in context.leads:
        return ""
    return value[:at] + rule.new + value[at + len(old) :]
