"""Renumberings that are to come or under way, in a country that does not exist."""

from datetime import date
from pathlib import Path

import pytest
from tests.command import Done, run

from danhba import config, packs
from danhba.card import AddPhone, Card, Phone, SetNumber
from danhba.changes import phones_after
from danhba.convert import Context, convert
from danhba.dual import phase
from danhba.steps.pipeline import load
from danhba_syncers.vcard_files import VcardFiles

PACK = Path(__file__).parents[1] / "packs" / "invented.toml"
HOME = packs.load(str(PACK))
BEFORE, FIRST, LAST, AFTER = map(
    date.fromisoformat, ("2030-02-28", "2030-03-01", "2030-04-30", "2030-05-01")
)


def context(today: date, policy: str = "replace", *steps: str) -> Context:
    return Context(HOME, today=today, policy=policy, steps=load(steps))


def card(*values: str, labels: tuple[str, ...] = ("cell",)) -> Card:
    return Card("r", b"", tuple(Phone(str(i), value, labels) for i, value in enumerate(values)))


def again(of: Card, known: Context) -> Card:
    """Convert a card, and make sure that doing so once more, on any machine, does nothing."""
    phones = phones_after(of.phones, convert(of, known).changes)
    after = Card("r", b"", phones)
    for policy in ("replace", "add", "wait"):
        if policy == known.policy or known.today >= AFTER:
            other = Context(HOME, today=known.today, policy=policy, steps=known.steps)
            assert convert(after, other).changes == ()
    return after


def lines(of: Card) -> list[str]:
    return [f"{phone.value} {' '.join(phone.labels)}".strip() for phone in of.phones]


def verdict(value: str, today: date, policy: str = "replace") -> tuple[str, str]:
    (judged,) = convert(card(value), context(today, policy)).judged
    return judged.verdict, judged.code


# -- the days --------------------------------------------------------------------------------------


def test_phases_follow_the_days_of_a_rule():
    mobile, fixed = HOME.rules[0], HOME.rules[-1]
    days = (BEFORE, FIRST, LAST, AFTER)
    assert [phase(mobile, day) for day in days] == ["before", "dual", "dual", "after"]
    flag_day = date(2030, 6, 1)
    assert [phase(fixed, day) for day in (LAST, flag_day)] == ["before", "after"]


@pytest.mark.parametrize("value", ["079 123 4567", "+94 76 123 4567", "077 123 4567"])
@pytest.mark.parametrize("policy", ["replace", "add", "wait"])
def test_nothing_changes_before_the_first_day(value, policy):
    assert verdict(value, BEFORE, policy) == ("keep", "not-yet")


def test_a_number_that_changes_on_one_day_does_so_then():
    assert verdict("019 345678", date(2030, 5, 31)) == ("keep", "not-yet")
    assert verdict("019 345678", date(2030, 6, 1)) == ("convert", "one-reading")


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_replace_writes_the_new_number_while_both_connect(day):
    assert lines(again(card("079 123 4567"), context(day))) == ["070 123 4567 cell"]


def test_a_number_that_phonenumbers_knows_is_not_ambiguous_for_that():
    assert verdict("076 123 4567", FIRST) == ("convert", "under-way")
    assert verdict("076 123 4567", AFTER) == ("convert", "withdrawn")
    assert verdict("077 123 4567", FIRST) == ("keep", "also-valid-today")  # others use it too


@pytest.mark.parametrize(("day", "expected"), [(FIRST, "079"), (LAST, "079"), (AFTER, "070")])
def test_wait_waits_until_the_old_number_is_cut_off(day, expected):
    after = again(card("079 123 4567"), context(day, "wait"))
    assert lines(after) == [f"{expected} 123 4567 cell"]


# -- add -------------------------------------------------------------------------------------------


def test_add_keeps_the_old_number_beside_the_new_one():
    of = card("+94 79 123 4567", "011 234 5678", labels=("work", "pref"))
    changes = convert(of, context(FIRST, "add")).changes
    assert [(type(c), c.phone, c.step) for c in changes] == [
        (SetNumber, "0", "renumber"),
        (AddPhone, "0", "renumber"),
    ]
    assert changes[1].why[0].code == "beside"
    assert lines(again(of, context(FIRST, "add"))) == [
        "+94 70 123 4567 work pref",
        "+94 79 123 4567 work x-old",
        "011 234 5678 work pref",
    ]


def test_add_keeps_only_the_old_numbers_of_a_field():
    of = card("079 123 4567 ext 12 / 076 765 4321 / 071 234 5678", labels=())
    assert lines(again(of, context(FIRST, "add"))) == [
        "070 123 4567 ext 12 / 072 765 4321 / 071 234 5678",
        "079 123 4567 ext 12 x-old",
        "076 765 4321 x-old",
    ]


def test_add_leaves_an_old_number_alone_that_has_its_new_form_beside_it():
    of = card("070 123 4567", "079 123 4567")
    assert [j.code for j in convert(of, context(FIRST, "add")).judged] == ["current", "kept-beside"]
    assert convert(of, context(FIRST, "add")).changes == ()
    (change,) = convert(of, context(FIRST, "replace")).changes
    assert change.after == "070 123 4567"


@pytest.mark.parametrize("policy", ["replace", "add", "wait"])
@pytest.mark.parametrize("day", [FIRST, AFTER])
def test_an_old_number_that_was_added_stays_until_it_is_retired(day, policy):
    added = again(card("079 123 4567"), context(FIRST, "add"))
    assert convert(added, context(day, policy)).changes == ()


@pytest.mark.parametrize("step", ["retire", "merge-twins"])
def test_an_old_number_that_was_added_can_be_retired_once_it_is_cut_off(step):
    added = again(card("079 123 4567"), context(FIRST, "add"))
    assert convert(added, context(LAST, "add", step)).changes == ()
    assert lines(again(added, context(AFTER, "replace", step))) == ["070 123 4567 cell"]


def test_steps_work_on_the_new_number_and_leave_the_old_one():
    known = context(FIRST, "add", "label-kind", "normalise=e164", "merge-twins", "retire")
    assert lines(again(card("079 123 4567", labels=()), known)) == [
        "+94701234567 cell",
        "079 123 4567 x-old",
    ]


# -- the whole way ---------------------------------------------------------------------------------

BOOK = """BEGIN:VCARD\r
VERSION:3.0\r
UID:1\r
FN:An\r
item1.TEL;type=CELL;type=pref:079 123 4567\r
item1.X-ABLabel:Zalo\r
TEL;TYPE=WORK:011 234 5678\r
END:VCARD\r
"""


@pytest.fixture
def book(tmp_path: Path, state_dir: Path) -> Path:
    del state_dir
    (tmp_path / "book.vcf").write_bytes(BOOK.encode())
    return tmp_path / "book.vcf"


def conversion(book: Path, today: date, *more: str) -> Done:
    log = book.with_name("log.jsonl")
    log.unlink(missing_ok=True)
    given = ("--pack", PACK, "--country", "XI", "--today", today, "--log", log)
    return run("convert", book, *map(str, given), *more)


def test_a_book_goes_through_dual_running_and_back(book: Path) -> None:
    assert conversion(book, BEFORE, "--policy", "add", "--check").code == 0
    assert conversion(book, FIRST, "--policy", "wait", "--check").code == 0
    assert conversion(book, FIRST, "--policy", "add", "--write").code == 0
    both = BOOK.replace(
        "pref:079 123 4567", "pref:070 123 4567\r\nTEL;type=CELL;type=x-old:079 123 4567"
    )
    assert book.read_bytes().decode() == both
    for policy in ("add", "replace", "wait"):
        assert conversion(book, LAST, "--policy", policy, "--check").code == 0
    assert conversion(book, AFTER, "--step", "retire", "--write").code == 0
    assert book.read_bytes().decode() == BOOK.replace("079", "070")
    assert conversion(book, AFTER, "--step", "retire", "--check").code == 0


@pytest.mark.parametrize("touch", ["", "FN:An"])
def test_an_added_number_is_taken_back_by_undo(book: Path, touch: str) -> None:
    conversion(book, FIRST, "--policy", "add", "--write")
    book.write_bytes(book.read_bytes().replace(touch.encode(), touch.replace("n", "nh").encode()))
    done = run("undo", book.with_name("log.jsonl"))
    assert done.code == 0, done.err
    assert book.read_bytes().decode() == BOOK.replace(touch, touch.replace("n", "nh"))
    assert conversion(book, FIRST, "--policy", "add", "--check").code == 0


def test_the_policy_is_in_the_log_and_on_the_page(book: Path) -> None:
    conversion(book, FIRST, "--policy", "add")
    log, page = book.with_name("log.jsonl"), book.with_name("page.html")
    assert b'"policy":"add"' in log.read_bytes().splitlines()[0]
    assert run("log", log, "--html", page).code == 0
    text = page.read_text("utf-8")
    assert "add the new number" in text
    assert "079 123 4567 [cell, pref, x-old]" not in text
    assert "079 123 4567 [cell, x-old]" in text


def test_a_source_that_takes_no_further_phone_is_refused(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnlyNumbers(VcardFiles):
        supports = frozenset({SetNumber})

    monkeypatch.setattr(config, "open_named", lambda location: (OnlyNumbers(location), location))
    done = conversion(book, FIRST, "--policy", "add")
    assert done.code == 2
    assert "use --policy replace or wait" in done.err
