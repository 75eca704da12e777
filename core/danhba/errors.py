"""The error tree: what can go wrong, and which exit code each branch means.

DanhbaError
├── UsageError        the command line or the call asks for something impossible (exit code 2)
├── PackError         a numbering pack is wrong; carries every fault found
├── ConfigError       danhba.toml is wrong; carries every fault found
├── PluginError       a plugin cannot be loaded, or two claim one name
├── SyncerError       a source cannot be read or written as a whole
├── LogError          a diff log is damaged, of another version, or of another source
└── LockedError       another run holds the source
"""

from __future__ import annotations


class DanhbaError(Exception):
    """The root of all errors raised on purpose; the command line prints it and exits."""

    exit_code = 1


class UsageError(DanhbaError):
    """The caller asks for something that cannot be done; the message says what to do instead."""

    exit_code = 2


class FaultsError(DanhbaError):
    """A file of settings has faults; all of them are reported at once.

    Attributes:
        faults: One line per fault, `place: what is wrong`, in the order of the file.
    """

    exit_code = 2

    def __init__(self, faults: list[str]) -> None:
        """Keep the faults; the message is all of them, a line each."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class PackError(FaultsError):
    """A numbering pack has faults."""


class ConfigError(FaultsError):
    """danhba.toml has faults."""


class PluginError(DanhbaError):
    """A plugin cannot be loaded, or two distributions claim one name."""


class SyncerError(DanhbaError):
    """A source as a whole cannot be read or written; nothing of it was changed."""


class LogError(DanhbaError):
    """A diff log cannot be used: damaged, of a newer version, or of another source."""


class LockedError(DanhbaError):
    """Another run of danhba is working on the same source."""
