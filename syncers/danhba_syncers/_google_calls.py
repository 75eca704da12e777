"""How is the People API called? List, get, update; with the repeats that do no harm.

Reads are repeated until they go well. A write is repeated only when it was refused for quota; when
it may or may not have been carried out, the caller is told, and looks before it acts.
"""

from __future__ import annotations

import functools
import http.client
import logging
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import google.auth.exceptions
import httplib2
import msgspec
from google_auth_httplib2 import AuthorizedHttp, Request
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from danhba_syncers._google_accounts import Account, AccountError
from danhba_syncers._google_errors import (
    RefusedError,
    SlowError,
    UnclearError,
    judged,
    only_reading,
)
from danhba_syncers._google_pace import PATIENCE_S, Kind, Pace
from danhba_syncers._google_wire import Model, OneTry
from danhba_syncers._people import FIELDS, NO_JSON, name_of
from danhba_syncers._people_sent import WRITTEN, Sent

BATCH = 200
"""Contacts in one batchGet or batchUpdate, at most."""
PAGE = 1000
"""Contacts on one page of a list, at most."""
TRIES = 5
"""How often a read is repeated that came to nothing."""
ENDPOINT = "https://people.googleapis.com/"
_LONG_S = 5.0
"""A wait that a person should be told of."""
_logger = logging.getLogger("danhba.google")

_NO_ANSWER = (
    OSError, http.client.HTTPException, httplib2.HttpLib2Error,
    google.auth.exceptions.GoogleAuthError,
)  # fmt: skip
_NOBODY = (msgspec.Raw(), msgspec.Raw(b"null"))
T = TypeVar("T")


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """A page of a list."""

    connections: list[msgspec.Raw] = []
    next_page_token: str = ""
    next_sync_token: str = ""


class _Status(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class Result(msgspec.Struct, frozen=True, rename="camel"):
    """What the API says about one person of a batch."""

    person: msgspec.Raw = msgspec.Raw()
    requested_resource_name: str = ""
    http_status_code: int = 200
    status: _Status = _Status()

    @property
    def good(self) -> bool:
        """Whether it went well."""
        return self.status.code == 0 and self.http_status_code in (0, 200)

    @property
    def gone(self) -> bool:
        """Whether there is no such person."""
        return self.status.code == 5 or self.http_status_code == 404

    @property
    def stale(self) -> bool:
        """Whether the person has changed since it was read."""
        return self.status.code == 9 or self.http_status_code == 412

    @property
    def passing(self) -> bool:
        """Whether it may go well another time (google.rpc.Code: DEADLINE_EXCEEDED, …)."""
        return self.status.code in (4, 8, 10, 13, 14) or self.http_status_code >= 500


class _Got(msgspec.Struct, frozen=True):
    responses: list[Result] = []


class _Updated(msgspec.Struct, frozen=True, rename="camel"):
    update_result: dict[str, Result] = {}


class Calls:
    """Calls the People API for accounts, from any thread.

    Args:
        pace: How fast.
        endpoint: The root of the API.
        timeout_s: How long to wait for an answer.
    """

    def __init__(self, pace: Pace, endpoint: str = "", timeout_s: float = 60.0) -> None:
        self.pace = pace
        self._timeout_s = timeout_s
        self._service = _people_api((endpoint or ENDPOINT).rstrip("/") + "/")
        self._tries = 2  # until something has gone well, a repeat is not worth much
        self._idle: deque[OneTry] = deque()
        weakref.finalize(self, _close, self._idle)

    # -- reads: repeated until they go well --------------------------------------------------------

    def page(self, account: Account, page_token: str = "", sync_token: str = "") -> Page:
        """Return a page of an account's contacts; of the changes, with a sync token."""
        tokens = {"pageToken": page_token, "syncToken": sync_token}
        request = self._service.connections().list(
            resourceName="people/me",
            personFields=FIELDS,
            pageSize=PAGE,
            requestSyncToken=True,
            **{name: token for name, token in tokens.items() if token},
        )
        return self._read(account, request, Page)

    def get(self, account: Account, name: str) -> msgspec.Raw | None:
        """Return one person, complete; None when there is none."""
        request = self._service.get(resourceName=name, personFields=FIELDS)
        try:
            return self._read(account, request, msgspec.Raw)
        except RefusedError as error:
            if error.reason == "NOT_FOUND":
                return None
            raise

    def people(
        self, account: Account, names: Sequence[str], fields: str = FIELDS
    ) -> dict[str, msgspec.Raw | None]:
        """Return persons by the name each was asked for; None for those that are not there."""
        request = self._service.getBatchGet(resourceNames=list(names), personFields=fields)
        found = {
            result.requested_resource_name or name_of(result.person): result
            for result in self._read(account, request, _Got).responses
        }
        return {name: self._present(account, name, found.get(name)) for name in names}

    def _present(self, account: Account, name: str, result: Result | None) -> msgspec.Raw | None:
        if result and result.good and result.person not in _NOBODY:
            return result.person
        return None if result and result.gone else self.get(account, name)

    def _read(self, account: Account, request: Any, kind: type[T]) -> T:  # noqa: ANN401 - library's
        tries = 0
        while True:
            try:
                found = self._patiently(account, "read", lambda: self._once(account, request))
                return _understood(found, kind)
            except UnclearError:
                if tries >= self._tries:
                    self._tries = 1  # the next account need not wait as long for the same
                    raise
                self.pace.sleep(self.pace.delay(tries))
                tries += 1

    def sign_in(self, account: Account) -> None:
        """Make sure that there is access to an account.

        Raises:
            AccountError: There is none.
            UnclearError: Nobody answers.
        """
        try:
            with self._connection() as connection:
                account.credentials(Request(connection))
        except (OSError, google.auth.exceptions.GoogleAuthError) as error:
            raise UnclearError(f"no access ({error})") from error

    # -- writes: never repeated here ---------------------------------------------------------------

    def update(self, account: Account, contacts: Mapping[str, Sent]) -> dict[str, Result]:
        """Write the phoneNumbers of contacts; return what became of each, as far as it is told.

        Raises:
            UnclearError: Nobody knows which were written.
            RefusedError: Not all were written.
        """
        if account.read_only:
            raise AccountError(only_reading(account.user))
        body = {"contacts": contacts, "updateMask": "phoneNumbers", "readMask": WRITTEN}
        request = self._service.batchUpdateContacts(body=body)
        found = self._patiently(account, "write", lambda: self._once(account, request))
        answer = _understood(found, _Updated)
        return {
            result.requested_resource_name or name: result
            for name, result in answer.update_result.items()
        }

    # -- one call ----------------------------------------------------------------------------------

    def _patiently(self, account: Account, kind: Kind, call: Callable[[], T]) -> T:
        """Make a call when the pace allows it, again when a quota refuses it."""
        waited, tries = 0.0, 0
        while True:
            self.pace.turn(account.user, kind)
            try:
                return call()
            except SlowError as error:
                wait = self.pace.refused(account.user, kind, error.limit, tries)
                waited, tries = waited + wait, tries + 1
                if waited > PATIENCE_S:
                    raise AccountError(
                        f"Google's quota is used up ({error}); run the same command later, it goes"
                        " on where this one stopped"
                    ) from error
                if wait >= _LONG_S:
                    _logger.warning("%s: Google's quota: waiting %.0f s", account.user, wait)

    def _once(self, account: Account, request: Any) -> bytes:  # noqa: ANN401 - library's
        with self._connection() as connection:
            try:
                credentials = account.credentials(Request(connection))
                authorized = AuthorizedHttp(credentials, http=connection)
                answer: bytes = request.execute(http=authorized)
            except HttpError as error:
                refusal = error
            except google.auth.exceptions.RefreshError as error:
                if not error.retryable:
                    raise account.refused(error) from error
                raise UnclearError(f"no access ({error})") from error
            except _NO_ANSWER as error:
                raise UnclearError(f"no answer from Google ({_in_words(error)})") from error
            else:
                self._tries = TRIES
                return answer
        raise judged(account.user, refusal) from refusal

    @contextmanager
    def _connection(self) -> Iterator[OneTry]:
        """Lend a connection, to one thread at a time; after an error it is closed."""
        try:
            found = self._idle.pop()
        except IndexError:
            found = OneTry(timeout=self._timeout_s)
        try:
            yield found
        except BaseException:
            found.close()
            raise
        self._idle.append(found)


@functools.lru_cache(maxsize=1)
def _people_api(endpoint: str) -> Any:  # noqa: ANN401 - library's
    """Return what makes requests; it takes long to build, and sources are opened to check them."""
    options = {"api_endpoint": endpoint}
    return build(
        "people", "v1", http=httplib2.Http(), model=Model(), static_discovery=True,
        client_options=options,
    ).people()  # fmt: skip


def _close(connections: deque[OneTry]) -> None:
    while connections:
        connections.pop().close()


def _understood(answer: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except NO_JSON as error:
        raise UnclearError(f"Google's answer cannot be understood: {error}") from error


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
