"""Which entry points do the installed distributions have? Kept until one is installed or removed.

`importlib.metadata` takes 15 ms to be imported and to read what a hundred distributions offer, so
the command line keeps the answer (`danhba.cache`) as long as the folders of `sys.path` hold the
same files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from danhba import cache

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_CACHE = "entry-points"


class Claim(Protocol):
    """An entry point, such as `importlib.metadata.EntryPoint`: a distribution claims a name."""

    @property
    def group(self) -> str:
        """The group."""
        ...

    @property
    def name(self) -> str:
        """The name in the group."""
        ...

    @property
    def value(self) -> str:
        """What it stands for: `module:attribute`."""
        ...

    @property
    def dist(self) -> Distribution | None:
        """The distribution, where it is known."""
        ...

    def load(self) -> Any:  # noqa: ANN401 - what it is, only the group says
        """Import what it stands for."""
        ...


class KnownClaim(msgspec.Struct, frozen=True, array_like=True):
    """An entry point that can be kept; `by` is the name of its distribution."""

    group: str
    name: str
    value: str
    by: str

    @property
    def dist(self) -> Distribution | None:
        """The distribution, where it is known."""
        from importlib.metadata import distribution

        return distribution(self.by) if self.by else None

    def load(self) -> Any:  # noqa: ANN401 - what it is, only the group says
        """Import what it stands for."""
        module, _, attributes = self.value.partition("[")[0].partition(":")
        names = filter(None, attributes.strip().split("."))
        return reduce(getattr, names, import_module(module.strip()))


def entry_points(groups: Iterable[str]) -> list[KnownClaim]:
    """Return the entry points of some groups that the installed distributions have."""
    groups = sorted(groups)
    key = repr((groups, [_state(folder) for folder in sys.path]))
    known = cache.recall(_CACHE, key, list[KnownClaim])
    if known is None:
        known = list(_installed(groups))
        cache.keep(_CACHE, key, known)
    return known


def _state(folder: str) -> tuple[str, int]:
    """Return what changes when a distribution is put into a folder or removed."""
    try:
        return os.path.abspath(folder), os.stat(folder or ".").st_mtime_ns  # noqa: PTH100, PTH116
    except OSError:
        return folder, 0


def _installed(groups: Iterable[str]) -> Iterable[KnownClaim]:
    from importlib.metadata import entry_points as installed

    found = installed()
    for group in groups:
        for point in found.select(group=group):
            by = point.dist.name if point.dist else ""
            yield KnownClaim(point.group, point.name, point.value, by)
