"""Where are the address books? From a host, an e-mail address or any URL to the list of them.

RFC 6764: SRV and TXT records, then `/.well-known/carddav`; RFC 5397 the principal; RFC 6352 §7.1
its homes. Four requests at most from a bare host, one when the URL is that of an address book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import msgspec

from danhba.errors import SyncerError, UsageError
from danhba_syncers import _dav
from danhba_syncers._dav import DavError, Item, Multistatus
from danhba_syncers._dav_address import Address, Site, site_of
from danhba_syncers._dav_client import Answer
from danhba_syncers._dav_transport import Transport

if TYPE_CHECKING:
    from dns.resolver import Resolver

WELL_KNOWN = "/.well-known/carddav"
_DNS_TIMEOUT_S = 3.0
_WRITING = frozenset({"all", "write", "write-content"})


class Service(NamedTuple):
    """Where DNS says a domain's CardDAV server is (RFC 6764 §3, §4)."""

    host: str
    port: int
    path: str = ""


Lookup = Callable[[str], Service | None]


class AddressBook(msgspec.Struct, frozen=True):
    """An address book on the server.

    Attributes:
        href: Its address as listed.
        name: What people call it; the last part of the address where it has no other.
        writable: Whether its cards can be written; None when the server does not say.
        shared: Whether it belongs to somebody else.
        max_size: Largest card in octets; None when the server does not say.
        syncs: Whether it has the sync-collection report.
        sync_token: Its sync token as the list of books showed it; empty when it does not.
        ctag: Its tag as the list of books showed it; empty when it does not.
    """

    href: str
    name: str
    writable: bool | None = None
    shared: bool = False
    max_size: int | None = None
    syncs: bool = False
    sync_token: str = ""
    ctag: str = ""


def locate(address: Address, lookup: Lookup) -> Address:
    """Ask DNS where the server of a bare domain is; without an answer it is the domain itself.

    Raises:
        SyncerError: DNS names a server outside of the domain.
    """
    site = address.site
    if not address.bare or address.explicit or not site.named or site.scheme != "https":
        return address
    found = lookup(site.host)
    if not found:
        return address
    host = found.host.lower().rstrip(".")
    if host != site.host and not host.endswith(f".{site.host}"):  # RFC 6764 §8
        raise SyncerError(
            f"{site.host}: DNS names {host} as its CardDAV server, which is outside of that domain."
            " Credentials are not sent there; if it is the right one, give it as the source:"
            f" {Address(Site('https', host, found.port), '/', address.user).shown()}"
        )
    return address._replace(site=Site("https", host, found.port), path=found.path or address.path)


def lookup(domain: str, resolver: Resolver | None = None) -> Service | None:
    """Look up the SRV and TXT records of a domain; None when there are none, or no DNS."""
    from dns.exception import DNSException  # 60 ms, and only bare domains need it
    from dns.resolver import get_default_resolver

    name = f"_carddavs._tcp.{domain}"
    try:
        ask = (resolver or get_default_resolver()).resolve
        services = list(ask(name, "SRV", lifetime=_DNS_TIMEOUT_S))
        best = min(services, key=lambda record: (record.priority, -record.weight))
        host = best.target.to_text(omit_final_dot=True)
        if host == ".":
            return None  # "decidedly not available" (RFC 2782)
        return Service(host, int(best.port), _path(ask, name))
    except DNSException:
        return None


def _path(ask: Callable[..., Iterable[Any]], name: str) -> str:
    """Return the path that the TXT record beside a service names; empty when there is none."""
    from dns.exception import DNSException

    try:
        texts = [b"".join(record.strings) for record in ask(name, "TXT", lifetime=_DNS_TIMEOUT_S)]
    except DNSException:
        return ""
    paths = (text[5:].decode("ascii", "replace") for text in texts if text.startswith(b"path=/"))
    return next(paths, "")


class Books:
    """Finds the address books of one user.

    Attributes:
        places: What was looked at to find them: the homes, or the one address book given.
        depth: How deep: 1 into the homes, 0 for an address book itself.
    """

    def __init__(
        self, transport: Transport, address: Address, places: Sequence[str] = (), depth: int = 1
    ) -> None:
        self.places = tuple(places)
        self.depth = depth
        self._transport = transport
        self._address = address

    def find(self) -> list[AddressBook]:
        """Return the address books, in the order of their addresses.

        Raises:
            SyncerError: There are none, or we may not see them.
        """
        if not self.places:
            found = self._discover()
        else:
            known = _dav.FOLLOWED
            found = [book for place in self.places for book in self._books(place, known)]
        by_address = {_dav.same(book.href): book for book in found}
        return [by_address[address] for address in sorted(by_address)]

    def _discover(self) -> list[AddressBook]:
        start = self._start()
        if "addressbook" in start.kinds:
            self.places, self.depth = (start.href,), 0
            return [_address_book(start)]
        if not start.homes and "principal" not in start.kinds and not self._address.bare:
            below = self._books(start.href)
            if below:
                self.places = (start.href,)
                return below
        homes = start.homes
        if not homes:
            if not start.principal:
                raise self._nothing("no user's principal is named there")
            homes = self._look(start.principal).homes
        if not homes:
            raise self._nothing("the user has no home of address books")
        self.places = tuple(self._path(home) for home in homes)
        return [book for place in self.places for book in self._books(place)]

    def _nothing(self, what: str) -> SyncerError:
        return SyncerError(
            f"{self._address.shown()}: no address book found: {what}. Give the URL that the"
            " server's own help names for CardDAV."
        )

    def _start(self) -> Item:
        """Look at what the person gave; for a bare host at what it says of itself."""
        if not self._address.bare:
            return self._look(self._address.path)
        answer = self._transport.propfind(WELL_KNOWN, _dav.COLLECTION, 0)
        if answer.status == 207:
            return self._first(answer, WELL_KNOWN)
        if answer.status == 401:
            raise refused(answer, self._address, WELL_KNOWN)
        return self._look("/")

    def _look(self, path: str) -> Item:
        path = self._path(path)
        return self._first(self._transport.propfind(path, _dav.COLLECTION, 0), path)

    def _first(self, answer: Answer, path: str) -> Item:
        found = read(answer, self._address, path)
        mine = [item for item in found.items if _dav.same(item.href) == _dav.same(path)]
        item = next(iter([*mine, *found.items]), None)
        if item is None or item.status != 200:
            status = item.status if item else 404
            raise refused(Answer(status, {}, b""), self._address, path)
        return item

    def _books(self, place: str, properties: str = _dav.COLLECTION) -> list[AddressBook]:
        path = self._path(place)
        answer = self._transport.propfind(path, properties, self.depth)
        found = read(answer, self._address, path)
        return [_address_book(item) for item in found.items if "addressbook" in item.kinds]

    def _path(self, href: str) -> str:
        """Return the path of an address on this server.

        Raises:
            SyncerError: It is on another server.
        """
        return path_on(self._transport.site, href)


def path_on(site: Site, href: str) -> str:
    """Return the path of an address on a server, exactly as listed.

    Raises:
        SyncerError: It is on another server.
    """
    if "://" not in href.partition("?")[0]:
        return href
    other = site_of(href)
    if other.host != site.host:
        raise SyncerError(
            f"{site}: the address books are on another server, {other}. Credentials are not sent"
            f" there; if it is the right one, give it as the source: carddav+{href[:200]}"
        )
    return "/" + href.split("://", 1)[1].partition("/")[2]


def _address_book(item: Item) -> AddressBook:
    href = item.href if item.href.endswith("/") else f"{item.href}/"
    last = unquote(_dav.same(href).rpartition("/")[2])
    owner, mine = _dav.same(item.owner), _dav.same(item.principal)
    return AddressBook(
        href,
        item.name or last,
        bool(item.rights & _WRITING) if item.rights is not None else None,
        bool(owner and mine and owner != mine) or "shared" in item.kinds,
        item.max_size,
        "sync-collection" in item.reports,
        item.sync_token,
        item.ctag,
    )


def choose(found: Sequence[AddressBook], names: Sequence[str]) -> list[AddressBook]:
    """Return the books of these names, all of them when there are no names.

    A name is what people call the book, or the last part of its address.

    Raises:
        UsageError: There is no such book.
    """
    chosen: list[AddressBook] = []
    for name in names:
        mine = [book for book in found if name in _names(book)]
        if not mine:
            known = [book.name for book in found]
            near = get_close_matches(name, known, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(
                f"no address book {name}{meant}; there is {', '.join(known) or 'none'}"
            )
        chosen += [book for book in mine if book not in chosen]
    return chosen if names else list(found)


def _names(book: AddressBook) -> Iterator[str]:
    yield book.name
    yield unquote(_dav.same(book.href).rpartition("/")[2])


def read(answer: Answer, address: Address, path: str) -> Multistatus:
    """Read the multistatus of an answer.

    Raises:
        SyncerError: It is none.
    """
    if answer.status != 207:
        raise refused(answer, address, path)
    try:
        return _dav.parse(answer.body, path)
    except DavError as error:
        raise SyncerError(f"{address.shown(path)}: {error}") from None


def refused(answer: Answer, address: Address, path: str) -> SyncerError:
    """Say why an answer is none, and what to do about it."""
    where = address.shown(path)
    match answer.status:
        case 401 if not address.user:
            cure = "it wants a user: give carddav+https://USER@HOST/"
        case 401:
            cure = f"the user {address.user} or the password is not accepted"
        case 403:
            cure = "the user may not see it"
        case 404 | 410:
            cure = "there is nothing at this address"
        case 200 | 405 | 501:
            cure = "no DAV is spoken at this address; is it that of a web page?"
        case 301 | 302 | 307 | 308:
            cure = "it redirects without saying where to"
        case _:
            cure = "try again later, or look into the server's log"
    return SyncerError(f"{where}: {answer.said()}: {cure}")
