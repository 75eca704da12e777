"""The CSV syncer keeps every promise of a syncer, and every byte of other cells."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from danhba.card import Card, DropPhone, Edit, SetNumber
from danhba.errors import SyncerError, UsageError
from danhba.syncer import Fidelity
from danhba.testing import NOW, Sample, SyncerContract
from danhba_csv import CsvOptions, CsvSyncer, cells, columns


def row(sample: Sample, width: int, delimiter: str, end: str) -> str:
    text = io.StringIO()
    numbers = [*sample.numbers, *[""] * (width - len(sample.numbers))]
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerow([sample.name, *numbers])
    return text.getvalue()


class CsvContract(SyncerContract):
    head = "Họ tên,Điện thoại,Di động"
    bom = ""
    end = "\n"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @property
    def delimiter(self) -> str:
        return self.head[len("Họ tên")]

    def make(self, samples: Sequence[Sample]) -> CsvSyncer:
        path = self.folder / "people.csv"
        rows = (row(sample, 2, self.delimiter, self.end) for sample in samples)
        path.write_bytes((self.bom + self.head + self.end + "".join(rows)).encode())
        return CsvSyncer(str(path))

    def add(self, syncer: CsvSyncer, sample: Sample) -> None:
        with Path(syncer.source).open("ab") as file:
            file.write(row(sample, 2, self.delimiter, self.end).encode())

    def remove(self, syncer: CsvSyncer, ref: str) -> None:
        path = Path(syncer.source)
        (card,) = syncer.fetch([ref])
        assert isinstance(card, Card)
        path.write_bytes(path.read_bytes().replace(card.raw + self.end.encode(), b"", 1))

    def reopen(self, copy: Path) -> CsvSyncer:
        return CsvSyncer(str(copy))


class TestComma(CsvContract):
    pass


class TestSemicolonCrlfAndByteOrderMark(CsvContract):
    head = "Họ tên;Điện thoại;Di động"
    bom = "\ufeff"
    end = "\r\n"


class TestTab(CsvContract):
    head = "Họ tên\tĐiện thoại\tDi động"


class TestKeyColumn(SyncerContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self, samples: Sequence[Sample]) -> CsvSyncer:
        lines = ["UID,Name,Phone,Mobile\n"]
        for uid, sample in enumerate(samples):
            lines.append(f"{uid},{row(sample, 2, ',', chr(10))}")
        path = self.folder / "people.csv"
        path.write_text("".join(lines), encoding="utf-8", newline="")
        return CsvSyncer(str(path))


def source(folder: Path, content: bytes, **options: object) -> CsvSyncer:
    (path := folder / "x.csv").write_bytes(content)
    return CsvSyncer(str(path), CsvOptions(**options))


ODD = (
    b'\xef\xbb\xbf"Name" ; Phone;"Note"\r\n'
    b'"An";"0168 123 4567"; "a ""b" \r\n'
    b";;\n"
    b"\r\n"
    b'Binh; 0168 123 4568 ;"two\r\nlines; "";"\r\n'
    b'"Ba"x;"0168";a "quote" inside\n'
    b"short\n"
    b"An;0168 123 4567;x;y;z"
)


def test_only_the_named_cells_change(tmp_path: Path) -> None:
    syncer = source(tmp_path, ODD)
    cards = [card for card in syncer.read() if card.phones]
    assert [card.phones[0].value for card in cards] == [
        "0168 123 4567", " 0168 123 4568 ", "0168", "0168 123 4567",
    ]  # fmt: skip
    edits = []
    for card in cards:
        (phone,) = card.phones
        after = phone.value.replace("0168", "038")
        edits.append(Edit(card, syncer.patch(card, [SetNumber("1", phone.value, after)], NOW)))
    assert {outcome.status for outcome in syncer.write(edits)} == {"written"}
    assert (tmp_path / "x.csv").read_bytes() == ODD.replace(b"0168", b"038")


def test_a_dropped_phone_leaves_an_empty_cell(tmp_path: Path) -> None:
    syncer = source(tmp_path, b'Name,Phone\nAn,1\nBo,"2"\n')
    one, two = syncer.read()
    assert syncer.patch(one, [DropPhone("1", "1", "test")], NOW) == b"An,"
    assert syncer.patch(two, [DropPhone("1", "2", "test")], NOW) == b'Bo,""'


def test_a_value_that_needs_quotes_gets_them(tmp_path: Path) -> None:
    syncer = source(tmp_path, b"Name,Phone\nAn,1\n")
    (card,) = syncer.read()
    raw = syncer.patch(card, [SetNumber("1", "1", '2, "3"')], NOW)
    assert raw == b'An,"2, ""3"""'
    assert syncer.compare(b'"An",1', card.raw) is Fidelity.EQUAL


def test_cells_are_those_of_the_csv_module() -> None:
    for line in ("", ",", "a", '"a,b",c', '"a""b"c,', '"",""', 'a"b,"c"', '"""",x', ",,"):
        found = [
            cells.read(line.encode()[a:b], "utf-8") for a, b in cells.spans(line.encode(), b",")
        ]
        assert found == (next(csv.reader([line])) or [""])


def test_rows_may_run_over_lines() -> None:
    text = b'a,"b\n""c,\n\n",d\ne,f"\ng,"h"\n"i'
    raw = [row.raw for row in cells.rows(io.BytesIO(text), b",")]
    assert raw == [b'a,"b\n""c,\n\n",d', b'e,f"', b'g,"h"', b'"i']


@pytest.mark.parametrize(
    ("header", "name", "phones", "key"),
    [
        ("STT,Họ tên,Điện thoại,Di động,Ghi chú", 1, (2, 3), None),
        ("Mã KH,Tên khách hàng,SĐT,Fax", 1, (2, 3), 0),
        ("Ho va ten,So dien thoai,Email", 0, (1,), None),
        ("First Name,Phone 1 - Type,Phone 1 - Value", 0, (2,), None),
        ("Company,Telephone (home),Hotel,ID", None, (1,), 3),
    ],
)
def test_columns_are_guessed(
    header: str, name: int | None, phones: tuple[int, ...], key: int | None
) -> None:
    titles = header.split(",")
    assert columns.find(titles, "", (), "") == (tuple(titles), name, phones, key)


def test_columns_can_be_named(tmp_path: Path) -> None:
    content = "Khách|Liên hệ|Số\nAn|0168 123 4567|7\n".encode()
    syncer = source(tmp_path, content, name="Khách", phones=("Liên hệ",), key="Số")
    (card,) = syncer.read()
    assert (card.ref, card.details.name) == ("7", "An")
    assert card.phones[0].label == "Liên hệ"


def test_titles_give_labels(tmp_path: Path) -> None:
    (card,) = source(tmp_path, "Name,Di động,Fax công ty\nAn,1,2\n".encode()).read()
    assert [phone.labels for phone in card.phones] == [("cell",), ("fax", "work")]


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        (b"", {}, SyncerError, "is empty"),
        (b"\xff\xfeN\0", {}, SyncerError, "is UTF-16; save it as UTF-8"),
        (b"Name,Phone\rAn,1\r", {}, SyncerError, "CR alone; save it with LF"),
        (b"Name,Phone\n", {"encoding": "utf8x"}, UsageError, "unknown encoding: utf8x"),
        (b"Name,Mail\n", {}, UsageError, "no phone column in the header; .*: Name, Mail"),
        (b"Name,Phone\n", {"key": "Id"}, UsageError, "no column Id in the header: Name, Phone"),
        (b"Name,Phone\n", {"delimiter": "::"}, UsageError, "must be one ASCII character"),
        (b"T\xean,Phone\n", {}, UsageError, "x.csv: 'utf-8' codec"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes, options: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        list(source(tmp_path, content, **options).read())


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SyncerError, match=r"nowhere\.csv: cannot be read"):
        list(CsvSyncer("nowhere.csv").read())


def test_rows_in_trouble_do_not_stop_the_others(tmp_path: Path) -> None:
    content = b'Name,Phone\nB\xe9,1\nAn,2\n"Cut,3\n'
    troubles = [card.trouble for card in source(tmp_path, content).read()]
    assert troubles == ["not utf-8: unexpected end of data", "", troubles[2]]
    assert "never closed" in troubles[2]


def test_another_header_stops_the_run(tmp_path: Path) -> None:
    syncer = source(tmp_path, b"Name,Phone\nAn,1\n")
    list(syncer.read())
    (tmp_path / "x.csv").write_bytes(b"Phone,Name\n1,An\n")
    with pytest.raises(SyncerError, match="header has changed"):
        list(syncer.read())


@pytest.mark.skipif(os.name == "nt", reason="links and modes are those of POSIX")
def test_a_link_and_its_file_s_mode_stay(tmp_path: Path) -> None:
    syncer = source(tmp_path, b"Name,Phone\nAn,1\n")
    (tmp_path / "x.csv").chmod(0o640)
    (tmp_path / "link.csv").symlink_to(tmp_path / "x.csv")
    linked = CsvSyncer(str(tmp_path / "link.csv"))
    (card,) = linked.read()
    (outcome,) = linked.write([Edit(card, b"An,2")])
    assert outcome.status == "written"
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "x.csv").stat().st_mode & 0o777 == 0o640
    assert [card.raw for card in syncer.read()] == [b"An,2"]
