"""What people are shown of a log: in the terminal, as a page, as a spreadsheet and back."""

import csv as std_csv
import io
import json
import re

import pytest

from danhba.card import AddPhone, DropPhone, Question, Reading, SetLabel, SetNumber, Why
from danhba.difflog import (
    AnswerLine,
    CardLine,
    EndLine,
    IntentLine,
    OutcomeLine,
    Run,
    SkipLine,
)
from danhba.display import Column, Display, Table, line, text_of
from danhba.errors import UsageError
from danhba.render import card_lines, csv, html, read_answers, summary, what_of
from danhba.render_rows import counted_by_place, counted_by_rule, difference, gather, visible

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil.example","x")',
    "\x1b]0;title\x07\x1b[31mred\x1b[0m",
    "[red]Lê Văn Ví Dụ[/red]",
    "Phạm\u202egnus\u2028next",
    "a;=1+1",
    "@SUM(A1)",
    "\t=1+1",
    "＝1+1",
    "Z̸̢̛̖͇a̶͝lgo 李小龍",
    "x\r\ny\x00z\x9b31m",
    "nul\x7f",
]
WHY = (Why("one-reading", {"old": "168", "new": "38", "name": "Viettel"}),)
CHANGE = SetNumber("0", "0168 555 0123", "038 555 0123", "vn-2018-0168", "renumber", WHY)
QUESTION = Question(
    "1",
    "08 3855 0123",
    (
        Reading("028 3855 0123", "+842838550123",
                "fixed, TP. Hồ Chí Minh (old form, until 2017-07-17)", "vn-2017-08"),
        Reading("08 3855 0123", "+84838550123", "mobile, VinaPhone (valid today)"),
    ),
    (Why("points-to-fixed", {"name": "TP. Hồ Chí Minh", "today": "VinaPhone"}),),
    "+84838550123|type-place",
)  # fmt: skip
END = EndLine(
    {"cards_read": 3, "cards_changed": 1, "cards_asked": 1, "cards_unchanged": 0,
     "cards_skipped": 1, "numbers_read": 2, "numbers_convert": 1, "numbers_keep": 0,
     "numbers_ask": 1, "numbers_ambiguous": 0},
    (("convert", "one-reading", "vn-2018-0168", "Viettel", "mobile", 1),
     ("ask", "points-to-fixed", "vn-2017-08", "VinaPhone", "mobile", 1)),
    {"NOTE": 4},
)  # fmt: skip


def run(section="convert"):
    return Run("20261122-1", section, "2026-11-22T10:15:00+00:00", "/books/x.vcf", country="VN")


def card(ref="x.vcf#1", name="Nguyễn Văn Ví Dụ", changes=(CHANGE,), questions=(QUESTION,)):
    return CardLine(ref, name, "v1", "", changes, questions)


def log(*more, cards=None):
    return [run(), *(cards or [card()]), SkipLine("x.vcf#@9", "no END"), END, *more]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(parts, file):
    Display(file).show(parts)
    return file.getvalue()


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture(params=["terminal", "file"])
def file(request, monkeypatch):
    for name, value in {"COLUMNS": "120", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal() if request.param == "terminal" else io.StringIO()


def blocks(page):
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(block) for block in found]


def rows(page, name):
    return [row for block in blocks(page) for row in block.get(name, [])]


def table(text):
    assert text.startswith("\ufeff")
    text = text[1:]
    delimiter = ";" if text.startswith("ref;") else ","
    return list(std_csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


# --- rows -----------------------------------------------------------------------------------------


def test_difference_marks_only_the_changed_digits():
    pairs = list(difference("0168 555 0123", "038 555 0123"))
    assert pairs == [("0", "0"), ("16", "3"), ("8 555 0123", "8 555 0123")]


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("", "1"), ("1", ""), ("08 3855 0123; 0168 555 0123", "028 3855 0123; 038 555 0123"),
     ("aaaa", "aaa"), ("0168 555 0123", "0168 555 0123")],
)  # fmt: skip
def test_difference_gives_both_texts_back(before, after):
    pairs = list(difference(before, after))
    assert "".join(a for a, _ in pairs) == before
    assert "".join(b for _, b in pairs) == after


@pytest.mark.parametrize("name", HOSTILE)
def test_visible_text_has_no_sign_that_hides_or_commands(name):
    assert visible(name).isprintable()


def test_visible_text_keeps_names_as_they_are():
    for name in ("Nguyễn Thị Ví Dụ", "李小龍", "👩\u200d💻", "e\u0301"):
        assert visible(name) == name


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ([], "proposed"),
        ([run("apply"), IntentLine("x.vcf#1", "s")], "sent"),
        ([run("apply"), IntentLine("x.vcf#1", "s"), OutcomeLine("x.vcf#1", "written")], "written"),
        ([run("apply"), OutcomeLine("x.vcf#1", "stale")], "stale"),
        ([IntentLine("*", ""), OutcomeLine("*", "written")], "written"),
        ([IntentLine("*", ""), OutcomeLine("x.vcf#1", "failed"), OutcomeLine("*", "written")],
         "failed"),
        ([run("apply"), OutcomeLine("x.vcf#1", "written"), run("undo"),
          OutcomeLine("x.vcf#1", "written")], "undone"),
        ([run("apply"), OutcomeLine("x.vcf#1", "written"), run("undo"),
          OutcomeLine("x.vcf#1", "kept", "", "was touched")], "written"),
        ([run("apply"), OutcomeLine("x.vcf#1", "stale"), run("replan"), card()], "proposed"),
    ],
)  # fmt: skip
def test_status_is_what_became_of_the_card(more, status):
    assert gather(log(*more)).cards["x.vcf#1"].status == status


def test_an_answered_question_is_written_only_after_its_answer():
    answer = AnswerLine("x.vcf#1", "1", QUESTION.key, "+842838550123")
    written = OutcomeLine("x.vcf#1", "written")
    for more, status in (
        ([], "open"),
        ([written], "open"),
        ([written, answer], "answered"),
        ([answer, written], "written"),
        ([AnswerLine("x.vcf#1", "1", QUESTION.key, "keep"), written], "keep"),
        ([answer, AnswerLine("x.vcf#1", "1", QUESTION.key, "")], "open"),
    ):
        assert gather(log(run("apply"), *more)).cards["x.vcf#1"].status_of(QUESTION) == status


# --- terminal -------------------------------------------------------------------------------------


def test_card_lines_show_change_and_question(file):
    text = plain(shown(card_lines(card(), "en"), file))
    assert text.splitlines()[:3] == [
        "Nguyễn Văn Ví Dụ",
        "  - 0168 555 0123",
        "  + 038 555 0123  [vn-2018-0168]",
    ]
    assert "    1  028 3855 0123  fixed line, TP. Hồ Chí Minh" in text
    assert "    2  08 3855 0123  mobile, VinaPhone (valid today)" in text


def test_only_changed_digits_are_highlighted():
    _, old, new, *_ = card_lines(card(), "en")
    marked = [[piece.text for piece in side if "reverse" in piece.style] for side in (old, new)]
    assert marked == [["16"], ["3"]]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_text(name, file):
    change = SetNumber("0", f"0168 {name}", f"038 {name}", name, "renumber", (Why(name),))
    question = Question("1", name, (Reading(name, "+841", name, name), Reading(name, "+842", name)))
    text = shown(card_lines(card(name, name, (change,), (question,)), "vi"), file)
    assert set(re.findall(r"\x1b(.)", text)) <= {"["}
    assert all(line.isprintable() for line in plain(text).split("\n"))
    assert visible(name).strip()[:20] in plain(text)


def test_a_card_without_name_is_shown_by_its_ref():
    assert text_of(card_lines(card(name=" "), "en")[0]) == "x.vcf#1"


def test_other_changes_are_shown_too(file):
    changes = (
        SetLabel("0", ("voice",), ("cell",), "label"),
        SetLabel("0", (), ("cell",), "label", (), "038 555 0123"),
        AddPhone("0", "038 555 0123", ("cell",), "split"),
        DropPhone("0", "038 555 0123", "fold", (), ("home", "fax")),
    )
    text = plain(shown(card_lines(card(changes=changes, questions=()), "en"), file))
    assert text.splitlines()[1:] == [
        "  - voice",
        "  + cell  [label]",
        "  - 038 555 0123",
        "  + 038 555 0123 [cell]  [label]",
        "  + 038 555 0123 [cell]  [split]",
        "  - 038 555 0123 [home, fax]  [fold]",
    ]


@pytest.mark.parametrize("language", ["en", "vi"])
def test_summary_has_every_table(language, file):
    text = plain(shown(summary(END, language), file))
    for word in ("vn-2018-0168", "Viettel", "NOTE"):
        assert word in text
    heading = {"en": "Seen and left alone", "vi": "Có thấy nhưng không động đến"}[language]
    assert heading in text


def test_numbers_that_are_none_belong_to_no_place():
    end = EndLine(
        {"numbers_read": 2},
        (("keep", "no-such-line", "vn-2017-04", "Hanoi", "unreadable", 1),
         ("keep", "current", "", "Hanoi", "fixed", 1)),
    )  # fmt: skip
    assert counted_by_place(end, "en") == [("Hanoi", "fixed", "keep", 1)]


def test_markup_in_the_rows_of_a_summary_is_text(file):
    end = EndLine({"numbers_read": 1}, (("keep", "current", "", "[red]x\x1b[0m", "mobile", 1),))
    assert "[red]x<U+001B>[0m" in plain(shown(summary(end, "en"), file))


def test_a_file_gets_one_line_a_row_however_long():
    reason = "a reason that is longer than any terminal is wide " * 4
    table = Table(
        [Column("reason", widest=20), Column("count", right=True)],
        [[line(reason), line("7")], [line("李小龍"), line("1,234")], [line("e\u0301"), line("5")]],
        frozenset({0}),
    )
    head, ruler, long, gap, wide, narrow = shown([table], io.StringIO()).strip("\n").split("\n")
    assert head.split() == ["reason", "count"]
    assert set(ruler.strip()) == {"─"}
    assert long.split() == [*reason.split(), "7"]
    assert gap == ""
    assert (wide.split(), narrow.split()) == (["李小龍", "1,234"], ["e\u0301", "5"])
    assert len(wide) == len(head) - 3  # three characters that take two cells each
    assert len(narrow) == len(head) + 1  # one that takes none


def test_colours_are_for_terminals_and_for_those_who_force_them(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    parts = [line("x", "red")]
    assert "\x1b[31m" in shown(parts, Terminal())
    assert shown(parts, io.StringIO()) == "x\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31m" in shown(parts, io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(parts, Terminal()) == "x\n"


# --- page -----------------------------------------------------------------------------------------


def page(lines, language="en"):
    return "".join(html(lines, language))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_cannot_leave_its_place_in_the_page(name):
    change = SetNumber("0", f"0168 {name}", f"038 {name}", name, "renumber", (Why(name),))
    source = Run("1", "convert", "2026-11-22T10:15:00+00:00", name)
    end = EndLine({"cards_read": 1}, (("convert", name, name, name, name, 1),), {name: 1})
    text = page([source, card(name, name, (change,)), SkipLine(name, name), end])
    harmless = page(log())
    assert text.count("<script") == len(blocks(text)) + 1
    assert text.count("<style") == harmless.count("<style") == 1
    assert "<img" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)
    assert rows(text, "changes")[0][0] == visible(name.strip())


def test_page_loads_nothing_and_allows_only_its_own_script():
    text = page(log())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\bsrc=|<link|@import|url\(|style=|innerHTML", text)


def test_page_has_the_rows_with_reason_rule_and_status():
    text = page(log(run("apply"), OutcomeLine("x.vcf#1", "written")))
    name, ref, pieces, rule, why, status, _ = rows(text, "changes")[0]
    assert (name, ref, rule, status) == ("Nguyễn Văn Ví Dụ", "x.vcf#1", "vn-2018-0168", "written")
    assert pieces == ["0", ["16", "3"], "8 555 0123"]
    texts = rows(text, "texts")
    assert texts[why[0]] == "Can only be an old number: 168 became 38 (Viettel)."
    assert rows(text, "skipped") == [["x.vcf#@9", "no END"]]
    assert rows(text, "questions")[0][6] == "open"


def test_each_reason_stands_in_the_page_once():
    text = page(log(cards=[card(f"x.vcf#{i}") for i in range(2000)]))
    assert text.count("168 became 38") == 1
    assert len(rows(text, "changes")) == 2000


def test_page_is_in_the_language_asked_for():
    text = page(log(), "vi")
    assert '<html lang="vi">' in text
    assert "Báo cáo chuyển đổi số điện thoại" in text


def test_page_says_that_a_log_has_no_end():
    assert "This log has no end" in page([run(), card()])
    assert "This log has no end" not in page(log())


def test_page_of_an_empty_log_is_a_page():
    assert page([]).endswith("</html>\n")


# --- spreadsheet ----------------------------------------------------------------------------------


def sheet(lines, language="en", what="questions"):
    return "".join(csv(lines, language, what))


KNOWN = {("x.vcf#1", "1", QUESTION.key): QUESTION}


@pytest.mark.parametrize("what", ["changes", "questions"])
@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_can_act_as_a_formula(name, what):
    question = Question(name, name, QUESTION.readings, (Why(name),), name)
    change = SetNumber(name, name, name + "x", name, "renumber", (Why(name),))
    for language in ("en", "vi"):
        for row in table(sheet([run(), card(name, name, (change,), (question,))], language, what)):
            for cell in row.values():
                assert not re.match(r"\s*[=+@\t\r\n＝-]", cell)
                assert not re.search(r"[,;|\"]\s*[=@]", cell)


def test_numbers_are_not_taken_for_numbers_by_a_spreadsheet():
    row = table(sheet(log(), what="changes"))[0]
    assert (row["before"], row["after"]) == ("'0168 555 0123", "'038 555 0123")


def test_what_a_file_holds_is_in_its_name():
    assert what_of("some/dir/Questions-2026.csv") == "questions"
    assert what_of("questions/changes.csv") == "changes"
    for name in ("cau-hoi.csv", "Câu hỏi.csv", "CAU_HOI.csv"):
        assert what_of(name) == "questions"


def with_tabs(text):
    out = io.StringIO()
    std_csv.writer(out, delimiter="\t").writerows(std_csv.reader(io.StringIO(text, newline="")))
    return out.getvalue()


def answered(answer, language="en"):
    mark = ";" if language == "vi" else ","
    head, row, *_ = sheet(log(), language).split("\r\n")
    return f"{head}\r\n{row.removesuffix(mark)}{mark}{answer}\r\n"


@pytest.mark.parametrize(
    ("said", "answer"),
    [("1", "+842838550123"), ("2", "keep"), ("keep", "keep"), ("KEEP ", "keep"),
     ("028 3855 0123", "+842838550123"), ("'028 3855 0123", "+842838550123"),
     ("08 3855 0123", "keep")],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "vi"])
def test_answers_come_back(said, answer, language):
    text = answered(said, language)
    assert read_answers(text, KNOWN) == [AnswerLine("x.vcf#1", "1", QUESTION.key, answer)]


def test_an_empty_answer_is_none():
    assert read_answers(sheet(log()), KNOWN) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.removeprefix("\ufeff"),
        lambda text: text.replace("\r\n", "\n"),
        lambda text: text.replace("'", ""),
        lambda text: text + "\r\n,,,,,,,,\r\n",
        lambda text: with_tabs(text),
    ],
    ids=["no BOM", "LF", "no apostrophes", "blank rows", "tabs"],
)
def test_answers_survive_what_spreadsheets_do_to_a_file(change):
    assert len(read_answers(change(answered("1")), KNOWN)) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_survive_the_round_trip(name):
    readings = tuple(Reading(r.after + name, r.e164, r.meaning, r.rule) for r in QUESTION.readings)
    question = Question(name, f"08 3855 0123{name}", readings, (), f"k{name}")
    text = sheet([run(), card(name, name, (), (question,))]).rstrip("\r\n") + "1\r\n"
    found = read_answers(text, {(name, name, question.key): question})
    assert found == [AnswerLine(name, name, question.key, "+842838550123")]


@pytest.mark.parametrize("value", ["0838550123", "+84838550123"])
def test_a_spreadsheet_may_drop_what_stands_before_the_digits(value):
    readings = (QUESTION.readings[0], Reading(value, "+84838550123", "mobile"))
    question = Question("1", value, readings, (), "k")
    text = sheet([run(), card("x", "x", (), (question,))]).rstrip("\r\n") + "1\r\n"
    spoilt = text.replace(f"'{value}", value.lstrip("+0"))
    assert spoilt != text
    assert len(read_answers(spoilt, {("x", "1", "k"): question})) == 1


def test_a_row_that_nobody_answered_may_be_altered():
    lines = answered("").splitlines()
    lines[1] = lines[1].replace("028 3855 0123", "1E+10").replace("x.vcf#1", "?")
    assert read_answers("\r\n".join([*lines, "a,,"]), KNOWN) == []


def test_an_answer_given_before_is_in_the_file():
    text = sheet(log(AnswerLine("x.vcf#1", "1", QUESTION.key, "+842838550123")))
    assert [row["answer"] for row in table(text)] == ["1"]


def test_all_faults_are_reported_with_their_lines():
    good = answered("1").splitlines()
    lines = [
        good[0],
        good[1].replace("'028 3855 0123", "'028 3855 9999"),
        good[1].replace("x.vcf#1", "x.vcf#2"),
        good[1].removesuffix("1") + "maybe",
        "a,b",
        good[1],
        good[1].removesuffix("1") + "keep",
    ]
    with pytest.raises(UsageError) as caught:
        read_answers("\r\n".join(lines), KNOWN)
    assert str(caught.value).split("\n") == [
        "line 2: reading_1 was altered; only the column answer may be",
        "line 3: no such question in this log (ref, phone and key must stay)",
        "line 4: the answer 'maybe' is not keep, 1, 2 or a reading",
        "line 5: 2 cells instead of 9",
        "line 7: contradicts the answer in line 6 to the same question",
    ]


@pytest.mark.parametrize("text", ["", "ref,answer\r\n", "\x00", 'ref,"phone'])
def test_a_file_of_another_kind_is_refused(text):
    with pytest.raises(UsageError):
        read_answers(text, KNOWN)


def test_two_rows_for_one_question_are_one():
    twin = card(questions=(QUESTION, QUESTION))
    assert len(table(sheet(log(cards=[twin])))) == 1


# --- names in both languages ----------------------------------------------------------------------

NAMED = EndLine(
    {"numbers_read": 3},
    (("ask", "points-to-fixed", "vn-2017-08", "VinaPhone", "mobile", 1),
     ("convert", "one-reading", "vn-2017-04", "Hanoi", "fixed", 2)),
    names={"Hanoi": "Hà Nội", "Ho Chi Minh City": "TP. Hồ Chí Minh"},
    rules={"vn-2017-04": "Hanoi", "vn-2017-08": "Ho Chi Minh City"},
)  # fmt: skip


def test_rules_are_named_where_their_numbers_are_only_asked_about():
    rows = [(rule, name) for rule, name, _, _ in counted_by_rule(NAMED, "en")]
    assert rows == [("vn-2017-04", "Hanoi"), ("vn-2017-08", "Ho Chi Minh City")]


def test_places_are_named_in_the_readers_language():
    assert [row[0] for row in counted_by_place(NAMED, "en")] == ["Hanoi", "VinaPhone"]
    assert [row[0] for row in counted_by_place(NAMED, "vi")] == ["Hà Nội", "VinaPhone"]
    for language, name in (("en", "Ho Chi Minh City"), ("vi", "TP. Hồ Chí Minh")):
        assert name in "".join(html([run(), NAMED], language))
