"""A file that is brought to the disk while it is written."""

from __future__ import annotations

import os
from io import FileIO
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_EVERY = 8 << 20
"""Octets that are written before they are brought to the disk."""


class SyncedAhead(FileIO):
    """A file that is brought to the disk while it is written, so that the end waits for little."""

    def __init__(self, handle: int, *, ahead: bool = True) -> None:
        """Take a file that is open for writing.

        Args:
            handle: Its descriptor, which is closed with the object.
            ahead: False where it need not be on the disk before it is closed, unless `sync` is
                called.
        """
        super().__init__(handle, "wb")
        self._ahead = ahead
        self._fresh = 0
        self._under_way: Thread | None = None
        self._failed: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, and begin to sync what was written since the last time, where that is much."""
        count = super().write(data)
        self._written(count)
        return count

    def append(self, stream: BinaryIO, start: int, size: int) -> None:
        """Write a stretch of another file; the system copies it by itself. Of Linux alone.

        Raises:
            EOFError: That file ends before.
        """
        end = start + size
        while start < end:
            count = os.sendfile(self.fileno(), stream.fileno(), start, end - start)
            if not count:
                raise EOFError(f"{stream.name}: ends at octet {start} of {end}")
            self._written(count)
            start += count

    def _written(self, count: int) -> None:
        self._fresh += count
        if not self._ahead:
            return
        if self._fresh >= _EVERY and not (self._under_way and self._under_way.is_alive()):
            self._fresh = 0
            self._under_way = Thread(target=self._sync, daemon=True)
            self._under_way.start()

    def _sync(self) -> None:
        try:
            os.fsync(self.fileno())
        except OSError as error:
            self._failed = error  # told once only: the next sync may well succeed

    def sync(self) -> None:
        """Return when everything written is on the disk.

        Raises:
            OSError: Something could not be written.
        """
        if self._under_way:
            self._under_way.join()
        if self._failed:
            raise self._failed
        os.fsync(self.fileno())

    def close(self) -> None:
        """Close the file when nothing is under way any more."""
        if self._under_way:
            self._under_way.join()
        super().close()
