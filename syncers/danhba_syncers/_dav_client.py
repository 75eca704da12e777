"""One HTTP request and its whole answer: caldav's DAVClient with bounds, and nothing logged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from caldav.davclient import DAVClient
from caldav.lib.http_sync import CaseInsensitiveDict
from caldav.response import DAVResponse

from danhba.errors import SyncerError
from danhba_syncers import _dav
from danhba_syncers._dav_address import Site

_BLOCK = 1 << 16


class NoAnswerError(SyncerError):
    """No whole answer came back; whether the server got the request is not known."""


class UntrustedError(SyncerError):
    """The server cannot prove that it is the one that is meant; nothing was sent to it."""


class TooLargeError(SyncerError):
    """An answer is larger than is kept in memory."""


class Limits(NamedTuple):
    """How long to wait, in seconds.

    Attributes:
        connect_s: For the connection.
        read_s: For the next byte.
        total_s: For the whole answer.
        patience_s: In one run altogether, when the server says that it is busy.
    """

    connect_s: float = 10
    read_s: float = 60
    total_s: float = 300
    patience_s: float = 600


class Answer(DAVResponse):
    """An answer with its body as it came; nothing of it is parsed or logged."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.tree = None

    @property
    def etag(self) -> str:
        """The entity tag, as sent; empty when there is none."""
        return str(self.headers.get("ETag", "")).strip()

    def said(self) -> str:
        """Say what the status means, with the preconditions that the server names."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "a status that HTTP does not have"
        named = ", ".join(_dav.preconditions(self.body)) if self.body else ""
        return f"HTTP {self.status} {phrase}" + (f" ({named})" if named else "")


class Client(DAVClient):
    """caldav's client with its `request`, through which all its verbs go, replaced.

    That of caldav 3.6.0 is in our way: it follows redirects, which empties a PUT (301) or makes a
    GET of it (302); has one time limit for everything, none by default; parses each body, without
    bounds and again by us; raises for one 403, 429 or broken body what a caller must tell apart;
    decodes a PUT strictly as UTF-8 and turns its LF into CR LF; negotiates authentication without
    a lock; and writes cards into logs. Session, TLS and authentication objects are its own.
    """

    def __init__(
        self, site: Site, limits: Limits, ca_file: str = "", cert: tuple[str, str] | None = None
    ) -> None:
        super().__init__(
            url=f"{site}/",
            ssl_verify_cert=ca_file or True,
            ssl_cert=cert,
            enable_rfc6764=False,
            features={"http.multiplexing": {"support": "unsupported"}},  # lazy answers, in threads
        )
        self.limits = limits

    def request(
        self,
        url: str,
        method: str = "GET",
        body: Any = b"",  # noqa: ANN401 - as declared there
        headers: Mapping[str, str] | None = None,
        rate_limit_time_slept: float = 0,
    ) -> Answer:
        """Send one request once; wait for the whole answer.

        Raises:
            NoAnswerError: It did not come, or not whole, or not in time.
            TooLargeError: It is too large.
        """
        del rate_limit_time_slept
        deadline = time.monotonic() + self.limits.total_s
        wire = body.encode() if isinstance(body, str) else body
        try:
            answer = self.session.request(
                method,
                url,
                data=wire or None,
                headers=dict(headers or {}),
                auth=self.auth or _anonymous,
                timeout=(self.limits.connect_s, self.limits.read_s, self.limits.total_s),
                verify=self.ssl_verify_cert,
                cert=self.ssl_cert,
                allow_redirects=False,
                stream=True,
            )
            try:
                content = self._whole(answer, deadline)
            finally:
                answer.close()
            return Answer(
                int(answer.status_code or 0), CaseInsensitiveDict(answer.headers), content
            )
        except SyncerError:
            raise
        except Exception as error:  # noqa: BLE001 - niquests lets errors of three libraries through
            chain = _chain(error)
            if any("CERTIFICATE_VERIFY_FAILED" in str(one) for one in chain):
                raise UntrustedError(_untrusted(url, chain[-1])) from None
            raise NoAnswerError(f"{_origin(url)}: {_plainly(chain)}") from None

    def _whole(self, answer: Any, deadline: float) -> bytes:  # noqa: ANN401 - niquests' or requests'
        """Read a body to its end, in bounds of time and size."""
        blocks: list[bytes] = []
        size = 0
        for block in answer.iter_content(_BLOCK):
            size += len(block)
            if size > _dav.MOST_BYTES:
                raise TooLargeError(f"an answer of more than {_dav.MOST_BYTES >> 20} MB")
            if time.monotonic() > deadline:
                raise NoAnswerError(f"the answer takes longer than {self.limits.total_s:.0f} s")
            blocks.append(block)
        return b"".join(blocks)


def _anonymous(request: Any) -> Any:  # noqa: ANN401 - whatever the session prepares
    """Sign in as nobody; without it the session would look for a user in ~/.netrc."""
    return request


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and those it comes from, the innermost last."""
    seen: list[BaseException] = []
    reason: BaseException | None = error
    while reason is not None and reason not in seen:
        seen.append(reason)
        inner = getattr(reason, "reason", None)
        args = [arg for arg in reason.args if isinstance(arg, BaseException)]
        found = inner if isinstance(inner, BaseException) else next(iter(args), None)
        reason = found or reason.__cause__ or reason.__context__
    return seen


def _untrusted(url: str, error: BaseException) -> str:
    why = getattr(error, "verify_message", "") or "it cannot be verified"
    return (
        f"{_origin(url)}: the server's certificate is not accepted: {why}. For one of your own give"
        " ca_file in danhba.toml; nothing was sent there."
    )


def _plainly(chain: list[BaseException]) -> str:
    """Say in words what broke; the innermost reason is the one that helps."""
    kinds = " ".join(type(one).__name__ for one in chain)
    if "ConnectTimeout" in kinds:
        return "no connection in time"
    if "Timeout" in kinds or "timed out" in str(chain[-1]):
        return "no answer in time"
    last = chain[-1]
    text = str(last)
    if "not known" in text:
        return "there is no server of that name"
    if "closed connection without response" in text:
        return "the server closed the connection instead of answering"
    if isinstance(last, OSError):
        return f"the connection failed ({last.strerror or type(last).__name__})"
    if "ncomplete" in text:
        return "the answer broke off"
    return f"the answer is not proper HTTP ({type(last).__name__})"  # its text may quote a card
