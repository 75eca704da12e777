"""Google Contacts: the contacts of one account, or of all accounts of a company (People API v1).

`google:me@corp.vn` is one account, signed in with `danhba login`. With `service_account` and
`users` it is a company's. A card's ref is `user/people/c123`, its version the etag of the contact.
Only `phoneNumbers` is ever sent.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

import danhba.card as model
from danhba.card import Card, Change, Edit, Missing, Outcome
from danhba.errors import SyncerError, UsageError
from danhba.secret import Vault
from danhba.state import state_folder
from danhba.syncer import Book, Fidelity
from danhba_syncers import _people
from danhba_syncers._google_accounts import (
    Account,
    AccountError,
    Delegated,
    Personal,
    ServiceAccount,
    check_address,
)
from danhba_syncers._google_calls import BATCH, PAGE, Calls
from danhba_syncers._google_errors import RefusedError, UnclearError, only_reading
from danhba_syncers._google_pace import Clock, Pace
from danhba_syncers._google_sign_in import SignIn, read_app
from danhba_syncers._google_wire import OneTry
from danhba_syncers._google_write import AccountWriter, Lanes
from danhba_syncers._people import FIELDS, LISTED, Person
from danhba_syncers._side_by_side import in_order

_ONE_WRITE_S = 5.0
"""What one write of a full batch takes, for a forecast; Google does not say."""
_WRITES_A_MINUTE = 90
"""What Google was seen to allow one user, for a forecast."""
_TROUBLES = (AccountError, UnclearError, RefusedError)


class GoogleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a source.

    Attributes:
        users: The accounts of a company; with `service_account`.
        users_file: A file with their addresses, one a line; # begins a comment.
        service_account: The key file of a service account with domain-wide delegation.
        client_secrets: The file of the app that a person allows, for `danhba login`.
        read_only: Whether to ask for reading alone.
        side_by_side: How many accounts are worked on at the same time.
        writes_per_minute: Writing calls that one account may make in a minute; 0: as many as
            Google takes.
        requests_per_minute: Calls that all accounts may make together in a minute; 0: likewise.
        timeout_s: How long to wait for an answer, in seconds.
        endpoint: The root of the API, where it is not Google's own.
        token_uri: Where access tokens are got, where it is not what the key file says.
    """

    users: tuple[str, ...] = ()
    users_file: str = ""
    service_account: str = ""
    client_secrets: str = ""
    read_only: bool = False
    side_by_side: int = 8
    writes_per_minute: int = 0
    requests_per_minute: int = 0
    timeout_s: float = 60.0
    endpoint: str = ""
    token_uri: str = ""


class _Token(msgspec.Struct, frozen=True):
    """What a read showed: the sync token of each account, and the list calls it belongs to."""

    users: dict[str, str]
    calls: str = f"{FIELDS};{PAGE}"


class GoogleContacts:
    """The contacts of Google accounts.

    Args:
        location: The address of one account; a name for them all when `users` are given.
        options: The settings.
        clock: Time and chance.
    """

    Options = GoogleOptions
    supports: frozenset[type] = frozenset(
        {model.SetNumber, model.SetLabel, model.AddPhone, model.DropPhone}
    )
    writes_remotely = True
    batch = BATCH

    def __init__(
        self, location: str, options: GoogleOptions | None = None, clock: Clock | None = None
    ) -> None:
        self.options = options or GoogleOptions()
        users = _users(location, self.options)
        self.source = f"google:{location or users[0]}"
        if self.options.endpoint:
            check_address(self.options.endpoint, "endpoint")
        if self.options.token_uri:
            check_address(self.options.token_uri, "token_uri")
        self.pace = Pace(
            clock or Clock(), self.options.writes_per_minute, self.options.requests_per_minute
        )
        self._vault = Vault(state_folder() / "secrets", "google")
        self._accounts = self._open(users)
        self._lock = threading.Lock()
        self._made: Calls | None = None
        self._token = ""

    def __repr__(self) -> str:
        return f"GoogleContacts({self.source!r})"

    def _open(self, users: Sequence[str]) -> dict[str, Account]:
        options = self.options
        if not options.service_account:
            return {user: Personal(user, self._vault, options.token_uri) for user in users}
        path = Path(options.service_account).expanduser()
        service = ServiceAccount(path, options.token_uri)
        return {user: Delegated(user, service, read_only=options.read_only) for user in users}

    @property
    def _calls(self) -> Calls:
        with self._lock:
            if self._made is None:
                self._made = Calls(self.pace, self.options.endpoint, self.options.timeout_s)
            return self._made

    # -- read --------------------------------------------------------------------------------------

    def read(self) -> Iterator[Card]:
        """Yield every contact of every account; an account that cannot be read as a trouble."""
        tokens: dict[str, str] = {}
        accounts = self._accounts.values()
        yield from self._in_order(self._listed(account, tokens) for account in accounts)
        self._token = _written_down(tokens)

    def _in_order(self, pages: Iterable[Iterator[list[Card]]]) -> Iterator[Card]:
        for cards in in_order(pages, self.options.side_by_side):
            yield from cards

    def _listed(self, account: Account, tokens: dict[str, str]) -> Iterator[list[Card]]:
        """Yield the cards of an account page by page; keep its sync token."""
        try:
            yield from self._pages(account, tokens)
        except _TROUBLES as error:
            yield [self._trouble(account.user, error)]

    def _trouble(self, user: str, error: Exception) -> Card:
        """Return what stands for an account that cannot be read, if there are others.

        Raises:
            SyncerError: It is the only one.
        """
        if len(self._accounts) == 1:
            raise SyncerError(f"{self.source}: {error}") from error
        return Card(user, b"", (), trouble=str(error))

    def _pages(self, account: Account, tokens: dict[str, str]) -> Iterator[list[Card]]:
        """Yield the cards of an account; one that moves while it is listed comes once."""
        seen: set[str] = set()
        page_token = ""
        while True:
            page = self._calls.page(account, page_token)
            listed = {_named(person): person for person in page.connections}
            yield [self._card(account, p) for name, p in listed.items() if name not in seen]
            seen.update(listed)
            page_token = page.next_page_token
            if not page_token:
                tokens[account.user] = page.next_sync_token
                return

    def _card(self, account: Account, person: Person, ref: str = "") -> Card:
        """Return a person as a card, complete: a list shows a hundred phones at most."""
        name = _named(person)
        ref = ref or f"{account.user}/{name}"
        if len(person.get("phoneNumbers", ())) >= LISTED:
            try:
                person = self._calls.get(account, name) or person
            except _TROUBLES as error:
                return Card(ref, b"", (), trouble=f"cannot be read in full: {error}")
        return _people.card_of(ref, person)

    # -- fetch -------------------------------------------------------------------------------------

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the named cards as they are now, 200 a call."""
        yield from (card for cards in self._fetched(refs) for card in cards)

    def _fetched(self, refs: Iterable[str]) -> Iterator[list[Card | Missing]]:
        waiting: dict[str, dict[str, str]] = {}
        for ref in refs:
            user, name = _parts(ref)
            if user not in self._accounts or not name:
                yield [Missing(ref)]
                continue
            batch = waiting.setdefault(user, {})
            batch[name] = ref
            if len(batch) == BATCH:
                yield self._got(self._accounts[user], waiting.pop(user))
        for user, batch in waiting.items():
            yield self._got(self._accounts[user], batch)

    def _got(self, account: Account, refs: Mapping[str, str]) -> list[Card | Missing]:
        try:
            found = self._calls.people(account, list(refs))
        except _TROUBLES as error:
            if len(self._accounts) == 1:
                raise SyncerError(f"{self.source}: {error}") from error
            return [Card(ref, b"", (), trouble=str(error)) for ref in refs.values()]
        return [
            Missing(refs[name]) if person is None else self._card(account, person, refs[name])
            for name, person in found.items()
        ]

    # -- what changed ------------------------------------------------------------------------------

    def token(self) -> str:
        """Return the sync tokens of the accounts that the last read showed in full."""
        return self._token

    def changes_since(
        self, token: str, known: Mapping[str, str]
    ) -> Iterator[Card | Missing] | None:
        """Yield what changed since, account by account; an account without a token in full."""
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
            here.setdefault(_parts(ref)[0], []).append(ref)
        for user in here.keys() - self._accounts.keys():
            yield from map(Missing, here[user])
        for account in self._accounts.values():
            yield from self._changes_of(account, tokens, here.get(account.user, []), known)
        self._token = _written_down(tokens)

    def _changes_of(
        self,
        account: Account,
        tokens: dict[str, str],
        refs: list[str],
        known: Mapping[str, str],
    ) -> Iterator[Card | Missing]:
        try:
            if account.user in tokens and (changed := self._synced(account, tokens)) is not None:
                yield from self._news(account, changed, known)
                return
            yield from self._anew(account, tokens, refs, known)
        except _TROUBLES as error:
            yield self._trouble(account.user, error)

    def _synced(self, account: Account, tokens: dict[str, str]) -> list[Person] | None:
        """Return the persons that changed; None when the sync token is too old."""
        changed: list[Person] = []
        page_token = ""
        while True:
            try:
                page = self._calls.page(account, page_token, tokens[account.user])
            except RefusedError as error:
                if error.reason in ("EXPIRED_SYNC_TOKEN", "INVALID_ARGUMENT"):
                    return None
                raise
            changed += page.connections
            page_token = page.next_page_token
            if not page_token:
                tokens[account.user] = page.next_sync_token
                return changed

    def _news(
        self, account: Account, changed: list[Person], known: Mapping[str, str]
    ) -> Iterator[Card | Missing]:
        """Yield changed persons; those that are gone, or go by another name now, as missing."""
        latest = {_named(person): person for person in changed}
        gone = {name for name, person in latest.items() if _deleted(person)}
        for person in latest.values():
            gone.update(person.get("metadata", {}).get("previousResourceNames", ()))
        present = latest.keys() - gone
        refs = (f"{account.user}/{name}" for name in gone - present)
        yield from (Missing(ref) for ref in refs if ref in known)
        yield from (self._card(account, p) for n, p in latest.items() if n in present)

    def _anew(
        self,
        account: Account,
        tokens: dict[str, str],
        refs: list[str],
        known: Mapping[str, str],
    ) -> Iterator[Card | Missing]:
        """Read an account in full; yield what is not as it is known."""
        found: set[str] = set()
        tokens.pop(account.user, None)
        for cards in self._pages(account, tokens):
            for card in cards:
                found.add(card.ref)
                if card.trouble or known.get(card.ref) != card.version:
                    yield card
        yield from (Missing(ref) for ref in refs if ref not in found)

    # -- write -------------------------------------------------------------------------------------

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the person with its phoneNumbers changed; Google itself sets the date."""
        del now
        return _people.patch(card.raw, changes)

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare what the account's own items say, in any order and without etags."""
        return _people.compare(sent, found)

    def refusal(self, card: Card) -> str:
        """Say why a card must not be written: it is of no contact, or maybe not shown in full."""
        return _people.refusal(card)

    def lane(self, ref: str) -> str:
        """Return the account of a card."""
        return _parts(ref)[0]

    def forecast(self, cards: int) -> str:
        """Say what writing takes."""
        calls = math.ceil(cards / BATCH)
        width = min(self.options.side_by_side, len(self._accounts))
        rate = self.options.writes_per_minute or _WRITES_A_MINUTE
        minutes = calls * max(_ONE_WRITE_S, 60 / rate) / width / 60
        if requests := self.options.requests_per_minute:
            minutes = max(minutes, 3 * calls / requests)
        return (
            f"{cards} contacts in {len(self._accounts)} Google accounts: about {calls} writes and"
            f" {2 * calls} reads, {max(1, math.ceil(minutes))} minutes"
        )

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write edits, 200 a call, one call after another for each account."""
        self._check_writable()
        writers: dict[str, AccountWriter] = {}

        def lane(edit: Edit) -> tuple[str, Callable[[Sequence[Edit]], list[Outcome]]]:
            user = _parts(edit.card.ref)[0]
            if user not in writers:
                writers[user] = AccountWriter(self._calls, self._accounts[user])
            return user, writers[user].write

        lanes = Lanes(lane, max(1, self.options.side_by_side))
        yield from lanes.write(edits, self.pace.stop.set)

    def _check_writable(self) -> None:
        """Stop before the first write when nothing may be written.

        Raises:
            SyncerError: No account may be written.
        """
        if self.options.read_only:
            raise SyncerError(f"{self.source}: read_only is set for this source")
        if len(self._accounts) == 1:
            (account,) = self._accounts.values()
            try:
                self._calls.sign_in(account)
            except _TROUBLES as error:
                raise SyncerError(f"{self.source}: {error}") from error
        if all(account.read_only for account in self._accounts.values()):
            user = next(iter(self._accounts))
            raise SyncerError(f"{self.source}: {only_reading(user)}")

    # -- accounts ----------------------------------------------------------------------------------

    def books(self) -> Iterator[Book]:
        """Yield the accounts."""
        for account in self._accounts.values():
            try:
                self._calls.sign_in(account)
            except _TROUBLES as error:
                yield Book(f"google:{account.user}", account.user, None, text=str(error))
            else:
                writable = not (account.read_only or self.options.read_only)
                yield Book(f"google:{account.user}", account.user, writable)

    def login(self, *, headless: bool, ask: Callable[[str], str]) -> str:
        """Let a person sign in, and keep what later runs need."""
        account = self._personal()
        app = read_app(self._client_secrets())
        sign_in = SignIn(
            account.user, app, OneTry(timeout=self.options.timeout_s),
            read_only=self.options.read_only,
        )  # fmt: skip
        token = sign_in.by_pasting(ask) if headless else sign_in.by_browser()
        account.keep(token)
        return account.user

    def logout(self) -> bool:
        """Forget the sign-in."""
        return self._vault.delete(self._personal().user)

    def _personal(self) -> Personal:
        accounts = list(self._accounts.values())
        if len(accounts) == 1 and isinstance(accounts[0], Personal):
            return accounts[0]
        raise UsageError(
            f"{self.source}: a service account needs no sign-in; its key file is all it takes"
            if self.options.service_account
            else f"{self.source}: sign in to one account at a time: danhba login google:USER"
        )

    def _client_secrets(self) -> Path:
        if self.options.client_secrets:
            return Path(self.options.client_secrets).expanduser()
        raise UsageError(
            f"{self.source}: client_secrets is not set: the JSON file of an OAuth client of the"
            " type Desktop app, from Google's console"
        )


def _users(location: str, options: GoogleOptions) -> list[str]:
    """Return the accounts, each once.

    Raises:
        UsageError: There is none, or one is no address.
    """
    given = [*options.users, *(_users_in(Path(options.users_file)) if options.users_file else ())]
    users = dict.fromkeys(user.strip().lower() for user in given or [location])
    if not given and not location:
        raise UsageError("google: whose contacts? Write google:me@example.com, or set users")
    for user in users:
        name, at, domain = user.partition("@")
        if not (name and at and domain) or "/" in user or "@" in domain or len(user.split()) != 1:
            raise UsageError(f"google:{location}: {user!r} is no address of an account")
    if len(users) > 1 and not options.service_account:
        raise UsageError(f"google:{location}: several users need service_account to be set")
    return list(users)


def _users_in(path: Path) -> Iterator[str]:
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    for line in text.split("\n"):
        if user := line.partition("#")[0].strip():
            yield user


def _parts(ref: str) -> tuple[str, str]:
    """Split a ref into the account and the person's resource name."""
    user, slash, name = ref.partition("/")
    return user, name if slash else ""


def _named(person: Person) -> str:
    return str(person.get("resourceName", ""))


def _deleted(person: Person) -> bool:
    return bool(person.get("metadata", {}).get("deleted"))


def _written_down(tokens: Mapping[str, str]) -> str:
    kept = {user: token for user, token in tokens.items() if token}
    return msgspec.json.encode(_Token(kept)).decode() if kept else ""
