"""How do cards come off the server? Listed, then fetched a hundred at a time.

Answers may be out of order, repeated, incomplete or broken: a batch that fails is halved, down to
a plain GET of the card. What still does not come is reported, and never taken for deleted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from danhba.errors import SyncerError
from danhba_syncers import _dav
from danhba_syncers._dav import DavError, Item
from danhba_syncers._dav_address import Address
from danhba_syncers._dav_client import Answer, NoAnswerError, TooLargeError
from danhba_syncers._dav_discovery import AddressBook, path_on, read, refused
from danhba_syncers._dav_transport import Transport
from danhba_syncers._lanes import in_order

BATCH = 100
"""Cards asked for in one multiget."""
_MOST_PAGES = 10_000
_MOST_GETS = 100
"""How many cards of a book are fetched one by one for their mixed line ends."""


class Got(NamedTuple):
    """What the server gave for one card.

    Attributes:
        href: Its address as it was asked for.
        etag: Its entity tag; empty when there is none.
        raw: Its bytes; empty when it did not come.
        gone: Whether the server says that it is not there.
        trouble: Why it did not come otherwise.
    """

    href: str
    etag: str = ""
    raw: bytes = b""
    gone: bool = False
    trouble: str = ""


class Listing(NamedTuple):
    """The cards of a book, or what changed in it.

    Attributes:
        etags: Address as listed -> entity tag; empty when it is not listed.
        gone: Addresses that the server says are not there any more.
        token: The sync token that goes with it; empty when there is none.
    """

    etags: dict[str, str]
    gone: tuple[str, ...] = ()
    token: str = ""


class PartOnlyError(SyncerError):
    """The server does not list all of a book."""


class Reader:
    """Reads the address books of one server.

    Args:
        transport: The way to the server.
        address: The source, for messages.
        connections: How many batches are fetched side by side.
    """

    def __init__(self, transport: Transport, address: Address, connections: int) -> None:
        self._transport = transport
        self._address = address
        self._connections = connections
        self._one_by_one = False  # the server has no multiget
        self._size = BATCH  # less once a batch was too much for the server, or for us
        self._gets_left = _MOST_GETS
        self._lock = threading.Lock()

    # -- listing ---------------------------------------------------------------------------------

    def at_first(self, book: AddressBook) -> Listing:
        """List a whole book that was never read before, without asking for a sync token.

        A writing run is faster so, and a later one gets the token at the same price: for its token
        Radicale 3.9 keeps a file a card, and looks through all of them at each PUT from then on.
        """
        try:
            return self.etags(book)
        except PartOnlyError:
            return self.whole(book)

    def whole(self, book: AddressBook) -> Listing:
        """List a whole book, with a sync token where there is one."""
        found = self.changes(book, "") if book.syncs else None
        return found or self.etags(book)

    def etags(self, book: AddressBook) -> Listing:
        """List a whole book by its entity tags.

        Raises:
            PartOnlyError: The server lists only a part.
            SyncerError: It does not list the book.
        """
        path = path_on(self._transport.site, book.href)
        answer = self._transport.propfind(path, _dav.ETAG, 1)
        found = read(answer, self._address, path)
        if any(item.status == 507 for item in found.items):
            raise PartOnlyError(
                f"{self._address.shown(path)}: the server lists only a part of the book"
            )
        return _listing(book, found.items, "")

    def changes(self, book: AddressBook, token: str) -> Listing | None:
        """List what changed since a token, everything when it is empty; None when it is not valid.

        Raises:
            SyncerError: We are not let in.
        """
        path = path_on(self._transport.site, book.href)
        items: list[Item] = []
        for _ in range(_MOST_PAGES):
            answer = self._transport.report(path, _dav.sync_collection(token))
            if answer.status == 401:
                raise refused(answer, self._address, path)
            if answer.status != 207:
                return None
            found = read(answer, self._address, path)
            items += found.items
            if not _cut_short(book, found.items):
                return _listing(book, items, found.sync_token)
            if found.sync_token in ("", token):
                return None
            token = found.sync_token
        return None

    # -- fetching --------------------------------------------------------------------------------

    def fetch(self, wanted: Iterable[tuple[AddressBook, str]]) -> Iterator[Got]:
        """Fetch cards in the order they are asked for; one answer for each."""
        for batch in in_order(self._batches(wanted), self._fetched, self._connections):
            yield from batch

    def _batches(
        self, wanted: Iterable[tuple[AddressBook, str]]
    ) -> Iterator[tuple[AddressBook, Sequence[str]]]:
        """Put the cards of one book together, a batch at a time, in the order they come."""
        waiting = iter(wanted)
        while some := list(islice(waiting, self._size)):
            by_book: dict[str, tuple[AddressBook, list[str]]] = {}
            for book, href in some:
                by_book.setdefault(book.href, (book, []))[1].append(href)
            yield from by_book.values()

    def _fetched(self, batch: tuple[AddressBook, Sequence[str]]) -> Sequence[Got]:
        book, hrefs = batch
        found = {_dav.same(got.href): got for got in self._multiget(book, hrefs)}
        return [found[_dav.same(href)]._replace(href=href) for href in hrefs]

    def _multiget(
        self, book: AddressBook, hrefs: Sequence[str], *, unheard: bool = False
    ) -> Iterator[Got]:
        """Fetch cards with one request, or in halves, or one by one."""
        if self._one_by_one:
            yield from map(self.get, hrefs)
            return
        path = path_on(self._transport.site, book.href)
        found: dict[str, Item] = {}
        try:
            answer = self._transport.report(path, _dav.multiget(hrefs))
            self._check(answer, path)
            if answer.status == 207:
                found = _by_address(_dav.parse(answer.body, path).items)
            elif answer.status != 404:  # SabreDAV 1.8: one of them is gone
                self._shrink(hrefs)
        except DavError:
            pass
        except TooLargeError:
            self._shrink(hrefs)
        except NoAnswerError:
            if unheard or len(hrefs) == 1:
                raise
            unheard = True
        missing = []
        for href in hrefs:
            item = found.get(_dav.same(href))
            if item is None:
                missing.append(href)
            else:
                yield self._got(href, item)
        yield from self._halves(book, missing, len(hrefs), unheard=unheard)

    def _shrink(self, hrefs: Sequence[str]) -> None:
        """Ask for fewer cards at a time from now on."""
        self._size = max(1, min(self._size, len(hrefs) // 2))

    def _check(self, answer: Answer, path: str) -> None:
        """Notice that the server has no multiget, or does not let us in."""
        if answer.status in (405, 501) or "supported-report" in _dav.preconditions(
            answer.body if answer.status == 403 else b""
        ):
            self._one_by_one = True
        elif answer.status in (200, 401, 403):
            raise refused(answer, self._address, path)

    def _halves(
        self, book: AddressBook, missing: list[str], asked: int, *, unheard: bool
    ) -> Iterator[Got]:
        """Ask again for what did not come: fewer at a time, at last each by itself."""
        if len(missing) == 1 or self._one_by_one:
            yield from map(self.get, missing)
        elif missing:
            half = (min(len(missing), asked) + 1) // 2
            yield from self._multiget(book, missing[:half], unheard=unheard)
            yield from self._multiget(book, missing[half:], unheard=unheard)

    def _got(self, href: str, item: Item) -> Got:
        if item.status in (404, 410):
            return Got(href, gone=True)
        if item.card is None:
            return self.get(href)
        raw, sure = _dav.card_bytes(item.card, item.length)
        if not sure and self._may_get():
            return self.get(href)
        return Got(href, item.etag, raw)

    def _may_get(self) -> bool:
        with self._lock:
            self._gets_left -= 1
            return self._gets_left >= 0

    def get(self, href: str) -> Got:
        """Fetch one card by itself: its own bytes."""
        if not addressable(href):
            return Got(
                href, trouble="its address on the server holds ? or #: no request can name it"
            )
        try:
            answer = self._transport.get(path_on(self._transport.site, href))
        except TooLargeError as error:
            return Got(href, trouble=str(error))
        if answer.status == 200:
            return Got(href, answer.etag, answer.body)
        if answer.status in (404, 410):
            return Got(href, gone=True)
        if answer.status == 401:
            raise refused(answer, self._address, href)
        return Got(href, trouble=f"the server does not give it: {answer.said()}")


def addressable(href: str) -> bool:
    """Say whether a request can name the card; Cyrus 3.6 lists a `?` in a name as it is."""
    return not {"?", "#"} & set(href)


def _by_address(items: Iterable[Item]) -> dict[str, Item]:
    """Name items by address; of those that come twice, one with a card counts."""
    found: dict[str, Item] = {}
    for item in items:
        address = _dav.same(item.href)
        if address not in found or found[address].card is None:
            found[address] = item
    return found


def _cut_short(book: AddressBook, items: Iterable[Item]) -> bool:
    """Say whether the server tells that more is to come (RFC 6578 §3.6)."""
    return any(i.status == 507 and _dav.same(i.href) == _dav.same(book.href) for i in items)


def _listing(book: AddressBook, items: Iterable[Item], token: str) -> Listing:
    """Sort a list of the book into what is there and what is gone; folders are no cards."""
    etags: dict[str, str] = {}
    gone: list[str] = []
    for item in items:
        if item.href.endswith("/") or not _dav.lies_in(item.href, book.href):
            continue
        if item.status in (404, 410):
            gone.append(_path(item.href))
        else:
            etags[_path(item.href)] = item.etag
    return Listing(etags, tuple(gone), token)


def _path(href: str) -> str:
    """Return the path of an address as listed; behind a proxy the host may be another one."""
    return "/" + href.split("://", 1)[1].partition("/")[2] if "://" in href else href
