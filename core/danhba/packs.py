"""Which numbering packs are there, and which one speaks of a country code? Finds and loads them.

`codes.json` beside the built-in packs says which of them to read for a country code, so that a run
reads no more of them than its numbers need.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from danhba import cache
from danhba.errors import UsageError
from danhba.numbering import Closed, Header, Merged, Pack, Province, Range, Rule, merge

__all__ = [
    "Closed", "Header", "Merged", "Pack", "Packs", "Province", "Range", "Rule",
    "builtin", "check", "for_country", "load",
]  # fmt: skip

_FOLDER = Path(__file__).with_name("packs")


@functools.cache
def builtin() -> tuple[str, ...]:
    """Name the packs that come with danhba, in alphabetical order: ISO codes in lower case."""
    names = (file.name for file in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load(name_or_path: str) -> Pack:
    """Load a pack: a bare name is a built-in one, what has a separator or ends in .toml a file.

    The new numbers of a file's rules are put to phonenumbers (see `check`); those of the built-in
    packs were, by danhba's own tests.

    Raises:
        PackError: The pack has faults; the error carries all of them.
        UsageError: There is no such pack, or the file cannot be read.
    """
    separators = {"/", os.sep}
    if name_or_path.endswith(".toml") or any(sep in name_or_path for sep in separators):
        return _load_file(name_or_path)
    return _load_builtin(name_or_path)


def for_country(country: str, given: Iterable[Pack] = ()) -> Pack:
    """Return the pack of a country: the first given one that is of it, else the built-in one.

    A country that renumbered nothing we know of has a pack without rules, from what phonenumbers
    says about dialling there.

    Raises:
        UsageError: There is no such country.
    """
    code = country.upper()
    home = next((pack for pack in given if pack.country == code), None)
    if home is not None:
        return home
    return _load_builtin(code.lower()) if code.lower() in builtin() else _without_rules(code)


def _without_rules(code: str) -> Pack:
    import phonenumbers
    from phonenumbers import PhoneMetadata

    found = PhoneMetadata.metadata_for_region(code)
    if found is None:
        raise UsageError(f"--country {code}: no such country; give two letters, as in VN or AU")
    abroad = found.preferred_international_prefix or found.international_prefix or ""
    prefixes = dict.fromkeys(prefix for prefix in (abroad, "00") if prefix.isdigit())
    return Pack(
        id=code.lower(),
        name=code,
        country=code,
        country_code=str(found.country_code),
        trunk_prefix=found.national_prefix or "",
        trunk_optional=not found.national_prefix,
        international_prefixes=tuple(prefixes),
        nsn_lengths=tuple(found.general_desc.possible_length) if found.general_desc else (),
        rules=(),
        ranges=(),
        closed_ranges=(),
        provinces=(),
        mergers=(),
        sources={},
        path=f"phonenumbers {phonenumbers.__version__}",
        sha256=hashlib.sha256(f"{code} {phonenumbers.__version__}".encode()).hexdigest(),
    )


def check(pack: Pack) -> tuple[str, ...]:
    """Put the new numbers of every rule to phonenumbers and say which rules give none it accepts.

    Tried are the first two digits of the subscriber number, 00 to 99 (of `lines` where the rule
    has them). A rule is fine when one of them gives a valid number of the rule's kind.
    """
    from danhba.pack_checks import check_outputs
    from danhba.toml_tables import Faults

    faults = Faults(pack.path)
    check_outputs(pack.country_code, pack.rules, faults)
    return faults.sorted()


class Packs(Mapping[str, Pack]):
    """Country code -> all that the packs say about it, as one pack; read when first asked for.

    Args:
        home: The pack of the home country.
        given: Packs that a person named; each takes the place of the built-in one of its country.
    """

    def __init__(self, home: Pack, given: Iterable[Pack] = ()) -> None:
        self.given = (home, *(pack for pack in given if pack.country != home.country))
        self._countries = {pack.country.lower() for pack in self.given}
        self._known: dict[str, Pack | None] = {}

    def get(self, key: str, default: object = None) -> Pack | None:  # type: ignore[override] # noqa: ARG002 - no default is ever given
        """Return what is known about a country code; None when nothing is."""
        try:
            return self._known[key]
        except KeyError:
            found = self._known[key] = self._find(key)
            return found

    def __getitem__(self, key: str) -> Pack:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        own = (code for pack in self.given for code in _codes_of(pack))
        return iter(dict.fromkeys((*own, *_codes())))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _find(self, country_code: str) -> Pack | None:
        names = (name for name in _codes().get(country_code, ()) if name not in self._countries)
        found = [pack for pack in self.given if country_code in _codes_of(pack)]
        found.extend(map(_load_builtin, names))
        return merge(country_code, found) if found else None

    def files(self) -> tuple[str, ...]:
        """Return the absolute paths of the named packs that are files."""
        return tuple(str(Path(p.path).absolute()) for p in self.given if not _is_builtin(p))

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each named pack, and one of all that are built in."""
        return {**{pack.id: pack.sha256 for pack in self.given}, "built-in": _digest_of_builtin()}


def _is_builtin(pack: Pack) -> bool:
    name = pack.country.lower()
    return name in builtin() and _load_builtin(name) is pack


def _codes_of(pack: Pack) -> set[str]:
    """Return the country codes a pack says something about."""
    return {pack.country_code, *(rule.old_country_code or pack.country_code for rule in pack.rules)}


@functools.cache
def _codes() -> dict[str, tuple[str, ...]]:
    """Read which built-in packs say something about a country code."""
    return msgspec.json.decode(
        (_FOLDER / "codes.json").read_bytes(), type=dict[str, tuple[str, ...]]
    )


@functools.cache
def _digest_of_builtin() -> str:
    """Return the SHA-256 of the built-in packs, one behind the other."""
    digest = hashlib.sha256()
    for name in builtin():
        digest.update((_FOLDER / f"{name}.toml").read_bytes())
    return digest.hexdigest()


@functools.cache
def _load_builtin(name: str) -> Pack:
    """Load a built-in pack, once per process."""
    file = _FOLDER / f"{name}.toml"
    if not file.is_file():
        from danhba.toml_tables import did_you_mean

        raise UsageError(
            f"no numbering pack named {name!r}{did_you_mean(name, builtin())}; "
            f"built in: {', '.join(builtin())} (a file's name must end in .toml)"
        )
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if pack := cache.recall(f"pack-{name}", digest, Pack):
        return pack
    from danhba.pack_file import read_pack

    pack = read_pack(data, f"packs/{name}.toml")
    cache.keep(f"pack-{name}", digest, pack)
    return pack


def _load_file(path: str) -> Pack:
    """Load a pack from a file and put its rules to phonenumbers."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot read the numbering pack: {error.strerror}") from error
    from danhba.pack_file import read_pack

    return read_pack(data, path, judge=True)
