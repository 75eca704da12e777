"""The loader of numbering packs: what it reads, and the faults it names."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from danhba import packs
from danhba.convert import Context
from danhba.errors import PackError, UsageError
from danhba.field import read_numbers
from danhba.judge import Judge
from danhba.pack_patterns import fill

HEADER = """\
id = "test"
name = "Vietnam"
country = "VN"
country_code = "84"
trunk_prefix = "0"
international_prefixes = ["00"]
nsn_lengths = [9, 10]
block_digits = 4

[sources]
law = "A decision"
"""

RULE = """
[[rule]]
id = "{id}"
old = "{old}"
new = "{new}"
old_length = {old_length}
new_length = {new_length}
kind = "mobile"
name = "Viettel"
dual_start = 2018-09-15
dual_end = 2018-11-14
cutoff = 2018-11-15
source = "law"
"""

DEFAULTS = {"id": "a", "old": "168", "new": "38", "old_length": 10, "new_length": 9}


def rule(**values: object) -> str:
    return RULE.format(**DEFAULTS | values)


def load(tmp_path: Path, text: str | bytes) -> packs.Pack:
    path = tmp_path / "test.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return packs.load(str(path))


def faults(tmp_path: Path, text: str | bytes) -> list[str]:
    """Give the faults of a pack, without the name of its folder."""
    with pytest.raises(PackError) as raised:
        load(tmp_path, text)
    return [
        fault.replace(str(tmp_path / "test.toml"), "test.toml") for fault in raised.value.faults
    ]


def fault(tmp_path: Path, text: str | bytes) -> str:
    [only] = faults(tmp_path, text)
    return only


def line_of(text: str, needle: str, nth: int = 1) -> int:
    """Count the line on which `needle` stands for the nth time, from 1."""
    return [n for n, line in enumerate(text.split("\n"), 1) if needle in line][nth - 1]


def test_a_pack_file_gives_its_rules_with_their_lines(tmp_path):
    text = HEADER + rule()
    pack = load(tmp_path, text)
    [only] = pack.rules
    assert (only.id, only.old, only.new, only.line) == ("a", "168", "38", line_of(text, "[[rule]]"))
    assert only.cutoff == date(2018, 11, 15)
    assert only.announced is None
    assert pack.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert pack.path.endswith("test.toml")


def test_a_rule_takes_from_its_wave_what_it_does_not_say(tmp_path):
    wave = '\n[wave.one]\nkind = "mobile"\nold_length = 10\nnew_length = 9\ncutoff = 2018-11-15\n'
    text = HEADER + wave + 'source = "law"\nname = "Viettel"\n'
    text += '\n[[rule]]\nid = "a"\nwave = "one"\nold = "168"\nnew = "38"\n'
    text += '\n[[rule]]\nid = "b"\nwave = "one"\nold = "120"\nnew = "70"\nname = "MobiFone"\n'
    assert [found.name for found in load(tmp_path, text).rules] == ["Viettel", "MobiFone"]


def test_brackets_stand_for_any_of_their_digits(tmp_path):
    text = HEADER + rule().replace('old = "168"', 'old = ["16[2-36]", "168"]')
    pack = load(tmp_path, text)
    assert [one.old for one in pack.rules] == ["162", "163", "166", "168"]
    assert {one.id for one in pack.rules} == {"a"}
    assert pack.rule_for("1631234567").new == "38"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("2{:}", ("2168", 0, 3, 0)),
        ("{:2}9{2:}", ("1698", 2, 1, 0)),
        ("3{2:}", ("38", 0, 1, 0)),
        ("2{:}0", ("21680", 0, 0, 0)),
        ("{:2}4", ("164", 2, 0, 0)),
        ("10 5{2:}", ("1058", 0, 1, 1)),
        ("16 85", ("1685", 0, 0, 2)),
    ],
)
def test_a_new_prefix_takes_parts_of_the_old_one(new, expected):
    assert fill(new, "168") == expected


def test_a_prefix_that_is_neither_digits_nor_a_pattern_is_a_fault(tmp_path):
    for wrong in ("16[]", "16[a]", "[16", "16{:}"):
        text = HEADER + rule().replace('old = "168"', f'old = "{wrong}"')
        assert "[[rule]] old: expected `str` of digits" in fault(tmp_path, text)
    text = HEADER + rule().replace('new = "38"', 'new = "3{8}"')
    assert "[[rule]] new: expected `str` of digits" in fault(tmp_path, text)


def test_a_rule_that_changes_nothing_is_a_fault(tmp_path):
    text = HEADER + rule(old="38", new="38", old_length=9)
    assert "rule a: 38 to 38 changes nothing" in "".join(faults(tmp_path, text))


def test_rules_may_overlap_when_all_of_them_ask(tmp_path):
    first, second = rule(), rule(id="b", old="16", new="3")
    text = HEADER + first + second
    assert "rules a and b overlap" in fault(tmp_path, text)
    asking = HEADER + first + 'ask = "two-targets"\n' + second + 'ask = "two-targets"\n'
    assert [one.id for one in load(tmp_path, asking).rules_for("1681234567")] == ["a", "b"]


def test_a_rule_tells_of_another_country_code(tmp_path):
    text = HEADER + rule() + 'old_country_code = ["999", "84"]\n'
    own, other = sorted(load(tmp_path, text).rules, key=lambda one: one.old_country_code)
    assert (own.old_country_code, own.new_country_code) == ("", "")
    assert (other.old_country_code, other.new_country_code) == ("999", "84")
    packs_ = packs.Packs(load(tmp_path, text))
    assert packs_["999"].rule_for("1681234567").new == "38"
    assert packs_["84"].rule_for("1681234567").new == "38"


def test_lookup_takes_the_longest_prefix_of_the_right_length(tmp_path):
    ranges = """
[[range]]
prefix = ["3", "5"]
length = 9
kind = "mobile"
name = "wide"

[[range]]
prefix = "38"
length = 9
kind = "mobile"
name = "narrow"

[[closed]]
prefix = ""
lengths = [3, 4]
kind = "short"
name = "short code"
"""
    pack = load(tmp_path, HEADER + rule() + ranges)
    names = [pack.range_of(nsn).name for nsn in ("381234567", "371234567", "511234567")]
    assert names == ["narrow", "wide", "wide"]
    assert pack.range_of("3812345678") is None
    assert pack.rule_for("1681234567").id == "a"
    assert pack.rule_for("168123456") is None
    assert pack.rule_for("") is None
    assert pack.closed("113").kind == "short"
    assert pack.closed("11311") is None


def test_the_new_prefix_of_a_rule_is_in_use_today(tmp_path):
    found = load(tmp_path, HEADER + rule()).range_of("381234567")
    assert (found.name, found.kind, found.since) == ("Viettel", "mobile", date(2018, 9, 15))


def test_six_mistakes_are_six_faults_in_the_order_of_the_file(tmp_path):
    text = HEADER.replace('trunk_prefix = "0"', 'trunk_prefx = "0"')
    text += rule(id="b", old="162", new="32").replace('name = "Viettel"\n', "")
    text += rule(id="c", old="163", new="33", old_length='"ten"')
    text += rule(id="d", old="164", new="34", new_length=10)
    text += rule(id="e").replace('"law"', '"lawn"')
    text += rule(id="f", old="1686", new="386")
    assert faults(tmp_path, text) == [
        f"test.toml:{line_of(text, 'trunk_prefx')}: the pack has an unknown key 'trunk_prefx', "
        "did you mean 'trunk_prefix'?",
        f"test.toml:{line_of(text, '[[rule]]', 1)}: [[rule]] has no 'name'",
        f"test.toml:{line_of(text, 'ten')}: [[rule]] old_length: expected `int`, got `str`",
        f"test.toml:{line_of(text, '[[rule]]', 3)}: rule d: 164 to 34 makes 10 digits 9, "
        "but new_length is 10",
        f"test.toml:{line_of(text, '[[rule]]', 4)}: no source 'lawn' in [sources], "
        "did you mean 'law'?",
        f"test.toml:{line_of(text, '[[rule]]', 5)}: rules e and f overlap: 168 and 1686 "
        f"(lines {line_of(text, '[[rule]]', 4)} and {line_of(text, '[[rule]]', 5)})",
    ]


def test_a_syntax_error_is_named_with_its_line(tmp_path):
    text = HEADER + "\n[[rule]\n"
    assert fault(tmp_path, text).startswith(f"test.toml:{line_of(text, '[[rule]')}: not TOML: ")


def test_a_file_that_ends_in_mid_value_is_named(tmp_path):
    assert "not TOML" in fault(tmp_path, HEADER + 'x = """abc')


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path):
    text = HEADER.encode().replace(b"A decision", b"Qu\xe1\xba\xbft \xff")
    assert fault(tmp_path, text).startswith(f"test.toml:{line_of(HEADER, 'law')}: not UTF-8")


def test_a_chain_is_a_fault(tmp_path):
    text = (
        HEADER
        + rule()
        + rule(id="b", old="38", new="238", old_length=9, new_length=10).replace("mobile", "fixed")
    )
    assert "a second run would change them again" in fault(tmp_path, text)


def test_a_chain_into_numbers_in_use_today_is_left_to_evidence(tmp_path):
    text = (
        HEADER
        + rule()
        + rule(id="b", old="38", new="238", old_length=9, new_length=10).replace("mobile", "fixed")
    )
    text += '\n[[range]]\nprefix = "38"\nlength = 9\nkind = "mobile"\nname = "Viettel"\n'
    assert len(load(tmp_path, text).rules) == 2


def test_a_chain_that_no_line_ever_went_is_no_fault(tmp_path):
    fixed = {"old_length": 9, "new_length": 10}
    text = HEADER + rule(old="4", new="24", **fixed).replace("mobile", "fixed") + 'lines = ["2"]\n'
    other = rule(id="b", old="240", new="204", new_length=10).replace("mobile", "fixed")
    assert len(load(tmp_path, text + other).rules) == 2


def test_new_numbers_of_another_kind_are_a_fault(tmp_path):
    text = HEADER + rule().replace("mobile", "fixed")
    assert "is a valid fixed number; phonenumbers says: mobile" in fault(tmp_path, text)


def test_new_numbers_that_do_not_exist_are_a_fault(tmp_path):
    found = fault(tmp_path, HEADER + rule(new="40"))
    assert "40… (first two subscriber digits 00 to 99 tried)" in found
    assert "phonenumbers says: not valid" in found


def test_only_the_lines_of_a_rule_are_tried(tmp_path):
    hanoi = {"old": "4", "new": "24", "old_length": 9, "new_length": 10}
    text = HEADER + rule(**hanoi).replace("mobile", "fixed")
    assert load(tmp_path, text).rules
    found = fault(tmp_path, text + 'lines = ["0", "19", "991"]\n')
    assert "first two subscriber digits of its lines tried" in found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("old_length = 10", "old_length = 2"), "a prefix is longer than its whole number"),
        (("dual_end = 2018-11-14", "dual_end = 2018-09-14"), "dual_end is before dual_start"),
        (("cutoff = 2018-11-15", "cutoff = 2018-11-14"), "cutoff must be after dual_end"),
        (('kind = "mobile"', 'kind = "mobil"'), "kind: must be one of mobile, fixed, voip"),
        (('old = "168"', 'old = "16x"'), "old: expected `str` of digits"),
        (("cutoff = 2018-11-15", "cutoff = 15"), "cutoff: expected `date`"),
        (('source = "law"\n', ""), "[[rule]] has no 'source'"),
        (("[[rule]]", "[[rules]]"), "unknown key 'rules', did you mean 'rule'?"),
        (("[[rule]]", "[rule]"), "rule must be a list of tables, each written [[rule]]"),
        (('name = "Viettel"', 'name = "Viettel"\nwave = "x"'), "wave: there is no [wave.x]"),
        (('name = "Viettel"', 'name = "Viettel"\nwave = ["x"]'), "wave: there is no [wave."),
        (('old = "168"', 'old = "168\\n"'), "old: expected `str` of digits"),
        (('name = "Viettel"', 'name = "Viettel"\nline = 3'), "unknown key 'line'"),
        (('law = "A decision"', "law = 798"), "[sources] law: expected a text"),
        (('country = "VN"', 'country = "Vietnam"'), "the pack country: expected `str`"),
    ],
)
def test_a_single_mistake_is_a_single_fault(tmp_path, change, expected):
    assert expected in fault(tmp_path, (HEADER + rule()).replace(*change))


def test_ids_and_ranges_are_unique(tmp_path):
    text = HEADER + rule() + rule(old="162", new="32")
    assert "two rules with the id a (lines 13 and 26)" in fault(tmp_path, text)
    block = '\n[[range]]\nprefix = "38"\nlength = 9\nkind = "mobile"\nname = "Viettel"\n'
    assert "two ranges 38, 9 digits" in fault(tmp_path, HEADER + block + block)


def test_a_range_without_a_prefix_is_a_fault(tmp_path):
    block = '\n[[range]]\nprefix = []\nlength = 9\nkind = "mobile"\nname = "Viettel"\n'
    assert "[[range]] prefix: expected `str`, got `array`" in fault(tmp_path, HEADER + block)


def test_a_closed_range_may_not_hold_old_numbers(tmp_path):
    closed = '\n[[closed]]\nprefix = "16"\nlengths = [10]\nkind = "service"\nname = "x"\n'
    assert "closed range '16' overlaps rule a" in fault(tmp_path, HEADER + rule() + closed)


def test_provinces_are_called_as_in_the_rules(tmp_path):
    province = '\n[[province]]\nname = "Vietel"\naliases = []\n'
    found = fault(tmp_path, HEADER + rule() + province)
    assert "no rule or range has the name 'Vietel', did you mean 'Viettel'?" in found


def test_an_unknown_pack_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match=r"no numbering pack named 'vm'; built in: .*vn"):
        packs.load("vm")


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot read the numbering pack"):
        packs.load(str(tmp_path / "none.toml"))


def test_every_builtin_pack_loads_and_convinces_phonenumbers():
    assert "vn" in packs.builtin()
    for name in packs.builtin():
        assert packs.check(packs.load(name)) == ()
    assert packs.load("vn") is packs.load("vn")


@pytest.mark.parametrize(
    ("country_code", "nsn", "expected"),
    [
        ("84", "381234567", "mobile"),
        ("84", "2838123456", "fixed"),
        ("84", "672212345", "voip"),
        ("84", "18001234", "toll-free"),
        ("84", "19001234", "premium"),
        ("84", "1681234567", None),
        ("84", "0381234567", None),
        ("84", "", None),
        ("84", "000", None),
        ("39", "0236618300", "fixed"),
        ("39", "236618300", None),
        ("1", "2125550123", "fixed-or-mobile"),
    ],
)
def test_the_judge_says_what_phonenumbers_says(country_code, nsn, expected):
    assert Judge().kind(country_code, nsn, len(nsn)) == expected


def test_the_judge_answers_for_a_whole_block_and_length():
    judge = Judge()
    assert judge.kind("84", "381234567", 4) == "mobile"
    assert judge.kind("84", "381299999", 4) == "mobile"
    assert judge.kind("84", "3812345678", 4) is None


def test_country_that_renumbered_nothing_has_a_pack_without_rules() -> None:
    australia = packs.for_country("au")
    assert (australia.country_code, australia.trunk_prefix, australia.rules) == ("61", "0", ())
    context = Context(australia, today=date(2026, 11, 22))
    verdicts = [
        read_numbers(value, context)[0].judged.verdict
        for value in ("0438 123 456", "+84 168 123 4567", "0168 123 4567")
    ]
    assert verdicts == ["keep", "convert", "keep"]


def test_country_that_is_none_is_named() -> None:
    with pytest.raises(UsageError, match="ZZ: no such country"):
        packs.for_country("zz")
