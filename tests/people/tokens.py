"""Who may call? The authorization page and the token endpoint, for both ways to sign in.

A person: an authorization code, bought with a PKCE challenge and sold against its verifier, then a
refresh token. A company: an assertion signed by a service account, with the user as its subject.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CONTACTS = "https://www.googleapis.com/auth/contacts"
READONLY = "https://www.googleapis.com/auth/contacts.readonly"
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenRefusal(Exception):  # noqa: N818 - an answer, not a mistake
    """An answer of the token endpoint that is an error (RFC 6749 §5.2)."""

    def __init__(self, code: int, error: str, description: str) -> None:
        super().__init__(description)
        self.code, self.body = code, {"error": error, "error_description": description}


@dataclass
class Grant:
    """An access token that was given out."""

    user: str
    scopes: frozenset[str]


@dataclass
class Tokens:
    """The sign-in side of the server.

    Attributes:
        client_id: The one installed app that is known.
        client_secret: Its secret.
        grantable: The scopes that a person ticks, or that the domain's administrator allowed.
        life_s: How long an access token is said to live.
        granted: Access token -> what it allows.
        refreshing: Refresh token -> what it allows.
        seen: The grant types that came in, in order.
    """

    client_id: str = "danhba-test.apps.example"
    client_secret: str = "not-a-secret"
    grantable: frozenset[str] = frozenset({CONTACTS, READONLY})
    life_s: int = 3600
    granted: dict[str, Grant] = field(default_factory=dict)
    refreshing: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, tuple[str, Grant, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    staff: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._key = _new_key()
        self._count = 0

    # -- what the tests put into files -------------------------------------------------------------

    def client_secrets(self, base: str) -> dict[str, Any]:
        """Return the client secrets of the installed app, as downloaded from the console."""
        inner = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "auth_uri": f"{base}/auth",
            "token_uri": f"{base}/token",
            "redirect_uris": ["http://localhost"],
        }
        return {"installed": inner}

    def service_account(self, base: str) -> dict[str, str]:
        """Return a key file of the service account."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": "danhba-test",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "danhba@danhba-test.example",
            "client_id": "1",
            "token_uri": f"{base}/token",
        }

    # -- the endpoints -----------------------------------------------------------------------------

    def authorize(self, query: dict[str, str], user: str) -> str:
        """Let a person say yes; return where the browser is sent."""
        if query.get("client_id") != self.client_id or query.get("response_type") != "code":
            raise TokenRefusal(400, "invalid_request", "unknown client or response type")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise TokenRefusal(400, "invalid_request", "PKCE with S256 is required")
        if query.get("access_type") != "offline":
            raise TokenRefusal(400, "invalid_request", "no refresh token was asked for")
        redirect = query["redirect_uri"]
        if not redirect.startswith(("http://127.0.0.1:", "http://localhost:")):
            raise TokenRefusal(400, "redirect_uri_mismatch", redirect)
        scopes = frozenset(query["scope"].split()) & self.grantable
        code = self._new("code")
        self.codes[code] = (query["code_challenge"], Grant(user, scopes), redirect)
        return f"{redirect}?{urlencode({'code': code, 'state': query.get('state', '')})}"

    def exchange(self, form: dict[str, str]) -> dict[str, Any]:
        """Answer a call of the token endpoint."""
        kind = form.get("grant_type", "")
        self.seen.append(kind)
        match kind:
            case "authorization_code":
                return self._for_code(form)
            case "refresh_token":
                return self._for_refresh(form)
            case _ if kind == _JWT:
                return self._for_assertion(form.get("assertion", ""))
        raise TokenRefusal(400, "unsupported_grant_type", kind)

    def revoke(self, user: str) -> None:
        """Take a person's grants back."""
        for table in (self.granted, self.refreshing):
            for token in [token for token, grant in table.items() if grant.user == user]:
                del table[token]

    def forget_access_tokens(self) -> None:
        """Let every access token be unknown, as if its time had run out early."""
        self.granted.clear()

    # -- inside ------------------------------------------------------------------------------------

    def _for_code(self, form: dict[str, str]) -> dict[str, Any]:
        self._check_client(form)
        if form.get("code", "") not in self.codes:
            raise TokenRefusal(400, "invalid_grant", "Malformed auth code.")
        challenge, grant, redirect = self.codes.pop(form["code"])
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            raise TokenRefusal(400, "invalid_grant", "Invalid code verifier.")
        if form.get("redirect_uri") != redirect:
            raise TokenRefusal(400, "redirect_uri_mismatch", "Bad Request")
        refresh = self._new("refresh")
        self.refreshing[refresh] = grant
        return {**self._access(grant), "refresh_token": refresh}

    def _for_refresh(self, form: dict[str, str]) -> dict[str, Any]:
        self._check_client(form)
        grant = self.refreshing.get(form.get("refresh_token", ""))
        if grant is None:
            raise TokenRefusal(400, "invalid_grant", "Token has been expired or revoked.")
        if not set(form.get("scope", "").split()) <= grant.scopes:
            raise TokenRefusal(400, "invalid_scope", "Bad Request")
        return self._access(grant)

    def _for_assertion(self, assertion: str) -> dict[str, Any]:
        claims = self._verified(assertion)
        scopes, user = frozenset(claims.get("scope", "").split()), claims.get("sub", "")
        if user not in self.staff:
            raise TokenRefusal(400, "invalid_grant", "Invalid email or User ID")
        if not scopes or not scopes <= self.grantable:
            raise TokenRefusal(
                401,
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not"
                " authorized for any of the scopes requested.",
            )
        return self._access(Grant(user, scopes))

    def _verified(self, assertion: str) -> dict[str, str]:
        head, _, signature = assertion.rpartition(".")
        try:
            self._key.public_key().verify(
                _unbase64(signature), head.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            claims: dict[str, str] = json.loads(_unbase64(head.partition(".")[2]))
        except Exception as error:
            raise TokenRefusal(400, "invalid_grant", "Invalid JWT Signature.") from error
        return claims

    def _check_client(self, form: dict[str, str]) -> None:
        known = (self.client_id, self.client_secret)
        if (form.get("client_id"), form.get("client_secret")) != known:
            raise TokenRefusal(401, "invalid_client", "The OAuth client was not found.")

    def _access(self, grant: Grant) -> dict[str, Any]:
        token = self._new("access")
        self.granted[token] = grant
        return {
            "access_token": token,
            "expires_in": self.life_s,
            "scope": " ".join(sorted(grant.scopes)),
            "token_type": "Bearer",
        }

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}"


@cache
def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
