"""Real CardDAV servers on loopback, for one user, each with one empty address book.

`radicale` and `xandikos` start a server of their own process and stop it by its own process id.
Started as a program, this file *is* a Xandikos server: its own command offers passwords only with
TLS, so the application is put together here.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

USER, PASSWORD = "alice", "correct horse"
BOOK_XML = (
    '<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>'
    "<resourcetype><collection/><C:addressbook/></resourcetype><displayname>{name}</displayname>"
    "</prop></set></mkcol>"
)


class RefusedError(Exception):
    """The server answered with an error."""


class Server(NamedTuple):
    """A server that is up.

    Attributes:
        name: Which program it is.
        port: Where it listens, on 127.0.0.1.
        home: Path of the folder of books.
        book: Path of the first book.
    """

    name: str
    port: int
    home: str
    book: str

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}"

    def location(self, path: str = "/") -> str:
        """Return what danhba is given as SOURCE, without `carddav+`."""
        return f"http://{USER}@127.0.0.1:{self.port}{path}"

    def send(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes, str]:
        """Send a request as somebody else would; return status, body and ETag."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(
            self.url + path,
            body or None,
            {"Authorization": f"Basic {login}", **named},
            method=method,
        )
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), answer.headers.get("ETag", "")
        except HTTPError as error:
            error.close()
            raise RefusedError(f"HTTP {error.code}") from None

    def put(self, path: str, card: bytes) -> str:
        """Store a card, whatever was there; return its ETag."""
        return self.send("PUT", path, card, Content_Type="text/vcard; charset=utf-8")[2]

    def get(self, path: str) -> bytes:
        """Return a card as the server has it."""
        return self.send("GET", path, Accept="text/vcard")[1]

    def make_book(self, name: str) -> str:
        """Make one more address book; return its path."""
        path = f"{self.home}{name}/"
        body = BOOK_XML.format(name=name).encode()
        self.send("MKCOL", path, body, Content_Type="text/xml")
        return path


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            _wait_until_up(process, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(400):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"the server does not listen: {log.read_text()}")


@contextlib.contextmanager
def radicale(folder: Path) -> Iterator[Server]:
    """Run Radicale; its book is `/alice/contacts/`. Data that is there already is used."""
    fresh = not (folder / "data").exists()
    port = free_port()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    config = folder / "config"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 50\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\n"
        "htpasswd_encryption = plain\ndelay = 0\n"
        "[rights]\ntype = owner_only\n"
        f"[storage]\nfilesystem_folder = {folder}/data\n"
        "[web]\ntype = none\n[logging]\nlevel = warning\n"
    )
    command = [sys.executable, "-m", "radicale", "--config", str(config)]
    with _running(command, port, folder / "log"):
        server = Server("radicale", port, f"/{USER}/", f"/{USER}/contacts/")
        if fresh:
            server.make_book("contacts")
        yield server


@contextlib.contextmanager
def xandikos(folder: Path) -> Iterator[Server]:
    """Run Xandikos; its book is `/alice/contacts/addressbook/`."""
    port = free_port()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "users").write_text(f"{USER}:{{SHA}}{digest}\n")
    command = [sys.executable, __file__, str(folder), str(port)]
    with _running(command, port, folder / "log"):
        home = f"/{USER}/contacts/"
        server = Server("xandikos", port, home, f"{home}addressbook/")
        server.send("PROPFIND", "/", Depth="0")  # makes the user's first book
        yield server


def _serve_xandikos(folder: str, port: int) -> None:
    from aiohttp import web
    from xandikos.htpasswd import HtpasswdFile
    from xandikos.multi_user import MultiUserFilesystemBackend, MultiUserXandikosApp
    from xandikos.web import WELLKNOWN_DAV_PATHS, RedirectDavHandler, basic_auth_middleware

    data = Path(folder, "data")
    data.mkdir(exist_ok=True)
    backend = MultiUserFilesystemBackend(str(data), create_defaults=True)
    dav = MultiUserXandikosApp(backend, "/%(REMOTE_USER)s/", state_dir=folder)

    async def handle(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await dav.aiohttp_handler(request, "/")
        return answer

    application = web.Application(client_max_size=1 << 28)
    application.middlewares.append(basic_auth_middleware(HtpasswdFile(f"{folder}/users")))
    for path in WELLKNOWN_DAV_PATHS:
        application.router.add_route("*", path, RedirectDavHandler("/").__call__)
    application.router.add_route("*", "/{path_info:.*}", handle)
    web.run_app(application, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    _serve_xandikos(sys.argv[1], int(sys.argv[2]))
