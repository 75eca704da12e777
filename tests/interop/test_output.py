"""What is said on standard output and error, and what when nobody takes it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

BOOK = "".join(
    f"BEGIN:VCARD\nVERSION:3.0\nUID:{i}\nFN:An {i}\nTEL:0168 {i:03} 4567\nEND:VCARD\n"
    for i in range(40)
).encode()
DANHBA = [sys.executable, "-c", "from danhba.cli import main; main()"]


@pytest.fixture
def book(tmp_path: Path, state_dir: Path) -> Path:
    del state_dir
    (tmp_path / "book.vcf").write_bytes(BOOK)
    return tmp_path / "book.vcf"


def danhba(*words: str | Path, stdout: int | IO[str] = subprocess.PIPE) -> tuple[int, str, str]:
    done = subprocess.run(
        [*DANHBA, *map(str, words)], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stdout or "", done.stderr


def closed() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_nothing_is_written_when_the_output_was_closed(book: Path) -> None:
    code, _, said = danhba("convert", book, "--write", "--all", stdout=closed())
    assert code == 1
    assert "standard output was closed; nothing more was done" in said
    assert book.read_bytes() == BOOK


def test_a_copy_is_not_made_when_the_output_was_closed(book: Path) -> None:
    copy = book.with_name("copy.vcf")
    code, _, said = danhba("convert", book, "-o", copy, "--all", stdout=closed())
    assert code == 1
    assert "left as it was: standard output was closed" in said
    assert not copy.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [("convert", "--all"), ("number", "0168 123 4567"), ("packs",)])
def test_a_full_disk_behind_the_output_is_one_line(book: Path, words: tuple[str, ...]) -> None:
    more = (book,) if words[0] == "convert" else ()
    with Path("/dev/full").open("w") as full:
        code, _, said = danhba(*words, *more, stdout=full)
    assert code == 1
    last = said.strip().splitlines()[-1]
    assert last == "danhba: standard output: No space left on device"
    assert "Traceback" not in said


def test_a_copy_is_told_of_with_the_way_back(book: Path) -> None:
    code, out, said = danhba("convert", book, "-o", book.with_name("copy.vcf"))
    assert code == 0
    assert f"written: {book.with_name('copy.vcf')}" in said
    assert "danhba undo" in out


def test_numbers_that_were_undone_are_told_of_with_a_command_to_paste(book: Path) -> None:
    log = book.with_name("log.jsonl")
    assert danhba("convert", book, "--write", "--log", log)[0] == 0
    assert danhba("undo", log)[0] == 0
    for more in ([], ["-o", book.with_name("copy.vcf")], ["--write"]):
        _, out, _ = danhba("convert", book, *more)
        assert f"danhba convert --forget-answers {book}" in out, more


def test_a_log_is_not_put_into_a_folder_that_is_not_there(book: Path) -> None:
    code, _, said = danhba("convert", book, "--log", book.with_name("none") / "log.jsonl")
    assert code == 2
    assert "no such folder" in said
    assert not book.with_name("none").exists()


def test_a_plan_over_the_limit_says_so(book: Path) -> None:
    code, _, said = danhba("convert", book, "--max-changes", "1")
    assert code == 0
    assert "more than --max-changes 1" in said


@pytest.mark.skipif(os.name == "nt", reason="a shell that closes streams")
@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("words", ["convert book.vcf", "number", "--help", "packs"])
def test_closed_standard_streams_are_nobody_listening(book: Path, words: str, closing: str) -> None:
    more = "</dev/null" if words == "number" and "<" not in closing else ""
    command = f'"$0" -c "from danhba.cli import main; main()" {words} {more} {closing}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable],
        cwd=book.parent,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_no_output_takes_the_place_of_what_is_read(book: Path) -> None:
    log = book.with_name("log.jsonl")
    assert danhba("convert", book, "--log", log)[0] == 0
    kept = log.read_bytes()
    for words in (
        ["report", book, "--html", book],
        ["log", log, "--csv", log],
        ["log", log, "--html", log],
        ["log", log, "--csv", book],
        ["log", log, "--html", book],
        ["convert", book, "-o", book.with_name("x"), "--log", book.with_name("x")],
    ):
        code, _, said = danhba(*words)
        assert code == 2, words
        assert "another name" in said or "both the copy and the log" in said
    assert (book.read_bytes(), log.read_bytes()) == (BOOK, kept)
    assert sorted(path.name for path in book.parent.iterdir() if path.is_file()) == [
        "book.vcf",
        "log.jsonl",
    ]


@pytest.mark.parametrize("more", [[], ["--html", "page.html"], ["--csv", "changes.csv"]])
def test_a_log_cut_off_in_its_first_line_is_no_traceback(book: Path, more: list[str]) -> None:
    log = book.with_name("log.jsonl")
    log.write_text('{"type":"run"')
    words = [str(book.with_name(word)) if "." in word else word for word in more]
    code, _, said = danhba("log", log, *words)
    assert code in (0, 1)
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout here")
def test_a_table_can_go_down_a_pipe(book: Path) -> None:
    log = book.with_name("log.jsonl")
    assert danhba("convert", book, "--log", log)[0] == 0
    code, out, _ = danhba("log", log, "--csv", "/dev/stdout")
    assert (code, len(out.splitlines())) == (0, 41)


def test_a_page_that_cannot_be_made_leaves_the_old_one(book: Path) -> None:
    page = book.with_name("page.html")
    page.write_text("old")
    assert danhba("log", book, "--html", page)[0] == 1
    assert page.read_text() == "old"


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_a_name_that_is_not_utf_8_is_refused_in_one_line(book: Path) -> None:
    odd = os.fsencode(book.parent) + b"/b\xff.vcf"
    Path(os.fsdecode(odd)).write_bytes(BOOK)
    for words in ([os.fsdecode(odd)], [str(book), "-o", os.fsdecode(odd)]):
        done = subprocess.run([*DANHBA, "convert", *words], capture_output=True, check=False)
        assert done.returncode == 2
        assert b"<U+DCFF>.vcf: is not UTF-8; rename it" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = subprocess.run([*DANHBA, "number", "--json", b"\xff"], capture_output=True, check=False)
    assert (done.returncode, done.stdout.count(b"unreadable")) == (0, 1)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16-le"])
def test_a_name_that_the_encoding_does_not_have_is_written_as_escapes(
    book: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    book.write_bytes(BOOK.replace(b"FN:An 1\n", "FN:Nguyễn Thị 李\n".encode()))
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = subprocess.run([*DANHBA, "convert", book], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    escaped = "Nguyễn Thị 李".encode(encoding, "backslashreplace").decode(encoding)
    assert escaped in done.stdout.decode(encoding)


def test_a_pipe_gets_utf_8_whatever_the_code_page(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write_bytes(BOOK.replace(b"FN:An 1\n", "FN:Nguyễn Thị 李\n".encode()))
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    done = subprocess.run([*DANHBA, "convert", book], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nguyễn Thị 李" in done.stdout.decode()
