"""What goes wrong is told in Vietnamese too, and the English that it is found by is ours."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.command import Done, run

import danhba
import danhba_syncers
from danhba.messages import shapes, translated
from danhba.state import State

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u{uid}\r\nFN:A\r\nTEL:{number}\r\nEND:VCARD\r\n"
OLD = "0168 123 4567"
VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")


@cache
def written_in_the_code() -> tuple[str, ...]:
    """Return every text in the code; what is put into it in a run stands as `{}`."""
    folders = [Path(module.__path__[0]) for module in (danhba, danhba_syncers)]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    found: set[str] = set()
    for path in files:
        if path.name not in ("messages.py", "texts.py"):
            found.update(texts_in(ast.parse(path.read_text("utf-8"))))
    return tuple(found)


def texts_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
            yield "".join(map(str, parts))


@pytest.mark.parametrize("shape", [shape for shape, _ in shapes()], ids=lambda shape: shape.pattern)
def test_each_message_that_has_a_translation_is_said_somewhere(shape: re.Pattern[str]) -> None:
    assert any(map(shape.fullmatch, written_in_the_code()))


@pytest.mark.parametrize(("shape", "vietnamese"), shapes(), ids=lambda _: "")
def test_a_translation_puts_in_what_the_message_does(
    shape: re.Pattern[str], vietnamese: str
) -> None:
    assert sorted(re.findall(r"\{(\w+)\}", vietnamese)) == sorted(shape.groupindex)


def test_what_is_not_known_stays_english() -> None:
    for text in ("a plugin's own words", "", "x: " * 500, "a: no such file or folder" * 99):
        assert translated(text, "vi") == text
    assert translated("a: no such file or folder", "en") == "a: no such file or folder"


def test_each_line_of_a_message_is_one_of_its_own() -> None:
    faults = (
        "line 2: 3 cells instead of 9\nline 3: reading_1 was altered; only the column answer may be"
    )
    assert translated(faults, "vi") == (
        "dòng 2: 3 ô thay vì 9\ndòng 3: cột reading_1 đã bị sửa; chỉ được điền cột answer"
    )
    refused = "https://x.vn/: HTTP 401 Unauthorized: the user an or the password is not accepted"
    assert translated(refused, "vi").endswith("người dùng an hoặc mật khẩu không được chấp nhận")


def test_what_a_message_names_is_never_read_as_a_template() -> None:
    odd = "{why}[x]{source: a|b}: no such file or folder"
    assert translated(odd, "vi") == "{why}[x]{source: a|b}: không có tệp hoặc thư mục này"


def test_a_message_in_a_message_is_translated() -> None:
    found = translated("a: not counted: not a vCard: an empty file (read from byte 0)", "vi")
    assert found == "a: không đếm được: không phải vCard: tệp trống (đọc từ byte 0)"
    assert translated("larger than 64 MiB (byte 62)", "vi") == "lớn hơn 64 MiB (byte 62)"


# -- in ordinary work ------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    del state_dir
    monkeypatch.setenv("DANHBA_LANG", "vi")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "book.vcf"
    path.write_bytes((CARD.format(uid=1, number=OLD) + CARD.format(uid=2, number=OLD)).encode())
    return path


def told(done: Done) -> str:
    """Return the last message on standard error, which must be in Vietnamese."""
    lines = [line for line in done.err.splitlines() if not line.startswith("nhật ký: ")]
    found = translated(lines[-1], "vi")  # an error comes as it was raised
    assert VIETNAMESE.search(found), found
    return found


def test_wrong_calls_are_told_in_vietnamese(book: Path) -> None:
    (book.parent / "log").write_text("{}\n")
    for words in (
        ("convert", "none.vcf"),
        ("convert", "none"),
        ("convert", book, "--country", "XX"),
        ("convert", book, "--write", "-o", "x.vcf"),
        ("convert", book, "-o", book),
        ("convert", book, "--log", "log"),
        ("convert", "-", "--write"),
        ("convert", book, book, "-o", "x.vcf"),
        ("apply", book),
    ):
        done = run(*words)
        assert done.code in (1, 2), words
        told(done)


def test_a_file_that_is_no_vcard_is_told_of_in_vietnamese(book: Path) -> None:
    book.write_bytes(b"name;phone\n")
    assert "không phải vCard: không có BEGIN:VCARD" in told(run("convert", book))
    assert "không phải vCard" in told(run("report", book))


def test_a_stop_is_told_in_vietnamese(book: Path) -> None:
    assert "vượt quá --max-changes 1" in told(run("convert", book, "--write", "--max-changes", "1"))
    abroad = "+61 412 345 678\r\nTEL:+61 412 345 679\r\nTEL:+61 412 345 677"
    book.write_bytes((CARD.format(uid=1, number=OLD) + CARD.format(uid=2, number=abroad)).encode())
    assert "danh bạ của nước khác" in told(run("convert", book, "--write"))


def test_a_lock_is_told_of_in_vietnamese(book: Path, state_dir: Path) -> None:
    with State(state_dir).locked(str(book.resolve())):
        assert "hãy chờ đến khi xong" in told(run("convert", book, "--write"))


def test_a_stale_card_is_told_of_in_vietnamese_everywhere(book: Path) -> None:
    assert run("convert", book, "--log", "log").code == 0
    book.write_bytes(book.read_bytes().replace(b"FN:A", b"FN:B", 1))
    done = run("apply", "log")
    assert done.code == 4
    assert "book.vcf#u1: đã lỗi thời: liên hệ đã bị sửa sau khi lập nhật ký" in done.err
    run("log", "log", "--html", "page.html", "--csv", "changes.csv")
    for file in ("page.html", "changes.csv"):
        assert "liên hệ đã bị sửa sau khi lập nhật ký" in Path(file).read_text("utf-8")
    assert "the card has changed since the log was written" in Path("log").read_text("utf-8")


def test_an_error_is_shown_in_vietnamese(book: Path) -> None:
    command = [sys.executable, "-c", "from danhba.cli import main; main()", "convert", "none.vcf"]
    done = subprocess.run(command, capture_output=True, cwd=book.parent, check=False)
    assert done.returncode == 1
    assert done.stderr.decode() == "danhba: none.vcf: không có tệp hoặc thư mục này\n"
