"""How are the contacts of many accounts read: all of them, some by name, or only what changed?

An account that cannot be read does not stop the others: a card with its trouble stands for it. A
list shows a hundred phones of a person at most, so that one with that many is read singly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from danhba.card import Card, Missing
from danhba.errors import SyncerError
from danhba_syncers import _people
from danhba_syncers._google_accounts import Account, AccountError
from danhba_syncers._google_calls import PAGE, Calls
from danhba_syncers._google_errors import RefusedError, UnclearError
from danhba_syncers._people import FIELDS, LISTED, Found
from danhba_syncers._side_by_side import in_order

TROUBLES = (AccountError, UnclearError, RefusedError)
"""What can be wrong with one account."""


def parts(ref: str) -> tuple[str, str]:
    """Split a ref into the account and the person's resource name."""
    user, _, name = ref.partition("/")
    return user, name


class _Token(msgspec.Struct, frozen=True):
    """What a read showed.

    Attributes:
        users: account -> its sync token; not there for one that was not read in full.
        calls: How it was read; a sync token is good for the same kind of calls only.
    """

    users: dict[str, str]
    calls: str = f"{FIELDS};{PAGE}"


class Reader:
    """Reads accounts.

    Args:
        source: Their name in messages.
        calls: The API.
        accounts: The accounts by user.
        width: How many are read at the same time.
        batch: How many persons are asked for in one call.

    Attributes:
        token: What the last complete read, or look for changes, showed.
    """

    def __init__(
        self,
        source: str,
        calls: Calls,
        accounts: Mapping[str, Account],
        width: int,
        batch: int,
    ) -> None:
        self.token = ""
        self._source, self._calls, self._accounts = source, calls, accounts
        self._width, self._batch = width, batch

    # -- everything --------------------------------------------------------------------------------

    def read(self) -> Iterator[Card]:
        """Yield every contact, account by account."""
        tokens: dict[str, str] = {}
        pages = (self._listed(account, tokens) for account in self._accounts.values())
        for cards in in_order(pages, self._width):
            yield from cards
        self._remember(tokens)

    def _listed(self, account: Account, tokens: dict[str, str]) -> Iterator[list[Card]]:
        try:
            yield from self._pages(account, tokens)
        except TROUBLES as error:
            yield [self._trouble(account.user, error)]

    def _trouble(self, user: str, error: Exception) -> Card:
        """Return what stands for an account that cannot be read, if there are others.

        Raises:
            SyncerError: It is the only one.
        """
        if len(self._accounts) == 1:
            raise SyncerError(f"{self._source}: {error}") from error
        return Card(user, b"", (), trouble=str(error))

    def _pages(self, account: Account, tokens: dict[str, str]) -> Iterator[list[Card]]:
        """Yield the cards of an account, a page each, and keep its sync token.

        A contact that is changed while the list is read comes again at its end; it counts once.
        """
        seen: set[str] = set()
        page_token = ""
        while True:
            page = self._calls.page(account, page_token)
            listed = _latest(page.connections)
            yield [self._card(account, p) for name, p in listed.items() if name not in seen]
            seen.update(listed)
            page_token = page.next_page_token
            if not page_token:
                tokens[account.user] = page.next_sync_token
                return

    def _card(self, account: Account, person: Found, ref: str = "") -> Card:
        """Return a person as a card, complete."""
        name = person.known.resource_name
        ref = ref or f"{account.user}/{name}"
        if len(person.known.phone_numbers) >= LISTED:
            try:
                whole = self._calls.get(account, name)
            except TROUBLES as error:
                return Card(ref, b"", (), trouble=f"cannot be read in full: {error}")
            complete = _people.found(whole) if whole else person
            person = complete if complete.known.resource_name else person
        return _people.card_of(ref, person)

    # -- some --------------------------------------------------------------------------------------

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the named cards as they are now, many in one call."""
        waiting: dict[str, dict[str, str]] = {}
        for ref in refs:
            user, name = parts(ref)
            if user not in self._accounts or not name:
                yield Missing(ref)
                continue
            batch = waiting.setdefault(user, {})
            batch[name] = ref
            if len(batch) == self._batch:
                yield from self._got(self._accounts[user], waiting.pop(user))
        for user, batch in waiting.items():
            yield from self._got(self._accounts[user], batch)

    def _got(self, account: Account, refs: Mapping[str, str]) -> list[Card | Missing]:
        try:
            found = self._calls.people(account, list(refs))
        except TROUBLES as error:
            return [self._lacking(ref, error) for ref in refs.values()]
        return [
            self._card(account, _people.found(person), refs[name])
            if person
            else Missing(refs[name])
            for name, person in found.items()
        ]

    def _lacking(self, ref: str, error: Exception) -> Card:
        self._trouble(ref, error)
        return Card(ref, b"", (), trouble=str(error))

    # -- what changed ------------------------------------------------------------------------------

    def changes_since(
        self, token: str, known: Mapping[str, str]
    ) -> Iterator[Card | Missing] | None:
        """Yield what changed since; an account without a valid sync token is read in full."""
        try:
            since = msgspec.json.decode(token, type=_Token)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
        return self._changes(since.users, known) if since.calls == _Token({}).calls else None

    def _changes(
        self, since: Mapping[str, str], known: Mapping[str, str]
    ) -> Iterator[Card | Missing]:
        tokens = {user: token for user, token in since.items() if user in self._accounts}
        here: dict[str, list[str]] = {}
        for ref in known:
            here.setdefault(parts(ref)[0], []).append(ref)
        for user in here.keys() - self._accounts.keys():
            yield from map(Missing, here[user])
        changes = (
            self._changes_of(account, tokens, here.get(user, ()), known)
            for user, account in self._accounts.items()
        )
        for cards in in_order(changes, self._width):
            yield from cards
        self._remember(tokens)

    def _changes_of(
        self,
        account: Account,
        tokens: dict[str, str],
        refs: Iterable[str],
        known: Mapping[str, str],
    ) -> Iterator[list[Card | Missing]]:
        try:
            changed = self._synced(account, tokens)
            if changed is not None:
                yield list(self._news(account, changed, known))
            else:
                yield from self._anew(account, tokens, refs, known)
        except TROUBLES as error:
            yield [self._trouble(account.user, error)]

    def _synced(self, account: Account, tokens: dict[str, str]) -> list[msgspec.Raw] | None:
        """Return the persons that changed; None when there is no sync token that is good."""
        token = tokens.get(account.user)
        changed: list[msgspec.Raw] = []
        page_token = ""
        while token:
            try:
                page = self._calls.page(account, page_token, token)
            except RefusedError:
                # EXPIRED_SYNC_TOKEN after a week; whatever else is wrong with it, the list will say
                return None
            changed += page.connections
            page_token = page.next_page_token
            if not page_token:
                tokens[account.user] = page.next_sync_token
                return changed
        return None

    def _news(
        self, account: Account, changed: list[msgspec.Raw], known: Mapping[str, str]
    ) -> Iterator[Card | Missing]:
        """Yield changed persons; those that are gone, or go by another name now, as missing."""
        latest = _latest(changed)
        gone = {name for name, person in latest.items() if person.known.metadata.deleted}
        for person in latest.values():
            gone.update(person.known.metadata.previous_resource_names)
        present = latest.keys() - gone
        refs = (f"{account.user}/{name}" for name in sorted(gone))
        yield from (Missing(ref) for ref in refs if ref in known)
        yield from (self._card(account, p) for name, p in latest.items() if name in present)

    def _anew(
        self,
        account: Account,
        tokens: dict[str, str],
        refs: Iterable[str],
        known: Mapping[str, str],
    ) -> Iterator[list[Card | Missing]]:
        """Read an account in full; yield what is not as it is known."""
        found: set[str] = set()
        tokens.pop(account.user, None)
        for cards in self._pages(account, tokens):
            found.update(card.ref for card in cards)
            yield [c for c in cards if c.trouble or known.get(c.ref) != c.version]
        yield [Missing(ref) for ref in refs if ref not in found]

    def _remember(self, tokens: Mapping[str, str]) -> None:
        kept = {user: token for user, token in tokens.items() if token}
        self.token = msgspec.json.encode(_Token(kept)).decode() if kept else ""


def _latest(persons: Iterable[msgspec.Raw]) -> dict[str, Found]:
    """Return persons by name; of one that comes twice, how it is at last."""
    found = map(_people.found, persons)
    return {person.known.resource_name: person for person in found}
