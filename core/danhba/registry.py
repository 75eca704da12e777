"""Which plugins are installed, and which of them reads this source?

A distribution offers plugins by entry points, in three groups:

- `danhba.syncers`: the name is a URL scheme, the value names the class (`"my_csv:CsvSyncer"`).
- `danhba.paths`: the name is a suffix such as `.vcf`, or `folder`, or `-` for standard input; the
  value is the scheme of the syncer that reads such a path.
- `danhba.steps`: the name is that of a converter step, the value names the object.

A syncer class takes `(location, options)`. `location` is the path, or the text behind the scheme:
`me@corp.vn` of `google:me@corp.vn`, and of a compound scheme such as `carddav+https://host/` the
inner URL `https://host/`. `options` is a value of the frozen msgspec Struct that the class names in
its attribute `Options`; a class without it has no options.

Names are known without an import. A plugin is imported when it is asked for, and only then can it
fail: a broken one never stops the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from danhba.entry_points import Claim, entry_points
from danhba.errors import PluginError, UsageError
from danhba.syncer import Syncer

if TYPE_CHECKING:
    from importlib.metadata import Distribution

SYNCERS = "danhba.syncers"
PATHS = "danhba.paths"
STEPS = "danhba.steps"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+")  # two characters: `C:` is a drive
_METHODS = ("read", "fetch", "patch", "compare", "write")


class NoOptions(msgspec.Struct, frozen=True):
    """The options of a syncer that declares none."""


class Plugin:
    """A name that one or more distributions claim; with more than one it cannot be used.

    Attributes:
        group: The entry point group.
        name: The URL scheme, the suffix, or the name of the step.
        value: What the entry point says: `module:attribute`, or the scheme of a path.
    """

    def __init__(self, claims: Iterable[Claim]) -> None:
        """Take the entry points of one name, at least one."""
        self._claims = tuple(claims)
        first = self._claims[0]
        self.group, self.name, self.value = first.group, first.name, first.value

    def __repr__(self) -> str:
        return f"Plugin({self.group!r}, {self.name!r}, {self.value!r})"

    @cached_property
    def distributions(self) -> tuple[str, ...]:
        """Name and version of each distribution that claims the name; one, if all is well."""
        return tuple(sorted({_named(claim.dist) for claim in self._claims}))

    @property
    def distribution(self) -> str:
        """The distributions as a text."""
        return " and ".join(self.distributions)

    @cached_property
    def broken(self) -> str:
        """Why the plugin cannot be used, or an empty string; imports it to find out."""
        try:
            self.load()
        except PluginError as error:
            return str(error)
        return ""

    def check(self) -> None:
        """Make sure that one distribution alone claims the name.

        Raises:
            PluginError: Several do; the message names them.
        """
        if len(self._claims) > 1 and len(self.distributions) > 1:
            what = f"{self.group}: {self.name} is claimed by {self.distribution}"
            raise PluginError(f"{what}; uninstall all but one")

    def load(self) -> Any:  # noqa: ANN401 - what it is, only its group says
        """Import the plugin; for a path there is nothing to import, and it is the scheme.

        Raises:
            PluginError: It cannot be imported, or several distributions claim its name.
        """
        self.check()
        if self.group == PATHS:
            return self.value
        try:
            return self._claims[0].load()
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {error}"
            raise PluginError(
                f"{self.distribution}: entry point {self.group}, {self.name} = {self.value}, "
                f"cannot be loaded ({what}); {self._hint(error)}"
            ) from error

    def _hint(self, error: BaseException) -> str:
        """Say what may help: an extra named like the plugin, else what was not found."""
        dist = self._claims[0].dist
        name = dist.name if dist else "the plugin"
        if isinstance(error, ModuleNotFoundError):
            extras = (dist.metadata.get_all("Provides-Extra") or []) if dist else []
            if (extra := self.name.partition("+")[0]) in extras:
                return f"try: pip install '{name}[{extra}]'"
            if error.name and not self.value.startswith(error.name.partition(".")[0]):
                return f"install what provides the module {error.name}"
        return f"try: pip install --upgrade --force-reinstall {name}"


class Registry:
    """The plugins among some entry points."""

    def __init__(self, entry_points: Iterable[Claim]) -> None:
        """Take entry points of any group; those of other groups are passed over."""
        self._groups: dict[str, dict[str, list[Claim]]] = {SYNCERS: {}, PATHS: {}, STEPS: {}}
        for entry_point in entry_points:
            if (group := self._groups.get(entry_point.group)) is not None:
                group.setdefault(entry_point.name.lower(), []).append(entry_point)

    @cached_property
    def syncers(self) -> Mapping[str, Plugin]:
        """The syncers by URL scheme, in alphabetical order; nothing is imported."""
        return self._plugins(SYNCERS)

    @cached_property
    def paths(self) -> Mapping[str, Plugin]:
        """Suffixes, `folder` and `-`, each with the scheme of its syncer as the value."""
        return self._plugins(PATHS)

    @cached_property
    def steps(self) -> Mapping[str, Plugin]:
        """The converter steps by name; nothing is imported."""
        return self._plugins(STEPS)

    def _plugins(self, group: str) -> Mapping[str, Plugin]:
        claims = sorted(self._groups[group].items())
        return MappingProxyType({name: Plugin(claimed) for name, claimed in claims})

    def step(self, name: str) -> Any:  # noqa: ANN401 - the converter knows its type
        """Load a converter step.

        Raises:
            UsageError: No such step is installed.
            PluginError: It cannot be loaded.
        """
        return _pick(self.steps, name, "converter step").load()

    def resolve(self, location: str) -> tuple[str, str]:
        r"""Split a location into the scheme of its syncer and what that syncer is given.

        `scheme:rest` is a URL when the scheme is registered, holds a `+`, or `//` follows; anything
        else is a path, `C:\contacts.vcf` included. The scheme need not be installed.

        Raises:
            UsageError: Nothing installed reads such a path.
            PluginError: Several distributions want to read it.
        """
        scheme, colon, rest = location.partition(":")
        if colon and self._is_scheme(scheme, rest):
            inner = scheme.partition("+")[2]
            return scheme.lower(), f"{inner}:{rest}" if inner else rest
        plugin = self._for_path(location)
        plugin.check()
        return plugin.value, location

    def _is_scheme(self, head: str, rest: str) -> bool:
        if not _SCHEME.fullmatch(head):
            return False
        return head.lower() in self.syncers or "+" in head or rest.startswith("//")

    def _for_path(self, location: str) -> Plugin:
        """Find who reads a path; the longest suffix wins (`.vcf.gz` over `.gz`)."""
        if location == "-":
            kind = "-"
        elif location.endswith(("/", "\\")) or (location and Path(location).is_dir()):
            kind = "folder"
        else:
            name = location.lower()
            fitting = [s for s in self.paths if s.startswith(".") and name.endswith(s)]
            kind = max(fitting, key=len, default="")
        if plugin := self.paths.get(kind):
            return plugin
        raise UsageError(self._unknown_path(location, kind))

    def _unknown_path(self, location: str, kind: str) -> str:
        """Say what can be done about a path that nothing installed reads."""
        schemes = _listed(self.syncers)
        if not location:
            return f"an empty location; give a path, or scheme:… with one of {schemes}"
        if kind:
            what = {"-": "standard input", "folder": "a folder"}[kind]
            return f"{location}: no plugin reads {what}; write scheme:… with one of {schemes}"
        suffixes = _listed(s for s in self.paths if s.startswith("."))
        head = location.partition(":")[0]
        guess = _meant(head, self.syncers) if ":" in location else ""
        missing = "" if Path(location).exists() else " and there is no such file or folder"
        return (
            f"{location}: which plugin reads this does not show in its name{missing}{guess}; "
            f"known suffixes are {suffixes}, else write scheme:{location} with one of {schemes}"
        )

    def syncer_class(self, scheme: str) -> type[Syncer]:
        """Load the class of a syncer.

        Raises:
            UsageError: No such syncer is installed.
            PluginError: It cannot be loaded, or is not a syncer.
        """
        plugin = _pick(self.syncers, scheme, "syncer")
        found = plugin.load()
        lacking = [name for name in _METHODS if not callable(getattr(found, name, None))]
        if lacking or not isinstance(found, type):
            what = f"lacks {', '.join(lacking)}" if lacking else "is not a class"
            raise PluginError(f"{plugin.distribution}: {plugin.value} is no syncer: it {what}")
        return found

    def options_type(self, scheme: str) -> type[msgspec.Struct]:
        """Load the type that holds a syncer's options.

        Raises:
            UsageError: No such syncer is installed.
            PluginError: It cannot be loaded, or its `Options` is no frozen Struct.
        """
        found = getattr(self.syncer_class(scheme), "Options", NoOptions)
        if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
            raise self._bad_options(scheme)
        if not found.__struct_config__.frozen:
            raise self._bad_options(scheme)
        return found

    def _bad_options(self, scheme: str) -> PluginError:
        plugin = self.syncers[scheme]
        what = f"{plugin.value}.Options must be a frozen msgspec Struct"
        return PluginError(f"{plugin.distribution}: {what}")

    def open_source(self, location: str, **options: object) -> Syncer:
        """Make the syncer of a location; nothing of the source is opened yet.

        Args:
            location: A path, `-`, or `scheme:…`.
            options: What the syncer's `Options` declares, as plain values.

        Raises:
            UsageError: Nothing reads the location, or the syncer has no such option.
            PluginError: The syncer cannot be loaded.
        """
        scheme, inner = self.resolve(location)
        declared = self.options_type(scheme)
        opened: Any = self.syncer_class(scheme)
        syncer = opened(inner, _converted(options, declared, scheme))
        if not isinstance(syncer, Syncer):
            plugin = self.syncers[scheme]
            attributes = "source, supports and writes_remotely"
            raise PluginError(f"{plugin.distribution}: {plugin.value} must have {attributes}")
        return syncer


@cache
def installed() -> Registry:
    """Return the registry of what is installed, read once."""
    return Registry(entry_points((SYNCERS, PATHS, STEPS)))


def syncers() -> Mapping[str, Plugin]:
    """Return the installed syncers by URL scheme, importing none."""
    return installed().syncers


def steps() -> Mapping[str, Plugin]:
    """Return the installed converter steps by name, importing none."""
    return installed().steps


def open_source(location: str, **options: object) -> Syncer:
    """Make the syncer of a location, as `Registry.open_source` does, from what is installed."""
    return installed().open_source(location, **options)


# --- errors -------------------------------------------------------------------------------------


def _named(dist: Distribution | None) -> str:
    return f"{dist.name} {dist.version}" if dist else "an unknown distribution"


def _pick(plugins: Mapping[str, Plugin], name: str, kind: str) -> Plugin:
    if plugin := plugins.get(name.lower()):
        return plugin
    raise UsageError(
        f"no {kind} {name} is installed{_meant(name, plugins)}; there is {_listed(plugins)}"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _meant(name: str, names: Iterable[str]) -> str:
    """Ask whether a similar name was meant; an empty string when there is none."""
    from difflib import get_close_matches

    found = get_close_matches(name.lower(), list(names), n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def _converted(
    options: Mapping[str, object], declared: type[msgspec.Struct], scheme: str
) -> msgspec.Struct:
    """Turn plain values into the options a syncer declares; every unknown name is told at once."""
    known = [field.encode_name for field in msgspec.structs.fields(declared)]
    if faults := list(_unknown(options, known)):
        raise UsageError(f"{scheme}: {'; '.join(faults)}; its options are {_listed(known)}")
    try:
        return msgspec.convert(dict(options), declared)
    except msgspec.ValidationError as error:
        raise UsageError(f"{scheme}: wrong option: {error}") from error


def _unknown(options: Iterable[str], known: list[str]) -> Iterator[str]:
    for name in options:
        if name not in known:
            yield f"no option {name}{_meant(name, known)}"
