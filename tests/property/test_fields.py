"""Whatever is done to the phones of a card, nothing but their lines moves, and undo restores it."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_lossless import cards, narrowed, unfolded
from tests.property.vcards import NOW, books

from danhba.card import AddPhone, Card, Change, DropPhone, Phone, SetLabel, SetNumber
from danhba.changes import keys_after, made, net, phones_after
from danhba.difflog import splices, unsplice
from danhba_syncers import _patch, _vcard
from danhba_syncers.vcard_files import VcardFiles

LABELS = st.lists(
    st.sampled_from(["cell", "home", "work", "voice", "fax", "pref", "x-old", "số cũ"]),
    unique=True,
    max_size=3,
).map(tuple)
VALUES = st.sampled_from(["0912 345 678", "+84912345678", "0912 345 678 (vợ); x, y", ""])


@st.composite
def changes_of(draw: st.DrawFn, card: Card) -> list[Change]:
    """Draw changes that build on each other."""
    found: list[Change] = []
    for _ in range(draw(st.integers(1, 5))):
        phones = [phone for phone in phones_after(card.phones, found) if not phone.locked]
        if not phones:
            break
        found.append(draw(change_of(draw(st.sampled_from(phones)))))
    return found


@st.composite
def change_of(draw: st.DrawFn, phone: Phone) -> Change:
    kind = draw(st.sampled_from([SetNumber, SetLabel, SetLabel, AddPhone, AddPhone, DropPhone]))
    if kind is SetNumber:
        return SetNumber(phone.key, phone.value, draw(VALUES), step="test")
    if kind is SetLabel:
        return SetLabel(phone.key, phone.labels, draw(LABELS), "test")
    if kind is AddPhone:
        return AddPhone(phone.key, draw(VALUES), draw(LABELS), "test")
    return DropPhone(phone.key, phone.value, "test")


def others(raw: bytes) -> list[bytes]:
    """Return the lines of a card that are of no phone, label or date.

    An empty line behind a soft break belongs to the value; it gets a blank to end there.
    """
    named = re.compile(rb"(?:[\w-]+\.)?(?:TEL|X-ABLABEL|REV)[;:]", re.IGNORECASE)
    text = re.sub(rb"=((?>\r*\n|\r))((?>\r*\n|\r))", rb"=\1 \2", narrowed(raw))
    return [line for line in unfolded(text) if not named.match(line)]


def held(raw: bytes) -> list[tuple[str, set[str]]]:
    return [(s.phone.value, set(s.phone.labels)) for s in _vcard.spots(narrowed(raw))[0]]


@given(books(sound=True), st.data())
@settings(max_examples=200)
def test_nothing_moves_but_the_lines_of_the_phones(book, data) -> None:
    for card in cards(book.raw):
        changes = data.draw(changes_of(card))
        try:
            raw = VcardFiles("x").patch(card, changes, NOW)
        except ValueError:
            continue
        after = phones_after(card.phones, changes)
        assert held(raw) == [(phone.value, set(phone.labels)) for phone in after]
        assert others(raw) == others(card.raw)
        assert unsplice(raw, splices(card.raw, raw)) == card.raw


@given(books(sound=True), st.data())
@settings(max_examples=100)
def test_other_labels_leave_the_values_and_the_lines_alone(book, data) -> None:
    for card in cards(book.raw):
        free = [phone for phone in card.phones if not phone.locked]
        if not free:
            continue
        phone = data.draw(st.sampled_from(free))
        try:
            raw = _patch.patch(
                card.raw, [SetLabel(phone.key, phone.labels, data.draw(LABELS), "test")], NOW
            )
        except ValueError:
            continue
        old, new = (_vcard.spots(narrowed(r))[0] for r in (card.raw, raw))
        for before, after in zip(old, new, strict=True):
            lines = (
                narrowed(r)[spot.line.value : spot.line.end]
                for r, spot in ((card.raw, before), (raw, after))
            )
            assert len(set(lines)) == 1


@given(books(sound=True), st.data())
def test_most_cards_can_be_changed(book, data) -> None:
    """Else the properties above would be about nothing."""
    for card in cards(book.raw):
        for phone in card.phones:
            if not phone.locked and "custom" not in phone.label:
                change = AddPhone(phone.key, data.draw(VALUES), ("cell",), "test")
                VcardFiles("x").patch(card, [change], NOW)


@given(st.data())
def test_the_net_of_changes_says_what_they_make(data) -> None:
    phones = (Phone("0", "1", ("cell",)), Phone("1", "2"), Phone("2", "3", ("home", "fax")))
    changes = data.draw(changes_of(Card("r", b"", phones)))
    nets = net(changes)
    fields = made(phones, changes)
    present = tuple(field.key for field in fields if field.phone)
    assert keys_after([phone.key for phone in phones], changes) == present
    for field in fields:
        if field.was is None and field.phone is None:
            assert field.key not in nets
        elif (found := nets.get(field.key)) is None:
            assert field.was == field.phone
        else:
            for side, phone in ((found.was, field.was), (found.now, field.phone)):
                assert (side is None) == (phone is None)
                if side and phone:
                    assert side.value in (None, phone.value)
                    assert side.labels in (None, phone.labels) or field.phone is None
