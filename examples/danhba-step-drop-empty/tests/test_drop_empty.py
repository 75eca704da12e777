"""The step removes empty fields, once, and nothing else."""

from datetime import date

import pytest

from danhba import packs
from danhba.card import Card, DropPhone, Phone
from danhba.changes import phones_after
from danhba.convert import Context, convert
from danhba.errors import UsageError
from danhba.steps.pipeline import load


def context(step):
    return Context(packs.load("vn"), today=date(2026, 11, 22), steps=load([step]))


def card(*values):
    return Card("a", b"", tuple(Phone(str(i), value) for i, value in enumerate(values)))


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("drop-empty", ["038 123 4567", "ask Lan", "1"]),
        ("drop-empty=words", ["038 123 4567", "1"]),
    ],
)
def test_empty_fields_are_dropped(step, left):
    before = card("0168 123 4567", "", "ask Lan", "  ", "1")
    proposal = convert(before, context(step))
    after = phones_after(before.phones, proposal.changes)
    assert [phone.value for phone in after] == left
    dropped = [change for change in proposal.changes if isinstance(change, DropPhone)]
    assert {change.step for change in dropped} == {"drop-empty"}
    again = convert(Card("a", b"", after), context(step))
    assert again.changes == ()


def test_what_was_undone_stays():
    known = context("drop-empty")
    known.answers = {("a", "undone|"): "keep"}
    assert convert(card("", "1"), known).changes == ()


def test_another_text_is_wrong_usage():
    with pytest.raises(UsageError, match="words"):
        load(["drop-empty=everything"])
