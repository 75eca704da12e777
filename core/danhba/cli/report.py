"""The command that counts what is left to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from danhba import report as counting
from danhba.cli.common import (
    DONE_IN_PART,
    HOME,
    Screen,
    identity,
    load_packs,
    open_job,
    pack_options,
    progress_bar,
    say,
    write_text,
)
from danhba.compare import Comparison, compare, read_report
from danhba.errors import DanhbaError
from danhba.messages import translated
from danhba.packs import Packs
from danhba.render_rows import visible
from danhba.report import Counted, Report
from danhba.secret import without_password
from danhba.texts import language_of


@click.command("report")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@pack_options
@click.option(
    "--compare",
    "earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Show what has changed since an earlier report, printed with --json.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one HTML page with charts, which needs no network.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one line of JSON.")
def report_command(
    sources: tuple[str, ...],
    country: str,
    pack_names: tuple[str, ...],
    today: date | None,
    earlier: Path | None,
    html: Path | None,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> int:
    """Count the numbers of one or many sources: what is converted, and what is left to do.

    Nothing is written to a source. A source that cannot be read is named and does not stop the
    others (exit code 4).

    \b
    Examples:
      danhba report contacts.vcf addressbook/             what is left to do?
      danhba report contacts.vcf --json > before.json     keep it, convert, then:
      danhba report contacts.vcf --compare before.json --html report.html
    """  # noqa: D301 - \b is click's mark for lines that are kept
    before = read_report(earlier) if earlier else None
    home, given = load_packs(country or HOME, pack_names)
    now = datetime.now(UTC).replace(microsecond=0)
    screen = Screen(as_json=as_json)
    failures: list[DanhbaError] = []
    counted = list(_counted(sources, country, pack_names, today, screen, failures))
    found = counting.report(
        counted, Packs(home, given), time=now.isoformat(), country=home.country,
        today=(today or now.date()).isoformat(),
    )  # fmt: skip
    if as_json or len(failures) < len(counted):
        _show(found, compare(before, found) if before else None, html, screen)
    return _code(counted, failures)


def _counted(
    sources: tuple[str, ...],
    country: str,
    pack_names: tuple[str, ...],
    today: date | None,
    screen: Screen,
    failures: list[DanhbaError],
) -> Iterator[Counted]:
    """Count each source once; one that fails is named, and the others are counted all the same."""
    done: set[str] = set()
    for location in dict.fromkeys(sources):
        try:
            with open_job(location, country, pack_names, today) as job:
                if job.source in done:
                    continue
                done.add(job.source)
                with progress_bar(job, screen, "counting"):
                    yield counting.count(job, _skipped)
        except DanhbaError as error:
            failures.append(error)
            yield _failed(location, error)


def _failed(location: str, error: DanhbaError) -> Counted:
    """Name a source that cannot be counted; a password in its URL is shown nowhere."""
    name, why = (without_password(text) for text in (identity(location), str(error)))
    named = name in why or without_password(location) in why
    say(visible(f"not counted: {why}" if named else f"{name}: not counted: {why}"))
    return Counted(name, why)


def _skipped(ref: str, reason: str) -> None:
    say(visible(f"{ref}: {translated(reason, language_of(os.environ))}"))


def _show(found: Report, compared: Comparison | None, html: Path | None, screen: Screen) -> None:
    language = language_of(os.environ)
    if html:
        from danhba.render_report_html import page

        sources = [Path(source.source) for source in found.sources]
        write_text(html, page(found, compared, language), apart_from=sources)
    if screen.as_json:
        told: dict[str, Any] = msgspec.to_builtins(found)
        screen.print_json({**told, "compared": compared} if compared else told)
    elif not html:
        from danhba.render_report_terminal import report_lines

        screen.display.show(report_lines(found, compared, language))
    sys.stdout.flush()


def _code(counted: list[Counted], failures: list[DanhbaError]) -> int:
    if len(failures) == len(counted):
        return failures[0].exit_code
    skipped = any(source.cards.get("skipped") for source in counted)
    return DONE_IN_PART if failures or skipped else 0
