"""Arguments in, exit code out: the command line.

Exit codes: 0 done or nothing to do; 1 failed; 2 wrong usage; 3 changes proposed (with --check);
4 done in part: conflicts, stale, failed or skipped cards, each listed.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

_CHANGING = frozenset({"--write", "-o", "--output", "apply", "undo"})
"""Words on a command line that changes something."""


def main() -> None:
    """Run the command line; every error that danhba raises on purpose ends here."""
    signal.signal(signal.SIGTERM, _end)
    _open_what_is_closed()
    _write_any_name()
    gc.disable()  # values are frozen and hold no cycles; collecting costs a fifth of a run
    danhba = _commands(sys.argv[1:])
    import click

    from danhba import cache
    from danhba.cli.common import say
    from danhba.errors import DanhbaError
    from danhba.private import state_folder

    cache.use(state_folder() / "cache")

    try:
        code = danhba.main(standalone_mode=False)
        sys.stdout.flush()
    except DanhbaError as error:
        say(str(error))
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("stopped; run the same command again to go on")
        code = 130
    except BrokenPipeError:
        code = 1
        if not _CHANGING.isdisjoint(sys.argv):
            say("standard output was closed; nothing more was done. Run the same command again")
        _forget_output()
    except OSError as error:
        code = 1
        say(f"{error.filename or 'standard output'}: {error.strerror or error}")
        _forget_output()
    try:
        sys.stdout.flush()
    except OSError:
        _forget_output()
    gc.freeze()  # else the interpreter looks through all that is left once more, to no use
    sys.exit(code if isinstance(code, int) else 0)


def _open_what_is_closed() -> None:
    """Give standard streams that the caller has closed an end in nothing."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _write_any_name() -> None:
    """Let no name be one that cannot be written: files get UTF-8, other terminals escapes.

    Windows would write files in a code page that has no Vietnamese, and stop at the first name.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            chosen = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if chosen else "utf-8", errors="backslashreplace")


def _forget_output() -> None:
    """Have what still waits for standard output go nowhere; it would fail again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _commands(arguments: Sequence[str]) -> click.Group:
    """Import the commands; where they are to show a help page, with colours and boxes in it.

    rich-click takes 15 ms to import, a third of what danhba needs before it begins.
    """
    if not arguments or not {"-h", "--help"}.isdisjoint(arguments):
        from rich_click.patch import patch

        patch()
    from danhba.cli.commands import danhba

    return danhba


def _end(number: int, _: object) -> None:
    """Leave by the way of every error, so that all is closed and nothing is left behind."""
    sys.exit(128 + number)
