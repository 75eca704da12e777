"""Deciding about plain cards in bulk comes to what converting them one by one does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from danhba import packs
from danhba.bulk import Lane
from danhba.context import Context
from danhba.difflog import MemoryLog
from danhba.job import Job
from danhba.plan import proposals
from danhba.tally import Tally
from danhba_syncers import _skim
from danhba_syncers._file_cards import VcardFile
from danhba_syncers._file_parts import LoadedPart
from danhba_syncers.vcard_files import VcardFiles

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
NUMBERS = st.sampled_from(
    [
        "01681234567", "0168 123 4567", "+841681234567", "+84 168 1234567", "+84 (0)168 123 4567",
        "0351 335 7245", "+84438458009", "0438458009", "04 3845 8009", "(08) 3812 3456",
        "0838123456", "08 3812 3456", "0913949004", "+84 913 949 004", "02838123456",
        "0383456789", "+1 202 555 0123", "00841681234567", "84 168 1234567", "168 1234567", "",
        "1900 1234", "0168 123  4567", "0168.123.4567.0", "01681234567;ext=12", "0168\\,1234567",
        "01681234567 / 0913949004", "khong", "0912 345 678 \u0142", "tel:+84-168-123-4567",
        "0280123456", "0381234567", "01234567890123", "0168 1234567 0168 1234567",
        "0168\t1234567", "0168\r1234567", "01681234567\r", "\x010168 123 4567", "0168 123 4567 ",
    ]
)  # fmt: skip
HEADS = st.sampled_from(
    [
        "TEL", "TEL;CELL", "TEL;TYPE=WORK,VOICE", "TEL;TYPE=FAX", "item1.TEL;type=pref", "tel",
        "TEL;ENCODING=QUOTED-PRINTABLE", "TEL;TYPE=\"work,voice\"", "TEL;X-LABEL=ban", "A.TEL",
        "TEL;TYPE=CELL;TYPE=pref", "TEL;waid=84381234567;type=CELL", "TEL;CHARSET=UTF-8;HOME",
    ]
)  # fmt: skip
OTHERS = st.sampled_from(
    [
        "FN:Nguyễn Văn An", "FN:A\\, B", "fn:nho", "item2.FN:C", "FN:", "REV:20150312T101500Z",
        "REV:2015-03-12", "rev:20150312", "REV:khong", "ADR;TYPE=WORK:;;1 Lê Lợi;Hà Nội;;;Việt Nam",
        "ADR:;;1 Rue;Paris;;;France", "item1.ADR:;;1 Rue;Paris;;;France", "ADR:;;x\\;y;;;;",
        "NOTE:gọi 0168 123 4567", "NOTE:Khách sạn HOTEL", "NOTE:dài\r\n  0912345678", "UID:một",
        "UID;VALUE=text:u-7", "item3.UID:u-8", "item1.X-ABLabel:máy bàn", "IMPP:zalo:0381234567",
        "REV:", "NOTE;ENCODING=QUOTED-PRINTABLE:x=\r\nREV:20200101 y", "NOTE:x=\r\nFN:D",
        "NOTE;QUOTED-PRINTABLE:x=\r\nADR:;;1 Rue;Paris;;;France", "ORG:Công ty TREVOR",
        "X-ABShowAs:COMPANY", "TITLE:TEL", "EMAIL:a@example.vn", "FN:A\tB", "FN:A\x01B", "FN:A\rB",
        "NOTE:\t0912345678", "NOTE:x\r0912345678", "NOTE:0912345678\r", "UID:u\t1", "UID:u\r1",
        "ADR:;;x\ty;Hà Nội;;;Việt Nam", "ADR:;;1 Rue;Paris;;;Fra\tnce", "REV:20150312T101500Z\t",
        "X-SIP:0912345678\x02", "note:0168 123 4567", "item4.NOTE:0168 123 4567", "Note:0912345678",
        "item5.impp:zalo:01681234567", "AGENT:0912345678", 'NOTE;X="a:0912345678":b',
        "NOTE;ENCODING=QUOTED-PRINTABLE:x=\r\r\nTEL:01681234567",
        "NOTE;ENCODING=QUOTED-PRINTABLE:x=\r\r\nREV:20150101",
        "NOTE;ENCODING=QUOTED-PRINTABLE:x=\r\nitem6.TEL:01681234567",
        "REV:2015-03-12 sửa", "REV:2015-03-12\xa0", "REV:0001-01-01T00:00:00+14:00",
        "REV:20150312T101500Z\rORG:x", "REV:20150312\x00ORG:x", "BEGIN:VCARD",
    ]
)  # fmt: skip

UIDS = st.sampled_from(["u-0", "u-1", "u-2", "u#2", "u", "u%2F3", "sha256:0", "u-0#2"])


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A card of up to three phones, with whatever else may be on one."""
    lines = [f"UID:{draw(UIDS)}"] if draw(st.booleans()) else []
    lines += ["FN:Trần Thị Bình"] if draw(st.integers(0, 9)) else []
    plain = draw(st.integers(0, 3))
    for _ in range(draw(st.integers(0, 3))):
        lines.append(f"{draw(HEADS) if not plain else 'TEL;TYPE=CELL'}:{draw(NUMBERS)}")
    lines += draw(st.lists(OTHERS, max_size=1 if plain else 3))
    lines = draw(st.permutations(lines)) if draw(st.integers(0, 9)) else []
    if not lines and draw(st.booleans()):
        return "BEGIN:VCARD\r\nEND:VCARD\r\n"
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])


def outcome(
    raw: bytes, size: int, context: Context, *, bulk: bool
) -> tuple[bytes, bytes, object, bytes]:
    """Return what is logged, the copy, what is counted, and the keys of the names."""
    job = Job(VcardFiles("book.vcf"), "book.vcf", context, None, NOW)
    stretches = _skim.stretches(raw, size)  # None where the book does not allow it
    part = LoadedPart(VcardFile("book.vcf", Path("book.vcf")), raw, stretches or [])
    log = MemoryLog()
    cards = part.in_bulk(Lane(context, job.tally, log), NOW) if bulk else part.read()
    edits = list(proposals(job, log, cards))
    copy = b"".join(part.copy(edits))
    job.tally.close()
    tally: Tally = job.tally
    keys = sorted(part.keys()[i : i + 8] for i in range(0, len(part.keys()), 8))
    return log.encoded(), copy, (tally.rows, tally.cards, tally.elsewhere), b"".join(keys)


def context_of(country: str) -> Context:
    """A context without memory."""
    return Context(packs.for_country(country), today=NOW.date())


CONTEXTS = {country: context_of(country) for country in ("VN", "CI", "AU")}


@given(
    st.lists(cards(), min_size=1, max_size=8), st.sampled_from(["\r\n", "\n"]),
    st.sampled_from([1, 200, 1 << 18]), st.sampled_from(sorted(CONTEXTS)),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_cards_in_bulk_come_to_what_they_do_one_by_one(
    book: list[str], end: str, size: int, country: str
) -> None:
    raw = "".join(book).replace("\r\n", end).encode()
    context = CONTEXTS[country]
    assert outcome(raw, size, context, bulk=True) == outcome(raw, size, context, bulk=False)


def test_plain_cards_are_decided_in_bulk() -> None:
    """Else the test above would hold without the lane deciding about any card."""
    raw = (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:An\r\nTEL:0168 123 4567\r\nEND:VCARD\r\n"
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:2\r\nFN:Ba\r\nTEL:0913949004\r\nEND:VCARD\r\n"
    )
    stretches = _skim.stretches(raw, 1 << 18)
    assert stretches
    part = LoadedPart(VcardFile("book.vcf", Path("book.vcf")), raw, stretches)
    log = MemoryLog()
    assert not list(part.in_bulk(Lane(context_of("VN"), Tally(), log), NOW))
    assert log.encoded().count(b"038 123 4567") == 1
