"""A file replaced as a whole or not at all: beside it, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from io import BufferedWriter
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from danhba.errors import SyncerError
from danhba.synced import SyncedAhead

_BINARY = getattr(os, "O_BINARY", 0)


class Fingerprint(NamedTuple):
    """What tells that a file is still the one that was read."""

    device: int
    inode: int
    size: int
    modified_ns: int


class ChangedMeanwhileError(SyncerError):
    """Somebody else wrote the file after it was read; it was not touched."""


def fingerprint(path: Path) -> Fingerprint:
    """Take the fingerprint of a file; a symlink is followed."""
    found = path.stat()
    return Fingerprint(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@contextlib.contextmanager
def replacing(path: Path, expected: Fingerprint | None) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` when the block ends well.

    A symlink stays and its target is replaced; mode, and owner where permitted, are kept.

    Args:
        path: The file to be replaced; need not exist when `expected` is None.
        expected: Its fingerprint when it was read; None when it may be whatever it is.

    Raises:
        ChangedMeanwhileError: The file is not the one expected any more.
        SyncerError: There is no room or no permission; `path` is as it was.
    """
    target = Path(os.path.realpath(path))
    temporary = _temporary(target)
    try:
        _clear_away(temporary)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    except OSError as error:
        raise SyncerError(f"{target.parent}: cannot write here: {error.strerror}") from error
    try:
        with SyncedAhead(handle) as raw, BufferedWriter(raw) as file:
            yield file
            file.flush()
            raw.sync()
        _take_place(temporary, target, expected)
    except OSError as error:
        raise SyncerError(
            f"{target}: not written, left as it was: {error.strerror or error}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def append(out: IO[bytes], stream: BinaryIO, start: int, size: int) -> None:
    """Write a stretch of a file behind what was written to another one."""
    raw = getattr(out, "raw", None)
    if isinstance(raw, SyncedAhead) and sys.platform == "linux":
        out.flush()
        try:
            raw.append(stream, start, size)
        except EOFError as error:
            told = f"{stream.name}: became shorter while it was read; run again"
            raise SyncerError(told) from error
    else:
        stream.seek(start)
        out.write(stream.read(size))


class Stage:
    """Files that are complete, and wait aside to take their places."""

    def __init__(self, aside: Path) -> None:
        self._aside = aside
        self._names: list[Path] = []
        self._links: list[tuple[Path, Path]] = []

    @contextlib.contextmanager
    def file(self, name: Path) -> Iterator[BinaryIO]:
        """Open a file that will have that name below the target."""
        place = self._place(len(self._names))
        self._names.append(name)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        with SyncedAhead(handle) as raw, BufferedWriter(raw) as file:
            yield file
            file.flush()
            raw.sync()

    def _place(self, number: int) -> Path:
        return self._aside / f"{number}.danhba-tmp"

    def link(self, name: Path, other: Path) -> None:
        """Have a symlink of that name lead to another file below the target."""
        self._links.append((name, other))

    def take_places(self, target: Path) -> None:
        """Move every file to its place, then make the links."""
        for number, name in enumerate(self._names):
            place = Path(os.path.realpath(target / name))
            place.parent.mkdir(parents=True, exist_ok=True)
            _take_place(self._place(number), place, None)
        for name, other in self._links:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(os.path.relpath(target / other, place.parent))


@contextlib.contextmanager
def staging(target: Path) -> Iterator[Stage]:
    """Keep the files of a folder aside until the block ends well, then move them there.

    Raises:
        SyncerError: There is no room or no permission.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target if target.is_dir() else target.parent
        with tempfile.TemporaryDirectory(prefix=".danhba-", dir=beside) as aside:
            stage = Stage(Path(aside))
            yield stage
            stage.take_places(target)
    except OSError as error:
        raise SyncerError(f"{target}: not written: {error.strerror or error}") from error


_count = itertools.count()


def _temporary(target: Path) -> Path:
    """Name a temporary file beside a target: by the target, this process, and a count."""
    mark = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return target.with_name(f".{mark}.{os.getpid()}.{next(_count)}.danhba-tmp")


def _clear_away(temporary: Path) -> None:
    """Remove what killed runs left beside the target; never the file of a process that lives."""
    mark = temporary.name.split(".")[1]
    for left in temporary.parent.glob(f".{mark}.*.danhba-tmp"):
        process = left.name.split(".")[2]
        if process.isdecimal() and not _lives(int(process)):
            left.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    """Say whether a process runs; Windows cannot be asked without harm, so there it always does."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _take_place(temporary: Path, target: Path, expected: Fingerprint | None) -> None:
    if target.exists():
        _dress_like(temporary, target)
    else:
        temporary.chmod(0o666 & ~_umask())
    if expected is not None and fingerprint(target) != expected:
        raise ChangedMeanwhileError(f"{target}: changed by someone else meanwhile, left as it is")
    temporary.replace(target)
    sync_folder(target.parent)


def _dress_like(temporary: Path, target: Path) -> None:
    """Give the new file the mode of the old one, and its owner where permitted."""
    shutil.copymode(target, temporary)
    if hasattr(os, "chown"):
        found = target.stat()
        with contextlib.suppress(OSError):
            os.chown(temporary, found.st_uid, found.st_gid)
            shutil.copymode(target, temporary)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable; Windows needs and offers no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
