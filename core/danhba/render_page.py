"""What do all pages share? A head that lets nothing in from elsewhere, tables, escaped words."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path

from danhba.render_rows import visible
from danhba.texts import label


@cache
def asset(name: str) -> str:
    """Return a style sheet or a script that stands in the page."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def head(title: str, style: str, script: str, language: str) -> str:
    """Open the page; its policy allows this style sheet and this script, by their hashes."""
    allowed = f"style-src {_digest(style)};" + (f" script-src {_digest(script)};" if script else "")
    policy = f"default-src 'none'; {allowed} base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="{escape(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>danhba · {say(title, language)}</title>
<style>{style}</style>
</head>
<body>
<main>
"""


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def say(key: str, language: str) -> str:
    """Return a word or heading, escaped."""
    return escape(label(key, language))


def text(words: str) -> str:
    """Return text from elsewhere, escaped, with nothing in it that hides or commands."""
    return escape(visible(words))


def moment(time: str) -> str:
    """Return an RFC 3339 time as people write it, to the second; its offset stays."""
    day, _, rest = time.partition("T")
    offset = "UTC" if rest.endswith(("Z", "+00:00")) else rest[8:][-6:]
    return f"{day} {rest[:8]} {offset}".strip()


def count(number: int, language: str) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}".replace(",", ".") if language == "vi" else f"{number:,}"


def table(
    title: str, columns: Sequence[str], rows: Sequence[tuple[str | int, ...]], language: str
) -> str:
    """Return a section with a table; nothing where it has no rows."""
    if not rows:
        return ""
    names = "".join(f'<th class="{column}">{say(column, language)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(_cell(cell, language) for cell in row)}</tr>\n" for row in rows)
    return (
        f'<section class="sum"><h2>{say(title, language)}</h2>\n<div class="scroll">'
        f'<table class="sortable"><thead><tr>{names}</tr></thead>\n<tbody>\n{body}</tbody></table>'
        "</div></section>\n"
    )


def _cell(cell: str | int, language: str) -> str:
    if isinstance(cell, int):
        return f'<td class="count" data-value="{cell}">{count(cell, language)}</td>'
    return f"<td>{text(cell)}</td>"
