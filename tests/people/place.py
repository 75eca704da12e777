"""A server, a folder for its files, and syncers that are signed in: what a test starts from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import keyring
from keyring.backends.fail import Keyring as NoSafe
from tests.people.server import PeopleApi
from tests.people.tokens import CONTACTS, READONLY, Grant

from danhba import packs, run
from danhba.convert import Context
from danhba.difflog import EndLine, LogWriter
from danhba.run import Job, Result
from danhba.state import State
from danhba_syncers._google_accounts import Personal, Token
from danhba_syncers._google_pace import Clock
from danhba_syncers.google import GoogleContacts, GoogleOptions

TODAY = date(2026, 11, 22)
_HOME = packs.load("vn")


class FastClock(Clock):
    """A clock on which waiting takes no time; the server counts its quotas by it too."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.seconds

    def today(self) -> datetime:
        """Return the time of day that goes with it."""
        return datetime(2026, 11, 22, 9, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def chance(self) -> float:
        return 0.5

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        with self._lock:
            self.seconds += seconds
            self.waits.append(seconds)


class Small(GoogleContacts):
    """The syncer with batches so small that a test needs few contacts."""

    batch = 10


class Place:
    """A server with some users, and a folder.

    Args:
        folder: Where files go; the state folder must be set by the environment.
        users: Who has an account.

    Attributes:
        kind: The syncer's class.
    """

    kind = GoogleContacts

    def __init__(self, folder: Path, *users: str) -> None:
        keyring.set_keyring(NoSafe())  # type: ignore[no-untyped-call]  # keyring's
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.clock = FastClock()
        self.users = users or ("an@corp.example",)
        self.api = PeopleApi(*self.users, clock=self.clock.now, now=self.clock.today)
        self.runs = 0

    @property
    def account(self) -> Any:
        """The first user's account."""
        return self.api.accounts[self.users[0]]

    def personal(self, user: str = "", scopes: Iterable[str] = (CONTACTS,), **options: Any) -> Any:
        """Return a syncer of one account, which is signed in."""
        user = user or self.users[0]
        refresh = f"refresh-of-{user}"
        self.api.tokens.refreshing[refresh] = Grant(user, frozenset(scopes))
        syncer = self.open(user, **options)
        (account,) = syncer._accounts.values()
        assert isinstance(account, Personal)
        tokens = self.api.tokens
        account.keep(
            Token(
                refresh, tokens.client_id, tokens.client_secret, f"{self.api.url}/token",
                tuple(scopes),
            )
        )  # fmt: skip
        return syncer

    def company(self, **options: Any) -> Any:
        """Return a syncer of all accounts, by way of the service account."""
        users = options.pop("users", self.users)
        return self.open(
            "corp.example", service_account=str(self.key_file()), users=users, **options
        )

    def open(self, location: str, **options: Any) -> GoogleContacts:
        """Return a syncer as it is made, signed in or not."""
        given = GoogleOptions(endpoint=self.api.url, **options)
        return self.kind(location, given, self.clock)

    def key_file(self) -> Path:
        """Return a key file of the service account."""
        path = self.folder / "key.json"
        path.write_text(json.dumps(self.api.tokens.service_account(self.api.url)))
        return path

    def client_secrets(self) -> Path:
        """Return a file of client secrets."""
        path = self.folder / "client.json"
        path.write_text(json.dumps(self.api.tokens.client_secrets(self.api.url)))
        return path

    # -- whole runs --------------------------------------------------------------------------------

    def job(self, syncer: GoogleContacts) -> Job:
        """Return a job for a run."""
        state = State(self.folder / "state")
        source = syncer.source
        context = Context(
            _HOME, today=TODAY, answers=state.answers(source), ledger=state.ledger(source)
        )
        return Job(syncer, source, context, state, self.clock.today())

    def log(self) -> LogWriter:
        """Return a log in a new file."""
        self.runs += 1
        return LogWriter(self.folder / f"{self.runs}.jsonl")

    def convert(self, syncer: GoogleContacts) -> tuple[EndLine, Result]:
        """Convert in place, as `danhba convert --write` does."""
        with self.log() as log:
            return run.convert_in_place(self.job(syncer), log)

    def undo(self, syncer: GoogleContacts, number: int = 0) -> Result:
        """Undo a run, the last one unless told."""
        path = self.folder / f"{number or self.runs}.jsonl"
        with LogWriter(path) as log:
            return run.undo(self.job(syncer), log, run.read_story(path))


__all__ = ["CONTACTS", "READONLY", "FastClock", "Place", "Small"]
