"""Steps on persons of Google Contacts, which keep one label for a number."""

from datetime import date

import msgspec
import pytest

from danhba import packs
from danhba.card import Card
from danhba.convert import Context, convert
from danhba.steps.pipeline import load
from danhba_syncers import _people

VIETNAM = packs.load("vn")


def context(*steps: str, today: date = date(2026, 11, 22), policy: str = "replace") -> Context:
    return Context(
        VIETNAM, today=today, policy=policy, steps=load(steps), labelling=_people.labelling
    )


def person(*numbers: tuple[str, str]) -> dict[str, object]:
    metadata = {"sources": [{"type": "CONTACT", "id": "1", "etag": "e"}]}
    entries = [
        {
            "value": value,
            **({"type": kind} if kind else {}),
            "metadata": {"source": {"type": "CONTACT"}},
        }
        for value, kind in numbers
    ]
    return {"resourceName": "people/1", "metadata": metadata, "phoneNumbers": entries}


def card_of(person: dict[str, object]) -> Card:
    return _people.card_of("people/1", _people.found(msgspec.Raw(msgspec.json.encode(person))))


def converted(before: dict[str, object], known: Context) -> list[tuple[str, str]]:
    """Convert a person, and see that reading and converting it once more does nothing."""
    card = card_of(before)
    raw = _people.patch(card.raw, convert(card, known).changes)
    after = msgspec.json.decode(raw)
    assert convert(card_of(after), known).changes == ()
    return [(entry["value"], entry.get("type", "")) for entry in after["phoneNumbers"]]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([("0168 381 2345", "mobile"), ("038 381 2345", "mobile")], [("038 381 2345", "mobile")]),
        ([("0168 381 2345", ""), ("038 381 2345", "work")], [("038 381 2345", "work")]),
        ([("0168 381 2345", "work"), ("038 381 2345", "mobile")], [("038 381 2345", "workMobile")]),
        # there is no label for both, so both stay
        ([("0168 381 2345", "home"), ("038 381 2345", "mobile")],
         [("038 381 2345", "home"), ("038 381 2345", "mobile")]),
        ([("0168 381 2345", "home"), ("038 381 2345", "Zalo")],
         [("038 381 2345", "home"), ("038 381 2345", "Zalo")]),
    ],
)  # fmt: skip
def test_twins_are_folded_where_one_label_says_it_all(numbers, expected):
    assert converted(person(*numbers), context("merge-twins")) == expected


@pytest.mark.parametrize(
    ("kind", "mobile", "fixed"),
    [
        ("", "mobile", ""),
        ("mobile", "mobile", ""),
        ("work", "workMobile", "work"),
        ("home", "home", "home"),
        ("workFax", "workFax", "workFax"),
        ("Zalo", "Zalo", "Zalo"),
    ],
)
def test_kinds_are_labelled_where_there_is_room(kind, mobile, fixed):
    numbers = person(("0912 345 678", kind), ("024 3825 1234", kind))
    assert converted(numbers, context("label-kind")) == [
        ("0912 345 678", mobile),
        ("024 3825 1234", fixed),
    ]


def test_an_old_number_beside_the_new_one_is_labelled_and_retired():
    both = [("038 381 2345", "mobile"), ("0168 381 2345", "x-old")]
    before = person(("0168 381 2345", "mobile"))
    during = context(today=date(2018, 10, 1), policy="add")
    assert converted(before, during) == both
    assert converted(person(*both), context("retire")) == both[:1]


def test_changes_of_several_steps_come_together():
    before = person(("0168 381 2345", ""), ("038 381 2345", "work"), ("0912 345 678", "Zalo"))
    assert converted(before, context("merge-twins", "label-kind", "normalise")) == [
        ("+84383812345", "workMobile"),
        ("+84912345678", "Zalo"),
    ]
