"""A vCard file and a folder of them keep the promises of a syncer."""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from danhba.testing import Sample, SyncerContract
from danhba_syncers.vcard_files import VcardFiles

HEAD = "BEGIN:VCARD\r\nVERSION:3.0\r\n"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")


def vcard(sample: Sample, uid: str = "") -> bytes:
    named = f"UID:{uid}\r\n" if uid else ""
    numbers = "".join(f"TEL;TYPE=CELL:{escaped(number)}\r\n" for number in sample.numbers)
    return f"{HEAD}{named}FN:{escaped(sample.name)}\r\n{numbers}END:VCARD\r\n".encode()


class VcardContract(SyncerContract):
    """What the sources of files have in common."""

    with_uid = True

    @pytest.fixture(autouse=True)
    def _folder(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory() as folder:
            self.places = (Path(folder, str(number)) for number in count())
            self.uids = count(1)
            yield

    def uid(self) -> str:
        return f"uid-{next(self.uids)}" if self.with_uid else ""

    def place_of(self, syncer: VcardFiles, ref: str) -> tuple[Path, bytes]:
        """Return the file that holds a card, and the card's bytes."""
        (card,) = (card for card in syncer.read() if card.ref == ref)
        assert card.file
        return card.file.path, card.raw


class TestFile(VcardContract):
    def make(self, samples: Sequence[Sample]) -> VcardFiles:
        path = next(self.places).with_suffix(".vcf")
        path.write_bytes(b"".join(vcard(sample, self.uid()) for sample in samples))
        return VcardFiles(str(path))

    def add(self, syncer: VcardFiles, sample: Sample) -> None:
        path = Path(syncer.source)
        path.write_bytes(vcard(sample, self.uid()) + path.read_bytes())

    def remove(self, syncer: VcardFiles, ref: str) -> None:
        path, raw = self.place_of(syncer, ref)
        path.write_bytes(path.read_bytes().replace(raw, b"", 1))

    def reopen(self, copy: Path) -> VcardFiles:
        return VcardFiles(str(copy))


class TestFileWithoutUid(TestFile):
    """Cards are named by what they hold; twins are told apart by their order."""

    with_uid = False


class TestFolder(VcardContract):
    def make(self, samples: Sequence[Sample]) -> VcardFiles:
        folder = next(self.places)
        (folder / "sub").mkdir(parents=True)
        syncer = VcardFiles(str(folder))
        for sample in samples:
            self.add(syncer, sample)
        return syncer

    def add(self, syncer: VcardFiles, sample: Sample) -> None:
        folder, number = Path(syncer.source), next(self.uids)
        path = folder / ("sub" if number % 2 else "") / f"{number:02}.VCF"
        path.write_bytes(vcard(sample, f"uid-{number}" if self.with_uid else ""))

    def remove(self, syncer: VcardFiles, ref: str) -> None:
        self.place_of(syncer, ref)[0].unlink()

    def reopen(self, copy: Path) -> VcardFiles:
        return VcardFiles(str(copy))


class TestFolderWithoutUid(TestFolder):
    with_uid = False


class TestFolderOfOneFile(TestFolder):
    """A folder whose only file lies below it is copied like any other."""

    def make(self, samples: Sequence[Sample]) -> VcardFiles:
        folder = next(self.places)
        (folder / "deep" / "down").mkdir(parents=True)
        path = folder / "deep" / "down" / "all.vcf"
        path.write_bytes(b"".join(vcard(sample, self.uid()) for sample in samples))
        return VcardFiles(str(folder))

    def add(self, syncer: VcardFiles, sample: Sample) -> None:
        path = Path(syncer.source, "one-more.vcf")
        path.write_bytes(vcard(sample, self.uid()))

    def remove(self, syncer: VcardFiles, ref: str) -> None:
        path, raw = self.place_of(syncer, ref)
        path.write_bytes(path.read_bytes().replace(raw, b"", 1))

    def test_a_copy_has_the_shape_of_the_folder(self) -> None:
        syncer = self.make([Sample("An", ("0912 345 678",))])
        copy = next(self.places)
        assert list(syncer.copy_to(copy, iter(()))) == []
        assert [path.name for path in copy.rglob("*.vcf")] == ["all.vcf"]
        assert (copy / "deep" / "down" / "all.vcf").is_file()
