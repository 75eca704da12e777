"""A CardDAV server that misbehaves: no card is lost, doubled or taken for another."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.hostile_dav import (
    BOOK,
    PASSWORD,
    Hostile,
    changed,
    cut,
    drip,
    hostile,
    late,
    reset_after,
    reset_before,
    say,
    say_after,
)

from danhba.card import Card, Edit, Missing, Outcome, SetNumber
from danhba.errors import SyncerError, UsageError
from danhba.testing import NOW
from danhba_syncers._dav_transport import Outside
from danhba_syncers.carddav import CardDav, CardDavOptions

Open = Callable[..., CardDav]
NAMES = ("an", "ba", "cu", "du", "em")


class Clock:
    """A clock that jumps ahead when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.date = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.lock = threading.Lock()

    def outside(self) -> Outside:
        return Outside(self.now, lambda: self.now().timestamp(), self.sleep, lambda: 0.5)

    def now(self) -> datetime:
        return self.date

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.date += timedelta(seconds=seconds)


def card(name: str, number: str = "0168 123 4567", extra: str = "") -> bytes:
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nFN:Private {name}\r\n"
        f"TEL;TYPE=CELL:{number}\r\n{extra}END:VCARD\r\n"
    ).encode()


def path(name: str) -> str:
    return f"{BOOK}{name}.vcf"


@pytest.fixture
def server() -> Iterator[Hostile]:
    """A server with five cards."""
    with hostile() as running:
        for name in NAMES:
            running.put(path(name), card(name))
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(server: Hostile, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens syncers of the server, and closes them at the end."""
    monkeypatch.setenv("DAV_PASSWORD", PASSWORD)
    all_opened: list[CardDav] = []

    def open_one(where: str = BOOK, **options: object) -> CardDav:
        known = {"password_env": "DAV_PASSWORD", **options}
        location = f"http://me@127.0.0.1:{server.port}{where}"
        syncer = CardDav(location, CardDavOptions(**known), outside=clock.outside())
        all_opened.append(syncer)
        return syncer

    yield open_one
    for syncer in all_opened:
        syncer.close()


@pytest.fixture
def syncer(opened: Open) -> CardDav:
    return opened()


def states(syncer: CardDav) -> dict[str, tuple[str, bytes]]:
    cards = list(syncer.read())
    assert len({one.ref for one in cards}) == len(cards)
    return {one.ref: (one.trouble, one.raw) for one in cards}


def edits(syncer: CardDav, *names: str) -> list[Edit]:
    found = [one for one in syncer.read() if not names or one.ref in map(path, names)]
    change = SetNumber("0", "0168 123 4567", "038 123 4567")
    return [Edit(one, syncer.patch(one, [change], NOW)) for one in found]


def written(syncer: CardDav, some: list[Edit]) -> dict[str, Outcome]:
    outcomes = list(syncer.write(iter(some)))
    assert len(outcomes) == len({one.ref for one in outcomes}) == len(some)
    return {outcome.ref: outcome for outcome in outcomes}


def one_written(syncer: CardDav, server: Hostile, *faults: object) -> Outcome:
    """Write one card while accidents happen to the PUTs."""
    (edit,) = edits(syncer, "an")
    server.methods()
    server.fail("PUT", *faults)
    return written(syncer, [edit])[path("an")]


def is_converted(server: Hostile, name: str = "an") -> bool:
    return server.cards[path(name)] == card(name, "038 123 4567")


# -- reading -------------------------------------------------------------------------------------

READING = (
    "out of order", "repeats", "answers few", "half batches", "no multiget", "no sync", "pages",
    "lower-case hrefs", "absolute hrefs", "weak etags", "unquoted etags", "no etags", "no ctag",
    "one bad item", "keeps CR", "leaves out", "404 for all",
)  # fmt: skip


@pytest.mark.parametrize("quirk", READING)
def test_everything_is_read_and_written(server: Hostile, syncer: CardDav, quirk: str) -> None:
    server.put(path("Ðo@ (1)"), card("odd"))
    server.quirks.add(quirk)
    assert sorted(states(syncer).values()) == sorted(("", raw) for raw in server.cards.values())
    outcomes = written(syncer, edits(syncer))
    assert {(o.status, o.detail) for o in outcomes.values()} == {("written", "")}
    assert all(b":038 123 4567\r\n" in raw for raw in server.cards.values())
    assert len(server.cards) == 6
    found = {one.ref: one.version for one in syncer.fetch(outcomes) if isinstance(one, Card)}
    if quirk != "no etags":
        assert found == {ref: outcome.version for ref, outcome in outcomes.items()}


@pytest.mark.parametrize("quirk", ["", "leaves out", "404 for all", "out of order", "repeats"])
def test_missing_cards_are_named(server: Hostile, syncer: CardDav, quirk: str) -> None:
    server.quirks.add(quirk)
    wanted = [path("an"), path("nobody"), path("cu"), "no-such-card"]
    found = list(syncer.fetch(iter(wanted)))
    assert sorted(one.ref for one in found) == sorted(wanted)
    assert {one.ref for one in found if isinstance(one, Missing)} == {wanted[1], wanted[3]}


def test_listed_card_that_does_not_come_is_a_trouble(server: Hostile, syncer: CardDav) -> None:
    server.quirks.add("hides a card")
    found = states(syncer)
    assert len(found) == len(NAMES)
    assert [ref for ref, (trouble, _) in found.items() if trouble] == [path("an")]


@pytest.mark.parametrize(
    ("raw", "trouble"),
    [
        (b"hello", "not a vCard"),
        (card("x") + card("y"), "holds 2 cards"),
        (b" ", "not a vCard"),
    ],
)
def test_what_is_no_card_is_named(
    server: Hostile, syncer: CardDav, raw: bytes, trouble: str
) -> None:
    server.put(path("odd"), raw)
    found = states(syncer)
    assert trouble in found[path("odd")][0]
    assert len(found) == len(NAMES) + 1


def test_control_characters_spoil_one_card_alone(server: Hostile, syncer: CardDav) -> None:
    raw = card("bad", extra="NOTE:a\x01b\r\n")
    server.put(path("bad"), raw)
    found = states(syncer)
    assert found[path("bad")] == ("", raw)
    assert len(found) == len(NAMES) + 1
    written(syncer, edits(syncer, "bad"))
    assert server.cards[path("bad")] == raw.replace(b"0168", b"038")


@pytest.mark.parametrize("size", [11_000_000, 300_000])
def test_large_photos(server: Hostile, syncer: CardDav, size: int) -> None:
    raw = card("an", extra=f"PHOTO;ENCODING=b;TYPE=JPEG:{'A' * size}\r\n")
    server.put(path("an"), raw)
    assert states(syncer)[path("an")] == ("", raw)
    assert one_written(syncer, server).status == "written"
    assert server.cards[path("an")] == raw.replace(b"0168", b"038")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><body>Sign in</body></html>", "HTML"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"", "empty"),
        (b"<multistatus xmlns='DAV:'><response>", "broken XML"),
        (b"<multistatus/>", "instead of multistatus"),
        (b"<!DOCTYPE m [<!ENTITY a 'b'>]><multistatus xmlns='DAV:'>&a;</multistatus>", "document"),
        ("<!DOCTYPE m><multistatus xmlns='DAV:'/>".encode("utf-16"), "document"),
        (b"\xff\xfe\x00", "broken XML"),
        (b"<multistatus xmlns='DAV:'>" + b"<a>" * 5000 + b"</a>" * 5000, "broken XML"),
    ],
)
def test_bodies_that_are_no_answer(
    server: Hostile, syncer: CardDav, body: bytes, said: str
) -> None:
    server.fail("PROPFIND", changed(lambda _: body))
    with pytest.raises(SyncerError, match=said) as caught:
        list(syncer.read())
    assert "127.0.0.1" in str(caught.value)


def test_broken_batch_is_halved(server: Hostile, syncer: CardDav) -> None:
    list(syncer.fetch([]))
    server.quirks.add("no sync")
    server.fail("REPORT", changed(lambda body: body[: len(body) // 2]))
    assert len(states(syncer)) == len(NAMES)


@pytest.mark.parametrize(
    "fault", [reset_before, reset_after, cut, say(500), say(503), say(502), say(429)]
)
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT"])
def test_reads_are_tried_again(
    server: Hostile, syncer: CardDav, fault: object, method: str
) -> None:
    server.fail(method, fault, fault)
    assert len(states(syncer)) == len(NAMES)


@pytest.mark.parametrize("method", ["PROPFIND", "REPORT"])
def test_server_that_stays_down_is_an_error(server: Hostile, syncer: CardDav, method: str) -> None:
    server.fail(method, *[reset_before] * 9)
    with pytest.raises(SyncerError, match=r"127\.0\.0\.1"):
        list(syncer.read())


def test_silent_server_is_given_up(server: Hostile, opened: Open) -> None:
    server.fail("PROPFIND", *[late(0.6)] * 3)
    with pytest.raises(SyncerError, match="no answer in time"):
        list(opened(read_timeout_s=0.1).read())
    time.sleep(0.3)


def test_answer_without_end_is_given_up(server: Hostile, opened: Open) -> None:
    server.fail("PROPFIND", *[drip] * 3)
    with pytest.raises(SyncerError, match="longer than"):
        list(opened(total_timeout_s=0.2).read())


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, "may not see"), (404, "nothing at this address"), (405, "no DAV"), (200, "no DAV")],
)
def test_refusals_are_explained(server: Hostile, syncer: CardDav, status: int, said: str) -> None:
    server.fail("PROPFIND", say(status, b"<p>No</p>"))
    with pytest.raises(SyncerError, match=said):
        list(syncer.read())


# -- what changed --------------------------------------------------------------------------------


def since(opened: Open, token: str, before: dict[str, str]) -> tuple[CardDav, set[str], set[str]]:
    """Return another syncer, the refs it finds changed, and those it finds gone."""
    syncer = opened()
    found = syncer.changes_since(token, before)
    assert found is not None
    answers = list(found)
    gone = {one.ref for one in answers if isinstance(one, Missing)}
    return syncer, {one.ref for one in answers} - gone, gone


@pytest.mark.parametrize(
    "quirks",
    [
        {""}, {"no sync"}, {"no sync", "no ctag"}, {"pages"}, {"lower-case hrefs"}, {"weak etags"},
        {"absolute hrefs"},
    ],
)  # fmt: skip
def test_changes_are_found_and_cost_little(server: Hostile, opened: Open, quirks: set[str]) -> None:
    server.quirks |= quirks
    first = opened()
    before = {one.ref: one.version for one in first.read()}
    server.methods()
    second, fresh, gone = since(opened, first.token(), before)
    assert (fresh, gone) == (set(), set())
    assert len(server.methods()) <= 2
    server.put(path("an"), card("an", "0123"))
    server.put(path("new"), card("new"))
    server.put(path("cu"), b"")
    third, fresh, gone = since(opened, second.token(), before)
    assert fresh == {path("an"), path("new")}
    assert gone == {path("cu")}
    after = {one.ref: one.version for one in third.read()}
    server.methods()
    assert since(opened, third.token(), after)[1:] == (set(), set())
    assert len(server.methods()) <= 2


def test_own_writes_are_not_read_again(server: Hostile, opened: Open) -> None:
    first = opened()
    before = {one.ref: one.version for one in first.read()}
    before |= {ref: o.version for ref, o in written(first, edits(first, "an", "ba")).items()}
    server.methods()
    second, *found = since(opened, first.token(), before)
    assert found == [set(), set()]
    assert server.methods() == ["PROPFIND", "REPORT"]
    assert since(opened, second.token(), before)[1:] == (set(), set())
    assert server.methods() == ["REPORT"]


def test_a_first_read_asks_for_no_sync_token(server: Hostile, syncer: CardDav) -> None:
    """Radicale looks through a file a card at each PUT, once it has given one away."""
    list(syncer.read())
    assert server.methods() == ["PROPFIND", "PROPFIND", "REPORT"]


def test_a_server_that_lists_a_part_is_asked_for_the_changes(
    server: Hostile, syncer: CardDav
) -> None:
    part = b'<response xmlns="DAV:"><href>/</href><status>HTTP/1.1 507 Full</status></response>'
    list(syncer.books())
    server.fail(
        "PROPFIND", changed(lambda body: body.replace(b"</multistatus>", part + b"</multistatus>"))
    )
    assert len(states(syncer)) == len(NAMES)


@pytest.mark.parametrize(
    "quirk", ["", "412 for tokens", "unnoticed tokens: all", "unnoticed tokens: nothing"]
)
def test_bad_token_loses_nothing(server: Hostile, opened: Open, quirk: str) -> None:
    server.quirks.add(quirk)
    first = opened()
    before = {one.ref: one.version for one in first.read()}
    token = first.token().replace('"sync":""', '"sync":"token:999"')
    assert "999" in token
    server.put(path("an"), card("an", "0123"))
    server.put(path("cu"), b"")
    assert since(opened, token, before)[1:] == ({path("an")}, {path("cu")})


def test_full_comparison_is_due_after_a_week(server: Hostile, opened: Open, clock: Clock) -> None:
    first = opened()
    before = {one.ref: one.version for one in first.read()}
    server.cards[path("an")] = card("an", "0123")  # the server forgets to tell
    assert since(opened, first.token(), before)[1:] == (set(), set())
    clock.date += timedelta(days=7)
    server.methods()
    second, fresh, gone = since(opened, first.token(), before)
    assert (fresh, gone) == ({path("an")}, set())
    assert server.methods() == ["PROPFIND", "PROPFIND", "REPORT"]
    before[path("an")] = server.etag(path("an"))
    since(opened, second.token(), before)
    assert server.methods() == ["REPORT"]


# -- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        reset_before, reset_after, late(0.4), cut, say(500), say(502), say(504), say(423), say(503),
        say_after(500), say_after(502), say_after(503), say(429), say_after(503, Retry_After="1"),
        say(503, Retry_After="5"), say(429, Retry_After="7"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("times", [1, 2])
def test_card_is_stored_once_whatever_happens_to_the_answer(
    server: Hostile, opened: Open, fault: object, times: int
) -> None:
    outcome = one_written(opened(read_timeout_s=0.2), server, *[fault] * times)
    assert (outcome.status, outcome.detail) == ("written", "")
    assert outcome.version == server.etag(path("an"))
    assert is_converted(server)
    assert len(server.cards) == len(NAMES)
    time.sleep(0.3 if fault is not reset_before and "late" in repr(fault) else 0)


def test_server_that_takes_one_write_at_a_time_gets_them_so(server: Hostile, opened: Open) -> None:
    """Else a card could be refused again and again while others overtake it (Xandikos 0.4)."""
    names = [f"n{number}" for number in range(12)]
    for name in names:
        server.put(path(name), card(name))
    syncer = opened()
    some = edits(syncer, *names)
    server.quirks.add("one write at a time")
    server.methods()
    outcomes = written(syncer, some)
    assert {outcome.status for outcome in outcomes.values()} == {"written"}
    assert server.methods().count("PUT") < len(names) + 15


@pytest.mark.parametrize("fault", [reset_before, say(500), say(503)])
def test_card_changed_by_another_amid_a_failure_is_a_conflict(
    server: Hostile, syncer: CardDav, fault: Callable[..., object]
) -> None:
    def meddle(handler: object, normal: object) -> object:
        server.put(path("an"), card("an", "0999"))
        return fault(handler, normal)

    assert one_written(syncer, server, meddle).status == "conflict"
    assert server.cards[path("an")] == card("an", "0999")


def test_failure_that_stays_is_reported(server: Hostile, syncer: CardDav) -> None:
    outcome = one_written(syncer, server, *[say(500)] * 9)
    assert outcome.status == "failed"
    assert "500" in outcome.detail
    assert not is_converted(server)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 507])
def test_refused_card_fails_with_the_reason(server: Hostile, syncer: CardDav, status: int) -> None:
    body = b'<error xmlns="DAV:"><no-uid-conflict/></error>' if status == 409 else b""
    outcome = one_written(syncer, server, *[say(status, body)] * (2 if status == 401 else 1))
    assert outcome.status == "failed"
    assert str(status) in outcome.detail
    assert ("no-uid-conflict" in outcome.detail) == (status == 409)
    assert server.cards[path("an")] == card("an")


def test_vanished_card_is_a_conflict_and_not_made_anew(server: Hostile, syncer: CardDav) -> None:
    (edit,) = edits(syncer, "an")
    server.put(path("an"), b"")
    assert written(syncer, [edit])[path("an")].status == "conflict"
    assert path("an") not in server.cards


@pytest.mark.parametrize("style", ["weak etags", "unquoted etags", "no etags"])
@pytest.mark.parametrize("strict", ["", "wants etags as shown"])
def test_stale_card_is_a_conflict_however_etags_are_spelled(
    server: Hostile, syncer: CardDav, style: str, strict: str
) -> None:
    server.quirks |= {style, strict}
    some = edits(syncer)
    server.put(path("an"), card("an", "0999"))
    outcomes = written(syncer, some)
    statuses = {ref: outcome.status for ref, outcome in outcomes.items()}
    assert statuses.pop(path("an")) == "conflict"
    assert set(statuses.values()) == {"written"}
    assert server.cards[path("an")] == card("an", "0999")


def test_spelling_of_etags_is_learnt_once(server: Hostile, opened: Open) -> None:
    server.quirks.add("weak etags")
    syncer = opened(connections=1)
    syncer.knows({"if-match": "honoured"})
    some = edits(syncer)
    server.methods()
    assert {o.status for o in written(syncer, some).values()} == {"written"}
    assert server.methods() == ["PUT", "REPORT", "PUT", *["PUT"] * 4]


def test_missing_etags_after_put_are_asked_for_together(server: Hostile, syncer: CardDav) -> None:
    server.quirks.add("no etag after put")
    syncer.knows({"if-match": "honoured"})
    some = edits(syncer)
    server.methods()
    outcomes = written(syncer, some)
    assert sorted(server.methods()) == [*["PUT"] * 5, "REPORT"]
    assert {ref: o.version for ref, o in outcomes.items()} == {
        ref: server.etag(ref) for ref in outcomes
    }


def test_bytes_that_are_no_utf8_are_sent_as_they_are(server: Hostile, syncer: CardDav) -> None:
    (edit,) = edits(syncer, "an")
    raw = edit.raw.replace(b"Private", b"Priv\xe9")
    assert written(syncer, [Edit(edit.card, raw)])[path("an")].status == "written"
    assert server.cards[path("an")] == raw


def test_puts_say_what_they_are(server: Hostile, syncer: CardDav) -> None:
    written(syncer, edits(syncer, "an"))
    put = next(one for one in server.seen if one.method == "PUT")
    assert put.headers["Content-Type"] == "text/vcard; charset=utf-8"
    assert put.headers["If-Match"]
    assert "Transfer-Encoding" not in put.headers


def test_first_card_tells_whether_if_match_is_honoured(server: Hostile, opened: Open) -> None:
    syncer = opened()
    some = edits(syncer)
    server.methods()
    pulled: list[bool] = []

    def noted() -> Iterator[Edit]:
        for edit in some:
            pulled.append(syncer.conditional())
            yield edit

    assert {outcome.status for outcome in syncer.write(noted())} == {"written"}
    assert pulled == [False, True, True, True, True]
    assert server.methods() == ["PUT"] * 6
    server.quirks.add("ignores conditions")
    careless = opened()
    again = edits_back(careless)
    server.put(path("an"), card("an", "0999"))
    written(careless, again)
    assert not careless.conditional()


def edits_back(syncer: CardDav) -> list[Edit]:
    change = SetNumber("0", "038 123 4567", "0168 123 4567")
    return [Edit(one, syncer.patch(one, [change], NOW)) for one in syncer.read()]


# -- a busy server -------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [False, True])
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT", "PUT"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(
    server: Hostile, syncer: CardDav, clock: Clock, method: str, status: int, date: bool
) -> None:
    when = "Sun, 22 Nov 2026 12:02:00 GMT" if date else "120"
    (edit,) = edits(syncer, "an")
    server.fail(method, say(status, Retry_After=when))
    list(syncer.read()) if method == "REPORT" else None
    list(syncer.books()) if method == "PROPFIND" else None
    assert written(syncer, [edit])[path("an")].status == "written"
    assert sum(clock.slept) == pytest.approx(120, abs=1)


def test_busy_server_is_left_when_it_takes_too_long(
    server: Hostile, syncer: CardDav, clock: Clock
) -> None:
    some = edits(syncer)
    server.fail("PUT", *[say(429, Retry_After="3600")] * 8)
    outcomes = written(syncer, some)
    assert {outcome.status for outcome in outcomes.values()} == {"failed"}
    assert all("3600 s" in outcome.detail for outcome in outcomes.values())
    assert not sum(clock.slept)
    server.faults.clear()
    server.fail("PROPFIND", say(503, Retry_After="3600"))
    with pytest.raises(SyncerError, match="asks to wait 3600 s"):
        list(syncer.books())


def test_waiting_adds_up(server: Hostile, syncer: CardDav, clock: Clock) -> None:
    (edit,) = edits(syncer, "an")
    server.fail("PUT", *[say(429, Retry_After="250")] * 3)
    assert written(syncer, [edit])[path("an")].status == "failed"
    assert sum(clock.slept) == pytest.approx(500, abs=1)


def test_server_that_falls_silent_is_not_asked_for_every_card(
    server: Hostile, opened: Open
) -> None:
    for i in range(60):
        server.put(path(f"more{i}"), card(f"more{i}"))
    syncer = opened(connections=2)
    some = edits(syncer)
    server.methods()
    server.fail("PUT", *[reset_after] * 999)
    server.fail("REPORT", *[reset_before] * 999)
    outcomes: list[Outcome] = []
    with pytest.raises(SyncerError, match=r"3 cards were stored, .* is not known"):
        outcomes.extend(syncer.write(iter(some)))
    assert len(outcomes) == len(some) - 3
    assert all(outcome.detail.startswith("not sent") for outcome in outcomes)
    stored = {one.card.ref for one in some if server.cards[one.card.ref] == one.raw}
    assert stored.isdisjoint(outcome.ref for outcome in outcomes)
    assert server.methods().count("PUT") < 10


def test_server_that_refuses_every_card_is_not_asked_to_the_end(
    server: Hostile, syncer: CardDav
) -> None:
    for i in range(80):
        server.put(path(f"more{i}"), card(f"more{i}"))
    some = edits(syncer)
    server.methods()
    server.fail("PUT", *[say(507)] * 999)
    outcomes = written(syncer, some)
    assert {outcome.status for outcome in outcomes.values()} == {"failed"}
    assert all("507" in outcome.detail for outcome in outcomes.values())
    assert server.methods().count("PUT") < 40


# -- who and where -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["PUT", "REPORT", "PROPFIND"])
def test_redirect_on_the_server_is_followed_with_the_body(
    server: Hostile, syncer: CardDav, status: int, method: str
) -> None:
    def elsewhere(handler: object, _: object) -> object:
        return say(status, Location=handler.path)(handler, _)  # type: ignore[attr-defined]

    (edit,) = edits(syncer, "an")
    server.fail(method, elsewhere)
    list(syncer.books())
    assert len(list(syncer.read())) == len(NAMES)
    assert written(syncer, [edit])[path("an")].status == "written"
    assert is_converted(server)


@pytest.mark.parametrize("method", ["PUT", "REPORT", "PROPFIND"])
def test_credentials_are_not_sent_to_another_server(
    server: Hostile, syncer: CardDav, method: str
) -> None:
    (edit,) = edits(syncer, "an")
    with hostile() as other:
        target = f"http://127.0.0.1:{other.port}{BOOK}"
        server.fail(method, say(307, Location=target))
        if method == "PUT":
            detail = written(syncer, [edit])[path("an")].detail
        else:
            with pytest.raises(SyncerError) as caught:
                list(syncer.books() if method == "PROPFIND" else syncer.read())
            detail = str(caught.value)
        assert str(other.port) in detail
        assert str(server.port) in detail
        assert other.seen == []


def test_endless_redirects_end(server: Hostile, syncer: CardDav) -> None:
    server.fail("PROPFIND", *[say(302, Location="/dav/")] * 9)
    with pytest.raises(SyncerError, match="redirected more than"):
        list(syncer.read())


def test_digest_and_bearer(server: Hostile, opened: Open) -> None:
    server.quirks.add("needs digest")
    assert len(states(opened())) == len(NAMES)
    assert len(states(opened(auth="digest"))) == len(NAMES)
    server.quirks = {"needs bearer"}
    assert len(states(opened(auth="bearer"))) == len(NAMES)
    with pytest.raises(SyncerError, match="401"):
        list(opened().read())


def test_digest_is_learnt_once_by_all_threads(server: Hostile, opened: Open) -> None:
    server.quirks.add("needs digest")
    for i in range(300):
        server.put(path(f"more{i}"), card(f"more{i}"))
    syncer = opened()
    some = edits(syncer)
    assert {o.status for o in written(syncer, some).values()} == {"written"}


def test_no_password_is_sent_in_the_clear() -> None:
    for auth in ("basic", "bearer"):
        with pytest.raises(UsageError, match="use https"):
            CardDav("http://me@dav.example.com/", CardDavOptions(auth=auth))


def test_password_in_the_url_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError, match="keyring") as caught:
        CardDav("https://me:hunter2@dav.example.com/")
    assert "hunter2" not in str(caught.value)


def test_mail_address_is_the_second_name_tried(
    server: Hostile, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fail("PROPFIND", say(401, WWW_Authenticate="Basic realm=x"))
    with pytest.raises(SyncerError, match="401"):
        list(opened("").read())
    names = [one.headers["Authorization"] for one in server.seen]
    assert len(set(names)) == 2


# -- rights --------------------------------------------------------------------------------------


def test_read_only_book_is_read_and_not_written(server: Hostile, syncer: CardDav) -> None:
    server.quirks |= {"read only", "shared"}
    (book,) = syncer.books()
    assert book.writable is False
    assert book.shared
    some = edits(syncer)
    assert "can only be read" in syncer.refusal(some[0].card)
    server.methods()
    assert {o.status for o in written(syncer, some).values()} == {"failed"}
    assert server.methods() == []


def test_card_too_large_for_the_server_is_refused(server: Hostile, syncer: CardDav) -> None:
    server.quirks.add("small cards")
    server.put(path("an"), card("an", extra=f"NOTE:{'x' * 6000}\r\n"))
    refusals = {one.ref: syncer.refusal(one) for one in syncer.read()}
    assert "5000 at most" in refusals.pop(path("an"))
    assert set(refusals.values()) == {""}


# -- what a probe finds out ----------------------------------------------------------------------


def probed(syncer: CardDav) -> dict[str, str]:
    return {finding.trait: finding.value for finding in syncer.probe()}


def test_probe_of_a_good_server(server: Hostile, syncer: CardDav) -> None:
    before = dict(server.cards)
    found = probed(syncer)
    assert found == {
        "etag-after-put": "given",
        "if-match": "honoured",
        "rewrites": "",
        "loses": "",
        "refuses": "",
    }
    assert server.cards == before
    assert not syncer.conditional()
    syncer.knows(found)
    assert syncer.conditional()
    made = [one for one in server.seen if one.method == "PUT"]
    assert made[0].headers["If-None-Match"] == "*"
    assert {one.path for one in made} == {made[0].path}


def test_probe_notices_that_if_match_is_ignored(server: Hostile, syncer: CardDav) -> None:
    server.quirks |= {"ignores conditions", "no etag after put"}
    found = probed(syncer)
    assert found["if-match"] == "ignored"
    assert found["etag-after-put"] == "missing"
    syncer.knows(found)
    assert not syncer.conditional()


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_probe_removes_its_card_whatever_happens(
    server: Hostile, syncer: CardDav, stop: int
) -> None:
    before = dict(server.cards)
    probe = syncer.probe()
    for _ in range(stop):
        next(probe)
    probe.close()
    assert server.cards == before
    server.fail("GET", *[say(500)] * 3)
    server.fail("PUT", reset_after)
    with pytest.raises(SyncerError):
        probed(syncer)
    assert server.cards == before


def spoils(raw: bytes) -> bytes:
    raw = re.sub(rb"(?m)^(NICKNAME:[^,\r]*),.*", rb"\1\r", raw)
    return raw.replace(b"X-DANHBA", b"x-danhba")


def test_cards_that_the_server_would_spoil_are_refused_by_name(
    server: Hostile, syncer: CardDav
) -> None:
    server.put(path("an"), card("an", extra="NICKNAME:Ba,Be\r\n"))
    server.put(path("ba"), card("ba", extra="NICKNAME:Ba\\,Be\r\n"))
    server.put(path("cu"), card("cu", extra="item1.NICKNAME:folded am\r\n id,st\r\n"))
    server.store = spoils
    found = probed(syncer)
    assert found["loses"] == "comma-in-nickname"
    assert found["rewrites"] == "comma-in-x semicolon-in-parameter"
    assert {syncer.refusal(one) for one in syncer.read()} == {""}
    syncer.knows(found)
    refusals = {one.ref: syncer.refusal(one) for one in syncer.read()}
    assert "a nickname with a bare comma" in refusals.pop(path("an"))
    assert "a nickname with a bare comma" in refusals.pop(path("cu"))
    assert set(refusals.values()) == {""}


def test_probe_needs_a_book_that_can_be_written(server: Hostile, syncer: CardDav) -> None:
    server.quirks.add("read only")
    with pytest.raises(SyncerError, match="no address book of it can be written"):
        probed(syncer)
    assert "PUT" not in server.methods()


# -- what is logged ------------------------------------------------------------------------------


def test_no_card_and_no_secret_in_any_log(
    server: Hostile, syncer: CardDav, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.put(path("bad"), card("bad", extra="NOTE:a\x01b\r\n"))
    written(syncer, edits(syncer))
    assert "Private" not in caplog.text
    assert "0168 123" not in caplog.text
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(syncer.__dict__)
