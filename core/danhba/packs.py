"""Which numbering packs are there? Finds them, loads them, puts them to phonenumbers."""

from __future__ import annotations

import functools
import os
from importlib import resources
from pathlib import Path

from danhba.errors import UsageError
from danhba.numbering import Closed, Header, Merged, Pack, Province, Range, Rule
from danhba.pack_checks import Faults, check_outputs, did_you_mean
from danhba.pack_file import read_pack

__all__ = [
    "Closed", "Header", "Merged", "Pack", "Province", "Range", "Rule",
    "builtin", "check", "load",
]  # fmt: skip


def builtin() -> tuple[str, ...]:
    """Name the packs that come with danhba, in alphabetical order."""
    folder = resources.files("danhba") / "packs"
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load(name_or_path: str) -> Pack:
    """Load a pack: a bare name is a built-in one, what has a separator or ends in .toml a file.

    The new numbers of a file's rules are put to phonenumbers (see `check`); those of the built-in
    packs were, by danhba's own tests.

    Raises:
        PackError: The pack has faults; the error carries all of them.
        UsageError: There is no such pack, or the file cannot be read.
    """
    separators = {"/", os.sep}
    if name_or_path.endswith(".toml") or any(sep in name_or_path for sep in separators):
        return _load_file(name_or_path)
    return _load_builtin(name_or_path)


def check(pack: Pack) -> tuple[str, ...]:
    """Put the new numbers of every rule to phonenumbers and say which rules give none it accepts.

    Tried are the first two digits of the subscriber number, 00 to 99 (of `lines` where the rule
    has them). A rule is fine when one of them gives a valid number of the rule's kind.
    """
    faults = Faults(pack.path)
    check_outputs(pack.country_code, pack.rules, faults)
    return faults.sorted()


@functools.cache
def _load_builtin(name: str) -> Pack:
    """Load a built-in pack, once per process."""
    file = resources.files("danhba") / "packs" / f"{name}.toml"
    if not file.is_file():
        raise UsageError(
            f"no numbering pack named {name!r}{did_you_mean(name, builtin())}; "
            f"built in: {', '.join(builtin())} (a file's name must end in .toml)"
        )
    return read_pack(file.read_bytes(), f"packs/{name}.toml")


def _load_file(path: str) -> Pack:
    """Load a pack from a file and put its rules to phonenumbers."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot read the numbering pack: {error.strerror}") from error
    return read_pack(data, path, judge=True)
