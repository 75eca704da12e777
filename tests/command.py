"""The command line, run in this process, so that a test sees its exit code, output and files."""

from os import PathLike
from typing import NamedTuple

from click.testing import CliRunner

from danhba.cli.commands import danhba
from danhba.errors import DanhbaError


class Done(NamedTuple):
    """What a command left behind.

    Attributes:
        code: Its exit code.
        out: Standard output.
        err: Standard error, the message of an error included.
    """

    code: int
    out: bytes
    err: str


def run(*arguments: str | PathLike[str], stdin: bytes = b"") -> Done:
    """Run `danhba`; an error that it raises on purpose is its exit code and message."""
    words = [str(argument) for argument in arguments]
    done = CliRunner().invoke(danhba, words, input=stdin, standalone_mode=False)
    if isinstance(done.exception, DanhbaError):
        return Done(done.exception.exit_code, done.stdout_bytes, done.stderr + str(done.exception))
    if done.exception:
        raise done.exception
    return Done(done.return_value or 0, done.stdout_bytes, done.stderr)
