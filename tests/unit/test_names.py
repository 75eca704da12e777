"""What the cards of a file are called."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from danhba import packs
from danhba.context import Context
from danhba.difflog import LogWriter, read_log
from danhba.job import Job
from danhba.run import convert_in_place, read_story, undo
from danhba.state import State
from danhba_syncers._names import moved_to, name_of
from danhba_syncers.vcard_files import VcardFiles

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
ODD = ["q#2", "q", "q", "q%232", "q%25", "q#", "sha256:0", "sha256:", "", "", "%", "q#2"]


def book(uids: list[str], *, size: int = 0) -> bytes:
    cards = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\n"
        + (f"UID:{uid}\r\n" if uid else "")
        + f"FN:An {i // 2}\r\nTEL:0168 123 4{i:03}\r\nNOTE:{'x' * size}\r\nEND:VCARD\r\n"
        for i, uid in enumerate(uids)
    )
    return "".join(cards).encode()


def job_for(path: Path, place: Path) -> Job:
    context = Context(packs.load("vn"), today=NOW.date())
    return Job(VcardFiles(str(path)), str(path), context, State(place / "state"), NOW)


@pytest.mark.parametrize("size", [0, 500_000])  # the second is large enough to be read in parts
def test_no_two_cards_have_the_same_ref(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a#b%.vcf"
    path.write_bytes(book(ODD, size=size))
    refs = [card.ref for card in VcardFiles(str(path)).read()]
    assert len(set(refs)) == len(ODD)
    assert refs[1:4] == ["a%23b%25.vcf#q", "a%23b%25.vcf#q#2", "a%23b%25.vcf#q%25232"]
    fetched = list(VcardFiles(str(path)).fetch(refs))
    assert [card.ref for card in fetched] == refs


@pytest.mark.parametrize("size", [0, 500_000])
def test_cards_of_odd_names_are_written_once_and_come_back(tmp_path: Path, size: int) -> None:
    path = tmp_path / "book.vcf"
    path.write_bytes(before := book(ODD, size=size))
    with LogWriter(tmp_path / "log") as log:
        _, result = convert_in_place(job_for(path, tmp_path), log)
    assert (result.written, result.problems) == (len(ODD), {})
    assert path.read_bytes() == before.replace(b"0168 123", b"038 123")
    cards = [line for line in read_log(tmp_path / "log") if getattr(line, "ref_after", "")]
    assert len(cards) == ODD.count("")  # a card without UID is called otherwise once it is written
    with LogWriter(tmp_path / "log") as log:
        undone = undo(job_for(path, tmp_path), log, read_story(tmp_path / "log"))
    assert (undone.written, undone.problems) == (len(ODD), {})
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_no_two_files_of_a_folder_have_the_same_name(tmp_path: Path) -> None:
    for name in (
        b"b\xff.vcf",
        b"b\\xff.vcf",
        b"b%FF.vcf",
        b"b#.vcf",
        b"b%23.vcf",
        "b ạ.vcf".encode(),
    ):
        (tmp_path / os.fsdecode(name)).write_bytes(book(["q"]))
    refs = [card.ref for card in VcardFiles(str(tmp_path)).read()]
    assert len(set(refs)) == 6
    assert all(ref.isprintable() for ref in refs)


def test_a_uid_that_looks_like_a_digest_is_none() -> None:
    assert moved_to(f"x.vcf#{name_of('sha256:0', b'raw')}", b"new") == ""
    assert moved_to(f"x.vcf#{name_of('', b'raw')}#2", b"new").endswith("#2")
