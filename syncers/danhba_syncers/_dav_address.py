"""Where is the server, and for whom? A location as a person writes it, taken apart.

`https://me@dav.corp.vn/books/`, `dav.corp.vn`, `me@corp.vn`; behind a `#` the names of address
books, with commas between them. A password has no place in it.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from danhba.errors import SyncerError, UsageError

_PORTS = {"https": 443, "http": 80}


class Site(NamedTuple):
    """A server: what credentials are good for.

    Attributes:
        scheme: `https` or `http`.
        host: Lower case, an IPv6 address without brackets.
        port: Its number, also where it is the usual one.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" + ("" if usual else f":{self.port}")

    @property
    def secure(self) -> bool:
        """Whether a password can go there in the clear: by TLS, or without leaving the machine."""
        return self.scheme == "https" or self.loopback

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def named(self) -> bool:
        """Whether the host has a name that can be looked up, not an IP address."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return self.host != "localhost"
        return False

    def may_move_to(self, other: Site) -> bool:
        """Say whether credentials for this server may follow a redirect to another address.

        Same host, and no less safe: to itself, from http to https, or between two ports where the
        certificate proves that it is still that host.
        """
        if self == other:
            return True
        return self.host == other.host and other.scheme == "https"


class Address(NamedTuple):
    """A location taken apart.

    Attributes:
        site: The server.
        path: Percent-encoded as written; empty or `/` when only the host is given.
        user: Who signs in; empty when not given.
        explicit: Whether a port is given, so that there is nothing to look up.
        books: Names of the address books to use; none for all of them.
    """

    site: Site
    path: str = ""
    user: str = ""
    explicit: bool = False
    books: tuple[str, ...] = ()

    @property
    def bare(self) -> bool:
        """Whether only the host is given."""
        return self.path in ("", "/")

    def shown(self, path: str | None = None) -> str:
        """Return the location as it is shown, logged and given: never with a password.

        Args:
            path: Another place on the server, without a choice of books.
        """
        scheme, _, rest = str(self.site).partition("://")
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        names = ",".join(quote(name, safe="") for name in self.books)
        mine = (self.path or "/") + (f"#{names}" if names else "")
        return f"carddav+{scheme}://{user}{rest}{mine if path is None else path}"


def read(location: str) -> Address:
    """Take a location apart.

    Raises:
        UsageError: It is none, or holds a password.
    """
    scheme, colon, rest = location.partition(":")
    if not colon or scheme.lower() not in _PORTS:
        scheme, rest = "https", location
    try:
        parts = urlsplit(f"{scheme.lower()}://{rest.removeprefix('//')}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise UsageError(_wrong("not a URL")) from None
    if parts.password is not None:
        host = host or "HOST"
        raise UsageError(
            f"carddav+{parts.scheme}://{parts.username}:…@{host}: a password in a URL can be read"
            f" by others on this machine. Keep it in the keyring (keyring set danhba:{host}"
            f" {unquote(parts.username or 'USER')}), or name password_env or password_command in"
            f" danhba.toml, and give carddav+{parts.scheme}://{parts.username}@{host}{parts.path}"
        )
    if not host or any(char in host for char in " \t\r\n") or parts.query:
        raise UsageError(_wrong("no host" if not host else "a host and a path are all it can hold"))
    site = Site(parts.scheme, host, port or _PORTS[parts.scheme])
    books = tuple(unquote(name) for name in parts.fragment.split(",") if name)
    user = unquote(parts.username or "")
    return Address(site, parts.path, user, explicit=port is not None, books=books)


def _wrong(what: str) -> str:
    return f"carddav: {what}; write it like carddav+https://me@dav.example.com/"


def site_of(url: str) -> Site:
    """Return the server of an absolute URL that a server sent.

    Raises:
        SyncerError: It is no http or https URL.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname:
            return Site(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
    except ValueError:
        pass
    raise SyncerError(f"the server sends us to {url[:200]!r}, which is no address of a server")
