"""Where do the tables and keys of a TOML file stand, and what is wrong with them?

For files that people write: every fault is told, at its line, with what was probably meant.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias, get_args, get_origin

import msgspec

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Faults:
    """The faults of one file, each with its line."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._found: dict[tuple[int, str], None] = {}

    def add(self, line: int, text: str) -> None:
        """Note a fault; the same one twice counts once."""
        self._found[line, text] = None

    def sorted(self) -> tuple[str, ...]:
        """Give the faults in the order of the file, `path:line: what is wrong`."""
        found = sorted(self._found, key=lambda fault: fault[0])
        return tuple(f"{self.path}:{line}: {text}" for line, text in found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest a known word that looks like this one, if there is one."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


class Table(NamedTuple):
    """One table of the file: its values and where they stand.

    Attributes:
        label: How messages call it, such as `[[rule]]`.
        values: What tomllib read.
        line: The line of its header.
        lines: The line of each key.
        made: Values that are no keys of the file.
    """

    label: str
    values: dict[str, Any]
    line: int
    lines: dict[str, int]
    made: Mapping[str, Any] = _NOTHING

    def at(self, key: str) -> int:
        """Give the line of a key, or of the header where the key is missing."""
        return self.lines.get(key, self.line)


# (table, number among those of its name) -> (line of the header, line of each key)
Places: TypeAlias = dict[tuple[str, int], tuple[int, dict[str, int]]]
NOWHERE: tuple[int, dict[str, int]] = (1, {})

_PLACE = re.compile(
    r"""\s*(?: \[{1,2} \s* (?P<table> [^\[\]]+?) \s* \] | ["']? (?P<key> [\w-]+) ["']? \s* = )""",
    re.VERBOSE,
)


def places(text: str) -> Places:
    """Find the lines of tables and keys, which tomllib does not tell.

    Only lines that begin with a header or a key count; inline tables are not looked into.
    """
    lines: dict[str, int] = {}
    found: Places = {("", 0): (1, lines)}
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not (place := _PLACE.match(line)):
            continue
        table, key = place.groups()
        if table:
            lines = {}
            counts[table] = counts.get(table, -1) + 1
            found[table, counts[table]] = (number, lines)
        else:
            lines.setdefault(key, number)
    return found


def read_toml(data: bytes, faults: Faults) -> tuple[dict[str, Any], Places] | None:
    """Read a file, and where everything in it stands; of one that is no TOML, note why."""
    import tomllib

    try:
        text = data.decode()
        return tomllib.loads(text), places(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.add(line, "not UTF-8; save the file in that encoding")
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else data.count(b"\n") + 1
        faults.add(line, f"not TOML: {error}")
    return None


def explain(
    table: Table,
    struct: type[msgspec.Struct],
    without: frozenset[str] = frozenset(),
    also: Iterable[str] = (),
) -> Iterator[tuple[int, str]]:
    """Give all that is wrong with a table, each fault with its line.

    Args:
        table: The table.
        struct: What it is to become.
        without: Fields of the struct that are no keys of the file.
        also: Other words that a person may have meant.
    """
    known = fields(struct, without)
    for key in table.values.keys() - known.keys():
        hint = did_you_mean(key, (*known, *also))
        yield table.at(key), f"{table.label} has an unknown key {key!r}{hint}"
    for key, field in known.items():
        if key in table.values:
            try:
                msgspec.convert(table.values[key], field.type)
            except msgspec.ValidationError as error:
                yield table.at(key), f"{table.label} {key}: {_say(error, field)}"
        elif field.required:
            yield table.line, f"{table.label} has no {key!r}"


@functools.cache
def fields(
    struct: type[msgspec.Struct], without: frozenset[str] = frozenset()
) -> dict[str, msgspec.structs.FieldInfo]:
    """Give the keys a table may have."""
    found = msgspec.structs.fields(struct)
    return {field.name: field for field in found if field.name not in without}


def _say(error: msgspec.ValidationError, field: msgspec.structs.FieldInfo) -> str:
    """Put msgspec's complaint about a value in words that name the cure."""
    if get_origin(field.type) is Literal:
        return f"must be one of {', '.join(get_args(field.type))}"
    text = re.sub(r"matching regex '\^\[0-9\].*'", "of digits", str(error))
    return text[0].lower() + text[1:]
