"""Our own writes, steps, and answers never become the reason for a conversion nobody saw."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command import run

NUMBERS = st.sampled_from(
    [
        "0168 123 4567", "04 3368 3164", "0120 765 4321",  # old
        "0815189528", "024 3825 4567", "02438254568", "0222 3825 456",  # new, of no old range
        "0382896515", "0387736197", "0569351254", "08 3812 3456", "0838123456", "0773 876 543",
        "(08) 3812 3457", "0383 456 789", "+84 382 896 516",  # both
        "+1 418 656 9254", "1900 1234", "0912 345 678", "", "x",
    ]
)  # fmt: skip
PARAMS = st.sampled_from(
    ["", ";TYPE=WORK", ";TYPE=CELL", ";TYPE=FAX", ";TYPE=HOME", ";X-ABLabel=Zalo"]
)
EXTRAS = st.sampled_from(
    [
        "REV:2015-04-02T10:00:00Z", "REV:20160101T000000Z", "REV:20180801", "REV:20240101",
        "ORG:Cty", "ADR:;;;Huế;;;Việt Nam", "ADR:;;;Nghệ An;;;Việt Nam", "ADR:;;;Paris;;;France",
        "IMPP:zalo:0382896515", "NOTE:0168 123 4567",
    ]
)  # fmt: skip
STEPS = st.sampled_from(
    [(), ("normalise",), ("normalise=national",), ("merge-twins", "normalise"), ("label-kind",),
     ("label-kind", "merge-twins", "normalise=international")]
)  # fmt: skip

VN = ("--country", "VN")  # else a book with more foreign numbers stops


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A card of up to four phones, with whatever may be evidence.

    No number stands there twice: an answer about one of two would be one about both.
    """
    numbers = draw(st.lists(NUMBERS, min_size=1, max_size=4, unique=True))
    lines = [f"TEL{draw(PARAMS)}:{number}" for number in numbers]
    lines += draw(st.lists(EXTRAS, max_size=3, unique_by=lambda line: line[:3]))
    uid = [f"UID:{draw(st.uuids())}"] if draw(st.booleans()) else []
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *uid, "FN:An", *lines, "END:VCARD", ""])


class Place:
    """A book with its state, that nothing else has ever seen."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.book, self.count = folder, folder / "book.vcf", 0

    def convert(self, steps: tuple[str, ...], *more: str) -> tuple[dict[str, int], Path]:
        """Run a conversion; return its sums and its log."""
        self.count += 1
        log = self.folder / f"{self.count}.jsonl"
        asked = [word for step in steps for word in ("--step", step)]
        done = run("convert", self.book, "--json", "--log", log, *VN, *asked, *more)
        assert done.code == 0, done.err
        (sums,) = [
            row["totals"] for row in map(json.loads, done.out.splitlines()) if "totals" in row
        ]
        return sums, log

    def answer(self, log: Path, choices: Iterator[str]) -> int:
        """Answer every question of a log, and carry the answers out; return how many there were."""
        asked = self.folder / "questions.csv"
        assert run("log", log, "--csv", asked).code == 0
        rows = list(csv.DictReader(io.StringIO(asked.read_text("utf-8-sig"), newline="")))
        for row in rows:
            row["answer"] = next(choices)
        if rows:
            with asked.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            done = run("review", log, "--answers", asked)
            assert done.code == 0, done.err
            assert run("apply", log).code == 0
        return len(rows)


@contextmanager
def fresh(book: list[str]) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DANHBA_STATE_DIR", f"{name}/state")
        place = Place(Path(name))
        place.book.write_bytes("".join(book).encode())
        yield place


BOOKS = st.lists(cards(), min_size=1, max_size=3)


@given(BOOKS, st.lists(STEPS, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_same_run_again_changes_nothing_whatever_ran_before(
    book: list[str], runs: list[tuple[str, ...]]
) -> None:
    with fresh(book) as place:
        for steps in runs:
            sums, _ = place.convert(steps, "--write")
            once = place.book.read_bytes()
            again, _ = place.convert(steps, "--write")
            assert again["cards_changed"] == 0
            assert place.book.read_bytes() == once
            assert again["numbers_ask"] <= sums["numbers_ask"]


@given(BOOKS, st.lists(STEPS, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_what_one_run_converts_is_all_that_ever_is(
    book: list[str], runs: list[tuple[str, ...]]
) -> None:
    with fresh(book) as place:
        place.convert((), "--write")
        for steps in runs:
            sums, _ = place.convert(steps, "--write")
            assert sums["numbers_convert"] == 0


@given(BOOKS, st.lists(st.sampled_from(["keep", "1"]), min_size=12, max_size=12), STEPS)
@settings(max_examples=60, deadline=None)
def test_answers_lead_to_no_conversion_that_was_not_answered(
    book: list[str], choices: list[str], steps: tuple[str, ...]
) -> None:
    with fresh(book) as place:
        _, log = place.convert(())
        answers = iter(choices * 9)
        place.answer(log, answers)
        assert run("apply", log).code == 0
        for _ in range(3):
            sums, log = place.convert(steps, "--write")
            assert sums["numbers_convert"] == 0
            if not place.answer(log, iter(["keep"] * 99)):
                break
        else:
            raise AssertionError("asked again and again")
