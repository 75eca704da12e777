"""Plugins are known by name, loaded when asked for, and named when they are broken."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, PathDistribution
from pathlib import Path

import msgspec
import pytest

from danhba.errors import PluginError, UsageError
from danhba.registry import NoOptions, Plugin, Registry
from danhba.syncer import Syncer
from danhba_syncers.memory import MemorySyncer


class Options(msgspec.Struct, frozen=True):
    timeout_s: float = 10.0
    columns: tuple[str, ...] = ()


class Configured(MemorySyncer):
    Options = Options

    def __init__(self, location: str, options: Options) -> None:
        super().__init__(location)
        self.location, self.options = location, options


class Thawed(msgspec.Struct):
    timeout_s: float = 10.0


class CarelessOptions(MemorySyncer):
    Options = Thawed


class Halfway:
    def read(self) -> Iterator[object]:
        return iter(())


class Nameless(MemorySyncer):
    def __init__(self, location: str, options: object) -> None:
        pass


HERE = __name__


class Folder:
    """Makes distributions, each a folder with metadata and entry points."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def dist(self, name: str, entry_points: str, *extras: str) -> Distribution:
        info = self.path / f"{name}-1.0.dist-info"
        info.mkdir()
        lines = [f"Name: {name}", "Version: 1.0", *(f"Provides-Extra: {e}" for e in extras)]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(entry_points)
        return PathDistribution(info)

    def registry(self) -> Registry:
        found = (PathDistribution(info) for info in sorted(self.path.iterdir()))
        return Registry(point for dist in found for point in dist.entry_points)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (site := tmp_path / "site").mkdir()
    return Folder(site)


PLUGINS = f"""
[danhba.syncers]
memory = danhba_syncers.memory:MemorySyncer
box = {HERE}:Configured
box+http = {HERE}:Configured
dav+https = no_such_module.dav:Dav
half = {HERE}:Halfway
list = {HERE}:PLUGINS
nameless = {HERE}:Nameless
thawed = {HERE}:CarelessOptions
gone = {HERE}:Gone

[danhba.paths]
.box = box
.old.box = memory
folder = box
- = box

[danhba.steps]
fold = {HERE}:Options
torn = no_such_module:step

[console_scripts]
memory = elsewhere:main
"""


@pytest.fixture
def registry(folder: Folder) -> Registry:
    folder.dist("acme", PLUGINS, "dav")
    return folder.registry()


def opened(registry: Registry, location: str, **options: object) -> Configured:
    syncer = registry.open_source(location, **options)
    assert isinstance(syncer, Configured)
    return syncer


# --- listing ------------------------------------------------------------------------------------


def test_names_are_known_without_an_import(registry: Registry) -> None:
    assert list(registry.syncers)[:3] == ["box", "box+http", "dav+https"]
    assert registry.syncers["dav+https"].value == "no_such_module.dav:Dav"
    assert registry.syncers["dav+https"].distribution == "acme 1.0"
    assert registry.paths[".box"].value == "box"
    assert list(registry.steps) == ["fold", "torn"]


def test_list_shows_what_is_broken_beside_what_is_not(registry: Registry) -> None:
    broken = [name for name, plugin in registry.syncers.items() if plugin.broken]
    assert broken == ["dav+https", "gone"]
    assert [name for name, plugin in registry.steps.items() if plugin.broken] == ["torn"]


def test_other_groups_are_passed_over(registry: Registry) -> None:
    assert "elsewhere" not in registry.syncers["memory"].value


def test_a_broken_plugin_does_not_stop_the_others(registry: Registry) -> None:
    assert isinstance(registry.open_source("memory:"), MemorySyncer)


def test_looking_at_plugins_imports_none_and_not_even_the_metadata_reader() -> None:
    code = (
        "import sys, danhba.registry as r;"
        "assert 'importlib.metadata' not in sys.modules;"
        "r.syncers(), r.steps();"
        "assert not [name for name in sys.modules if name.startswith('danhba_')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": _pythonpath()})


def _pythonpath() -> str:
    return os.pathsep.join(sys.path)


# --- loading ------------------------------------------------------------------------------------


def test_missing_module_names_plugin_distribution_and_extra(registry: Registry) -> None:
    with pytest.raises(PluginError) as caught:
        registry.open_source("dav+https://me@host/")
    message = str(caught.value)
    assert message.startswith(
        "acme 1.0: entry point danhba.syncers, dav+https = no_such_module.dav"
    )
    assert "No module named 'no_such_module'" in message
    assert message.endswith("try: pip install 'acme[dav]'")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_missing_requirement_is_named_where_no_extra_fits(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "needy_plugin.py").write_text("import no_such_requirement.part\n")
    folder.dist("needy", "[danhba.syncers]\nneedy = needy_plugin:X\n")
    code = (
        f"import sys; sys.path[:0] = [{str(folder.path)!r}, {str(tmp_path)!r}];"
        "import danhba.registry as r; print(r.syncers()['needy'].broken)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": _pythonpath()},
    )
    assert "needy 1.0: " in run.stdout
    assert "install what provides the module no_such_requirement" in run.stdout


def test_missing_attribute_is_a_plugin_error(registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"no attribute 'Gone'.*--force-reinstall acme"):
        registry.syncer_class("gone")


@pytest.mark.parametrize("failure", ["1 / 0", "raise SystemExit(3)"])
def test_whatever_an_import_raises_is_a_plugin_error(
    failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"failing_{abs(hash(failure))}"
    (tmp_path / f"{module}.py").write_text(failure)
    monkeypatch.syspath_prepend(tmp_path)
    plugin = Plugin([EntryPoint("bad", f"{module}:X", "danhba.syncers")])
    assert plugin.broken.startswith("an unknown distribution: entry point danhba.syncers, bad")


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ("half", r"acme 1\.0: .*:Halfway is no syncer: it lacks fetch, patch, compare, write"),
        ("list", r"is no syncer: it lacks read"),
        ("nameless", r":Nameless must have source, supports and writes_remotely"),
        ("thawed", r":CarelessOptions\.Options must be a frozen msgspec Struct"),
    ],
)
def test_what_is_no_syncer_is_refused(registry: Registry, scheme: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        registry.open_source(f"{scheme}:")


def test_two_distributions_with_one_name_are_both_named(folder: Folder) -> None:
    folder.dist("acme", "[danhba.syncers]\ncsv = a:B\nfine = danhba_syncers.memory:MemorySyncer")
    folder.dist("zeta", "[danhba.syncers]\ncsv = z:B\n[danhba.paths]\n.csv = fine")
    registry = folder.registry()
    message = "danhba.syncers: csv is claimed by acme 1.0 and zeta 1.0; uninstall all but one"
    assert registry.syncers["csv"].broken == message
    with pytest.raises(PluginError, match=message):
        registry.open_source("csv:x")
    assert isinstance(registry.open_source("x.csv"), MemorySyncer)


def test_two_distributions_with_one_suffix_are_both_named(folder: Folder) -> None:
    folder.dist("acme", "[danhba.paths]\n.csv = memory")
    folder.dist("zeta", "[danhba.paths]\n.csv = memory")
    with pytest.raises(PluginError, match=r"danhba\.paths: \.csv is claimed by acme 1\.0 and zeta"):
        folder.registry().open_source("x.CSV")


def test_a_step_is_loaded_by_name(registry: Registry) -> None:
    assert registry.step("fold") is Options
    with pytest.raises(UsageError, match=r"no converter step fodl .*mean fold\?.*fold, torn"):
        registry.step("fodl")


# --- locations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "scheme", "inner"),
    [
        ("x.box", "box", "x.box"),
        ("dir.d/X.BOX", "box", "dir.d/X.BOX"),
        (r"C:\people\x.box", "box", r"C:\people\x.box"),
        ("C:/x+y.box", "box", "C:/x+y.box"),
        ("a: b.box", "box", "a: b.box"),
        ("my+list.box", "box", "my+list.box"),
        ("x.old.box", "memory", "x.old.box"),
        ("-", "box", "-"),
        ("new/", "box", "new/"),
        ("box:me@corp.vn", "box", "me@corp.vn"),
        ("BOX:x", "box", "x"),
        ("memory:", "memory", ""),
        ("box:///x.box", "box", "///x.box"),
        ("box+http://me@host:80/a", "box+http", "http://me@host:80/a"),
        ("other+https://host/", "other+https", "https://host/"),
        ("ftp://host/x.box", "ftp", "//host/x.box"),
    ],
)
def test_location_is_resolved(registry: Registry, location: str, scheme: str, inner: str) -> None:
    assert registry.resolve(location) == (scheme, inner)


def test_an_existing_folder_is_one_whatever_its_name(registry: Registry, tmp_path: Path) -> None:
    (people := tmp_path / "people.old.box").mkdir()
    assert registry.resolve(str(people)) == ("box", str(people))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("", "an empty location"),
        ("people.xls", r"people\.xls: .* no such file or folder; .* are \.box, \.old\.box, else"),
        ("bx:me", r"did you mean box\?"),
        ("boxx+http://host/", r"no syncer boxx\+http is installed \(did you mean box\+http\?\)"),
        ("ftp://host/x.box", "no syncer ftp is installed; there is box, box.http, dav"),
    ],
)
def test_unknown_location_says_what_to_do(registry: Registry, location: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        registry.open_source(location)


def test_an_existing_file_of_unknown_suffix_is_not_called_missing(
    registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "people").touch()
    with pytest.raises(UsageError) as caught:
        registry.open_source(str(tmp_path / "people"))
    assert "no such file" not in str(caught.value)
    assert "write scheme:" in str(caught.value)


def test_nothing_installed_reads_nothing() -> None:
    with pytest.raises(UsageError, match="no plugin reads standard input"):
        Registry([]).open_source("-")


# --- options ------------------------------------------------------------------------------------


def test_options_arrive_as_the_declared_type(registry: Registry) -> None:
    syncer = opened(registry, "box:here", timeout_s=3, columns=["a", "b"])
    assert syncer.location == "here"
    assert syncer.options == Options(timeout_s=3.0, columns=("a", "b"))
    assert isinstance(syncer, Syncer)


def test_a_syncer_without_options_takes_none(registry: Registry) -> None:
    assert registry.options_type("memory") is NoOptions
    with pytest.raises(UsageError, match="memory: no option x; its options are none"):
        registry.open_source("memory:", x=1)


def test_unknown_options_are_all_named_with_a_guess(registry: Registry) -> None:
    with pytest.raises(UsageError) as caught:
        registry.open_source("x.box", timeout=3, zzz=1)
    assert str(caught.value) == (
        "box: no option timeout (did you mean timeout_s?); no option zzz; "
        "its options are timeout_s, columns"
    )


def test_wrong_type_of_option_is_named_with_its_place(registry: Registry) -> None:
    with pytest.raises(UsageError, match=r"box: wrong option: Expected `float`.*\$\.timeout_s"):
        registry.open_source("x.box", timeout_s="soon")
