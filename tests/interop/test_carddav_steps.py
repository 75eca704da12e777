"""Steps on real CardDAV servers: written, read back, found unchanged by a second run, undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.dav_servers import Server

from danhba import packs, run
from danhba.convert import Context
from danhba.difflog import LogWriter
from danhba.run import Job, read_story
from danhba.state import State
from danhba.steps.pipeline import load
from danhba_syncers.carddav import CardDav, CardDavOptions

CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{uid}\r\nN:{uid};;;;\r\n"
    "TEL;TYPE=WORK:0168 381 2345\r\nTEL;TYPE=HOME:038 381 2345\r\nTEL:024 3825 1234\r\n"
    "END:VCARD\r\n"
)
AFTER = [("+84383812345", {"work", "home", "cell"}), ("+842438251234", {"voice"})]
BEFORE = [
    ("0168 381 2345", {"work"}), ("038 381 2345", {"home"}), ("024 3825 1234", set())
]  # fmt: skip


@pytest.fixture
def syncer(dav: Server, dav_password: str) -> Iterator[CardDav]:
    """The syncer of a new address book with two cards."""
    path = dav.make_book("steps")
    for name in ("an", "ba"):
        dav.put(f"{path}{name}.vcf", CARD.format(uid=name).encode())
    opened = CardDav(dav.location(path), CardDavOptions(password_env=dav_password))
    yield opened
    opened.close()


def held(syncer: CardDav) -> list[list[tuple[str, set[str]]]]:
    return [[(p.value, set(p.labels)) for p in card.phones] for card in syncer.read()]


def job(syncer: CardDav, folder: Path) -> Job:
    steps = load(["merge-twins", "label-kind", "normalise"])
    state, now = State(folder / "state"), datetime.now(UTC)
    answers = state.answers("dav")
    context = Context(packs.load("vn"), today=date(2026, 11, 22), steps=steps, answers=answers)
    return Job(syncer, "dav", context, state, now)


def test_steps_on_a_server_are_written_once_and_undone(syncer: CardDav, tmp_path: Path) -> None:
    with LogWriter(tmp_path / "log") as log:
        end, result = run.convert_in_place(job(syncer, tmp_path), log)
    assert (end.totals["cards_changed"], result.written, result.problems) == (2, 2, {})
    assert end.steps["merge-twins"] == 4
    assert held(syncer) == [AFTER, AFTER]
    with LogWriter(tmp_path / "again") as log:
        again = run.plan(job(syncer, tmp_path), log)
    assert (again.totals["cards_read"], again.totals["cards_changed"]) == (2, 0)
    with LogWriter(tmp_path / "log") as log:
        back = run.undo(job(syncer, tmp_path), log, read_story(tmp_path / "log"))
    assert back.problems == {}
    assert held(syncer) == [BEFORE, BEFORE]
    with LogWriter(tmp_path / "third") as log:
        third = run.plan(job(syncer, tmp_path), log)
    assert third.totals["cards_changed"] == 0
