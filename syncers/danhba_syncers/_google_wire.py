"""How do bytes go to Google and back, each request once? The connections under the client library.

Google's client library stands on httplib2, which sends any request again, a write too, when a
connection closes without an answer. `OneTry` does not.
"""

from __future__ import annotations

import http.client
import logging
import select
from typing import Any
from urllib.parse import quote

import httplib2
import msgspec
from googleapiclient.errors import HttpError
from googleapiclient.model import JsonModel

logging.getLogger("googleapiclient").addHandler(logging.NullHandler())
"""The client library warns on standard error of refusals that danhba itself reports."""


class Model:
    """Writes requests, quicker than the library's own; hands over answers as they came."""

    def __init__(self) -> None:
        self._json = JsonModel()

    def request(
        self,
        headers: dict[str, str],
        path: Any,  # noqa: ANN401 - the client library's
        query: Any,  # noqa: ANN401
        body: Any,  # noqa: ANN401
        api_version: str | None = None,
    ) -> tuple[dict[str, str], Any, str, bytes | None]:
        """Write a request."""
        names = query.pop("resourceNames", [])
        headers, path, query, _ = self._json.request(headers, path, query, None, api_version)
        if names:  # quoted together: one by one they take longer than all else that is sent
            quoted = quote("\n".join(names), safe="\n").split("\n")
            query += "".join([f"&resourceNames={name}" for name in quoted])
        if body is None:
            return headers, path, query, None
        headers["content-type"] = "application/json"
        return headers, path, query, msgspec.json.encode(body)

    def response(self, response: httplib2.Response, content: bytes) -> bytes:
        """Return the body of an answer."""
        if response.status >= 300:
            raise HttpError(response, content)
        return content or b"{}"


class _NoAnswerError(OSError):
    """The connection was closed before an answer came."""


class _Once:
    """A connection that does not let httplib2 send a request a second time.

    httplib2 does so when `getresponse` raises BadStatusLine, that is, when the connection is closed
    without an answer. Closed while idle, it is opened anew before the request; so is one on which
    something came that nobody asked for.
    """

    sock: Any

    def request(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - http.client's
        """Send a request."""
        if self.sock is not None and select.select([self.sock], [], [], 0)[0]:
            self.close()  # type: ignore[attr-defined]  # of the connection this is mixed into
        super().request(*arguments, **more)  # type: ignore[misc]  # likewise

    def getresponse(self) -> http.client.HTTPResponse:
        """Wait for the answer."""
        try:
            found: http.client.HTTPResponse = super().getresponse()  # type: ignore[misc]
        except (http.client.BadStatusLine, http.client.ResponseNotReady) as error:
            raise _NoAnswerError(f"the connection was closed: {error}") from error
        return found


class _Plain(_Once, httplib2.HTTPConnectionWithTimeout):
    """Over HTTP, to this machine only."""


class _Secure(_Once, httplib2.HTTPSConnectionWithTimeout):
    """Over TLS."""


def _proxy(scheme: str) -> httplib2.ProxyInfo | None:
    """Return the proxy of the environment; none for plain HTTP, which is to this machine only."""
    return httplib2.proxy_info_from_environment("https") if scheme == "https" else None


class OneTry(httplib2.Http):
    """httplib2, but each request is sent once.

    Args:
        timeout: How long to wait for an answer, in seconds.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=timeout, proxy_info=_proxy)
        self.follow_redirects = False

    def request(  # type: ignore[override]  # the arguments that are used
        self,
        uri: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - httplib2's
    ) -> tuple[httplib2.Response, bytes]:
        """Send a request and wait for its answer."""
        more["connection_type"] = _Secure if uri.startswith("https:") else _Plain
        found: tuple[httplib2.Response, bytes] = super().request(uri, method, body, headers, **more)
        return found
