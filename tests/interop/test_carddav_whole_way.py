"""The whole way on real CardDAV servers: convert, apply, undo; what it costs; and kill -9."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.dav_proxy import proxy
from tests.dav_servers import Server

from danhba import packs, run
from danhba.card import Edit, Outcome
from danhba.convert import Context
from danhba.difflog import LogWriter
from danhba.job import Job, Result
from danhba.state import State
from danhba_syncers._vcard import content
from danhba_syncers.carddav import CardDav, CardDavOptions
from tests import dav_servers

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OLD, NEW = "0168 123 45{:02}", "038 123 45{:02}"


def card(i: int, number: str) -> bytes:
    """Make a card that Radicale re-forms: it sorts the lines and the parameters."""
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:card-{i}\r\nN:Số {i};Khách;;;\r\nFN:Khách Số {i}\r\n"
        f"TEL;TYPE=WORK,VOICE:{number}\r\nORG:Công ty\\, chi nhánh;Kho\r\n"
        f"item1.EMAIL;TYPE=pref:khach{i}@example.vn\r\nitem1.X-ABLabel:Riêng\r\n"
        f"REV:20240312T101500Z\r\nEND:VCARD\r\n"
    ).encode()


class Place:
    """A source on a server, with a state of its own."""

    def __init__(self, folder: Path, port: int, book: str) -> None:
        self.folder, self.location = folder, f"http://{dav_servers.USER}@127.0.0.1:{port}{book}"
        self.runs = 0
        self.home = packs.load("vn")

    def job(self) -> Job:
        state = State(self.folder)
        syncer = CardDav(self.location, CardDavOptions(password_env="DAV_PASSWORD"))
        context = Context(
            self.home, today=date(2026, 11, 22), answers=state.answers(syncer.source),
            ledger=state.ledger(syncer.source),
        )  # fmt: skip
        return Job(syncer, syncer.source, context, state, NOW)

    def convert(self) -> tuple[dict[str, int], Result]:
        """Do what `danhba convert --write` does."""
        job = self.job()
        for path in job.state.unfinished_logs(job.source):
            run.settle(job, path)
        while (log := self.folder / f"{self.runs}.jsonl").exists():
            self.runs += 1
        with LogWriter(log) as writer:
            end, result = run.convert_in_place(job, writer)
        job.syncer.close()  # type: ignore[attr-defined]
        job.state.close()
        return dict(end.totals), result

    @property
    def last(self) -> Path:
        return self.folder / f"{self.runs}.jsonl"


def numbers(server: Server, book: str, names: list[str]) -> list[str]:
    found = []
    for name in names:
        lines = server.get(f"{book}{name}").decode().splitlines()
        found.append(next(line.rpartition(":")[2] for line in lines if line.startswith("TEL")))
    return found


@pytest.fixture
def place(tmp_path: Path, dav: Server, dav_password: str) -> Place:
    return Place(tmp_path, dav.port, dav.make_book(f"way{tmp_path.name.replace('_', '-')[-20:]}"))


def test_convert_and_undo(dav: Server, place: Place) -> None:
    book = place.location.partition(str(dav.port))[2]
    names = [f"card-{i}.vcf" for i in range(8)]
    for i, name in enumerate(names):
        dav.put(book + name, card(i, (OLD if i % 2 else NEW).format(i)))
    before = [content(dav.get(book + name)) for name in names]

    totals, result = place.convert()
    assert (totals["cards_read"], totals["cards_changed"]) == (8, 4)
    assert (result.written, result.problems, result.stopped) == (4, {}, "")
    assert numbers(dav, book, names) == [NEW.format(i) for i in range(8)]
    assert place.convert()[0]["cards_changed"] == 0

    place.runs -= 1
    job = place.job()
    with LogWriter(place.last) as log:
        undone = run.undo(job, log, run.read_story(place.last))
    job.syncer.close()  # type: ignore[attr-defined]
    job.state.close()
    assert (undone.written, undone.problems) == (4, {})
    assert [content(dav.get(book + name)) for name in names] == before
    assert place.convert()[0]["cards_changed"] == 0


class Meddled(CardDav):
    """A source in which somebody else is quicker, once."""

    meddle: Callable[[], None]

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        self.meddle()
        self.meddle = lambda: None
        return super().write(edits)


def test_card_that_moved_and_needs_nothing_any_more_is_settled(dav: Server, place: Place) -> None:
    book = place.location.partition(str(dav.port))[2]
    names = [f"card-{i}.vcf" for i in range(3)]
    for i, name in enumerate(names):
        dav.put(book + name, card(i, OLD.format(i)))
    job = place.job()
    job.syncer = syncer = Meddled(place.location, CardDavOptions(password_env="DAV_PASSWORD"))
    syncer.meddle = lambda: dav.put(book + names[1], card(1, NEW.format(1)))
    with LogWriter(place.last) as log:
        _, result = run.convert_in_place(job, log)
    syncer.close()
    assert (result.written, result.problems) == (2, {})
    assert numbers(dav, book, names) == [NEW.format(i) for i in range(3)]


# -- what it costs -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Radicale with 2,000 cards, 600 of them with an old number."""
    pytest.importorskip("radicale")
    with dav_servers.radicale(tmp_path_factory.mktemp("large")) as server:
        cards = [card(i, (OLD if i % 10 < 3 else NEW).format(i % 100)) for i in range(2000)]
        server.send("PUT", server.book, b"".join(cards), Content_Type="text/vcard; charset=utf-8")
        yield server


def test_requests_of_a_large_book(large: Server, tmp_path: Path, dav_password: str) -> None:
    """2,000 cards, 600 to change: 6 + 20 to read at most, 600 + 6 + 1 to write, 2 for nothing."""
    with proxy(large.port) as counted:
        place = Place(tmp_path, counted.port, "/")
        totals, result = place.convert()
        assert (totals["cards_read"], result.written, result.problems) == (2000, 600, {})
        asked = counted.take()
        assert asked["PUT"] == 601  # the first card goes out twice, to try the server out
        assert asked["PROPFIND"] + asked["REPORT"] <= 6 + 20 + 6
        assert set(asked) == {"PROPFIND", "REPORT", "PUT"}

        totals, result = place.convert()
        assert (totals["cards_read"], totals["cards_changed"]) == (2000, 0)
        assert sum(counted.take().values()) <= 2


# -- kill -9 -------------------------------------------------------------------------------------

NURSERY = """
import json, os, sys
from pathlib import Path
from tests.interop.test_carddav_whole_way import Place
for line in sys.stdin:
    folder, port, book = json.loads(line)
    child = os.fork()
    if not child:
        totals, result = Place(Path(folder), port, book).convert()
        print("problems", len(result.problems), result.stopped, flush=True)
        os._exit(0)
    print("started", child, flush=True)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Forks a process for each run, so that danhba is loaded once."""


class Nursery:
    """Runs in processes of their own."""

    def __init__(self) -> None:
        words = [sys.executable, "-c", NURSERY]
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(
            words, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, folder: Path, port: int, book: str) -> int:
        """Start a run; return its process id."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([str(folder), port, book]) + "\n")
        self.process.stdin.flush()
        return int(self._line()[1])

    def ended(self) -> list[list[str]]:
        """Wait until the run ends; return what it said, its exit code last."""
        said = [self._line()]
        while said[-1][0] != "ended":
            said.append(self._line())
        return said

    def _line(self) -> list[str]:
        assert self.process.stdout
        return self.process.stdout.readline().split()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAV_PASSWORD", dav_servers.PASSWORD)
        made = Nursery()
    yield made
    made.process.communicate()


@pytest.mark.parametrize("seed", range(30))
def test_a_run_that_is_killed_is_finished_by_the_next(
    large: Server, tmp_path: Path, nursery: Nursery, seed: int
) -> None:
    dice = random.Random(seed)
    book = large.make_book(f"kill{seed}")
    names = [f"card-{i}.vcf" for i in range(12)]
    cards = [card(i, OLD.format(i)) for i in range(12)]
    large.send("PUT", book, b"".join(cards), Content_Type="text/vcard; charset=utf-8")
    refs = hrefs(large, book)
    with proxy(large.port) as counted:
        kill_at, after = dice.randrange(1, 22), dice.random() < 0.5
        child: list[int] = []

        def strike(number: int, *, done: bool) -> None:
            if number == kill_at and done == after and child:
                os.kill(child[0], signal.SIGKILL)

        counted.watch = strike
        child.append(nursery.start(tmp_path, counted.port, book))
        nursery.ended()
        counted.watch = None
        nursery.start(tmp_path, counted.port, book)
        assert nursery.ended() == [["problems", "0"], ["ended", "0"]]
    assert hrefs(large, book) == refs
    found = Counter(
        next(x.rpartition(":")[2] for x in large.get(ref).decode().splitlines() if "TEL" in x)
        for ref in refs
    )
    assert found == Counter(NEW.format(i) for i in range(len(names)))


def hrefs(server: Server, book: str) -> list[str]:
    """List the cards of a book as the server has it."""
    body = b'<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
    answer = server.send("PROPFIND", book, body, Depth="1", Content_Type="text/xml")[1].decode()
    found = [part.partition("</")[0] for part in answer.split("href>")[1:]]
    return sorted(href for href in found if href.endswith(".vcf"))
