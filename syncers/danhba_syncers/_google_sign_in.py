"""How does a person let danhba into their contacts? The sign-in of an installed app.

The browser is sent to Google and comes back with a code to a port of this machine (RFC 8252), or
the person pastes the address it was sent to. A challenge made of a random verifier goes along
(PKCE, RFC 7636), so that a code which somebody else saw is of no use.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httplib2
import msgspec

from danhba.errors import SyncerError, UsageError
from danhba_syncers._google_accounts import (
    CONTACTS,
    READONLY,
    TOKEN_URI,
    Token,
    check_address,
    read_json,
)

AUTH_URI = "https://accounts.google.com/o/oauth2/v2/auth"
WAIT_S = 300.0
"""How long the browser may take."""
_PASTED = "http://127.0.0.1:8399/"
"""Where a browser on another machine is sent; nothing answers there, the address is what counts."""
_DONE = "danhba: you are signed in. You may close this window."
_ASK = (
    "Open this address in a browser on any machine, sign in and allow access:\n\n{url}\n\n"
    "The browser then goes to an address that does not open. Copy that address, or the code in it,"
    " and paste it here: "
)


class App(msgspec.Struct, frozen=True):
    """An installed app as Google knows it, from the file of its client secrets."""

    client_id: str
    client_secret: str = ""
    auth_uri: str = AUTH_URI
    token_uri: str = TOKEN_URI

    def __repr__(self) -> str:
        return f"App({self.client_id!r}, …)"


def read_app(path: Path) -> App:
    """Read a file of client secrets.

    Raises:
        UsageError: It is no such file, or of another kind of app.
    """
    found = read_json(path)
    if "installed" not in found:
        raise UsageError(
            f"{path}: is not of a desktop app; in Google's console make an OAuth client of the type"
            " Desktop app, and download its JSON file"
        )
    try:
        app = msgspec.convert(found["installed"], App)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: installed: {error}") from error
    check_address(app.auth_uri, f"{path}: auth_uri")
    check_address(app.token_uri, f"{path}: token_uri")
    return app


class SignIn:
    """One sign-in of one person.

    Args:
        user: Whose contacts; Google offers this account first.
        app: The app that is to be allowed.
        http: Makes the call that buys the token.
        read_only: Whether to ask for reading alone.
    """

    def __init__(self, user: str, app: App, http: httplib2.Http, *, read_only: bool) -> None:
        self.user, self.app, self._http = user, app, http
        self._scope = READONLY if read_only else CONTACTS
        self._state = secrets.token_urlsafe(24)
        self._verifier = secrets.token_urlsafe(64)

    def by_browser(self, browse: Callable[[str], bool] = webbrowser.open) -> Token:
        """Open a browser and wait until it comes back."""
        with _Loopback(self._state) as server:
            redirect = f"http://127.0.0.1:{server.server_port}/"
            url = self._address(redirect)
            sys.stderr.write(f"danhba: sign in as {self.user} in the browser:\n{url}\n")
            if not browse(url):
                raise SyncerError(f"{self.user}: there is no browser to open; use --headless")
            return self._buy(server.wait(WAIT_S), redirect)

    def by_pasting(self, ask: Callable[[str], str]) -> Token:
        """Show an address, and take what the person pastes: the address they came to, or a code."""
        pasted = ask(_ASK.format(url=self._address(_PASTED))).strip()
        answer = _query(pasted) if "code=" in pasted or "error=" in pasted else {"code": pasted}
        if answer.get("state", self._state) != self._state:
            raise SyncerError(f"{self.user}: that address belongs to another sign-in; begin again")
        return self._buy(answer, _PASTED)

    def _address(self, redirect: str) -> str:
        digest = hashlib.sha256(self._verifier.encode()).digest()
        parameters = {
            "client_id": self.app.client_id,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": self._scope,
            "state": self._state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
            "login_hint": self.user,
        }
        return f"{self.app.auth_uri}?{urlencode(parameters)}"

    def _buy(self, answer: dict[str, str], redirect: str) -> Token:
        """Give the code for a token."""
        if not answer.get("code"):
            why = answer.get("error", "no code came back")
            raise SyncerError(f"{self.user}: access was not allowed ({why}); nothing is kept")
        found = self._post(
            {
                "grant_type": "authorization_code",
                "code": answer["code"],
                "code_verifier": self._verifier,
                "client_id": self.app.client_id,
                "client_secret": self.app.client_secret,
                "redirect_uri": redirect,
            }
        )
        scopes = tuple(str(found.get("scope", self._scope)).split())
        if not {CONTACTS, READONLY}.intersection(scopes):
            raise SyncerError(
                f"{self.user}: access to the contacts was not allowed; sign in again and tick it"
            )
        if not found.get("refresh_token"):
            raise SyncerError(f"{self.user}: Google gave no lasting access; sign in again")
        app = self.app
        return Token(
            found["refresh_token"], app.client_id, app.client_secret, app.token_uri, scopes
        )

    def _post(self, form: dict[str, str]) -> dict[str, Any]:
        where = self.app.token_uri
        head = {"content-type": "application/x-www-form-urlencoded"}
        try:
            response, body = self._http.request(where, "POST", urlencode(form), head)
            found = msgspec.json.decode(body)
        except (OSError, httplib2.HttpLib2Error) as error:
            raise SyncerError(f"{where}: cannot be reached: {error}") from error
        except msgspec.DecodeError as error:
            raise SyncerError(f"{where}: HTTP {response.status}, and no JSON") from error
        if response.status != 200 or not isinstance(found, dict):
            why = found.get("error_description") or found.get("error")
            raise SyncerError(f"{self.user}: the sign-in failed: {why}; begin again")
        return found


def _query(address: str) -> dict[str, str]:
    query = urlsplit(address).query or address
    return {name: values[0] for name, values in parse_qs(query).items()}


class _Loopback(HTTPServer):
    """Waits on a free port of this machine for the browser to come back, in a thread of its own."""

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.state = state
        self.answer: dict[str, str] = {}
        self.answered = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def wait(self, seconds: float) -> dict[str, str]:
        """Return what Google told the browser to bring.

        Raises:
            SyncerError: It did not come.
        """
        if not self.answered.wait(seconds):
            raise SyncerError(f"nobody signed in within {seconds / 60:.0f} minutes")
        return self.answer


class _Visit(BaseHTTPRequestHandler):
    server: _Loopback

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the address holds the code."""

    def do_GET(self) -> None:
        """Take the answer; whoever does not know the state is not Google's visitor."""
        found = _query(self.path)
        known = found.get("state") == self.server.state and bool({"code", "error"} & found.keys())
        body = (_DONE if known else "danhba: nothing to see here").encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if known:
            self.server.answer = found
            self.server.answered.set()
