"""Whether a book is one of another country, from the sums of a run."""

from datetime import date

import pytest

from danhba import packs
from danhba.card import Card, Phone
from danhba.convert import Context, convert
from danhba.foreign import foreign_majority, origins
from danhba.tally import Tally

CONTEXT = Context(packs.load("vn"), today=date(2026, 11, 22))


def end_of(*cards: tuple[str, ...]):
    tally = Tally()
    for ref, values in enumerate(cards):
        phones = tuple(Phone(str(key), value) for key, value in enumerate(values))
        for judged in convert(Card(str(ref), b"", phones), CONTEXT).judged:
            tally.numbers[judged] = tally.numbers.get(judged, 0) + 1
    return tally.end(CONTEXT.packs)


@pytest.mark.parametrize(
    ("cards", "code"),
    [
        ([], ""),
        ([("0912345678",), ("+61 412 345 678",)], ""),
        ([("0912345678",), ("+61 412 345 678",), ("+61 412 345 679",)], "61"),
        ([("+61 412 345 678",), ("+61 412 345 679",), ("0168 123 4567", "0838 123 456")], ""),
        ([("+66 1 234 5678",), ("+66 81 234 5678",), ("0912345678",)], "66"),  # old and new ones
        ([("+66 81 234 5678",), ("+61 412 345 678",), ("0912345678",)], ""),  # none outnumbers
        ([("+61 412 345 678",), ("113",), ("no number",), ("0999",)], "61"),
        ([("+377 44 123 456",), ("+377 44 123 457",), ("0912345678",)], "377"),  # asked about
    ],
)
def test_country_with_more_numbers_than_the_home_country(cards, code):
    assert foreign_majority(end_of(*cards)) == code


def test_numbers_on_a_card_that_points_abroad_do_not_speak_for_the_home_country():
    french = ("+33 1 23 45 67 89", "+33 1 23 45 67 90", "06 12 34 56 78")
    end = end_of(french, ("0912345678",))
    assert origins(end) == (1, {"33": 2})
    assert foreign_majority(end) == "33"


def test_countries_alike_are_named_in_order():
    end = end_of(("+66 81 234 5678",), ("+61 412 345 678",))
    assert foreign_majority(end) == "61"
