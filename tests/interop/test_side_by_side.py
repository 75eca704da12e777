"""A large file worked on in parts comes out as the same file worked on card by card."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.command import run

from danhba import parallel
from danhba.difflog import CardLine, EndLine, read_log
from danhba.errors import SyncerError
from danhba.syncer import Part
from danhba_syncers.vcard_files import VcardFiles

CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nTEL:{number}\r\n"
    "NOTE:{note}\r\nEND:VCARD\r\n"
)
COUNT = 12_000
"""Cards; with notes of 400 octets they make five parts and more."""


def book(odd: dict[int, str] | None = None) -> bytes:
    cards = []
    for i in range(COUNT):
        number = f"0168 {i // 1000:03} {i % 1000:04}" if i % 3 else f"0912 {i:06}"
        card = CARD.format(uid=f"u{i}", name=f"Khách {i}", number=number, note="x" * 400)
        cards.append((odd or {}).get(i, card))
    return "".join(cards).encode()


def expected(raw: bytes) -> bytes:
    return raw.replace(b"TEL:0168 ", b"TEL:038 ")


def logged(log: Path) -> tuple[list[CardLine], EndLine]:
    lines = list(read_log(log))
    cards = [line for line in lines if isinstance(line, CardLine)]
    return cards, next(line for line in lines if isinstance(line, EndLine))


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {9000: CARD.format(uid="u5", name="Again", number="0168 123 4567", note="n")},
        {7000: CARD.format(uid="n", name="AGENT", number="0168 123 4567", note="AGENT")},
        {4000: "junk\r\n" + CARD.format(uid="j", name="J", number="0168 123 4567", note="n")},
    ],
    ids=["plain", "a UID of an earlier part", "a word that may mean nesting", "junk between"],
)
def test_a_large_copy_is_the_file_with_its_numbers_changed(
    odd: dict[int, str], tmp_path: Path, state_dir: Path
) -> None:
    source, target, log = tmp_path / "book.vcf", tmp_path / "out.vcf", tmp_path / "log.jsonl"
    source.write_bytes(book(odd))
    assert len(VcardFiles(str(source)).parts()) > 4
    done = run("convert", source, "-o", target, "--log", log)
    assert done.code == 0, done.err
    assert target.read_bytes() == expected(source.read_bytes())
    cards, end = logged(log)
    assert end.totals["cards_read"] == COUNT
    assert end.totals["cards_changed"] == len(cards)
    assert len({card.ref for card in cards}) == len(cards)
    assert run("undo", log).code == 0
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("way", ["-o", "--write"])
def test_a_large_file_of_one_part_is_changed_as_a_whole(
    way: str, tmp_path: Path, state_dir: Path
) -> None:
    """One card with a photo of 5 MB, in which no second part begins."""
    source, target = tmp_path / "book.vcf", tmp_path / "out.vcf"
    raw = CARD.format(uid="u", name="A", number="0168 123 4567", note="x" * (5 << 20)).encode()
    source.write_bytes(raw)
    done = run("convert", source, *([way, target] if way == "-o" else [way]))
    assert done.code == 0, done.err
    assert (target if way == "-o" else source).read_bytes() == expected(raw)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_large_file_is_copied_on_one_processor(tmp_path: Path, state_dir: Path) -> None:
    source, target, log = tmp_path / "book.vcf", tmp_path / "out.vcf", tmp_path / "log.jsonl"
    source.write_bytes(book())
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_of_them)})
    try:
        done = run("convert", source, "-o", target, "--log", log)
    finally:
        os.sched_setaffinity(0, all_of_them)
    assert done.code == 0, done.err
    assert target.read_bytes() == expected(book())
    assert run("undo", log).code == 0
    assert target.read_bytes() == book()


def test_a_large_file_is_changed_in_place_and_back(tmp_path: Path, state_dir: Path) -> None:
    source, log = tmp_path / "book.vcf", tmp_path / "log.jsonl"
    source.write_bytes(book())
    assert run("convert", source, "--write", "--log", log).code == 0
    assert source.read_bytes() == expected(book())
    assert run("undo", log).code == 0
    assert source.read_bytes() == book()


def copied(result: Sequence[bytes | memoryview] | None) -> list[bytes] | None:
    """Keep a result beyond the next one."""
    return None if result is None else list(map(bytes, result))


@pytest.mark.parametrize("size", [1, 70_000, 3 << 20, 4 << 20])
def test_results_come_in_the_order_of_the_parts(size: int) -> None:
    """Small ones and such as have no room in shared memory."""
    results = parallel.side_by_side(range(19), lambda part: [b"%02d" % part * size, b""], 2)
    found = map(copied, results)
    assert [piece and (piece[0][:2], len(piece[0]), piece[1]) for piece in found] == [
        (b"%02d" % part, 2 * size, b"") for part in range(19)
    ]


@pytest.mark.parametrize(("count", "last"), [(60, 30), (6, 5)])
def test_a_worker_that_dies_is_no_result(count: int, last: int) -> None:
    """Amid the parts, or over the last one."""

    def work(part: int) -> list[bytes]:
        if part == last:
            os._exit(9)
        return [b"done"]

    *done, lost = map(copied, parallel.side_by_side(range(count), work, 2))
    assert done == last * [[b"done"]]
    assert lost is None


def test_results_can_be_left_early() -> None:
    results = parallel.side_by_side(range(1000), lambda _: [b"x" * 1_000_000], 2)
    assert next(results) is not None
    results.close()


# -- what another program, or the system, may do meanwhile -----------------------------------------


def test_no_worker_left_is_told_as_a_failure() -> None:
    def work(part: int) -> list[bytes]:
        os._exit(9)

    results = parallel.side_by_side(range(1000), work, 2)
    time.sleep(0.2)
    assert list(results) == [None]


def test_a_copy_of_a_file_that_is_replaced_meanwhile_is_not_made(
    tmp_path: Path, state_dir: Path
) -> None:
    source, copy = tmp_path / "book.vcf", tmp_path / "copy.vcf"
    source.write_bytes(book())
    syncer = VcardFiles(str(source))
    parts = syncer.parts()
    assert len(parts) > 2

    def chunks() -> Iterator[bytes | Part]:
        yield from parts[:1]
        (tmp_path / "new.vcf").write_bytes(book())
        (tmp_path / "new.vcf").replace(source)
        yield from parts[1:]

    with pytest.raises(SyncerError, match="changed while it was read"):
        syncer.write_copy(copy, chunks())
    assert not copy.exists()


def test_a_card_too_large_to_read_is_skipped_in_parts_as_well(
    tmp_path: Path, state_dir: Path
) -> None:
    source, copy = tmp_path / "book.vcf", tmp_path / "copy.vcf"
    large = CARD.format(uid="large", name="L", number="0168 123 4567", note="x" * (70 << 20))
    source.write_bytes(book()[: 2 << 20].rpartition(b"BEGIN:VCARD")[0] + large.encode() + book())
    done = run("convert", source, "-o", copy)
    assert done.code == 4
    assert "larger than 64 MiB" in done.err
    assert large.encode()[-200:] in copy.read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_is_no_file_is_not_replaced(tmp_path: Path, state_dir: Path) -> None:
    source, target = tmp_path / "book.vcf", tmp_path / "fifo"
    source.write_bytes(book()[:2000])
    os.mkfifo(target)
    done = run("convert", source, "-o", target)
    assert done.code == 2
    assert "is not a file" in done.err
    assert target.is_fifo()
