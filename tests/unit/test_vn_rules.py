"""The Vietnamese pack against phonenumbers, its geocoder and carriers, number class by class."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from pathlib import Path

import pytest
from phonenumbers import PhoneMetadata, PhoneNumber, carrier, geocoder

from danhba import packs
from danhba.judge import Judge, Kind
from danhba.packs import Pack, Range, Rule

AMBIGUOUS = Path(__file__).with_name("ambiguous_prefixes.txt")
STARTS = [f"{pair:02}" for pair in range(100)]

# Codes that Google's own migration recipes for Vietnam left out without a reason.
FORGOTTEN = ("241", "281", "320", "321", "350", "351", "780", "781")

# Subscriber digits that give no valid new number; no line ever began with them.
NO_SUCH_LINE = {"4": ("0", "1", "9"), "8": ("0", "1")}

# Where phonenumbers' names differ from the pack's, and why the pack is right.
GEOCODER_ERRORS = {
    "270": "Ving Long",  # Vinh Long
    "209": "Bac Can",  # Bac Kan
}
GEOCODER_SPELLINGS = {
    "Đắk Lắk": "Đăk Lăk",
    "Đắk Nông": "Đăk Nông",
    "Thừa Thiên Huế": "Thừa Thiên-Huế",
}
CARRIER_ERRORS = {
    "87": "Vinaphone",  # iTel, an MVNO on VinaPhone's network
    "559": "Reddi",  # renamed Wintel
    "998": "Indochina Telecom",  # gave the block back
    "999": "Indochina Telecom",
    "95": "",  # S-Fone, closed
    "990": "",
    "991": "",
}
CARRIER_SPELLINGS = {"VinaPhone": "Vinaphone", "Gmobile": "G-Mobile"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return packs.load("vn")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def old_numbers(rule: Rule) -> Iterator[tuple[str, str]]:
    """Give (first two subscriber digits, old number) for all hundred starts of a rule."""
    for start in STARTS:
        yield start, (rule.old + start + "3456789")[: rule.old_length]


def converted(rule: Rule, nsn: str) -> str:
    return rule.new + nsn[len(rule.old) :]


def existed(rule: Rule, start: str) -> bool:
    """Tell whether some subscriber number that began with the two digits ever existed."""
    return not rule.lines or any(start.startswith(line[:2]) for line in rule.lines)


def number(range_or_rule: Range | Rule, prefix: str, length: int) -> PhoneNumber:
    return PhoneNumber(84, int((prefix + "2345678")[:length].ljust(length, "1")))


def test_there_are_81_rules(pack):
    kinds = [rule.kind for rule in pack.rules]
    assert (kinds.count("fixed"), kinds.count("mobile"), kinds.count("voip")) == (59, 21, 1)


def test_the_codes_that_google_forgot_are_there(pack):
    assert {rule.old for rule in pack.rules} >= set(FORGOTTEN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1681234567", "381234567"),
        ("1201234567", "701234567"),
        ("992212345", "672212345"),
        ("838123456", "2838123456"),
        ("438123456", "2438123456"),
        ("5113812345", "2363812345"),
        ("223812345", "2123812345"),
    ],
)
def test_well_known_numbers_become_what_the_decisions_say(pack, old, new):
    assert converted(pack.rule_for(old), old) == new


def test_every_class_of_old_numbers_has_one_rule_and_a_valid_result(pack, judge):
    for rule in pack.rules:
        nowhere = NO_SUCH_LINE.get(rule.old, ())
        for start, nsn in old_numbers(rule):
            matching = [
                one for one in pack.rules if len(nsn) == one.old_length and nsn.startswith(one.old)
            ]
            assert matching == [rule]
            assert pack.rule_for(nsn) is rule
            assert pack.closed(nsn) is None
            kind = judge.kind("84", converted(rule, nsn), 17)
            if start.startswith(nowhere or "x"):
                assert kind is None
                assert not existed(rule, start)
            else:
                assert kind == rule.kind, (rule.id, start)


def test_no_result_is_an_old_number_again_unless_it_is_in_use(pack, judge):
    for rule in pack.rules:
        for start, nsn in old_numbers(rule):
            new = converted(rule, nsn)
            if existed(rule, start) and pack.rule_for(new):
                assert pack.range_of(new).kind == judge.kind("84", new, 17) == rule.kind


def test_the_provinces_are_those_of_the_geocoder(pack):
    for rule in (rule for rule in pack.rules if rule.kind == "fixed"):
        said = geocoder.description_for_number(number(rule, rule.new, rule.new_length), "en")
        said = re.sub(r" (province|City)$", "", said)
        ours = rule.name.removesuffix(" City").replace("Ba Ria-Vung Tau", "Ba Ria Vung Tau")
        assert said == GEOCODER_ERRORS.get(rule.new, ours)


def test_the_vietnamese_names_are_those_of_the_geocoder(pack):
    for range_ in (range_ for range_ in pack.ranges if range_.kind == "fixed"):
        said = geocoder.description_for_number(number(range_, range_.prefix, range_.length), "vi")
        said = re.sub(r"^(Tỉnh|Thành phố|Thủ đô|TP) ", "", said)
        ours = range_.name_vi.removeprefix("TP. ")
        assert said == GEOCODER_SPELLINGS.get(ours, ours)


def test_the_operators_are_those_of_the_carrier_data(pack):
    for range_ in (range_ for range_ in pack.ranges if range_.kind == "mobile"):
        said = carrier.name_for_number(number(range_, range_.prefix, range_.length), "en")
        ours = CARRIER_SPELLINGS.get(range_.name, range_.name)
        assert said == CARRIER_ERRORS.get(range_.prefix, ours)


def test_a_mobile_rule_names_the_operator_of_its_new_range(pack):
    for rule in (rule for rule in pack.rules if rule.kind == "mobile"):
        assert rule.name == pack.range_of(rule.new + "1234567").name


def test_the_ranges_are_exactly_what_phonenumbers_calls_valid(pack, judge):
    for length in pack.nsn_lengths:
        for block in (f"{block:04}" for block in range(10_000)):
            nsn = (block + "345678")[:length]
            range_ = pack.range_of(nsn)
            if pack.closed(nsn):
                assert range_ is None
            else:
                assert (range_ and range_.kind) == judge.kind("84", nsn, 4), nsn


def test_all_63_area_codes_are_named_and_every_province_once(pack):
    named = {range_.name_vi for range_ in pack.ranges if range_.kind == "fixed"}
    assert len(named) == 63
    assert len(pack.mergers) == 23
    assert len({name for merged in pack.mergers for name in merged.old}) == 63 - 34


@pytest.mark.parametrize(
    ("nsn", "since"),
    [
        ("331234567", date(2018, 8, 1)),
        ("838123456", date(2018, 8, 1)),
        ("861234567", date(2015, 12, 1)),
        ("881234567", date(2015, 12, 1)),
        ("898123456", date(2015, 12, 1)),
        ("871234567", date(2019, 4, 1)),
        ("301234567", date(2017, 5, 15)),
        ("311234567", date(2017, 5, 15)),
        ("523123456", date(2017, 3, 13)),
        ("559123456", date(2017, 7, 17)),
        ("672212345", date(2017, 7, 17)),
    ],
)
def test_an_ambiguous_range_knows_since_when_it_can_exist(pack, nsn, since):
    assert pack.range_of(nsn).since == since


def test_every_number_with_two_readings_has_a_day_that_decides(pack, judge):
    for rule in pack.rules:
        for start, nsn in old_numbers(rule):
            if existed(rule, start) and judge.kind("84", nsn, 17):
                assert pack.range_of(nsn).since, nsn


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ("69123456", "service"),
        ("691234567", "service"),
        ("8043162", "service"),
        ("6521234567", "service"),
        ("121012345", "service"),
        ("18001234", "toll-free"),
        ("180012345", "toll-free"),
        ("1900123456", "premium"),
        ("113", "short"),
        ("1080", "short"),
    ],
)
def test_closed_ranges_are_named_and_have_no_rule(pack, digits, kind):
    assert pack.closed(digits).kind == kind
    assert pack.rule_for(digits) is None


def test_old_numbers_of_binh_duong_and_binh_phuoc_are_not_closed(pack):
    assert pack.closed("6503812345") is None
    assert pack.rule_for("6503812345").name_vi == "Bình Dương"


def test_the_ambiguous_prefixes_are_those_on_the_list(pack, judge):
    listed = [line for line in AMBIGUOUS.read_text("utf-8").splitlines() if line[0] != "#"]
    computed = (ambiguity(rule, judge) for rule in pack.rules)
    assert sorted(line for line in computed if line) == listed
    assert [line.split()[1] for line in listed].count("whole") == 15


def ambiguity(rule: Rule, judge: Judge) -> str:
    """Describe a rule as a line of the list; an empty string when no old number is valid today."""
    clashing = [start for start, nsn in old_numbers(rule) if judge.kind("84", nsn, 17)]
    if not clashing:
        return ""
    real = [start for start in STARTS if existed(rule, start)]
    extent = "whole" if set(real) <= set(clashing) else "partly"
    return " ".join([f"0{rule.old}", extent, *shortened(clashing)])


def shortened(starts: list[str]) -> Iterator[str]:
    """Write ten starts of one first digit as that digit."""
    for digit, same in groupby(starts, key=lambda start: start[0]):
        found = list(same)
        yield from [digit] if len(found) == 10 else found


def test_validity_depends_on_the_first_block_digits_only(pack, judge):
    """Six digits tell no more than four, for every length a Vietnamese number may have."""
    assert pack.block_digits == 4
    for length in range(7, 11):
        kind_of = metadata_kind(length)
        for block in (f"{block:04}" for block in range(10_000)):
            fill = "3456"[: length - 6]
            found = {kind_of(block + tail + fill) for tail in STARTS}
            assert found == {judge.kind("84", block + "00" + fill, 17)}, block


def metadata_kind(length: int) -> Callable[[str], Kind | None]:
    """Make a fast phonenumbers for one length: its own patterns, joined, in its own order."""
    metadata = PhoneMetadata.metadata_for_region("VN")
    kinds = {
        "premium": metadata.premium_rate,
        "toll-free": metadata.toll_free,
        "voip": metadata.voip,
        "service": metadata.uan,
        "fixed": metadata.fixed_line,
        "mobile": metadata.mobile,
    }
    patterns = {
        kind: description.national_number_pattern
        for kind, description in kinds.items()
        if length in (description.possible_length or metadata.general_desc.possible_length)
    }
    order = list(patterns)
    joined = re.compile("|".join(f"({strip(pattern)})" for pattern in patterns.values()))

    def kind_of(nsn: str) -> Kind | None:
        match = joined.fullmatch(nsn)
        return order[match.lastindex - 1] if match else None

    return kind_of


def strip(pattern: str) -> str:
    """Make the groups of a pattern non-capturing; phonenumbers' are already."""
    assert "(" not in pattern.replace("(?:", "")
    return pattern
