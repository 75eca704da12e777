"""The vCard files in a folder and its subfolders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from danhba.errors import SyncerError

_SUFFIXES = (".vcf", ".vcard")


def vcards_below(folder: Path) -> Iterator[Path]:
    """Yield the vCard files of a folder and its subfolders, in the order of their names.

    A file comes once, however many symlinks lead to it: under its own name if it lies in the
    folder, else under that of the first link. Hard links are files of their own, for a write parts
    them: a new file takes the place of one name only.
    """
    for path, same in with_links(folder):
        if same is None:
            yield path


def with_links(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Yield each vCard file; one that is but a link to another one with that other one."""
    root = os.path.realpath(folder)
    outside: dict[Path, Path] = {}
    for path in _named_so(folder):
        same = None
        if path.is_symlink() and (real := Path(os.path.realpath(path))).exists():
            if _is_vcard(real.name) and real.is_relative_to(root):
                same = folder / real.relative_to(root)
            elif (first := outside.setdefault(real, path)) != path:
                same = first
        yield path, same


def _named_so(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder, onerror=_unreadable_folder):
        folders.sort()
        for name in sorted(names):
            if _is_vcard(name):
                yield Path(here, name)


def _is_vcard(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _unreadable_folder(error: OSError) -> None:
    raise SyncerError(f"{error.filename}: cannot be read: {error.strerror}") from error


def printable(name: str) -> str:
    """Write a file name so that it can stand in a ref: printable Unicode, `%` and `#` escaped.

    Octets that are not UTF-8 (U+DC80 to U+DCFF in the name, PEP 383) become `%80` to `%FF`.
    """
    return "".join(
        char if char.isprintable() and char not in "#%" else f"%{_code(char):02X}" for char in name
    )


def _code(char: str) -> int:
    return ord(char) - 0xDC00 if "\udc80" <= char <= "\udcff" else ord(char)
