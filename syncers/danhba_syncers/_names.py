"""Which ref does each card of a file get, where several have the same name?

The first card of a name is `file#name`, further ones are `file#name#2`, `file#name#3`, …. No name
of a file or card has a `#` of its own.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection

_MANY = 1 << 18
"""Names from which on they are kept in a table."""
_BY_CONTENT = "sha256:"


def content_name(raw: bytes) -> str:
    """Name a card without UID by what it holds."""
    return _BY_CONTENT + hashlib.sha256(raw).hexdigest()


def name_of(uid: str, raw: bytes) -> str:
    """Name a card by its UID, or by what it holds where it has none.

    What has a meaning in a ref is escaped in a UID: `#`, `%`, and `sha256:` at its beginning.
    """
    if not uid:
        return content_name(raw)
    if "#" in uid or "%" in uid:
        uid = uid.replace("%", "%25").replace("#", "%23")
    return uid.replace(":", "%3A", 1) if uid.startswith(_BY_CONTENT) else uid


def ref(file: str, name: str, count: int) -> str:
    """Return the ref of the first, second, … card of a name in a file."""
    return f"{file}#{name}" if count == 1 else f"{file}#{name}#{count}"


def moved_to(name: str, raw: bytes) -> str:
    """Return another ref that a card has with a new raw; empty where it stays."""
    file, by_content, rest = name.partition("#" + _BY_CONTENT)
    if not by_content:
        return ""
    _, again, count = rest.partition("#")
    return f"{file}#{content_name(raw)}{again}{count}"


class PartNames:
    """Counts the names in one part of a file."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, name: str) -> int:
        """Say how many cards of this name there are with the next one."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return count

    def count_all(self, names: list[str]) -> list[int] | None:
        """Say the same of many cards; None when each is the first of its name."""
        fresh = dict.fromkeys(names, 1)
        if len(fresh) < len(names) or not self._counts.keys().isdisjoint(fresh):
            return list(map(self.count, names))
        self._counts |= fresh
        return None

    def keys(self) -> bytes:
        """Return the keys of the names, 8 bytes each, once for each card that has the name."""
        keys = array("q", map(hash, self._counts))
        if sum(self._counts.values()) > len(keys):
            for name, count in self._counts.items():
                keys.extend([hash(name)] * (count - 1))
        return keys.tobytes()


class Names:
    """Counts the names in a file; knows those met so far by 64 bits each.

    Small files use a set. For large ones it would need 70 bytes a card, so from `_MANY` names on
    they go into an open-addressing table of 8-byte slots, at most half full.
    """

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._table: array[int] = array("Q")
        self._used = 0
        self._again: dict[int, int] = {}

    def count(self, name: str) -> int:
        """Say how many cards of this name there are with the next one."""
        key = hash(name) & 0xFFFF_FFFF_FFFF_FFFF or 1
        if not self._knows_any({key}):
            self._add_new({key})
            return 1
        self._again[key] = count = self._again.get(key, 1) + 1
        return count

    def take(self, part: bytes) -> bool:
        """Remember the keys of a part; False, and none is remembered, when one was known before."""
        keys = array("Q", part)
        fresh = set(keys)
        if 0 in fresh:
            keys = array("Q", [key or 1 for key in keys])  # 0 is an empty slot
            fresh = set(keys)
        if self._knows_any(fresh):
            return False
        self._add_new(fresh)
        if len(fresh) < len(keys):
            for key in keys:
                if key in fresh:
                    fresh.remove(key)
                else:
                    self._again[key] = self._again.get(key, 1) + 1
        return True

    def _knows_any(self, keys: set[int]) -> bool:
        if not self._table:
            return not self._few.isdisjoint(keys)
        table, mask = self._table, len(self._table) - 1
        for key in keys:
            slot = key & mask
            while held := table[slot]:
                if held == key:
                    return True
                slot = (slot + 1) & mask
        return False

    def _add_new(self, keys: set[int]) -> None:
        """Remember keys none of which was known before."""
        if not self._table:
            self._few |= keys
            if len(self._few) >= _MANY:
                self._grow(self._few)
                self._few = set()
            return
        if 2 * (self._used + len(keys)) > len(self._table):
            self._grow([held for held in self._table if held])
        self._put(keys)

    def _put(self, keys: Collection[int]) -> None:
        """Put new keys into the table, which has room for them."""
        table, mask = self._table, len(self._table) - 1
        for key in keys:
            slot = key & mask
            while table[slot]:
                slot = (slot + 1) & mask
            table[slot] = key
        self._used += len(keys)

    def _grow(self, keys: Collection[int]) -> None:
        """Make a table with room for four times as many keys, and put these into it."""
        size = 1 << (4 * len(keys)).bit_length()
        self._table, self._used = array("Q", bytes(8 * size)), 0
        self._put(keys)
