"""Numbers to test with: old ones of a rule, and valid ones of a region; the same in every run."""

import random
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]

from phonenumbers import PhoneMetadata, PhoneNumber, is_valid_number

from danhba.packs import Rule

DESCRIPTIONS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost",
    "personal_number", "voip", "pager", "uan", "voicemail",
)  # fmt: skip


def old_number(rule: Rule, chance: random.Random) -> str:
    """Make an old NSN of a rule."""
    left = rule.old_length - len(rule.old)
    return rule.old + "".join(chance.choices("0123456789", k=left))


def valid_numbers(region: str, count: int) -> Iterator[PhoneNumber]:
    """Make valid numbers of a region, up to `count` of each type there, from its own patterns."""
    chance = random.Random(region)
    metadata = PhoneMetadata.metadata_for_region(region)
    for name in DESCRIPTIONS:
        pattern = getattr(metadata, name) and getattr(metadata, name).national_number_pattern
        if pattern:
            tree = _parser.parse(pattern)
            made = (number(metadata.country_code, _one_of(tree, chance)) for _ in range(count))
            yield from (one for one in made if one and is_valid_number(one))


def number(country_code: int, nsn: str) -> PhoneNumber | None:
    """Make a number of an NSN; None of one that is nothing but zeros."""
    zeros = len(nsn) - len(nsn.lstrip("0"))
    if zeros == len(nsn):
        return None
    return PhoneNumber(
        country_code, int(nsn), italian_leading_zero=bool(zeros) or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )  # fmt: skip


def _one_of(tree, chance: random.Random) -> str:
    """Make a text that a parsed pattern matches."""
    return "".join(_part(str(op), value, chance) for op, value in tree)


def _part(op: str, value, chance: random.Random) -> str:
    if op == "LITERAL":
        return chr(value)
    if op == "IN":
        return chance.choice([digit for digit in "0123456789" if _is_in(digit, value)])
    if op == "BRANCH":
        return _one_of(chance.choice(value[1]), chance)
    if op == "SUBPATTERN":
        return _one_of(value[-1], chance)
    least, most, inner = value
    assert op == "MAX_REPEAT"
    return "".join(_one_of(inner, chance) for _ in range(chance.randint(least, most)))


def _is_in(digit: str, members) -> bool:
    for op, value in members:
        if str(op) == "LITERAL" and chr(value) == digit:
            return True
        if str(op) == "RANGE" and value[0] <= ord(digit) <= value[1]:
            return True
        if str(op) == "CATEGORY":
            return True
    return False
