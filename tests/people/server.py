"""A local People API: what danhba's Google syncer is tested on.

It is built from the discovery document that the client library ships, speaks HTTP on loopback, and
counts every request. The real client library talks to it; nothing of the syncer is replaced.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

import msgspec
from tests.people.account import Account, Person
from tests.people.discovery import (
    Method,
    Refusal,
    body_mask,
    check_body,
    check_mask,
    find_method,
    invalid,
)
from tests.people.faults import Fault, Quota
from tests.people.tokens import TokenRefusal, Tokens

MUTATIONS = frozenset({"batchUpdateContacts"})
_BATCH = 200


class PeopleApi:
    """The server; use it in a `with` statement.

    Args:
        clock: Seconds that only go up; quotas count by it.
        now: The time of day; sync tokens age by it, contacts are stamped with it.

    Attributes:
        accounts: user -> account.
        tokens: The sign-in side.
        faults: What goes wrong, in this order of preference.
        quotas: Limits that each call must pass.
        calls: Requests by method, refused ones included.
        sizes: Contacts in each batchUpdateContacts that came in.
        overlaps: Users for whom two mutations ran at a time.
        most_at_once: Users for whom a mutation ran at the same time, at most.
        bad: Contacts whose write the server refuses, whatever it holds.
        partial: Whether the good contacts of a batch with a bad one are written all the same.
        answers: How a bad contact shows: in the `error` of the whole batch, with or without
            naming the contact (`unnamed`), or in the `result` of each.
        slow_s: How long a mutation takes, in seconds.
        latency_s: How late every answer is, in seconds.
        gzip: Whether answers are compressed when the client takes that.
    """

    def __init__(
        self,
        *users: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.clock, self.now = clock, now
        self.tokens = Tokens(staff=frozenset(users))
        self.accounts = {user: Account(user, now) for user in users}
        self.faults: list[Fault] = []
        self.quotas: list[Quota] = []
        self.calls: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.overlaps: list[str] = []
        self.most_at_once = 0
        self.sent: list[dict[str, Any]] = []
        self.bad: set[str] = set()
        self.partial = False
        self.answers: Literal["error", "unnamed", "result"] = "error"
        self.slow_s = 0.0
        self.latency_s = 0.0
        self.gzip = True
        self.zipped = 0
        self._running: set[str] = set()
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """The root of the API."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # -- a call ------------------------------------------------------------------------------------

    def call(
        self, http: str, target: str, token: str, body: bytes, override: str
    ) -> tuple[bytes, Fault | None]:
        """Carry out a call; return the answer's body, and the fault that befalls the answer."""
        if self.latency_s:
            time.sleep(self.latency_s)
        where = urlsplit(target)
        query = parse_qs(where.query, keep_blank_values=True)
        if override:
            http, query, body = override, parse_qs(body.decode(), keep_blank_values=True), b""
        method, path = find_method(http, where.path)
        with self._lock:
            self.calls[method.name] += 1
            user = self._user(token, method)
            fault = self._fault(method.name, user)
            for quota in self.quotas:
                kind = "write" if method.name in MUTATIONS else "read"
                quota.take(kind, user, self.clock())
        return self._answer(method, user, method.check(query, path), body, fault), fault

    def _user(self, token: str, method: Method) -> str:
        grant = self.tokens.granted.get(token)
        if grant is None:
            raise Refusal(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        if not {scope.rpartition("/")[2] for scope in grant.scopes} & method.scopes:
            raise Refusal(
                403,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            )
        return grant.user

    def _fault(self, call: str, user: str) -> Fault | None:
        for fault in self.faults:
            if fault.befalls(call, user):
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    def _answer(
        self, method: Method, user: str, given: dict[str, Any], body: bytes, fault: Fault | None
    ) -> bytes:
        if fault and fault.kind == "status-before":
            raise fault.refusal
        if fault and fault.kind == "drop-before":
            return b""
        if fault and fault.kind == "meddle":
            with self._lock:
                fault.do()
        account = self.accounts[user]
        if method.name in MUTATIONS:
            answer = self._mutate(user, lambda: self._batch_update(account, _read(method, body)))
        else:
            with self._lock:
                answer = self._read(method, account, given)
        if fault and fault.kind == "status-after":
            raise fault.refusal
        if fault and fault.kind == "late":
            time.sleep(fault.seconds)
        return answer

    def _read(self, method: Method, account: Account, given: dict[str, Any]) -> bytes:
        match method.name:
            case "list":
                return account.page(given)
            case "get":
                return msgspec.json.encode(
                    account.get(given["resourceName"], given["personFields"])
                )
            case "getBatchGet":
                return self._batch_get(account, given)
        raise Refusal(501, "UNIMPLEMENTED", f"{method.name} is not made here")

    def _batch_get(self, account: Account, given: dict[str, Any]) -> bytes:
        names = given.get("resourceNames", [])
        if not 1 <= len(names) <= _BATCH:
            raise invalid("Must request between 1 and 200 resource names.")
        return msgspec.json.encode(
            {"responses": [_got(account, name, given["personFields"]) for name in names]}
        )

    # -- mutations ---------------------------------------------------------------------------------

    def _mutate(self, user: str, work: Callable[[], bytes]) -> bytes:
        """Carry out a mutation; two of one user at a time are refused and written down."""
        with self._lock:
            if user in self._running:
                self.overlaps.append(user)
                raise Refusal(409, "ABORTED", "Another mutation of this user is running.")
            self._running.add(user)
            self.most_at_once = max(self.most_at_once, len(self._running))
        try:
            if self.slow_s:
                time.sleep(self.slow_s)
            with self._lock:
                return work()
        finally:
            with self._lock:
                self._running.remove(user)

    def _batch_update(self, account: Account, sent: dict[str, Any]) -> bytes:
        contacts: dict[str, Person] = sent.get("contacts", {})
        self.sizes.append(len(contacts))
        self.sent.append(sent)
        if not 1 <= len(contacts) <= _BATCH:
            raise invalid("Must update between 1 and 200 contacts.")
        schema = "BatchUpdateContactsRequest"
        fields = check_mask(
            "updateMask", sent.get("updateMask", ""), body_mask(schema, "updateMask")
        )
        read = sent.get("readMask", "")
        check_mask("readMask", read, body_mask(schema, "readMask"), required=False)
        faults = {n: f for n, p in contacts.items() if (f := self._wrong(account, n, p, fields))}
        if faults and self.answers != "result" and not self.partial:
            raise self._refused(faults)
        results = {}
        for name, person in contacts.items():
            if name in faults:
                results[name] = _failed(name, faults[name])
            else:
                account.update(name, person, fields)
                results[name] = _got(account, name, read) if read else {}
        if faults and self.answers != "result":
            raise self._refused(faults)
        return msgspec.json.encode({"updateResult": results} if read else {})

    def _wrong(
        self, account: Account, name: str, person: Person, fields: list[str]
    ) -> Refusal | None:
        try:
            if name in self.bad:
                raise invalid(f"Contact {name} cannot be written.")
            if person.get("resourceName", name) != name:
                raise invalid("The resource name does not match the key of the contact.")
            account.check(name, person, fields)
        except Refusal as refusal:
            return refusal
        return None

    def _refused(self, faults: dict[str, Refusal]) -> Refusal:
        """Return the refusal of a whole batch: the first error, with the errors of each."""
        first = next(iter(faults.values()))
        message = (
            first.message if self.answers == "error" else "Request contains an invalid argument."
        )
        errors = {n: {"code": f.code, "message": f.message} for n, f in faults.items()}
        kind = "type.googleapis.com/google.people.v1.BatchUpdateContactsErrorDetails"
        details = ({"@type": kind, "errors": errors},) if self.answers == "error" else ()
        return Refusal(first.code, first.status, message, details=details)


def _read(method: Method, body: bytes) -> dict[str, Any]:
    try:
        sent: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise invalid("Invalid JSON payload received.") from error
    check_body(method.request, sent)
    return sent


def _got(account: Account, name: str, fields: str) -> dict[str, Any]:
    try:
        person = account.get(name, fields)
    except Refusal as refusal:
        return _failed(name, refusal)
    return {"httpStatusCode": 200, "person": person, "requestedResourceName": name, "status": {}}


_CODES = {"INVALID_ARGUMENT": 3, "NOT_FOUND": 5, "FAILED_PRECONDITION": 9}


def _failed(name: str, refusal: Refusal) -> dict[str, Any]:
    status = {"code": _CODES[refusal.status], "message": refusal.message}
    return {"httpStatusCode": refusal.code, "requestedResourceName": name, "status": status}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: PeopleApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a request."""
        api = self.server.api
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path in ("/token", "/auth"):
            self._sign_in(path, body)
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        override = self.headers.get("X-HTTP-Method-Override", "")
        try:
            answer, fault = api.call(self.command, self.path, token, body, override)
        except Refusal as refusal:
            self._send(refusal.code, json.dumps(refusal.body()).encode(), refusal.headers)
            return
        if fault and fault.kind.startswith("drop"):
            self._hang_up(reset=fault.reset)
        else:
            self._send(200, answer, {}, fault)

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - names of http.server

    def _sign_in(self, path: str, body: bytes) -> None:
        tokens = self.server.api.tokens
        try:
            if path == "/auth":
                query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                sent_to = tokens.authorize(query, query.get("login_hint", ""))
                self._send(302, b"", {"Location": sent_to})
            else:
                form = {k: v[0] for k, v in parse_qs(body.decode()).items()}
                self._send(200, json.dumps(tokens.exchange(form)).encode(), {})
        except TokenRefusal as refusal:
            self._send(refusal.code, json.dumps(refusal.body).encode(), {})

    def _send(
        self, code: int, body: bytes, headers: dict[str, str], fault: Fault | None = None
    ) -> None:
        api = self.server.api
        head = {"Content-Type": "application/json; charset=UTF-8", **headers}
        if api.gzip and "gzip" in self.headers.get("Accept-Encoding", "") and body:
            body, head["Content-Encoding"] = gzip.compress(body, 1), "gzip"
            api.zipped += 1
        self.send_response(code)
        for name, value in {**head, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        lines = b"".join(self._headers_buffer) + b"\r\n"
        self._headers_buffer = []
        if fault and fault.kind == "cut":
            self.wfile.write(lines + body[: len(body) // 2])
            self._hang_up(reset=fault.reset)
            return
        times = 2 if fault and fault.kind == "twice" else 1
        self.wfile.write((lines + body) * times)

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
