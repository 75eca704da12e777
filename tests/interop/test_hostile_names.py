"""Charsets that are none, and places where no folder can be: named, never a traceback."""

from pathlib import Path

import pytest
from tests.command import run

from danhba.card import AddPhone, Phone
from danhba.changes import made

CARD = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:A\r\nNOTE;CHARSET=%s:y\\, z\r\nORG;CHARSET=%s:y\r\n"
    b"TEL;CHARSET=%s:0168 123 4567\r\nTEL:0168 123 4567\r\nEND:VCARD\r\n"
)


@pytest.mark.parametrize(
    "charset",
    [b"undefined", b"zip", b"rot13", b"hex", b"idna", b"punycode", b"unicode_escape", b"a\0b"],
)
def test_a_codec_that_is_no_charset_does_not_stop_the_run(
    charset: bytes, tmp_path: Path, state_dir: Path
) -> None:
    book = tmp_path / "book.vcf"
    card = CARD % (charset, charset, charset)
    book.write_bytes(card)
    assert run("convert", book, "--write").code == 0
    assert book.read_bytes() == card.replace(b"TEL:0168", b"TEL:038")


@pytest.mark.parametrize("name", ["logs", "locks"])
def test_a_file_where_the_state_needs_a_folder_is_named(
    name: str, tmp_path: Path, state_dir: Path
) -> None:
    book = tmp_path / "book.vcf"
    book.write_bytes(CARD % (b"utf-8", b"utf-8", b"utf-8"))
    state_dir.mkdir(exist_ok=True)
    (state_dir / name).write_bytes(b"")
    done = run("convert", book, "--write")
    assert done.code == 1
    assert f"{name}: the folder cannot be made" in done.err
    assert "DANHBA_STATE_DIR" in done.err


def test_added_fields_stand_behind_theirs_in_the_order_of_adding() -> None:
    phones = [Phone("0", "1"), Phone("1", "2")]
    adding = [AddPhone(key, value, (), "") for key, value in (("0", "a"), ("0", "b"), ("0+1", "c"))]
    assert [one.key for one in made(phones, adding)] == ["0", "0+1", "0+1+1", "0+2", "1"]
