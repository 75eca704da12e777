"""A step that removes phone fields without a digit in them."""

from __future__ import annotations

from collections.abc import Iterator

from danhba.card import Change, DropPhone, Why
from danhba.errors import UsageError
from danhba.steps import Draft


class DropEmpty:
    """Removes empty phone fields.

    Args:
        text: What stands behind `drop-empty=`: nothing, or `words` for fields with words too.
    """

    def __init__(self, text: str = "") -> None:
        if text not in ("", "words"):
            raise UsageError(f"--step drop-empty={text}: give words, or nothing")
        self.words = text == "words"

    def __call__(self, draft: Draft) -> Iterator[Change]:
        """Propose which fields to drop."""
        for one in draft.phones:
            value = one.phone.value.strip()
            if one.open and (not value or (self.words and not any(map(str.isdigit, value)))):
                yield DropPhone(one.phone.key, one.phone.value, "", (Why("There is no number."),))
