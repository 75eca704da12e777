"""How does a report look in a browser? One page that works offline: charts in SVG, then tables.

Nothing on it runs, and its policy lets nothing in from elsewhere. Charts show shares and sizes; the
tables below hold every number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from danhba.compare import Comparison
from danhba.render_page import asset, head, moment, say, text
from danhba.render_report import (
    Amount,
    Cell,
    Table,
    counted,
    grouped,
    headline,
    notices,
    percent,
    tables,
)
from danhba.render_rows import place
from danhba.report import DONE, OPEN, STATES, Report, sums_by
from danhba.texts import label, told

_RENUMBERED = (*OPEN, "ambiguous", *DONE)
"""The states of numbers that were renumbered, or may have been."""
_BARS = 20
_WIDTH, _LABEL, _COUNT, _ROW, _BAR = 960, 250, 70, 28, 18
_LABEL_CHARACTERS = 34
_WORDY = frozenset(("", "state", "source", "rule", "name", "place", "reason"))


class Bar(NamedTuple):
    """One bar of a chart: its label and how many numbers of each state."""

    name: str
    sums: Mapping[str, int]


def page(report: Report, compared: Comparison | None, language: str) -> Iterator[str]:
    """Yield the page, piece by piece."""
    style = asset("render_html.css") + asset("render_report.css")
    yield head("report", style, "", language)
    yield _header(report, compared, language)
    yield _tiles(report, language)
    yield _legend(report, compared, language)
    yield from _charts(report, compared, language)
    yield '<div class="sums">\n'
    for table in tables(report, compared, language):
        yield _table(table, language)
    yield f"</div>\n<footer>{say('made-by-danhba', language)}</footer>\n</main>\n</body>\n</html>\n"


# -- what the page is about ------------------------------------------------------------------------


def _header(report: Report, compared: Comparison | None, language: str) -> str:
    facts = "".join(
        f"<div><dt>{say(key, language)}</dt><dd>{text(value)}</dd></div>\n"
        for key, value in _facts(report)
    )
    said = "".join(
        f'<p class="notice">{text(notice)}</p>\n' for notice in notices(report, compared, language)
    )
    return (
        f"<header>\n<h1>{say('report', language)}</h1>\n"
        f'<p class="lead">{text(headline(report, language))}</p>\n'
        f'<dl class="facts">\n{facts}</dl>\n{said}</header>\n'
    )


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "source", ", ".join(source.source for source in counted(report))
    yield "time", moment(report.time)
    yield "country", report.country
    yield "packs", ", ".join(f"{name} {digest[:8]}" for name, digest in report.packs.items())
    yield "danhba", report.danhba


def _tiles(report: Report, language: str) -> str:
    numbers = report.numbers
    tiles = (
        ("numbers_read", numbers["read"], ""),
        ("to-convert", numbers.get("to-convert", 0), "left"),
        ("to-ask", numbers.get("to-ask", 0), "ask"),
        ("ambiguous", numbers.get("ambiguous", 0), ""),
        ("new", sum(numbers.get(state, 0) for state in DONE), "convert"),
    )
    cells = "".join(
        f'<div class="tile {kind}"><b>{grouped(number, language)}</b>'
        f"<span>{say(key, language)}</span></div>\n"
        for key, number, kind in tiles
    )
    return f'<section class="totals"><div class="tiles">\n{cells}</div></section>\n'


def _legend(report: Report, compared: Comparison | None, language: str) -> str:
    known = {*report.numbers, *(compared.numbers if compared else ())}
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true">'
        f'<rect class="{state}" width="12" height="12" rx="3"/></svg>{say(state, language)}</li>\n'
        for state in STATES
        if state in known
    )
    return f'<ul class="legend">\n{items}</ul>\n' if items else ""


# -- charts ----------------------------------------------------------------------------------------


def _charts(report: Report, compared: Comparison | None, language: str) -> Iterator[str]:
    yield _chart("by-state-chart", _overall(report, compared, language), language)
    sources = [Bar(source.source, source.numbers) for source in counted(report)]
    if len(sources) > 1:
        yield _chart("by-source", sources, language)
    yield _chart("by-place-chart", _places(report, language), language)


def _overall(report: Report, compared: Comparison | None, language: str) -> list[Bar]:
    if compared is None:
        return [Bar(label("now", language), report.numbers)]
    before = {state: shift.before for state, shift in compared.numbers.items()}
    after = {state: shift.after for state, shift in compared.numbers.items()}
    return [Bar(label("before", language), before), Bar(label("now", language), after)]


def _places(report: Report, language: str) -> list[Bar]:
    """Return the places with renumbered numbers, the most to do first."""
    found = [
        Bar(place(name, report.names, language),
            {state: sums[state] for state in _RENUMBERED if state in sums})
        for name, sums in sums_by(report.lines(), lambda line: line.place).items()
        if name
    ]  # fmt: skip
    return sorted((bar for bar in found if bar.sums), key=lambda bar: -_size(bar))


def _size(bar: Bar) -> int:
    return sum(count for state, count in bar.sums.items() if state != "read")


def _chart(title: str, bars: Sequence[Bar], language: str) -> str:
    """Return a section with a chart of stacked bars; nothing where there is nothing to show."""
    shown = bars[:_BARS]
    longest = max(map(_size, shown), default=0)
    if not longest:
        return ""
    rows = "".join(_bar(bar, line, longest, language) for line, bar in enumerate(shown))
    left = len(bars) - len(shown)
    count = {"count": grouped(left, language)}
    more = f'<p class="more">{text(told("more-bars", count, language))}</p>' if left else ""
    height = len(shown) * _ROW
    return (
        f'<section class="sum chart"><h2>{say(title, language)}</h2>\n<div class="scroll">'
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{say(title, language)}">\n'
        f"{rows}</svg></div>{more}</section>\n"
    )


def _bar(bar: Bar, line: int, longest: int, language: str) -> str:
    top, middle = line * _ROW + (_ROW - _BAR) // 2, line * _ROW + _ROW // 2
    room = _WIDTH - _LABEL - _COUNT
    at, pieces = float(_LABEL), []
    for state in STATES:
        count = bar.sums.get(state, 0)
        if not count:
            continue
        width = count / longest * room
        words = f"{label(state, language)}: {grouped(count, language)}"
        share = percent(count, _size(bar), language)
        pieces.append(
            f'<rect class="{state}" x="{at:.2f}" y="{top}" width="{width:.2f}" height="{_BAR}">'
            f"<title>{text(f'{bar.name} · {words} ({share})')}</title></rect>\n"
        )
        at += width
    return (
        f'<text class="name" x="{_LABEL - 10}" y="{middle}">{text(_shortened(bar.name))}'
        f"<title>{text(bar.name)}</title></text>\n{''.join(pieces)}"
        f'<text class="size" x="{at + 8:.2f}" y="{middle}">'
        f"{grouped(_size(bar), language)}</text>\n"
    )


def _shortened(name: str) -> str:
    """Cut a name to what has room; of a path its end says more than its beginning."""
    if len(name) <= _LABEL_CHARACTERS:
        return name
    if "/" in name:
        return "…" + name[1 - _LABEL_CHARACTERS :]
    return name[: _LABEL_CHARACTERS - 1] + "…"


# -- tables ----------------------------------------------------------------------------------------


def _table(table: Table, language: str) -> str:
    names = "".join(
        f'<th class="{_column(column)}">{say(column, language) if column else ""}</th>'
        for column in table.columns
    )
    body = "".join(
        "<tr>"
        + "".join(
            _cell(cell, column, language) for cell, column in zip(row, table.columns, strict=True)
        )
        + "</tr>\n"
        for row in table.rows
    )
    return (
        f'<section class="sum {table.title}"><h2>{say(table.title, language)}</h2>\n'
        f'<div class="scroll"><table><thead><tr>{names}</tr></thead>\n<tbody>\n{body}</tbody>'
        "</table></div></section>\n"
    )


def _column(column: str) -> str:
    return column if column in _WORDY else "count"


def _cell(cell: Cell, column: str, language: str) -> str:
    if isinstance(cell, Amount):
        shift = f' <small class="shift">({cell.difference:+})</small>' if cell.difference else ""
        return f'<td class="count">{grouped(cell.number, language)}{shift}</td>'
    return f'<td class="{_column(column)}">{text(cell)}</td>'
