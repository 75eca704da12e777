"""danhba.toml: all its faults at once, each at its line; names and URLs of sources find it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import msgspec
import pytest
from tests.command import run

from danhba import config, registry
from danhba.errors import ConfigError, UsageError

ROOT = Path(__file__).parents[2]
CARD = b"BEGIN:VCARD\nVERSION:3.0\nFN:An\nTEL:0168 123 4567\nEND:VCARD\n"
GOOD = """\
# the address books of the company
[source.company]
type = "carddav+https"
location = "me@dav.example.com"
password_env = "DAV_PASSWORD"
books = ["Khách hàng", "Nhà cung cấp"]

[source.old-book]
type = "file"
location = "contacts.vcf"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults(text: str) -> list[str]:
    Path("danhba.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load()
    return [fault.removeprefix("danhba.toml:") for fault in caught.value.faults]


def test_sources_are_read() -> None:
    Path("danhba.toml").write_text(GOOD, encoding="utf-8")
    found = config.load()
    assert [(s.name, s.location, s.line) for s in found.sources.values()] == [
        ("company", "carddav+https://me@dav.example.com", 2),
        ("old-book", "contacts.vcf", 8),
    ]
    company = found.sources["company"].open(registry.installed())
    assert company.source == (
        "carddav+https://me@dav.example.com/#Kh%C3%A1ch%20h%C3%A0ng,Nh%C3%A0%20cung%20c%E1%BA%A5p"
    )


def test_what_to_do_when_converting_is_read_and_can_be_overruled() -> None:
    Path("book.vcf").write_bytes(CARD)
    Path("danhba.toml").write_text('[convert]\nsteps = ["normalise=e164"]\npolicy = "add"\n')
    found = config.load().convert
    assert (found.steps, found.policy) == (("normalise=e164",), "add")
    assert "+84381234567" in run("convert", "book.vcf").out.decode()
    told = run("convert", "book.vcf", "--step", "renumber", "--log", "log.jsonl").out.decode()
    assert "+84381234567" not in told
    assert '"policy":"add"' in Path("log.jsonl").read_text("utf-8")


def test_faults_in_how_to_convert_are_told_at_their_lines() -> None:
    text = '[convert]\nsteps = ["retire", "mergetwins"]\npolicy = "both"\nstep = 1\n'
    assert faults(text) == [
        "2: [convert] steps: no 'mergetwins' is installed, did you mean 'merge-twins'?",
        "3: [convert] policy: must be one of replace, add, wait",
        "4: [convert] has an unknown key 'step', did you mean 'steps'?",
    ]
    assert faults("convert = 1\n") == ["1: how to convert is written [convert]"]


def test_every_fault_is_told_at_its_line() -> None:
    text = """\
sorces = 1
[source.one]
type = "carddav+htps"
location = "x"
[source.two]
location = "x"
[source.three]
type = "carddav+https"
locaton = "me@dav.example.com"
conections = 4
connections = 99
auth = "kerberos"
[source."a b"]
type = "file"
location = "x.vcf"
[source.four]
type = "carddav+https"
location = "https://me:hunter2@dav.example.com/"
[source.five]
type = "file"
location = "x.vcf"
password_env = "P"
[sources.six]
type = "file"
"""
    found = faults(text)
    assert [int(fault.split(":")[0]) for fault in found] == [
        1, 3, 5, 7, 9, 10, 11, 12, 13, 18, 22, 23,
    ]  # fmt: skip
    expected = [
        "unknown key 'sorces', did you mean 'source'?",
        "no 'carddav+htps' is installed, did you mean 'carddav+https'?",
        "[source.two] has no 'type'",
        "[source.three] has no 'location'",
        "unknown key 'locaton', did you mean 'location'?",
        "unknown key 'conections', did you mean 'connections'?",
        "connections: expected `int` <= 8",
        "auth: must be one of auto, basic, digest, bearer",
        "'a b' is no name",
        "a password in a URL",
        "unknown key 'password_env'",
        "unknown key 'sources', did you mean 'source'?",
    ]
    for fault, part in zip(found, expected, strict=True):
        assert part in fault
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[source.x\n", "1: not TOML"),
        ("source = 3\n", "1: sources are written [source.NAME]"),
        ("\n[source]\nx = 3\n", "3: x must be a table, written [source.x]"),
        ('[source.x]\ntype = 3\nlocation = "a"\n', "2: [source.x] type: no 3 is installed"),
        ('[source.x]\ntype = "file"\nlocation = ""\n', "3: [source.x] location: expected"),
    ],
)
def test_what_is_no_table_of_sources_is_told(text: str, told: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(told)


def test_inline_tables_are_read() -> None:
    Path("danhba.toml").write_text('[source]\nx = { type = "file", location = "a.vcf" }\n')
    assert config.load().sources["x"].location == "a.vcf"
    assert faults('[source]\nx = { type = "fil", location = "a.vcf" }\n')[0].startswith("2: ")


def test_the_nearest_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.load() == config.Config(None, {})
    usual = tmp_path / "home" / ".config" / "danhba" / "danhba.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text(GOOD, encoding="utf-8")
    assert config.load().path == usual
    here = Path("danhba.toml")
    here.write_text("")
    assert config.load().path == here
    other = tmp_path / "other.toml"
    other.write_text("")
    monkeypatch.setenv("DANHBA_CONFIG", str(other))
    assert config.load().path == other
    monkeypatch.setenv("DANHBA_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="DANHBA_CONFIG names it"):
        config.load()


def test_a_source_is_converted_by_name() -> None:
    Path("book.vcf").write_bytes(CARD)
    Path("danhba.toml").write_text('[source.mine]\ntype = "file"\nlocation = "book.vcf"\n')
    assert run("convert", "mine", "--write", "--log", "log.jsonl").code == 0
    assert b"038 123 4567" in Path("book.vcf").read_bytes()
    Path("danhba.toml").unlink()
    assert run("undo", "log.jsonl").code == 0
    assert Path("book.vcf").read_bytes() == CARD


def test_names_that_lead_nowhere_or_two_ways() -> None:
    done = run("convert", "mine")
    assert done.code == 2
    assert "no such file or folder, and there is no danhba.toml" in done.err
    Path("danhba.toml").write_text('[source.mine]\ntype = "file"\nlocation = "book.vcf"\n')
    assert "did you mean 'mine'?" in run("convert", "mime").err
    Path("mine").mkdir()
    assert "write ./mine" in run("convert", "mine").err


def test_broken_file_stops_commands_that_need_it_alone() -> None:
    Path("book.vcf").write_bytes(CARD)
    Path("danhba.toml").write_text("[source.x]\n")
    assert run("convert", "book.vcf").code == 0
    done = run("convert", "x")
    assert done.code == 2
    assert "danhba.toml:1: [source.x] has no 'type'" in done.err
    assert run("sources").code == 2


def test_sources_are_listed() -> None:
    assert "there is no danhba.toml" in run("sources").err
    Path("danhba.toml").write_text(GOOD, encoding="utf-8")
    done = run("sources")
    assert done.out.decode().splitlines() == [
        "company   carddav+https://me@dav.example.com",
        "old-book  contacts.vcf",
    ]
    listed = [json.loads(line) for line in run("sources", "--json").out.splitlines()]
    assert [one["name"] for one in listed] == ["company", "old-book"]
    assert "has no address books" in run("sources", "old-book").err


def test_files_can_be_checked_and_have_no_habits() -> None:
    Path("book.vcf").write_bytes(CARD + b"BEGIN:VCARD\nVERSION:3.0\n")
    assert b"read: 2 cards, 0 not understood" in run("check", "book.vcf").out
    assert "only a server has habits" in run("check", "book.vcf", "--probe").err


def test_schema_of_the_file_is_up_to_date() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_schema.py"))["config_schema"]()
    kept = ROOT / "docs" / "danhba.toml.schema.json"
    assert kept.read_bytes() == made, "run docs/make_schema.py"


@pytest.mark.parametrize("scheme", ["carddav+https"])
def test_every_option_is_documented(scheme: str) -> None:
    text = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    options = registry.installed().options_type(scheme)
    for field in msgspec.structs.fields(options):
        assert f"`{field.encode_name}`" in text, field.name
