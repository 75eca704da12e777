"""Whose contacts, and may they be read and written? Users, scopes and credentials.

A person's account has a refresh token from `danhba login`. In a company, a service account with
domain-wide delegation acts for each user. Either may have been granted reading alone.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import google.auth.exceptions
import google.oauth2.credentials
import google.oauth2.service_account
import msgspec
from google.auth.transport import Request

from danhba.errors import SyncerError, UsageError
from danhba.secret import Secret, Vault

CONTACTS = "https://www.googleapis.com/auth/contacts"
READONLY = "https://www.googleapis.com/auth/contacts.readonly"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

Credentials: TypeAlias = (
    google.oauth2.credentials.Credentials | google.oauth2.service_account.Credentials
)


class AccountError(Exception):
    """One account cannot be used, whatever is asked of it; the others can. The message says why."""


class Token(msgspec.Struct, frozen=True):
    """What a person's sign-in leaves: enough to get access without them.

    Attributes:
        refresh_token: What access tokens are got with.
        client_id: The app that the person allowed.
        client_secret: Its secret, which for an installed app is none.
        token_uri: Where access tokens are got.
        scopes: What the person allowed.
    """

    refresh_token: str
    client_id: str
    client_secret: str
    token_uri: str
    scopes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Token({self.client_id!r}, …)"


class Account(Protocol):
    """One user, and the way to their contacts.

    Attributes:
        user: The user's address.
        read_only: Whether writing is known not to be allowed.
        lock: Held while credentials are made or refreshed.
    """

    user: str
    read_only: bool
    lock: threading.Lock

    def credentials(self, request: Request) -> Credentials:
        """Return valid credentials, refreshed if need be.

        Raises:
            AccountError: There are none, or they were revoked.
        """
        ...

    def refused(self, error: google.auth.exceptions.RefreshError) -> AccountError:
        """Say why no access was given, and what to do."""
        ...


class Personal:
    """The account of a person who signed in.

    Args:
        user: The user's address.
        vault: Where the sign-in was kept.
        token_uri: Where access tokens are got; as at the sign-in when empty.
    """

    def __init__(self, user: str, vault: Vault, token_uri: str = "") -> None:
        self.user, self.vault, self.token_uri = user, vault, token_uri
        self.lock = threading.Lock()
        self.read_only = False
        self._credentials: google.oauth2.credentials.Credentials | None = None

    def token(self) -> Token | None:
        """Return what the sign-in left; None when there was none."""
        kept = self.vault.get(self.user)
        if kept is None:
            return None
        try:
            return msgspec.json.decode(kept.reveal(), type=Token)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None

    def keep(self, token: Token) -> None:
        """Keep what a sign-in left."""
        self.vault.set(self.user, Secret(msgspec.json.encode(token).decode()))
        self._credentials = None

    def credentials(self, request: Request) -> Credentials:
        """Return valid credentials, refreshed if need be."""
        with self.lock:
            made = self._credentials = self._credentials or self._made()
            if not made.valid:
                try:
                    made.refresh(request)
                except google.auth.exceptions.RefreshError as error:
                    if error.retryable:
                        raise
                    raise self.refused(error) from error
            return made

    def refused(self, error: google.auth.exceptions.RefreshError) -> AccountError:
        """Say why no access was given, and what to do."""
        if "invalid_grant" in str(error):
            why = "the sign-in was revoked or has run out"
        else:
            why = f"Google gives no access ({error.args[0] if error.args else error})"
        return AccountError(f"{why}; sign in again: danhba login google:{self.user}")

    def _made(self) -> google.oauth2.credentials.Credentials:
        token = self.token()
        if token is None:
            raise AccountError(f"not signed in; run: danhba login google:{self.user}")
        self.read_only = CONTACTS not in token.scopes
        return google.oauth2.credentials.Credentials(
            None,
            refresh_token=token.refresh_token,
            token_uri=self.token_uri or token.token_uri,
            client_id=token.client_id,
            client_secret=token.client_secret,
            scopes=list(token.scopes),
        )


class Delegated:
    """An account of a company, for which a service account acts.

    Args:
        user: The user's address.
        service: The service account.
        read_only: Whether to ask for reading alone.
    """

    def __init__(self, user: str, service: ServiceAccount, *, read_only: bool = False) -> None:
        self.user, self.service, self.read_only = user, service, read_only
        self.lock = threading.Lock()
        self._credentials: google.oauth2.service_account.Credentials | None = None

    def credentials(self, request: Request) -> Credentials:
        """Return valid credentials; for reading alone where nothing more was granted."""
        with self.lock:
            if self._credentials is None or not self._credentials.valid:
                self._credentials = self._refreshed(request)
            return self._credentials

    def _refreshed(self, request: Request) -> google.oauth2.service_account.Credentials:
        scopes = [READONLY] if self.read_only else [CONTACTS, READONLY]
        for scope in scopes:
            made = self.service.acting_for(self.user, scope)
            try:
                made.refresh(request)
            except google.auth.exceptions.RefreshError as error:
                if error.retryable:
                    raise
                if scope == READONLY or "unauthorized_client" not in str(error):
                    raise self.refused(error) from error
            else:
                self.read_only = scope == READONLY
                return made
        raise AssertionError("the last scope returns or raises")

    def refused(self, error: google.auth.exceptions.RefreshError) -> AccountError:
        """Say why no access was given, and what to do."""
        if "unauthorized_client" in str(error):
            client = self.service.client_id or "of the service account"
            return AccountError(
                "the service account may not act for this user. In the Admin console, Security >"
                f" API controls > Domain-wide delegation, allow the client ID {client} the scope"
                f" {CONTACTS}"
            )
        if "invalid_grant" in str(error):
            return AccountError("Google knows no such user, or not this key of the service account")
        return AccountError(f"Google gives no access ({error.args[0] if error.args else error})")


class ServiceAccount:
    """A key file of a service account.

    Args:
        path: The JSON file, as downloaded from Google's console.
        token_uri: Where access tokens are got; as the file says when empty.

    Raises:
        UsageError: It is no such file.
    """

    def __init__(self, path: Path, token_uri: str = "") -> None:
        info = read_json(path)
        if token_uri:
            info["token_uri"] = token_uri
        try:
            self._signer = google.oauth2.service_account.Credentials.from_service_account_info(info)
        except (ValueError, google.auth.exceptions.GoogleAuthError) as error:
            raise UsageError(f"{path}: is no key file of a service account") from error
        check_address(info["token_uri"], f"{path}: token_uri")
        self.client_id = str(info.get("client_id", ""))

    def acting_for(self, user: str, scope: str) -> google.oauth2.service_account.Credentials:
        """Return credentials for one user."""
        acting: google.oauth2.service_account.Credentials = self._signer.with_scopes(
            [scope]
        ).with_subject(user)
        return acting


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        UsageError: It cannot be read, or holds something else.
    """
    try:
        found = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: is no JSON: {error}") from error
    if not isinstance(found, Mapping):
        raise UsageError(f"{path}: is no JSON object")
    return dict(found)


def check_address(address: str, what: str) -> None:
    """Make sure that no token goes over an open line to another machine.

    Raises:
        SyncerError: It would.
    """
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    if scheme == "http" and name in ("localhost", "127.0.0.1", "[::1]"):
        return
    if scheme != "https" or not name:
        raise SyncerError(f"{what} = {address}: must be an https:// address")
