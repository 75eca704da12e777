"""What is no vCard, or no sane one, is named with file and byte and never stops the other cards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.command import Done, run

from danhba_syncers import _split, _vcard
from danhba_syncers.vcard_files import VcardFiles

GOOD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nTEL:0168 123 4567\r\nEND:VCARD\r\n"
NEW = GOOD.replace(b"0168", b"038")


def write(book: Path) -> Done:
    return run("convert", book, "--write")


# -- no vCard at all -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "an empty file (read from byte 0)"),
        (b"\xef\xbb\xbf", "no BEGIN:VCARD in it (read from byte 0)"),
        (b"name;phone\r\nAn;0168 123 4567\r\n", "no BEGIN:VCARD in it (read from byte 0)"),
        (b"PK\x03\x04" + bytes(range(256)) * 50, "no BEGIN:VCARD in it (read from byte 0)"),
        (b"\0" * 5000, "no BEGIN:VCARD in it (read from byte 0)"),
        (b"\xff\xfe", "no BEGIN:VCARD in it (read from byte 0)"),
        (b"B", "no BEGIN:VCARD in it (read from byte 0)"),
        (b"\r\r\r", "no BEGIN:VCARD in it (read from byte 0)"),
        (b"TEL:0168 123 4567\r\nEND:VCARD\r\n", "no BEGIN:VCARD in it (read from byte 0)"),
    ],
    ids=["empty", "bom", "csv", "zip", "nuls", "utf16bom", "oneletter", "lineends", "headless"],
)
def test_a_file_that_is_no_vcard_is_named(
    raw: bytes, says: str, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "book.vcf").write_bytes(raw)
    done = write(tmp_path / "book.vcf")
    assert done.code == 4
    assert f"danhba: book.vcf: not a vCard: {says}" in done.err
    assert (tmp_path / "book.vcf").read_bytes() == raw


def test_a_file_that_is_not_there_is_a_failure(tmp_path: Path, state_dir: Path) -> None:
    done = run("convert", tmp_path / "none.vcf")
    assert (done.code, "none.vcf: no such file or folder" in done.err) == (1, True)


def test_a_folder_without_vcards_is_nothing_to_do(tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "readme.txt").write_bytes(GOOD)
    assert write(tmp_path / "books").code == 0
    assert (tmp_path / "books" / "readme.txt").read_bytes() == GOOD


# -- odd files among good ones ---------------------------------------------------------------------


def test_bad_files_do_not_stop_the_good_ones(tmp_path: Path, state_dir: Path) -> None:
    books = tmp_path / "books"
    (books / "folder.vcf").mkdir(parents=True)
    bad = {"a.vcf": b"", "c.vcf": b"\x89PNG\r\n\x1a\n", "e.vcf": b"\0B"}
    for name, raw in bad.items():
        (books / name).write_bytes(raw)
    for name in ("b.vcf", "d.vcf", "folder.vcf/f.vcf"):
        (books / name).write_bytes(GOOD)
    done = write(books)
    assert done.code == 4
    assert all(f"danhba: {name}: not a vCard" in done.err for name in bad)
    assert all((books / name).read_bytes() == raw for name, raw in bad.items())
    assert (books / "b.vcf").read_bytes() == NEW
    assert (books / "folder.vcf" / "f.vcf").read_bytes() == NEW


@pytest.mark.skipif(sys.platform != "linux", reason="such names need Linux")
@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfe\xe9.vcf",
        b"a#b#c.vcf",
        b"two\nlines.vcf",
        b"%23.vcf",
        b" .vcf",
        b"\x1b[31m.vcf",
        b"-o.vcf",
    ],
    ids=["latin1", "hash", "newline", "percent", "blank", "escape", "option"],
)
def test_a_folder_takes_any_file_name(name: bytes, tmp_path: Path, state_dir: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    odd = os.fsencode(books) + b"/" + name
    log = tmp_path / "log.jsonl"
    for path in (odd, os.fsencode(books / "good.vcf")):
        Path(os.fsdecode(path)).write_bytes(GOOD)
    done = run("convert", books, "--write", "--log", log)
    assert done.code == 0, done.err
    assert Path(os.fsdecode(odd)).read_bytes() == NEW
    assert "\x1b[31m" not in done.out.decode() + done.err
    refs = [card.ref for card in VcardFiles(str(books)).read()]
    assert len(set(refs)) == 2
    assert all(ref.count("#") == 1 and "\n" not in ref for ref in refs)
    assert run("undo", log).code == 0
    assert Path(os.fsdecode(odd)).read_bytes() == GOOD


def test_names_that_print_alike_are_not_mixed_up(tmp_path: Path, state_dir: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    names = ["a#b.vcf", "a%23b.vcf", "a%2523b.vcf"]
    for number, name in enumerate(names):
        (books / name).write_bytes(GOOD.replace(b"4567", b"456%d" % number))
    assert len({card.ref for card in VcardFiles(str(books)).read()}) == 3
    assert write(books).code == 0
    for number, name in enumerate(names):
        assert (books / name).read_bytes() == NEW.replace(b"4567", b"456%d" % number)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, state_dir: Path) -> None:
    """A link that leads nowhere stands for a file without permission: root may read those."""
    books = tmp_path / "books"
    books.mkdir()
    (books / "a.vcf").symlink_to(tmp_path / "nowhere.vcf")
    (books / "b.vcf").write_bytes(GOOD)
    done = write(books)
    assert done.code == 4
    assert "danhba: a.vcf: cannot be read" in done.err
    assert (books / "b.vcf").read_bytes() == NEW


def linked(tmp_path: Path) -> Path:
    """Make a folder with two files, one of them outside, and five links to them."""
    books, other = tmp_path / "books", tmp_path / "other.vcf"
    (books / "sub").mkdir(parents=True)
    (books / "m.vcf").write_bytes(GOOD)
    other.write_bytes(GOOD.replace(b"4567", b"4568"))
    (books / "a.vcf").symlink_to("m.vcf")
    (books / "z.vcf").symlink_to(books / "m.vcf")
    (books / "sub" / "chain.vcf").symlink_to(books / "a.vcf")
    (books / "o1.vcf").symlink_to(other)
    (books / "o2.vcf").symlink_to(other)
    return books


def test_a_file_is_read_once_however_many_links_lead_to_it(tmp_path: Path, state_dir: Path) -> None:
    books, log = linked(tmp_path), tmp_path / "log"
    refs = [card.ref.partition("#")[0] for card in VcardFiles(str(books)).read()]
    assert refs == ["m.vcf", "o1.vcf"]
    done = run("convert", books, "--write", "--log", log)
    assert done.code == 0, done.err
    assert b"2 cards written" in done.out
    assert (books / "m.vcf").read_bytes() == NEW
    assert (tmp_path / "other.vcf").read_bytes() == NEW.replace(b"4567", b"4568")
    links = [path for path in books.rglob("*.vcf") if path.is_symlink()]
    assert len(links) == 5
    assert run("convert", books, "--check").code == 0
    assert run("undo", log).code == 0
    assert (books / "a.vcf").read_bytes() == GOOD


def test_a_copy_of_a_folder_keeps_its_links(tmp_path: Path, state_dir: Path) -> None:
    books, copy, log = linked(tmp_path), tmp_path / "copy", tmp_path / "log"
    for _ in range(2):
        log.unlink(missing_ok=True)
        assert run("convert", books, "-o", copy, "--log", log).code == 0
        assert (copy / "m.vcf").read_bytes() == NEW
        for name in ("a.vcf", "z.vcf", "sub/chain.vcf", "o2.vcf"):
            assert (copy / name).is_symlink()
        assert (copy / "z.vcf").resolve() == copy.resolve() / "m.vcf"
        assert (copy / "o2.vcf").resolve() == copy.resolve() / "o1.vcf"
        assert not (copy / "o1.vcf").is_symlink()
    assert run("undo", log).code == 0
    assert (copy / "sub" / "chain.vcf").read_bytes() == GOOD
    assert (books / "m.vcf").read_bytes() == GOOD


def test_names_of_one_file_are_parted_and_each_is_converted(
    tmp_path: Path, state_dir: Path
) -> None:
    """Hard links: a new file takes the place of one name, so that the other must have its turn."""
    books, log = tmp_path / "books", tmp_path / "log"
    books.mkdir()
    (books / "a.vcf").write_bytes(GOOD)
    (books / "b.vcf").hardlink_to(books / "a.vcf")
    done = run("convert", books, "--write", "--log", log)
    assert done.code == 0, done.err
    assert [(books / name).read_bytes() for name in ("a.vcf", "b.vcf")] == [NEW, NEW]
    assert run("convert", books, "--check").code == 0
    assert run("undo", log).code == 0
    assert [(books / name).read_bytes() for name in ("a.vcf", "b.vcf")] == [GOOD, GOOD]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_named_like_a_vcard_does_not_stop_the_run(tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "b.vcf").write_bytes(GOOD)
    os.mkfifo(books / "a.vcf")
    environment = {**os.environ, "DANHBA_STATE_DIR": str(tmp_path / "state")}
    command = [
        sys.executable,
        "-c",
        "from danhba.cli import main; main()",
        "convert",
        str(books),
        "--write",
    ]
    try:
        subprocess.run(command, env=environment, capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        pytest.fail("danhba waits for somebody to write into the pipe")
    assert (books / "b.vcf").read_bytes() == NEW


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_copy_of_a_folder_leaves_out_what_is_no_file(tmp_path: Path) -> None:
    books, copy = tmp_path / "books", tmp_path / "copy"
    books.mkdir()
    (books / "c.vcf").write_bytes(GOOD)
    os.mkfifo(books / "a.vcf")
    (books / "b.vcf").symlink_to(tmp_path / "nowhere.vcf")
    environment = {**os.environ, "DANHBA_STATE_DIR": str(tmp_path / "state")}
    call = [sys.executable, "-c", "from danhba.cli import main; main()"]
    command = [*call, "convert", str(books), "-o", str(copy)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.fail("danhba waits for somebody to write into the pipe")
    assert done.returncode == 4, done.stderr
    assert done.stderr.count(b".vcf: cannot be read") == 2
    assert [path.name for path in copy.iterdir()] == ["c.vcf"]
    assert (copy / "c.vcf").read_bytes() == NEW


def test_a_card_of_broken_utf16_is_named_and_the_others_are_converted(
    tmp_path: Path, state_dir: Path
) -> None:
    good, lone = GOOD.decode().encode("utf-16-be"), b"\0F\0N\0:\xd8\x00\0A"
    broken = GOOD.decode().encode("utf-16-be").replace("FN:A".encode("utf-16-be"), lone)
    (tmp_path / "book.vcf").write_bytes(good + broken + good + b"\0")
    done = write(tmp_path / "book.vcf")
    raw = (tmp_path / "book.vcf").read_bytes()
    new = NEW.decode().encode("utf-16-be")
    assert raw.startswith(new)
    assert raw.endswith(new + b"\0")
    assert raw[len(new) :].startswith(broken[:60])
    assert done.code == 0 or f"(byte {len(good) + broken.index(lone) + 6})" in done.err


def test_a_card_too_large_is_named_with_its_byte(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gigabytes, scaled down: block and limit are what a card's size is compared with."""
    monkeypatch.setattr(_split, "BLOCK", 1 << 12)
    monkeypatch.setattr(_split, "LARGEST_CARD", 1 << 16)
    huge = GOOD.replace(b"FN:A", b"FN:A\r\nNOTE:" + b"x" * 200_000)
    (tmp_path / "book.vcf").write_bytes(GOOD + huge + GOOD)
    done = write(tmp_path / "book.vcf")
    assert done.code == 4
    assert f"book.vcf#@{len(GOOD)}: larger than" in done.err
    assert f"(byte {len(GOOD)})" in done.err
    assert (tmp_path / "book.vcf").read_bytes() == NEW + huge + NEW


def test_one_line_without_end_is_passed_by(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_split, "BLOCK", 1 << 12)
    monkeypatch.setattr(_split, "LARGEST_CARD", 1 << 16)
    raw = GOOD + b"BEGIN:VCARD\r\nTEL:" + b"0168 123 4567 " * 20_000
    (tmp_path / "book.vcf").write_bytes(raw)
    done = write(tmp_path / "book.vcf")
    assert done.code == 4
    assert f"(byte {len(GOOD)})" in done.err
    assert (tmp_path / "book.vcf").read_bytes() == NEW + raw[len(GOOD) :]


# -- very large ------------------------------------------------------------------------------------

LARGE = """
import sys
from danhba.cli.commands import danhba
book, copy, log = sys.argv[1:]
danhba.main(["convert", book, "-o", copy, "--log", log], standalone_mode=False)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(peak.split()[1])
"""
"""Prints the peak of its memory in KiB; ru_maxrss would count that of the process that began it."""


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("begin", ["BEGIN", "begin", "Begin", "bEGIN"])
def test_wide_card_without_a_mark_is_known_by_its_beginning_in_any_case(
    begin: str, codec: str, tmp_path: Path, state_dir: Path
) -> None:
    text = f"{begin}:VCARD\nVERSION:2.1\nTEL:0168 123 4567\nEND:VCARD\n"
    book = tmp_path / "book.vcf"
    book.write_bytes(text.encode(codec))
    assert run("convert", book, "--write").code == 0
    assert book.read_bytes().decode(codec) == text.replace("0168", "038")


def test_wide_card_with_an_octet_too_many_is_named_and_left_alone(
    tmp_path: Path, state_dir: Path
) -> None:
    """All behind the octet reads as other characters; its line ends are none any more."""
    text = "BEGIN:VCARD\nVERSION:2.1\nUID:1\nTEL:0168 123 4567\nREV:|2018-01-31\nEND:VCARD\n"
    book = tmp_path / "book.vcf"
    book.write_bytes(text.encode("utf-16-le").replace(b"|\0", b"\r"))
    before = book.read_bytes()
    done = run("convert", book, "--write")
    assert done.code == 4
    assert "broken UTF-16" in done.err
    assert book.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is on Linux only")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """200 MiB: a card with one line of 100 MiB, which is too large, then 100 MiB of junk."""
    book, copy = tmp_path / "book.vcf", tmp_path / "copy.vcf"
    with book.open("wb") as file:
        file.write(GOOD + b"BEGIN:VCARD\r\nNOTE:")
        file.writelines(b"x" * (1 << 20) for _ in range(100))
        file.write(b"\r\nEND:VCARD\r\n" + GOOD)
        file.writelines(b"junk" * (1 << 18) for _ in range(100))
        file.write(b"\r\n" + GOOD)
    environment = {**os.environ, "DANHBA_STATE_DIR": str(tmp_path / "state")}
    command = [sys.executable, "-c", LARGE, str(book), str(copy), str(tmp_path / "log")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert copy.stat().st_size == book.stat().st_size - 3
    with copy.open("rb") as file:
        assert file.read(len(NEW)) == NEW
        file.seek(-len(NEW), os.SEEK_END)
        assert file.read() == NEW
    grown = int(done.stdout.split()[-1]) >> 10
    assert grown < 400, f"{grown} MiB"
    book.unlink()
    copy.unlink()


def test_many_numbers_on_one_card_cost_no_more_each(tmp_path: Path, state_dir: Path) -> None:
    """Counted in bytes of the log and calls of our code, not in seconds."""
    calls = {count: calls_for(tmp_path, count) for count in (500, 1000, 2000)}
    assert calls[1000] < 2.5 * calls[500]
    assert calls[2000] < 2.5 * calls[1000]


def calls_for(folder: Path, count: int) -> int:
    """Count the calls of functions, ours and built in, that converting a card takes."""
    book = folder / f"{count}.vcf"
    numbers = b"".join(b"TEL;CELL:0168 %07d\r\n" % number for number in range(count))
    book.write_bytes(b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:A\r\n" + numbers + b"END:VCARD\r\n")
    calls = 0

    def count_call(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count_call)
    try:
        assert write(book).code == 0
    finally:
        sys.setprofile(before)
    assert book.read_bytes().count(b"TEL;CELL:038 ") == count
    return calls


ENDLESS = 60
"""Seconds; what is linear takes two, what is quadratic hours."""


@pytest.mark.parametrize("odd", [b"", b"item1."], ids=["plain", "grouped"])
def test_a_hundred_thousand_numbers_on_one_card_come_to_an_end(odd: bytes, tmp_path: Path) -> None:
    book, log = tmp_path / "book.vcf", tmp_path / "log"
    numbers = b"".join(odd + b"TEL:0168 %07d\r\n" % number for number in range(100_000))
    book.write_bytes(b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:A\r\n" + numbers + b"END:VCARD\r\n")
    environment = {**os.environ, "DANHBA_STATE_DIR": str(tmp_path / "state")}
    call = [sys.executable, "-c", "from danhba.cli import main; main()"]
    command = [*call, "convert", str(book), "-o", str(tmp_path / "copy.vcf"), "--log", str(log)]
    try:
        subprocess.run(command, env=environment, capture_output=True, timeout=ENDLESS, check=True)
    except subprocess.TimeoutExpired:
        pytest.fail("100,000 numbers on one card take more than a minute")
    assert (tmp_path / "copy.vcf").read_bytes().count(b"TEL:038 ") == 100_000


@pytest.mark.parametrize("depth", [10, 10_000])
@pytest.mark.parametrize(
    "form", [b"AGENT:\r\nBEGIN:VCARD\r\n", b"AGENT:BEGIN:VCARD\r\n", b"BEGIN:VCARD\r\n"]
)
def test_deep_nesting_is_passed_through(
    form: bytes, depth: int, tmp_path: Path, state_dir: Path
) -> None:
    """Only the outermost card's number is converted, the others belong to cards inside."""
    inner = form + b"VERSION:2.1\r\nTEL:0168 123 0001\r\n"
    raw = b"BEGIN:VCARD\r\nTEL:0168 123 4567\r\n" + inner * depth + b"END:VCARD\r\n" * (depth + 1)
    (tmp_path / "book.vcf").write_bytes(raw + GOOD)
    done = run("convert", tmp_path / "book.vcf", "-o", tmp_path / "copy.vcf")
    found = (tmp_path / "copy.vcf").read_bytes()
    assert done.code == 0, done.err[:500]
    assert found.endswith(NEW)
    assert found.replace(b"TEL:038", b"TEL:0168") == raw + GOOD
    if b"AGENT" in form:
        assert found == raw.replace(b"0168 123 4567", b"038 123 4567") + NEW


def test_parameters_without_end_do_not_backtrack(tmp_path: Path, state_dir: Path) -> None:
    """Quotes and brackets that never close: each is looked at once, or this would take hours."""
    for piece in (b'"', b'"a', b"(", b';"', b";(", b'"(', b';X="', b"item1."):
        raw = GOOD.replace(b"TEL:", b"TEL;X=" + piece * 100_000 + b"\r\nTEL:", 1)
        (tmp_path / "book.vcf").write_bytes(raw)
        assert write(tmp_path / "book.vcf").code == 0
        assert (tmp_path / "book.vcf").read_bytes() == raw.replace(b"0168", b"038")


def test_a_value_of_any_length_is_read(tmp_path: Path, state_dir: Path) -> None:
    for value in (
        b"0" * 100_000,
        b"+" * 100_000,
        b"0168 123 4567 / " * 5_000,
        b"=" * 100_000,
        b"\\" * 99_999,
    ):
        for head in (b"TEL:", b"TEL;ENCODING=QUOTED-PRINTABLE:"):
            raw = GOOD.replace(b"TEL:", head + value + b"\r\nTEL:", 1)
            (tmp_path / "book.vcf").write_bytes(raw + GOOD)
            assert write(tmp_path / "book.vcf").code == 0
            assert (tmp_path / "book.vcf").read_bytes().endswith(NEW)


@pytest.mark.parametrize("filler", [b"x", b"\0"], ids=["letters", "nuls"])
def test_a_name_of_any_length_does_not_swell_the_log(
    filler: bytes, tmp_path: Path, state_dir: Path
) -> None:
    raw = GOOD.replace(b"FN:A", b"FN:A" + filler * 1_000_000)
    (tmp_path / "book.vcf").write_bytes(raw)
    done = run("convert", tmp_path / "book.vcf", "--write", "--log", tmp_path / "log")
    assert done.code == 0
    assert (tmp_path / "book.vcf").read_bytes() == raw.replace(b"0168", b"038")
    assert (tmp_path / "log").stat().st_size < 10_000
    assert len(done.out) < 10_000


def test_nuls_anywhere_are_passed_through(tmp_path: Path, state_dir: Path) -> None:
    for at in range(len(GOOD) + 1):
        raw = GOOD[:at] + b"\0" + GOOD[at:]
        (tmp_path / "book.vcf").write_bytes(raw + GOOD)
        assert write(tmp_path / "book.vcf").code in (0, 4)
        found = (tmp_path / "book.vcf").read_bytes()
        assert found.endswith(NEW), at
        assert found.replace(b"038", b"0168") == raw + GOOD, at


def test_narrowing_a_card_takes_any_octets() -> None:
    for head in (b"\0B\0E", b"B\0E\0", b"\0b\0e", b"b\0e\0"):
        for tail in (b"", b"\0", b"\xd8\x00", b"\x00\xd8", b"\xdc\x00\xd8\x00", b"\xff\xff"):
            raw = head + tail
            try:
                narrow, codec = _vcard.narrow(raw)
            except UnicodeDecodeError:
                continue
            assert _vcard.widen(narrow, codec) == raw


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n"])
def test_an_address_counts_whatever_ends_its_line(
    tmp_path: Path, state_dir: Path, end: str
) -> None:
    raw = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nTEL;TYPE=FAX:08 3812 3456\r\n"
        f"ADR:;;1 Rue;Paris;;;France{end}END:VCARD\r\n"
    )
    (tmp_path / "a.vcf").write_bytes(raw.encode())
    done = run("convert", tmp_path / "a.vcf")
    assert "points to another country" in done.out.decode()


@pytest.mark.parametrize(
    "stamp", [b"20150312\rTEL;CELL:0912345678", b"20150312\rEND:VCARD", b"2015\0ORG:x"]
)
def test_a_stamp_with_more_behind_it_is_not_overwritten(
    tmp_path: Path, state_dir: Path, stamp: bytes
) -> None:
    raw = b"BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:01681234567\nREV:%b\nEND:VCARD\n" % stamp
    (tmp_path / "a.vcf").write_bytes(raw)
    done = run("convert", tmp_path / "a.vcf", "--write")
    assert done.code == 4
    assert "cannot be written: its REV goes on behind a line break that is none" in done.err
    assert (tmp_path / "a.vcf").read_bytes() == raw


@pytest.mark.parametrize(
    "stamp",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "00010101T000000+0100",
        "2015-03-12 s\u1eeda",
    ],
)
def test_a_stamp_out_of_the_calendar_stops_nothing(
    tmp_path: Path, state_dir: Path, stamp: str
) -> None:
    raw = (
        f"BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:0838123456\nTEL:01681234567\nREV:{stamp}\nEND:VCARD\n"
    )
    (tmp_path / "a.vcf").write_bytes(raw.encode())
    assert run("report", tmp_path / "a.vcf").code == 0
    log = tmp_path / "log.jsonl"
    for _ in range(2):
        assert (
            run("convert", tmp_path / "a.vcf", "--write", "--forget-answers", "--log", log).code
            == 0
        )
        assert run("undo", log).code == 0
        assert (tmp_path / "a.vcf").read_bytes() == raw.encode()
        log.unlink()
