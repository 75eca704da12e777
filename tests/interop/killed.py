"""Runs the command line in a child process and kills it, or meddles, at its N-th step to the disk.

Started as a program, it reads jobs from standard input, JSON, a line each, and forks for each one,
so that danhba is loaded once. The child counts every call that reaches for the disk: each write,
flush and close of a file, fsync, rename, unlink, chmod, truncate, each statement by which SQLite
writes, and each request to a server. At step N it sends itself SIGKILL: before the call, after it,
or with half of what it writes written.

Job: `{"argv": […], "state": folder, "at": N or 0, "when": "before" | "torn" | "after" | "meddle"}`.
For "meddle" also `"path"` and `"content"` (hexadecimal): a file that somebody else writes before
the step, and the run goes on. `"environment"` holds further variables; `"largest"` limits the
bytes of a file that the run may write.
Answer: `{"code": exit code or minus the signal, "steps": their names or null, "err": text}`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from danhba import synced

try:
    from danhba_syncers import _dav_client as carddav
except ImportError:  # an extra that may be left out
    carddav = None

NAMES = (
    "fsync",
    "fdatasync",
    "replace",
    "rename",
    "unlink",
    "chmod",
    "truncate",
    "ftruncate",
    "sendfile",
    "copy_file_range",
)


class Killer:
    """Counts steps, and ends this process, or meddles, at one of them."""

    def __init__(self, at: int, when: str, meddle: Callable[[], Any]) -> None:
        self.at, self.when, self.meddle = at, when, meddle
        self.steps: list[str] = []

    def step(
        self, name: str, call: Callable[[], Any], torn: Callable[[], Any] | None = None
    ) -> Any:
        """Take a step; `torn` does half of it."""
        self.steps.append(name)
        if len(self.steps) != self.at:
            return call()
        if self.when == "meddle":
            self.meddle()
            return call()
        if self.when == "torn" and torn:
            torn()
        if self.when == "after":
            call()
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    def wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a step of every call of a function."""
        return lambda *args, **more: self.step(name, lambda: call(*args, **more))

    def install(self) -> None:
        """Put the counters in place of the functions that reach for the disk."""
        for name in NAMES:
            if hasattr(os, name):
                setattr(os, name, self.wrapped(name, getattr(os, name)))
        write, fdopen, connect = os.write, os.fdopen, sqlite3.connect
        os.write = lambda fd, data: self.step(
            "write", lambda: write(fd, data), lambda: write(fd, data[: len(data) // 2])
        )
        os.fdopen = lambda *args, **more: self.opened(fdopen(*args, **more))
        synced.SyncedAhead.write = self.written(synced.SyncedAhead.write)
        sqlite3.connect = lambda *args, **more: connect(*args, **more, factory=self.connection())
        if carddav:
            client = carddav.Client
            client.request = self.request(client.request)

    def request(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a step of every request, named by its method."""

        def request(client: Any, url: str, method: str = "GET", *args: Any, **more: Any) -> Any:
            return self.step(method, lambda: call(client, url, method, *args, **more))

        return request

    def written(self, write: Callable[..., int]) -> Callable[..., int]:
        """Make a step of every write of a book or a log."""

        def step(file: Any, data: Any) -> int:
            half = bytes(data)[: len(data) // 2]
            return self.step("write", lambda: write(file, data), lambda: write(file, half))

        return step

    def opened(self, file: Any) -> Any:
        """Watch a file that is open for writing."""
        return Watched(file, self) if file.writable() else file

    def connection(self) -> type[sqlite3.Connection]:
        """Make a kind of connection whose every statement is a step."""
        killer = self

        class Counted(sqlite3.Connection):
            def execute(self, *args: Any) -> sqlite3.Cursor:
                if args[0].startswith("SELECT"):
                    return super().execute(*args)
                return killer.step("sqlite", lambda: super(Counted, self).execute(*args))

            def executescript(self, *args: Any) -> sqlite3.Cursor:
                return killer.step("sqlite", lambda: super(Counted, self).executescript(*args))

            def __exit__(self, *args: Any) -> bool:
                return killer.step("sqlite", lambda: super(Counted, self).__exit__(*args))

        return Counted


class Watched:
    """A file whose every write, flush and close is a step."""

    def __init__(self, file: Any, killer: Killer) -> None:
        self._file, self._killer = file, killer

    def write(self, data: bytes) -> int:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        return self._killer.step("write", lambda: self._file.write(data), half)

    def writelines(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.write(part)

    def flush(self) -> None:
        self._killer.step("flush", self._file.flush)

    def close(self) -> None:
        self._killer.step("close", self._file.close)

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def child(job: dict[str, Any], told: int, err: int) -> None:
    """Run the command line; never returns."""
    from danhba.cli import main

    os.environ.update(job.get("environment", {}), DANHBA_STATE_DIR=job["state"])
    os.dup2(err, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout, sys.stderr = io.StringIO(), os.fdopen(os.dup(2), "w")
    sys.argv = ["danhba", *job["argv"]]
    path, content = Path(job.get("path", ".")), bytes.fromhex(job.get("content", ""))
    killer, tell = Killer(job["at"], job["when"], lambda: path.write_bytes(content)), os.write
    if "largest" in job:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest"], job["largest"]))
    killer.install()
    try:
        main()
    except SystemExit as done:
        sys.stderr.flush()
        tell(told, json.dumps(killer.steps).encode())
        os._exit(done.code if isinstance(done.code, int) else 0)
    except BaseException:  # noqa: BLE001 - a fault of danhba or of this script is told, not lost
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(70)


def warm_up() -> None:
    """Convert and undo a book here, so that every child finds all modules loaded."""
    from danhba.cli.commands import danhba

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.environ["DANHBA_STATE_DIR"] = folder
        book, log = Path(folder, "book.vcf"), Path(folder, "log.jsonl")
        book.write_bytes(b"BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:01681234567\nEND:VCARD\n")
        with contextlib.redirect_stderr(io.StringIO()):
            danhba.main(["convert", str(book), "--write", "--log", str(log)], standalone_mode=False)
            danhba.main(["undo", str(log)], standalone_mode=False)


def serve() -> None:
    """Do the jobs that come in, one after the other."""
    warm_up()
    for line in sys.stdin:
        job = json.loads(line)
        hear, told = os.pipe()
        with tempfile.TemporaryFile() as err:
            pid = os.fork()
            if not pid:
                child(job, told, err.fileno())
            os.close(told)
            with os.fdopen(hear, "rb") as pipe:
                steps = pipe.read()
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            err.seek(0)
            answer = {
                "code": code,
                "steps": json.loads(steps) if steps else None,
                "err": err.read().decode(),
            }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder
    serve()
