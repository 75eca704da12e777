"""The commands by name; each is imported when it is called for."""

from __future__ import annotations

from importlib import import_module

import click

from danhba import __version__

_MODULES = {
    "convert": "change", "apply": "change", "review": "review", "undo": "change", "log": "look",
    "number": "look", "packs": "look", "sources": "sources", "check": "sources", "login": "login",
    "report": "report",
}  # fmt: skip
"""Each command, and the module that has it."""
_EPILOG = (
    "Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 changes proposed (--check),"
    " 4 done in part."
)


class _Commands(click.Group):
    """A group that knows its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help page."""
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        del ctx
        if cmd_name not in _MODULES:
            return None
        module = import_module(f"danhba.cli.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="danhba")
def danhba() -> None:
    """Convert renumbered telephone numbers in address books, and undo it when you change your mind.

    Nothing is written unless you say --write, -o or apply.
    """
