"""The step `merge-twins`: folds fields that hold the same number, such as its old and new form.

The first stays, with the machine labels of all. What a person typed, as a label or beside the
number, and other parameters (a WhatsApp number, PREF) cannot be moved: a field that has such stays
instead, and where they differ, each.
"""

from __future__ import annotations

from collections.abc import Iterator

from danhba.card import Change
from danhba.errors import UsageError
from danhba.steps import Draft, DraftPhone
from danhba.steps.fold import fold, is_retired, said_of, same_number


class MergeTwins:
    """Makes one field of those that hold the same number."""

    def __init__(self, text: str = "") -> None:
        if text:
            raise UsageError(f"--step merge-twins={text}: it takes nothing behind its name")

    def __call__(self, draft: Draft) -> Iterator[Change]:
        """Propose which fields to fold."""
        for group in same_number(draft):
            kept = [one for one in group if not is_retired(one, draft)]
            if kept:
                yield from _folded(draft, group, kept)


def _folded(draft: Draft, group: list[DraftPhone], kept: list[DraftPhone]) -> Iterator[Change]:
    """Fold a group into those of its fields that must stay."""
    said = {said_of(one): one for one in reversed(kept)}  # the first of each
    first = next(filter(said_of, kept), kept[0])
    stay = {one.phone.key for what, one in said.items() if what} | {first.phone.key}
    alike: dict[tuple[str, ...], list[DraftPhone]] = {}
    for one in group:
        if one.phone.key not in stay:
            alike.setdefault(said_of(one) or said_of(first), []).append(one)
    for one in kept:
        if one.phone.key in stay:
            yield from fold(draft, one, alike.get(said_of(one), []))
