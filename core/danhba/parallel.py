"""Work on the parts of a source side by side, in forked processes, and get the results in order.

Where the platform cannot fork safely, or there is one processor, the caller does the work itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from mmap import mmap
from typing import Generic, NamedTuple, TypeVar

from danhba.edits import Octets

P = TypeVar("P")

if sys.platform == "linux":
    import fcntl

_NUMBER = struct.Struct("<Q")
_HEAD = struct.Struct("<QQQ")
"""The number of a part, the shelf its result lies on, how many pieces it has; the length of each
piece follows, and where there is no shelf, the pieces."""
_AHEAD = 4
"""Parts for each worker that may be under way or wait for their turn."""
_PIPE = 1 << 20
"""Octets that a worker may be ahead of its reader, where the system allows it."""
_MEMORY = ((-1, 1 << 28), (-2, 1 << 24), (-3, 1 << 25))
"""mallopt's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD, in octets."""
_SHELVES = 4
_SHELF = 3 << 20
"""Octets that a shelf holds: what comes of one part, usually."""
_NO_SHELF = _SHELVES


def processors() -> int:
    """Return how many processes may work side by side; 1 where forking is not safe."""
    if not sys.platform.startswith("linux"):
        return 1
    return len(os.sched_getaffinity(0))


def side_by_side(
    parts: Sequence[P], work: Callable[[P], Sequence[bytes]], workers: int
) -> Generator[Sequence[Octets] | None, None, None]:
    """Yield the pieces of `work(part)` for each part, in order; None, as the last, on a failure.

    The pieces are good until the next result is asked for. A worker that is free takes the next
    part, but none too far ahead of the one whose turn it is, so that results do not pile up.
    Closing the iterator ends the workers.
    """
    with _Workers(parts, work, workers) as crew:
        for number in range(len(parts)):
            crew.hand_out(number + _AHEAD * workers)
            result = crew.result(number)
            yield result and result.pieces
            if result is None:
                return
            result.release()


class _Shelves:
    """Memory that a worker shares with its parent, for results; a pipe is four times as slow.

    The worker fills a shelf that is free, the parent frees it again: one octet a shelf says so.
    """

    def __init__(self) -> None:
        self._memory = mmap(-1, _SHELVES * _SHELF)
        self._in_use = mmap(-1, _SHELVES)

    def put(self, pieces: Sequence[bytes]) -> int:
        """Lay a result on a free shelf; return which, `_NO_SHELF` where it has no room."""
        shelf = bytes(self._in_use).find(0)
        if shelf < 0 or sum(map(len, pieces)) > _SHELF:
            return _NO_SHELF
        self._in_use[shelf] = 1
        start = shelf * _SHELF
        for piece in pieces:
            end = start + len(piece)
            self._memory[start:end] = piece
            start = end
        return shelf

    def get(self, shelf: int, lengths: Sequence[int]) -> Iterator[memoryview]:
        """Yield the pieces that lie on a shelf."""
        start = shelf * _SHELF
        for length in lengths:
            yield memoryview(self._memory)[start : start + length]
            start += length

    def free(self, shelf: int) -> None:
        """Let a shelf be filled again."""
        self._in_use[shelf] = 0


class _Result(NamedTuple):
    """The pieces of a result, and where they lie."""

    pieces: Sequence[memoryview]
    shelves: _Shelves
    shelf: int

    def release(self) -> None:
        """Say that the pieces are not needed any more."""
        for piece in self.pieces:
            piece.release()
        if self.shelf != _NO_SHELF:
            self.shelves.free(self.shelf)


class _Workers(Generic[P]):
    """Forked processes that work on the parts, and the results whose turn has not come."""

    def __init__(
        self, parts: Sequence[P], work: Callable[[P], Sequence[bytes]], count: int
    ) -> None:
        self._parts = parts
        self._work = work
        self._found: dict[int, _Result] = {}
        self._large: dict[int, tuple[int, list[int]]] = {}
        self._held: set[int] = set()
        self._handed_out = 0
        self._pipes: dict[int, _Shelves] = {}
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
                try:
                    os.write(self._desk, _NUMBER.pack(number))
                except BrokenPipeError:  # all of them have ended
                    self._no_more()
            self._handed_out = number + 1
        if self._handed_out == len(self._parts):
            self._no_more()

    def _no_more(self) -> None:
        if self._desk >= 0:
            os.close(self._desk)
            self._desk = -1

    def result(self, number: int) -> _Result | None:
        """Wait for the result of a part; None when one was lost with its worker."""
        while number not in self._found:
            if number in self._large:
                self._take_large(number)
            elif not self._pipes.keys() - self._held:
                return None
            else:
                for pipe, _ in self._poll.poll():
                    self._receive(pipe)
        return self._found.pop(number)

    def _receive(self, pipe: int) -> None:
        """Take the next result of a worker, a large one only when its turn comes."""
        head = _read(pipe, _HEAD.size)
        number, shelf, count = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0, 0)
        lengths = _read(pipe, count * _NUMBER.size)
        sizes = [size for (size,) in _NUMBER.iter_unpack(lengths)] if count else []
        if not count or len(sizes) < count:
            self._lose(pipe)
        elif shelf == _NO_SHELF:
            self._large[number] = pipe, sizes
            self._held.add(pipe)
            self._poll.unregister(pipe)
        else:
            shelves = self._pipes[pipe]
            self._found[number] = _Result(list(shelves.get(shelf, sizes)), shelves, shelf)

    def _take_large(self, number: int) -> None:
        """Read a result that did not fit into shared memory."""
        pipe, sizes = self._large.pop(number)
        self._held.remove(pipe)
        self._poll.register(pipe, select.POLLIN)
        pieces = [memoryview(_read(pipe, size)) for size in sizes]
        if list(map(len, pieces)) == sizes:
            self._found[number] = _Result(pieces, self._pipes[pipe], _NO_SHELF)

    def _lose(self, pipe: int) -> None:
        """Close the pipe of a worker that has ended; the others shall come to an end as well."""
        self._no_more()
        self._poll.unregister(pipe)
        del self._pipes[pipe]
        os.close(pipe)

    def _start(self) -> int:
        """Start a worker; return its process id."""
        reading, writing = os.pipe()
        with contextlib.suppress(OSError):  # a smaller pipe does as well, only with more waiting
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
        shelves = _Shelves()
        child = os.fork()
        if child:
            os.close(writing)
            self._pipes[reading] = shelves
            return child
        code = 1
        try:
            _keep_freed_memory()
            for other in (reading, self._desk, *self._pipes):
                os.close(other)
            while order := os.read(self._orders, _NUMBER.size):
                (number,) = _NUMBER.unpack(order)
                self._send(writing, shelves, number, self._work(self._parts[number]))
            code = 0
        finally:
            os._exit(code)  # no clean-up of what belongs to the parent
        raise AssertionError  # for mypy: never reached

    def _send(self, pipe: int, shelves: _Shelves, number: int, pieces: Sequence[bytes]) -> None:
        """Give a result to the parent."""
        shelf = shelves.put(pieces)
        sizes = [_NUMBER.pack(len(piece)) for piece in pieces]
        _write(pipe, b"".join([_HEAD.pack(number, shelf, len(pieces)), *sizes]))
        if shelf == _NO_SHELF:
            for piece in pieces:
                _write(pipe, piece)


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed: it would give it back and get it again, at each part.

    That is a tenth of the time, spent on getting pages. Of glibc alone; others do as they do.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter, octets in _MEMORY:
            library.mallopt(parameter, octets)


def _read(pipe: int, size: int) -> bytearray:
    """Read so many octets; less where the pipe ends before."""
    found = bytearray(size)
    left = memoryview(found)
    while left:
        count = os.readv(pipe, [left])
        if not count:
            break
        left = left[count:]
    got = size - len(left)
    left.release()
    return found if got == size else found[:got]


def _write(pipe: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(pipe, left) :]
