"""Work on the parts of a source side by side, in forked processes, and get the results in order.

Where the platform cannot fork safely, or there is one processor, the caller does the work itself.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Generator, Sequence
from typing import BinaryIO, TypeVar

P = TypeVar("P")

if sys.platform == "linux":
    import fcntl

_LENGTH = struct.Struct("<Q")
_PIPE = 1 << 20
"""Octets that a worker may be ahead of its reader, where the system allows it."""


def processors() -> int:
    """Return how many processes may work side by side; 1 where forking is not safe."""
    if not sys.platform.startswith("linux"):
        return 1
    return len(os.sched_getaffinity(0))


def side_by_side(
    parts: Sequence[P], work: Callable[[P], bytes], workers: int
) -> Generator[bytes | None, None, None]:
    """Yield `work(part)` for each part, in order; None where the worker failed.

    Worker i takes parts i, i + workers, …; it waits while its pipe is full, so that results do not
    pile up. Closing the iterator ends the workers.
    """
    pipes: list[BinaryIO] = []
    children: list[int] = []
    try:
        for worker in range(workers):
            child, pipe = _start(parts[worker::workers], work, pipes)
            children.append(child)
            pipes.append(pipe)
        for i in range(len(parts)):
            yield _receive(pipes[i % workers])
    finally:
        for pipe in pipes:
            pipe.close()
        for child in children:
            os.waitpid(child, 0)


def _start(
    parts: Sequence[P], work: Callable[[P], bytes], others: list[BinaryIO]
) -> tuple[int, BinaryIO]:
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):  # a smaller pipe does as well, only with more waiting
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading, "rb", buffering=1 << 16)
    code = 1
    try:
        os.close(reading)
        for other in others:
            os.close(other.fileno())
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for part in parts:
                _send(pipe, work(part))
        code = 0
    finally:
        os._exit(code)  # no clean-up of what belongs to the parent
    raise AssertionError  # for mypy: never reached


def _send(pipe: BinaryIO, result: bytes) -> None:
    for block in (_LENGTH.pack(len(result)), result):
        view = memoryview(block)
        while view:
            view = view[pipe.write(view) :]


def _receive(pipe: BinaryIO) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    result = pipe.read(length)
    return result if len(result) == length else None
