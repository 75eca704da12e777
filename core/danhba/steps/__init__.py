"""What is a step of the converter, and what does it see?

`renumber` comes first; the steps that a person asks for follow it in their order, each on the card
as the earlier ones leave it. A step maps values to changes; it never sees raw. Entry points of the
group `danhba.steps` name its maker: a class or function that takes the text behind `=` of
`--step NAME=TEXT`, empty where there is none, and returns the step.

What a step proposes is checked: a change to a field that is not `open`, or one that the source
cannot make, is left out, and with it all that the step wanted of that card. So is what is not a
fixed point: converting the changed card once more must propose nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from danhba.card import Change, Details, Phone
from danhba.context import Context
from danhba.verdict import Judged


class DraftNumber(msgspec.Struct, frozen=True):
    """One number of a phone field, as the earlier steps leave it.

    Attributes:
        start: Index in the field's value of its first character.
        end: Index behind its last digit; the extension lies beyond.
        e164: The number in E.164; empty for a short one.
        ext: The digits of its extension, or an empty string.
        words: Text right beside it, such as `anh Nam`.
        legible: Whether `e164` is what its digits mean, so that an equal one is the same number,
            even if not settled whose it is. Not so for one in national form on a card that points
            abroad, for short and service numbers, and for those that never existed.
        certain: Whether it is settled besides which number of today this is: it is neither
            ambiguous and undecided, nor asked about, nor an old one that was left.
        judged: What `renumber` said: with the verdict `convert` the field holds the new form now.
        becomes: Of an old number that was left, the new form in E.164; else an empty string.
    """

    start: int
    end: int
    e164: str
    ext: str
    words: str
    legible: bool
    certain: bool
    judged: Judged
    becomes: str = ""

    @property
    def kind(self) -> str:
        """What the number is today, such as `mobile` or `fixed`."""
        return self.judged.kind


class DraftPhone(msgspec.Struct, frozen=True):
    """A phone field, as the earlier steps leave it.

    Attributes:
        phone: The field.
        numbers: The numbers in it; none where it cannot be read.
        open: Whether a step may write its number or drop it. It may not where the syncer cannot
            write the field, a question about it is open, or `undo` has put its value back.
    """

    phone: Phone
    numbers: tuple[DraftNumber, ...]
    open: bool

    @property
    def only(self) -> DraftNumber | None:
        """The number of a field that holds exactly one, when it is certain; else None."""
        return self.numbers[0] if len(self.numbers) == 1 and self.numbers[0].certain else None


class Draft(Protocol):
    """A card as the earlier steps leave it.

    Attributes:
        phones: Its phone fields, in the order of the card; added ones too, dropped ones not.
        context: Packs, home country, today, policy.
    """

    phones: tuple[DraftPhone, ...]
    context: Context

    @property
    def details(self) -> Details:
        """What the card says besides its phones; read when first asked for."""
        ...


class Step(Protocol):
    """A part of the converter: a pure function from a draft to changes."""

    def __call__(self, draft: Draft) -> Iterable[Change]:
        """Propose changes, in the order in which they shall be made.

        The changes build on each other, and on those of earlier steps (`danhba.changes`). Their
        `step` may be left empty: it becomes the name under which the step is registered.
        """
        ...
