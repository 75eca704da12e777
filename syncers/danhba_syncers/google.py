"""Google Contacts: the contacts of one account, or of all accounts of a company (People API v1).

`google:me@corp.vn` is one account, signed in with `danhba login`. With `service_account` and
`users` it is a company's. A card's ref is `user/people/c123`, its version the etag of the contact.
Only `phoneNumbers` is ever sent.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import ClassVar, get_args

import msgspec
import platformdirs

from danhba.card import Card, Change, Edit, Missing, Outcome, Phone
from danhba.errors import SyncerError, UsageError
from danhba.private import state_folder
from danhba.secret import Vault
from danhba.syncer import Book, Fidelity
from danhba_syncers import _people, _people_sent
from danhba_syncers._google_accounts import (
    Account,
    Delegated,
    Personal,
    ServiceAccount,
    check_address,
)
from danhba_syncers._google_calls import BATCH, Calls
from danhba_syncers._google_errors import only_reading
from danhba_syncers._google_lanes import Lanes, WriteBatch
from danhba_syncers._google_pace import Clock, Pace
from danhba_syncers._google_read import TROUBLES, Reader, parts
from danhba_syncers._google_sign_in import SignIn, read_app
from danhba_syncers._google_wire import OneTry
from danhba_syncers._google_write import AccountWriter

_ONE_WRITE_S = 5.0
"""What one write of a full batch takes, for a forecast; Google does not say."""
_WRITES_A_MINUTE = 90
"""What Google was seen to allow one user, for a forecast."""
_DOMAINS = re.compile(r"[\w-]+(\.[\w-]+)+(,[\w-]+(\.[\w-]+)+)*")
"""The name of a company's source, when it has no other: the domains of its users."""


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

    location_optional: ClassVar[bool] = True

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


class GoogleContacts:
    """The contacts of Google accounts.

    Args:
        location: The address of one account; a name for them all when `users` are given.
        options: The settings.
        clock: Time and chance.
    """

    Options = GoogleOptions
    supports: frozenset[type] = frozenset(get_args(Change))
    writes_remotely = True
    batch = BATCH

    def __init__(
        self, location: str, options: GoogleOptions | None = None, clock: Clock | None = None
    ) -> None:
        self.options = options or GoogleOptions()
        users = _users(location, self.options)
        domains = sorted({user.partition("@")[2] for user in users})
        everybody = users[0] if len(users) == 1 else ",".join(domains)
        self.source = f"google:{location or everybody}"
        if self.options.endpoint:
            check_address(self.options.endpoint, "endpoint")
        if self.options.token_uri:
            check_address(self.options.token_uri, "token_uri")
        self.pace = Pace(
            clock or Clock(), self.options.writes_per_minute, self.options.requests_per_minute
        )
        self._vault = Vault(state_folder() / "secrets", "google")
        self._accounts = self._open(users)
        self._calls = Calls(self.pace, self.options.endpoint, self.options.timeout_s)
        self._width = max(1, self.options.side_by_side)
        self._reader = Reader(self.source, self._calls, self._accounts, self._width, self.batch)

    def __repr__(self) -> str:
        return f"GoogleContacts({self.source!r})"

    def _open(self, users: Sequence[str]) -> dict[str, Account]:
        options = self.options
        if not options.service_account:
            return {user: Personal(user, self._vault, options.token_uri) for user in users}
        path = Path(options.service_account).expanduser()
        service = ServiceAccount(path, options.token_uri)
        return {user: Delegated(user, service, read_only=options.read_only) for user in users}

    # -- read --------------------------------------------------------------------------------------

    def read(self) -> Iterator[Card]:
        """Yield every contact of every account; an account that cannot be read as a trouble."""
        return self._checked().read()

    def fetch(self, refs: Iterable[str]) -> Iterator[Card | Missing]:
        """Yield the named cards as they are now, 200 a call."""
        return self._checked().fetch(refs)

    def token(self) -> str:
        """Return the sync tokens of the accounts that the last read showed in full."""
        return self._reader.token

    def changes_since(
        self, token: str, known: Mapping[str, str]
    ) -> Iterator[Card | Missing] | None:
        """Yield what changed since, account by account; an account without a token in full."""
        return self._checked().changes_since(token, known)

    def _checked(self) -> Reader:
        """Return the reader, if there is something to read.

        Raises:
            UsageError: It is the domain of a company, and no settings name its users.
        """
        if not self._accounts:
            raise UsageError(
                f"{self.source}: whose contacts? No source of danhba.toml has users of this domain"
            )
        return self._reader

    # -- write -------------------------------------------------------------------------------------

    def patch(self, card: Card, changes: Sequence[Change], now: datetime) -> bytes:
        """Return the person with its phoneNumbers changed; Google itself sets the date."""
        del now
        return _people.patch(card.raw, changes)

    def labelling(self, phone: Phone, labels: tuple[str, ...]) -> tuple[str, ...] | None:
        """Say which labels a number reads with once it is given some: Google keeps one."""
        return _people.labelling(phone, labels)

    def compare(self, sent: bytes, found: bytes) -> Fidelity:
        """Compare what the account's own items say, in any order and without etags."""
        return _people_sent.compare(sent, found)

    def refusal(self, card: Card) -> str:
        """Say why a card must not be written: it is of no contact, or maybe not shown in full."""
        return _people.refusal(card)

    def lane(self, ref: str) -> str:
        """Return the account of a card."""
        return parts(ref)[0]

    def forecast(self, cards: int) -> str:
        """Say what writing takes."""
        calls = math.ceil(cards / self.batch)
        width = min(self._width, len(self._accounts))
        rate = self.options.writes_per_minute or _WRITES_A_MINUTE
        minutes = calls * max(_ONE_WRITE_S, 60 / rate) / width / 60
        if requests := self.options.requests_per_minute:
            minutes = max(minutes, 2 * calls / requests)
        return (
            f"{cards} contacts to write: about {calls} writing and {calls} reading calls to Google,"
            f" {math.ceil(minutes)} min"
        )

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        """Write edits, 200 a call, one call after another for each account."""
        self._check_writable()
        writers: dict[str, AccountWriter] = {}

        def lane(edit: Edit) -> tuple[str, WriteBatch]:
            user = parts(edit.card.ref)[0]
            if user not in writers:
                writers[user] = AccountWriter(self._calls, self._accounts[user])
            return user, writers[user].write

        self.pace.stop.clear()
        yield from Lanes(lane, self._width, self.batch).write(edits, self.pace.stop.set)

    def _check_writable(self) -> None:
        """Stop before the first write when nothing may be written.

        Raises:
            SyncerError: No account may be written.
        """
        self._checked()
        if self.options.read_only:
            raise SyncerError(f"{self.source}: read_only is set for this source")
        if len(self._accounts) == 1:
            (account,) = self._accounts.values()
            try:
                self._calls.sign_in(account)
            except TROUBLES as error:
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
            except TROUBLES as error:
                yield Book(f"google:{account.user}", account.user, None, text=str(error))
            else:
                writable = not (account.read_only or self.options.read_only)
                yield Book(f"google:{account.user}", account.user, writable)

    def login(self, *, headless: bool, ask: Callable[[str], str]) -> str:
        """Let a person sign in, and keep what later runs need."""
        account = self._personal()
        app = read_app(self._client_secrets())
        with closing(OneTry(timeout=self.options.timeout_s)) as connection:
            sign_in = SignIn(account.user, app, connection, read_only=self.options.read_only)
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
        """Find the file of the app: the settings name it, the environment, or it is in its place.

        Raises:
            UsageError: There is none.
        """
        named = self.options.client_secrets or os.environ.get("DANHBA_GOOGLE_CLIENT_SECRETS", "")
        if named:
            return Path(named).expanduser()
        path = platformdirs.user_config_path("danhba", appauthor=False) / "google-client.json"
        if path.exists():
            return path
        raise UsageError(
            f"{self.source}: which app shall be allowed? In Google's console make an OAuth client"
            f" of the type Desktop app, and put its JSON file at {path}, or name it in"
            " client_secrets of the source, or in DANHBA_GOOGLE_CLIENT_SECRETS"
        )


def _users(location: str, options: GoogleOptions) -> list[str]:
    """Return the accounts, each once; none for the domain of a company that has no `users`.

    Raises:
        UsageError: There is none, or one is no address.
    """
    given = [*options.users, *(_users_in(Path(options.users_file)) if options.users_file else ())]
    if not given and _DOMAINS.fullmatch(location):
        return []
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
