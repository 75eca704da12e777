"""What does danhba.toml say? Named sources with their options, and how to convert; all is checked.

    [source.company]
    type = "carddav+https"        # a URL scheme, as `danhba convert SCHEME:…` knows it
    location = "me@dav.corp.vn"   # what stands behind the scheme
    password_env = "DAV_PASSWORD" # and whatever options the syncer of that scheme has

    [convert]
    steps = ["merge-twins"]       # what `danhba convert` does unless it is told otherwise

Every fault of the file is told at once, at its line.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from danhba.dual import Policy
from danhba.errors import ConfigError, DanhbaError, UsageError
from danhba.registry import Registry, installed
from danhba.syncer import Syncer
from danhba.toml_tables import NOWHERE, Faults, Places, Table, did_you_mean, explain, read_toml

NAME = "danhba.toml"
VARIABLE = "DANHBA_CONFIG"
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_OWN = frozenset({"type", "location"})
_TABLES = frozenset({"source", "convert"})


class Source(NamedTuple):
    """A source that the file names.

    Attributes:
        name: What stands behind SOURCE on the command line.
        location: What it stands for: a path, or `scheme:…`.
        options: What its syncer is told besides.
        line: Where its table begins.
    """

    name: str
    location: str
    options: dict[str, Any]
    line: int

    def open(self, registry: Registry) -> Syncer:
        """Make its syncer; nothing of the source is opened yet."""
        return registry.open_source(self.location, **self.options)


class Conversion(msgspec.Struct, frozen=True):
    """What `danhba convert` does unless it is told otherwise.

    Attributes:
        steps: The steps to take after renumbering, in order, as `--step` takes them.
        policy: What to do while an old and a new number both connect, as `--policy` takes it.
    """

    steps: tuple[str, ...] = ()
    policy: Policy = "replace"


class Config(NamedTuple):
    """A file that was read and is right.

    Attributes:
        path: Where it is; None when there is none.
        sources: Its sources by name, in the order of the file.
        convert: What it says of converting.
    """

    path: Path | None
    sources: Mapping[str, Source]
    convert: Conversion = Conversion()


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that counts: `DANHBA_CONFIG`, `./danhba.toml`, the platform's place for it.

    Raises:
        UsageError: DANHBA_CONFIG names a file that is not there.
    """
    if given := environ.get(VARIABLE):
        if not Path(given).is_file():
            raise UsageError(f"{given}: no such file; {VARIABLE} names it")
        return Path(given)
    if Path(NAME).is_file():
        return Path(NAME)
    from platformdirs import user_config_path

    usual = user_config_path("danhba", appauthor=False) / NAME
    return usual if usual.is_file() else None


def load(path: Path | None = None, registry: Registry | None = None) -> Config:
    """Read and check a file, by default the one that counts.

    Raises:
        ConfigError: It has faults; the error carries all of them.
    """
    path = path or find()
    if path is None:
        return Config(None, {})
    faults = Faults(str(path))
    reader = _read(path, faults, registry)
    config = Config(path, reader.sources(), reader.convert()) if reader else Config(path, {})
    if told := faults.sorted():
        raise ConfigError(list(told))
    return config


def conversion() -> Conversion:
    """Return what the file that counts says of converting; its sources may be wrong.

    Raises:
        ConfigError: That part of it has faults.
    """
    path = find()
    if path is None:
        return Conversion()
    faults = Faults(str(path))
    reader = _read(path, faults)
    found = reader.convert() if reader else Conversion()
    if told := faults.sorted():
        raise ConfigError(list(told))
    return found


def _read(path: Path, faults: Faults, registry: Registry | None = None) -> _Reader | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    found = read_toml(data, faults)
    return _Reader(*found, faults, registry or installed()) if found else None


class _Reader:
    """Turns the tables of a file into sources, noting faults on the way."""

    def __init__(
        self, document: dict[str, Any], places: Places, faults: Faults, registry: Registry
    ) -> None:
        self._document, self._places = document, places
        self._faults, self._registry = faults, registry

    def sources(self) -> dict[str, Source]:
        """Read all sources; those with faults are left out."""
        headers = {name: place[0] for (name, _), place in self._places.items()}
        lines = headers | self._places["", 0][1]
        for key in self._document.keys() - _TABLES:
            line = lines.get(key) or next(
                (at for name, at in headers.items() if name.startswith(f"{key}.")), 1
            )
            hint = did_you_mean(key, _TABLES)
            self._faults.add(line, f"unknown key {key!r}{hint}; sources are written [source.NAME]")
        tables = self._document.get("source", {})
        if not isinstance(tables, dict):
            self._faults.add(lines.get("source", 1), "sources are written [source.NAME]")
            return {}
        found = (self._source(name, values) for name, values in tables.items())
        return {source.name: source for source in found if source}

    def convert(self) -> Conversion:
        """Read how to convert; the defaults where the table is not there or has faults."""
        values = self._document.get("convert", {})
        line, lines = self._places.get(("convert", 0), NOWHERE)
        if not isinstance(values, dict):
            self._faults.add(line, "how to convert is written [convert]")
            return Conversion()
        table = Table("[convert]", values, line, lines)
        told = [*explain(table, Conversion), *self._strange_steps(table)]
        for where, text in sorted(told):
            self._faults.add(where, text)
        return Conversion() if told else msgspec.convert(values, Conversion)

    def _strange_steps(self, table: Table) -> Iterator[tuple[int, str]]:
        """Say which steps are not installed."""
        steps, known = table.values.get("steps", ()), [*self._registry.steps, "renumber"]
        for step in steps if isinstance(steps, list) else ():
            name = str(step).partition("=")[0].lower()
            if name not in known:
                hint = did_you_mean(name, known)
                yield table.at("steps"), f"[convert] steps: no {name!r} is installed{hint}"

    def _source(self, name: str, values: object) -> Source | None:
        spellings = (f"source.{name}", f'source."{name}"', f"source.'{name}'")
        placed = (self._places.get((spelling, 0)) for spelling in spellings)
        line, lines = next(filter(None, placed), None) or self._inside(name)
        table = Table(f"[source.{name}]", values if isinstance(values, dict) else {}, line, lines)
        if not _WORD.fullmatch(name):
            self._faults.add(line, f"{name!r} is no name; letters, digits, - and _ make one")
        elif not isinstance(values, dict):
            self._faults.add(line, f"{name} must be a table, written [source.{name}]")
        elif (scheme := self._scheme(table)) and not list(self._told(table, scheme)):
            return self._opened(name, table, scheme)
        return None

    def _inside(self, name: str) -> tuple[int, dict[str, int]]:
        """Find a source that stands as an inline table below [source]."""
        line, lines = self._places.get(("source", 0), NOWHERE)
        return lines.get(name, line), {}

    def _scheme(self, table: Table) -> str:
        """Return the scheme of a source; empty, and its fault noted, when there is none."""
        known = self._registry.syncers
        scheme = table.values.get("type")
        if isinstance(scheme, str) and scheme.lower() in known:
            return scheme.lower()
        if scheme is None:
            self._faults.add(table.line, f"{table.label} has no 'type'; one of {', '.join(known)}")
        else:
            hint = did_you_mean(str(scheme), known)
            self._faults.add(
                table.at("type"), f"{table.label} type: no {scheme!r} is installed{hint}"
            )
        return ""

    def _told(self, table: Table, scheme: str) -> Iterator[str]:
        """Note what is wrong with the keys of a source; yield each fault."""
        try:
            struct = table_type(self._registry.options_type(scheme))
        except DanhbaError as error:  # the plugin is broken, not the file
            self._faults.add(table.at("type"), f"{table.label} type: {error}")
            yield str(error)
            return
        for line, text in sorted(explain(table, struct)):
            self._faults.add(line, text)
            yield text

    def _opened(self, name: str, table: Table, scheme: str) -> Source | None:
        """Make sure that the syncer takes location and options; it opens nothing yet."""
        options = {key: value for key, value in table.values.items() if key not in _OWN}
        location = self._location(scheme, table.values.get("location", ""))
        source = Source(name, location, options, table.line)
        try:
            source.open(self._registry)
        except UsageError as error:
            self._faults.add(table.at("location"), f"{table.label} location: {error}")
            return None
        return source

    def _location(self, scheme: str, location: str) -> str:
        """Return what `danhba convert` would be given for the same source."""
        try:
            if location and self._registry.resolve(location)[0] == scheme:
                return location
        except DanhbaError:
            pass
        outer, _, inner = scheme.partition("+")
        if inner and location.lower().startswith(f"{inner}:"):
            return f"{outer}+{location}"
        return f"{scheme}://{location}" if inner else f"{scheme}:{location}"


@functools.cache
def table_type(options: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return the type of a [source.NAME] table whose syncer has these options."""
    location = Annotated[str, msgspec.Meta(min_length=1)]
    may_lack_it = getattr(options, "location_optional", False)
    own: list[Any] = [
        ("type", str),
        ("location", location, "") if may_lack_it else ("location", location),
    ]
    more = [_like(field) for field in msgspec.structs.fields(options)]
    return msgspec.defstruct("Source", [*own, *more], kw_only=True, frozen=True)


def _like(field: msgspec.structs.FieldInfo) -> Any:  # noqa: ANN401 - what defstruct takes
    """Describe a field as defstruct wants it."""
    if field.required:
        return field.encode_name, field.type
    if field.default is msgspec.NODEFAULT:
        made: Any = msgspec.field(default_factory=field.default_factory)
        return field.encode_name, field.type, made
    return field.encode_name, field.type, field.default


def open_named(location: str) -> tuple[Syncer, str]:
    """Make the syncer of what stands behind SOURCE: a name of the file, a path, or a URL.

    A URL that the file has is opened with the options it has there.

    Returns:
        The syncer, and the location without the name.

    Raises:
        UsageError: There is no such source, or two.
        ConfigError: The file has faults.
    """
    registry = installed()
    if _WORD.fullmatch(location) and location != "-" and (source := _by_name(location)):
        return source.open(registry), source.location
    syncer = registry.open_source(location)
    if syncer.writes_remotely:
        for source in load().sources.values():
            named = source.open(registry)
            if named.writes_remotely and named.source == syncer.source:
                return named, location
    return syncer, location


def _by_name(name: str) -> Source | None:
    """Return the source of that name; None when the word is a path."""
    config = load()
    source, is_path = config.sources.get(name), Path(name).exists()
    if source and is_path:
        raise UsageError(
            f"{name}: is a source in {config.path}, and a file or folder here as well; write"
            f" ./{name} for the latter, or run danhba from elsewhere"
        )
    if source is None and not is_path:
        named = f"no source of that name in {config.path}"
        where = named if config.path else "there is no danhba.toml"
        hint = did_you_mean(name, config.sources)
        raise UsageError(f"{name}: no such file or folder, and {where}{hint}")
    return source
