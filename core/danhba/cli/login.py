"""The command that signs a person in to a source, or out of it."""

from __future__ import annotations

import sys

import click

from danhba.cli.common import opened
from danhba.errors import UsageError
from danhba.syncer import SignsIn


@click.command("login")
@click.argument("source", metavar="SOURCE")
@click.option(
    "--headless",
    is_flag=True,
    help="Show an address to open on another machine, and take what its browser comes back with.",
)
@click.option("--logout", is_flag=True, help="Forget the sign-in.")
def login_command(source: str, headless: bool, logout: bool) -> int:  # noqa: FBT001 - click's way
    """Sign in to SOURCE once, in a browser; later runs need nobody.

    What is kept is a token in the system's keyring, else in a file that only you can read.

    \b
    Examples:
      danhba login google:me@example.com              opens the browser
      danhba login google:me@example.com --headless   on a server: paste what the browser shows
    """  # noqa: D301 - \b is click's mark for lines that are kept
    with opened(source) as (syncer, _):
        if not isinstance(syncer, SignsIn):
            raise UsageError(f"{source}: this kind of source needs no sign-in")
        if logout:
            known = syncer.logout()
            click.echo(f"{source}: {'the sign-in is forgotten' if known else 'was not signed in'}")
        else:
            user = syncer.login(headless=headless, ask=_ask)
            click.echo(f"{source}: signed in as {user}")
    return 0


def _ask(text: str) -> str:
    """Show a text and get a line; neither goes to standard output, which is for results."""
    click.echo(text, nl=False, err=True)
    return sys.stdin.readline().strip()
