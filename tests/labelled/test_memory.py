"""What danhba remembers of its own writes must never make a second conversion out of the first."""

import shutil
from pathlib import Path
from random import Random

import pytest
from msgspec import json
from tests.command import Done, run
from tests.labelled.verdicts import TODAY, labelled, write

NEWER = "TEL:028 3829 9999"
"""A number that did not exist before June 2017."""


class Place:
    """A book, and commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.book = folder, folder / "book.vcf"

    def hold(self, *lines: str) -> None:
        body = "".join(f"{line}\r\n" for line in lines)
        self.book.write_bytes(
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:A\r\n{body}END:VCARD\r\n".encode()
        )

    def replace(self, old: str, new: str) -> None:
        raw = self.book.read_bytes()
        assert old.encode() in raw
        self.book.write_bytes(raw.replace(old.encode(), new.encode()))

    def convert(self, *more: object) -> int:
        """Convert and return how many cards are to change, or were changed."""
        done = run("convert", self.book, "--json", "--today", TODAY, *map(str, more))
        return int(totals(done)["cards_changed"])

    def holds(self, number: str) -> bool:
        return f":{number}\r\n".encode() in self.book.read_bytes()


def totals(done: Done) -> dict[str, int]:
    lines = [json.decode(line) for line in done.out.splitlines()]
    (found,) = (line["totals"] for line in lines if line["type"] == "summary")
    assert isinstance(found, dict)
    return found


def results(done: Done) -> tuple[int, int]:
    """Return how many cards were written, and how many were not, each listed."""
    last = json.decode(done.out.splitlines()[-1])
    return last["written"], len(last["problems"])


@pytest.fixture
def place(tmp_path: Path, state_dir: Path) -> Place:
    del state_dir
    return Place(tmp_path)


@pytest.fixture
def book(place: Place) -> Place:
    """A book of every fourth labelled card."""
    write(labelled()[::4], place.folder).rename(place.book)
    return place


@pytest.mark.parametrize(
    "lines",
    [("REV:1970-01-01T00:00:00Z",), ("REV:20991231T000000Z",), ("REV:2015-05-05", NEWER)],
    ids=["unset clock", "future", "belied by a number"],
)
def test_a_void_date_proves_nothing_after_our_own_write_either(
    place: Place, lines: tuple[str, ...]
) -> None:
    place.hold(*lines, "TEL:0168 123 4567", "TEL:037 382 1234")
    assert place.convert("--write") == 1
    assert place.convert("--write") == 0
    assert place.holds("038 123 4567")
    assert place.holds("037 382 1234")


def test_a_persons_edit_between_our_writes_ends_the_earlier_date(place: Place) -> None:
    place.hold("REV:2015-05-05T00:00:00Z", "TEL:0168 123 4567")
    assert place.convert("--write") == 1
    place.replace("TEL:038 123 4567\r\n", "TEL:038 123 4567\r\nTEL:037 382 1234\r\n")
    place.replace("END:VCARD", "TEL:0169 123 4567\r\nEND:VCARD")
    assert place.convert("--write") == 1
    assert place.convert("--write") == 0
    assert place.holds("037 382 1234")


def test_the_earlier_date_lasts_while_only_we_touch_the_card(place: Place) -> None:
    """A landline of 2015 that a later pack, or an answer taken back, brings up again."""
    place.hold("REV:2015-05-05T00:00:00Z", "TEL:0168 123 4567", "TEL:037 382 1234")
    log = place.folder / "log.jsonl"
    assert place.convert("--write", "--log", log) == 1
    assert place.holds("0237 382 1234")
    assert place.convert("--write") == 0


def test_undo_restores_every_byte_and_is_not_converted_again(book: Place) -> None:
    before = book.book.read_bytes()
    log = book.folder / "log.jsonl"
    assert book.convert("--write", "--log", log) > 300
    assert run("undo", log).code == 0
    assert book.book.read_bytes() == before
    assert book.convert("--write") == 0
    assert book.book.read_bytes() == before


def test_a_restored_log_is_not_applied_over_what_it_wrote(book: Place) -> None:
    log, backup = book.folder / "log.jsonl", book.folder / "backup.jsonl"
    planned = book.convert("--log", log)
    shutil.copy(log, backup)
    assert results(run("apply", log, "--json")) == (planned, 0)
    written = book.book.read_bytes()
    assert results(run("apply", backup, "--json")) == (0, planned)
    assert book.book.read_bytes() == written


def test_a_restored_log_does_not_do_again_what_was_undone(book: Place) -> None:
    log, backup = book.folder / "log.jsonl", book.folder / "backup.jsonl"
    before = book.book.read_bytes()
    book.convert("--log", log)
    shutil.copy(log, backup)
    assert run("apply", log).code == 0
    assert run("undo", log).code == 0
    for one in (log, backup):
        assert results(run("apply", one, "--json"))[0] == 0
        assert book.book.read_bytes() == before


def test_a_log_is_not_applied_to_cards_that_a_person_edited_since(book: Place) -> None:
    log = book.folder / "log.jsonl"
    planned = book.convert("--log", log)
    cards = book.book.read_bytes().split(b"END:VCARD\r\n")[:-1]
    rng = Random(7)
    edited = {i for i in range(len(cards)) if rng.random() < 0.5}
    after = [card + b"NOTE:mine\r\n" if i in edited else card for i, card in enumerate(cards)]
    book.book.write_bytes(b"".join(card + b"END:VCARD\r\n" for card in after))
    written, stale = results(run("apply", log, "--json"))
    assert written + stale == planned
    assert min(written, stale) > planned // 4
    found = book.book.read_bytes().split(b"END:VCARD\r\n")[:-1]
    assert all(found[i] == after[i] for i in edited)
