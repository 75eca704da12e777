"""What changed in an address book since it was last seen? Sync tokens, trusted with reserve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Literal

import msgspec

from danhba_syncers import _dav
from danhba_syncers._dav_cards import Listing, Reader
from danhba_syncers._dav_discovery import AddressBook


class Seen(msgspec.Struct, frozen=True):
    """A book as it was read.

    Attributes:
        book: As it was listed before that.
        sync: The sync token that came with its cards; empty when there was none.
    """

    book: AddressBook
    sync: str = ""


class Token(msgspec.Struct, frozen=True):
    """What a complete read showed, kept between runs.

    Attributes:
        source: Whose it is: location and chosen books.
        site: The server that DNS led to.
        places: What to look at to list the books.
        depth: How deep.
        seen: The books that were read.
        compared: When all entity tags were compared last.
        wrote: How many cards we wrote after that.
        form: The form of this text.
    """

    source: str
    site: str
    places: tuple[str, ...]
    depth: int
    seen: tuple[Seen, ...]
    compared: datetime
    wrote: int = 0
    form: Literal[1] = 1

    def text(self) -> str:
        """Write it as a text."""
        return msgspec.json.encode(self).decode()


_token = msgspec.json.Decoder(Token)


def read_token(text: str) -> Token | None:
    """Read a token; None when it is none, or of another form."""
    try:
        return _token.decode(text)
    except msgspec.DecodeError:
        return None


class Follower:
    """Finds out what changed in one book since it was last seen.

    Args:
        reader: Reads the book.
        book: As it is listed now.
        was: As it was listed then.
        sync: Its sync token then; empty when there was none.
        known: ref -> version of the cards as they were last seen, of any book.
        wrote: How many cards we wrote ourselves since.
    """

    def __init__(
        self,
        reader: Reader,
        book: AddressBook,
        was: AddressBook,
        sync: str,
        known: Mapping[str, str],
        wrote: int,
    ) -> None:
        self._reader = reader
        self._book = book
        self._was = was
        self._sync = sync
        self._known = known
        self._wrote = wrote
        self._is_whole = False

    @cached_property
    def _mine(self) -> dict[str, str]:
        """The refs known of this book, by address however it is spelled."""
        folder = f"{_dav.same(self._book.href)}/"
        named = ((_dav.same(ref), ref) for ref in self._known)
        return {address: ref for address, ref in named if address.startswith(folder)}

    def listing(self, *, due: bool) -> Listing | None:
        """List the changes, or the whole book where that is safer; None when there are none.

        Args:
            due: Whether the book must be listed by its entity tags.
        """
        book = self._book
        if due and (book.sync_token or not book.syncs):
            self._is_whole = True
            return self._reader.etags(book)._replace(token=book.sync_token)
        if not due and book is not self._was and self._stands_still():
            return None
        delta = self._reader.changes(book, self._sync) if self._sync and not due else None
        if delta and not self._is_doubtful(delta):
            return delta
        self._is_whole = True
        return self._reader.whole(book)

    def _stands_still(self) -> bool:
        """Say whether the list of books shows that nothing moved."""
        now, was = self._book, self._was
        if now.sync_token:
            return now.sync_token in (self._sync, was.sync_token) and now.ctag == was.ctag
        return bool(now.ctag) and now.ctag == was.ctag

    def _is_doubtful(self, delta: Listing) -> bool:
        """Say whether the server did not notice that the token is not valid.

        DAViCal then lists everything, SOGo everything or nothing; deletions do not show in it. A
        real list of changes holds no card that we know as it is, but for those we wrote; and when
        everything was listed, few known cards were not.
        """
        if not delta.token:
            return True
        if not delta.etags and not delta.gone:
            return delta.token != self._sync
        unchanged = len(delta.etags) - len(self.changed(delta)[0])
        return unchanged > self._wrote and 2 * len(delta.etags) > len(self._mine)

    def gone(self, listing: Listing) -> Iterator[str]:
        """Yield the refs of known cards that are not there any more."""
        if self._is_whole:
            present = {_dav.same(href) for href in listing.etags}
            yield from (ref for address, ref in self._mine.items() if address not in present)
        else:
            yield from (ref for href in listing.gone if (ref := self._ref(href)) in self._known)

    def changed(self, listing: Listing) -> tuple[dict[str, str], dict[str, str]]:
        """Return the entity tag and the ref of each listed address whose card is not known."""
        etags: dict[str, str] = {}
        refs: dict[str, str] = {}
        for href, etag in listing.etags.items():
            ref = self._ref(href)
            if not etag or _dav.strong(self._known.get(ref, "")) != _dav.strong(etag):
                etags[href], refs[href] = etag, ref
        return etags, refs

    def _ref(self, href: str) -> str:
        """Return the ref of an address: the known spelling where there is one."""
        return href if href in self._known else self._mine.get(_dav.same(href), href)
