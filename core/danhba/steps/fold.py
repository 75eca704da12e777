"""How do several fields with one number become one, so that nothing is lost?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from danhba.card import Change, DropPhone, SetLabel, Why
from danhba.dual import OLD_LABEL, is_labelled_old, phase
from danhba.steps import Draft, DraftNumber, DraftPhone


def same_number(draft: Draft) -> list[list[DraftPhone]]:
    """Return the fields that hold one number each, the same in each group, in their order.

    An old number that was kept beside its new form counts as that, once it is cut off.
    """
    groups: dict[tuple[str, str], list[DraftPhone]] = {}
    for one in draft.phones:
        number = one.numbers[0] if len(one.numbers) == 1 and one.open else None
        if number and number.legible:
            e164 = number.becomes if is_retired(one, draft) else number.e164
            groups.setdefault((e164, number.ext), []).append(one)
    return [group for group in groups.values() if len(group) > 1]


def is_retired(one: DraftPhone, draft: Draft) -> bool:
    """Say whether a field holds an old number that was kept on purpose and is cut off by now."""
    return is_labelled_old(one.phone) and any(
        number.becomes and is_cut_off(number, draft) for number in one.numbers
    )


def is_cut_off(number: DraftNumber, draft: Draft) -> bool:
    """Say whether the old form of a number does not connect any more."""
    rule = number.judged.rule
    return rule is not None and phase(rule, draft.context.today) == "after"


def said_of(one: DraftPhone) -> tuple[str, ...]:
    """Return what is said of a number and cannot be moved; nothing where nothing is.

    That is a label a person typed, words beside the number, and what else the field says of it.
    """
    label = one.phone.label
    machine = {word.removeprefix("x-") for word in (*one.phone.labels, OLD_LABEL)}
    if label.casefold().removeprefix("x-") in machine:
        label = ""  # one that can, or ours
    said = label, *(number.words for number in one.numbers), *sorted(one.phone.more)
    return tuple(filter(None, said))


def fold(draft: Draft, keep: DraftPhone, drop: Sequence[DraftPhone]) -> Iterator[Change]:
    """Drop fields whose number another one holds; that gets their machine labels.

    A field stays whose labels the source cannot give to the other.
    """
    phone, why = keep.phone, (Why("same-number", {"number": keep.phone.value}),)
    union, gone = phone.labels, []
    for one in drop:
        more = (label for label in one.phone.labels if label != OLD_LABEL)
        labels = tuple(dict.fromkeys([*union, *more]))
        if labels == union or draft.context.labelling(phone, labels) is not None:
            union = labels
            gone.append(one)
    if union != phone.labels:
        yield SetLabel(phone.key, phone.labels, union, "", why)
    for one in gone:
        yield DropPhone(one.phone.key, one.phone.value, "", why)
