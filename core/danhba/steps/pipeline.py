"""Runs the steps of the converter one after the other, and accepts only what is a fixed point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from danhba.answers import UNDONE_PHONE, undone_labels
from danhba.card import AddPhone, Card, Change, DropPhone, Phone, SetLabel
from danhba.changes import phones_after
from danhba.context import Context, Proposal
from danhba.conversion import Conversion
from danhba.errors import PluginError, UsageError
from danhba.field import (
    Field,
    changes_of,
    read_numbers,
    twins_of,
)
from danhba.registry import Registry, installed
from danhba.steps import DraftPhone, Step
from danhba.steps.drawing import CardDraft, draft_of

FIRST = "renumber"
"""The name of the step that always comes first, and is no plugin."""

_ENOUGH = 4
"""How often a card is converted in a row to see whether it comes to rest."""


class _Named(NamedTuple):
    """A step, and how it was asked for."""

    name: str
    asked: str
    step: Step


class _Outcome(NamedTuple):
    """What a run of the steps came to: changes, those of `renumber` first."""

    changes: tuple[Change, ...]
    draft: CardDraft
    unfit: int


def load(asked: Iterable[str], registry: Registry | None = None) -> Pipeline | None:
    """Load steps as they are asked for, `NAME` or `NAME=TEXT`; None when there are none.

    Raises:
        UsageError: A step is not installed, does not take that text, or is asked for twice.
        PluginError: A step cannot be loaded.
    """
    steps: dict[str, _Named] = {}
    for place, text in enumerate(asked):
        name, _, option = text.partition("=")
        name = name.lower()
        if name in steps or (name == FIRST and (place or option)):
            why = "is always the first step" if name == FIRST else "is asked for twice"
            raise UsageError(f"--step {text}: {name} {why}")
        if name != FIRST:
            steps[name] = _Named(name, text, _made(registry or installed(), name, option))
    return Pipeline(tuple(steps.values())) if steps else None


def _made(registry: Registry, name: str, option: str) -> Step:
    maker = registry.step(name)
    try:
        step = maker(option)
    except TypeError as error:
        step, why = None, f" ({error})"
    else:
        why = ""
    if not callable(step):
        plugin = registry.steps[name]
        what = f"{plugin.value} must take a text and return a function of a draft{why}"
        raise PluginError(f"{plugin.distribution}: {what}")
    found: Step = step
    return found


class Pipeline:
    """`renumber`, then some steps in their order.

    Args:
        steps: The steps that follow `renumber`.
    """

    def __init__(self, steps: Sequence[_Named]) -> None:
        self.steps = tuple(steps)
        self.names = tuple(step.asked for step in self.steps)

    def propose(self, card: Card, context: Context) -> Proposal:
        """Propose what `renumber` and the steps would do to a card."""
        conversion = Conversion(card, context)
        fields = conversion.safe()
        outcome = self._run(conversion, fields, self.steps)
        if outcome.changes:
            outcome = self._at_rest(card, outcome) or self._with_care(conversion, fields)
        twins = twins_of(
            (one.phone.key, number)
            for one in outcome.draft.phones
            for number in read_numbers(one.phone.value, context)
        )
        return conversion.proposed(fields, outcome.changes, twins, outcome.unfit)

    def _run(
        self, conversion: Conversion, fields: list[Field], steps: Iterable[_Named]
    ) -> _Outcome:
        changes = changes_of(fields, conversion.context)
        outcome = _Outcome(changes, draft_of(conversion, fields, changes), 0)
        for step in steps:
            outcome = _further(outcome, step)
        return outcome

    def _at_rest(self, card: Card, outcome: _Outcome) -> _Outcome | None:
        """Add what the steps alone would do next time; None when the card does not come to rest."""
        context = outcome.draft.context
        for _ in range(_ENOUGH):
            next_time = _next_time(card, outcome.changes, context)
            again = self._run(next_time, next_time.safe(), self.steps)
            if not again.changes:
                sure = next_time if context.without_memory is context else None
                fixed = self._is_fixed(card, outcome.changes, context, self.steps, sure)
                return outcome if fixed else None
            if any(change.step == FIRST for change in again.changes):
                return None
            outcome = _Outcome((*outcome.changes, *again.changes), again.draft, outcome.unfit)
        return None

    def _with_care(self, conversion: Conversion, fields: list[Field]) -> _Outcome:
        """Run the steps, and leave out each one with which the card would not be a fixed point."""
        card, context = conversion.card, conversion.context
        outcome = self._run(conversion, fields, ())
        for count, step in enumerate(self.steps, 1):
            further = _further(outcome, step)
            more = further.changes[len(outcome.changes) :]
            if not more or self._is_fixed(card, further.changes, context, self.steps[:count]):
                outcome = further
            else:
                outcome = outcome._replace(unfit=outcome.unfit + len(more))
        return outcome

    def _is_fixed(
        self,
        card: Card,
        changes: tuple[Change, ...],
        context: Context,
        steps: tuple[_Named, ...],
        quiet: Conversion | None = None,
    ) -> bool:
        """Say whether the changed card stays as it is, converted anew without any memory.

        What would change after `renumber` alone is no fault of the steps (a person has answered
        so), nor is what we leave alone only because of our memory. `quiet` is the conversion of the
        changed card, where it is known that it proposes nothing.
        """
        forgetful = context.without_memory
        if quiet:
            again = _hops(quiet, changes)
        else:
            again = self._changed_again(card, changes, forgetful, steps)
        if again:
            own = tuple(change for change in changes if change.step == FIRST)
            again -= self._changed_again(card, own, forgetful, ())
        if again and forgetful is not context:
            again -= self._changed_again(card, (), forgetful, steps) - _phones(changes)
        return not again

    def _changed_again(
        self,
        card: Card,
        changes: tuple[Change, ...],
        context: Context,
        steps: tuple[_Named, ...],
    ) -> set[str]:
        """Return the phones of the changed card that would change next time.

        Of those we changed, also the ones that only some other number keeps from it.
        """
        next_time = _next_time(card, changes, context)
        outcome = self._run(next_time, next_time.safe(), steps)
        return _phones(outcome.changes) | _hops(next_time, changes)


def _hops(next_time: Conversion, changes: Iterable[Change]) -> set[str]:
    """Return the phones we changed that `renumber` would change next time, seen by themselves."""
    again = {field.phone.key for field in next_time.weighed() if field.changed}
    return again & _phones(changes)


def _next_time(card: Card, changes: tuple[Change, ...], context: Context) -> Conversion:
    """Return the conversion of the card as changes leave it, with REV as of today."""
    if changes:
        midnight = datetime.combine(context.today, datetime.min.time(), UTC)
        details = replace(card.details, date=card.details.date and midnight)
        card = Card(card.ref, b"", phones_after(card.phones, changes), lambda _: details)
    return Conversion(card, context)


def _phones(changes: Iterable[Change]) -> set[str]:
    return {change.phone for change in changes}


def _further(outcome: _Outcome, named: _Named) -> _Outcome:
    """Add what one step does to the draft, if it may."""
    draft = outcome.draft
    try:
        filled = [_filled(change, named.name, draft) for change in named.step(draft)]
        proposed = [change for change in filled if not _is_idle(change)]
        if not proposed or _is_undone(proposed, draft):
            return outcome
        if not _may(proposed, draft):
            return outcome._replace(unfit=outcome.unfit + len(proposed))
        return _Outcome((*outcome.changes, *proposed), draft.then(proposed), outcome.unfit)
    except Exception as error:
        where = f"step {named.name}, card {draft.card.ref}"
        raise PluginError(
            f"{where}: {type(error).__name__}: {error}; leave the step out"
        ) from error


def _filled(change: Change, step: str, draft: CardDraft) -> Change:
    """Return a change of a step with what the log is to say of it."""
    one = draft.fields.get(change.phone)
    phone = one.phone if one else None
    match change:
        case SetLabel() if phone:
            labels = draft.context.labelling(phone, change.after)
            after = change.after if labels is None else labels
            return replace(change, step=step, value=phone.value, after=after)
        case DropPhone() if phone:
            return replace(change, step=step, labels=phone.labels)
        case _:
            return replace(change, step=step)


def _is_idle(change: Change) -> bool:
    """Say whether labels stay as they are, whatever they were set to."""
    return isinstance(change, SetLabel) and set(change.before) == set(change.after)


def _may(changes: Sequence[Change], draft: CardDraft) -> bool:
    """Say whether the source can make all changes of a step, and every field is free for them."""
    if not draft.context.supports.issuperset(map(type, changes)):
        return False
    fields, context = draft.fields, draft.context
    return all(_is_free(change, fields.get(change.phone), context) for change in changes)


def _is_free(change: Change, one: DraftPhone | None, context: Context) -> bool:
    """Say whether one change may be made; one of a field that is not there yet, or is not, may."""
    match change:
        case AddPhone():
            return context.labelling(Phone("", change.value), change.labels) is not None
        case SetLabel() if one:
            fits = context.labelling(one.phone, change.after) is not None
            return fits and not one.phone.locked
        case _:
            return one is None or one.open


def _is_undone(changes: Sequence[Change], draft: CardDraft) -> bool:
    """Say whether `undo` has taken back what a step proposes."""
    answers, ref = draft.context.answers, draft.card.ref
    for change in changes if answers else ():
        if isinstance(change, SetLabel) and (ref, undone_labels(change.before)) in answers:
            return True
        if isinstance(change, AddPhone) and (ref, UNDONE_PHONE + change.value) in answers:
            return True
    return False
