"""Files and folders that only their owner may read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from errno import ENOTDIR
from pathlib import Path

from danhba.errors import DanhbaError


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for state: `DANHBA_STATE_DIR`, else the platform's place for it."""
    if given := environ.get("DANHBA_STATE_DIR"):
        return Path(given)
    from platformdirs import user_state_path  # 25 ms, not needed when the variable is set

    return user_state_path("danhba", appauthor=False)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner only (mode 0700).

    Raises:
        DanhbaError: One of them cannot be made.
    """
    try:
        for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
    except OSError as error:
        raise DanhbaError(
            f"{folder}: the folder cannot be made: {error.strerror}. The state folder can be"
            " another one: name it in DANHBA_STATE_DIR"
        ) from None


def write_private(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file of mode 0600 that appears whole or not at all."""
    import tempfile  # takes a while, and most runs write none

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
