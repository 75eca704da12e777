"""What a crash, a full disk or somebody else's write leaves behind: nothing lost, all resumable.

Processes are really killed (`tests/interop/killed.py`), at every step they take to the disk.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.command import run

from danhba.difflog import read_log
from danhba.errors import SyncerError
from danhba.state import State
from danhba_syncers._replace import fingerprint, replacing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")

KILLED = Path(__file__).with_name("killed.py")
SIGKILL = -9
REV = re.compile(rb"(?<=REV:)20\d{6}T\d{6}Z(?=\r)")
NUMBER = re.compile(rb"TEL:0168")


class Child:
    """The process that runs danhba, forking for each run."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(
        self, *argv: object, state: Path, at: int = 0, when: str = "", **more: object
    ) -> Any:
        job = {"argv": [*map(str, argv)], "state": str(state), "at": at, "when": when, **more}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    command = [sys.executable, str(KILLED)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Child(process)
        assert process.stdin
        process.stdin.close()


def card(number: int, more: str = "") -> bytes:
    lines = f"FN:A {number}\r\n{more}TEL:0168 123 {number:04}\r\n"
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\n{lines}END:VCARD\r\n".encode()


SINGLE = {
    "book.vcf": card(1, "REV:20180131T070000Z\r\n") + card(2, "UID:two\r\n") + card(2) + card(2)
}
FOLDER = {
    "a.vcf": card(1) + card(2, "UID:two\r\n"),
    "b.vcf": card(3, "REV:20180131T070000Z\r\n"),
    "c.vcf": b"BEGIN:VCARD\nVERSION:3.0\nFN:B\nTEL:0912 345 678\nEND:VCARD\n",
    "d.vcf": card(4, "UID:four\r\n"),
}


def as_new(raw: bytes) -> bytes:
    """Convert a book of this file in the simplest way; leave the time out."""
    return REV.sub(b"now", NUMBER.sub(b"TEL:038", raw))


class Place:
    """A folder with a source, its logs and its state."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.files, self.state, self.books = files, folder / "state", folder / "books"
        self.books.mkdir(parents=True)
        for name, raw in files.items():
            (self.books / name).write_bytes(raw)
        self.source = self.books if len(files) > 1 else self.books / next(iter(files))
        self.logs = [folder / "first.jsonl", folder / "second.jsonl"]

    def found(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.books.iterdir())}

    def undo(self, child: Child, log: Path) -> list[str]:
        """Undo a log, unless it has no line yet; say what is amiss."""
        if not log.exists() or b"\n" not in log.read_bytes():
            return []
        done = child("undo", log, state=self.state)
        return [f"undo of {log.stem}: {done['err']}"] if done["code"] else []

    def differs(self, expected: dict[str, bytes]) -> list[str]:
        """Name the files that are not as expected, the time of REV left out where it is `now`."""
        found = self.found()
        names = sorted({*found, *expected})
        return [name for name in names if not same(found.get(name), expected.get(name))]


def same(found: bytes | None, expected: bytes | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return found == expected or REV.sub(b"now", found) == expected


def steps_of(child: Child, place: Place) -> list[str]:
    """Return the steps of a run that nothing disturbs."""
    done = child("convert", place.source, "--write", "--log", place.logs[0], state=place.state)
    assert done["code"] == 0, done["err"]
    assert {name: REV.sub(b"now", raw) for name, raw in place.found().items()} == {
        name: as_new(raw) for name, raw in place.files.items()
    }
    return done["steps"]


def kills(steps: list[str]) -> list[tuple[int, str]]:
    """Return every way to be killed: before each step, amid each write, and at the end."""
    before = [(at, "before") for at in range(1, len(steps) + 1)]
    torn = [(at, "torn") for at, name in enumerate(steps, 1) if name == "write"]
    return [*before, *torn, (len(steps), "after")]


@pytest.mark.parametrize("files", [SINGLE, FOLDER], ids=["file", "folder"])
class TestKill:
    def test_after_a_kill_at_any_step_a_rerun_completes_and_undo_restores(
        self, child: Child, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        steps = steps_of(child, Place(tmp_path / "undisturbed", files))
        assert {"write", "fsync", "replace", "sqlite"} <= set(steps)
        new = {name: as_new(raw) for name, raw in files.items()}
        amiss: dict[str, list[str]] = {}
        for at, when in kills(steps):
            place = Place(tmp_path / f"{at}{when}", files)
            argv = ("convert", place.source, "--write", "--log")
            killed = child(*argv, place.logs[0], state=place.state, at=at, when=when)
            assert killed["code"] == SIGKILL
            faults = torn_files(place)
            again = child(*argv, place.logs[1], state=place.state)
            if again["code"] or "not settled" in again["err"]:
                faults.append(f"rerun: {again['code']} {again['err']}")
            faults += [f"after the rerun: {name}" for name in place.differs(new)]
            statuses = {line.status for log in place.logs for line in lines(log, "OutcomeLine")}
            faults += ["a conflict with ourselves"] if "conflict" in statuses else []
            faults += place.undo(child, place.logs[1]) + place.undo(child, place.logs[0])
            faults += [f"not restored: {name}" for name in place.differs(files)]
            if faults:
                amiss[f"{when} step {at}, {steps[at - 1]}"] = [fault[:150] for fault in faults]
        assert amiss == {}

    def test_after_a_kill_at_any_step_undo_alone_restores(
        self, child: Child, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        steps = steps_of(child, Place(tmp_path / "undisturbed", files))
        amiss: dict[str, list[str]] = {}
        for at, when in kills(steps):
            place = Place(tmp_path / f"{at}{when}", files)
            argv = ("convert", place.source, "--write", "--log", place.logs[0])
            assert child(*argv, state=place.state, at=at, when=when)["code"] == SIGKILL
            faults = place.undo(child, place.logs[0])
            left = [name for name in place.differs(files) if name in files]
            faults += [f"not restored: {name}" for name in left]
            if faults:
                amiss[f"{when} step {at}, {steps[at - 1]}"] = [fault[:150] for fault in faults]
        assert amiss == {}

    def test_undo_killed_at_any_step_can_be_run_again(
        self, child: Child, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        first = Place(tmp_path / "undisturbed", files)
        steps_of(child, first)
        steps = child("undo", first.logs[0], state=first.state)["steps"]
        amiss: dict[str, list[str]] = {}
        for at, when in kills(steps):
            place = Place(tmp_path / f"{at}{when}", files)
            steps_of(child, place)
            killed = child("undo", place.logs[0], state=place.state, at=at, when=when)
            assert killed["code"] == SIGKILL
            faults = torn_files(place) + place.undo(child, place.logs[0])
            faults += [f"not restored: {name}" for name in place.differs(files)]
            if child("convert", place.source, "--check", state=place.state)["code"]:
                faults.append("what was undone is proposed again")
            if faults:
                amiss[f"{when} step {at}, {steps[at - 1]}"] = [fault[:150] for fault in faults]
        assert amiss == {}

    def test_what_somebody_else_writes_at_any_step_is_not_lost(
        self, child: Child, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        """Only between the last look at a file and its rename nothing can be seen."""
        steps = steps_of(child, Place(tmp_path / "undisturbed", files))
        name = next(iter(files))
        theirs = card(7, "NOTE:theirs\r\n") + files[name]
        for at, step in enumerate(steps, 1):
            if step == "replace":
                continue
            place = Place(tmp_path / str(at), files)
            book = place.books / name
            meddle = {"path": str(book), "content": theirs.hex()}
            argv = ("convert", place.source, "--write", "--log", place.logs[0])
            done = child(*argv, state=place.state, at=at, when="meddle", **meddle)
            here = f"step {at}, {step}: {done['err']}"
            assert done["code"] in (0, 4), here
            raw = REV.sub(b"now", book.read_bytes())
            mixed = NUMBER.sub(b"TEL:038", theirs).replace(
                b"TEL:038 123 0007", b"TEL:0168 123 0007"
            )
            assert raw in (REV.sub(b"now", theirs), as_new(theirs), REV.sub(b"now", mixed)), here
            assert set(place.found()) == set(files), here


def torn_files(place: Place) -> list[str]:
    """Name the files that are neither the old ones nor the new ones."""
    new = {name: as_new(raw) for name, raw in place.files.items()}
    both = set(place.differs(place.files)) & set(place.differs(new)) & set(place.files)
    return [f"neither old nor new: {name}" for name in sorted(both)]


def lines(log: Path, kind: str) -> list[Any]:
    if not log.exists() or not log.stat().st_size:
        return []
    return [line for line in read_log(log) if type(line).__name__ == kind]


def test_a_kill_amid_many_batches_is_resumed(child: Child, tmp_path: Path) -> None:
    files = {"book.vcf": b"".join(card(number, f"UID:{number}\r\n") for number in range(1200))}
    steps = steps_of(child, Place(tmp_path / "undisturbed", files))
    for at in [at for at, name in enumerate(steps, 1) if name in ("replace", "fsync")]:
        place = Place(tmp_path / str(at), files)
        argv = ("convert", place.source, "--write", "--log")
        assert (
            child(*argv, place.logs[0], state=place.state, at=at, when="before")["code"] == SIGKILL
        )
        again = child(*argv, place.logs[1], state=place.state)
        assert again["code"] == 0, again["err"][:500]
        assert place.found() == {"book.vcf": as_new(files["book.vcf"])}
        faults = place.undo(child, place.logs[1]) + place.undo(child, place.logs[0])
        assert [fault[:300] for fault in faults] == []
        assert place.found() == files


def test_undo_of_many_changes_in_one_file_is_no_conflict_with_itself(
    child: Child, tmp_path: Path
) -> None:
    files = {"book.vcf": b"".join(card(number, f"UID:{number}\r\n") for number in range(1200))}
    place = Place(tmp_path, files)
    steps_of(child, place)
    assert [fault[:300] for fault in place.undo(child, place.logs[0])] == []
    assert place.found() == files


def test_many_twins_without_uid_are_all_written(child: Child, tmp_path: Path) -> None:
    """They are told apart by their order, which must not shift while they are written."""
    place = Place(tmp_path, {"book.vcf": card(1) * 1200})
    done = child("convert", place.source, "--write", "--log", place.logs[0], state=place.state)
    assert (done["code"], done["err"][:300]) == (0, f"log: {place.logs[0]}\n")
    assert place.found() == {"book.vcf": as_new(place.files["book.vcf"])}
    assert [fault[:300] for fault in place.undo(child, place.logs[0])] == []
    assert place.found() == place.files


def test_many_changes_in_one_file_are_no_conflict_with_ourselves(
    child: Child, tmp_path: Path
) -> None:
    files = {"book.vcf": b"".join(card(number, f"UID:{number}\r\n") for number in range(8500))}
    place = Place(tmp_path, files)
    done = child("convert", place.source, "--write", "--log", place.logs[0], state=place.state)
    assert (done["code"], done["err"][:300]) == (0, f"log: {place.logs[0]}\n")
    assert place.found() == {"book.vcf": as_new(files["book.vcf"])}
    assert {line.status for line in lines(place.logs[0], "OutcomeLine")} == {"written"}


# -- no room, no permission ------------------------------------------------------------------------


def test_a_full_disk_leaves_the_file_as_it_was(child: Child, tmp_path: Path) -> None:
    note = "NOTE:" + "x" * 3_000_000 + "\r\n"
    place = Place(tmp_path, {"book.vcf": card(1, note)})
    argv = ("convert", place.source, "--write", "--log")
    done = child(*argv, place.logs[0], state=place.state, largest=1_000_000)
    assert done["code"] == 4, done["err"]
    assert "book.vcf: not written, left as it was" in done["err"]
    assert place.found() == place.files
    again = child(*argv, place.logs[1], state=place.state)
    assert again["code"] == 0, again["err"]
    assert place.found() == {"book.vcf": as_new(place.files["book.vcf"])}


def test_a_log_that_cannot_be_written_stops_the_run_before_the_source(
    child: Child, tmp_path: Path
) -> None:
    place = Place(tmp_path, {"book.vcf": b"".join(map(card, range(3000)))})
    done = child(
        "convert",
        place.source,
        "--write",
        "--log",
        place.logs[0],
        state=place.state,
        largest=200_000,
    )
    assert done["code"] == 1
    assert f"{place.logs[0]}: cannot be written" in done["err"]
    assert place.found() == place.files
    again = child("convert", place.source, "--write", "--log", place.logs[1], state=place.state)
    assert again["code"] == 0, again["err"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_device_stops_the_run_before_the_source(
    child: Child, tmp_path: Path
) -> None:
    place = Place(tmp_path, SINGLE)
    done = child("convert", place.source, "--write", "--log", "/dev/full", state=place.state)
    assert done["code"] == 1, done["err"]
    assert done["err"].startswith("danhba: /dev/full")
    assert place.found() == place.files


def test_a_folder_without_permission_is_reported_and_left(tmp_path: Path, state_dir: Path) -> None:
    """Root may write anywhere but in a folder that is marked immutable."""
    place = Place(tmp_path / "place", SINGLE)
    if os.getuid() == 0:
        if shutil.which("chattr") is None or _chattr("+i", place.books):
            pytest.skip("root, and no folder can be marked immutable here")
    else:
        place.books.chmod(0o555)
    try:
        done = run("convert", place.source, "--write")
    finally:
        place.books.chmod(0o755) if os.getuid() else _chattr("-i", place.books)
    assert done.code == 4, done.err
    assert f"{place.books}: cannot write here" in done.err
    assert place.source.read_bytes() == SINGLE["book.vcf"]


def _chattr(flag: str, folder: Path) -> int:
    return subprocess.run(["chattr", flag, folder], capture_output=True, check=False).returncode


# -- somebody else ---------------------------------------------------------------------------------


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    with State(state_dir).locked(os.path.realpath(place.source)):
        done = run("convert", place.source, "--write")
        assert done.code == 1
        assert "another run of danhba is working on it" in done.err
        assert place.found() == place.files
    assert run("convert", place.source, "--write").code == 0


def test_two_writers_of_one_file_never_mix(tmp_path: Path) -> None:
    """A run over a folder and one over a file in it hold different locks."""
    book = tmp_path / "book.vcf"
    book.write_bytes(b"old")
    first, second = replacing(book, fingerprint(book)), replacing(book, fingerprint(book))
    first.__enter__().write(b"the first, whole")
    with contextlib.suppress(SyncerError):  # to refuse one of them is as good as to keep them apart
        second.__enter__().write(b"the sec")
    with contextlib.suppress(SyncerError):
        first.__exit__(None, None, None)
    assert book.read_bytes() in (b"old", b"the first, whole")
    was = book.read_bytes()
    with contextlib.suppress(SyncerError):
        second.__exit__(None, None, None)
    assert book.read_bytes() in (was, b"the sec" if was == b"old" else was)
    assert [path.name for path in tmp_path.iterdir()] == ["book.vcf"]


def test_a_file_that_was_removed_meanwhile_is_reported(child: Child, tmp_path: Path) -> None:
    place = Place(tmp_path, FOLDER)
    log = place.logs[0]
    assert child("convert", place.source, "--log", log, state=place.state)["code"] == 0
    (place.books / "b.vcf").unlink()
    done = child("apply", log, state=place.state)
    assert done["code"] == 4
    assert "b.vcf" in done["err"]
    assert "stale" in done["err"]
    assert "b.vcf" not in place.found()
    assert as_new(FOLDER["a.vcf"]) == place.found()["a.vcf"]


# -- the log ---------------------------------------------------------------------------------------


def test_a_damaged_line_amid_the_log_is_named_and_nothing_is_touched(
    tmp_path: Path, state_dir: Path
) -> None:
    place = Place(tmp_path / "place", SINGLE)
    log = place.logs[0]
    assert run("convert", place.source, "--write", "--log", log).code == 0
    before = place.found()
    rows = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*rows[:2], rows[2][:40] + b"\n", *rows[3:]]))
    done = run("undo", log)
    assert done.code == 1
    assert f"{log}:3: damaged line" in done.err
    assert place.found() == before


@pytest.mark.parametrize("cut", [1, 20])
def test_a_cut_off_last_line_of_the_log_is_repaired(
    cut: int, tmp_path: Path, state_dir: Path
) -> None:
    place = Place(tmp_path / "place", SINGLE)
    log = place.logs[0]
    assert run("convert", place.source, "--write", "--log", log).code == 0
    log.write_bytes(log.read_bytes()[:-cut])
    done = run("undo", log)
    assert done.code == 0, done.err
    assert place.found() == place.files


def test_a_log_cut_off_anywhere_never_harms_the_source(tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    log = place.logs[0]
    assert run("convert", place.source, "--write", "--log", log).code == 0
    whole, new = log.read_bytes(), place.found()["book.vcf"]
    for size in range(0, len(whole), 97):
        (place.books / "book.vcf").write_bytes(new)
        log.write_bytes(whole[:size])
        done = run("undo", log)
        assert done.code in (0, 1, 4), size
        cards = re.split(rb"(?=BEGIN)", place.found()["book.vcf"])
        known = re.split(rb"(?=BEGIN)", new) + re.split(rb"(?=BEGIN)", SINGLE["book.vcf"])
        assert set(cards) <= set(known), size


def test_a_log_of_a_later_danhba_is_refused(tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    log = place.logs[0]
    assert run("convert", place.source, "--write", "--log", log).code == 0
    log.write_bytes(
        log.read_bytes().replace(b'"section":"convert"', b'"schema":9,"section":"convert"', 1)
    )
    before = place.found()
    done = run("undo", log)
    assert (done.code, "later danhba" in done.err) == (1, True)
    assert place.found() == before


# -- what a file is besides its bytes --------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_the_mode_of_a_file_is_kept(mode: int, tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    place.source.chmod(mode)
    assert run("convert", place.source, "--write").code == 0
    assert place.source.stat().st_mode & 0o777 == mode


def test_a_symlink_stays_and_its_target_is_changed(tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    link = tmp_path / "link.vcf"
    link.symlink_to(place.source)
    assert run("convert", link, "--write").code == 0
    assert link.is_symlink()
    assert REV.sub(b"now", place.source.read_bytes()) == as_new(SINGLE["book.vcf"])
    assert sorted(path.name for path in tmp_path.glob("*.vcf")) == ["link.vcf"]


def test_a_link_and_its_target_are_one_source(tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    link = tmp_path / "link.vcf"
    link.symlink_to(place.source)
    with State(state_dir).locked(os.path.realpath(place.source)):
        assert run("convert", link, "--write").code == 1


def test_a_file_with_a_long_name_can_be_changed(tmp_path: Path, state_dir: Path) -> None:
    """255 bytes are the most that most file systems allow; the temporary file needs a name too."""
    book = tmp_path / ("\N{BIRTHDAY CAKE}" * 62 + ".vcf")
    book.write_bytes(SINGLE["book.vcf"])
    done = run("convert", book, "--write")
    assert done.code == 0, done.err
    assert REV.sub(b"now", book.read_bytes()) == as_new(SINGLE["book.vcf"])


def test_logs_and_state_are_for_their_owner_only(tmp_path: Path, state_dir: Path) -> None:
    place = Place(tmp_path / "place", SINGLE)
    mask = os.umask(0o000)
    try:
        assert run("convert", place.source, "--write").code == 0
    finally:
        os.umask(mask)
    found = [state_dir, *state_dir.rglob("*")]
    assert len(list(state_dir.glob("logs/*.jsonl"))) == 1
    wrong = [
        f"{path.relative_to(state_dir)} {path.stat().st_mode & 0o777:o}"
        for path in found
        if path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    ]
    assert wrong == []
