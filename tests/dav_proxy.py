"""A proxy on loopback that counts requests, and may hold each one back as a real network does."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "date", "server"}
)


class Proxy:
    """A proxy that is up.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        methods: The method of each request that came, in order.
        watch: Told the number of each request (from 1), before and after the server had it.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.methods: list[str] = []
        self.watch: Callable[..., None] | None = None

    def take(self) -> Counter[str]:
        """Return how many requests of each method came since the last call."""
        taken, self.methods[:] = Counter(self.methods), []
        return taken


@contextlib.contextmanager
def proxy(port: int, delay_s: float = 0) -> Iterator[Proxy]:
    """Run a proxy to a server on loopback; each request waits for `delay_s`, all side by side."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            counted.methods.append(self.command)
            number = len(counted.methods)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(delay_s)
            if counted.watch:
                counted.watch(number, done=False)
            there = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            try:
                headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
                there.request(self.command, self.path, body, headers)
                answer = there.getresponse()
                content = answer.read()
            finally:
                there.close()
            if counted.watch:
                counted.watch(number, done=True)
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP and name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name: str) -> object:
            if name.startswith("do_"):
                return self.handle_any
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    counted = Proxy(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
