"""The promises of a run, seen from the command line: dry, once, counted, remembered, resumable."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.command import Done, run
from tests.property.vcards import Book, books

from danhba import config
from danhba.difflog import CardLine, read_log
from danhba_syncers.vcard_files import VcardFiles

OLD = "0168 123 4567"
NEW = "038 123 4567"
AMBIGUOUS = "083 812 3456"
"""A VinaPhone mobile today; until 2017 a line in Ho Chi Minh City, now 028 3812 3456."""

LINE = "0283 812 3456"


def card(*lines: str, name: str = "A", uid: str = "") -> str:
    named = f"UID:{uid}\r\n" if uid else ""
    body = "".join(f"{line}\r\n" for line in lines)
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\n{named}FN:{name}\r\n{body}END:VCARD\r\n"


class Place:
    """A book of its own, with its state and logs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.book, self.log = folder, folder / "book.vcf", folder / "log.jsonl"

    def write(self, *cards: str) -> bytes:
        self.book.write_bytes("".join(cards).encode())
        return self.book.read_bytes()

    @property
    def text(self) -> str:
        return self.book.read_bytes().decode()

    def convert(self, *more: object) -> Done:
        self.log.unlink(missing_ok=True)
        words = map(str, more)
        return run("convert", self.book, "--today", "2026-11-22", "--log", self.log, *words)

    def reasons(self) -> set[str]:
        """Return the codes of the reasons that a dry run gives."""
        done = run("convert", self.book, "--today", "2026-11-22", "--json")
        return {reason for _, reason, *_ in json.loads(done.out.splitlines()[-1])["rows"]}

    def answer(self, choice: str) -> None:
        """Answer every question of the log: the old line, or `keep`."""
        asked = self.folder / "questions.csv"
        assert run("log", self.log, "--csv", asked).code == 0
        rows = list(csv.DictReader(io.StringIO(asked.read_text("utf-8-sig"), newline="")))
        assert rows
        for row in rows:
            row["answer"] = choice
        with asked.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        done = run("review", self.log, "--answers", asked)
        assert done.code == 0, done.err
        kept = "1 answer saved" if len(rows) == 1 else f"{len(rows)} answers saved"
        assert kept in done.out.decode()


@pytest.fixture
def place(tmp_path: Path, state_dir: Path) -> Place:
    del state_dir
    return Place(tmp_path)


def totals(done: Done) -> dict[str, int]:
    """Return the sums that `--json` prints."""
    rows = [json.loads(line) for line in done.out.splitlines()]
    (found,) = (row["totals"] for row in rows if "totals" in row)
    return found


def cards_of(log: Path) -> list[CardLine]:
    return [line for line in read_log(log) if isinstance(line, CardLine)]


# -- the sums add up -------------------------------------------------------------------------------


def assert_sums_add_up(sums: dict[str, int]) -> None:
    kinds = ("changed", "asked", "unchanged", "skipped")
    assert sums["cards_read"] == sum(sums[f"cards_{kind}"] for kind in kinds)
    verdicts = ("convert", "keep", "ask")
    assert sums["numbers_read"] == sum(sums[f"numbers_{verdict}"] for verdict in verdicts)
    assert 0 <= sums["numbers_ambiguous"] <= sums["numbers_keep"] + sums["numbers_ask"]
    assert min(sums.values()) >= 0


NUMBERS = st.sampled_from(
    [
        OLD,
        NEW,
        AMBIGUOUS,
        LINE,
        "",
        "x",
        "0912 345 678",
        "(08) 3812-3456",
        "04 3825 1234",
        "08 3812 3456",
        "+1 418 656 9254",
        "01681234567 / 0838123456",
        "0781234567",
        "0768 123 456",
        "*101#",
        "1900 1234",
    ]
)
PARAMS = st.sampled_from(
    ["", ";TYPE=WORK", ";TYPE=CELL", ";TYPE=FAX", ";TYPE=HOME", ";X-ABLabel=Zalo"]
)
EXTRAS = st.sampled_from(
    [
        "",
        "REV:20160101T000000Z",
        "REV:20240101",
        "ORG:Cty",
        "ADR:;;;Huế;;;Việt Nam",
        "ADR:;;;Paris;;;France",
    ]
)
CARDS = st.builds(
    lambda phones, extra: card(*(f"TEL{p}:{n}" for p, n in phones), *filter(None, [extra])),
    st.lists(st.tuples(PARAMS, NUMBERS), max_size=4),
    EXTRAS,
)
FIXED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.lists(st.one_of(CARDS, st.just("junk\r\n")), max_size=5))
@FIXED
def test_sums_add_up_and_twice_is_once_in_any_book(place: Place, cards: list[str]) -> None:
    place.write(*cards)
    done = place.convert("--write", "--json")
    sums = totals(done)
    assert_sums_add_up(sums)
    assert done.code == (4 if sums["cards_skipped"] else 0)
    once = place.book.read_bytes()
    again = totals(place.convert("--write", "--json"))
    assert_sums_add_up(again)
    assert again["cards_changed"] == 0
    assert again["cards_read"] == sums["cards_read"]
    assert place.book.read_bytes() == once


@given(st.lists(CARDS, max_size=4))
@FIXED
def test_no_number_hops_on_a_machine_that_remembers_nothing(
    place: Place, tmp_path_factory: pytest.TempPathFactory, cards: list[str]
) -> None:
    """Promise 4: even where the state is lost, and REV says today."""
    place.write(*cards)
    place.convert("--write")
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setenv("DANHBA_STATE_DIR", str(tmp_path_factory.mktemp("elsewhere")))
        assert totals(place.convert("--json"))["cards_changed"] == 0


@given(books())
@settings(parent=FIXED, max_examples=40)
def test_sums_add_up_in_odd_books(place: Place, book: Book) -> None:
    place.book.write_bytes(book.raw)
    sums = totals(place.convert("--json"))
    assert_sums_add_up(sums)


def test_a_card_counts_once_under_the_first_that_applies(place: Place) -> None:
    place.write(
        card(f"TEL:{OLD}", f"TEL;TYPE=WORK:{AMBIGUOUS}"),  # changed, though a question is there too
        card(f"TEL;TYPE=WORK:{AMBIGUOUS}"),
        card(f"TEL;TYPE=CELL:{AMBIGUOUS}"),
        card("TEL:ask Jenny"),
        card(),
    )
    sums = totals(place.convert("--json"))
    counted = {kind: sums[f"cards_{kind}"] for kind in ("changed", "asked", "unchanged", "skipped")}
    assert counted == {"changed": 1, "asked": 1, "unchanged": 3, "skipped": 0}
    verdicts = {verdict: sums[f"numbers_{verdict}"] for verdict in ("convert", "ask", "keep")}
    assert verdicts == {"convert": 1, "ask": 2, "keep": 2}
    assert sums["numbers_ambiguous"] == 1


# -- a fixed point ---------------------------------------------------------------------------------

HOPS = "0168 381 2345"
"""Becomes 038 381 2345, which until 2017 was a line in Nghệ An and would become 0238 381 2345."""

ASKED = {
    "fax": (f"TEL;TYPE=FAX:{HOPS}",),
    "extension": (f"TEL:{HOPS} ext 12",),
    "máy bàn": (f"item1.TEL:{HOPS}", "item1.X-ABLabel:máy bàn"),
    "new form too": (f"TEL:{HOPS}", "TEL:0238 381 2345"),
}
HOPPERS = {
    **ASKED,
    "sibling": (f"TEL:{HOPS}", "TEL;TYPE=FAX:038 381 2399"),
    "twin": (f"TEL:{HOPS}", "TEL:038 381 2345"),
    "two old ones": (f"TEL:{HOPS}", "TEL;TYPE=FAX:0168 381 2346"),
    "old card": (f"TEL:{HOPS}", "REV:20150101T000000Z"),
    "bracket": ("TEL:(0168) 381 2345",),
    "two in one": (f"TEL;TYPE=FAX:{HOPS} / 0168 381 2346",),
}


@pytest.mark.parametrize("lines", HOPPERS.values(), ids=HOPPERS)
def test_a_number_never_hops_twice(
    lines: tuple[str, ...], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0168… → 038… → 0238…: the second hop never comes, not even where nothing is remembered."""
    place.write(card(*lines))
    place.convert("--write")
    once = place.text
    assert once.count("0238 381 234") == "".join(lines).count("0238 381 234")
    for machine in ("here", "elsewhere"):
        monkeypatch.setenv("DANHBA_STATE_DIR", str(place.folder / machine))
        place.convert("--write")
        assert place.text == once


@pytest.mark.parametrize("lines", ASKED.values(), ids=ASKED)
def test_a_number_that_would_hop_is_asked_about(lines: tuple[str, ...], place: Place) -> None:
    raw = place.write(card(*lines))
    done = place.convert("--write", "--json")
    assert (totals(done)["cards_asked"], totals(done)["cards_changed"]) == (1, 0)
    assert place.book.read_bytes() == raw
    (line,) = cards_of(place.log)
    assert line.questions[0].why[0].code == "would-hop"


# -- dry by default, and where results go ----------------------------------------------------------


def test_nothing_is_written_by_default(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}"))
    done = place.convert()
    assert done.code == 0
    assert NEW in done.out.decode()
    assert place.book.read_bytes() == raw
    assert place.convert("--check").code == 3
    assert place.book.read_bytes() == raw


def test_check_says_3_for_changes_only(place: Place) -> None:
    place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}"))
    assert place.convert("--check").code == 0
    place.write(card("TEL:0912 345 678"))
    assert place.convert("--check").code == 0
    place.write(card(f"TEL:{OLD}"))
    assert place.convert("--check").code == 3
    assert place.convert("--check", "--write").code == 3
    assert place.convert("--check").code == 0


def test_a_skipped_card_wins_over_changes(place: Place, tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "a.vcf").write_bytes(b"")
    (books / "b.vcf").write_bytes(card(f"TEL:{OLD}").encode())
    assert run("convert", books, "--check").code == 4


def test_a_copy_goes_to_a_file(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}"))
    copy = place.folder / "copy.vcf"
    assert place.convert("-o", copy).code == 0
    assert copy.read_bytes() == raw.replace(OLD.encode(), NEW.encode())
    assert place.book.read_bytes() == raw


def test_a_copy_to_standard_output_is_alone_there(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}"))
    done = place.convert("-o", "-")
    assert done.code == 0
    assert done.out == raw.replace(OLD.encode(), NEW.encode())
    assert NEW in done.err


@pytest.mark.parametrize(
    "raw", [card(f"TEL:{OLD}").encode(), card(f"TEL:{OLD}").encode("utf-16-be")]
)
def test_standard_input_is_converted_to_standard_output(place: Place, raw: bytes) -> None:
    done = run("convert", "-", "-o", "-", stdin=raw)
    assert done.code == 0
    assert done.out in (raw.replace(OLD.encode(c), NEW.encode(c)) for c in ("ascii", "utf-16-be"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("convert", "-", "-o", "-"), 0),
        (("convert", "-"), 0),
        (("convert", "-", "-o", "-", "--max-changes", "0"), 1),
        (("convert", "-", "-o", "no/such/folder/x.vcf"), 1),
        (("report", "-"), 0),
        (("check", "-"), 0),
        (("check", "-", "--probe"), 2),
        (("sources", "-"), 2),
        (("login", "-"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_was_kept_of_standard_input_is_removed(
    words: tuple[str, ...], code: int, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools = place.folder / "spools"
    spools.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spools))
    raw = card(f"TEL:{OLD}").encode()
    assert run(*words, stdin=raw).code == code
    assert list(spools.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_nothing_of_standard_input_is_left_when_the_run_is_ended(
    number: int, code: int, place: Place
) -> None:
    spools = place.folder / "spools"
    spools.mkdir()
    command = [sys.executable, "-c", "from danhba.cli import main; main()", "convert", "-"]
    ended = subprocess.Popen(
        command, stdin=subprocess.PIPE, env={**os.environ, "TMPDIR": str(spools)}
    )
    assert ended.stdin
    deadline = time.monotonic() + 30
    while not list(spools.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    ended.send_signal(number)
    assert ended.wait(30) == code
    ended.stdin.close()
    assert list(spools.iterdir()) == []


class Watched(VcardFiles):
    """A syncer that tells whether it was closed."""

    still_open: ClassVar[list[VcardFiles]] = []

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.still_open.append(self)

    def close(self) -> None:
        super().close()
        self.still_open.remove(self)


def test_each_command_closes_what_it_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "open_named", lambda location: (Watched(location), location))
    place.write(card(f"TEL:{OLD}"), card(f"TEL:{AMBIGUOUS}"))
    place.convert("--ask", "all")
    for words, code in (
        (("convert", place.book, "--check"), 3),
        (("convert", place.folder / "none.vcf"), 1),
        (("convert", place.book, "--log", place.log), 2),
        (("review", place.log), 0),
        (("apply", place.log), 0),
        (("apply", place.log, "--replan"), 0),
        (("undo", place.log), 0),
        (("report", place.book, place.book, place.folder / "none.vcf"), 4),
        (("check", place.book), 0),
        (("sources", place.book), 2),
        (("login", place.book), 2),
    ):
        assert run(*words, stdin=b"q\n").code == code, words
        assert Watched.still_open == [], words


def test_what_makes_no_sense_is_wrong_usage(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}"))
    book = place.book
    wrong = (
        ("convert", "-", "--write"),
        ("convert", book, "--write", "-o", "x.vcf"),
        ("convert", book, "-o", book),
        ("convert", book, book, "-o", "x.vcf"),
        ("convert", book, "--country", "XX"),
    )
    assert [run(*words).code for words in wrong] == [2] * len(wrong)
    (place.folder / "link.vcf").symlink_to(book)
    assert run("convert", book, "-o", place.folder / "link.vcf").code == 2
    assert book.read_bytes() == raw


# -- questions and answers -------------------------------------------------------------------------


def test_ask_all_makes_questions_of_what_is_kept(place: Place) -> None:
    place.write(card(f"TEL:{AMBIGUOUS}"), card("TEL:0912 345 678"))
    silent, asking = (
        totals(place.convert("--json")),
        totals(place.convert("--json", "--ask", "all")),
    )
    assert (silent["numbers_ask"], silent["numbers_ambiguous"]) == (0, 1)
    assert (asking["numbers_ask"], asking["cards_asked"]) == (1, 1)


def test_an_answer_is_carried_out_by_apply_and_can_be_undone(place: Place) -> None:
    raw = place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}"))
    place.convert()
    place.answer("1")
    assert place.book.read_bytes() == raw
    assert run("apply", place.log).code == 0
    assert place.text == raw.decode().replace(AMBIGUOUS, LINE)
    assert run("apply", place.log).code == 0
    assert place.text == raw.decode().replace(AMBIGUOUS, LINE)
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


@pytest.mark.parametrize(("choice", "changed"), [("keep", 0), ("1", 1)])
def test_an_answer_is_remembered_and_not_asked_again(
    choice: str, changed: int, place: Place
) -> None:
    place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}", uid="u"))
    assert totals(place.convert("--json"))["cards_asked"] == 1
    place.answer(choice)
    sums = totals(place.convert("--json"))
    assert (sums["cards_asked"], sums["cards_changed"]) == (0, changed)


def test_new_evidence_asks_anew(place: Place) -> None:
    place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}", uid="u"))
    place.convert()
    place.answer("keep")
    place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}", "ADR:;;;TP. Hồ Chí Minh;;;", uid="u"))
    assert totals(place.convert("--json"))["cards_asked"] == 1


def test_answers_can_be_forgotten(place: Place) -> None:
    place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}", uid="u"))
    place.convert()
    place.answer("keep")
    assert totals(place.convert("--json", "--forget-answers"))["cards_asked"] == 1
    assert totals(place.convert("--json"))["cards_asked"] == 1


def test_an_answer_belongs_to_one_card(place: Place) -> None:
    one, two = (card(f"TEL;TYPE=WORK:{AMBIGUOUS}", uid=uid) for uid in "ab")
    place.write(one)
    place.convert()
    place.answer("keep")
    place.write(one, two)
    assert totals(place.convert("--json"))["cards_asked"] == 1


def test_answers_beside_a_change_are_both_made(place: Place) -> None:
    """The change is written at once; the answer comes later and builds on it."""
    raw = place.write(card(f"TEL;TYPE=WORK:{OLD} / {AMBIGUOUS}", f"TEL:{OLD}"))
    place.convert("--write")
    assert place.text == raw.decode().replace(OLD, NEW)
    place.answer("1")
    assert run("apply", place.log).code == 0
    assert place.text == raw.decode().replace(OLD, NEW).replace(AMBIGUOUS, LINE)
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_questions_and_answers_survive_a_spreadsheet(place: Place) -> None:
    """Names with separators, quotes, line ends and formulas come back to their cards."""
    names = ('An "Bé"; kho', "=1+1", "a\\nb", "Đỗ, Ý", "+84", "@x")
    cards = [card(f"TEL;TYPE=WORK:{AMBIGUOUS}", name=n, uid=str(i)) for i, n in enumerate(names)]
    raw = place.write(*cards)
    place.convert()
    place.answer("1")
    assert run("apply", place.log).code == 0
    assert place.text == raw.decode().replace(AMBIGUOUS, LINE)


# -- what our own writes do to the evidence --------------------------------------------------------


@pytest.mark.parametrize("form", ["e164", "international", "national"])
@pytest.mark.parametrize("younger", ["0815189528", "0569 351 254", "024 3825 4567"])
def test_a_date_that_was_belied_stays_so_when_the_number_is_rewritten(
    place: Place, form: str, younger: str
) -> None:
    """A number of a range that did not exist on the card's date makes the date void for all."""
    place.write(
        card("TEL:0387736197", f"TEL:{younger}", "REV:2015-04-02T10:00:00Z", uid="u"),
    )
    for _ in range(3):
        place.convert("--step", f"normalise={form}", "--write")
        assert "0387736197" in place.text or "387736197" in place.text.replace(" ", "")
        assert "2387736197" not in place.text.replace(" ", "")
    assert place.convert("--check").code == 0


def test_a_kept_number_is_asked_about_again_rather_than_converted(place: Place) -> None:
    """Another answer, or an edit, may prove what a person did not know."""
    place.write(card("TEL:0382896515", f"TEL:{OLD}", uid="u"))
    place.convert()
    place.answer("keep")
    assert run("apply", place.log).code == 0
    place.book.write_bytes(place.book.read_bytes().replace(b"TEL:0382", b"TEL;TYPE=FAX:0382"))
    end = json.loads(place.convert("--json").out.splitlines()[-1])
    assert end["totals"]["numbers_convert"] == 0
    assert [code for _, code, *_ in end["rows"] if code == "kept-before"] == ["kept-before"]
    place.answer("keep")
    assert place.convert("--json").out.count(b"kept-before") == 0


def test_all_answers_carried_out_leave_nothing_to_convert(place: Place) -> None:
    lines = ["TEL:0382896515", "TEL:04 3368 3164", "TEL:0569351254", "REV:2015-04-02T10:00:00Z"]
    place.write(card(*lines, uid="u"), card(*lines))
    place.convert()
    log = place.log.rename(place.folder / "answered.jsonl")
    while "(1/" in (shown := run("review", log, stdin=b"q\n").out.decode()):
        choice = b"1" if "0569351254" in shown.partition("(2/")[0] else b"2"
        run("review", log, stdin=choice + b"\nq\n")
    assert run("apply", log).code == 0
    after = place.text
    assert place.convert("--check").code == 0
    assert place.convert("--write").code == 0
    assert place.text == after


@pytest.mark.parametrize("uid", ["u", ""])
def test_questions_stay_when_the_old_numbers_beside_them_are_converted(
    place: Place, uid: str
) -> None:
    place.write(card("TEL:0382896515", f"TEL:{OLD}", uid=uid))
    assert totals(place.convert("--json"))["numbers_ask"] == 1
    place.convert("--write")
    assert NEW in place.text
    assert totals(place.convert("--json"))["numbers_ask"] == 1
    place.answer("keep")
    assert totals(place.convert("--json"))["numbers_ask"] == 0


def test_an_answer_follows_a_card_without_uid_there_and_back(place: Place) -> None:
    place.write(card("TEL:0382896515", f"TEL:{OLD}"))
    place.convert()
    place.answer("keep")
    log = place.log.rename(place.folder / "first.jsonl")
    assert run("apply", log).code == 0
    assert totals(place.convert("--json"))["numbers_ask"] == 0
    assert run("undo", log).code == 0
    assert totals(place.convert("--json"))["numbers_ask"] == 0


# -- undo ------------------------------------------------------------------------------------------


def test_what_was_undone_is_not_proposed_again(place: Place) -> None:
    for uid in ("u", ""):
        raw = place.write(card(f"TEL:{OLD}", uid=uid))
        place.convert("--write")
        assert run("undo", place.log).code == 0
        assert place.book.read_bytes() == raw
        assert place.convert("--check").code == 0
        assert place.convert("--check", "--forget-answers").code == 3


@pytest.mark.parametrize("uid", ["u", ""])
def test_what_was_undone_is_not_ours_any_more(place: Place, uid: str) -> None:
    """The card holds the new number as well: by itself, whatever we wrote and took back."""
    place.write(card(f"TEL:{OLD}", f"TEL;VOICE:{NEW}", uid=uid))

    place.convert("--write")
    assert place.reasons() == {"ours"}
    assert run("undo", place.log).code == 0
    assert place.reasons() == {"undone", "proved-mobile"}  # by its old form on the card


def test_undo_of_one_run_leaves_what_another_wrote_ours(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", uid="u"))
    place.convert("--write")
    place.book.write_bytes(place.book.read_bytes().replace(b"END:", b"TEL:0120 765 4321\r\nEND:"))
    place.convert("--write")
    assert run("undo", place.log).code == 0
    assert f"TEL:{NEW}" in place.text
    assert "TEL:0120 765 4321" in place.text
    assert place.reasons() == {"ours", "undone"}


def test_undo_twice_is_undo_once(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}", uid="u"), card(f"TEL:{OLD}"))
    place.convert("--write")
    assert run("undo", place.log).code == 0
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_undo_reverts_only_our_numbers_in_a_touched_card(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", "TEL:0912 345 678", uid="u"), card(f"TEL:{OLD}", uid="v"))
    place.convert("--write")
    touched = place.text.replace("0912 345 678", "0912 000 000").replace("FN:A", "FN:B", 1)
    place.book.write_bytes(touched.encode())
    assert run("undo", place.log).code == 0
    assert place.text == touched.replace(NEW, OLD)


def test_undo_lists_what_it_cannot_restore(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", uid="u"), card("TEL:0120 765 4321", uid="v"))
    place.convert("--write")
    place.book.write_bytes(place.text.replace(NEW, "0999 999 999").encode())
    done = run("undo", place.log)
    assert done.code == 4
    assert "book.vcf#u: left as it is" in done.err
    assert "0120 765 4321" in place.text
    assert "0999 999 999" in place.text


def test_undo_of_a_copy_restores_the_copy(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}", uid="u"), card(f"TEL:{OLD}"))
    copy = place.folder / "copy.vcf"
    place.convert("-o", copy)
    done = run("undo", place.log)
    assert done.code == 0, done.err
    assert copy.read_bytes() == raw
    assert place.book.read_bytes() == raw


def test_undo_of_a_dry_run_does_nothing(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}"))
    place.convert()
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


# -- apply -----------------------------------------------------------------------------------------


def test_apply_does_what_the_log_proposes(place: Place) -> None:
    raw = place.write(card(f"TEL:{OLD}", uid="u"), card(f"TEL:{OLD}"))
    place.convert()
    assert run("apply", place.log).code == 0
    assert place.text == raw.decode().replace(OLD, NEW)


def test_apply_skips_and_lists_a_stale_card(place: Place) -> None:
    one, two = (card(f"TEL:{OLD}", uid=uid) for uid in "uv")
    place.write(one, two)
    place.convert()
    moved = one.replace("FN:A", "FN:B")
    place.write(moved, two)
    done = run("apply", place.log)
    assert done.code == 4
    assert "book.vcf#u: stale" in done.err
    assert place.text == moved + two.replace(OLD, NEW)


def test_apply_finds_cards_that_moved_within_the_file(place: Place) -> None:
    one, two = (card(f"TEL:{OLD}", uid=uid) for uid in "uv")
    place.write(one, two)
    place.convert()
    place.write(card("TEL:0912 345 678"), two, one)
    assert run("apply", place.log).code == 0
    assert place.text.endswith(two.replace(OLD, NEW) + one.replace(OLD, NEW))


def test_apply_replan_plans_stale_cards_into_a_new_section(place: Place) -> None:
    one, two = (card(f"TEL:{OLD}", uid=uid) for uid in "uv")
    place.write(one, two)
    place.convert()
    moved = one.replace("FN:A", "FN:B")
    place.write(moved, two)
    assert run("apply", place.log, "--replan").code == 4
    assert place.text == moved + two.replace(OLD, NEW)
    assert run("apply", place.log).code == 0
    assert place.text == (moved + two).replace(OLD, NEW)
    assert run("undo", place.log).code == 0
    assert place.text == moved + two


def test_apply_of_a_copys_log_is_refused(place: Place) -> None:
    place.write(card(f"TEL:{OLD}"))
    place.convert("-o", place.folder / "copy.vcf")
    assert run("apply", place.log).code == 2


def test_a_log_is_never_overwritten(place: Place) -> None:
    place.write(card(f"TEL:{OLD}"))
    place.convert()
    before = place.log.read_bytes()
    assert run("convert", place.book, "--log", place.log).code == 2
    assert place.log.read_bytes() == before


# -- twins, dates, secrets -------------------------------------------------------------------------


def test_twins_are_converted_one_by_one(place: Place) -> None:
    raw = place.write(*[card(f"TEL:{OLD}", uid="u")] * 3, *[card(f"TEL:{OLD}")] * 3)
    place.convert("--write")
    assert place.text == raw.decode().replace(OLD, NEW)
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_our_own_rev_destroys_no_evidence(place: Place) -> None:
    """A card of 2015 proves an old line also after we wrote another of its numbers."""
    place.write(card("TEL:0912 345 678", "REV:20150101T000000Z", uid="u"))
    assert totals(place.convert("--json"))["cards_changed"] == 0
    place.write(card(f"TEL:{OLD}", f"TEL:{AMBIGUOUS}", "REV:20150101T000000Z", uid="u"))
    place.convert("--write")
    assert LINE in place.text
    once = place.text
    place.convert("--write")
    assert place.text == once


def test_a_log_lies_in_the_state_folder_for_its_owner_only(place: Place, state_dir: Path) -> None:
    place.write(card(f"TEL:{OLD}"))
    done = run("convert", place.book, "--write")
    (log,) = (state_dir / "logs").glob("*.jsonl")
    assert f"log: {log}" in done.err
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700
    assert (state_dir / "state.sqlite3").stat().st_mode & 0o777 == 0o600
    assert state_dir.stat().st_mode & 0o777 == 0o700


def test_a_dry_run_leaves_no_state_but_its_log(place: Place, state_dir: Path) -> None:
    place.write(card(f"TEL:{OLD}"))
    run("convert", place.book)
    assert [path.suffix for path in state_dir.rglob("*") if path.is_file()] == [".jsonl"]


def assert_sections(log: Path, expected: Iterable[str]) -> None:
    rows: list[dict[str, Any]] = [json.loads(row) for row in log.read_bytes().splitlines()]
    assert [row["section"] for row in rows if row["type"] == "run"] == list(expected)


def test_a_log_is_appended_to_section_by_section(place: Place) -> None:
    place.write(card(f"TEL:{OLD}"), card(f"TEL;TYPE=WORK:{AMBIGUOUS}"))
    place.convert("--write")
    before = place.log.read_bytes()
    place.answer("keep")
    run("apply", place.log)
    run("undo", place.log)
    assert place.log.read_bytes().startswith(before)
    assert_sections(place.log, ["convert", "apply", "review", "apply", "undo"])


# -- more changes than the run may make ------------------------------------------------------------


@pytest.mark.parametrize("way", [["--write"], ["-o", "-"], ["-o", "copy.vcf"]])
def test_a_run_over_its_budget_writes_nothing(
    place: Place, way: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    before = place.write(card(f"TEL:{OLD}"), card(f"TEL:{OLD}", name="B"))
    for limit in ("1", "99%"):
        done = place.convert(*way, "--max-changes", limit)
        assert done.code == 1
        assert f"cards to be changed: 2 of 2, more than --max-changes {limit}" in done.err
        assert b"BEGIN:VCARD" not in done.out
        assert place.book.read_bytes() == before
        assert not (place.folder / "copy.vcf").exists()
    assert cards_of(place.log)
    assert place.convert(*way, "--max-changes", "2").code == 0


@pytest.mark.parametrize("stop", [["--max-changes", "1"], []], ids=["budget", "foreign"])
def test_a_stopped_copy_of_a_folder_leaves_nothing_behind(place: Place, stop: list[str]) -> None:
    books, copy = place.folder / "books", place.folder / "copy"
    books.mkdir()
    (books / "a.vcf").write_text(card(f"TEL:{OLD}"))
    abroad = card("TEL:+61 412 345 678", "TEL:+61 412 345 679", "TEL:+61 412 345 677")
    (books / "b.vcf").write_text(card(f"TEL:{OLD}") + abroad)
    done = run("convert", books, "-o", copy, *stop)
    assert (done.code, "stopped: " in done.err) == (1, True)
    assert sorted(path.name for path in place.folder.iterdir() if path.is_dir()) == [
        "books",
        "state",
    ]
    assert run("convert", books, "-o", copy, "--country", "VN").code == 0
    assert sorted(path.name for path in copy.iterdir()) == ["a.vcf", "b.vcf"]
    assert NEW in (copy / "b.vcf").read_text()


# -- a book of another country -------------------------------------------------------------------


@pytest.mark.parametrize("way", [["--write"], ["-o", "-"], ["-o", "copy.vcf"]])
def test_book_of_another_country_is_not_written_before_somebody_said_whose_it_is(
    place: Place, way: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    before = place.write(
        card("TEL:+61 412 345 678", "TEL:+61 412 345 679", name="B"), card(f"TEL:{OLD}")
    )
    done = place.convert(*way)
    assert done.code != 0
    assert "--country" in done.err
    assert b"BEGIN:VCARD" not in done.out
    assert place.book.read_bytes() == before
    assert not (place.folder / "copy.vcf").exists()
    assert place.convert(*way, "--country", "VN").code == 0


def test_plan_of_a_book_of_another_country_is_not_applied(place: Place) -> None:
    before = place.write(card("TEL:+61 412 345 678", "TEL:+61 412 345 679"), card(f"TEL:{OLD}"))
    assert "--country" in place.convert().err
    done = run("apply", place.log)
    assert (done.code, place.book.read_bytes()) == (1, before)
    place.convert("--country", "VN")
    assert run("apply", place.log).code == 0
    assert NEW in place.text


def test_few_foreign_numbers_stop_nothing(place: Place) -> None:
    place.write(card("TEL:+61 412 345 678"), card(f"TEL:{OLD}"), card("TEL:0912 345 678"))
    assert place.convert("--write").code == 0
    assert NEW in place.text


# --- what a person is told to do next -------------------------------------------------------------


def test_a_plan_names_the_commands_that_can_follow(place: Place) -> None:
    place.write(card(f"TEL:{OLD}"))
    told = place.convert().out.decode()
    assert f"danhba apply {place.log}" in told
    assert f"danhba review {place.log}" not in told
    assert f"To take it back: danhba undo {place.log}" in run("apply", place.log).out.decode()
    assert run("undo", place.log).code == 0
    assert "--forget-answers" in place.convert().out.decode()


def test_nothing_follows_where_nothing_is_to_do(place: Place) -> None:
    place.write(card("TEL:0912 345 678"))
    told = place.convert().out.decode()
    assert "Next" not in told
    assert "danhba undo" not in place.convert("--write").out.decode()


def test_a_plan_that_was_cut_off_is_said_to_be_one_and_applied(place: Place) -> None:
    """As when what shows it is left before its end: `danhba convert … | head`."""
    place.write(card(f"TEL:{OLD}", uid="u") + card(f"TEL:{OLD}", uid="v"))
    place.convert("--country", "VN")
    place.log.write_bytes(b"".join(place.log.read_bytes().splitlines(keepends=True)[:2]))
    assert run("undo", place.log).code == 0  # its closing line is not the plan's
    done = run("apply", place.log)
    assert done.code == 0
    assert "was cut off" in done.err
    assert place.text.count(OLD) == 1


def test_a_plan_that_was_cut_off_is_not_applied_before_somebody_said_whose_book_it_is(
    place: Place,
) -> None:
    """The numbers that make it a book of another country are not in the lines that are left."""
    before = place.write(card(f"TEL:{OLD}"), card("TEL:+61 412 345 678", "TEL:+61 412 345 679"))
    place.convert()
    place.log.write_bytes(b"".join(place.log.read_bytes().splitlines(keepends=True)[:2]))
    cut_off = place.log.read_bytes()
    done = run("apply", place.log)
    assert (done.code, place.book.read_bytes()) == (1, before)
    assert "Run danhba convert again" in done.err
    assert "--country VN" in done.err
    assert place.log.read_bytes() == cut_off


def test_what_is_not_a_log_is_called_so(place: Place) -> None:
    place.write(card(f"TEL:{OLD}"))
    done = run("apply", place.book)
    assert done.code == 1
    assert "is not a diff log" in done.err


def test_a_review_speaks_vietnamese(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANHBA_LANG", "vi")
    place.write(card(f"TEL:{AMBIGUOUS}"))
    place.convert("--ask", "all")
    told = run("review", place.log, stdin=b"x\nq\n").out.decode()
    assert "(1/1) một câu hỏi" in told
    assert "cố định" in told
    assert "Hãy trả lời một trong: 1, 2, s, q" in told
    assert "fixed" not in told
    assert "not one of" not in told


def test_a_review_that_nobody_answers_ends_with_a_line_of_its_own(place: Place) -> None:
    place.write(card(f"TEL:{AMBIGUOUS}"))
    place.convert("--ask", "all")
    told = run("review", place.log, stdin=b"").out.decode().splitlines()
    assert told[-2].strip().startswith("1/2")
    assert told[-1].startswith("0 answers")


# -- a person changes their mind, or the book changes below ----------------------------------------


def test_an_answer_that_was_carried_out_can_be_taken_back(place: Place) -> None:
    raw = place.write(card(f"TEL:{AMBIGUOUS}", f"TEL:{OLD}", uid="u"))
    place.convert("--ask", "all")
    place.answer("1")
    assert run("apply", place.log).code == 0
    assert LINE in place.text
    assert run("review", place.log, "--again", stdin=b"2\n").code == 0
    done = run("apply", place.log)
    assert (done.code, AMBIGUOUS in place.text, LINE in place.text) == (0, True, False)
    assert NEW in place.text
    assert place.reasons() == {"ours", "answered"}
    counted = json.loads(run("report", place.book, "--json").out)["numbers"]
    assert counted == {"read": 2, "decided": 1, "converted": 1}
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_answers_about_a_copy_are_heeded_when_it_is_made_again(place: Place) -> None:
    place.write(card(f"TEL;TYPE=WORK:{AMBIGUOUS}", uid="u"))
    copy = place.folder / "copy.vcf"
    place.convert("-o", copy, "--ask", "all")
    assert AMBIGUOUS in copy.read_text()
    told = run("review", place.log, stdin=b"1\n").out.decode()
    assert f"danhba convert {place.book} -o {copy}" in told
    done = run("apply", place.log)
    assert (done.code, f"danhba convert {place.book} -o {copy}" in done.err) == (2, True)
    place.convert("-o", copy)
    assert LINE in copy.read_text()
    done = run("undo", place.log)
    assert "not proposed again" not in done.out.decode()  # it is, of a copy


def test_the_command_for_another_copy_has_all_that_the_first_had(place: Place) -> None:
    place.write(card(f"TEL:{AMBIGUOUS}", uid="u"))
    copy = place.folder / "copy.vcf"
    place.convert("-o", copy, "--ask", "all", "--country", "VN", "--step", "normalise=national")
    told = run("review", place.log, stdin=b"1\n").out.decode()
    assert f"convert {place.book} -o {copy} --country VN --step normalise=national" in told


def test_answers_may_come_as_unicode_text(place: Place) -> None:
    """Excel's "Unicode text": UTF-16 with tabs."""
    place.write(card(f"TEL:{AMBIGUOUS}", uid="u"))
    place.convert("--ask", "all")
    asked = place.folder / "questions.csv"
    assert run("log", place.log, "--csv", asked).code == 0
    rows = list(csv.reader(io.StringIO(asked.read_text("utf-8-sig"), newline="")))
    rows[1][-1] = "1"
    text = "".join("\t".join(row) + "\r\n" for row in rows)
    asked.write_bytes(text.encode("utf-16"))
    done = run("review", place.log, "--answers", asked)
    assert (done.code, "1 answer saved" in done.out.decode()) == (0, True)


def test_a_card_that_is_gone_is_told_of_once(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", uid="u"), card(f"TEL:{OLD}", uid="v"))
    place.convert()
    changed = place.book.read_bytes().replace(b"FN:A", b"FN:B")
    place.book.write_bytes(changed[: changed.index(b"END:VCARD\r\n") + 11])
    assert run("apply", place.log).code == 4
    done = run("apply", place.log, "--replan")
    assert (done.code, "1 stale card planned again" in done.err) == (4, True)
    assert "0 stale" not in done.err
    assert run("apply", place.log).code == 0
    assert NEW in place.text
    assert run("apply", place.log).out.decode().count("--replan") == 0


def test_a_number_of_ours_that_was_removed_is_named_by_undo(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", "TEL:0120 765 4321", uid="u"))
    place.convert("--write")
    place.book.write_bytes(place.book.read_bytes().replace(f"TEL:{NEW}\r\n".encode(), b""))
    done = run("undo", place.log)
    assert done.code == 0
    assert f"A, book.vcf#u: not there any more, so not taken back: {NEW}" in done.err
    assert "1 card restored" in done.out.decode()
    assert "0120 765 4321" in place.text


def test_a_log_tells_what_became_of_it(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", f"TEL:{AMBIGUOUS}", uid="u"), card(f"TEL:{OLD}", uid="v"))
    place.convert("--ask", "all")
    place.answer("1")
    told = run("log", place.log).out.decode()
    assert f"  = answered: {LINE}" in told
    assert run("apply", place.log).code == 0
    told = run("log", place.log).out.decode()
    assert f"  = written: {LINE}" in told
    assert told.count("  = written\n") == 2
    changes = place.folder / "changes.csv"
    assert run("log", place.log, "--csv", changes).code == 0
    assert LINE in changes.read_text()
    assert run("undo", place.log).code == 0
    told = run("log", place.log).out.decode()
    assert told.count("  = undone\n") == 2
    assert f"  = undone: {LINE}" in told
    assert run("log", place.log, "--csv", changes).code == 0
    assert "answered" not in changes.read_text()


def test_apply_says_what_is_left_and_why_nothing_was_done(place: Place) -> None:
    place.write(card(f"TEL:{OLD}", f"TEL:{AMBIGUOUS}", uid="u"))
    place.convert("--ask", "all")
    told = run("apply", place.log).out.decode()
    assert "To answer the questions that are left" in told
    assert "--forget-answers" in run("undo", place.log).out.decode()
    told = run("apply", place.log).out.decode()
    assert "0 cards written" in told
    assert "--forget-answers" in told


# -- cards without UID that become alike -----------------------------------------------------------


def test_undo_restores_each_of_two_cards_that_became_alike(place: Place) -> None:
    raw = place.write(card("TEL:0912345678"), card("TEL:0912 345 678"), card("TEL:0912.345.678"))
    place.convert("--step", "normalise", "--write")
    assert place.text.count("TEL:+84912345678") == 3
    assert run("undo", place.log).out.decode().startswith("3 cards restored")
    assert place.book.read_bytes() == raw


def test_of_cards_that_became_alike_each_answer_is_carried_out_or_named(place: Place) -> None:
    work = "TEL;TYPE=WORK:083 3315928"
    place.write(card("TEL:0912345678", work), card("TEL:0912 345 678", work))
    place.convert("--step", "normalise", "--write")
    place.answer("1")
    done = run("apply", place.log)
    assert (done.code, "another card has become the same" in done.err) == (4, True)
    assert run("apply", place.log).code == 0
    assert place.text.count("0283 3315928") == 2


# -- twice is once, however the answers came -------------------------------------------------------


def test_an_answer_alone_does_not_bring_a_belied_date_back(place: Place) -> None:
    lines = ["TEL:024 35347 645", "TEL:0833429829", "TEL;TYPE=WORK:083 3315928", "REV:20160101"]
    place.write(card(*lines, uid="a"))
    place.convert()
    place.answer("1")
    assert run("apply", place.log).code == 0
    for _ in range(3):
        place.convert("--step", "normalise", "--write")
    assert "833429829" in place.text
    assert "2833429829" not in place.text


def test_an_answer_to_hop_holds_nothing_else_back(place: Place) -> None:
    lines = [
        "TEL;TYPE=FAX:0120 3531717",
        "TEL;TYPE=CELL:(04) 33485306",
        "ADR:;;;Nghệ An;;;Việt Nam",
    ]
    place.write(card(*lines, uid="u"))
    place.convert()
    told = run("log", place.log).out.decode()
    assert "024" in told
    assert "It is marked as a fax." in told  # what would prove the new number a landline
    place.answer("1")
    place.convert("--write")
    once = place.text
    assert "(024) 33485306" in once
    assert "070 3531717" in once
    place.convert("--write")
    assert place.text == once
