"""The pure parts of CardDAV: addresses, entity tags, line ends, XML, DNS."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import dns.message
import dns.resolver
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from danhba.errors import SyncerError, UsageError
from danhba_syncers import _dav, _dav_address, _dav_discovery
from danhba_syncers._dav_discovery import Service, locate, lookup
from danhba_syncers._dav_transport import retry_after

SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1)

# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://me@dav.example.com/a/b/", "carddav+https://me@dav.example.com/a/b/"),
        ("https:me@dav.example.com", "carddav+https://me@dav.example.com/"),
        ("me@example.com", "carddav+https://me@example.com/"),
        ("DAV.Example.com.", "carddav+https://dav.example.com/"),
        ("https://me%40example.com@dav.example.com:8443", "carddav+https://me%40example.com@dav.example.com:8443/"),
        ("http://127.0.0.1:5232/", "carddav+http://127.0.0.1:5232/"),
        ("http://[::1]:5232/x", "carddav+http://[::1]:5232/x"),
        ("https://dav.example.com:443/", "carddav+https://dav.example.com/"),
        ("https://me@dav.example.com/#Kh%C3%A1ch,B", "carddav+https://me@dav.example.com/#Kh%C3%A1ch,B"),
    ],
)  # fmt: skip
def test_location_is_shown_as_it_can_be_given(location: str, shown: str) -> None:
    address = _dav_address.read(location)
    assert address.shown() == shown
    assert _dav_address.read(shown.removeprefix("carddav+")).shown() == shown


@pytest.mark.parametrize(
    "location", ["", "https://", "https:///x", "a b", "https://h:port/", "h?q"]
)
def test_what_is_no_location_is_refused(location: str) -> None:
    with pytest.raises(UsageError, match=r"carddav\+https://me@"):
        _dav_address.read(location)


def test_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match=r"keyring set danhba:h\.example me") as caught:
        _dav_address.read("https://me:hunter2@h.example/x")
    assert "hunter2" not in str(caught.value)


@given(NAMES)
def test_spellings_of_an_address_are_the_same(name: str) -> None:
    raw = f"/book/{name}"
    encoded = f"/book/{quote(name, safe='')}"
    key = _dav.same(encoded)
    lower = re.sub("%..", lambda found: found[0].lower(), encoded)
    assert key == _dav.same(lower)
    assert _dav.same(key) == key
    if not {"%", "?", "#"} & set(name):
        assert _dav.same(raw).rstrip("/") == key
    assert _dav.same(f"https://dav.example.com{encoded}") == key


@given(NAMES, NAMES)
def test_different_names_are_not_the_same(one: str, other: str) -> None:
    keys = {_dav.same("/" + quote(name, safe="")) for name in (one, other)}
    assert len(keys) == len({one, other})


def test_encoded_slash_stays_in_the_name() -> None:
    assert _dav.same("/book/a%2Fb") != _dav.same("/book/a/b")
    assert _dav.lies_in("/book%40x/a%2fb.vcf", "/book@x/")
    assert not _dav.lies_in("/bookshelf/a.vcf", "/book/")


@pytest.mark.parametrize(
    ("here", "there", "allowed"),
    [
        ("https://a.example", "https://a.example", True),
        ("http://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example:8443", True),
        ("https://a.example", "http://a.example", False),
        ("http://a.example:1", "http://a.example:2", False),
        ("https://a.example", "https://b.a.example", False),
    ],
)
def test_where_credentials_may_go(here: str, there: str, allowed: bool) -> None:
    site = _dav_address.site_of(here)
    assert site.may_move_to(_dav_address.site_of(there)) == allowed


# -- DNS -------------------------------------------------------------------------------------------


@pytest.fixture
def zone() -> Iterator[tuple[dns.resolver.Resolver, dict[tuple[str, str], list[str]]]]:
    """A resolver that asks a DNS server on loopback, and what that server knows."""
    records: dict[tuple[str, str], list[str]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                packet, sender = server.recvfrom(4096)
                if packet == b"stop":
                    return
                query = dns.message.from_wire(packet)
                question = query.question[0]
                reply = dns.message.make_response(query)
                kind = question.rdtype.name
                texts = records.get((question.name.to_text(omit_final_dot=True), kind), [])
                if texts:
                    reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
                else:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                server.sendto(reply.to_wire(), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        yield resolver, records
        server.sendto(b"stop", server.getsockname())
        thread.join()


def test_dns_names_the_server_of_a_domain(
    zone: tuple[dns.resolver.Resolver, dict[tuple[str, str], list[str]]],
) -> None:
    resolver, records = zone
    name = "_carddavs._tcp.example.com"
    assert lookup("example.com", resolver) is None
    known = ("20 0 443 b", "10 1 8443 a", "10 5 443 c")
    records[name, "SRV"] = [f"{record}.example.com." for record in known]
    assert lookup("example.com", resolver) == Service("c.example.com", 443)
    records[name, "TXT"] = ['"v=1"', '"path=/dav/"']
    assert lookup("example.com", resolver) == Service("c.example.com", 443, "/dav/")
    records[name, "SRV"] = ["0 0 0 ."]
    assert lookup("example.com", resolver) is None


def test_dns_is_asked_for_bare_domains_alone() -> None:
    asked = []

    def found(domain: str) -> Service:
        asked.append(domain)
        return Service("dav.example.com", 8443, "/x/")

    located = locate(_dav_address.read("me@example.com"), found)
    assert located.shown() == "carddav+https://me@dav.example.com:8443/x/"
    for location in (
        "https://me@example.com/book/", "https://example.com:444/", "http://127.0.0.1/",
        "127.0.0.1", "localhost",
    ):  # fmt: skip
        address = _dav_address.read(location)
        assert locate(address, found) == address
    assert asked == ["example.com"]


def test_server_outside_of_the_domain_is_not_trusted() -> None:
    address = _dav_address.read("me@example.com")
    with pytest.raises(SyncerError, match=r"carddav\+https://me@dav\.evil\.example/"):
        locate(address, lambda _: Service("dav.evil.example", 443))
    with pytest.raises(SyncerError):
        locate(address, lambda _: Service("notexample.com", 443))


def test_books_on_another_server_are_not_followed() -> None:
    site = _dav_address.site_of("https://contacts.example.com")
    assert _dav_discovery.path_on(site, "https://contacts.example.com/a%20b/") == "/a%20b/"
    with pytest.raises(SyncerError, match=r"carddav\+https://p42\.example\.com/x/"):
        _dav_discovery.path_on(site, "https://p42.example.com/x/")


# -- XML -------------------------------------------------------------------------------------------


def answer(*responses: str, more: str = "") -> bytes:
    return f"<multistatus {SPACES}>{''.join(responses)}{more}</multistatus>".encode()


def test_each_item_has_its_own_status() -> None:
    good = (
        "<response><href>/b/a.vcf</href><propstat><prop><getetag>&quot;1&quot;</getetag></prop>"
        "<status>HTTP/1.1 200 OK</status></propstat><propstat><prop><C:address-data/></prop>"
        "<status>HTTP/1.1 404 Not Found</status></propstat></response>"
    )
    bad = "<response><href>/b/b.vcf</href><status>HTTP/1.1 {} X</status></response>"
    forbidden = (
        "<response><href>/b/c.vcf</href><propstat><prop><getetag/></prop>"
        "<status>HTTP/1.1 403 Forbidden</status></propstat></response>"
    )
    token = "<sync-token> t </sync-token>"
    found = _dav.parse(answer(good, bad.format(423), bad.format(507), forbidden, more=token))
    assert [(i.href, i.status, i.etag) for i in found.items] == [
        ("/b/a.vcf", 200, '"1"'),
        ("/b/b.vcf", 423, ""),
        ("/b/b.vcf", 507, ""),
        ("/b/c.vcf", 403, ""),
    ]
    assert found.items[0].card is None
    assert found.sync_token == "t"


def test_one_status_for_several_addresses() -> None:
    gone = "<response><href>/a</href><href>/b</href><status>HTTP/1.1 404 X</status></response>"
    assert [(i.href, i.status) for i in _dav.parse(answer(gone)).items] == [
        ("/a", 404),
        ("/b", 404),
    ]


def test_relative_addresses_lie_below_what_was_asked() -> None:
    body = answer("<response><href>a.vcf</href><status>HTTP/1.1 404 X</status></response>")
    assert _dav.parse(body, "/book/").items[0].href == "/book/a.vcf"


@given(st.binary())
@example(b"<multistatus xmlns='DAV:'><response><href/></response></multistatus>")
@example(b"<multistatus xmlns='DAV:'><response><href>/</href><propstat/></response></multistatus>")
def test_junk_is_an_answer_or_a_dav_error(body: bytes) -> None:
    with contextlib.suppress(_dav.DavError):
        assert isinstance(_dav.parse(body), _dav.Multistatus)
    assert _dav.preconditions(body) == ()


def test_entities_are_never_expanded() -> None:
    bomb = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9))
    for head in ("", "<?xml version='1.0'?><!-- x -->", "<?p i?>\n"):
        doctype = f'<!DOCTYPE m [<!ENTITY a0 "x">{bomb}]>'
        body = f'{head}{doctype}<multistatus xmlns="DAV:">&a8;</multistatus>'
        with pytest.raises(_dav.DavError, match="document type"):
            _dav.parse(body.encode())
        with pytest.raises(_dav.DavError):
            _dav.parse(body.encode("utf-16"))


def test_doctype_within_a_card_is_no_doctype() -> None:
    card = "<C:address-data><![CDATA[NOTE:<!DOCTYPE html>]]></C:address-data>"
    body = answer(
        f"<response><href>/a</href><propstat><prop>{card}</prop><status>HTTP/1.1 200 OK</status>"
        "</propstat></response>"
    )
    assert _dav.parse(body).items[0].card == "NOTE:<!DOCTYPE html>"


def test_what_is_asked_is_well_formed() -> None:
    for body in (
        _dav.propfind(_dav.COLLECTION), _dav.multiget(["/a&b<c>.vcf"]), _dav.sync_collection("<&>"),
    ):  # fmt: skip
        with pytest.raises(_dav.DavError, match="instead of multistatus"):
            _dav.parse(body)


def test_a_message_quotes_no_card() -> None:
    with pytest.raises(_dav.DavError) as caught:
        _dav.parse(answer("<C:address-data>NOTE:secret\x01</C:address-data>"))
    assert "secret" not in str(caught.value)


# -- cards, tags, dates ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "sure"),
    [(b"A\r\nB\r\n", True), (b"A\nB\n", True), (b"A\r\nB\n", False), (b"AB", True)],
)
def test_line_ends_come_back(raw: bytes, sure: bool) -> None:
    text = raw.decode().replace("\r\n", "\n")
    assert _dav.card_bytes(text, len(raw)) == (raw if sure else b"A\r\nB\r\n", sure)
    assert _dav.card_bytes(text, None)[0] == raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_line_ends_that_the_server_kept_stay() -> None:
    assert _dav.card_bytes("A\r\r\nB\n", 1) == (b"A\r\r\nB\n", True)


@pytest.mark.parametrize(
    ("etag", "spellings"),
    [('"a"', ('"a"', "a")), ('W/"a"', ('W/"a"', '"a"', "a")), ("a", ("a", '"a"'))],
)
def test_spellings_of_entity_tags(etag: str, spellings: tuple[str, ...]) -> None:
    assert _dav.spellings(etag) == spellings
    assert {_dav.strong(spelling) for spelling in spellings} == {"a"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), (" 0 ", 0), ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sun, 22 Nov 2020 12:00:30 GMT", 0), ("Sunday, 22-Nov-26 12:01:00 GMT", 60),
        ("", None), ("soon", None), ("-5", None), ("9" * 30, 999_999_999),
    ],
)  # fmt: skip
def test_retry_after_is_read(text: str, seconds: float | None) -> None:
    assert retry_after(text, datetime(2026, 11, 22, 12, tzinfo=UTC)) == seconds
