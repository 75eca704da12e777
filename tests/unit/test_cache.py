"""What is kept between runs saves time and changes nothing."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from danhba import cache, packs
from danhba.entry_points import entry_points
from danhba.judge import Judge
from danhba.numbering import Pack
from danhba.pack_file import read_pack

CARD = b"BEGIN:VCARD\nVERSION:3.0\nFN:An\nTEL:0168 123 4567\nTEL:0912 345 678\nEND:VCARD\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    cache.use(tmp_path / "cache")
    yield tmp_path / "cache"
    cache.use(None)


def test_what_is_kept_is_recalled_under_its_key_alone(folder: Path) -> None:
    cache.keep("thing", "1", [1, 2])
    assert cache.recall("thing", "1", list[int]) == [1, 2]
    assert cache.recall("thing", "2", list[int]) is None
    assert cache.recall("other", "1", list[int]) is None
    assert cache.recall("thing", "1", list[str]) is None
    assert stat.S_IMODE((folder / "thing").stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:-1] + b"\x09", lambda _: b""])
def test_a_damaged_file_is_as_good_as_none(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    cache.keep("thing", "1", [1, 2])
    (folder / "thing").write_bytes(damage((folder / "thing").read_bytes()))
    assert cache.recall("thing", "1", list[int]) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / "thing")
    assert cache.recall("thing", "1", list[int]) is None


def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    cache.use(None)
    cache.keep("thing", "1", [1])
    assert cache.recall("thing", "1", list[int]) is None
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache.use(tmp_path / "file" / "cache")
    cache.keep("thing", "1", [1])
    assert cache.recall("thing", "1", list[int]) is None
    cache.use(None)


# -- packs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", packs.builtin())
@pytest.mark.usefixtures("folder")
def test_a_pack_comes_back_as_it_was_read(name: str) -> None:
    data = Path(packs.__file__).with_name("packs").joinpath(f"{name}.toml").read_bytes()
    read = read_pack(data, f"packs/{name}.toml")
    cache.keep("pack", read.sha256, read)
    assert cache.recall("pack", read.sha256, Pack) == read


# -- verdicts --------------------------------------------------------------------------------------


def test_a_verdict_is_kept_by_block_and_no_number_is(folder: Path) -> None:
    judge = Judge()
    assert judge.kind("84", "381234567", 5) == "mobile"
    assert judge.kind("84", "2838123456", 10) == "fixed"  # the whole number: not a block
    judge.keep()
    kept = (folder / "judge").read_bytes()
    assert b"38123" in kept
    assert b"2838123456" not in kept
    assert b"381234567" not in kept


@pytest.mark.usefixtures("folder")
def test_verdicts_of_another_judge_are_learnt() -> None:
    one, other = Judge(), Judge()
    one.kind("84", "381234567", 5)
    asked = one.asked()
    assert asked == [("84", 9, "38123", "mobile")]
    assert one.asked() == []
    other.learn(asked)
    other.keep()
    assert Judge().kind("84", "381239999", 5) == "mobile"


def convert(tmp_path: Path) -> list[str]:
    """Convert a card in a process; return the slow modules that it imported."""
    (tmp_path / "book.vcf").write_bytes(CARD)
    code = (
        "import sys\n"
        "from danhba.cli import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)\n"
    )
    words = [sys.executable, "-c", code, "convert", "book.vcf", "-o", "new.vcf"]
    environment = {**os.environ, "DANHBA_STATE_DIR": str(tmp_path / "state")}
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert b"038 123 4567" in (tmp_path / "new.vcf").read_bytes()
    slow = {"phonenumbers", "rich_click", "vobject", "danhba.pack_file", "danhba.report"}
    return sorted(slow & set(done.stderr.split()))


def test_a_second_run_asks_phonenumbers_nothing(tmp_path: Path) -> None:
    assert convert(tmp_path) == ["danhba.pack_file", "phonenumbers"]
    os.utime(tmp_path, (1, 1))  # the folder the process runs in is on its path
    convert(tmp_path)
    assert convert(tmp_path) == []


# -- entry points ----------------------------------------------------------------------------------


def distribution(folder: Path, name: str, points: str) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)


def test_an_installed_distribution_is_seen_at_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    distribution(site, "acme", "[danhba.steps]\none = os.path:join\n")
    monkeypatch.syspath_prepend(str(site))

    def names() -> dict[str, str]:
        return {point.name: point.by for point in entry_points(["danhba.steps"])}

    assert names().get("one") == "acme"
    assert (folder / "entry-points").exists()
    assert names().get("one") == "acme"
    distribution(site, "zeta", "[danhba.steps]\ntwo = os.path:split\n")
    found = names()
    assert (found.get("one"), found.get("two")) == ("acme", "zeta")
    (two,) = (point for point in entry_points(["danhba.steps"]) if point.name == "two")
    assert two.load() is os.path.split
    assert two.dist
    assert two.dist.version == "1.0"
