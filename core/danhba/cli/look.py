"""The commands that only look: log, number, packs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from danhba import packs
from danhba.card import Card, Phone, Reading, Why
from danhba.cli.common import HOME, Screen, load_packs, pack_options, write_text
from danhba.convert import Context, examine, simply_converted
from danhba.difflog import Run, read_log
from danhba.errors import UsageError
from danhba.number import Number, converted, readings_of, reasons
from danhba.phone import plain_nsn
from danhba.render_rows import gather, visible
from danhba.render_terminal import became
from danhba.rewriting import e164 as new_number
from danhba.run import read_story
from danhba.texts import label, language_of, meaning, sentence, told
from danhba.verdict import Judged

_json = msgspec.json.Encoder()
_LONGEST = 10_000


@click.command("number")
@click.argument("numbers", nargs=-1, metavar="[NUMBER…]")
@pack_options
@click.option("--ask", type=click.Choice(["evidence", "all"]), default="evidence")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
def number_command(
    numbers: tuple[str, ...],
    country: str,
    pack_names: tuple[str, ...],
    today: date | None,
    ask: str,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> None:
    """Say what each NUMBER is and becomes; reads lines from standard input when none is given."""
    home, others = load_packs(country or HOME, pack_names)
    day = today or datetime.now(UTC).date()
    context = Context(home, others, today=day, ask="all" if ask == "all" else "evidence")
    language = language_of(os.environ)
    write = sys.stdout.write

    def line_of(answer: dict[str, Any]) -> str:
        return _json.encode(answer).decode() if as_json else _in_words(answer, language)

    alike = Alike(context, line_of, _as_json if as_json else str)
    for given in numbers or _standard_input():
        value = given if given.isascii() else _valid(given)
        write((alike.line(value) or line_of(describe(value, context))) + "\n")
    sys.stdout.flush()


def _as_json(text: str) -> str:
    return _json.encode(text).decode()[1:-1]


class Alike:
    """Writes the lines of plain numbers; of those judged alike, the first one is the pattern.

    Args:
        context: What judges them.
        told: Writes a description as a line.
        quoted: Writes a text as it stands in such a line.
    """

    def __init__(
        self, context: Context, told: Callable[[dict[str, Any]], str], quoted: Callable[[str], str]
    ) -> None:
        self.context, self.told, self.quoted = context, told, quoted
        self.patterns: dict[Judged, list[str]] = {}

    def line(self, value: str) -> str:
        """Return the line of a plain number that is kept or converted; else an empty string."""
        context = self.context
        nsn = plain_nsn(value, context.plus)
        judged = context.plain(nsn) if nsn else None
        if judged is None or judged.kind == "unreadable":
            return ""
        after = value
        if judged.rule and judged.verdict == "convert":
            after = simply_converted(value, judged.rule, context)
            nsn = judged.rule.renumber(nsn)
        if not after:
            return ""
        pattern = self.patterns.get(judged) or self._pattern(value, judged)
        parts = {_INPUT: value, _AFTER: after, _E164: context.plus + nsn}
        return "".join([self.quoted(parts[part]) if part in parts else part for part in pattern])

    def _pattern(self, value: str, judged: Judged) -> list[str]:
        """Write a description with marks in place of what is the number's own."""
        answer = describe(value, self.context)
        after = _AFTER if answer["after"] else None
        line = self.told({**answer, "input": _INPUT, "after": after, "e164": _E164})
        self.patterns[judged] = pattern = re.split(_MARK, line)
        return pattern


_INPUT, _AFTER, _E164 = "\N{WHITE SQUARE}i", "\N{WHITE SQUARE}a", "\N{WHITE SQUARE}e"
_MARK = re.compile("(\N{WHITE SQUARE}[iae])")


def _standard_input() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.rstrip(b"\r\n").decode("utf-8", "replace")


def describe(value: str, context: Context) -> dict[str, Any]:
    """Describe a written number as `danhba number --json` prints it."""
    numbers = examine(Card("", b"", (Phone("0", value),)), context)[0].numbers
    each = [_describe_one(value, number, numbers) for number in numbers]
    if len(each) == 1:
        return {"input": value, **each[0]}
    verdicts = [one["verdict"] for one in each]
    verdict = next((v for v in ("ask", "convert") if v in verdicts), "keep")
    leading = next(one for one in each if one["verdict"] == verdict)
    after = converted(value, numbers)
    whole = {"after": after if after != value else None}
    return {"input": value, **leading, **whole, "numbers": each}


def _describe_one(value: str, number: Number, numbers: tuple[Number, ...]) -> dict[str, Any]:
    judged, dialled = number.judged, number.dialled
    rule = judged.rule
    after = e164 = None
    if judged.verdict == "convert" and rule and dialled:
        after = converted(value, (number,))
        e164 = new_number(dialled, rule)
    elif dialled and judged.kind != "unreadable" and dialled.form != "short":
        e164 = f"+{dialled.country_code}{dialled.nsn}"
    open_ = rule and dialled and (judged.ambiguous or judged.verdict == "ask")
    readings = list(readings_of(value, number, numbers)) if open_ else []
    return {
        "verdict": judged.verdict,
        "ambiguous": judged.ambiguous,
        "kind": judged.kind,
        "after": after,
        "e164": e164,
        "rule": rule.id if rule and judged.verdict == "convert" else None,
        "readings": [
            {"after": one.after, "e164": one.e164, "meaning": one.meaning}
            | ({"name_vi": one.name_vi} if one.name_vi else {})
            for one in readings
        ],
        "why": [
            {"code": why.code, "args": why.args, "text": sentence(why, "en")}
            for why in reasons(number)
        ],
    }


def _in_words(answer: dict[str, Any], language: str) -> str:
    """Write a description as one line: the number, what becomes of it, and why."""
    arrow = f" → {visible(answer['after'])}" if answer["after"] else ""
    verdict, kind = label(answer["verdict"], language), label(answer["kind"], language)
    said = " ".join(sentence(Why(why["code"], why["args"]), language) for why in answer["why"])
    readings = "".join(
        f"\n    {visible(one['after'])}: {visible(meaning(Reading(**one), language))}"
        for one in answer["readings"]
    )
    number = f"{visible(answer['input'])}{arrow}"
    return f"{number}  [{verdict}, {kind}] {visible(said, _LONGEST)}{readings}"


@click.command("log")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write one HTML page."
)
@click.option(
    "--csv",
    "csv_to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write CSV: the changes, or the questions when the file's name says so.",
)
@click.option(
    "--originals",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the old cards as they were into a folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the lines of the log as they are.")
def log_command(
    log: Path,
    html: Path | None,
    csv_to: Path | None,
    originals: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show what LOG proposes and what became of it; as a page for a manager, as CSV for a clerk."""
    language = language_of(os.environ)
    first = next(read_log(log), None)
    places = [first.source, first.target] if isinstance(first, Run) else []
    apart = [log, *map(Path, filter(None, places))]
    if html:
        from danhba.render_html import html as page

        write_text(html, page(read_log(log), language), apart_from=apart)
    if csv_to:
        from danhba.render_csv import csv, what_of

        rows = csv(read_log(log), language, what_of(str(csv_to)))
        write_text(csv_to, rows, apart_from=apart)
    if originals:
        _write_originals(log, originals)
    if as_json:
        for line in read_log(log):
            sys.stdout.write(_json.encode(line).decode() + "\n")
    elif not (html or csv_to or originals):
        _show(log)


def _write_originals(log: Path, folder: Path) -> None:
    """Write each card as it was before our first write; for cards whose log holds the original."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: the folder cannot be made: {error.strerror}") from error
    count = 0
    for entry in read_story(log).entries.values():
        original = entry.sent(entry.steps[0]).original if entry.steps else entry.line.original
        if original:
            from danhba.difflog import unpack_raw

            count += 1
            (folder / f"{count:06}.vcf").write_bytes(unpack_raw(original))
    if not count:
        raise UsageError(f"{log}: holds no originals; its source is a file: use undo instead")
    args = {"count": str(count), "folder": str(folder)}
    click.echo(told("originals-written", args, language_of(os.environ)), err=True)


def _show(log: Path) -> None:
    screen = Screen(as_json=False, everything=True)
    rows = gather(read_log(log))
    for row in rows.cards.values():
        screen.card(row.line)
        for text in became(row, screen.language):
            click.echo(text)
    for line in rows.skipped:
        screen.card(line)
    story = read_story(log)
    if story.end:
        screen.print_summary(story.end)
    written = sum(1 for entry in story.entries.values() if entry.steps)
    undone = sum(1 for entry in story.entries.values() if entry.undone)
    args = {"written": str(written), "restored": str(undone), "source": story.first.source}
    click.echo(visible(told("log-written", args, screen.language)))


@click.command("packs")
@click.argument("names", nargs=-1, metavar="[NAME|FILE…]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
def packs_command(names: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """List the numbering packs, or check the ones named and show their rules."""
    language = language_of(os.environ)
    for name in names or packs.builtin():
        pack = packs.load(name)
        rules = _by_id(pack)
        asking = sum(1 for (first, *_) in rules if first.ask)
        if as_json:
            fields = {"id": pack.id, "country": pack.country, "country_code": pack.country_code}
            counts = {"rules": len(rules), "asking": asking}
            shown = {**fields, **counts, "sha256": pack.sha256, "path": pack.path}
            click.echo(_json.encode(shown).decode())
            continue
        args = {"id": pack.id, "name": pack.name, "code": pack.country_code, "path": pack.path}
        many = {"rules": str(len(rules)), "asking": str(asking or "")}
        click.echo(told("pack-line", {**args, **many}, language))
        for same in rules if names else ():
            click.echo(_rule_in_words(pack, same, language))


def _by_id(pack: packs.Pack) -> list[list[packs.Rule]]:
    """Put together what the file says in one rule with several prefixes."""
    found: dict[str, list[packs.Rule]] = {}
    for rule in pack.rules:
        found.setdefault(rule.id, []).append(rule)
    return list(found.values())


def _valid(text: str) -> str:
    """Return a text with U+FFFD in the place of octets that are not UTF-8 (PEP 383)."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _rule_in_words(pack: packs.Pack, same: list[packs.Rule], language: str) -> str:
    first = same[0]
    old = f"+{first.old_country_code} {first.old}" if first.old_country_code else first.old
    new = f"+{pack.country_code} {first.new}" if first.old_country_code else first.new
    place = (language == "vi" and first.name_vi) or first.name
    lengths = {"from": str(first.old_length), "to": str(first.new_length)}
    args = {
        **lengths, "more": str(len(same) - 1 or ""), "since": str(first.cutoff),
        "kind": label(first.kind, language), "place": place, "ask": first.ask,
    }  # fmt: skip
    return f"  {first.id:16} {old:>4} → {new:<4} {told('rule-line', args, language)}"
