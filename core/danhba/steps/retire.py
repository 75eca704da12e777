"""The step `retire`: drops an old number whose new form is on the card, once it is cut off.

Such numbers were kept beside the new ones during dual running (`--policy add`), or both forms were
on the card before. The field with the new form stays, with the machine labels of both.
"""

from __future__ import annotations

from collections.abc import Iterator

from danhba.card import Change
from danhba.errors import UsageError
from danhba.steps import Draft, DraftPhone
from danhba.steps.fold import fold, is_cut_off, is_retired, said_of, same_number


class Retire:
    """Drops old numbers that the card does not need any more."""

    def __init__(self, text: str = "") -> None:
        if text:
            raise UsageError(f"--step retire={text}: it takes nothing behind its name")

    def __call__(self, draft: Draft) -> Iterator[Change]:
        """Propose which fields to drop."""
        for group in same_number(draft):
            old = [one for one in group if _was_old(one, draft)]
            new = next((one for one in group if one not in old), None)
            if new:
                known = {said_of(new), ()}
                yield from fold(draft, new, [one for one in old if said_of(one) in known])


def _was_old(one: DraftPhone, draft: Draft) -> bool:
    """Say whether a field holds, or held until `renumber` came, an old number that is cut off."""
    return is_retired(one, draft) or any(
        number.judged.verdict == "convert" and is_cut_off(number, draft) for number in one.numbers
    )
