"""What `danhba report` counts: every number once, before and after, over many sources."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.command import Done, run
from tests.labelled.verdicts import labelled, write

from danhba import packs
from danhba.convert import Context
from danhba.job import Job
from danhba.report import STATES, count, progress, state_of
from danhba.state import State
from danhba.verdict import Judged
from danhba_syncers.memory import MemorySyncer
from danhba_syncers.vcard_files import VcardFiles

TODAY = ("--today", "2026-11-22")
EXAMPLES = Path(__file__).parents[2] / "examples" / "khach-hang.vcf"


def card(*numbers: str, uid: str = "1") -> str:
    tels = "".join(f"TEL:{number}\r\n" for number in numbers)
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Mật\r\n{tels}END:VCARD\r\n"


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def book(self, name: str, *cards: str) -> Path:
        path = self.folder / name
        path.write_bytes("".join(cards).encode())
        return path

    def report(self, *words: object) -> dict[str, Any]:
        done = run("report", *map(str, words), "--json", *TODAY)
        found = json.loads(done.out)
        assert isinstance(found, dict)
        return found

    def kept(self, report: dict[str, Any]) -> Path:
        path = self.folder / "before.json"
        path.write_text(json.dumps(report))
        return path


@pytest.fixture
def place(tmp_path: Path, state_dir: Path) -> Place:
    del state_dir
    return Place(tmp_path)


def assert_adds_up(report: dict[str, Any]) -> None:
    """Check that every number counts once, in each source and over all of them."""
    for one in (*report["sources"], report):
        states = {state: number for state, number in one["numbers"].items() if state != "read"}
        assert sum(states.values()) == one["numbers"]["read"]
        assert set(states) <= set(STATES)
    for source in report["sources"]:
        lines = source.get("lines", [])
        assert sum(line["count"] for line in lines) == source["numbers"]["read"]
        cards = source["cards"]
        counted = ("changed", "asked", "unchanged", "skipped")
        assert cards["read"] == sum(cards[name] for name in counted)
    for sums in ("cards", "numbers"):
        for name, number in report[sums].items():
            assert number == sum(source[sums].get(name, 0) for source in report["sources"])


def summary(done: Done) -> dict[str, int]:
    (found,) = (line for line in map(json.loads, done.out.splitlines()) if "totals" in line)
    totals = found["totals"]
    assert isinstance(totals, dict)
    return totals


def test_sums_add_up_and_are_those_of_a_conversion(place: Place) -> None:
    book = write(labelled()[::3], place.folder)
    found = place.report(book, EXAMPLES)
    assert_adds_up(found)
    for path, source in zip((book, EXAMPLES), found["sources"], strict=True):
        totals = summary(run("convert", path, "--json", *TODAY))
        numbers = source["numbers"]
        assert numbers["read"] == totals["numbers_read"]
        assert numbers["to-convert"] == totals["numbers_convert"]
        assert numbers["to-ask"] == totals["numbers_ask"]
        assert numbers["ambiguous"] == totals["numbers_ambiguous"]
        assert source["cards"]["changed"] == totals["cards_changed"]


def test_every_state_is_told_apart(place: Place) -> None:
    numbers = {
        "0168 123 4567": "to-convert", "08 3812 3456": "to-ask", "0838123456": "ambiguous",
        "024 3825 1234": "already-new", "0812 345 678": "already-new",
        "0912 345 678": "never-renumbered", "0210 3825 123": "never-renumbered",
        "1900 1234": "never-renumbered", "+44 20 7946 0000": "foreign", "113": "short",
        "04 0825 1234": "no-such-number", "anh@example.org": "unreadable",
    }  # fmt: skip
    for number, state in numbers.items():
        found = place.report(place.book("one.vcf", card(number)))
        assert found["numbers"] == {"read": 1, state: 1}, number


def test_what_danhba_wrote_counts_as_converted(place: Place) -> None:
    book = place.book("book.vcf", card("0168 123 4567", "024 3825 1234", "0912 345 678"))
    assert run("convert", book, "--write", *TODAY).code == 0
    found = place.report(book)["numbers"]
    assert found == {"read": 3, "converted": 1, "already-new": 1, "never-renumbered": 1}


def test_what_was_undone_is_left_to_do(place: Place) -> None:
    book = place.book("book.vcf", card("0168 123 4567", "024 3825 1234"))
    log = book.with_name("log.jsonl")
    assert run("convert", book, "--write", "--log", log, *TODAY).code == 0
    assert run("undo", log).code == 0
    found = place.report(book)["numbers"]
    assert found == {"read": 2, "undone": 1, "already-new": 1}
    assert progress(found) == (1, 2)


def test_a_decision_to_keep_is_counted_as_such() -> None:
    assert state_of(Judged("keep", "answered", "mobile")) == "decided"


@pytest.mark.parametrize("code", ["not-yet", "waits", "kept-beside"])
def test_an_old_number_that_waits_for_its_day_is_counted_as_such(code: str) -> None:
    judged = Judged("keep", code, "fixed", rule=packs.load("vn").rules[0])
    assert state_of(judged) == "waiting"


@pytest.mark.parametrize("code", ["charset", "pause"])
def test_an_old_number_that_cannot_be_written_is_left_to_do(code: str) -> None:
    rule = packs.load("vn").rules[0]
    judged = Judged("keep", code, "fixed", rule=rule)
    assert state_of(judged) == "not-writable"
    assert progress({"not-writable": 1, "already-new": 3}) == (3, 4)


def test_before_and_after_are_compared(place: Place) -> None:
    book = place.book("book.vcf", EXAMPLES.read_bytes().decode())
    before = place.report(book)
    assert run("convert", book, "--write", *TODAY).code == 0
    after = place.report(book, "--compare", place.kept(before))
    assert_adds_up(after)
    shifts = after["compared"]["numbers"]
    assert shifts["to-convert"] == {"before": 38, "after": 0, "difference": -38}
    assert shifts["read"]["difference"] == 0
    assert sum(shift["difference"] for shift in shifts.values()) == 0
    for shift in (*shifts.values(), *after["compared"]["cards"].values()):
        assert shift["after"] - shift["before"] == shift["difference"]
    rule = after["compared"]["rules"]["vn-2017-0511"]
    assert rule["to-convert"]["difference"] == -2
    assert sum(shift["difference"] for shift in rule.values()) == 0


def test_a_book_is_compared_with_its_converted_copy(place: Place) -> None:
    book, copy = place.book("book.vcf", card("0168 123 4567")), place.folder / "copy.vcf"
    before = place.kept(place.report(book))
    assert run("convert", book, "-o", copy, *TODAY).code == 0
    compared = place.report(copy, "--compare", before)["compared"]
    assert compared["only_before"] == compared["only_after"] == []
    assert compared["numbers"]["to-convert"]["difference"] == -1


def test_sources_in_one_report_only_are_named_and_not_compared(place: Place) -> None:
    one, two = place.book("1.vcf", card("0168 123 4567")), place.book("2.vcf", card("113"))
    three = place.book("3.vcf", card("0912 345 678"))
    before = place.kept(place.report(one, two))
    compared = place.report(one, three, "--compare", before)["compared"]
    assert compared["only_before"] == [str(two)]
    assert compared["only_after"] == [str(three)]
    assert compared["numbers"]["read"] == {"before": 1, "after": 1, "difference": 0}


def test_a_compared_report_can_be_compared_with_again(place: Place) -> None:
    book = place.book("book.vcf", card("0168 123 4567"))
    first = place.kept(place.report(book))
    second = place.kept(place.report(book, "--compare", first))
    assert place.report(book, "--compare", second)["compared"]["numbers"]["read"]["before"] == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"type": "report", "schema": "x"}', "\x00"])
def test_what_is_no_report_is_refused_as_a_baseline(place: Place, content: str) -> None:
    path = place.book("other.json", content)
    done = run("report", EXAMPLES, "--compare", path)
    assert done.code == 2
    assert "is no report of danhba" in done.err


def test_a_report_of_a_later_version_is_refused(place: Place) -> None:
    path = place.kept({**place.report(EXAMPLES), "schema": 99})
    done = run("report", EXAMPLES, "--compare", path)
    assert (done.code, "update danhba" in done.err) == (2, True)


def test_a_source_that_fails_is_named_and_stops_no_other(place: Place) -> None:
    good, bad = place.book("good.vcf", card("113")), place.folder / "missing.vcf"
    done = run("report", bad, good, "--json", *TODAY)
    assert done.code == 4
    assert str(bad) in done.err
    found = json.loads(done.out)
    assert found["numbers"]["read"] == 1
    assert [bool(source.get("error")) for source in found["sources"]] == [True, False]
    alone = run("report", bad)
    assert (alone.code, alone.out) == (1, b"")


@pytest.mark.parametrize(
    "lead", ["carddav+http://me", "nobody-knows://me", "carddav+https://a.b%40c"]
)
def test_a_password_in_a_url_is_shown_nowhere(place: Place, lead: str) -> None:
    target = place.folder / "report.html"
    bad = f"{lead}:s3cr@t@127.0.0.1:9/x"
    done = run("report", bad, EXAMPLES, "--json", "--html", target)
    assert done.code == 4
    for text in (done.out.decode(), done.err, target.read_text("utf-8")):
        assert "s3cr" not in text


def test_a_card_that_cannot_be_read_is_named_and_counted(place: Place) -> None:
    place.book("good.vcf", card("113"))
    bad = place.book("bad.vcf", "")
    done = run("report", place.folder, "--json", *TODAY)
    assert done.code == 4
    assert bad.name in done.err
    assert json.loads(done.out)["cards"] == {
        "read": 2, "changed": 0, "asked": 0, "skipped": 1, "unchanged": 1,
    }  # fmt: skip


def test_a_source_that_is_named_twice_counts_once(place: Place) -> None:
    book = place.book("book.vcf", card("113"))
    assert place.report(book, book, place.folder / "." / "book.vcf")["numbers"]["read"] == 1


@contextmanager
def one_processor() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="works side by side on Linux")
def test_parts_counted_side_by_side_give_the_same_sums(place: Place) -> None:
    note = "X-PAD:" + "x" * 2000
    numbers = ("0168 123 4567", "0838123456")
    cards = [card(*numbers, uid=f"{i}").replace("END:", f"{note}\r\nEND:") for i in range(3000)]
    cards[2000] = cards[5]  # a UID again: that part cannot be counted by itself
    book = place.book("book.vcf", *cards)
    assert len(VcardFiles(str(book)).parts()) > 4
    found = place.report(book)
    with one_processor():
        assert place.report(book)["sources"] == found["sources"]
    assert found["numbers"] == {"read": 6000, "to-convert": 3000, "to-ask": 3000}


def test_any_syncer_can_be_counted(place: Place) -> None:
    syncer = MemorySyncer("book")
    syncer.put("a", b'{"name": "An", "phones": [{"value": "04 3825 1234", "labels": []}]}')
    syncer.put("b", b"junk")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    context = Context(packs.load("vn"), today=date(2026, 11, 22))
    skipped: list[str] = []
    job = Job(syncer, "memory:book", context, State(place.folder / "state"), now)
    found = count(job, lambda ref, _reason: skipped.append(ref))
    assert found.numbers == {"read": 1, "to-convert": 1}
    assert skipped == ["b"]


def test_nothing_is_written(place: Place, state_dir: Path) -> None:
    book = place.book("book.vcf", card("0168 123 4567"))
    raw = book.read_bytes()
    place.report(book)
    assert book.read_bytes() == raw
    assert not list(state_dir.glob("**/*.jsonl"))


# --- what people see ------------------------------------------------------------------------------


class Page(HTMLParser):
    """Looks for what a page must not have, and for tags that do not pair."""

    VOID = frozenset(("meta", "rect"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        for name, value in attrs:
            assert name not in ("src", "href", "style"), (tag, name, value)
            assert not name.startswith("on")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag == "rect":
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_page_stands_alone_and_is_escaped(
    place: Place, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("DANHBA_LANG", language)
    book = place.book("<img src=x onerror=alert(1)>&.vcf", EXAMPLES.read_bytes().decode())
    target = place.folder / "report.html"
    before = place.kept(place.report(book, EXAMPLES))
    words = (book, EXAMPLES, "--compare", before, "--html", target)
    assert run("report", *words, *TODAY).code == 0
    text = target.read_text("utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert "svg" in page.seen
    assert not {"script", "img", "link", "iframe"} & set(page.seen)
    assert not re.search(r"https?:|url\(|@import", text)
    assert "default-src 'none'" in text
    assert target.stat().st_mode & 0o777 == 0o600
    name = {"en": "Ho Chi Minh City", "vi": "TP. Hồ Chí Minh"}
    assert (name["en"] in page.texts, name["vi"] in page.texts) == (
        language == "en", language == "vi",
    )  # fmt: skip


def test_a_report_holds_no_numbers_or_names_of_people(place: Place) -> None:
    book = place.book("book.vcf", card("0168 123 4567", "0838123456"))
    target = place.folder / "report.html"
    out = run("report", book, "--json", "--html", target, *TODAY).out.decode()
    for secret in ("Mật", "1234567", "123 4567", "38123456"):
        assert secret not in out + target.read_text("utf-8")


def test_the_terminal_shows_the_same_sums_in_both_languages(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = place.book("book.vcf", card("0168 123 4567", "08 3812 3456", "024 3825 1234"))
    text = run("report", book, *TODAY).out.decode()
    for word in ("to convert", "Ho Chi Minh", "vn-2018-0168", "1 of 3 renumbered"):
        assert word in text
    monkeypatch.setenv("DANHBA_LANG", "vi")
    text = run("report", book, *TODAY).out.decode()
    for word in ("cần đổi", "Hà Nội", "1 trên 3 số"):
        assert word in text


def test_a_page_that_cannot_be_written_is_wrong_usage(place: Place) -> None:
    done = run("report", EXAMPLES, "--html", place.folder / "no" / "r.html")
    assert done.code == 2
    assert "cannot be written" in done.err
