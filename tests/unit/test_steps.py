"""What the built-in steps do to a card, and what the converter lets a step do."""

from datetime import UTC, date, datetime
from importlib.metadata import EntryPoint

import pytest

from danhba import packs
from danhba.answers import UNDONE, undone_labels
from danhba.card import (
    AddPhone,
    Address,
    Card,
    Details,
    DropPhone,
    Phone,
    SetLabel,
    SetNumber,
)
from danhba.changes import phones_after
from danhba.convert import Context, convert
from danhba.errors import PluginError, UsageError
from danhba.registry import Registry
from danhba.steps.pipeline import Pipeline, _Named, load

HOME = packs.load("vn")
TODAY = date(2026, 11, 22)


def context(*steps, **more) -> Context:
    return Context(HOME, today=more.pop("today", TODAY), steps=load(steps), **more)


def custom(step, **more) -> Context:
    pipeline = Pipeline([_Named("mine", "mine", step)])
    return Context(HOME, today=TODAY, steps=pipeline, **more)


def card(*phones, country: str = "", stamp: datetime | None = None) -> Card:
    """Make a card of values, or of (value, labels as a text, typed label)."""
    made = []
    for key, phone in enumerate(phones):
        value, labels, label = (*((phone,) if isinstance(phone, str) else phone), "", "")[:3]
        made.append(Phone(str(key), value, tuple(labels.split()), label))
    details = Details("N", stamp, addresses=(Address(country=country),) if country else ())
    return Card("r", b"", tuple(made), lambda _: details)


def after(of: Card, known: Context) -> list[tuple[str, str]]:
    """Return value and labels of each field once the changes are made."""
    proposal = convert(of, known)
    phones = phones_after(of.phones, proposal.changes)
    stamp = of.details.date and datetime(2026, 11, 22, tzinfo=UTC)
    details = Details("N", stamp, addresses=of.details.addresses)
    again = convert(Card("r", b"", phones, lambda _: details), known.without_memory)
    assert again.changes == (), "twice is not once"
    return [(phone.value, " ".join(phone.labels)) for phone in phones]


# -- merge-twins -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phones", "expected"),
    [
        # the first stays, with the labels of all
        ([("0168 381 2345", "work"), ("038 381 2345", "cell home")],
         [("038 381 2345", "work cell home")]),
        ([("+84 38 381 2345", "cell"), ("0168-381-2345", "cell pref")],
         [("+84 38 381 2345", "cell pref")]),
        (["0168 381 2345", "0912 345 678", "038 381 2345", "0381234567 "],
         [("038 381 2345", ""), ("0912 345 678", ""), ("0381234567 ", "")]),
        (["0912 345 678"] * 3, [("0912 345 678", "")]),
        # also where nobody knows whether it is a mobile: the same digits are the same number
        ([("0838 123 456", "cell"), ("+84838123456", "voice")], [("0838 123 456", "cell voice")]),
        # what a person typed cannot be moved
        ([("0912 345 678", "work"), ("0912345678", "cell", "Zalo")],
         [("0912345678", "cell work")]),
        ([("0912 345 678", "", "Zalo"), ("0912345678", "", "Zalo")], [("0912 345 678", "")]),
        ([("0912 345 678", "", "Viber"), ("0912345678", "cell", "Zalo")],
         [("0912 345 678", ""), ("0912345678", "cell")]),
        ([("0912 345 678", ""), ("0912345678 (vợ)", "cell")], [("0912345678 (vợ)", "cell")]),
        # unless it is a machine label of its own
        ([("0912 345 678", "cell"), ("0912345678", "x-zalo", "zalo")],
         [("0912 345 678", "cell x-zalo")]),
        # another extension, two numbers in a field: not the same
        (["028 3812 3456 ext 1", "028 3812 3456 ext 2"],
         [("028 3812 3456 ext 1", ""), ("028 3812 3456 ext 2", "")]),
        (["0912 345 678", "0912 345 678 / 0912 345 679"],
         [("0912 345 678", ""), ("0912 345 678 / 0912 345 679", "")]),
        # numbers that mean nothing are nobody's
        (["1900 1234", "1900 1234", "x", "x"],
         [("1900 1234", ""), ("1900 1234", ""), ("x", ""), ("x", "")]),
    ],
)  # fmt: skip
def test_merge_twins_makes_one_field_of_one_number(phones, expected):
    assert after(card(*phones), context("merge-twins")) == expected


def test_merge_twins_leaves_what_is_asked_about():
    """The fax is asked about (it would hop); the other two are one."""
    twins = card("0168 381 2345", "0168 381 2345", ("0168 381 2345", "fax"))
    proposal = convert(twins, context("merge-twins"))
    assert [question.phone for question in proposal.questions] == ["2"]
    dropped = [c for c in proposal.changes if isinstance(c, DropPhone)]
    assert [(c.phone, c.before, c.step) for c in dropped] == [
        ("1", "038 381 2345", "merge-twins"),
    ]


def test_merge_twins_leaves_national_numbers_of_a_card_abroad():
    """0912 345 678 on a German card need not be +84 912 345 678."""
    of = card("0912 345 678", "+84 912 345 678", country="Germany")
    assert convert(of, context("merge-twins")).changes == ()


def test_merge_twins_keeps_what_keeps_another_number_from_changing():
    """With one American number the old mobile would be converted; with two it is asked about."""
    of = card("0168 381 2345", "+1 418 656 9254", "+1 418 656 9254")
    proposal = convert(of, context("merge-twins"))
    assert proposal.changes == ()
    assert (len(proposal.questions), proposal.unfit) == (1, 1)


# -- a number twice --------------------------------------------------------------------------------


def test_a_number_twice_is_told_with_the_step_off():
    proposal = convert(card("0168 381 2345", "038 381 2345"), context())
    assert proposal.twice
    (change,) = proposal.changes
    assert change.why[-1].code == "twice"
    assert not convert(card("0168 381 2345", "038 381 2346"), context()).twice
    assert convert(card("0912 345 678", "+84912345678"), context()).twice
    assert not convert(card("028 3812 3456 ext 1", "028 3812 3456 ext 2"), context()).twice


def test_a_number_twice_is_not_told_when_it_is_folded():
    proposal = convert(card("0168 381 2345", "038 381 2345"), context("merge-twins"))
    assert not proposal.twice
    assert "twice" not in {why.code for change in proposal.changes for why in change.why}


# -- label-kind ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "labels"),
    [
        (("0912 345 678", ""), "cell"),
        (("0168 381 2345", "work"), "work cell"),
        (("0912 345 678", "home voice"), "home voice cell"),
        (("0912 345 678", "mobile"), "mobile"),
        (("0912 345 678", "iphone"), "iphone"),
        (("024 3825 1234", "cell"), "voice"),
        (("04 3825 1234", "work cell pref"), "work pref voice"),
        (("024 3825 1234", ""), "voice"),
        (("024 3825 1234 máy lẻ 12", "work"), "work voice"),
        (("0912 345 678 / 038 381 2345", ""), ""),  # nobody knows about the second
        (("0912 345 678 / 0168 381 2345", ""), "cell"),
        (("0912 345 678 / 024 3825 1234", "cell"), "cell"),
        (("024 3825 1234", "fax"), "fax"),
        (("024 3825 1234", "workfax cell"), "workfax cell"),
        (("024 3825 1234", "pager"), "pager"),
        (("Fax: 024 3825 1234", ""), ""),
        (("024 3825 1234", "cell", "Fax"), "cell"),
        (("0838 123 456", ""), ""),  # a mobile of today, or an old landline
        (("0838 123 456", "", "Zalo"), "cell"),
        (("1900 1234", ""), ""),
        (("+1 418 656 9254", ""), ""),
        (("ask Lan", "cell"), "cell"),
    ],
)
def test_label_kind_tells_mobile_from_fixed(phone, labels):
    assert after(card(phone), context("label-kind"))[0][1] == labels


def test_label_kind_leaves_a_field_without_room():
    """Such as one of Google Contacts, which keeps one label for a number."""
    only_one = context("label-kind", labelling=lambda phone, labels: labels[:1] and None)
    assert convert(card(("0912 345 678", "home")), only_one).changes == ()
    voice = context(
        "label-kind", labelling=lambda phone, labels: tuple(x for x in labels if x != "voice")
    )
    of = card(("024 3825 1234", "cell"), ("024 3825 1235", "work"))
    (change,) = convert(of, voice).changes
    assert (change.phone, change.after) == ("0", ())


# -- normalise -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "e164", "international", "national"),
    [
        ("0168.381.2345", "+84383812345", "+84 383 812 345", "0383 812 345"),
        ("(08) 3812-3456 ext 12", "+842838123456 ext 12", "+84 28 3812 3456 ext 12",
         "028 3812 3456 ext 12"),
        ("0912 345 678 (vợ)", "+84912345678 (vợ)", "+84 912 345 678 (vợ)", "0912 345 678 (vợ)"),
        ("ĐTDĐ: 0912345678 / CQ 02438251234", "ĐTDĐ: +84912345678 / CQ +842438251234",
         "ĐTDĐ: +84 912 345 678 / CQ +84 24 3825 1234", "ĐTDĐ: 0912 345 678 / CQ 024 3825 1234"),
        ("tel:+84-912-345-678;ext=1", "tel:+84912345678;ext=1", "tel:+84-912-345-678;ext=1",
         "tel:+84-912-345-678;ext=1"),
        ("tel:0912345678;phone-context=+84", "", "", ""),
        ("+1 (418) 656-9254", "+14186569254", "+1 418-656-9254", "+1 418-656-9254"),
        ("001 418 656 9254", "+14186569254", "+1 418-656-9254", "+1 418-656-9254"),
        ("84912345678", "+84912345678", "+84 912 345 678", "0912 345 678"),
        ("912345678", "+84912345678", "+84 912 345 678", "0912 345 678"),
        ("٠٩١٢ ٣٤٥ ٦٧٨", "+84912345678", "+84 912 345 678", "0912 345 678"),
        # never what is not certain
        ("0838 123 456", "", "", ""),
        ("2403854321", "", "", ""),
        ("1900 1234", "", "", ""),
        ("113", "", "", ""),
        ("0912345678w", "", "", ""),
        ("04 3812 3456/57", "", "", ""),
        ("0999", "", "", ""),
        ("+1 555", "", "", ""),
    ],
)  # fmt: skip
def test_normalise_writes_certain_numbers_in_one_form(value, e164, international, national):
    forms = {"e164": e164, "international": international, "national": national}
    for form, expected in forms.items():
        assert after(card(value), context(f"normalise={form}")) == [(expected or value, "")]


def test_normalise_writes_e164_unless_told():
    assert after(card("0912 345 678"), context("normalise")) == [("+84912345678", "")]


def test_normalise_leaves_national_numbers_of_a_card_abroad():
    of = card("0912 345 678", "+84 912 345 678", country="Germany")
    assert after(of, context("normalise"))[0] == ("0912 345 678", "")


def test_normalise_writes_what_the_card_or_a_person_has_decided():
    of = card(("0838 123 456", "", "Zalo"), "0839 123 456")
    assert after(of, context("normalise"))[0] == ("+84838123456", "")
    (question,) = convert(card(("0838 123 456", "work")), context(ask="all")).questions
    known = context("normalise", answers={("r", question.key): "keep"})
    (change,) = convert(card(("0838 123 456", "work")), known).changes
    assert change.after == "+84838123456"


# -- retire ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phones", "expected"),
    [
        (["038 381 2345", ("0168 381 2345", "x-old")], [("038 381 2345", "")]),
        ([("0168 381 2345", "home x-old"), "038 381 2345"], [("038 381 2345", "home")]),
        (["0168 381 2345", ("038 381 2345", "cell")], [("038 381 2345", "cell")]),
        (["038 381 2345", ("0168 381 2345", "", "old")], [("038 381 2345", "")]),
        (
            ["038 381 2345", ("0168 381 2345", "", "Zalo")],
            [("038 381 2345", ""), ("038 381 2345", "")],
        ),
        (
            ["038 381 2345", ("0168 381 2345", "x-old", "Zalo")],
            [("038 381 2345", ""), ("0168 381 2345", "x-old")],
        ),
        (["0912 345 678", "0912 345 678"], [("0912 345 678", ""), ("0912 345 678", "")]),
        ([("0168 381 2345", "x-old")], [("038 381 2345", "x-old")]),
    ],
)
def test_retire_drops_an_old_number_whose_new_form_is_there(phones, expected):
    assert after(card(*phones), context("retire")) == expected


def test_retire_waits_until_the_old_number_is_cut_off():
    of = card("038 381 2345", ("0168 381 2345", "x-old"))
    assert convert(of, context("retire", today=date(2018, 11, 14))).changes == ()
    assert len(convert(of, context("retire", today=date(2018, 11, 15))).changes) == 1


# -- in a row --------------------------------------------------------------------------------------


def test_steps_build_on_each_other_and_sign_their_changes():
    of = card(("0168 381 2345", "work"), ("038 381 2345", "home"))
    known = context("merge-twins", "label-kind", "normalise")
    assert after(of, known) == [("+84383812345", "work home cell")]
    changes = convert(of, known).changes
    assert [(type(c), c.phone, c.step) for c in changes] == [
        (SetNumber, "0", "renumber"),
        (SetLabel, "0", "merge-twins"),
        (DropPhone, "1", "merge-twins"),
        (SetLabel, "0", "label-kind"),
        (SetNumber, "0", "normalise"),
    ]
    assert changes[1].value == changes[4].before == "038 381 2345"
    assert changes[2].labels == ("home",)


def test_steps_come_in_the_given_order():
    assert load(["normalise=national", "merge-twins"]).names == (
        "normalise=national",
        "merge-twins",
    )
    assert load(["renumber", "retire"]).names == ("retire",)
    assert load([]) is None
    assert load(["renumber"]) is None


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (["retire", "renumber"], "always the first step"),
        (["renumber=1"], "always the first step"),
        (["retire", "RETIRE"], "asked for twice"),
        (["normalise=e164", "normalise=national"], "asked for twice"),
        (["normalise=x"], "the forms are e164, international, national"),
        (["merge-twins=x"], "takes nothing"),
        (["label-kind=x"], "takes nothing"),
        (["retire=x"], "takes nothing"),
        (["mergetwins"], "did you mean merge-twins?"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(steps, said):
    with pytest.raises(UsageError, match=said.replace("?", r"\?").replace("(", r"\(")):
        load(steps)


def test_a_maker_that_makes_no_step_is_named():
    registry = Registry([EntryPoint("odd", "builtins:len", "danhba.steps")])
    with pytest.raises(PluginError, match="builtins:len must take a text"):
        load(["odd"], registry)


# -- what a step may do ----------------------------------------------------------------------------


def test_a_step_that_goes_wrong_is_named():
    def broken(draft):
        raise KeyError(draft.phones[0].phone.value)

    with pytest.raises(PluginError, match=r"step mine, card r: KeyError"):
        convert(card("1"), custom(broken))
    wrong = custom(lambda draft: [SetNumber("0", "another", "2")])
    with pytest.raises(PluginError, match="does not hold what the change expects"):
        convert(card("0912 345 678"), wrong)


def test_a_step_may_not_write_what_is_asked_about_or_was_undone():
    def shout(draft):
        for one in draft.phones:
            if not one.phone.value.endswith("!"):
                yield SetNumber(one.phone.key, one.phone.value, one.phone.value + "!", "", "")

    asked = convert(card(("08 3812 3456", "work")), custom(shout))
    assert (asked.changes, asked.unfit, len(asked.questions)) == ((), 1, 1)
    undone = custom(shout, answers={("r", UNDONE + "0912 345 678"): "keep"})
    assert convert(card("0912 345 678"), undone).unfit == 1
    locked = Card("r", b"", (Phone("0", "0912 345 678", (), "", "charset"),))
    assert convert(locked, custom(shout)).unfit == 1
    assert convert(card("0912 345 678"), custom(shout)).changes[0].step == "mine"


def test_a_step_that_never_comes_to_rest_is_left_out():
    def endless(draft):
        for one in draft.phones:
            yield SetLabel(one.phone.key, one.phone.labels, (*one.phone.labels, "x"), "")
            yield AddPhone(one.phone.key, "0912 345 678", (), "")

    proposal = convert(card("0168 381 2345"), custom(endless))
    assert [change.step for change in proposal.changes] == ["renumber"]
    assert proposal.unfit == 2


def test_a_step_that_would_make_a_number_hop_is_left_out():
    """038 381 2345 with an extension is an old landline to whoever does not know it."""

    def extend(draft):
        for one in draft.phones:
            if "ext" not in one.phone.value:
                yield SetNumber(one.phone.key, one.phone.value, one.phone.value + " ext 1", "", "")

    proposal = convert(card("0168 381 2345"), custom(extend))
    assert [change.step for change in proposal.changes] == ["renumber"]
    assert proposal.unfit == 1


def test_all_that_a_step_wants_of_a_card_is_made_or_nothing():
    """A union of labels without the drop, or a drop without the union, would be neither."""
    of = card(("0168 381 2345", "work"), ("038 381 2345", "home"))
    known = context("merge-twins", supports=frozenset({SetNumber, DropPhone}))
    proposal = convert(of, known)
    assert [change.step for change in proposal.changes] == ["renumber"]
    assert (proposal.unfit, proposal.twice) == (2, True)


def test_labels_that_were_undone_stay():
    known = context("label-kind", answers={("r", undone_labels(["work"])): "keep"})
    assert convert(card(("0912 345 678", "work")), known).changes == ()
    assert len(convert(card(("0912 345 678", "home")), known).changes) == 1


def test_an_undone_number_does_not_keep_the_others_from_their_steps():
    of = card(("0168 381 2345", "home"), ("0123 812 3456", "home"))
    known = context("label-kind", "normalise", answers={("r", UNDONE + "0168 381 2345"): "keep"})
    phones = phones_after(of.phones, convert(of, known).changes)
    assert [phone.value for phone in phones] == ["0168 381 2345", "+84838123456"]
