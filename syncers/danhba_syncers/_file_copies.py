"""vCard files written anew with the edits made: in place, or as a copy somewhere else."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from danhba.card import Edit, Outcome, Status
from danhba.errors import SyncerError, UsageError
from danhba_syncers._file_cards import VcardFile, card_of, file_of
from danhba_syncers._folder import with_links
from danhba_syncers._replace import ChangedMeanwhileError, fingerprint, replacing, staging
from danhba_syncers._split import BLOCK

_json = msgspec.json.Encoder()
_outcome = msgspec.json.Decoder(Outcome)


def by_file(edits: Iterable[Edit], late: list[Edit]) -> Iterator[tuple[VcardFile, Iterator[Edit]]]:
    """Group edits by file, in the order of the file; those that come too late are put aside."""
    waiting = iter(edits)
    ahead = next(waiting, None)
    done: set[Path] = set()

    def run(file: VcardFile) -> Iterator[Edit]:
        nonlocal ahead
        offset = -1
        while ahead is not None and file_of(ahead).path == file.path:
            edit = ahead
            if card_of(edit).offset > offset:
                offset = card_of(edit).offset
                yield edit
            else:
                late.append(edit)
            ahead = next(waiting, None)

    while ahead is not None:
        file = file_of(ahead)
        if file.path in done:
            late.append(ahead)
            ahead = next(waiting, None)
            continue
        done.add(file.path)
        yield file, run(file)


def rewrite(file: VcardFile, edits: Iterator[Edit]) -> Iterator[Outcome]:
    """Replace one file; a file that somebody else changed makes every edit a conflict."""
    under_way = ""

    def watched() -> Iterator[Edit]:
        nonlocal under_way
        for edit in edits:
            under_way = edit.card.ref
            yield edit

    with tempfile.SpooledTemporaryFile(max_size=BLOCK) as later:
        problem: Outcome | None = None
        try:
            with replacing(file.path, file.expected) as out:
                for outcome in _copy(file, out, watched()):
                    later.write(_json.encode(outcome) + b"\n")
                    under_way = ""
            file.expected = fingerprint(file.path)
        except ChangedMeanwhileError as error:
            problem = Outcome("", "conflict", "", str(error))
        except SyncerError as error:
            status: Status = "failed" if file.path.exists() else "conflict"
            problem = Outcome("", status, "", str(error))
        later.seek(0)
        for line in later:
            outcome = _outcome.decode(line)
            yield msgspec.structs.replace(problem, ref=outcome.ref) if problem else outcome
    if problem:
        if under_way:
            yield msgspec.structs.replace(problem, ref=under_way)
        for edit in edits:
            yield msgspec.structs.replace(problem, ref=edit.card.ref)


def copied(file: VcardFile, out: IO[bytes], edits: Iterable[Edit]) -> Iterator[Outcome]:
    """Copy a file that nobody may change meanwhile."""
    file.expected = fingerprint(file.path)
    yield from _copy(file, out, edits)
    must_be_as_it_was(file)


def must_be_as_it_was(file: VcardFile) -> None:
    """Make sure that a copy is one of a single state of the file.

    Raises:
        SyncerError: Somebody has written it since it was opened.
    """
    if file.has_changed():
        raise SyncerError(f"{file.path}: changed while it was read; run the same command again")


def _copy(file: VcardFile, out: IO[bytes], edits: Iterable[Edit]) -> Iterator[Outcome]:
    """Copy a file and put the edited cards in; an edit whose card is not there is a conflict."""
    with file.path.open("rb", buffering=BLOCK) as stream:
        position = 0
        for edit in edits:
            card = card_of(edit)
            position = _copy_up_to(card.offset, position, stream, out)
            found = stream.read(len(card.raw))
            position += len(found)
            if found == card.raw:
                out.write(edit.raw)
                yield Outcome(card.ref, "written", edit.sha256)
            else:
                out.write(found)
                yield Outcome(card.ref, "conflict", "", f"{file.path}: the card has moved")
        shutil.copyfileobj(stream, out, BLOCK)


def _copy_up_to(offset: int, position: int, stream: BinaryIO, out: IO[bytes]) -> int:
    while position < offset:
        block = stream.read(min(BLOCK, offset - position))
        if not block:
            break
        out.write(block)
        position += len(block)
    return position


def refuse_itself(source: Path, target: Path) -> None:
    """Refuse a target that is the source, or nothing that a file may take the place of."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise UsageError(f"{target}: is not a file; give the name of one, or - for standard output")
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target}: is the source itself; use --write to change it in place")


def copy_folder(
    files: list[VcardFile], target: Path | None, edits: Iterable[Edit], root: Path
) -> Iterator[Outcome]:
    """Copy every vCard file of a folder below a new folder, with the edits made."""
    if target is None:
        raise UsageError("a folder cannot be written to standard output; give -o a folder")
    late: list[Edit] = []
    grouped = by_file(edits, late)
    file, group = next(grouped, (None, iter(())))
    with staging(target) as stage:
        for each in files:
            if not each.path.is_file():  # a pipe, a link that leads nowhere: named when it was read
                continue
            name = each.path.relative_to(root)
            refuse_itself(each.path, target / name)
            mine = group if file is not None and file.path == each.path else iter(())
            with stage.file(name) as out:
                yield from copied(each, out, mine)
            if file is not None and file.path == each.path:
                file, group = next(grouped, (None, iter(())))
        for link, same in with_links(root):
            if same is not None:
                stage.link(link.relative_to(root), same.relative_to(root))
        late.extend(group)  # of a file that came after the files were listed
        for _, group in grouped:
            late.extend(group)
    for edit in late:
        yield Outcome(edit.card.ref, "failed", "", "was not there when the copy began")


@contextmanager
def standard_output() -> Iterator[IO[bytes]]:
    """Hold back what is written, so that standard output gets all of it, or nothing on an error."""
    with tempfile.SpooledTemporaryFile(BLOCK) as out:
        yield out
        out.seek(0)
        shutil.copyfileobj(out, sys.stdout.buffer, BLOCK)
        sys.stdout.buffer.flush()
