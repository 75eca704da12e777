"""Work on the parts of a source side by side, in forked processes, and get the results in order.

Where the platform cannot fork safely, or there is one processor, the caller does the work itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import sys
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

P = TypeVar("P")

if sys.platform == "linux":
    import fcntl

_NUMBER = struct.Struct("<Q")
_HEAD = struct.Struct("<QQ")
"""The number of a part, and how many pieces its result has; the length of each piece follows."""
_AHEAD = 4
"""Parts for each worker that may be under way or wait for their turn."""
_PIPE = 1 << 20
"""Octets that a worker may be ahead of its reader, where the system allows it."""


def processors() -> int:
    """Return how many processes may work side by side; 1 where forking is not safe."""
    if not sys.platform.startswith("linux"):
        return 1
    return len(os.sched_getaffinity(0))


def side_by_side(
    parts: Sequence[P], work: Callable[[P], Sequence[bytes]], workers: int
) -> Generator[list[bytearray] | None, None, None]:
    """Yield the pieces of `work(part)` for each part, in order; None, as the last, on a failure.

    A worker that is free takes the next part, but none too far ahead of the one whose turn it is,
    so that results do not pile up. Closing the iterator ends the workers.
    """
    with _Workers(parts, work, workers) as crew:
        for number in range(len(parts)):
            crew.hand_out(number + _AHEAD * workers)
            result = crew.result(number)
            yield result
            if result is None:
                return


class _Workers(Generic[P]):
    """Forked processes that work on the parts, and the results whose turn has not come."""

    def __init__(
        self, parts: Sequence[P], work: Callable[[P], Sequence[bytes]], count: int
    ) -> None:
        self._parts = parts
        self._work = work
        self._found: dict[int, list[bytearray]] = {}
        self._handed_out = 0
        self._pipes: list[int] = []
        self._orders, self._desk = os.pipe()
        self._children = [self._start() for _ in range(count)]
        os.close(self._orders)
        self._poll = select.poll()
        for pipe in self._pipes:
            self._poll.register(pipe, select.POLLIN)

    def __enter__(self) -> _Workers[P]:
        return self

    def __exit__(self, *error: object) -> None:
        for pipe in self._pipes:
            os.close(pipe)
        self._no_more()
        for child in self._children:
            os.waitpid(child, 0)

    def hand_out(self, end: int) -> None:
        """Let the workers take the parts before this one, unless one of them has failed."""
        for number in range(self._handed_out, min(end, len(self._parts))):
            if self._desk >= 0:
                os.write(self._desk, _NUMBER.pack(number))
            self._handed_out = number + 1
        if self._handed_out == len(self._parts):
            self._no_more()

    def _no_more(self) -> None:
        if self._desk >= 0:
            os.close(self._desk)
            self._desk = -1

    def result(self, number: int) -> list[bytearray] | None:
        """Wait for the result of a part; None when one was lost with its worker."""
        while number not in self._found:
            if not self._pipes:
                return None
            for pipe, _ in self._poll.poll():
                self._receive(pipe)
        return self._found.pop(number)

    def _receive(self, pipe: int) -> None:
        """Take the next result of a worker; where it has ended, let the others come to an end."""
        if head := _read(pipe, _HEAD.size):
            number, count = _HEAD.unpack(head)
            lengths = _read(pipe, count * _NUMBER.size) or b""
            pieces = [_read(pipe, length) for (length,) in _NUMBER.iter_unpack(lengths)]
            found = [piece for piece in pieces if piece is not None]
            if len(found) == count:
                self._found[number] = found
                return
        self._no_more()
        self._poll.unregister(pipe)
        self._pipes.remove(pipe)
        os.close(pipe)

    def _start(self) -> int:
        """Start a worker; return its process id."""
        reading, writing = os.pipe()
        with contextlib.suppress(OSError):  # a smaller pipe does as well, only with more waiting
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
        child = os.fork()
        if child:
            os.close(writing)
            self._pipes.append(reading)
            return child
        code = 1
        try:
            for other in (reading, self._desk, *self._pipes):
                os.close(other)
            while order := os.read(self._orders, _NUMBER.size):
                (number,) = _NUMBER.unpack(order)
                pieces = self._work(self._parts[number])
                lengths = [_NUMBER.pack(len(piece)) for piece in pieces]
                _write(writing, b"".join([_HEAD.pack(number, len(pieces)), *lengths]))
                for piece in pieces:
                    _write(writing, piece)
            code = 0
        finally:
            os._exit(code)  # no clean-up of what belongs to the parent
        raise AssertionError  # for mypy: never reached


def _read(pipe: int, size: int) -> bytearray | None:
    """Read so many octets; None when the pipe ends before."""
    found = bytearray(size)
    left = memoryview(found)
    while left:
        count = os.readv(pipe, [left])
        if not count:
            return None
        left = left[count:]
    return found


def _write(pipe: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(pipe, left) :]
