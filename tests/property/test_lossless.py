"""Nothing else moves: what holds for every file of vCards, however odd."""

import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.vcards import BREAK, NOW, Book, books, noisy

from danhba import packs, run
from danhba.card import Card, SetNumber
from danhba.convert import Context
from danhba.difflog import LogWriter, splices, unsplice
from danhba.edits import spliced
from danhba.run import Job, read_story
from danhba.state import State
from danhba_syncers import _patch, _plain, _split, _vcard
from danhba_syncers.vcard_files import VcardFiles

TODAY = date(2026, 3, 14)
HOME = packs.load("vn")


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def written(place: Path, raw: bytes) -> VcardFiles:
    (place / "book.vcf").write_bytes(raw)
    return VcardFiles(str(place / "book.vcf"))


def job(place: Path, raw: bytes) -> Job:
    state = State(place / "state")
    context = Context(HOME, today=TODAY)
    return Job(written(place, raw), str(place / "book.vcf"), context, state, NOW)


def cards(raw: bytes) -> list[Card]:
    """Return the cards of a book that can be understood."""
    with folder() as place:
        return [card for card in written(place, raw).read() if not card.trouble]


def pieces(raw: bytes) -> Iterator[bytes]:
    """Cut a book into pieces in the quick way, as cards of UTF-8."""
    return (piece.raw for piece in _split.split(io.BytesIO(raw)) if not piece.nested)


def is_of_tel_or_rev(line: bytes) -> bool:
    return b"TEL" in line.upper() or b"REV" in line.upper()


# -- nothing to do ---------------------------------------------------------------------------------


@given(st.one_of(books().map(lambda book: book.raw), noisy(), st.binary(max_size=200)))
def test_a_copy_without_edits_is_the_file(raw: bytes) -> None:
    with folder() as place:
        assert list(written(place, raw).copy_to(place / "copy.vcf", iter(()))) == []
        assert (place / "copy.vcf").read_bytes() == raw


@given(st.one_of(books().map(lambda book: book.raw), noisy()))
def test_each_card_lies_where_it_says_and_none_overlap(raw: bytes) -> None:
    with folder() as place:
        position = 0
        refs = set()
        for card in written(place, raw).read():
            assert card.offset >= position
            assert raw[card.offset : card.offset + len(card.raw)] == card.raw
            position = card.offset + len(card.raw)
            refs.add(card.ref)
        assert len(refs) == len(list(written(place, raw).read()))


@given(books(old=False))
@settings(max_examples=60)
def test_converting_a_book_without_old_numbers_changes_no_octet(book: Book) -> None:
    with folder() as place:
        task = job(place, book.raw)
        with LogWriter(place / "log") as log:
            run.copy(task, log, place / "copy.vcf")
        assert (place / "copy.vcf").read_bytes() == book.raw
        with LogWriter(place / "log2") as log:
            run.convert_in_place(task, log)
        task.state.close()
        assert (place / "book.vcf").read_bytes() == book.raw


@given(books())
def test_patching_without_changes_moves_nothing_but_rev(book: Book) -> None:
    for card in cards(book.raw):
        old, new = (
            BREAK.split(narrowed(raw)) for raw in (card.raw, _patch.patch(card.raw, (), NOW))
        )
        assert len(old) == len(new)
        assert all(a == b or b"REV" in a.upper() for a, b in zip(old, new, strict=True))


def narrowed(raw: bytes) -> bytes:
    return _vcard.narrow(raw)[0]


# -- one number ------------------------------------------------------------------------------------


@given(books(sound=True))
@settings(max_examples=120)
def test_a_change_alters_the_octets_of_the_number_and_of_rev_only(book: Book) -> None:
    with folder() as place:
        with LogWriter(place / "log") as log:
            end, _ = run.copy(job(place, book.raw), log, place / "copy.vcf")
        assert book.faults((place / "copy.vcf").read_bytes()) == []
        assert end.totals["numbers_convert"] == book.changes
        assert end.totals["cards_skipped"] == 0


@given(books(sound=False))
@settings(max_examples=120)
def test_a_change_in_a_broken_book_alters_nothing_else(book: Book) -> None:
    with folder() as place:
        with LogWriter(place / "log") as log:
            run.copy(job(place, book.raw), log, place / "copy.vcf")
        assert book.faults((place / "copy.vcf").read_bytes()) == []


@given(noisy())
@settings(max_examples=120)
def test_a_change_in_a_noisy_book_leaves_the_other_lines_alone(raw: bytes) -> None:
    with folder() as place:
        with LogWriter(place / "log") as log:
            run.copy(job(place, raw), log, place / "copy.vcf")
        found = (place / "copy.vcf").read_bytes()
    old, new = unfolded(raw), unfolded(found)
    if len(old) == len(new) and b"\0" not in raw:
        moved = [a for a, b in zip(old, new, strict=True) if a != b]
        assert all(is_of_tel_or_rev(line) for line in moved)


def unfolded(raw: bytes) -> list[bytes]:
    """Put folded lines and soft breaks together, so that each line begins with its name.

    A lone CR is a line end only where there is no LF at all.
    """
    lines: list[bytes] = []
    for line in re.split(rb"\r*\n" if b"\n" in raw else rb"\r", raw):
        if lines and (line[:1] in (b" ", b"\t") or lines[-1].endswith(b"=")):
            lines[-1] += line
        else:
            lines.append(line)
    return lines


@given(books(), st.text("0123456789 +().-", max_size=14))
@settings(max_examples=120)
def test_a_number_that_was_set_is_read_back(book: Book, number: str) -> None:
    for card in cards(book.raw):
        for phone in card.phones:
            if phone.locked:
                continue
            change = SetNumber(phone.key, phone.value, number)
            raw = VcardFiles("x").patch(card, [change], NOW)
            after = {spot.phone.key: spot.phone for spot in _vcard.spots(narrowed(raw))[0]}
            assert after.pop(phone.key).value == number
            assert after == {other.key: other for other in card.phones if other is not phone}


# -- and back --------------------------------------------------------------------------------------


@given(st.one_of(books().map(lambda book: book.raw), noisy()))
@settings(max_examples=120)
def test_undo_after_apply_restores_every_octet(raw: bytes) -> None:
    with folder() as place:
        task = job(place, raw)
        with LogWriter(place / "log") as log:
            end, result = run.convert_in_place(task, log)
        assert not result.problems
        assert result.written == end.totals["cards_changed"]
        task = Job(task.syncer, task.source, task.context, task.state, NOW)
        with LogWriter(place / "log") as log:
            back = run.undo(task, log, read_story(place / "log"))
        task.state.close()
        assert (place / "book.vcf").read_bytes() == raw
        assert not back.problems


@given(books())
@settings(max_examples=60)
def test_in_place_and_copy_give_the_same_file(book: Book) -> None:
    with folder() as place:
        task = job(place, book.raw)
        with LogWriter(place / "log") as log:
            run.copy(task, log, place / "copy.vcf")
        with LogWriter(place / "log2") as log:
            run.convert_in_place(Job(task.syncer, task.source, task.context, task.state, NOW), log)
        task.state.close()
        assert (place / "book.vcf").read_bytes() == (place / "copy.vcf").read_bytes()


@given(
    st.binary(max_size=80),
    st.lists(st.sampled_from([b"\n", b"\r", b"\0", b"\xff", b"TEL"])),
    st.binary(),
)
def test_splices_lead_back_from_any_octets_to_any(
    old: bytes, more: list[bytes], new: bytes
) -> None:
    old += b"".join(more)
    assert unsplice(new, splices(old, new)) == old


# -- the quick way and the careful one -------------------------------------------------------------

BOTH = st.one_of(
    books(plain=True).map(lambda book: book.raw), books().map(lambda book: book.raw), noisy()
)


@given(BOTH)
@settings(max_examples=150)
def test_the_quick_reading_is_the_careful_one(raw: bytes) -> None:
    for piece in pieces(raw):
        quick = _plain.read(piece)
        if quick:
            spots, elsewhere = _vcard.spots(piece)
            assert quick.phones == tuple(spot.phone for spot in spots)
            assert quick.uid == _vcard.uid(piece)
            assert sorted(quick.elsewhere) == sorted(elsewhere)


@given(BOTH)
@settings(max_examples=150)
def test_the_quick_description_is_the_careful_one(raw: bytes) -> None:
    for piece in pieces(raw):
        careful = _vcard.details(piece)
        quick = _plain.read(piece) and _plain.details(piece)
        if quick:
            assert quick == careful
        headline = getattr(_plain, "headline", None)
        short = headline(piece) if headline and _plain.read(piece) else None
        if short:
            countries = tuple(a.country for a in careful.addresses if a.country)
            assert (short.name, short.date) == (careful.name, careful.date)
            assert tuple(filter(None, short.countries)) == countries


@given(BOTH, st.sampled_from(["038 123 4567", "", "0", "+84 912 345 678"]))
@settings(max_examples=150)
def test_the_quick_patch_is_the_careful_one(raw: bytes, number: str) -> None:
    for piece in pieces(raw):
        quick = _plain.read(piece)
        for phone in quick.phones if quick else ():
            change = SetNumber(phone.key, phone.value, number)
            chain = [SetNumber(phone.key, phone.value, "1"), SetNumber(phone.key, "1", number)]
            for changes in ([change], chain):
                spans = _plain.spans(piece, changes, NOW)
                if spans is not None:
                    assert spliced(piece, spans)[0] == _patch.patch(piece, [change], NOW)


@given(books(plain=True))
def test_the_quick_patch_refuses_what_the_careful_one_refuses(book: Book) -> None:
    for piece in pieces(book.raw):
        quick = _plain.read(piece)
        for phone in quick.phones if quick else ():
            for key in ("64", "no-such-phone"):
                assert _plain.spans(piece, [SetNumber(key, phone.value, "1")], NOW) is None


def test_the_common_shape_is_read_in_the_quick_way() -> None:
    """Else the quick way would be tested on nothing."""
    raw = b"BEGIN:VCARD\nVERSION:3.0\nUID:1\nFN:A\nTEL;TYPE=CELL:0168 123 4567\nEND:VCARD\n"
    quick = _plain.read(raw)
    assert quick
    assert _plain.details(raw)
    (phone,) = quick.phones
    assert _plain.spans(raw, [SetNumber(phone.key, phone.value, "1")], NOW)


@pytest.mark.parametrize("line_end", [b"\r", b"\n", b"\r\n", b"\r\r\n"])
def test_the_quick_reading_misses_nothing_whatever_the_line_ends(line_end: bytes) -> None:
    lines = b"BEGIN:VCARD", b"UID:one", b"NOTE:0168 123 4567", b"END:VCARD", b""
    raw = line_end.join(lines)
    quick = _plain.read(raw)
    assert quick is None or (quick.uid, quick.elsewhere) == ("one", ("NOTE",))


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, however many are asked for."""

    def __init__(self, raw: bytes, size: int) -> None:
        super().__init__(raw)
        self.size = size

    def read(self, size: int | None = -1, /) -> bytes:
        del size
        return super().read(self.size)


@given(st.one_of(books().map(lambda book: book.raw), noisy()), st.integers(1, 40))
@settings(max_examples=120)
def test_cards_do_not_depend_on_how_the_stream_is_read(raw: bytes, size: int) -> None:
    whole = [(piece.offset, piece.raw) for piece in _split.split(io.BytesIO(raw))]
    assert [(piece.offset, piece.raw) for piece in _split.split(Trickle(raw, size))] == whole
