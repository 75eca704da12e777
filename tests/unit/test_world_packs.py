"""The packs of the world: each rule against phonenumbers, each valid number against the rules."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import resources

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, format_number
from tests.sample_numbers import old_number, valid_numbers

from danhba import packs
from danhba.card import Card, Phone
from danhba.cli.look import describe
from danhba.convert import Context, convert
from danhba.field import read_numbers
from danhba.judge import Judge
from danhba.number import Number, converted
from danhba.packs import Pack, Packs, Rule
from danhba.rewriting import e164

TODAY = date(2026, 11, 22)
WORLD = tuple(name for name in packs.builtin() if name != "vn")
PACKS = tuple(packs.load(name) for name in WORLD)
JUDGE = Judge()

# Whose old numbers phonenumbers still accepts although they are switched off; the rules say so.
WITHDRAWN = {"ga", "kr"}


@cache
def at_home(name: str) -> Context:
    return Context(packs.load(name), today=TODAY)


def read(value: str, context: Context) -> Number:
    [number] = read_numbers(value, context)
    return number


def samples(pack: Pack) -> Iterator[tuple[Rule, str]]:
    """Give an old number of each old prefix of a pack, where its new number exists."""
    chance = random.Random(pack.id)
    for rule in pack.rules:
        for _ in range(3):
            nsn = old_number(rule, chance)
            if new_kind(pack, rule, nsn) in (rule.kind, "fixed-or-mobile"):
                yield rule, nsn
                break


def new_kind(pack: Pack, rule: Rule, nsn: str) -> str | None:
    return JUDGE.kind(pack.country_code, rule.renumber(nsn), 17)


def national_forms(pack: Pack, rule: Rule, nsn: str) -> Iterator[str]:
    """Write an old number as it was dialled in its country."""
    if not rule.old_country_code:
        raw = nsn[0] == "0" == pack.trunk_prefix  # only ever dialled from abroad, or as it stands
        trunks = rule.old_trunks or (("",) if raw else (pack.trunk_prefix,))
        yield from (trunk + nsn for trunk in trunks)


def international_forms(pack: Pack, rule: Rule, nsn: str) -> Iterator[str]:
    code = rule.old_country_code or pack.country_code
    yield f"+{code} {nsn[:2]} {nsn[2:]}"
    yield f"00{code}{nsn}"


def outcome(value: str, context: Context) -> tuple[str, set[str]]:
    """Return the verdict on an old number, and what it may have become."""
    number = read(value, context)
    judged = number.judged
    if judged.rule is None or number.dialled is None:
        return judged.verdict, set()
    rules = (judged.rule, *judged.others)
    return judged.verdict, {e164(number.dialled, rule) for rule in rules}


def expected(pack: Pack, rule: Rule, nsn: str) -> tuple[str, str]:
    return "ask" if rule.ask else "convert", f"+{pack.country_code}{rule.renumber(nsn)}"


def after(value: str, context: Context) -> str:
    return converted(value, read_numbers(value, context))


# --- what is there --------------------------------------------------------------------------------


def test_there_are_packs_for_75_countries():
    assert len(WORLD) == 75
    converting = [pack for pack in PACKS if not all(rule.ask for rule in pack.rules)]
    assert len(converting) == 55


def test_a_pack_is_named_by_its_country_and_its_rules_by_the_pack():
    for name, pack in zip(WORLD, PACKS, strict=True):
        assert (pack.id, pack.country) == (name, name.upper())
        assert all(rule.id.startswith(f"{name}-") for rule in pack.rules)
        assert {name.upper(), pack.name} <= set(pack.country_names)


def test_list_of_country_codes_names_every_pack_that_speaks_of_one():
    found: dict[str, set[str]] = {}
    for name, pack in zip(packs.builtin(), (packs.load(n) for n in packs.builtin()), strict=True):
        for code in {
            pack.country_code,
            *(r.old_country_code or pack.country_code for r in pack.rules),
        }:
            found.setdefault(code, set()).add(name)
    text = (resources.files("danhba") / "packs" / "codes.json").read_text("utf-8")
    assert {code: set(names) for code, names in json.loads(text).items()} == found


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_header_agrees_with_phonenumbers(pack):
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(pack.country)
    assert pack.country_code == str(metadata.country_code)
    possible = {*metadata.fixed_line.possible_length, *metadata.mobile.possible_length}
    assert set(pack.nsn_lengths) <= possible
    trunk = metadata.national_prefix or ""
    assert pack.trunk_prefix == {"BY": "80", "CO": "", "GA": "0"}.get(pack.country, trunk)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_a_rule_that_is_not_sure_only_asks(pack):
    for rule in pack.rules:
        assert rule.ask or rule.confidence == "high", rule.id


def test_only_the_rules_on_the_list_ask():
    listed = (resources.files("tests") / "unit" / "asking_rules.txt").read_text("utf-8")
    lines = [line for line in listed.splitlines() if not line.startswith("#")]
    found = {f"{rule.id} {rule.ask}" for pack in PACKS for rule in pack.rules if rule.ask}
    assert sorted(found) == lines


def test_only_gabon_and_korea_convert_what_phonenumbers_accepts():
    withdrawn = {pack.id for pack in PACKS for rule in pack.rules if rule.withdrawn}
    assert withdrawn == WITHDRAWN


# --- each rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_an_old_number_becomes_a_valid_one_of_its_kind_wherever_it_is_written(pack):
    tried = Counter()
    for rule, nsn in samples(pack):
        verdict, new = expected(pack, rule, nsn)
        for context in (at_home("vn"), at_home(pack.id)):
            for value in international_forms(pack, rule, nsn):
                found = outcome(value, context)
                assert found[0] == verdict, (rule.id, value)
                assert new in found[1], (rule.id, value)
        for value in national_forms(pack, rule, nsn):
            found = outcome(value, at_home(pack.id))
            assert found[0] == verdict, (rule.id, value)
            assert new in found[1], (rule.id, value)
        tried[rule.id] += 1
    assert set(tried) == {rule.id for rule in pack.rules}


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_what_is_written_is_the_new_number_and_stays_as_it_is(pack):
    for rule, nsn in samples(pack):
        verdict, new = expected(pack, rule, nsn)
        forms = (*international_forms(pack, rule, nsn), *national_forms(pack, rule, nsn))
        for value in forms if verdict == "convert" else ():
            written = after(value, at_home(pack.id))
            abroad = value.startswith(f"00{rule.old_country_code or pack.country_code}")
            number = phonenumbers.parse("+" + written[2:] if abroad else written, pack.country)
            assert format_number(number, PhoneNumberFormat.E164) == new, (rule.id, value, written)
            again = read(written, at_home(pack.id)).judged
            assert (again.verdict, again.ambiguous) == ("keep", False), (rule.id, value, written)
            if value[0] == "+":
                assert after(value, at_home("vn")) == written
                assert read(written, at_home("vn")).judged.verdict == "keep"


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_an_old_number_has_one_rule_unless_all_of_them_ask(pack):
    for rule, nsn in samples(pack):
        code = rule.old_country_code or pack.country_code
        fitting = at_home("vn").packs[code].rules_for(nsn)
        assert rule.id in {one.id for one in fitting}
        assert len(fitting) == 1 or all(one.ask for one in fitting)


def spelled(digits: str, chance: random.Random) -> str:
    """Put separators and brackets at random."""
    apart = "".join(chance.choice(["", "", " ", "-", "."]) + digit for digit in digits).strip(" .-")
    places = [at for at, char in enumerate(apart) if char.isdigit()]
    begin = chance.choice(places[:3])
    end = chance.choice([at for at in places[:-1] if at >= begin]) + 1
    return f"{apart[:begin]}({apart[begin:end]}){apart[end:]}"


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_however_oddly_it_is_spelled_what_is_written_reads_as_the_new_number(pack):
    chance = random.Random(pack.id)
    for rule, nsn in samples(pack):
        plain = next(international_forms(pack, rule, nsn)).replace(" ", "")[1:]
        forms = ["+" + spelled(plain, chance)]
        forms += [spelled(digits, chance) for digits in national_forms(pack, rule, nsn)]
        for value in forms:
            numbers = read_numbers(value, at_home(pack.id))
            if len(numbers) == 1 and numbers[0].judged.verdict == "convert":
                written = after(value, at_home(pack.id))
                again = read(written, at_home(pack.id))
                found = f"+{again.dialled.country_code}{again.dialled.nsn}"
                assert found == expected(pack, rule, nsn)[1], (rule.id, value, written)
                assert again.judged.verdict == "keep", (rule.id, value, written)
                assert written.count("(") == written.count(")"), (rule.id, value, written)
                assert "()" not in written, (rule.id, value, written)


# --- each number that is valid today --------------------------------------------------------------


def is_kept_or_asked(value: str, context: Context, name: str) -> bool:
    judged = read_numbers(value, context)[0].judged
    if judged.verdict == "convert":
        return name in WITHDRAWN and judged.rule is not None and bool(judged.rule.withdrawn)
    return judged.verdict == "keep" or bool(judged.rule and judged.rule.ask)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_no_valid_number_is_changed_without_being_asked_about(region):
    for number in (*examples(region), *valid_numbers(region, 25)):
        for form in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL):
            value = format_number(number, form)
            assert is_kept_or_asked(value, at_home("vn"), region.lower()), value


def examples(region: str) -> Iterator[phonenumbers.PhoneNumber]:
    for kind in phonenumbers.PhoneNumberType.values():
        if found := phonenumbers.example_number_for_type(region, kind):
            yield found


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_no_valid_number_is_changed_in_its_own_country(pack):
    context = at_home(pack.id)
    for number in (*examples(pack.country), *valid_numbers(pack.country, 40)):
        national = format_number(number, PhoneNumberFormat.NATIONAL)
        plain = format_number(number, PhoneNumberFormat.E164)
        forms = (national, plain, "00" + plain[1:], plain[1:])
        for value in forms:
            if pack.id == "ga" and value is national:
                continue  # 0 and seven digits: in Gabon only the old form
            assert is_kept_or_asked(value, context, pack.id), value


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_most_valid_numbers_are_known_as_what_they_are(pack):
    """Fixed lines and mobiles in national form: those that no rule asks about."""
    context, found = at_home(pack.id), Counter()
    for number in valid_numbers(pack.country, 40):
        kind = phonenumbers.number_type(number)
        if kind in (0, 1, 2):
            value = format_number(number, PhoneNumberFormat.NATIONAL)
            found[read_numbers(value, context)[0].judged.code] += 1
    known = found["current"] + found["withdrawn"] + sum(found[code] for code in DOUBTS)
    assert known > 0.8 * found.total(), found


DOUBTS = ("unconfirmed", "reassigned", "still-in-use", "host-country", "two-targets", "one-reading")


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_the_quick_way_judges_as_the_full_one(pack):
    context = at_home(pack.id)
    values = [value for rule, nsn in samples(pack) for value in national_forms(pack, rule, nsn)]
    for value in values[:200]:
        nsn = value.removeprefix("0")
        quick = context.plain(nsn) if value[0] == "0" and nsn[:1] != "0" and len(nsn) > 8 else None
        full = read(value, context)
        if quick is not None:
            assert (quick.verdict, quick.code) == (full.judged.verdict, full.judged.code), value


# --- what is special ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("home", "old", "new"),
    [
        ("vn", "+250 08 30 12 34", "+250 788 30 12 34"),  # the 0 was part of the number
        ("rw", "08 30 12 34", "0788 30 12 34"),
        ("vn", "+356 09 23 45 67", "+356 99 23 45 67"),
        ("vn", "+241 06 12 34 56", "+241 66 12 34 56"),
        ("ga", "06 12 34 56", "066 12 34 56"),
        ("ga", "+241 06 12 34 56", "+241 66 12 34 56"),
        ("ga", "01 72 34 56", "011 72 34 56"),
        ("vn", "+240 091 234", "+240 333 091 234"),
        ("vn", "+225 07 12 34 56", "+225 07 07 12 34 56"),
        ("ci", "00 12 34 56", "01 00 12 34 56"),  # not a number abroad: too short for one
        ("vn", "+7 095 123-45-67", "+7 495 123-45-67"),
        ("ru", "8 (095) 123-45-67", "8 (495) 123-45-67"),
        ("ru", "8 (327) 212-34-56", "8 (727) 212-34-56"),  # Almaty: +7 is one plan
        ("vn", "+82 11-234-5678", "+82 10-5234-5678"),
        ("kr", "011-234-5678", "010-5234-5678"),
        ("vn", "+66 (0)1 234 5678", "+66 (0)81 234 5678"),
        ("vn", "+55 11 8123-4567", "+55 11 98123-4567"),
        ("br", "(11) 8123-4567", "(11) 98123-4567"),
        ("br", "0 15 11 8123-4567", "0 15 11 98123-4567"),  # behind the carrier's code
        ("br", "(21) 9654-3210", "(21) 99654-3210"),  # no lost 0, though NANP has such numbers
        ("gr", "01 321 4567", "210 321 4567"),  # the trunk 0 went with it
        ("ge", "8 77 12 34 56", "0 577 12 34 56"),
        ("pe", "01 912 345 678", "912 345 678"),
        ("pe", "(01) 912-345-678", "912-345-678"),
        ("pe", "(0)1 912 345 678", "912 345 678"),
        ("pe", "Tel: 0-1-912 345 678", "Tel: 912 345 678"),
        ("vn", "+51 (0)1 912 345 678", "+51 912 345 678"),
        ("vn", "+995 (8) 77 12 34 56", "+995 577 12 34 56"),
        ("vn", "+30 (0)1 321 4567", "+30 210 321 4567"),
        ("gr", "0 31 123456", "2310 123456"),
        ("vn", "+52 1 55 1234 5678", "+52 55 1234 5678"),
        ("vn", "+52 1 (55) 1234 5678", "+52 (55) 1234 5678"),
        ("vn", "+5215512345678", "+525512345678"),
        ("bj", "97 12 34 56", "01 97 12 34 56"),
        ("bj", "97123456", "0197123456"),
        ("gh", "(021) 123456", "(0302) 123456"),
        ("vn", "+386 (0)49 123 456", "+383 (0)49 123 456"),
        ("uy", "06212345", "46212345"),
        ("co", "(1) 234 5678", "(601) 234 5678"),
        ("co", "09 1 234 5678", "601 234 5678"),
        ("co", "0(91) 234 5678", "(601) 234 5678"),
        ("cl", "02 234 5678", "22 234 5678"),
        ("eg", "010 1234567", "0100 1234567"),
        ("vn", "+386 49 123 456", "+383 49 123 456"),  # a code of its own
        ("vn", "+599 542 5555", "+1 721 542 5555"),
        ("vn", "00599 542 5555", "001 721 542 5555"),
        ("vn", "+51 19 1234 5678", "+51 9 1234 5678"),
    ],
)
def test_special_cases(home, old, new):
    assert after(old, at_home(home)) == new
    assert read(old, at_home(home)).judged.verdict == "convert"


@pytest.mark.parametrize(
    ("old", "rule", "readings"),
    [
        ("+377 44 123 456", "xk-001", ["+38344123456", "+37744123456"]),
        ("+381 28 123 456", "xk-003", ["+38328123456", "+38128123456"]),
        ("+381 81 623 456", "me-001", ["+38220623456", "+38181623456"]),
        ("+381 69 123 456", "me-009", ["+38269123456", "+38169123456"]),
        ("+212 42 34 56 78", "ma-003", ["+212522345678", "+212642345678", "+21242345678"]),
        ("+20 150 123 4567", "eg-004", ["+201201234567", "+201501234567"]),
        ("+55 11 7812-3456", "br-009", ["+5511978123456", "+551178123456"]),
    ],
)
def test_what_is_not_sure_is_asked_about_with_every_reading(old, rule, readings):
    described = describe(old, at_home("vn"))
    assert described["verdict"] == "ask"
    assert read(old, at_home("vn")).judged.rule.id == rule
    assert [reading["e164"] for reading in described["readings"]] == readings


def test_the_answer_of_a_person_chooses_between_two_targets():
    card = Card("ref", b"", (Phone("0", "+212 42 34 56 78"),))
    [question] = convert(card, at_home("vn")).questions
    assert [reading.rule for reading in question.readings] == ["ma-003", "ma-003m", ""]
    for reading in question.readings[:2]:
        answers = {("ref", question.key): reading.e164}
        [change] = convert(card, Context(packs.load("vn"), today=TODAY, answers=answers)).changes
        assert (change.after, change.rule) == (reading.after, reading.rule)
    answers = {("ref", question.key): "keep"}
    kept = convert(card, Context(packs.load("vn"), today=TODAY, answers=answers))
    assert (kept.changes, kept.questions) == ((), ())


@pytest.mark.parametrize(
    ("phone", "verdict", "code"),
    [
        (Phone("0", "+226 50 30 12 34"), "ask", "reassigned"),
        (Phone("0", "+226 50 30 12 34", ("fax",)), "ask", "reassigned"),  # never unasked
        (Phone("0", "+226 50 30 12 34", label="WhatsApp"), "keep", "proved-mobile"),
        (Phone("0", "+20 150 123 4567", ("fax",)), "ask", "reassigned"),  # a mobile, then and now
        (Phone("0", "+226 50 30 12 34", locked="charset"), "keep", "charset"),
    ],
)
def test_evidence_may_spare_a_question_but_answers_none(phone, verdict, code):
    [judged] = convert(Card("ref", b"", (phone,)), at_home("vn")).judged
    assert (judged.verdict, judged.code) == (verdict, code)


@pytest.mark.parametrize("value", ["+61 412 345 678", "+66 81 234 5678", "+225 07 07 12 34 56"])
def test_what_no_rule_touches_is_a_number_of_another_country(value):
    described = describe(value, at_home("vn"))
    assert (described["verdict"], described["kind"]) == ("keep", "foreign")
    assert described["why"][0]["code"] == "foreign"


def test_a_number_with_a_code_is_read_by_its_own_pack_whatever_the_home_country_is():
    for home in ("vn", "th", "br", "gr"):
        assert after("+66 1 234 5678", at_home(home)) == "+66 81 234 5678"
        assert after("0084 168 123 4567", at_home(home)) == "0084 38 123 4567"
    assert after("01 234 5678", at_home("vn")) == "01 234 5678"


# --- how packs are found --------------------------------------------------------------------------


def test_a_pack_is_read_when_the_first_number_of_its_country_code_is_seen():
    def opened(*numbers: str) -> list[str]:
        code = (
            "import sys\n"
            "seen = []\n"
            "sys.addaudithook(lambda event, args: event == 'open' and seen.append(str(args[0])))\n"
            "from danhba.cli.commands import danhba\n"
            "danhba(['number', *sys.argv[1:]], standalone_mode=False)\n"
            "print(*sorted({one.rpartition('/')[2] for one in seen if one.endswith('.toml')}))\n"
        )
        words = [sys.executable, "-c", code, *numbers]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1].split()

    assert opened("0912345678", "+61 412 345 678") == ["vn.toml"]
    assert opened("+66 1 234 5678", "+381 28 123 456") == [
        "me.toml",
        "th.toml",
        "vn.toml",
        "xk.toml",
    ]


def test_a_pack_of_ones_own_takes_the_place_of_the_built_in_one(tmp_path):
    text = (resources.files("danhba") / "packs" / "th.toml").read_text("utf-8")
    mine = tmp_path / "th.toml"
    mine.write_text(text.replace('old = ["6", "9"]', 'old = "9"').replace('"[69]"', '"9"'))
    given = packs.load(str(mine))
    context = Context(packs.load("vn"), (given,), today=TODAY)
    assert read("+66 9 234 5678", context).judged.verdict == "convert"
    assert read("+66 6 234 5678", context).judged.verdict == "keep"
    assert context.packs.digests().keys() == {"vn", "th", "built-in"}


def test_packs_of_one_country_code_are_one():
    both = Packs(packs.load("ru"))["7"]
    assert (both.id, both.country) == ("ru", "RU")
    assert {rule.id[:2] for rule in both.rules} == {"ru", "kz"}
    assert {"Russia", "Kazakhstan"} <= set(both.country_names)


def test_packs_know_their_country_codes():
    known = Packs(packs.load("vn"))
    assert len(known) == len(set(known)) == len(json.loads(
        (resources.files("danhba") / "packs" / "codes.json").read_text("utf-8")
    ))  # fmt: skip
    assert "61" not in known
    assert known["377"].rule_for("44123456").id == "xk-001"
    with pytest.raises(KeyError):
        known["61"]
