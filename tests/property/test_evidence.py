"""Cards of random evidence: what holds whatever stands on them.

The numbers are drawn from a few lines in all their forms (old landline, its new form, the mobile
of today, the mobile's old form, neighbours), so that twins and contradictions are common.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.labelled.facts import AMBIGUOUS, MOBILE, Range

from danhba import packs
from danhba.card import Address, Card, Details, Phone, SetNumber
from danhba.convert import Context, Proposal, convert

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOME = packs.load("vn")
ABROAD = tuple(packs.load(name) for name in packs.builtin() if name != "vn")
CONTEXT = Context(HOME, ABROAD, today=TODAY)
CONTEXTS = (CONTEXT, Context(HOME, ABROAD[::-1], today=TODAY), Context(HOME, today=TODAY))
UNSURE = frozenset(f"vn-2017-0{range_.old}" for range_ in AMBIGUOUS)
FIXED = frozenset(
    ("card-older", "fax", "extension", "label-fixed", "new-form-too", "bracketed-code",
     "sibling-fixed")
)  # fmt: skip
MOBILE_TODAY = frozenset(("label-mobile", "messenger", "old-mobile-form-too", "no-such-landline"))
OLD = {new: old for old, new in MOBILE.items()} | {"672": "992"}

TAILS = ("812345", "812346", "812399", "812444", "990001")
TYPES = [(), (), (), ("fax",), ("work",), ("cell",), ("home", "voice")]
TYPED = ["", "", "", "", "máy bàn", "Zalo", "di động", "văn phòng", "Fax", "không phải máy bàn"]
BEHIND = ["", "", "", "", " ext 12", " (máy lẻ 3)", " x9", " (cố định)", " Viber"]
DATES = [None, "2015-05-05", "2017-06-20", "2018-07-31", "2018-08-02", "2001-01-02", "1970-01-01"]
LATE = [None, "2019-04-02", "2024-01-01", "1970-01-01", "2077-01-01"]
PLACES = ["", "", "Hồ Chí Minh", "Thái Bình", "Hưng Yên", "Hà Nội", "Nghệ An"]
COUNTRIES = ["", "", "", "", "Việt Nam", "Australia"]
HANDLES = ["", "", "", "zalo:0838123455", "whatsapp:+84383812345", "viber:0367812346"]


def forms(range_: Range, rest: str) -> list[str]:
    """Return the ways a line may stand on a card."""
    today, new = range_.old + rest, range_.new + rest
    old = next((OLD[start] + today[len(start) :] for start in OLD if today.startswith(start)), "")
    spaced = f"{rest[:4]} {rest[4:]}"
    written = [f"0{today}", f"0{today}", f"+84{today}", f"0{range_.old} {spaced}", f"0{new}"]
    written += [f"(0{range_.old}) {spaced}", f"+84 {range_.old} {spaced}"]
    return written + ([f"0{old}", f"+84 {old}"] if old else [])


@st.composite
def rests(draw: st.DrawFn, range_: Range) -> str:
    leads = range_.leads if range_.old in ("52", "67") else (*range_.leads, "9")
    lead, tail = draw(st.sampled_from(leads)), draw(st.sampled_from(TAILS))
    return lead.ljust(range_.rest - len(tail), "8") + tail


@st.composite
def lines(draw: st.DrawFn) -> str:
    range_ = draw(st.sampled_from(AMBIGUOUS))
    return draw(st.sampled_from(forms(range_, draw(rests(range_)))))


OTHERS = st.sampled_from(
    ["0912 345 678", "+84 24 3825 1234", "0511 3825 123", "+61 8 6212 3456", "+33 1 42 68 53 00",
     "0168 777 8888", "1900 1234", "113", "0898 123 456", "gọi sau"]
)  # fmt: skip


@st.composite
def phones(draw: st.DrawFn, pool: list[str]) -> tuple[str, tuple[str, ...], str]:
    value = draw(st.one_of(st.sampled_from(pool), st.sampled_from(pool), OTHERS))
    value += draw(st.sampled_from(BEHIND))
    return value, draw(st.sampled_from(TYPES)), draw(st.sampled_from(TYPED))


@st.composite
def details(draw: st.DrawFn, days: list[str | None] = DATES) -> Details:
    day = draw(st.sampled_from(days))
    place, country = draw(st.sampled_from(PLACES)), draw(st.sampled_from(COUNTRIES))
    handle = draw(st.sampled_from(HANDLES))
    return Details(
        "N",
        datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None,
        company=draw(st.booleans()),
        addresses=(Address(region=place, country=country),) if place or country else (),
        handles=(handle,) if handle else (),
    )


def made_card(found: list[tuple[str, tuple[str, ...], str]], told: Details) -> Card:
    numbered = tuple(Phone(str(i), *one) for i, one in enumerate(found))
    return Card("r", b"", numbered, lambda _: told)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    """A card with a few lines on it, most of them in several forms."""
    range_ = draw(st.sampled_from(AMBIGUOUS))
    pool = [form for _ in range(2) for form in forms(range_, draw(rests(range_)))]
    pool.append(draw(lines()))
    found = draw(st.lists(phones(pool), min_size=1, max_size=5))
    return made_card(found, draw(details()))


@st.composite
def undecided(draw: st.DrawFn) -> Card:
    """A card on which nothing proves a landline."""
    range_ = draw(st.sampled_from(AMBIGUOUS))
    rest = draw(rests(range_))
    today = range_.old + rest
    value = draw(st.sampled_from([f"0{today}", f"+84{today}", f"0{range_.old} {rest}"]))
    others = draw(st.lists(OTHERS, max_size=3, unique=True))
    labels = st.sampled_from([kinds for kinds in TYPES if "fax" not in kinds])
    typed = st.sampled_from(["", "văn phòng", "không phải máy bàn", "bạn", "Ban giám đốc"])
    found = [(one, draw(labels), draw(typed)) for one in (value, *others)]
    return made_card(draw(st.permutations(found)), draw(details(LATE)))


def changed(card: Card, proposal: Proposal) -> Card:
    """Return the card as it is after the changes, with today's REV where it had one."""
    after = {one.phone: one.after for one in proposal.changes if isinstance(one, SetNumber)}
    found = tuple(replace(one, value=after.get(one.key, one.value)) for one in card.phones)
    details = replace(card.details, date=card.details.date and NOW)
    return Card(card.ref, b"", found, lambda _: details)


def unsure(proposal: Proposal) -> list[SetNumber]:
    """Return the changes of numbers that are also valid today."""
    made = [one for one in proposal.changes if isinstance(one, SetNumber)]
    return [one for one in made if one.rule in UNSURE and one.why[0].code != "one-reading"]


MANY = settings(max_examples=100)


@MANY
@given(cards())
def test_the_changed_card_changes_no_more_anywhere(card: Card) -> None:
    once = changed(card, convert(card, CONTEXT))
    for context in CONTEXTS:
        assert convert(once, context).changes == ()


@MANY
@given(cards())
def test_what_is_asked_about_is_asked_about_again(card: Card) -> None:
    """Else a second run would decide what the first one did not dare to."""
    first = convert(card, CONTEXT)
    again = convert(changed(card, first), CONTEXT)
    asked = {one.phone for one in first.questions if one.why[0].code == "would-hop"}
    assert asked <= {one.phone for one in again.questions}


@MANY
@given(undecided())
def test_an_ambiguous_number_needs_a_proof_to_be_converted(card: Card) -> None:
    assert unsure(convert(card, CONTEXT)) == []


@MANY
@given(cards())
def test_every_conversion_of_an_ambiguous_number_names_its_proof(card: Card) -> None:
    for change in unsure(convert(card, CONTEXT)):
        codes = {why.code for why in change.why}
        assert codes & FIXED
        assert not codes & MOBILE_TODAY


@MANY
@given(cards(), st.sampled_from(["Zalo", "di động", "ĐTDĐ", "DD", "Viber"]))
def test_a_label_that_says_mobile_protects_its_number(card: Card, label: str) -> None:
    for place, phone in enumerate(card.phones):
        labelled = replace(phone, label=label)
        found = (*card.phones[:place], labelled, *card.phones[place + 1 :])
        told = card.details
        proposal = convert(Card("r", b"", found, lambda _, told=told: told), CONTEXT)
        assert phone.key not in {change.phone for change in unsure(proposal)}


@MANY
@given(cards())
def test_a_foreign_address_leaves_no_national_form_to_be_converted(card: Card) -> None:
    told = replace(card.details, addresses=(Address(country="Australia"),))
    abroad = Card(card.ref, b"", card.phones, lambda _: told)
    for change in convert(abroad, CONTEXT).changes:
        assert isinstance(change, SetNumber)
        assert change.before.startswith("+84")


@MANY
@given(cards(), st.randoms(use_true_random=False))
def test_the_order_of_numbers_on_a_card_is_indifferent(card: Card, rng: object) -> None:
    shuffle: Callable[[list[Phone]], None] = rng.shuffle  # type: ignore[attr-defined]
    found = list(card.phones)
    shuffle(found)
    told = card.details
    other = Card(card.ref, b"", tuple(found), lambda _: told)
    assert verdicts(convert(card, CONTEXT)) == verdicts(convert(other, CONTEXT))


def verdicts(proposal: Proposal) -> set[tuple[str, str]]:
    asked = {(one.phone, one.key) for one in proposal.questions}
    made = [one for one in proposal.changes if isinstance(one, SetNumber)]
    return asked | {(one.phone, one.after) for one in made}
