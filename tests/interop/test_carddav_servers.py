"""Real CardDAV servers: how they are found, how many requests a job takes, what they re-form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from urllib.parse import quote

import pytest
from tests.dav_proxy import Proxy, proxy
from tests.dav_servers import USER, RefusedError, Server

from danhba.card import Card, Edit, Missing, SetNumber
from danhba.errors import SyncerError, UsageError
from danhba.syncer import Batches, Fidelity, Lists, Probes, Refuses, Tracks
from danhba.testing import NOW
from danhba_syncers.carddav import CardDav, CardDavOptions
from tests import dav_servers

Open = Callable[..., CardDav]
_numbers = count(1)


def card(name: str, number: str = "0168 123 4567") -> bytes:
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nFN:{name}\r\nN:{name};;;;\r\n"
        f"TEL;TYPE=CELL:{number}\r\nEND:VCARD\r\n"
    ).encode()


def edited(syncer: CardDav, found: Card, number: str = "038 123 4567") -> Edit:
    phone = found.phones[0]
    return Edit(found, syncer.patch(found, [SetNumber(phone.key, phone.value, number)], NOW))


def known(cards: list[Card]) -> dict[str, str]:
    return {card.ref: card.version for card in cards}


def changes(syncer: CardDav, token: str, before: dict[str, str]) -> list[Card | Missing]:
    found = syncer.changes_since(token, before)
    assert found is not None
    return list(found)


@pytest.fixture
def opened(dav_password: str) -> Iterator[Open]:
    """Opens syncers, and closes them at the end."""
    all_opened: list[CardDav] = []

    def open_one(location: str, **options: object) -> CardDav:
        syncer = CardDav(location, CardDavOptions(password_env=dav_password, **options))
        all_opened.append(syncer)
        return syncer

    yield open_one
    for syncer in all_opened:
        syncer.close()


@pytest.fixture
def book(dav: Server) -> str:
    """A new address book with three cards."""
    path = dav.make_book(f"b{next(_numbers)}")
    for name in ("an", "ba", "cu"):
        dav.put(f"{path}{name}.vcf", card(f"{path}{name}"))
    return path


def through(counted: Proxy, path: str = "") -> str:
    return f"http://{USER}@127.0.0.1:{counted.port}{path}"


# -- discovery -----------------------------------------------------------------------------------


def test_has_the_abilities(opened: Open) -> None:
    syncer = opened("https://me@dav.example.com/")
    assert isinstance(syncer, Tracks)
    assert isinstance(syncer, Refuses)
    assert isinstance(syncer, Lists)
    assert isinstance(syncer, Probes)
    assert isinstance(syncer, Batches)


@pytest.mark.parametrize("path", ["", "/", "principal", "home", "book", "book without slash"])
def test_books_are_found_from_any_address(dav: Server, book: str, opened: Open, path: str) -> None:
    places = {"principal": f"/{USER}/", "home": dav.home, "book": book}
    start = book.rstrip("/") if path == "book without slash" else places.get(path, path)
    with proxy(dav.port) as counted:
        found = {one.location: one for one in opened(through(counted, start)).books()}
        assert len(counted.methods) <= (1 if "book" in path else 4)
    mine = found[f"carddav+{through(counted, book)}"]
    assert mine.name == book.split("/")[-2]
    assert mine.writable
    assert not mine.shared
    assert mine.chosen
    assert len(found) == 1 or "book" not in path


def test_books_are_chosen_by_name(dav: Server, book: str, opened: Open) -> None:
    name = book.split("/")[-2]
    syncer = opened(dav.location(), books=(name,))
    assert {one.name for one in syncer.books() if one.chosen} == {name}
    assert len(list(syncer.read())) == 3
    with pytest.raises(UsageError, match="did you mean"):
        list(opened(dav.location(), books=(name + "x",)).read())


def test_wrong_password_is_told_without_it(
    dav: Server, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAV_PASSWORD", "battery staple")
    with pytest.raises(SyncerError, match=r"401.*alice or the password") as caught:
        list(opened(dav.location()).read())
    assert "battery" not in str(caught.value)


# -- what a job costs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Radicale with 2,000 cards."""
    pytest.importorskip("radicale")
    with dav_servers.radicale(tmp_path_factory.mktemp("large")) as server:
        cards = b"".join(card(f"card{i:04}") for i in range(2000))
        server.send("PUT", server.book, cards, Content_Type="text/vcard; charset=utf-8")
        yield server


def test_requests_of_a_first_read_a_write_and_a_second_run(large: Server, opened: Open) -> None:
    with proxy(large.port) as counted:
        syncer = opened(through(counted, "/"))
        cards = list(syncer.read())
        assert len(cards) == 2000
        assert len(counted.methods) <= 6 + 2000 // 100
        assert set(counted.take()) == {"PROPFIND", "REPORT"}

        edits = [edited(syncer, one) for one in cards[:20]]
        outcomes = {outcome.ref: outcome for outcome in syncer.write(iter(edits))}
        assert {outcome.status for outcome in outcomes.values()} == {"written"}
        assert counted.take() == Counter(PUT=21)  # the first one tries the server out
        assert len(list(syncer.fetch(edit.card.ref for edit in edits))) == 20
        assert counted.take() == Counter(REPORT=1)

        again = opened(through(counted, "/"))
        before = known(cards) | {ref: outcome.version for ref, outcome in outcomes.items()}
        assert changes(again, syncer.token(), before) == []
        assert len(counted.methods) <= 2
        counted.take()
        third = opened(through(counted, "/"))
        assert changes(third, again.token(), before) == []
        assert counted.take() == Counter(REPORT=1)


# -- what changed --------------------------------------------------------------------------------


def test_changes_are_found(dav: Server, book: str, opened: Open) -> None:
    syncer = opened(dav.location(book))
    cards = list(syncer.read())
    dav.put(f"{book}an.vcf", card(f"{book}an", "0123 456 7890"))
    dav.put(f"{book}new.vcf", card(f"{book}new"))
    dav.send("DELETE", f"{book}cu.vcf")
    again = opened(dav.location(book))
    found = changes(again, syncer.token(), known(cards))
    assert sorted(one.ref for one in found if isinstance(one, Card)) == [
        f"{book}an.vcf",
        f"{book}new.vcf",
    ]
    assert [one for one in found if isinstance(one, Missing)] == [Missing(f"{book}cu.vcf")]


@pytest.mark.parametrize("sync", ["http://radicale.org/ns/sync/0123", "0" * 40, "no token"])
def test_invalid_sync_token_loses_nothing(dav: Server, book: str, opened: Open, sync: str) -> None:
    syncer = opened(dav.location(book))
    cards = list(syncer.read())
    real = syncer.token()
    start = real.index('"sync":"') + 8
    spoilt = real[:start] + sync + real[real.index('"', start) :]
    dav.send("DELETE", f"{book}cu.vcf")
    dav.put(f"{book}an.vcf", card(f"{book}an", "0123 456 7890"))
    again = opened(dav.location(book))
    found = changes(again, spoilt, known(cards))
    assert {(type(one), one.ref) for one in found} == {
        (Card, f"{book}an.vcf"),
        (Missing, f"{book}cu.vcf"),
    }
    assert changes(opened(dav.location(book)), again.token(), known(list(syncer.read()))) == []


@pytest.mark.parametrize("token", ["", "{}", "nonsense", '{"form":2}'])
def test_foreign_token_is_no_token(opened: Open, token: str) -> None:
    assert opened("http://me@127.0.0.1:9/").changes_since(token, {}) is None


def test_token_of_other_books_is_no_token(dav: Server, book: str, opened: Open) -> None:
    syncer = opened(dav.location(), books=(book.split("/")[-2],))
    list(syncer.read())
    assert opened(dav.location()).changes_since(syncer.token(), {}) is None


def test_probe_knows_the_server(dav: Server, book: str, opened: Open) -> None:
    syncer = opened(dav.location(book))
    before = {one.ref: one.raw for one in syncer.read()}
    found = {finding.trait: finding.value for finding in syncer.probe()}
    assert {one.ref: one.raw for one in syncer.read()} == before
    assert found["if-match"] == "honoured"
    assert ("comma-in-nickname" in found["loses"]) == (dav.name == "radicale")
    assert bool(found["rewrites"]) == (dav.name == "radicale")


# -- what a card goes through --------------------------------------------------------------------

ODD = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:odd\r\n"
    b"N:Nguy\xe1\xbb\x85n;An;;;\r\nFN:Nguy\xe1\xbb\x85n An\r\n"
    b"item1.TEL;type=pref;type=CELL:0168 123 4567\r\nitem1.X-ABLabel:Zalo\r\n"
    b"NOTE:a long note that is folded here, and in the middle of the wo\r\n rd\\, too\r\n"
    b"PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/\r\n AAAA\r\nX-Own;Foo=bar:baz\r\n"
    b"END:VCARD\r\n"
)


@pytest.mark.parametrize("raw", [ODD, ODD.replace(b"\r\n", b"\n"), b"\r\n" + ODD + b"\r\n"])
def test_only_the_number_of_an_odd_card_changes(
    dav: Server, book: str, opened: Open, raw: bytes
) -> None:
    dav.put(f"{book}odd.vcf", raw)
    stored = dav.get(f"{book}odd.vcf")
    syncer = opened(dav.location(book))
    (found,) = syncer.fetch([f"{book}odd.vcf"])
    assert isinstance(found, Card)
    edit = edited(syncer, found)
    (outcome,) = syncer.write([edit])
    assert outcome.status == "written"
    (after,) = syncer.fetch([f"{book}odd.vcf"])
    assert isinstance(after, Card)
    assert after.version == outcome.version
    assert syncer.compare(edit.raw, after.raw) is not Fidelity.LOST
    assert dav.get(f"{book}odd.vcf") == stored.replace(b"0168 123 4567", b"038 123 4567")


def test_mixed_line_ends_stay(dav: Server, book: str, opened: Open) -> None:
    if dav.name != "xandikos":
        pytest.skip("Radicale stores no line ends")
    raw = ODD.replace(b"item1.X-ABLabel:Zalo\r\n", b"item1.X-ABLabel:Zalo\n")
    dav.put(f"{book}odd.vcf", raw)
    (found,) = opened(dav.location(book)).fetch([f"{book}odd.vcf"])
    assert isinstance(found, Card)
    assert found.raw == raw


def test_photo(dav: Server, book: str, opened: Open) -> None:
    size = 300_000  # larger ones: against the hostile server, these two take their time
    photo = b"PHOTO;ENCODING=b;TYPE=JPEG:" + b"A" * size + b"\r\nEND:VCARD"
    dav.put(f"{book}odd.vcf", ODD.replace(b"END:VCARD", photo))
    syncer = opened(dav.location(book))
    (found,) = syncer.fetch([f"{book}odd.vcf"])
    assert isinstance(found, Card)
    assert not found.trouble
    assert len(found.raw) > size
    (outcome,) = syncer.write([edited(syncer, found)])
    assert outcome.status == "written"


@pytest.mark.parametrize("name", ["a b", "ö", "a@b", "a+b", "a%2Fb", "100%", "(1)", "ấn'"])
def test_odd_addresses(dav: Server, book: str, opened: Open, name: str) -> None:
    path = book + quote(name + ".vcf", safe="")
    try:
        dav.put(path, card(f"{book}{name}".replace(" ", "")))
    except RefusedError as error:
        pytest.skip(f"the server refuses the name: {error}")
    syncer = opened(dav.location(book))
    cards = {one.ref: one for one in syncer.read()}
    assert len(cards) == 4
    assert not [one for one in cards.values() if one.trouble]
    (ref,) = cards.keys() - {f"{book}{other}.vcf" for other in ("an", "ba", "cu")}
    (outcome,) = syncer.write([edited(syncer, cards[ref])])
    assert outcome.status == "written", outcome.detail
    (after,) = syncer.fetch([ref])
    assert isinstance(after, Card)
    assert after.phones[0].value == "038 123 4567"
