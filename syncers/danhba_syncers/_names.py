"""Which ref does each card of a file get, where several have the same name?"""

from __future__ import annotations

from array import array
from collections.abc import Iterable


class Names:
    """Gives each card of a file its ref; knows the names given so far by 64 bits each.

    Small files use a set. For large ones it would need 70 bytes a card, so from `_MANY` names on
    they go into an open-addressing table of 8-byte slots, at most half full.

    Args:
        keep: Whether to keep the keys in the order they came, for `take` of another one.
    """

    _MANY = 1 << 16

    def __init__(self, *, keep: bool = False) -> None:
        self._few: set[int] = set()
        self._table: array[int] = array("Q")
        self._used = 0
        self._again: dict[int, int] = {}
        self._keep = keep
        self.kept: array[int] = array("Q")

    def ref(self, file: str, name: str) -> str:
        """Return the ref of the next card of this name: `file#name`, then `file#name#2`, …."""
        key = hash(name) & 0xFFFF_FFFF_FFFF_FFFF or 1
        if self._keep:
            self.kept.append(key)
        if not self._seen(key):
            return f"{file}#{name}"
        self._again[key] = count = self._again.get(key, 1) + 1
        return f"{file}#{name}#{count}"

    def take(self, keys: array[int]) -> bool:
        """Remember the keys of a part; False, and none is remembered, when one was known before."""
        fresh = set(keys)
        if any(map(self._knows, fresh)):
            return False
        for key in keys:
            if self._seen(key):
                self._again[key] = self._again.get(key, 1) + 1
        return True

    def _knows(self, key: int) -> bool:
        if not self._table:
            return key in self._few
        mask = len(self._table) - 1
        slot = key & mask
        while held := self._table[slot]:
            if held == key:
                return True
            slot = (slot + 1) & mask
        return False

    def _seen(self, key: int) -> bool:
        """Say whether the key was met before, and remember it."""
        if not self._table:
            if key in self._few:
                return True
            self._few.add(key)
            if len(self._few) == self._MANY:
                self._grow(self._few)
                self._few = set()
            return False
        if self._knows(key):
            return True
        if 2 * self._used >= len(self._table):
            self._grow([held for held in self._table if held])
        self._put(key)
        return False

    def _put(self, key: int) -> None:
        table, mask = self._table, len(self._table) - 1
        slot = key & mask
        while table[slot]:
            slot = (slot + 1) & mask
        table[slot] = key
        self._used += 1

    def _grow(self, keys: Iterable[int]) -> None:
        size = 4 * max(self._MANY, self._used)
        self._table, self._used = array("Q", bytes(8 * size)), 0
        for key in keys:
            self._put(key)
