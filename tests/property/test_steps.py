"""Steps lose nothing, and what they propose is a fixed point: twice is once, on any machine."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from danhba import packs
from danhba.answers import UNDONE
from danhba.card import Address, Card, Details, Phone
from danhba.changes import phones_after
from danhba.convert import Context, Proposal, convert, renumber
from danhba.field import read_numbers
from danhba.steps.pipeline import load

HOME = packs.load("vn")
TODAY = date(2026, 11, 22)
NAMES = ("merge-twins", "label-kind", "normalise=e164", "retire")
PIPELINES = {
    names: load(names)
    for count in range(1, len(NAMES) + 1)
    for names in permutations(NAMES, count)
    if count < 3 or names[0] != "retire"
}
STEPS = st.sampled_from(sorted(PIPELINES))

VALUES = st.sampled_from(
    [
        "0168 381 2345", "038 381 2345", "+84 38 381 2345", "0238 381 2345", "+84383812345",
        "0168 381 2346", "038 381 2346 (vợ)", "08 3812 3456", "(08) 3812 3456", "028 3812 3456",
        "+84 28 3812 3456", "08 3812 3457 ext 12", "028 3812 3457 máy lẻ 12", "0838 123 456",
        "0912 345 678", "912345678", "+84912345678", "tel:+84-912-345-678", "Fax: 0912 345 678",
        "0168 381 2345 / 0912 345 678", "04 3825 1234 (nhà)", "+1 418 656 9254", "0418 656 9254",
        "4186569254", "1900 1234", "113", "", "ask Jenny", "0912345678w", "0123 812 3456",
    ]
)  # fmt: skip
LABELS = st.sampled_from(
    [(), ("cell",), ("work",), ("home", "voice"), ("fax",), ("work", "fax"), ("pager",),
     ("x-old",), ("cell", "x-old"), ("pref", "cell")]
)  # fmt: skip
TYPED = st.sampled_from(["", "", "", "Zalo", "máy bàn", "old", "văn phòng"])
PHONES = st.lists(st.tuples(VALUES, LABELS, TYPED), min_size=1, max_size=5)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    phones = tuple(Phone(str(i), *value) for i, value in enumerate(draw(PHONES)))
    country = draw(st.sampled_from(["", "", "", "Việt Nam", "Germany"]))
    stamp = draw(st.sampled_from([None, datetime(2015, 1, 1, tzinfo=UTC)]))
    details = Details("N", stamp, addresses=(Address(country=country),))
    return Card("r", b"", phones, lambda _: details)


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    return Context(
        HOME,
        today=draw(st.sampled_from([TODAY, TODAY, date(2018, 10, 1), date(2017, 7, 1)])),
        policy=draw(st.sampled_from(["replace", "add", "wait"])),
        steps=PIPELINES[draw(STEPS)],
    )


def changed(card: Card, proposal: Proposal, context: Context) -> Card:
    """Return the card as it is on another machine, after the changes were written today."""
    if not proposal.changes:
        return card
    stamp = card.details.date and datetime(*context.today.timetuple()[:3], tzinfo=UTC)
    details = Details("N", stamp, addresses=card.details.addresses)
    return Card("r", b"", phones_after(card.phones, proposal.changes), lambda _: details)


def numbers(phones: tuple[Phone, ...], context: Context) -> Iterator[tuple[str, str]]:
    for phone in phones:
        for number in read_numbers(phone.value, context):
            if number.written and number.dialled:
                yield number.dialled.nsn, number.written.ext
            else:
                yield phone.value, ""


@given(cards(), contexts())
@settings(max_examples=600)
def test_a_second_run_proposes_nothing(card: Card, context: Context) -> None:
    proposal = convert(card, context)
    assert convert(changed(card, proposal, context), context).changes == ()


@given(cards(), contexts())
@settings(max_examples=300)
def test_no_number_and_no_typed_label_is_lost(card: Card, context: Context) -> None:
    after = phones_after(card.phones, convert(card, context).changes)
    plain = phones_after(card.phones, renumber(card, context).changes)
    assert {phone.label for phone in card.phones} - {"", "old"} <= {phone.label for phone in after}
    ours = set(numbers(after, context))
    lost = set(numbers(plain, context)) - ours
    kept_old = {phone.value for phone in plain if "x-old" in phone.labels or phone.label == "old"}
    assert lost <= set(numbers(tuple(Phone("", value) for value in kept_old), context))


@given(cards(), contexts())
@settings(max_examples=300)
def test_labels_that_are_no_kind_stay_somewhere(card: Card, context: Context) -> None:
    after = phones_after(card.phones, convert(card, context).changes)
    before = {label for phone in card.phones for label in phone.labels} - {"x-old", "cell"}
    assert before <= {label for phone in after for label in phone.labels}


@given(cards(), contexts(), st.data())
@settings(max_examples=200)
def test_what_was_undone_or_is_asked_about_is_left_alone(
    card: Card, context: Context, data: st.DataObject
) -> None:
    undone = data.draw(st.sampled_from(card.phones)).value
    context.answers = {("r", UNDONE + undone): "keep"}
    proposal = convert(card, context)
    shut = {phone.key for phone in card.phones if phone.value == undone}
    shut |= {question.phone for question in proposal.questions}
    own = {type(change) for change in proposal.changes if change.phone in shut}
    assert {kind.__name__ for kind in own} <= {"SetLabel", "SetNumber", "AddPhone"}
    for change in proposal.changes:
        if change.phone in shut and change.step != "renumber":
            assert type(change).__name__ == "SetLabel"


@given(cards(), contexts())
@settings(max_examples=200)
def test_the_verdicts_do_not_depend_on_the_steps(card: Card, context: Context) -> None:
    ours, plain = convert(card, context), renumber(card, context)
    assert [(j.verdict, j.code) for j in ours.judged] == [(j.verdict, j.code) for j in plain.judged]
    assert ours.questions == plain.questions
    own = [change for change in ours.changes if change.step == "renumber"]
    assert [(type(c), c.phone) for c in own] == [(type(c), c.phone) for c in plain.changes]
    assert list(ours.changes[: len(own)]) == own
