"""The commands that look at sources: which are there, what is in one, how its server behaves."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Generator
from itertools import islice
from typing import Any

import click
import msgspec

from danhba import config
from danhba.card import Card
from danhba.cli.common import opened
from danhba.errors import UsageError
from danhba.private import state_folder
from danhba.render_rows import visible
from danhba.state import State
from danhba.syncer import Book, Lists, Probes, Syncer
from danhba.texts import label, language_of, told

_LITTLE = 20
"""Cards that are read to see whether a source can be read."""
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
_json = msgspec.json.Encoder()


def _print(value: object) -> None:
    sys.stdout.write(_json.encode(value).decode() + "\n")


@click.command("sources")
@click.argument("source", required=False)
@_JSON
def sources_command(source: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List the sources of danhba.toml; with SOURCE the address books or accounts in it.

    A line of the latter begins like one of ls: rw can be written, r- only read, r? is not known;
    s is shared by somebody else, * is used when SOURCE is converted.
    """
    if source is None:
        _list_sources(as_json=as_json)
        return
    with opened(source) as (syncer, name):
        if not isinstance(syncer, Lists):
            raise UsageError(f"{name}: has no address books; it is one itself")
        _list_books(list(syncer.books()), as_json=as_json)


def _list_sources(*, as_json: bool) -> None:
    found = config.load()
    if found.path is None:
        click.echo(f"danhba: there is no {config.NAME}; see docs/config.md", err=True)
        return
    if not as_json:
        click.echo(f"danhba: {found.path}", err=True)
    width = max(map(len, found.sources), default=0)
    for source in found.sources.values():
        if as_json:
            _print({"type": "source", "name": source.name, "location": source.location})
        else:
            click.echo(f"{source.name:{width}}  {visible(source.location)}")


def _list_books(books: list[Book], *, as_json: bool) -> None:
    if as_json:
        for book in books:
            _print({"type": "book", **msgspec.structs.asdict(book)})
        return
    rows = [_row(book) for book in books]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _row(book: Book) -> tuple[str, ...]:
    write = {True: "w", False: "-", None: "?"}[book.writable]
    marks = f"r{write}{'s' if book.shared else '-'}{'*' if book.chosen else ' '}"
    name = visible(f"{book.name} ({book.text})" if book.text else book.name)
    return marks, _size(book.max_size), name, visible(book.location)


def _size(octets: int | None) -> str:
    """Write a size in few characters: `-`, `900`, `64K`, `2.0G`."""
    if octets is None:
        return "-"
    size, unit = float(octets), ""
    for unit in ("", "K", "M", "G"):
        if size < 1024 or unit == "G":
            break
        size /= 1024
    return f"{size:.1f}{unit}" if unit and size < 10 else f"{size:.0f}{unit}"


@click.command("check")
@click.argument("source")
@click.option(
    "--probe",
    is_flag=True,
    help="Try the server out on a scratch card, which is made and removed again.",
)
@_JSON
def check_command(source: str, probe: bool, as_json: bool) -> None:  # noqa: FBT001
    """Read a little of SOURCE and say what is there, as whom, and with which rights.

    With --probe: does the server refuse to overwrite a card that has changed meanwhile, and what
    does it re-form or lose of what it is sent? What was found out is kept, and cards that it would
    damage are left alone from then on.
    """
    with opened(source) as (syncer, name):
        state = State(state_folder())
        _tell("source", name, as_json=as_json)
        if isinstance(syncer, Lists):
            _list_books(list(syncer.books()), as_json=as_json)
        few = _first_cards(syncer)
        troubled = sum(1 for card in few if card.trouble)
        count = "first" if len(few) == _LITTLE else "all"
        args = {count: str(len(few)), "troubled": str(troubled)}
        words = told("cards-tried", args, language_of(os.environ))
        _tell("read", words, as_json=as_json, cards=len(few), troubled=troubled)
        if not probe:
            _tell_known(syncer, state, source, as_json=as_json)
        elif isinstance(syncer, Probes):
            with state.locked(name):
                _probe(syncer, state, as_json=as_json)
        else:
            raise UsageError(f"{name}: there is nothing to try out; only a server has habits")


def _first_cards(syncer: Syncer) -> list[Card]:
    cards = syncer.read()
    try:
        return list(islice(cards, _LITTLE))
    finally:
        if isinstance(cards, Generator):
            cards.close()


def _tell(what: str, text: str, *, as_json: bool, **more: Any) -> None:  # noqa: ANN401
    if as_json:
        _print({"type": what, **(more or {"text": text})})
    else:
        click.echo(f"{label(f'check-{what}', language_of(os.environ))}: {visible(text)}")


def _tell_known(syncer: Syncer, state: State, source: str, *, as_json: bool) -> None:
    """Say what an earlier probe found out."""
    if not isinstance(syncer, Probes) or as_json:
        return
    known = state.findings(syncer.server)
    found = ", ".join(f"{trait}: {value or 'nothing'}" for trait, value in known.items())
    args = {"found": found, "source": visible(shlex.quote(source))}
    click.echo(told("check-known" if found else "check-never", args, language_of(os.environ)))


def _probe(syncer: Probes, state: State, *, as_json: bool) -> None:
    findings: dict[str, str] = {}
    for finding in syncer.probe():
        findings[finding.trait] = finding.value
        if as_json:
            _print({"type": "finding", **msgspec.structs.asdict(finding)})
        else:
            click.echo(f"{' ' if finding.good else '!'} {finding.text}")
    state.remember_findings(syncer.server, findings)
