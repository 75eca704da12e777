"""A CardDAV server on loopback that misbehaves on request.

By itself it does what the RFCs say. `quirks` are habits it has all the time; `faults` are accidents
that happen to the next requests of a method, in order.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

USER, PASSWORD = "me", "secret words"
ROOT, PRINCIPAL, HOME, BOOK = "/dav/", "/dav/me/", "/dav/books/", "/dav/books/all/"
SPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"'
)


class Seen(NamedTuple):
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


Normal = Callable[[], Reply]
Fault = Callable[["Handler", Normal], Reply | None]


class Hostile:
    """The server's state; tests look into it and change it.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        cards: path -> what is stored there.
        quirks: Habits, by name.
        store: What a card becomes when it is stored.
        seen: The requests that came, in order.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.cards: dict[str, bytes] = {}
        self.quirks: set[str] = set()
        self._writing = threading.Lock()
        self.store: Callable[[bytes], bytes] = lambda card: card
        self.seen: list[Seen] = []
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.lock = threading.RLock()
        self.history: list[str] = []  # paths in the order they changed; a sync token is an index
        self.other = 0  # a port to redirect to

    def put(self, path: str, card: bytes) -> None:
        """Store a card, or remove it when it is empty."""
        with self.lock:
            if card:
                self.cards[path] = self.store(card)
            else:
                self.cards.pop(path, None)
            self.history.append(path)

    def etag(self, path: str) -> str:
        """Return the true entity tag of a card."""
        return f'"{hashlib.sha256(self.cards[path]).hexdigest()[:12]}"'

    def shown_etag(self, path: str) -> str:
        """Return the entity tag as the server spells it."""
        etag = self.etag(path)
        if "weak etags" in self.quirks:
            return f"W/{etag}"
        return etag.strip('"') if "unquoted etags" in self.quirks else etag

    def fail(self, method: str, *faults: Fault) -> None:
        """Let accidents happen to the next requests of a method."""
        self.faults[method].extend(faults)

    def methods(self) -> list[str]:
        """Return the methods of the requests that came since the last call."""
        with self.lock:
            methods = [one.method for one in self.seen]
            self.seen.clear()
        return methods

    # -- what the RFCs say -------------------------------------------------------------------------

    def answer(self, seen: Seen) -> Reply:
        """Answer a request."""
        if "needs bearer" in self.quirks:
            allowed = seen.headers.get("Authorization") == f"Bearer {PASSWORD}"
        elif "needs digest" in self.quirks:
            allowed = _digest_holds(seen)
        else:
            login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            allowed = seen.headers.get("Authorization") == f"Basic {login}"
        if not allowed:
            return Reply(401, b"", {"WWW-Authenticate": self._challenge()})
        if seen.path == "/.well-known/carddav":
            return Reply(301, b"", {"Location": ROOT})
        path = unquote(seen.path)
        if seen.method == "PUT" and "one write at a time" in self.quirks:
            if not self._writing.acquire(blocking=False):
                return Reply(423)
            time.sleep(0.05)
            self._writing.release()
        with self.lock:
            return getattr(self, f"_{seen.method.lower()}")(path, seen)

    def _challenge(self) -> str:
        if "needs bearer" in self.quirks:
            return 'Bearer realm="dav"'
        if "needs digest" in self.quirks:
            return 'Digest realm="dav", nonce="abc", qop="auth", algorithm=MD5'
        return 'Basic realm="dav"'

    def _get(self, path: str, _: Seen) -> Reply:
        if path not in self.cards or self._hides(path):
            return Reply(404)
        return Reply(200, self.cards[path], {"ETag": self.shown_etag(path)})

    def _put(self, path: str, seen: Seen) -> Reply:
        condition = seen.headers.get("If-Match")
        if "ignores conditions" not in self.quirks:
            if seen.headers.get("If-None-Match") == "*" and path in self.cards:
                return Reply(412)
            if condition and not (path in self.cards and self._fits(condition, path)):
                return Reply(412)
        known = path in self.cards
        self.put(path, seen.body)
        tag = {} if "no etag after put" in self.quirks else {"ETag": self.shown_etag(path)}
        return Reply(204 if known else 201, b"", tag)

    def _fits(self, condition: str, path: str) -> bool:
        if "wants etags as shown" in self.quirks:
            return condition in ("*", self.shown_etag(path))
        return condition in ("*", self.etag(path))

    def _delete(self, path: str, seen: Seen) -> Reply:
        if path not in self.cards:
            return Reply(404)
        condition = seen.headers.get("If-Match")
        if condition and not self._fits(condition, path):
            return Reply(412)
        self.put(path, b"")
        return Reply(204)

    def _propfind(self, path: str, seen: Seen) -> Reply:
        found = []
        if path in (ROOT, PRINCIPAL, HOME):
            found.append(_response(path, _collection(path)))
        if path.rstrip("/") == BOOK.rstrip("/") or (
            path == HOME and seen.headers.get("Depth") == "1"
        ):
            found.append(_response(BOOK, self._book()))
        if path == BOOK and seen.headers.get("Depth") == "1":
            found += [self._listed(card) for card in self.cards]
        return _multistatus(found) if found else Reply(404)

    def _book(self) -> str:
        rights = "<read/>" if "read only" in self.quirks else "<read/><write/>"
        syncs = "no sync" not in self.quirks
        report = "<supported-report><report><sync-collection/></report></supported-report>"
        token = f"<sync-token>{self._token()}</sync-token>"
        size = "<C:max-resource-size>5000</C:max-resource-size>"
        return (
            "<resourcetype><collection/><C:addressbook/></resourcetype>"
            "<displayname>Danh bạ</displayname>"
            f"<current-user-principal><href>{PRINCIPAL}</href></current-user-principal>"
            f"<owner><href>{'/dav/boss/' if 'shared' in self.quirks else PRINCIPAL}</href></owner>"
            f"<current-user-privilege-set><privilege>{rights}</privilege>"
            "</current-user-privilege-set>"
            f"<supported-report-set>{report if syncs else ''}</supported-report-set>"
            f"{token if syncs else ''}"
            f"<S:getctag>{'' if 'no ctag' in self.quirks else len(self.history)}</S:getctag>"
            f"{size if 'small cards' in self.quirks else ''}"
        )

    def _token(self) -> str:
        return f"token:{len(self.history)}"

    def _href(self, path: str) -> str:
        if "lower-case hrefs" in self.quirks:
            path = re.sub("%..", lambda found: found[0].lower(), quote(path, safe="/"))
        return f"http://other.invalid{path}" if "absolute hrefs" in self.quirks else path

    def _listed(self, path: str) -> str:
        tag = "" if "no etags" in self.quirks else f"<getetag>{self.shown_etag(path)}</getetag>"
        return _response(self._href(path), tag)

    def _report(self, path: str, seen: Seen) -> Reply:
        text = seen.body.decode()
        if "addressbook-multiget" in text:
            return self._multiget(re.findall("<href>(.*?)</href>", text))
        found = re.search("<sync-token>(.*?)</sync-token>", text)
        assert found, text
        if "no sync" in self.quirks:
            return Reply(403, f"<error {SPACES}><supported-report/></error>".encode())
        return self._sync(found[1])

    def _sync(self, token: str) -> Reply:
        start = token.removeprefix("token:") if token else "0"
        if not start.isdigit() or int(start) > len(self.history):
            if "unnoticed tokens: all" in self.quirks:
                return _multistatus([self._listed(p) for p in self.cards], self._token())
            if "unnoticed tokens: nothing" in self.quirks:
                return _multistatus([], self._token())
            status = 412 if "412 for tokens" in self.quirks else 403
            return Reply(status, f"<error {SPACES}><valid-sync-token/></error>".encode())
        end = len(self.history)
        if "pages" in self.quirks:
            end = min(end, int(start) + 2)
        changed = dict.fromkeys(self.history[int(start) : end])
        found = [self._listed(p) if p in self.cards else _gone(self._href(p)) for p in changed]
        if end < len(self.history):
            found.append(f"<response><href>{BOOK}</href>{_status(507)}</response>")
        return _multistatus(found, f"token:{end}")

    def _multiget(self, hrefs: list[str]) -> Reply:
        if "no multiget" in self.quirks:
            return Reply(403, f"<error {SPACES}><supported-report/></error>".encode())
        paths = [unquote(href) for href in hrefs]
        if "404 for all" in self.quirks and any(path not in self.cards for path in paths):
            return Reply(404)
        if "half batches" in self.quirks and len(paths) > 3:
            return Reply(500)
        paths = [path for path in paths if not self._hides(path)]
        found = [self._given(path) for path in paths]
        if "leaves out" in self.quirks:
            found = [one for path, one in zip(paths, found, strict=True) if path in self.cards]
        if "answers few" in self.quirks:
            found = found[:2]
        if "out of order" in self.quirks:
            found.reverse()
        if "repeats" in self.quirks:
            found += found
        return _multistatus(found)

    def _hides(self, path: str) -> bool:
        return "hides a card" in self.quirks and path == min(self.cards)

    def _given(self, path: str) -> str:
        if path not in self.cards:
            return _gone(self._href(path))
        if "one bad item" in self.quirks and path == min(self.cards):
            return f"<response><href>{path}</href>{_status(423)}</response>"
        card = self.cards[path]
        tag = "" if "no etags" in self.quirks else f"<getetag>{self.shown_etag(path)}</getetag>"
        size = f"<getcontentlength>{len(card)}</getcontentlength>"
        text = escape(card.decode("utf-8", "replace"))
        if "keeps CR" in self.quirks:
            text = text.replace("\r", "&#13;")
        return _response(self._href(path), f"{tag}{size}<C:address-data>{text}</C:address-data>")


def _status(code: int) -> str:
    return f"<status>HTTP/1.1 {code} Whatever</status>"


def _response(href: str, props: str) -> str:
    return (
        f"<response><href>{escape(href)}</href><propstat><prop>{props}</prop>{_status(200)}"
        f"</propstat><propstat><prop><S:unknown/></prop>{_status(404)}</propstat></response>"
    )


def _gone(href: str) -> str:
    return f"<response><href>{escape(href)}</href>{_status(404)}</response>"


def _collection(path: str) -> str:
    home = f"<C:addressbook-home-set><href>{HOME}</href></C:addressbook-home-set>"
    kind = "<principal/>" if path == PRINCIPAL else ""
    return (
        f"<resourcetype><collection/>{kind}</resourcetype>"
        f"<current-user-principal><href>{PRINCIPAL}</href></current-user-principal>"
        f"{home if path == PRINCIPAL else ''}"
    )


def _multistatus(found: list[str], token: str = "") -> Reply:
    named = f"<sync-token>{token}</sync-token>" if token else ""
    text = f'<?xml version="1.0"?><multistatus {SPACES}>{"".join(found)}{named}</multistatus>'
    return Reply(207, text.encode(), {"Content-Type": "application/xml; charset=utf-8"})


def _digest_holds(seen: Seen) -> bool:
    """Check a Digest answer (RFC 7616) to the one nonce there is."""
    header = seen.headers.get("Authorization", "")
    said = {a: b or c for a, b, c in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]*))', header)}
    if not header.startswith("Digest "):
        return False
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
    secret = md5(f"{USER}:dav:{PASSWORD}")
    what = md5(f"{seen.method}:{said['uri']}")
    wanted = md5(f"{secret}:abc:{said['nc']}:{said['cnonce']}:auth:{what}")
    return said["response"] == wanted


# -- accidents -------------------------------------------------------------------------------------


def say(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer something else; the request is not carried out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, __: Reply(status, body, named)


def say_after(status: int, **headers: str) -> Fault:
    """Carry the request out, and answer something else."""

    def fault(_: Handler, normal: Normal) -> Reply:
        normal()
        return Reply(status, b"", {n.replace("_", "-"): v for n, v in headers.items()})

    return fault


def reset_before(handler: Handler, _: Normal) -> None:
    """Break the connection; the request is not carried out."""
    handler.reset()


def reset_after(handler: Handler, normal: Normal) -> None:
    """Carry the request out, and break the connection instead of answering."""
    normal()
    handler.reset()


def late(seconds: float) -> Fault:
    """Carry the request out, and answer late."""

    def fault(_: Handler, normal: Normal) -> Reply:
        reply = normal()
        time.sleep(seconds)
        return reply

    return fault


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """Answer as always, but with another body."""
    return lambda _, normal: (reply := normal())._replace(body=change(reply.body))


def cut(handler: Handler, normal: Normal) -> None:
    """Announce the whole body, and break off in the middle."""
    reply = normal()
    handler.send_head(reply, len(reply.body))
    handler.wfile.write(reply.body[: len(reply.body) // 2])
    handler.close_connection = True


def drip(handler: Handler, normal: Normal) -> None:
    """Send the body a byte at a time, without end."""
    handler.send_head(normal(), 10_000)
    with contextlib.suppress(OSError):
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.02)
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: Hostile

    def reset(self) -> None:
        """Break the connection so that the client notices."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def send_head(self, reply: Reply, size: int) -> None:
        """Send status and headers."""
        self.send_response_only(reply.status, "Whatever")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def handle_any(self) -> None:
        """Answer one request."""
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if len(body) < size:
            return  # the client is gone in the middle of a request
        seen = Seen(self.command, self.path, dict(self.headers.items()), body)
        state = self.state
        with state.lock:
            state.seen.append(seen)
            queue = state.faults[self.command]
            fault = queue.popleft() if queue else None
        reply = fault(self, lambda: state.answer(seen)) if fault else state.answer(seen)
        if reply:
            self.send_head(reply, len(reply.body))
            self.wfile.write(reply.body)

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def hostile(tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Run the server, with TLS when there is a context for it."""
    handler = type("BoundHandler", (Handler,), {})

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of a client that is gone; it may have been killed."""
            if not isinstance(sys.exc_info()[1], OSError):
                super().handle_error(*_)  # type: ignore[arg-type]

    server = Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    handler.state = state = Hostile(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
