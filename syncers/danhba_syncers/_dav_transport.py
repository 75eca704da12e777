"""How does a request get to the server, from any thread, and what if that is not so simple?

Signing in, redirects by hand, credentials for one server only, waiting when the server says so.
"""

from __future__ import annotations

import email.utils
import itertools
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urljoin

from danhba.errors import SyncerError
from danhba.secret import Secret
from danhba_syncers import _dav
from danhba_syncers._dav_address import Site, site_of
from danhba_syncers._dav_client import Answer, Client, Limits, NoAnswerError

XML = "application/xml; charset=utf-8"
VCARD = "text/vcard; charset=utf-8"
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 5
_TRIES = 3
"""How often a request that changes nothing is sent, when the network or the server fails."""
_SAFE = frozenset({"PROPFIND", "REPORT", "GET"})
_PASSING = frozenset({423, 500, 502, 503, 504})
"""Statuses that may be another one when asked again."""


class BusyError(SyncerError):
    """The server asks to wait longer than we do in one run."""


class Outside(NamedTuple):
    """The clock and the dice; tests bring their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class Login(NamedTuple):
    """Who signs in, and how.

    Attributes:
        user: Empty for nobody.
        spare: Another name for the same user, tried when the first is refused; empty for none.
        kind: `basic`, `digest`, `bearer`, or `auto`.
        secret: Finds the password or token; asked once, when it is needed.
    """

    user: str
    spare: str
    kind: str
    secret: Callable[[], Secret]


class _Way(NamedTuple):
    """How requests are signed at present; no kind when not at all."""

    kind: str = ""
    user: str = ""


class Transport:
    """Requests to one server, from any thread.

    Attributes:
        site: The server; moves with a redirect from http to https.
        count: Requests sent so far.
    """

    def __init__(
        self,
        site: Site,
        login: Login,
        limits: Limits,
        *,
        ca_file: str = "",
        cert: tuple[str, str] | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.site = site
        self.count = 0
        self._login = login
        self._outside = outside or Outside()
        self._client = Client(site, limits, ca_file, cert)
        self._patience = Patience(limits.patience_s, self._outside)
        self._lock = threading.RLock()
        self._way: _Way | None = None  # None: nothing was sent yet
        self._refused = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- the verbs -------------------------------------------------------------------------------

    def propfind(self, path: str, properties: str, depth: int) -> Answer:
        """Ask for the properties of a resource, and with depth 1 of those in it."""
        return self._surely("PROPFIND", path, _dav.propfind(properties), Depth=str(depth))

    def report(self, path: str, body: bytes) -> Answer:
        """Send a report about what is in a collection."""
        # RFC 6578 §3.2 wants Depth 0 and RFC 6352 §8.7 ignores it: the report itself reaches in
        return self._surely("REPORT", path, body, Depth="0")

    def get(self, path: str) -> Answer:
        """Fetch a card's own bytes."""
        # two types of one weight are a 500 on Xandikos 0.4.10; compressed, Cyrus' tag is weak
        return self._surely("GET", path, b"", Accept="text/vcard", Accept_Encoding="identity")

    def put(self, path: str, card: bytes, **condition: str) -> Answer:
        """Store a card on a condition (`If_Match`, `If_None_Match`); sent once, come what may.

        After 429 and 503 the next request waits as long as the server asks for.
        """
        return self._patiently("PUT", path, card, _headers(Content_Type=VCARD, **condition))

    def delete(self, path: str, **condition: str) -> Answer:
        """Remove a card; sent once."""
        return self._patiently("DELETE", path, b"", _headers(**condition))

    # -- the way there and back ------------------------------------------------------------------

    def _surely(self, method: str, path: str, body: bytes, **named: str) -> Answer:
        """Send what changes nothing, again when the network or the server fails."""
        headers = _headers(**named)
        for attempt in range(1, _TRIES):
            try:
                answer = self._patiently(method, path, body, headers)
                if answer.status not in _PASSING:
                    return answer
            except NoAnswerError:
                pass
            self.back_off(attempt)
        return self._patiently(method, path, body, headers)

    def back_off(self, attempt: int, about_s: float = 1) -> None:
        """Wait a little, longer each time, before the same is tried again."""
        self._outside.sleep((0.5 + self._outside.jitter()) * about_s * 2 ** (attempt - 1))

    def _patiently(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Send; while the server says that it is busy, wait as long as it asks for."""
        for attempt in itertools.count(1):
            self._patience.wait()
            answer = self._redirected(method, path, body, headers)
            if answer.status not in (429, 503):
                break
            delay = retry_after(answer.headers.get("Retry-After", ""), self._outside.now())
            if delay is not None:
                self._patience.extend(delay, str(self.site))
            elif method in _SAFE and answer.status == 429 and attempt < _TRIES:
                self.back_off(attempt)
            else:
                break
            if method not in _SAFE:
                break
        return answer

    def _redirected(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Send; follow redirects on this server, with method and body as they were."""
        url = f"{self.site}{path}"
        for _ in range(_MOST_REDIRECTS):
            answer = self._signed(method, url, body, headers)
            target = str(answer.headers.get("Location", ""))
            if answer.status not in _REDIRECTS or not target:
                return answer
            url = self._target(url, target)
        raise SyncerError(f"{self.site}{path}: redirected more than {_MOST_REDIRECTS} times")

    def _target(self, url: str, target: str) -> str:
        """Return where a redirect leads, if credentials may go there."""
        found = urljoin(url, target).partition("#")[0]
        site = site_of(found)
        if not self.site.may_move_to(site):
            raise SyncerError(
                f"{self.site} sends us to another server, {site}. Credentials are not sent there;"
                f" if it is the right one, give it as the source: carddav+{found[:200]}"
            )
        self.site = site
        return found

    # -- signing in ------------------------------------------------------------------------------

    def _signed(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Send with credentials; on 401 sign in as the server wants, or under the other name."""
        while True:
            with self._lock:
                way = self._way = self._first_way() if self._way is None else self._way
                self.count += 1
            answer = self._client.request(url, method, body, headers)
            if answer.status != 401 or not self._next_way(way, answer):
                return answer

    def _first_way(self) -> _Way:
        """Sign in before the server asks, where that is safe: its 401 would cost a request."""
        kind = self._login.kind if self._login.kind != "auto" else "basic"
        known = self._login.user or kind == "bearer"
        return self._sign(kind) if known and self.site.secure and kind != "digest" else _Way()

    def _next_way(self, way: _Way, answer: Answer) -> bool:
        """Sign in otherwise after a 401; False when there is no way left."""
        with self._lock:
            if self._way != way:
                return True  # another thread has found one
            login = self._login
            if self._refused or not login.user:
                return False
            offered = self._client.extract_auth_types(answer.headers.get("WWW-Authenticate", ""))
            if way.kind != "digest" and login.kind in ("auto", "digest") and "digest" in offered:
                self._way = self._sign("digest")
            elif not way.kind:
                raise SyncerError(
                    f"{self.site}: offers no Digest, and another way would send the password in the"
                    " clear; use https"
                )
            elif login.spare:
                self._login = login._replace(user=login.spare, spare="")
                self._way = self._sign(way.kind)
            else:
                self._refused = True
            return not self._refused

    def _sign(self, kind: str) -> _Way:
        client, user = self._client, self._login.user
        client.username, client.password = user, self._login.secret().reveal()
        client.auth_type = kind
        client.build_auth_object()
        return _Way(kind, user)


def _headers(**named: str) -> dict[str, str]:
    """Write header names as HTTP does; what is not said otherwise is XML, there and back."""
    defaults = {"Content-Type": XML, "Accept": "text/xml, application/xml"}
    return {**defaults, **{name.replace("_", "-"): value for name, value in named.items()}}


class Patience:
    """When may the next request go out? One answer for all threads."""

    def __init__(self, budget_s: float, outside: Outside) -> None:
        self._left_s = self._budget_s = budget_s
        self._outside = outside
        self._not_before = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Sleep until the server wants to hear from us again."""
        while (delay := self._not_before - self._outside.monotonic()) > 0:
            self._outside.sleep(delay)

    def extend(self, delay_s: float, whose: str) -> None:
        """Take in that the server is busy for so long.

        Raises:
            BusyError: That is longer than we wait in one run.
        """
        with self._lock:
            now = self._outside.monotonic()
            added = now + delay_s - max(self._not_before, now)
            if added <= 0:
                return
            if added > self._left_s:
                raise BusyError(
                    f"{whose}: is busy and asks to wait {delay_s:.0f} s; a run waits"
                    f" {self._budget_s:.0f} s at most (patience_s). Run it again later"
                )
            self._left_s -= added
            self._not_before = now + delay_s


def retry_after(text: str, now: datetime) -> float | None:
    """Read Retry-After, in seconds or as a date (RFC 9110 §10.2.3); None when it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
