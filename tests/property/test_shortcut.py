"""The converter's shortcut for plain cards proposes what the full way does."""

from datetime import UTC, date, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from danhba import packs
from danhba.card import Address, Card, Details, Phone
from danhba.cli.look import Alike, describe
from danhba.conversion import Conversion
from danhba.convert import Context, convert
from danhba.evidence import Earlier

CONTEXT = Context(packs.load("vn"), today=date(2026, 11, 22))
PREFIXES = st.sampled_from(
    [
        "0168",
        "0123",
        "0186",
        "0992",
        "04",
        "08",
        "0511",
        "0320",
        "038",
        "091",
        "024",
        "0238",
        "0381",
    ]
)
SPELLINGS = st.sampled_from(["{}", "+84{}", "+84 {}", "0084{}", "({})", "{} (nhà)", "{} x12"])


@st.composite
def numbers(draw: st.DrawFn) -> str:
    prefix = draw(PREFIXES)
    line = draw(
        st.sampled_from(["3812345", "6123456", "1234567", "38123456", "0912345", "8123465"])
    )
    mark = draw(st.sampled_from(["", " ", ".", "-"]))
    digits = f"{prefix}{mark}{line[:3]}{mark}{line[3:]}"
    spelling = draw(SPELLINGS)
    return spelling.format(digits[1:] if "84" in spelling else digits)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    labels = st.sampled_from([(), ("cell",), ("work", "voice"), ("fax",), ("home",)])
    typed = st.sampled_from(["", "", "", "máy bàn", "Zalo"])
    values = draw(st.lists(st.tuples(numbers(), labels, typed), min_size=1, max_size=4))
    phones = tuple(Phone(str(i), *value) for i, value in enumerate(values))
    country = draw(st.sampled_from(["", "Việt Nam", "Germany"]))
    stamp = draw(st.sampled_from([None, datetime(2015, 1, 1, tzinfo=UTC)]))
    details = Details("N", stamp, addresses=(Address(country=country),))
    return Card("r", b"", phones, lambda _: details)


@given(cards())
def test_the_shortcut_proposes_what_the_full_way_does(card: Card) -> None:
    quick, full = convert(card, CONTEXT), Conversion(card, CONTEXT).proposal()
    assert quick.changes == full.changes
    assert quick.questions == full.questions
    assert [(j.verdict, j.code, j.ambiguous) for j in quick.judged] == [
        (j.verdict, j.code, j.ambiguous) for j in full.judged
    ]


@given(cards(), st.data())
def test_the_shortcut_keeps_what_we_wrote_as_the_full_way_does(
    card: Card, data: st.DataObject
) -> None:
    values = [phone.value for phone in card.phones]
    ours = data.draw(st.lists(st.sampled_from(values), max_size=3))
    context = Context(packs.load("vn"), today=date(2026, 11, 22))
    context.remember("r", Earlier(card.version, None, frozenset(ours)))
    quick, full = convert(card, context), Conversion(card, context).proposal()
    assert (quick.changes, quick.questions) == (full.changes, full.questions)
    assert [(j.verdict, j.code, j.rule) for j in quick.judged] == [
        (j.verdict, j.code, j.rule) for j in full.judged
    ]


@given(cards())
def test_what_was_converted_is_not_converted_again(card: Card) -> None:
    changes = {change.phone: change.after for change in convert(card, CONTEXT).changes}
    details = card.details
    today = Details(
        "N", details.date and datetime(2026, 11, 22, tzinfo=UTC), addresses=details.addresses
    )
    phones = tuple(
        Phone(p.key, changes.get(p.key, p.value), p.labels, p.label) for p in card.phones
    )
    assert convert(Card("r", b"", phones, lambda _: today), CONTEXT).changes == ()


@given(st.lists(numbers(), min_size=1, max_size=5))
def test_numbers_judged_alike_are_described_like_one_alone(values: list[str]) -> None:
    def told(answer: dict[str, object]) -> str:
        return msgspec.json.encode(answer).decode()

    alike = Alike(CONTEXT, told, str)
    for value in values:
        assert alike.line(value) in ("", told(describe(value, CONTEXT)))


def test_plain_numbers_are_described_in_the_quick_way() -> None:
    """Else the quick way would be tested on nothing."""
    alike = Alike(CONTEXT, str, str)
    assert alike.line("0168.381.2345")
    assert alike.line("+84 912 345 678")
