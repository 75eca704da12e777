"""The documents tell the truth: commands run, options are named, tables agree with the program."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner, Result

import danhba.card
import danhba.difflog
from danhba import packs
from danhba.cli.commands import danhba as command_line
from danhba.difflog import EndLine, LogLine, read_log
from danhba.pack_file import OURS

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "examples" / "khach-hang.vcf"
README = (ROOT / "README.md").read_text(encoding="utf-8")
README_VI = (ROOT / "README.vi.md").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
CONTEXT = click.Context(command_line)
COMMANDS = {
    name: command
    for name in command_line.list_commands(CONTEXT)
    if (command := command_line.get_command(CONTEXT, name))
}
PAGES = {"README.md": README, "README.vi.md": README_VI, **DOCS}

REASONS = {
    "one-reading", "proved-fixed", "current", "closed", "foreign", "proved-mobile",
    "also-valid-today", "points-to-fixed", "evidence-on-both-sides", "foreign-card",
    "maybe-foreign", "would-hop", "no-such-line", "too-short", "empty", "pause", "letters",
    "no-digits", "not-a-phone", "ussd", "partial-second",
}  # fmt: skip
"""Every reason a verdict on a file can have, but for a few kinds of unreadable fields."""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def command_lines(text: str) -> list[list[str]]:
    """Return the danhba commands of a page's console blocks, without the program's name."""
    lines = (line for block in blocks(text, "console") for line in block.splitlines())
    typed = (shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ danhba"))
    return [words[1:] for words in typed]


def run(*words: str, stdin: str = "") -> Result:
    """Run danhba in this process; an error is raised, the exit code is in `return_value`."""
    done = CliRunner().invoke(command_line, words, input=stdin, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done


@pytest.fixture
def folder(tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; the state folder is the test's own too."""
    assert not state_dir.exists()
    monkeypatch.setenv("DANHBA_LANG", "en")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


# --- the READMEs ----------------------------------------------------------------------------------


def test_readmes_have_the_same_two_commands_for_setting_up() -> None:
    english, vietnamese = blocks(README, "sh"), blocks(README_VI, "sh")
    assert english == vietnamese
    assert len(english) == 2
    assert all(re.fullmatch(r"python3 -m venv \.venv && .*\n", block) for block in english)
    assert "danhba convert examples/khach-hang.vcf" in english[0]
    assert english[1].endswith("-m pytest -q\n")


def test_readmes_show_the_same_commands() -> None:
    assert command_lines(README) == command_lines(README_VI) != []


def test_commands_of_the_readme_run_one_after_the_other(folder: Path) -> None:
    shutil.copy(BOOK, folder / "contacts.vcf")
    for words in command_lines(README):
        assert not run(*words, stdin="q\n").return_value, words
    assert (folder / "contacts.vcf").read_bytes() == BOOK.read_bytes()
    assert (folder / "converted.vcf").exists()


def test_python_of_the_readme_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(BOOK, folder / "contacts.vcf")
    (code,) = blocks(README, "python")
    exec(compile(code, "README.md", "exec"), {})
    assert "Nguyễn Văn An 0168.123.4567 -> 038.123.4567 vn-2018-0168" in capsys.readouterr().out
    run("convert", "contacts.vcf", "-o", "converted.vcf")
    ours, theirs = (folder / name for name in ("converted-too.vcf", "converted.vcf"))
    stamp = re.compile(rb"REV:[^\r]*")
    assert stamp.sub(b"", ours.read_bytes()) == stamp.sub(b"", theirs.read_bytes())


def test_diff_in_the_readmes_is_real(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for page, language in ((README, "en"), (README_VI, "vi")):
        monkeypatch.setenv("DANHBA_LANG", language)
        shown = {line.strip() for line in run("convert", str(BOOK)).stdout.splitlines()}
        (diff,) = blocks(page, "diff")
        assert {line.strip() for line in diff.splitlines()} <= shown


def test_sums_in_the_readmes_are_real(folder: Path) -> None:
    totals = book_end(folder).totals
    names = ("read", "convert", "keep", "ambiguous", "ask")
    found = [str(totals[f"numbers_{name}"]) for name in names]
    english = re.search(
        r"of (\d+) numbers (\d+) are converted, (\d+) kept \((\d+) .* (\d+) asked", README
    )
    vietnamese = re.search(
        r"có (\d+) số: (\d+) số được đổi, (\d+) số giữ nguyên \(.* (\d+) số mơ hồ\) và (\d+) số",
        README_VI,
    )
    assert english
    assert vietnamese
    assert list(english.groups()) == list(vietnamese.groups()) == found


# --- commands and options -------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name: str) -> None:
    told = "\n".join((README, *DOCS.values()))
    assert f"danhba {name}" in told
    options = [o for o in COMMANDS[name].params if isinstance(o, click.Option)]
    for option in options:
        for spelling in (*option.opts, *option.secondary_opts):
            assert re.search(rf"`[^`\n]*{re.escape(spelling)}\b", told), spelling


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_command_on_a_page_is_one(page: str) -> None:
    for first, *words in command_lines(PAGES[page]):
        command = COMMANDS[first]
        command.make_parser(click.Context(command)).parse_args(list(words))


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_somewhere(page: str) -> None:
    here = ROOT / ("" if page.startswith("README") else "docs")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES[page]):
        assert (here / target).exists(), target


# --- tables ---------------------------------------------------------------------------------------


def test_every_piece_of_evidence_is_documented() -> None:
    source = (ROOT / "core" / "danhba" / "evidence.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'yield Evidence\(\s*"([a-z-]+)"', source))
    assert len(codes) > 15
    told = set(re.findall(r"^\| `([a-z-]+)` \|", DOCS["evidence.md"], re.MULTILINE))
    assert codes - told == set()


def structs() -> Iterator[type[msgspec.Struct]]:
    for union in (LogLine, danhba.card.Change, danhba.card.Reading | danhba.card.Question):
        yield from union.__args__


@pytest.mark.parametrize("struct", list(structs()), ids=lambda struct: struct.__name__)
def test_every_key_of_the_log_is_documented(struct: type[msgspec.Struct]) -> None:
    config = struct.__struct_config__
    if config.tag:
        assert re.search(rf"### {config.tag}\b|`{config.tag}`", DOCS["diff-log.md"])
    for field in msgspec.structs.fields(struct):
        assert f"`{field.encode_name}`" in DOCS["diff-log.md"], field.name


def test_schema_of_the_log_is_up_to_date() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_schema.py"))["schema"]()
    assert (ROOT / "docs" / "diff-log.schema.json").read_bytes() == made, "run docs/make_schema.py"
    assert f"format version {danhba.difflog.SCHEMA}" in DOCS["diff-log.md"]


@pytest.mark.parametrize(
    "struct", [packs.Header, packs.Rule, packs.Range, packs.Closed, packs.Province, packs.Merged]
)
def test_every_key_of_a_pack_is_documented(struct: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(struct):
        if field.name not in OURS:
            assert f"`{field.name}`" in DOCS["packs.md"], field.name


def test_small_pack_of_the_docs_can_be_used(folder: Path) -> None:
    (folder / "my.toml").write_text(blocks(DOCS["packs.md"], "toml")[0], encoding="utf-8")
    assert [rule.new for rule in packs.load("my.toml").rules] == ["38", "39"]
    done = run("number", "--pack", "my.toml", "0168 123 4567", "0511 3 654 321")
    assert "038 123 4567" in done.stdout
    assert "0236" not in done.stdout


def test_table_of_vietnam_agrees_with_the_pack() -> None:
    fixed = re.findall(
        r"^\| \d \| 0(\d+) \| 0(\d+) \| ([^|]+?) \|", DOCS["vietnam.md"], re.MULTILINE
    )
    mobile = re.findall(r"^\| 0(1\d\d) \| 0(\d\d) \| (\w+) \|", DOCS["vietnam.md"], re.MULTILINE)
    rules = packs.load("vn").rules
    old_fixed = {(r.old, r.new, r.name_vi or r.name) for r in rules if r.kind == "fixed"}
    old_mobile = {(r.old, r.new, r.name) for r in rules if r.kind == "mobile"}
    assert set(fixed) == old_fixed
    assert set(mobile) == old_mobile


def test_tables_of_the_world_agree_with_the_packs() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_world.py"))["page"]()
    assert DOCS["world.md"] == made, "run docs/make_world.py"


# --- the examples ---------------------------------------------------------------------------------


def book_end(folder: Path) -> EndLine:
    run("convert", str(BOOK), "--log", "book.jsonl")
    (end,) = (line for line in read_log(folder / "book.jsonl") if isinstance(line, EndLine))
    return end


def test_example_book_has_crlf_throughout() -> None:
    raw = BOOK.read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")


def test_example_book_yields_every_verdict(folder: Path) -> None:
    end = book_end(folder)
    assert end.totals["cards_skipped"] == 0
    assert {row[1] for row in end.rows} == REASONS
    assert set(end.elsewhere) == {"NOTE", "IMPP", "MEMBER", "X-ASSISTANT-TEL", "X-MS-TEL"}


def test_example_book_is_converted_once_and_restored(folder: Path) -> None:
    book = shutil.copy(BOOK, folder / "contacts.vcf")
    run("convert", "contacts.vcf", "--write", "--log", "done.jsonl")
    converted = book.read_bytes()
    assert converted != BOOK.read_bytes()
    again = run("convert", "contacts.vcf", "--write", "--check", "--log", "again.jsonl")
    assert again.return_value == 0
    assert book.read_bytes() == converted
    run("undo", "done.jsonl")
    assert book.read_bytes() == BOOK.read_bytes()


def test_converted_book_is_a_fixed_point_on_another_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("convert", str(BOOK), "-o", "converted.vcf")
    monkeypatch.setenv("DANHBA_STATE_DIR", str(folder / "elsewhere"))
    assert run("convert", "converted.vcf", "--check").return_value == 0


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.sh")), ids=lambda p: p.name)
def test_example_script_runs(script: Path, folder: Path) -> None:
    launcher = folder / "danhba"  # this danhba, whatever is on the path
    launcher.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "from danhba.cli import main; main()" "$@"\n'
    )
    launcher.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    roots = os.pathsep.join(str(ROOT / name) for name in ("core", "syncers"))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": roots, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["sh", str(script)], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("== Done.\n")
