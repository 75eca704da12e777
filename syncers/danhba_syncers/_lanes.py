"""Work on several things at once, in threads; what is to be done is pulled by the caller alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(items: Iterable[T], work: Callable[[T], R], width: int) -> Iterator[R]:
    """Yield the results in the order of the items, `width` of them under way at a time."""
    if width <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(width, "danhba") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= width:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class Width:
    """How many lanes are open: one more after a smooth round, half of them after a rough one.

    Each rough one doubles the rounds that it takes to dare more, for there are servers that take
    one write at a time and refuse the others (Xandikos 0.4.10: 423).
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = min(2, most)
        self._smooth = 0
        self._rounds = 1

    def learn(self, *, rough: bool) -> None:
        """Take in how one piece of work went."""
        if rough:
            self.now, self._smooth = max(1, self.now // 2), 0
            self._rounds = min(64, 2 * self._rounds)
            return
        self._smooth += 1
        if self._smooth >= self.now * self._rounds and self.now < self.most:
            self.now, self._smooth = self.now + 1, 0


def as_they_end(
    items: Iterable[T], work: Callable[[T], tuple[R, bool]], width: Width
) -> Iterator[R]:
    """Yield results as they come; `work` also says whether it was rough.

    An error among the items comes through after the results of what was under way.
    """
    pulled = iter(items)
    under_way: set[Future[tuple[R, bool]]] = set()
    fault: Exception | None = None
    with ThreadPoolExecutor(width.most, "danhba") as pool:
        while True:
            while fault is None and len(under_way) < width.now:
                try:
                    item = next(pulled)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - kept, and raised below
                    fault = error
                else:
                    under_way.add(pool.submit(work, item))
            if not under_way:
                break
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                result, rough = future.result()
                width.learn(rough=rough)
                yield result
    if fault:
        raise fault
