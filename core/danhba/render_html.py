"""How does a log look in a browser? As one self-contained page that works offline.

It stays quick with 50,000 rows: what the page says of the run is HTML, the rows are JSON in data
blocks, of which the page's script shows a hundred at a time, always as text. The policy in the
page's head allows that one script and that one style sheet, by their hashes, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from danhba.card import Change, Question, Reading, Why
from danhba.difflog import EndLine, LogLine, Run, SkipLine
from danhba.messages import translated
from danhba.render_page import asset, count, head, moment, say, table, text
from danhba.render_rows import (
    CardRow,
    Rows,
    SectionRow,
    counted,
    counted_by_place,
    counted_by_rule,
    difference,
    gather,
    mark,
    sides,
    visible,
)
from danhba.texts import label, meaning, reason_label, sentence

Piece: TypeAlias = str | tuple[str, str]
"""A text that stayed, or what it was and what it became."""

_BLOCK = 500  # rows in one data block
_CARDS = (
    "cards_read", "cards_changed", "cards_asked", "cards_unchanged", "cards_skipped", "cards_twice",
)  # fmt: skip
_NUMBERS = ("numbers_read", "numbers_convert", "numbers_keep", "numbers_ask", "numbers_ambiguous")
_GRIDS = {
    "changes": ("card", "change", "reasons", "rule", "status"),
    "questions": ("card", "readings", "reasons", "rule", "status"),
    "skipped": ("card", "reason"),
}
_STATUSES = (
    "proposed", "sent", "written", "conflict", "failed", "stale", "undone", "kept",
    "open", "keep", "answered",
)  # fmt: skip
_WORDS = ("previous", "next", "shown", "nothing", "all-rules", "all-statuses", "no-name")
_SAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
_SAFE |= {0x2028: "\\u2028", 0x2029: "\\u2029"}


def html(lines: Iterable[LogLine], language: str = "en") -> Iterator[str]:
    """Yield the page for a log, piece by piece.

    The log is read to its end first, because an outcome stands far behind its proposal; its rows
    are held in memory, the originals of the cards are not.
    """
    rows = gather(lines)
    yield head("title", asset("render_html.css"), asset("render_html.js"), language)
    yield _header(rows, language)
    yield _totals(rows.end, language)
    yield _done(rows.sections, language)
    yield _filters(language)
    for name, columns in _GRIDS.items():
        yield _grid(name, columns, language)
    if rows.end:
        yield from _sums(rows.end, language)
    yield f"<footer>{say('made-by', language)}</footer>\n</main>\n"
    yield from _data(rows, language)
    yield f"<script>{asset('render_html.js')}</script>\n</body>\n</html>\n"


# --- head -----------------------------------------------------------------------------------------


def _header(rows: Rows, language: str) -> str:
    title = f"<header>\n<h1>{say('title', language)}</h1>\n"
    if not rows.sections:
        return title + "</header>\n"
    facts = "".join(
        f"<div><dt>{say(key, language)}</dt><dd>{text(value)}</dd></div>\n"
        for key, value in _facts(rows.sections[0].run, language)
        if value
    )
    notice = "" if rows.end else f'<p class="notice">{say("unfinished", language)}</p>\n'
    return f'{title}<dl class="facts">\n{facts}</dl>\n{notice}</header>\n'


def _facts(run: Run, language: str) -> Iterator[tuple[str, str]]:
    yield "source", run.source
    yield "target", run.target
    yield "time", moment(run.time)
    yield "country", run.country
    yield "steps", ", ".join(run.steps)
    yield "policy", label(run.policy, language) if run.policy != "replace" else ""
    yield "packs", ", ".join(f"{name} {digest[:8]}" for name, digest in run.packs.items())
    yield "run", run.run
    yield "danhba", run.danhba


# --- sums -----------------------------------------------------------------------------------------


def _totals(end: EndLine | None, language: str) -> str:
    if end is None:
        return ""
    tiles = (_tiles(keys, end, language) for keys in (_CARDS, _NUMBERS))
    return f'<section class="totals">\n{"".join(tiles)}</section>\n'


def _tiles(keys: Sequence[str], end: EndLine, language: str) -> str:
    tiles = "".join(
        f'<div class="tile {key.rpartition("_")[2]}"><b>{count(end.totals[key], language)}</b>'
        f"<span>{say(key, language)}</span></div>\n"
        for key in keys
        if key in end.totals
    )
    return f'<div class="tiles">\n{tiles}</div>\n'


_UNDONE = ("undo", "written")


def _done(sections: list[SectionRow], language: str) -> str:
    """Return a table of what the sections did; nothing when nothing was written yet."""
    done = [
        (
            label(f"section-{section.run.section}", language),
            moment(section.run.time),
            label("undone" if (section.run.section, status) == _UNDONE else status, language),
            count,
        )
        for section in sections
        for status, count in sorted(section.outcomes.items())
    ]
    return table("what-was-done", ("section", "time", "result", "count"), done, language)


def _sums(end: EndLine, language: str) -> Iterator[str]:
    yield '<div class="sums">\n'
    rules = [
        (rule, name, label(verdict, language), count)
        for rule, name, verdict, count in counted_by_rule(end, language)
    ]
    yield table("by-rule", ("rule", "name", "verdict", "count"), rules, language)
    places = [
        (name, label(kind, language), label(verdict, language), count)
        for name, kind, verdict, count in counted_by_place(end, language)
    ]
    yield table("by-place", ("place", "kind", "verdict", "count"), places, language)
    reasons = [
        (label(verdict, language), reason_label(code, language), count)
        for (verdict, code), count in counted(end, 0, 1)
    ]
    yield table("by-verdict", ("verdict", "reason", "count"), reasons, language)
    yield table("by-step", ("step", "count"), list(end.steps.items()), language)
    elsewhere = sorted(end.elsewhere.items(), key=lambda item: -item[1])
    yield table("elsewhere", ("field", "count"), elsewhere, language)
    yield "</div>\n"


# --- the long lists -------------------------------------------------------------------------------


def _filters(language: str) -> str:
    search = say("search", language)
    options = "".join(
        f'<option value="{value}">{say(key, language)}</option>'
        for value, key in (("", "all-verdicts"), ("changes", "changes"), ("questions", "questions"))
    )
    return f"""<noscript><p class="notice">{say("no-script", language)}</p></noscript>
<form class="filters" role="search">
<input id="search" type="search" placeholder="{search}" aria-label="{search}" autocomplete="off">
<select id="verdict" aria-label="{say("verdict", language)}">{options}</select>
<select id="rule" aria-label="{say("rule", language)}"></select>
<select id="status" aria-label="{say("status", language)}"></select>
</form>
"""


def _grid(name: str, columns: Sequence[str], language: str) -> str:
    head = "".join(f'<th class="{c}">{say(c, language)}</th>' for c in columns)
    return (
        f'<section class="grid" id="{name}" hidden>\n'
        f"<h2>{say(name, language)} <small></small></h2>\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody></tbody></table></div>\n'
        '<nav class="pager"></nav></section>\n'
    )


def _data(rows: Rows, language: str) -> Iterator[str]:
    """Yield the data blocks: words of the page, then the rows, each block with its new texts."""
    words = {key: label(key, language) for key in (*_WORDS, *_STATUSES)}
    yield _block({"words": words})
    texts = _Texts(language)
    lists: dict[str, Iterator[list[object]]] = {
        "changes": (_change(row, change, texts) for row, change in rows.changes()),
        "questions": (_question(row, asked, texts, language) for row, asked in rows.questions()),
        "skipped": (_skipped(line, language) for line in rows.skipped),
    }
    for name, values in lists.items():
        while block := list(islice(values, _BLOCK)):
            yield _block({"texts": texts.take_new(), name: block})


class _Texts:
    """Numbers the reasons, so that each stands in the page once."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._numbers: dict[str, int] = {}
        self._new: list[str] = []

    def numbers(self, why: Iterable[Why]) -> list[int]:
        """Return the numbers of some reasons."""
        return [self._number(visible(sentence(reason, self.language))) for reason in why]

    def _number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self._numbers)
            self._new.append(text)
        return self._numbers[text]

    def take_new(self) -> list[str]:
        """Return the texts that came since this was last asked."""
        new, self._new = self._new, []
        return new


def _skipped(line: SkipLine, language: str) -> list[object]:
    return [visible(line.ref), visible(translated(line.reason, language))]


def _change(row: CardRow, change: Change, texts: _Texts) -> list[object]:
    pieces, rests_on = _pieces(*sides(change)), visible(mark(change))
    detail = visible(translated(row.detail, texts.language))
    return [*_card(row), pieces, rests_on, texts.numbers(change.why), row.status, detail]


def _question(row: CardRow, question: Question, texts: _Texts, language: str) -> list[object]:
    rule = next((reading.rule for reading in question.readings if reading.rule), "")
    readings = [_reading(reading, question.value, language) for reading in question.readings]
    detail = _answer(question, row.answers.get(question.key, ""))
    reasons, status = texts.numbers(question.why), row.status_of(question)
    return [*_card(row), visible(question.value), readings, visible(rule), reasons, status, detail]


def _card(row: CardRow) -> tuple[str, str]:
    return visible(row.line.name.strip()), visible(row.line.ref)


def _reading(reading: Reading, value: str, language: str) -> list[object]:
    said = visible(meaning(reading, language))
    return [_pieces(visible(value), visible(reading.after)), said]


def _answer(question: Question, answer: str) -> str:
    """Return what was answered, as the number will be written; an answer to keep needs no words."""
    chosen = (reading.after for reading in question.readings if reading.e164 == answer)
    return "" if answer == "keep" else visible(next(chosen, answer))


def _pieces(before: str, after: str) -> list[Piece]:
    pairs = difference(before, after)
    return [was if was == becomes else (was, becomes) for was, becomes in pairs]


def _block(value: object) -> str:
    """Return a data block; nothing in it can end the block, nor is it ever run."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_SAFE)
    return f'<script type="application/json">{text}</script>\n'
