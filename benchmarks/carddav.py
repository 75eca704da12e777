"""Times the same job on CardDAV servers, danhba against vdirsyncer, in one run.

Usage: python benchmarks/carddav.py [--cards 2000] [--change 600] [--runs 1] [--delay-ms 0 50]
       [--server radicale xandikos] [--vdirsyncer PROGRAM]

The job: an address book of so many cards, some of which have an old number; when it ends, those are
converted on the server. vdirsyncer is run as a user would: sync down into a folder, change the
files, sync up; the change itself is a search and replace that costs next to nothing. danhba does
`convert --write`, and reads back what it wrote. Both get a fresh copy of the same server for each
run. `--delay-ms` puts a proxy before the server that holds each request back, as a network does.

Without --vdirsyncer it is installed from the package index into a folder of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.dav_proxy import Proxy, proxy
from tests.dav_servers import PASSWORD, USER, Server

from tests import dav_servers

OLD, NEW = "0168 123 ", "038 123 "
SERVERS = {"radicale": dav_servers.radicale, "xandikos": dav_servers.xandikos}


class Job(NamedTuple):
    """What is to be done.

    Attributes:
        cards: How many there are.
        change: How many of them have an old number.
    """

    cards: int
    change: int

    def card(self, number: int) -> bytes:
        """Return one card of the book."""
        phone = OLD if number < self.change else "0912 345 "
        return (
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:card{number:06}\r\nFN:An {number}\r\n"
            f"N:{number};An;;;\r\nORG:Danhba Co {number % 50}\r\n"
            f"TEL;TYPE=CELL:{phone}{number % 10000:04}\r\nEMAIL:an{number}@example.com\r\n"
            "END:VCARD\r\n"
        ).encode()

    def seed(self, server: Server) -> None:
        """Fill the server's book."""
        if server.name == "radicale":  # a PUT to the book itself replaces all of it
            whole = b"".join(map(self.card, range(self.cards)))
            server.send("PUT", server.book, whole, Content_Type="text/vcard; charset=utf-8")
            return
        for number in range(self.cards):
            server.put(f"{server.book}card{number:06}.vcf", self.card(number))

    def check(self, server: Server) -> None:
        """Make sure that the job was done.

        Raises:
            SystemExit: It was not.
        """
        from danhba_syncers.carddav import CardDav, CardDavOptions

        syncer = CardDav(server.location(server.book), CardDavOptions(password_env="DAV_PASSWORD"))
        numbers = [card.phones[0].value for card in syncer.read()]
        syncer.close()
        done = sum(number.startswith(NEW) for number in numbers)
        if (len(numbers), done) != (self.cards, self.change):
            raise SystemExit(f"{server.name}: {done} of {len(numbers)} cards converted")


def run(command: list[str], folder: Path) -> None:
    """Run a command to its end.

    Raises:
        SystemExit: It failed; its output is shown.
    """
    environment = {
        **os.environ,
        "DAV_PASSWORD": PASSWORD,
        "DANHBA_STATE_DIR": str(folder / "state"),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")


def with_danhba(_: str, port: int, book: str, folder: Path) -> None:
    """Convert the book in place."""
    (folder / "danhba.toml").write_text(
        f'[source.book]\ntype = "carddav+http"\nlocation = "{USER}@127.0.0.1:{port}{book}"\n'
        'password_env = "DAV_PASSWORD"\n'
    )
    start = "from danhba.cli import main; main()"
    run([sys.executable, "-c", start, "convert", "book", "--write"], folder)


def with_vdirsyncer(program: str, port: int, book: str, folder: Path) -> None:
    """Sync down, change the files, sync up."""
    (folder / "config").write_text(
        f'[general]\nstatus_path = "{folder}/status"\n'
        '[pair book]\na = "here"\nb = "there"\ncollections = null\n'
        f'[storage here]\ntype = "filesystem"\npath = "{folder}/cards"\nfileext = ".vcf"\n'
        f'[storage there]\ntype = "carddav"\nurl = "http://127.0.0.1:{port}{book}"\n'
        f'username = "{USER}"\npassword = "{PASSWORD}"\n'
    )
    (folder / "cards").mkdir()
    vdirsyncer = [program, "--config", str(folder / "config")]
    run([*vdirsyncer, "discover", "book"], folder)
    run([*vdirsyncer, "sync"], folder)
    for path in (folder / "cards").iterdir():
        text = path.read_text("utf-8")
        if OLD in text:
            path.write_text(text.replace(OLD, NEW), "utf-8")
    run([*vdirsyncer, "sync"], folder)


@contextlib.contextmanager
def copy_of(template: Path, name: str) -> Iterator[Server]:
    """Run a server on a fresh copy of the data that was made once."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(template / "data", Path(folder, "data"))
        with SERVERS[name](Path(folder)) as server:
            yield server


Way = Callable[[str, int, str, Path], None]


def measure(way: Way, program: str, job: Job, template: Path, name: str, delay_ms: int) -> float:
    """Return the seconds that a way to do the job takes."""
    with (
        copy_of(template, name) as server,
        _behind(server.port, delay_ms) as port,
        tempfile.TemporaryDirectory() as folder,
    ):
        began = time.perf_counter()
        way(program, port, server.book, Path(folder))
        seconds = time.perf_counter() - began
        job.check(server)
        return seconds


@contextlib.contextmanager
def _behind(port: int, delay_ms: int) -> Iterator[int]:
    """Put a proxy before the server when there is a delay."""
    if not delay_ms:
        yield port
        return
    counted: Proxy
    with proxy(port, delay_ms / 1000) as counted:
        yield counted.port


def installed_vdirsyncer(folder: Path) -> str:
    """Install vdirsyncer into an environment of its own; return its program."""
    venv.create(folder, with_pip=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "vdirsyncer"]
    subprocess.run(command, check=True)
    return str(folder / "bin" / "vdirsyncer")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cards", type=int, default=2000)
    parser.add_argument("--change", type=int, default=600)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--delay-ms", type=int, nargs="*", default=[0, 50])
    parser.add_argument("--server", nargs="*", choices=list(SERVERS), default=list(SERVERS))
    parser.add_argument("--vdirsyncer", default="", metavar="PROGRAM")
    given = parser.parse_args()
    os.environ["DAV_PASSWORD"] = PASSWORD
    job = Job(given.cards, given.change)
    print(f"{job.cards} cards, {job.change} changed; seconds, median of {given.runs}")
    print("| server | delay | danhba | vdirsyncer | vdirsyncer / danhba |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made:
        program = given.vdirsyncer or installed_vdirsyncer(Path(made, "vdirsyncer"))
        for name in given.server:
            template = Path(made, name)
            template.mkdir()
            with SERVERS[name](template) as server:
                job.seed(server)
            for delay_ms in given.delay_ms:
                times: dict[str, list[float]] = {"danhba": [], "vdirsyncer": []}
                for _ in range(given.runs):
                    for who, way in (("danhba", with_danhba), ("vdirsyncer", with_vdirsyncer)):
                        times[who].append(measure(way, program, job, template, name, delay_ms))
                ours, theirs = (statistics.median(times[who]) for who in times)
                print(
                    f"| {name} | {delay_ms} ms | {ours:.1f} | {theirs:.1f} | {theirs / ours:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
