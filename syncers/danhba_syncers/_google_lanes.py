"""Edits come one by one, and go out in batches: in order in each account, accounts side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeAlias

from danhba.card import Edit, Outcome

_AHEAD = 2
"""Batches made ready while others are on their way."""
_HELD = 5
"""Batches' worth of edits in batches that are not full yet; beyond, the oldest goes as it is."""

WriteBatch: TypeAlias = Callable[[Sequence[Edit]], list[Outcome]]


class _Lane:
    """The edits of one account, in order.

    Attributes:
        write: Writes a batch.
        held: Edits of a batch that is not full yet, by ref.
        ready: Batches that wait for their turn.
        busy: Whether a batch is on its way, or about to be.
    """

    def __init__(self, write: WriteBatch) -> None:
        self.write = write
        self.held: dict[str, Edit] = {}
        self.ready: deque[list[Edit]] = deque()
        self.busy = False


class Lanes:
    """Writes edits, each account in order and one batch at a time, accounts side by side.

    The thread that has written a batch starts the next of its account, so that nothing waits for
    the caller. Edits are pulled by the caller alone.

    Args:
        lane: Returns the lane of an edit, and how its batches are written.
        width: How many accounts are written at the same time.
        batch: How many edits go out together.
    """

    def __init__(
        self, lane: Callable[[Edit], tuple[str, WriteBatch]], width: int, batch: int
    ) -> None:
        self._lane = lane
        self._width, self._batch = width, batch
        self._lanes: dict[str, _Lane] = {}
        self._held = self._under_way = 0
        self._done: SimpleQueue[list[Outcome] | BaseException] = SimpleQueue()
        self._pool = ThreadPoolExecutor(width, "danhba-google")
        self._lock = threading.Lock()

    def write(self, edits: Iterable[Edit], stop: Callable[[], None]) -> Iterator[Outcome]:
        """Yield an outcome for each edit; `stop` makes the threads end when this is given up."""
        try:
            yield from self._write(edits)
        finally:
            self._drop_ready()
            if self._under_way:
                stop()
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        try:
            for edit in edits:
                lane = self._take(edit)
                if lane:
                    yield from self._told()
                    while len(lane.ready) > _AHEAD or self._under_way > self._width + _AHEAD:
                        yield from self._wait()
        except Exception:  # of the caller's own; what is on its way is told all the same
            self._drop_ready()
            while self._under_way:
                yield from self._wait()
            raise
        for lane in self._lanes.values():
            self._close(lane)
        while self._under_way:
            yield from self._wait()

    def _take(self, edit: Edit) -> _Lane | None:
        """Put an edit to those of its account; return the lane in which a batch got ready."""
        name, write = self._lane(edit)
        lane = self._lanes.get(name) or self._lanes.setdefault(name, _Lane(write))
        if edit.card.ref in lane.held:
            self._close(lane)
        lane.held[edit.card.ref] = edit
        self._held += 1
        if len(lane.held) == self._batch:
            return self._close(lane)
        if self._held > _HELD * self._batch:
            return self._close(next(other for other in self._lanes.values() if other.held))
        return None

    def _close(self, lane: _Lane) -> _Lane:
        """Make a batch of the edits at hand."""
        if lane.held:
            self._held -= len(lane.held)
            self._under_way += 1
            with self._lock:
                lane.ready.append(list(lane.held.values()))
                self._start(lane)
            lane.held = {}
        return lane

    def _start(self, lane: _Lane) -> None:
        """Let the next batch of a lane go, unless one is on its way; the lock is held."""
        if lane.ready and not lane.busy:
            lane.busy = True
            self._pool.submit(self._work, lane, lane.ready.popleft())

    def _work(self, lane: _Lane, batch: list[Edit]) -> None:
        """Write a batch, in a thread of its own."""
        try:
            self._done.put(lane.write(batch))
        except BaseException as error:  # noqa: BLE001 - raised again where it can be seen
            self._done.put(error)
        with self._lock:
            lane.busy = False
            self._start(lane)

    def _drop_ready(self) -> None:
        """Forget the batches that have not gone out."""
        with self._lock:
            for lane in self._lanes.values():
                self._under_way -= len(lane.ready)
                lane.ready.clear()

    def _told(self) -> Iterator[Outcome]:
        """Yield the outcomes that are there."""
        while not self._done.empty():
            yield from self._wait()

    def _wait(self) -> list[Outcome]:
        """Wait for a batch and return its outcomes."""
        found = self._done.get()
        self._under_way -= 1
        if isinstance(found, BaseException):
            raise found
        return found
