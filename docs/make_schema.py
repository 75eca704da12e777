"""Writes the JSON Schemas in docs: of a line of the diff log, and of danhba.toml.

Run it after a change to `danhba.difflog`, `danhba.card` or the options of a syncer:
python docs/make_schema.py
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import msgspec

from danhba.config import Conversion, table_type
from danhba.difflog import SCHEMA, LogLine
from danhba.registry import installed

TARGET = Path(__file__).with_name("diff-log.schema.json")
CONFIG_TARGET = Path(__file__).with_name("danhba.toml.schema.json")
OWN = {
    "type": "The URL scheme of the syncer.",
    "location": "What stands behind the scheme: a path, a host, an account.",
}


def schema() -> bytes:
    """Return the schema of a log line as indented JSON, ending in a line end."""
    lines = msgspec.json.schema(LogLine)
    for described in lines["$defs"].values():  # Python 3.13 strips docstrings, 3.12 does not
        described["description"] = inspect.cleandoc(described["description"])
    return _written(f"A line of a danhba diff log, format version {SCHEMA}", lines)


def config_schema() -> bytes:
    """Return the schema of danhba.toml, for the syncers that come with danhba."""
    registry = installed()
    mine = [n for n, p in registry.syncers.items() if p.distribution.startswith("danhba ")]
    sources = {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
        "additionalProperties": {"oneOf": [_table(scheme) for scheme in mine]},
    }
    (convert,) = msgspec.json.schema(Conversion)["$defs"].values()
    for name, described in convert["properties"].items():
        described["description"] = _attributes(Conversion)[name]
    del convert["description"]
    tables = {"source": sources, "convert": {**convert, "additionalProperties": False}}
    whole = {"type": "object", "additionalProperties": False, "properties": tables}
    return _written("danhba.toml", whole)


def _table(scheme: str) -> dict[str, Any]:
    """Describe the table of a source with that scheme."""
    options = installed().options_type(scheme)
    (table,) = msgspec.json.schema(table_type(options))["$defs"].values()
    told = {**OWN, **_attributes(options)}
    for name, described in table["properties"].items():
        described["description"] = told.get(name, "")
    table["properties"]["type"] = {"const": scheme, "description": OWN["type"]}
    return {**table, "title": scheme, "additionalProperties": False}


def _attributes(struct: type) -> dict[str, str]:
    """Read what the docstring of a type says about each attribute."""
    text = inspect.cleandoc(struct.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^ {4}(\w+): ((?:.|\n {8})+)", text, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}


def _written(title: str, body: dict[str, Any]) -> bytes:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return msgspec.json.format(msgspec.json.encode({**head, **body}), indent=2) + b"\n"


if __name__ == "__main__":
    TARGET.write_bytes(schema())
    CONFIG_TARGET.write_bytes(config_schema())
