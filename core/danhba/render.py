"""How is a log shown to people? In the terminal, as a page, as a spreadsheet."""

from danhba.render_csv import csv, read_answers, what_of
from danhba.render_html import html
from danhba.render_terminal import card_lines, summary

__all__ = ["card_lines", "csv", "html", "read_answers", "summary", "what_of"]
