"""Runs with steps, seen from the command line: logged, applied, answered, undone exactly."""

import csv
import io
import json
from pathlib import Path

import pytest
from tests.command import run
from tests.unit.test_run import Place, card, cards_of, place, totals

from danhba import config
from danhba.card import DropPhone, SetNumber
from danhba.difflog import EndLine, Run, read_log
from danhba_syncers.vcard_files import VcardFiles

__all__ = ["place"]

OLD, NEW, E164 = "0168 381 2345", "038 381 2345", "+84383812345"
ALL = ("--step", "merge-twins", "--step", "label-kind", "--step", "normalise=e164")
TWINS = (f"TEL;TYPE=WORK:{OLD}", f"TEL;TYPE=HOME:{NEW}")
FOLDED = f"TEL;TYPE=WORK,HOME,CELL:{E164}"


def end_of(log: Path) -> EndLine:
    return next(line for line in read_log(log) if isinstance(line, EndLine))


# -- logged ----------------------------------------------------------------------------------------


def test_every_change_is_logged_under_its_steps_name(place: Place) -> None:
    place.write(card(*TWINS, uid="u"), card("TEL;TYPE=CELL:0912 345 678"))
    assert place.convert(*ALL).code == 0
    first = next(read_log(place.log))
    assert isinstance(first, Run)
    assert first.steps == ("merge-twins", "label-kind", "normalise=e164")
    twins, other = cards_of(place.log)
    ops = [(type(change).__name__, change.step) for change in twins.changes]
    assert ops == [
        ("SetNumber", "renumber"),
        ("SetLabel", "merge-twins"),
        ("DropPhone", "merge-twins"),
        ("SetLabel", "label-kind"),
        ("SetNumber", "normalise"),
    ]
    assert twins.keys == ("0", "1")
    assert other.keys == ()
    assert end_of(place.log).steps == {
        "renumber": 1, "merge-twins": 2, "label-kind": 1, "normalise": 2
    }  # fmt: skip


def test_steps_are_shown_in_terminal_page_and_spreadsheet(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANHBA_LANG", "en")
    place.write(card(*TWINS))
    shown = place.convert(*ALL).out.decode()
    for line in (
        f"- {NEW} [home]  [merge-twins]",
        f"+ {NEW} [work, home]  [merge-twins]",
        f"+ {NEW} [work, home, cell]  [label-kind]",
        f"+ {E164}  [normalise]",
        "Changes by step",
    ):
        assert line in shown
    page, table = place.folder / "page.html", place.folder / "changes.csv"
    assert run("log", place.log, "--html", page, "--csv", table).code == 0
    text = page.read_text("utf-8")
    assert "merge-twins, label-kind, normalise=e164" in text
    assert "Changes by step" in text
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"), newline="")))
    assert [(row["change"], row["step"].strip("'")) for row in rows] == [
        ("number", "renumber"),
        ("labels", "merge-twins"),
        ("removed", "merge-twins"),
        ("labels", "label-kind"),
        ("number", "normalise"),
    ]


def test_a_number_twice_is_counted_and_told_with_the_step_off(place: Place) -> None:
    place.write(card(*TWINS), card("TEL:0912 345 678", "TEL:+84912345678"), card("TEL:1"))
    assert totals(place.convert("--json"))["cards_twice"] == 2
    (line,) = cards_of(place.log)
    assert line.changes[0].why[-1].code == "twice"
    assert "cards_twice" not in totals(place.convert("--json", "--step", "merge-twins"))


# -- written, once, and undone ---------------------------------------------------------------------


@pytest.mark.parametrize("copying", [False, True])
def test_steps_are_written_once_and_undone_to_the_byte(place: Place, copying: bool) -> None:
    raw = place.write(
        card(*TWINS, "REV:20200101T000000Z", uid="u"),
        card("TEL:0912 345 678"),
        card("TEL;CELL:04 3825 1234"),
    )
    copy = place.folder / "copy.vcf"
    book = copy if copying else place.book
    words = ("-o", copy) if copying else ("--write",)
    assert place.convert(*ALL, *words).code == 0
    text = book.read_bytes().decode()
    assert f"FN:A\r\n{FOLDED}\r\nREV" in text
    assert "TEL;TYPE=CELL:+84912345678\r\n" in text
    assert "TEL;VOICE:+842438251234\r\n" in text
    again = run("convert", book, *ALL, "--check", "--today", "2026-11-22")
    assert again.code == 0, again.out
    assert run("undo", place.log).code == 0
    assert book.read_bytes() == raw


def test_what_was_undone_is_not_proposed_again_by_any_step(place: Place) -> None:
    place.write(card(*TWINS, uid="u"), card("TEL;TYPE=HOME:0912 345 678", uid="v"))
    place.convert(*ALL, "--write")
    assert run("undo", place.log).code == 0
    assert place.convert(*ALL, "--check").code == 0
    assert place.convert(*ALL, "--check", "--forget-answers").code == 3


@pytest.mark.parametrize("uid", ["u", ""])
def test_undo_of_a_touched_card_takes_back_every_kind_of_change(place: Place, uid: str) -> None:
    place.write(card(*TWINS, "TEL:0912 345 678", "TEL;TYPE=CELL:04 3825 1234", uid="u"))
    place.convert(*ALL, "--write")
    touched = place.text.replace("FN:A", "FN:B")
    place.book.write_bytes(touched.encode())
    assert run("undo", place.log).code == 0
    lines = [f"TEL;TYPE=WORK:{OLD}", "TEL:0912 345 678", "TEL;TYPE=CELL:04 3825 1234"]
    assert place.text == card(*lines, f"TEL;TYPE=HOME:{NEW}", name="B", uid="u")


def test_undo_of_a_touched_card_leaves_what_somebody_else_made(place: Place) -> None:
    place.write(card(*TWINS, "TEL:0912 345 678", uid="u"))
    place.convert(*ALL, "--write")
    touched = place.text.replace(FOLDED, f"TEL;TYPE=FAX:{E164}")
    touched = touched.replace("TEL;TYPE=CELL:+84912345678", "TEL;TYPE=CELL:0999")
    place.book.write_bytes(touched.encode())
    assert run("undo", place.log).code == 0
    lines = (f"TEL;TYPE=FAX:{OLD}", "TEL;TYPE=CELL:0999", f"TEL;TYPE=HOME:{NEW}")
    assert place.text == card(*lines, uid="u")


def test_an_ambiguous_number_that_undo_restored_is_ambiguous_as_before(place: Place) -> None:
    place.write(card("TEL:083 812 3456", "TEL:0838123456", uid="u"))
    place.convert("--step", "merge-twins", "--write")
    assert run("undo", place.log).code == 0
    assert place.reasons() == {"also-valid-today"}


def test_an_older_copy_of_a_log_is_not_applied_over_its_undo(place: Place) -> None:
    raw = place.write(card(*TWINS, uid="u"))
    place.convert(*ALL)
    plan = place.log.read_bytes()
    assert run("apply", place.log).code == 0
    assert run("undo", place.log).code == 0
    place.log.write_bytes(plan)
    run("apply", place.log)
    assert place.book.read_bytes() == raw


# -- apply, answers, replan ------------------------------------------------------------------------

AMBIGUOUS, LINE = "083 812 3456", "0283 812 3456"


def test_an_answer_finds_its_field_when_others_were_dropped(place: Place) -> None:
    """Two fields before it are folded; the question named the third."""
    raw = place.write(card(*TWINS, f"TEL;TYPE=WORK:{AMBIGUOUS}", f"TEL:{AMBIGUOUS}9", uid="u"))
    place.convert(*ALL, "--write")
    assert f"TEL;TYPE=WORK:{AMBIGUOUS}\r\n" in place.text
    once = place.text
    place.answer("1")
    assert run("apply", place.log).code == 0
    assert place.text == once.replace(f"WORK:{AMBIGUOUS}\r\n", f"WORK:{LINE}\r\n")
    assert run("apply", place.log).code == 0
    assert place.text == once.replace(f"WORK:{AMBIGUOUS}\r\n", f"WORK:{LINE}\r\n")
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_an_answer_in_a_card_touched_since_is_taken_back_with_all_else(place: Place) -> None:
    place.write(card(*TWINS, f"TEL;TYPE=WORK:{AMBIGUOUS}", uid="u"))
    place.convert("--step", "merge-twins", "--write")
    place.answer("1")
    run("apply", place.log)
    place.book.write_bytes(place.text.replace("FN:A", "FN:B").encode())
    assert run("undo", place.log).code == 0
    lines = (f"TEL;TYPE=WORK:{OLD}", f"TEL;TYPE=WORK:{AMBIGUOUS}", f"TEL;TYPE=HOME:{NEW}")
    assert place.text == card(*lines, name="B", uid="u")


def test_answers_and_steps_are_applied_together(place: Place) -> None:
    raw = place.write(card(*TWINS, f"TEL;TYPE=WORK:{AMBIGUOUS}"))
    place.convert(*ALL)
    place.answer("1")
    assert run("apply", place.log).code == 0
    assert place.text == card(FOLDED, f"TEL;TYPE=WORK:{LINE}")
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_two_answers_in_one_field_are_both_made(place: Place) -> None:
    both = f"TEL;TYPE=WORK:{OLD} / {AMBIGUOUS} / 083 812 9999"
    raw = place.write(card(both))
    place.convert("--write")
    place.answer("1")
    assert run("apply", place.log).code == 0
    assert place.text == card(f"TEL;TYPE=WORK:{NEW} / {LINE} / 0283 812 9999")
    assert run("undo", place.log).code == 0
    assert place.book.read_bytes() == raw


def test_replan_takes_the_steps_and_the_day_of_the_plan(place: Place) -> None:
    place.write(card(*TWINS, uid="u"))
    place.convert(*ALL)
    place.write(card(*TWINS, name="B", uid="u"))
    assert run("apply", place.log, "--replan").code == 4
    assert run("apply", place.log).code == 0
    assert place.text == card(FOLDED, name="B", uid="u")
    assert run("undo", place.log).code == 0
    assert place.text == card(*TWINS, name="B", uid="u")


# -- cards and sources that cannot take a change ---------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        # the field with more to say stays, whichever it is
        (["TEL:0912 345 678", "TEL;PREF=1:+84912345678"], ["TEL;PREF=1:+84912345678"]),
        (["TEL;waid=84912345678:0912 345 678", "TEL;TYPE=cell:0912345678"],
         ["TEL;TYPE=CELL;waid=84912345678:0912 345 678"]),
        (["TEL;X-NOTE=a:0912 345 678", "TEL;X-NOTE=b:0912345678"], None),
        (["TEL;PREF=1:0912 345 678", "TEL;PREF=2:0912345678"], ["TEL;PREF=1:0912 345 678"]),
        # what programs keep there for themselves does not count
        (["TEL;X-EVOLUTION-UI-SLOT=1:0912 345 678", "TEL;X-EVOLUTION-UI-SLOT=2;PID=1.1:0912345678"],
         ["TEL;X-EVOLUTION-UI-SLOT=1:0912 345 678"]),
    ],
)  # fmt: skip
def test_what_a_field_says_besides_is_not_lost_when_twins_are_folded(
    place: Place, lines: list[str], left: list[str] | None
) -> None:
    place.write(card(*lines))
    place.convert("--step", "merge-twins", "--write")
    assert place.text == card(*(left or lines))


def test_what_a_card_cannot_take_is_counted_and_the_rest_is_done(place: Place) -> None:
    """The line before the second number belongs to it, so that it cannot be dropped."""
    raw = place.write(card(f"TEL;WORK:{OLD}", "LATESTDATE:1", f"TEL;HOME:{NEW}"), card(*TWINS))
    sums = totals(place.convert("--step", "merge-twins", "--write", "--json"))
    assert (sums["cards_changed"], sums["cards_skipped"]) == (2, 0)
    assert (sums["changes_not_applicable"], sums["cards_twice"]) == (2, 1)
    assert cards_of(place.log)[0].changes[0].why[-1].code == "twice"
    assert place.text == raw.decode().replace(f"WORK:{OLD}", f"WORK:{NEW}", 1).replace(
        card(*TWINS), card(f"TEL;TYPE=WORK,HOME:{NEW}")
    )


def test_a_source_that_only_sets_numbers_is_normalised_and_no_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnlyNumbers(VcardFiles):
        supports = frozenset({SetNumber})

    monkeypatch.setattr(config, "open_named", lambda location: (OnlyNumbers(location), location))
    place.write(card(*TWINS))
    sums = totals(place.convert(*ALL, "--write", "--json"))
    assert place.text == card(f"TEL;TYPE=WORK:{E164}", f"TEL;TYPE=HOME:{E164}")
    assert (sums["changes_not_applicable"], sums["cards_twice"]) == (4, 1)


def test_a_large_file_is_worked_on_side_by_side_with_steps(place: Place) -> None:
    cards = [card(*TWINS, "NOTE:" + "x" * 500, uid=str(i), name=f"A{i}") for i in range(6500)]
    raw = place.write(*cards)
    copy = place.folder / "copy.vcf"
    sums = totals(place.convert(*ALL, "-o", copy, "--json"))
    assert sums["cards_changed"] == 6500
    assert copy.read_bytes() == raw.replace("\r\n".join(TWINS).encode(), FOLDED.encode())
    assert end_of(place.log).steps["merge-twins"] == 13_000
    assert run("undo", place.log).code == 0
    assert copy.read_bytes() == raw


def test_a_log_with_steps_is_read_back_as_it_was_written(place: Place) -> None:
    place.write(card(*TWINS))
    place.convert(*ALL)
    (line,) = cards_of(place.log)
    row = next(json.loads(r) for r in place.log.read_bytes().splitlines() if b'"card"' in r)
    dropped = next(change for change in line.changes if isinstance(change, DropPhone))
    assert row["changes"][2]["labels"] == ["home"] == list(dropped.labels)
    assert row["changes"][1]["value"] == NEW
