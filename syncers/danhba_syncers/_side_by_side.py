"""Work several iterators side by side, and take what they yield in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(sources: Iterable[Iterator[T]], width: int) -> Iterator[T]:
    """Yield all of the first iterator, then all of the second, and so on.

    Of the first `width` that are not exhausted the next item is made ready meanwhile, in a thread.
    """
    todo = iter(sources)
    pool = ThreadPoolExecutor(width, "danhba-read")
    active: deque[tuple[Iterator[T], Future[tuple[T] | None]]] = deque()
    try:
        while True:
            while len(active) < width and (source := next(todo, None)) is not None:
                active.append((source, pool.submit(_next, source)))
            if not active:
                return
            source, future = active.popleft()
            if item := future.result():
                active.appendleft((source, pool.submit(_next, source)))
                yield item[0]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _next(source: Iterator[T]) -> tuple[T] | None:
    for item in source:
        return (item,)
    return None
