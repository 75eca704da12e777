"""Writes docs/diff-log.schema.json: the JSON Schema of a line of the diff log.

Run it after a change to `danhba.difflog` or `danhba.card`: python docs/make_schema.py
"""

from __future__ import annotations

import inspect
from pathlib import Path

import msgspec

from danhba.difflog import SCHEMA, LogLine

TARGET = Path(__file__).with_name("diff-log.schema.json")


def schema() -> bytes:
    """Return the schema as indented JSON, ending in a line end."""
    lines = msgspec.json.schema(LogLine)
    for described in lines["$defs"].values():  # Python 3.13 strips docstrings, 3.12 does not
        described["description"] = inspect.cleandoc(described["description"])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a danhba diff log, format version {SCHEMA}",
    }
    return msgspec.json.format(msgspec.json.encode({**head, **lines}), indent=2) + b"\n"


if __name__ == "__main__":
    TARGET.write_bytes(schema())
