"""A stranger's plugin, built and installed as a distribution of its own, works like a built-in.

The wheel is built by the example's own build backend, without network, and unpacked into an empty
folder: for a wheel of pure Python that is what an installer does.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import danhba
import danhba_syncers

EXAMPLE = Path(__file__).parents[2] / "examples" / "danhba-csv"

OPEN = """
import json, sys
from datetime import datetime, UTC
import danhba_csv
from danhba.card import Edit, SetNumber
from danhba.registry import installed, open_source

plugin = installed().syncers["csv"]
syncer = open_source(sys.argv[1], key="Mã")
(card,) = syncer.read()
(phone,) = card.phones
raw = syncer.patch(card, [SetNumber(phone.key, phone.value, "038 123 4567")], datetime.now(UTC))
(outcome,) = syncer.write([Edit(card, raw)])
told = [plugin.distribution, danhba_csv.__file__, card.ref, card.details.name, outcome.status]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the installed plugin."""
    folder = tmp_path_factory.mktemp("plugin")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(folder)]
    built = subprocess.run(command, cwd=EXAMPLE, check=True, capture_output=True, text=True)
    site = folder / "site"
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as wheel:
        wheel.extractall(site)
    return site


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in an empty folder with the plugin and this danhba, and nothing else added."""
    ours = (Path(package.__path__[0]).parent for package in (danhba, danhba_syncers))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (site, *ours))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    (cwd := site.parent / "cwd").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )


def test_wheel_holds_the_plugin_and_nothing_else(site: Path) -> None:
    assert sorted(path.name for path in site.iterdir()) == [
        "danhba_csv",
        "danhba_csv-0.1.0.dist-info",
    ]


def test_registry_opens_a_csv_file_with_the_installed_plugin(site: Path, tmp_path: Path) -> None:
    book = tmp_path / "khách.CSV"
    book.write_text("Mã;Họ tên;Di động\r\nK1;  An;0168 123 4567\r\n", encoding="utf-8", newline="")
    done = run(site, "-c", OPEN, str(book))
    assert done.returncode == 0, done.stderr
    distribution, origin, *rest = json.loads(done.stdout)
    assert distribution == "danhba-csv 0.1.0"
    assert Path(origin).is_relative_to(site)
    assert rest == ["K1", "An", "written"]
    content = book.read_bytes().decode()
    assert content == "Mã;Họ tên;Di động\r\nK1;  An;038 123 4567\r\n"


def test_plugin_passes_its_own_tests_and_the_contract(site: Path) -> None:
    arguments = ["-q", "-p", "no:cacheprovider", "-c", str(EXAMPLE / "pyproject.toml")]
    done = run(site, "-m", "pytest", *arguments, str(EXAMPLE / "tests"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_plugin_is_not_there_without_its_distribution(tmp_path: Path) -> None:
    (site := tmp_path / "empty").mkdir()
    code = "from danhba.registry import syncers; assert 'csv' not in syncers()"
    done = run(site, "-c", code)
    assert done.returncode == 0, done.stderr
