"""How many first digits of a number decide whether it exists: no fewer than a pack says.

phonenumbers' patterns are taken apart into sequences of digit sets, and followed digit by digit:
what is left of them after some digits is a state. When every state that can be reached after n
digits gives the same kind for all that may follow, n digits decide.
"""

from functools import cache
from re import _parser  # type: ignore[attr-defined]

import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from danhba import packs
from danhba.packs import Pack

# In the order in which phonenumbers looks at them.
TYPES = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number",
    "pager", "uan", "voicemail", "fixed_line", "mobile",
)  # fmt: skip
DIGITS = "0123456789"

Sequences = frozenset[tuple[str, ...]]
State = tuple[Sequences, ...]


@pytest.mark.parametrize(
    "pack",
    [pack for pack in map(packs.load, packs.builtin()) if pack.block_digits < 17],
    ids=lambda pack: pack.id,
)
def test_no_digit_behind_the_block_decides(pack):
    needed = max(deciding_digits(region) for region in regions(pack))
    assert pack.block_digits >= needed + (pack.id != "vn") * most_digits_lost(pack)
    assert pack.block_digits >= max(len(rule.old) for rule in pack.rules)


def regions(pack: Pack) -> tuple[str, ...]:
    return COUNTRY_CODE_TO_REGION_CODE[int(pack.country_code)]


def most_digits_lost(pack: Pack) -> int:
    """By how much a new prefix is shorter: so many more digits of the old number decide."""
    return max(0, *(len(rule.old) - len(rule.new) for rule in pack.rules))


def test_packs_without_a_block_are_those_of_the_north_american_plan():
    assert [name for name in packs.builtin() if packs.load(name).block_digits == 17] == ["sx"]


def deciding_digits(region: str) -> int:
    """Return after how many digits of a number its kind is certain, whatever its length."""
    metadata = PhoneMetadata.metadata_for_region(region)
    lengths = metadata.general_desc.possible_length
    return max(_deciding(start(metadata, length), length) for length in lengths)


def _deciding(first: State, length: int) -> int:
    states = {first}
    for depth in range(length):
        if all(len(kinds(state, length - depth)) == 1 for state in states):
            return depth
        states = {step(state, digit) for state in states for digit in DIGITS}
    return length


def start(metadata: PhoneMetadata, length: int) -> State:
    """What of each pattern may be matched by a number of a length; the general one comes last."""
    general = metadata.general_desc
    descriptions = [getattr(metadata, name) for name in TYPES]
    return (
        *(
            of_length(one.national_number_pattern, length)
            if one and length in (one.possible_length or general.possible_length)
            else frozenset()
            for one in descriptions
        ),
        of_length(general.national_number_pattern, length),
    )


@cache
def kinds(state: State, left: int) -> frozenset[str]:
    """Return what a number may be that goes on with any digits."""
    if not state[-1]:
        return frozenset([""])
    if not left:
        matched = [name for name, rest in zip(TYPES, state[:-1], strict=True) if rest]
        lines = {"fixed_line", "mobile"} <= set(matched[:2])
        return frozenset(["either" if lines else "".join(matched[:1])])
    return frozenset().union(*(kinds(step(state, digit), left - 1) for digit in DIGITS))


@cache
def step(state: State, digit: str) -> State:
    return tuple(frozenset(one[1:] for one in rest if digit in one[0]) for rest in state)


def of_length(pattern: str | None, length: int) -> Sequences:
    found = sequences(_parser.parse(pattern)) if pattern else []
    return frozenset(one for one in found if len(one) == length)


def sequences(tree) -> list[tuple[str, ...]]:
    """Take a pattern apart: each sequence has, for each place, the digits that may stand there."""
    found: list[tuple[str, ...]] = [()]
    for op, value in tree:
        found = [head + tail for head in found for tail in parts(str(op), value)]
    return found


def parts(op: str, value) -> list[tuple[str, ...]]:
    if op == "LITERAL":
        return [(chr(value),)]
    if op == "IN":
        return [("".join(digit for digit in DIGITS if is_in(digit, value)),)]
    if op == "BRANCH":
        return [one for branch in value[1] for one in sequences(branch)]
    if op == "SUBPATTERN":
        return sequences(value[-1])
    assert op == "MAX_REPEAT"
    least, most, inner = value
    return [one for count in range(least, most + 1) for one in sequences(list(inner) * count)]


def is_in(digit: str, members) -> bool:
    return any(
        str(op) == "CATEGORY"
        or (str(op) == "LITERAL" and chr(value) == digit)
        or (str(op) == "RANGE" and value[0] <= ord(digit) <= value[1])
        for op, value in members
    )
