"""Undo, cut off amid its work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from danhba import packs
from danhba.card import Edit, Outcome
from danhba.context import Context
from danhba.difflog import LogWriter
from danhba.job import Job
from danhba.run import convert_in_place, plan, read_story, undo
from danhba.state import State
from danhba_syncers.vcard_files import VcardFiles

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
BOOK = "".join(
    f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{i}\r\nFN:A\r\nTEL:0168 123 4567\r\nEND:VCARD\r\n"
    for i in range(1300)
).encode()


class Stopped(VcardFiles):
    """Is stopped when it has told of so many cards."""

    left = 0

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        for outcome in super().write(edits):
            yield outcome
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


@pytest.mark.parametrize("after", [1, 250, 1200])
def test_what_an_interrupted_undo_took_back_is_not_proposed_again(
    tmp_path: Path, after: int
) -> None:
    path, log = tmp_path / "book.vcf", tmp_path / "log"
    path.write_bytes(BOOK)

    def job(syncer: VcardFiles) -> Job:
        state = State(tmp_path / "state")
        source = str(path)
        context = Context(
            packs.load("vn"), today=NOW.date(), answers=state.answers(source),
            ledger=state.ledger(source),
        )  # fmt: skip
        return Job(syncer, source, context, state, NOW)

    with LogWriter(log) as writer:
        convert_in_place(job(VcardFiles(str(path))), writer)
    stopped = Stopped(str(path))
    stopped.left = after
    with LogWriter(log) as writer, pytest.raises(KeyboardInterrupt):
        undo(job(stopped), writer, read_story(log))
    with LogWriter(log) as writer:
        undo(job(VcardFiles(str(path))), writer, read_story(log))
    assert path.read_bytes() == BOOK
    with LogWriter(tmp_path / "again") as writer:
        end = plan(job(VcardFiles(str(path))), writer)
    assert (end.totals["cards_changed"], end.totals["numbers_keep"]) == (0, 1300)
