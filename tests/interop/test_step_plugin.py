"""A stranger's step, built and installed as a distribution of its own, works like a built-in."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import danhba
import danhba_syncers

EXAMPLE = Path(__file__).parents[2] / "examples" / "danhba-step-drop-empty"
CARD = """BEGIN:VCARD\r
VERSION:3.0\r
UID:1\r
FN:An\r
TEL;TYPE=CELL:0168 123 4567\r
item1.TEL:\r
item1.X-ABLabel:Zalo\r
TEL;TYPE=WORK:024 3825 1234\r
END:VCARD\r
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


def python(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the plugin and this danhba, and nothing else added."""
    ours = (Path(package.__path__[0]).parent for package in (danhba, danhba_syncers))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (site, *ours))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "",  # the coverage of a run around this one is not its own
        "PYTHONIOENCODING": "utf-8",
        "DANHBA_STATE_DIR": str(cwd / "state"),
        "DANHBA_LANG": "en",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        check=False, cwd=cwd, env=environment, capture_output=True, encoding="utf-8",
    )  # fmt: skip


def convert(site: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "from danhba.cli import main; main()"
    return python(site, "-c", code, "convert", "book.vcf", *words, cwd=cwd)


def test_an_installed_step_is_run_logged_and_undone(site: Path, tmp_path: Path) -> None:
    book, log = tmp_path / "book.vcf", tmp_path / "log.jsonl"
    book.write_bytes(CARD.encode())
    steps = ("--step", "drop-empty", "--step", "normalise=e164")
    done = convert(site, tmp_path, *steps, "--write", "--log", "log.jsonl")
    assert done.returncode == 0, done.stderr
    lines = "\n".join(line for line in CARD.split("\n") if "item1" not in line)
    converted = lines.replace("0168 123 4567", "+84381234567").replace(
        "024 3825 1234", "+842438251234"
    )
    assert book.read_bytes().decode() == converted
    rows = [json.loads(row) for row in log.read_bytes().splitlines()]
    assert rows[0]["steps"] == ["drop-empty", "normalise=e164"]
    (changes,) = (row["changes"] for row in rows if row["type"] == "card")
    assert [(change["op"], change.get("step", "renumber")) for change in changes] == [
        ("set-number", "renumber"),
        ("drop-phone", "drop-empty"),
        ("set-number", "normalise"),
        ("set-number", "normalise"),
    ]
    assert "There is no number." in done.stdout
    again = convert(site, tmp_path, *steps, "--check")
    assert again.returncode == 0, again.stdout + again.stderr
    code = "from danhba.cli import main; main()"
    undone = python(site, "-c", code, "undo", "log.jsonl", cwd=tmp_path)
    assert undone.returncode == 0, undone.stderr
    assert book.read_bytes() == CARD.encode()
    assert convert(site, tmp_path, *steps, "--check").returncode == 0


def test_a_log_is_undone_only_with_its_steps_installed(site: Path, tmp_path: Path) -> None:
    """Nothing of a plugin is needed to take back what it did."""
    (tmp_path / "book.vcf").write_bytes(CARD.encode())
    done = convert(site, tmp_path, "--step", "drop-empty", "--write", "--log", "log.jsonl")
    assert done.returncode == 0, done.stderr
    (empty := tmp_path / "empty").mkdir()
    code = "from danhba.cli import main; main()"
    undone = python(empty, "-c", code, "undo", "log.jsonl", cwd=tmp_path)
    assert undone.returncode == 0, undone.stderr
    assert (tmp_path / "book.vcf").read_bytes() == CARD.encode()


def test_a_step_that_is_not_installed_is_named(site: Path, tmp_path: Path) -> None:
    (tmp_path / "book.vcf").write_bytes(CARD.encode())
    done = convert(site, tmp_path, "--step", "drop-empti")
    assert done.returncode == 2
    assert "did you mean drop-empty?" in done.stderr


def test_the_step_passes_its_own_tests(site: Path, tmp_path: Path) -> None:
    arguments = ["-q", "-p", "no:cacheprovider", "-c", str(EXAMPLE / "pyproject.toml")]
    done = python(site, "-m", "pytest", *arguments, str(EXAMPLE / "tests"), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
