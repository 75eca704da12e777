"""Arguments in, exit code out: the command line.

Exit codes: 0 done or nothing to do; 1 failed; 2 wrong usage; 3 changes proposed (with --check);
4 done in part: conflicts, stale, failed or skipped cards, each listed.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

import rich_click as click

from danhba import __version__
from danhba.cli.change import apply_command, convert_command, undo_command
from danhba.cli.common import say
from danhba.cli.login import login_command
from danhba.cli.look import log_command, number_command, packs_command
from danhba.cli.report import report_command
from danhba.cli.review import review_command
from danhba.cli.sources import check_command, sources_command
from danhba.errors import DanhbaError

_EPILOG = (
    "Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 changes proposed (--check),"
    " 4 done in part."
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="danhba")
def danhba() -> None:
    """Convert renumbered telephone numbers in address books, and undo it when you change your mind.

    Nothing is written unless you say --write, -o or apply.
    """


for _command in (
    convert_command, apply_command, review_command, undo_command, log_command, number_command,
    packs_command, sources_command, check_command, login_command, report_command,
):  # fmt: skip
    danhba.add_command(_command)


def main() -> None:
    """Run the command line; every error that danhba raises on purpose ends here."""
    signal.signal(signal.SIGTERM, _end)
    gc.disable()  # values are frozen and hold no cycles; collecting costs a fifth of a run
    try:
        code = danhba.main(standalone_mode=False)
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _end(number: int, _: object) -> None:
    """Leave by the way of every error, so that all is closed and nothing is left behind."""
    sys.exit(128 + number)
