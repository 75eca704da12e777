"""Sources that are far away: canary, read-back, budget, sync tokens; on a server in memory."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from danhba import packs, run
from danhba.card import Card, Edit, Missing, Outcome
from danhba.convert import Context
from danhba.difflog import LogWriter
from danhba.job import Budget, Held, Job, Result
from danhba.state import State
from danhba.syncer import Finding
from danhba_syncers.memory import MemorySyncer

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OLD, NEW = "0168 123 4567", "038 123 4567"
LANDLINE = "083 812 3456"
"""VinaPhone mobile today, or an old line of Ho Chi Minh City."""


class Server(MemorySyncer):
    """A server in memory that counts calls and can misbehave.

    Attributes:
        calls: What was asked of it: `read`, `fetch N`, `put REF`, `changes`.
        loses: Name of a card that is stored without its second phone; `*` for every card.
        loses_always: Whether it loses so when the card is put back, too.
        honours: Whether it refuses a write to a card that moved.
        in_between: What somebody else makes of a card right before it is written, by ref.
        vanishes: Ref of a card that is deleted right before it is written.
    """

    writes_remotely = True
    batch = 3
    server = "memory"

    def __init__(self, *numbers: str) -> None:
        super().__init__("server")
        self.calls: list[str] = []
        self.loses, self.loses_always, self.honours = "", False, True
        self.moved: list[str] = []
        self.valid = True
        self.in_between: Mapping[str, bytes] = {}
        self.sure = True
        self.vanishes = ""
        for i, number in enumerate(numbers):
            self.put(str(i), card(number, "0912 345 678"))
        self.calls.clear()
        self.moved.clear()

    def put(self, ref: str, raw: bytes) -> None:
        self.calls.append(f"put {ref}")
        self.moved.append(ref)
        super().put(ref, raw)

    def read(self) -> Iterator[Card]:
        self.calls.append("read")
        self.seen_until = len(self.moved)
        return super().read()

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        asked = list(refs)
        self.calls.append(f"fetch {len(asked)}")
        return super().fetch(reversed(asked))

    def token(self) -> str:
        return str(self.seen_until)

    def changes_since(
        self, token: str, known: Mapping[str, str]
    ) -> Iterator[Card | Missing] | None:
        if not self.valid:
            return None
        self.calls.append("changes")
        moved = list(dict.fromkeys(self.moved[int(token) :]))
        self.seen_until = len(self.moved)
        return super().fetch(
            ref for ref in moved if known.get(ref) != str(self.stamps.get(ref, "gone"))
        )

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        for edit in edits:
            ref = edit.card.ref
            if ref in self.in_between:
                self.in_between = dict(self.in_between)
                MemorySyncer.put(self, ref, self.in_between.pop(ref))
                self.moved.append(ref)
            if self.vanishes == ref:
                del self.cards[ref], self.stamps[ref]
            if self.honours and str(self.stamps.get(ref)) != edit.card.version:
                yield Outcome(ref, "conflict", detail="moved")
                continue
            content = msgspec.json.decode(edit.raw)
            if self.loses in (ref, "*"):
                del content["phones"][1]
                self.loses = self.loses if self.loses_always else ""
            content["of the server"] = True
            self.put(ref, msgspec.json.encode(content))
            yield Outcome(ref, "written", str(self.stamps[ref]))

    def compare(self, sent: bytes, found: bytes) -> object:  # type: ignore[override]
        return super().compare(own(sent), own(found))

    def probe(self) -> Iterator[Finding]:
        yield Finding("if-match", "honoured", "If-Match is honoured")

    def knows(self, findings: Mapping[str, str]) -> None:
        self.sure = findings.get("if-match") == "honoured"

    def conditional(self) -> bool:
        return self.sure


def card(*numbers: str) -> bytes:
    phones = [{"value": number, "labels": []} for number in numbers]
    return msgspec.json.encode({"name": "An", "phones": phones})


def own(raw: bytes) -> bytes:
    """Take away what the server adds to a card."""
    content = msgspec.json.decode(raw)
    content.pop("of the server", None)
    return msgspec.json.encode(content)


def numbers(server: Server) -> list[str]:
    return [msgspec.json.decode(raw)["phones"][0]["value"] for raw in server.cards.values()]


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, 0
        self.home = packs.load("vn")

    def job(self, server: Server, **more: object) -> Job:
        state = State(self.folder)
        context = Context(
            self.home, today=date(2026, 11, 22), answers=state.answers(server.source),
            ledger=state.ledger(server.source),
        )  # fmt: skip
        return Job(server, server.source, context, state, NOW, **more)  # type: ignore[arg-type]

    def log(self) -> LogWriter:
        self.runs += 1
        return LogWriter(self.folder / f"{self.runs}.jsonl")

    def plan(self, server: Server) -> dict[str, int]:
        server.calls.clear()
        with self.log() as log:
            return dict(run.plan(self.job(server), log).totals)

    def write(self, server: Server, **more: object) -> Result:
        server.calls.clear()
        with self.log() as log:
            return run.convert_in_place(self.job(server, **more), log)[1]

    def apply(self, server: Server) -> Result:
        server.calls.clear()
        with LogWriter(self.last) as log:
            return run.apply(self.job(server), log, run.read_story(self.last))

    def undo(self, server: Server) -> Result:
        with LogWriter(self.last) as log:
            return run.undo(self.job(server), log, run.read_story(self.last))

    @property
    def last(self) -> Path:
        return self.folder / f"{self.runs}.jsonl"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_first_cards_are_read_back_before_the_others_go_out(place: Place) -> None:
    server = Server(*[OLD] * 7)
    result = place.write(server)
    assert (result.written, result.problems) == (7, {})
    assert server.calls == [
        "read", "put 0", "put 1", "put 2", "fetch 3", "put 3", "put 4", "put 5", "fetch 3", "put 6",
        "fetch 1",
    ]  # fmt: skip


def test_a_card_that_loses_something_is_put_back_and_the_run_stops(place: Place) -> None:
    server = Server(*[OLD] * 9)
    server.loses = "1"
    result = place.write(server)
    assert numbers(server) == [NEW, OLD, NEW, *[OLD] * 6]
    assert all(len(msgspec.json.decode(raw)["phones"]) == 2 for raw in server.cards.values())
    assert result.written == 2
    assert "put back" in result.problems["1"].detail
    assert "does not keep cards" in result.stopped


def test_what_is_lost_even_when_put_back_is_said_and_kept_in_the_log(place: Place) -> None:
    server = Server(*[OLD] * 5)
    server.loses, server.loses_always = "*", True
    result = place.write(server)
    assert result.written == 0
    assert numbers(server)[3:] == [OLD, OLD]
    assert "--originals" in result.problems["0"].detail
    entry = run.read_story(place.last).entries["0"]
    assert entry.line.original


def test_cards_behind_a_stop_are_written_by_the_next_run(place: Place) -> None:
    server = Server(*[OLD] * 9)
    server.loses = "1"
    place.write(server)
    assert place.write(server).written == 7
    assert numbers(server) == [NEW] * 9


def test_a_card_that_somebody_changes_right_behind_us_is_not_overwritten(place: Place) -> None:
    class Busy(Server):
        def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
            if "0" in (asked := list(refs)):
                MemorySyncer.put(self, "0", card("0900 000 000"))
            return super().fetch(asked)

    server = Busy(*[OLD] * 4)
    result = place.write(server)
    assert numbers(server) == ["0900 000 000", NEW, NEW, NEW]
    assert list(result.problems) == ["0"]
    assert not result.stopped


def test_card_that_moved_meanwhile_is_converted_again(place: Place) -> None:
    server = Server(*[OLD] * 4)
    server.in_between = {"2": card("0169 765 4321", "new")}
    result = place.write(server)
    assert (result.written, result.problems) == (4, {})
    assert numbers(server) == [NEW, NEW, "039 765 4321", NEW]


def test_card_that_moved_and_needs_nothing_any_more_is_settled(place: Place) -> None:
    server = Server(*[OLD] * 4)
    server.in_between = {"2": card(NEW, "somebody was quicker")}
    result = place.write(server)
    assert (result.written, result.problems) == (3, {})
    assert numbers(server) == [NEW] * 4
    assert place.apply(server).problems == {}
    assert server.calls == []
    assert place.undo(server).written == 3
    assert numbers(server) == [OLD, OLD, NEW, OLD]


def test_card_that_moved_and_is_to_be_asked_about_now_is_settled(place: Place) -> None:
    server = Server(*[OLD] * 4)
    server.in_between = {"2": card("+84 83 812 3456", "08 3812 3456")}
    result = place.write(server)
    assert (result.written, result.problems) == (3, {})
    story = run.read_story(place.last)
    assert [ref for ref, entry in story.entries.items() if entry.line.questions] == ["2"]


def test_card_that_moved_and_is_gone_is_listed(place: Place) -> None:
    server = Server(*[OLD] * 4)
    server.in_between = {"2": card("0169 765 4321")}
    server.vanishes = "2"
    result = place.write(server)
    assert (result.written, list(result.problems)) == (3, ["2"])


def test_server_that_may_ignore_conditions_is_read_before_it_is_written(place: Place) -> None:
    server = Server(*[OLD] * 5)
    server.sure = server.honours = False
    place.write(server)
    assert server.calls == [
        "read", "put 4", "fetch 3", "put 2", "put 1", "fetch 3", "put 0", "fetch 1", "put 3",
        "fetch 2",
    ]  # fmt: skip


def test_nothing_is_written_when_too_many_cards_would_change(place: Place) -> None:
    server = Server(*[OLD] * 5, *["0912 111 222"] * 5)
    result = place.write(server, budget=Budget(40, percent=True))
    assert "5 of 10" in result.stopped
    assert place.write(server, budget=Budget(4)).stopped
    assert OLD in numbers(server)
    assert place.write(server, budget=Budget(50, percent=True)).written == 5


def test_a_run_with_nothing_to_do_reads_no_card_and_knows_the_whole_book(place: Place) -> None:
    server = Server(OLD, "0912 111 222", LANDLINE)
    place.write(server)
    totals = place.plan(server)
    assert server.calls == ["changes"]
    assert totals["cards_read"] == 3
    assert totals["numbers_read"] == 6
    assert totals["numbers_ambiguous"] == 1


def test_dry_run_makes_no_later_write_miss_a_card(place: Place) -> None:
    server = Server(OLD, "0912 111 222", OLD)
    assert place.plan(server)["cards_changed"] == 2
    assert place.plan(server)["cards_changed"] == 2
    assert server.calls == ["changes", "fetch 2"]
    assert place.write(server).written == 2
    assert server.calls == ["changes", "fetch 2", "put 2", "put 0", "fetch 2"]


def test_cards_changed_added_and_gone_are_counted(place: Place) -> None:
    server = Server(OLD, "0912 111 222", "0912 111 333")
    place.plan(server)
    server.put("1", card(OLD))
    server.put("new", card(OLD))
    del server.cards["2"], server.stamps["2"]
    server.moved.append("2")
    totals = place.plan(server)
    assert (totals["cards_read"], totals["cards_changed"]) == (3, 3)
    assert server.calls == ["changes", "fetch 1"]


def test_invalid_token_means_reading_everything_and_deletes_nothing(place: Place) -> None:
    server = Server(OLD, "0912 111 222")
    place.plan(server)
    server.valid = False
    assert place.plan(server)["cards_read"] == 2
    assert server.calls == ["read"]


def test_another_pack_means_reading_everything(place: Place) -> None:
    server = Server(OLD)
    place.plan(server)
    place.home = msgspec.structs.replace(place.home, sha256="another")
    place.plan(server)
    assert server.calls == ["read"]


def test_undo_is_read_back_too(place: Place) -> None:
    server = Server(*[OLD] * 4)
    before = dict(server.cards)
    place.write(server)
    path = place.last
    server.calls.clear()
    with LogWriter(path) as log:
        result = run.undo(place.job(server), log, run.read_story(path))
    assert result.written == 4
    assert "fetch 3" in server.calls
    assert {ref: own(raw) for ref, raw in server.cards.items()} == before
    assert place.plan(server)["cards_changed"] == 0


def test_held_cards_are_bounded() -> None:
    held = Held(octets=10)
    cards = [Card(str(i), b"x" * 4, ()) for i in range(3)]
    for one in cards:
        held.keep(one)
    assert held.last() == "1"
    assert held.take("2") is None
    assert held.take("0") == cards[0]
    held.keep(cards[2])
    assert held.last() == "2"
