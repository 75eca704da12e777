"""What was found out before and would be found again: kept between runs, to save time only.

The command line turns it on (`use`); without that nothing is kept. Each thing is kept in a file of
its own, with a digest over its content and the key of all that it depends on. Where the key is
another one, or the file is damaged, it is as good as not there; it may be removed at any time.
"""

from __future__ import annotations

import contextlib
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import msgspec

from danhba import __version__
from danhba.errors import DanhbaError
from danhba.private import make_private, write_private

T = TypeVar("T")
_folder: Path | None = None


def use(folder: Path | None) -> None:
    """Keep things in this folder from now on; None: nowhere."""
    global _folder
    _folder = folder


def recall(name: str, key: str, kind: type[T]) -> T | None:
    """Return what was kept under a name with the same key; None when nothing was."""
    if _folder is None:
        return None
    path = _folder / name
    try:
        if not path.is_file():  # not there, or a pipe, which would be waited for
            return None
        digest, _, encoded = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if digest != _digest(key, encoded):
        return None
    try:
        return msgspec.msgpack.decode(encoded, type=kind)
    except msgspec.DecodeError:  # kept by a danhba under development, of the same version
        return None


def keep(name: str, key: str, value: object) -> None:
    """Keep a value; a folder that cannot be written to is passed over."""
    if _folder is None:
        return
    encoded = msgspec.msgpack.encode(value)
    with contextlib.suppress(OSError, DanhbaError):
        make_private(_folder)
        write_private(_folder / name, [_digest(key, encoded), b"\n", encoded])


def _digest(key: str, encoded: bytes) -> bytes:
    head = f"{__version__} {key}\n".encode()
    return blake2b(head + encoded, digest_size=32).hexdigest().encode()
