"""Runs with steps that add, drop and relabel phones, killed at every step they take to the disk."""

import os
from pathlib import Path

import pytest
from tests.interop.test_faults import REV, SIGKILL, Child, Place, child, kills, lines

__all__ = ["child"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")

BOOK = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:A\r\nitem1.TEL;type=WORK:0168 381 2345\r\n"
    b"item1.X-ABLabel:Zalo\r\nTEL;TYPE=HOME:038 381 2345\r\nTEL:024 3825 1234\r\n"
    b"REV:20200131T070000Z\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:B\r\nTEL;WORK:0123 812 3465\r\nTEL;CELL:0838123465\r\n"
    b"TEL;FAX:04 3825 1234\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:C\r\nTEL:0912 345 678\r\nEND:VCARD\r\n"
)
NEW = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:A\r\nitem1.TEL;type=WORK,HOME,CELL:+84383812345\r\n"
    b"item1.X-ABLabel:Zalo\r\nTEL;TYPE=VOICE:+842438251234\r\nREV:now\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:B\r\nTEL;WORK;CELL:+84838123465\r\n"
    b"TEL;FAX:+842438251234\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:C\r\nTEL;TYPE=CELL:+84912345678\r\nEND:VCARD\r\n"
)
STEPS = ("--step", "merge-twins", "--step", "label-kind", "--step", "normalise")
FILES = {"book.vcf": BOOK}


def convert(place: Place) -> tuple[object, ...]:
    return ("convert", place.source, *STEPS, "--write", "--log")


def undisturbed(child: Child, folder: Path) -> list[str]:
    place = Place(folder, FILES)
    done = child(*convert(place), place.logs[0], state=place.state)
    assert done["code"] == 0, done["err"]
    assert REV.sub(b"now", place.found()["book.vcf"]) == NEW
    return done["steps"]


def test_after_a_kill_at_any_step_a_rerun_completes_and_undo_restores(
    child: Child, tmp_path: Path
) -> None:
    steps = undisturbed(child, tmp_path / "undisturbed")
    amiss: dict[str, list[str]] = {}
    for at, when in kills(steps):
        place = Place(tmp_path / f"{at}{when}", FILES)
        killed = child(*convert(place), place.logs[0], state=place.state, at=at, when=when)
        assert killed["code"] == SIGKILL
        again = child(*convert(place), place.logs[1], state=place.state)
        faults = [again["err"]] if again["code"] or "not settled" in again["err"] else []
        faults += place.differs({"book.vcf": NEW})
        statuses = {line.status for log in place.logs for line in lines(log, "OutcomeLine")}
        faults += ["a conflict with ourselves"] if "conflict" in statuses else []
        faults += place.undo(child, place.logs[1]) + place.undo(child, place.logs[0])
        faults += [f"not restored: {name}" for name in place.differs(FILES)]
        if child("convert", place.source, *STEPS, "--check", state=place.state)["code"]:
            faults.append("what was undone is proposed again")
        if faults:
            amiss[f"{when} step {at}, {steps[at - 1]}"] = [fault[:300] for fault in faults]
    assert amiss == {}


def test_after_a_kill_at_any_step_apply_completes(child: Child, tmp_path: Path) -> None:
    planned = Place(tmp_path / "planned", FILES)
    child("convert", planned.source, *STEPS, "--log", planned.logs[0], state=planned.state)
    steps = child("apply", planned.logs[0], state=planned.state)["steps"]
    amiss: dict[str, list[str]] = {}
    for at, when in kills(steps)[::3]:
        place = Place(tmp_path / f"{at}{when}", FILES)
        child("convert", place.source, *STEPS, "--log", place.logs[0], state=place.state)
        apply = ("apply", place.logs[0])
        assert child(*apply, state=place.state, at=at, when=when)["code"] == SIGKILL
        again = child(*apply, state=place.state)
        faults = [again["err"]] if again["code"] else []
        faults += place.differs({"book.vcf": NEW})
        faults += place.undo(child, place.logs[0]) + place.differs(FILES)
        if faults:
            amiss[f"{when} step {at}, {steps[at - 1]}"] = [fault[:300] for fault in faults]
    assert amiss == {}
