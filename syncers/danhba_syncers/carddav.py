"""The syncer for CardDAV servers (RFC 6352): one or all address books of a user, in place.

A card's ref is its address as the server lists it, its version the entity tag. Cards are read a
hundred at a time and written with one conditional PUT each.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from getpass import getpass
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from danhba.card import Card, Change, Edit, Missing, Outcome
from danhba.errors import SyncerError, UsageError
from danhba.secret import Secret, find_password
from danhba.syncer import Book, Fidelity, Finding
from danhba_syncers import _dav, _dav_discovery, _fidelity, _one_card
from danhba_syncers._dav_address import Address, read
from danhba_syncers._dav_cards import BATCH, Got, Reader, addressable
from danhba_syncers._dav_client import Limits
from danhba_syncers._dav_discovery import AddressBook, Books, Lookup, choose
from danhba_syncers._dav_follow import Follower, Seen, Token, read_token
from danhba_syncers._dav_probe import Probe, spoilt
from danhba_syncers._dav_transport import Login, Outside, Transport
from danhba_syncers._dav_write import Writer

FULL_COMPARISON = timedelta(days=7)
"""After this time all entity tags are compared, whatever the sync token says: some servers never
notice that a token is not valid."""
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class CardDavOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach a CardDAV server.

    Attributes:
        user: Who signs in; where the URL does not say.
        password_env: Name of the environment variable that holds the password or token.
        password_command: Program and arguments that print it.
        auth: How to sign in; `auto` is Basic where that is safe, else Digest.
        books: Names of the address books to use; all of them when left out.
        ca_file: Certificates (PEM) to trust instead of the system's.
        client_cert: Certificate (PEM) to show to the server.
        client_key: Its private key, where it is a file of its own.
        connections: How many requests may be under way.
        connect_timeout_s: Seconds to wait for a connection.
        read_timeout_s: Seconds to wait for the next byte of an answer.
        total_timeout_s: Seconds to wait for a whole answer.
        patience_s: Seconds to wait in one run altogether when the server says that it is busy.
    """

    user: str = ""
    password_env: str = ""
    password_command: tuple[str, ...] = ()
    auth: Literal["auto", "basic", "digest", "bearer"] = "auto"
    books: tuple[str, ...] = ()
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    connections: Annotated[int, msgspec.Meta(ge=1, le=8)] = 8
    connect_timeout_s: Seconds = 10
    read_timeout_s: Seconds = 60
    total_timeout_s: Seconds = 300
    patience_s: Seconds = 600


class CardDav:
    """Address books on a CardDAV server.

    Attributes:
        source: The location with the user and without a secret.
        supports: What `patch` can do: everything.
        writes_remotely: True.
        batch: Cards in a request.
        server: The server's URL, under which findings about it are kept.
    """

    Options = CardDavOptions
    supports: frozenset[type] = frozenset(get_args(Change))
    writes_remotely = True
    batch = BATCH

    def __init__(
        self,
        location: str,
        options: CardDavOptions | None = None,
        *,
        outside: Outside | None = None,
        lookup: Lookup = _dav_discovery.lookup,
    ) -> None:
        """Take a location; nothing is sent yet.

        Raises:
            UsageError: It is no location, holds a password, or would send one in the clear.
        """
        self._options = options or CardDavOptions()
        address = read(location)
        self._address = address._replace(
            user=self._options.user or address.user, books=self._options.books or address.books
        )
        self._outside = outside or Outside()
        self._lookup = lookup
        self._lock = threading.Lock()
        self._listed: list[AddressBook] | None = None
        self._kept: Token | None = None
        self._wrote = 0
        self._found: Mapping[str, str] = {}
        self.source = self._address.shown()
        self.server = str(self._address.site)
        if self._options.auth in ("basic", "bearer") and not self._address.site.secure:
            raise UsageError(
                f"{self.source}: {self._options.auth} sends the secret in the clear; use https"
            )

    def __repr__(self) -> str:
        return f"CardDav({self.source!r})"

    def close(self) -> None:
        """Close the connections; they may be opened again."""
        if "_transport" in self.__dict__:
            self._transport.close()
            for name in ("_transport", "_reader", "_writer", "_finder"):
                self.__dict__.pop(name, None)

    # -- the way to the server -------------------------------------------------------------------

    @cached_property
    def _transport(self) -> Transport:
        """The way to the server, after DNS was asked where it is."""
        self._address = _dav_discovery.locate(self._address, self._lookup)
        options, address = self._options, self._address
        mail = f"{address.user}@{address.site.host}"
        spare = mail if address.user and "@" not in address.user and address.bare else ""
        ca_file, cert, key = map(self._file, ("ca_file", "client_cert", "client_key"))
        transport = Transport(
            address.site,
            Login(address.user, spare, options.auth, partial(_secret, address, options)),
            Limits(
                options.connect_timeout_s,
                options.read_timeout_s,
                options.total_timeout_s,
                options.patience_s,
            ),
            ca_file=ca_file,
            cert=(cert, key or cert) if cert else None,
            outside=self._outside,
        )
        weakref.finalize(self, transport.close)
        return transport

    def _file(self, option: str) -> str:
        """Return the path that an option names, empty when it names none.

        Raises:
            UsageError: There is no such file.
        """
        given: str = getattr(self._options, option)
        path = Path(given).expanduser()
        if given and not path.is_file():
            raise UsageError(f"{self.source}: {option}: {given}: no such file")
        return str(path) if given else ""

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._transport, self._address, self._options.connections)

    @cached_property
    def _writer(self) -> Writer:
        writer = Writer(self._transport, self, self._options.connections)
        if found := self._found.get("if-match"):
            writer.honours = found == "honoured"
        return writer

    @cached_property
    def _finder(self) -> Books:
        return Books(self._transport, self._address)

    def _books(self) -> list[AddressBook]:
        """Return the chosen address books, discovered when they are first needed."""
        with self._lock:
            if self._listed is None:
                self._listed = choose(self._finder.find(), self._address.books)
            return self._listed

    def _book_of(self, ref: str) -> AddressBook | None:
        address = _dav.same(ref)
        return next((b for b in self._books() if address.startswith(f"{_dav.same(b.href)}/")), None)

    def books(self) -> Iterator[Book]:
        """Yield the address books that the user can see."""
        found = self._finder.find()
        chosen = choose(found, self._address.books)
        for book in found:
            path = _dav_discovery.path_on(self._transport.site, book.href)
            yield Book(
                self._address.shown(path), book.name, book.writable, book.shared, book.max_size,
                book in chosen,
            )  # fmt: skip

    # -- reading ---------------------------------------------------------------------------------

    def read(self) -> Iterator[Card]:
        """Yield the cards book by book, in the order of their addresses."""
        seen = []
        for book in self._books():
            listing = self._reader.at_first(book)
            yield from self._cards(book, dict(sorted(listing.etags.items())))
            seen.append(Seen(book, listing.token))
        self._keep(seen, self._outside.now())

    def _cards(
        self, book: AddressBook, etags: Mapping[str, str], refs: Mapping[str, str] | None = None
    ) -> Iterator[Card]:
        """Fetch listed cards; one that does not come is a card with a trouble."""
        for got in self._reader.fetch((book, href) for href in etags):
            ref = refs[got.href] if refs else got.href
            if got.gone:
                yield Card(ref, b"", (), trouble="listed by the server, but not there")
            else:
                yield _card(ref, got, etags[got.href])

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the present state of the named cards, in the order of their names."""
        strangers: list[str] = []

        def wanted() -> Iterator[tuple[AddressBook, str]]:
            for ref in refs:
                if book := self._book_of(ref):
                    yield book, ref
                else:
                    strangers.append(ref)

        for got in self._reader.fetch(wanted()):
            yield Missing(got.href) if got.gone else _card(got.href, got, "")
        yield from map(Missing, strangers)

    # -- what changed ----------------------------------------------------------------------------

    def token(self) -> str:
        """Return what the last complete read showed: where the books are, and their tokens."""
        kept = self._kept
        if kept is None:
            return ""
        return msgspec.structs.replace(kept, wrote=kept.wrote + self._wrote).text()

    def _keep(self, seen: Sequence[Seen], compared: datetime, wrote: int = 0) -> None:
        finder = self._finder
        self._kept = Token(
            self.source, str(self._transport.site), finder.places, finder.depth, tuple(seen),
            compared, wrote,
        )  # fmt: skip
        self._wrote = 0

    def changes_since(
        self, token: str, known: Mapping[str, str]
    ) -> Iterator[Card | Missing] | None:
        """Yield what is new, changed or gone; one request a book when nothing is.

        Once a week all entity tags are compared as well. An invalid sync token costs such a
        comparison and loses nothing.
        """
        kept = read_token(token)
        if not kept or kept.source != self.source or kept.site != str(self._transport.site):
            return None
        due = self._outside.now() - kept.compared >= FULL_COMPARISON
        self._finder.places, self._finder.depth = kept.places, kept.depth
        books = [seen.book for seen in kept.seen]
        if due or len(books) != 1 or not kept.seen[0].sync:
            books = choose(self._finder.find(), self._address.books)
        self._listed = books
        if [_dav.same(b.href) for b in books] != [_dav.same(s.book.href) for s in kept.seen]:
            return None
        return self._changes(kept, books, known, due=due)

    def _changes(
        self, kept: Token, books: Sequence[AddressBook], known: Mapping[str, str], *, due: bool
    ) -> Iterator[Card | Missing]:
        seen = []
        untouched = kept.wrote
        for book, was in zip(books, kept.seen, strict=True):
            follower = Follower(self._reader, book, was.book, was.sync, known, kept.wrote)
            listing = follower.listing(due=due)
            if listing is None:
                seen.append(Seen(book, was.sync))
                continue
            untouched = 0
            yield from map(Missing, follower.gone(listing))
            etags, refs = follower.changed(listing)
            yield from self._cards(book, etags, refs)
            seen.append(Seen(book, listing.token))
        self._keep(seen, self._outside.now() if due else kept.compared, untouched)

    # -- changing --------------------------------------------------------------------------------

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the card with its numbers set and REV, where it has one, set to `now`."""
        return _one_card.patch(card, changes, now)

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare a card with what the server made of it."""
        return _fidelity.compare(sent, found)

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write edits side by side, each on the condition that its card has not moved."""
        for outcome in self._writer.write(edits):
            self._wrote += outcome.status == "written"
            yield outcome

    def refusal(self, card: Card) -> str:
        """Say why a card cannot be written: its book, its address, its size, what it holds."""
        if obstacle := self.obstacle(card, len(card.raw)):
            return obstacle
        spoils = [*self._found.get("loses", "").split(), *self._found.get("refuses", "").split()]
        held = spoilt(card.raw, spoils)
        return f"it holds {held}, which this server loses or refuses" if held else ""

    def obstacle(self, card: Card, size: int) -> str:
        """Say why so many octets cannot be written in place of a card; empty when they can."""
        book = self._book_of(card.ref)
        if book is None:
            return "it is in none of the address books of this source"
        if book.writable is False:
            return f"the address book {book.name} can only be read by {self._address.user or 'us'}"
        if not addressable(card.ref):
            return "its address on the server holds ? or #: no request can name it"
        if "'" in card.ref and _is_sogo(card):
            return "its address on the server holds ', where SOGo writes to another card"
        if book.max_size is not None and size > book.max_size:
            return f"it has {size} octets, the server takes {book.max_size} at most"
        return ""

    # -- what the server does --------------------------------------------------------------------

    def probe(self) -> Iterator[Finding]:
        """Try the server out on a scratch card in the first book that can be written."""
        book = next((book for book in self._books() if book.writable is not False), None)
        if book is None:
            raise SyncerError(f"{self.source}: no address book of it can be written")
        folder = _dav_discovery.path_on(self._transport.site, book.href)
        yield from Probe(self._transport, self._reader, folder).findings()

    def knows(self, findings: Mapping[str, str]) -> None:
        """Take what an earlier probe found out."""
        self._found = findings
        self.__dict__.pop("_writer", None)

    def conditional(self) -> bool:
        """Say whether a probe, or the first write, has shown that If-Match is honoured."""
        writer: Writer | None = self.__dict__.get("_writer")
        return bool(writer.honours) if writer else self._found.get("if-match") == "honoured"


def _secret(address: Address, options: CardDavOptions) -> Secret:
    return find_password(
        address.site.host,
        address.user or "token",
        variable=options.password_env,
        command=options.password_command,
        ask=getpass if sys.stdin and sys.stdin.isatty() else None,
    )


def _card(ref: str, got: Got, etag: str) -> Card:
    """Read what the server gave; one resource holds one card (RFC 6352 §5.1)."""
    stamp = got.etag or etag
    if got.trouble:
        return Card(ref, b"", (), stamp=stamp, trouble=got.trouble)
    return _one_card.read(ref, got.raw, stamp)


def _is_sogo(card: Card) -> bool:
    return "/SOGo/" in card.ref or _dav.strong(card.stamp).startswith("gcs")
