"""What do the digits of a written number mean to somebody who dials them at home?

Nothing here knows a numbering rule.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from danhba.phone import Written

INTERNATIONAL = frozenset({"international", "prefix", "bare"})
"""The forms that name a country code."""
_SHORTEST_WITH_TRUNK = 6
_SHORTEST_WITH_CODE = 7
_SHORTEST_ABROAD = 4


class Dialing(Struct, frozen=True):
    """How numbers are dialled in the home country.

    Attributes:
        country_code: The calling code, without plus.
        trunk_prefix: What is dialled before a national significant number (NSN); may be empty.
        international_prefixes: What is dialled instead of the plus.
        nsn_lengths: Digits an ordinary NSN has, past and present.
        service_prefixes: How service numbers begin, which are dialled without trunk prefix.
        trunk_optional: Whether numbers are as often written without the trunk prefix.
        carrier_prefixes: What may be dialled in place of the trunk prefix, with a carrier's code.
    """

    country_code: str = "84"
    trunk_prefix: str = "0"
    international_prefixes: tuple[str, ...] = ("00",)
    nsn_lengths: tuple[int, ...] = (9, 10)
    service_prefixes: tuple[str, ...] = ("1800", "1900")
    trunk_optional: bool = False
    carrier_prefixes: tuple[str, ...] = ()


class Dialled(Struct, frozen=True):
    """What the digits of a number mean.

    Attributes:
        country_code: The calling code, without plus.
        nsn: The national significant number; all digits where the form is `short`.
        form: `international` (+84…), `prefix` (0084…), `bare` (84…), `national` (0…), `no-trunk`
            (the trunk prefix was lost, as in a spreadsheet), `short` (a service number or one too
            short to hold an area code).
        lead: How many of the written digits stand before the NSN.
        trunk: How many of these, the last ones, are a trunk prefix.
    """

    country_code: str
    nsn: str
    form: str
    lead: int
    trunk: int = 0


def dial(written: Written, dialing: Dialing) -> Dialled | None:
    """Say what a number's digits mean in the home country; None when that is not certain."""
    digits = written.digits
    if written.plus:
        return _abroad(digits, 0, "international", dialing)
    if digits.startswith(dialing.international_prefixes):
        prefix = next(p for p in dialing.international_prefixes if digits.startswith(p))
        if not _is_whole(digits, len(prefix), dialing):
            return _abroad(digits, len(prefix), "prefix", dialing)
    lead = 1 if digits[0] == dialing.trunk_prefix == "0" else _trunk(digits, 0, dialing)
    if dialing.carrier_prefixes:
        lead = _carrier(digits, dialing) or lead
    if not lead:
        return _without_trunk(digits, dialing)
    length = len(digits) - lead
    if length < _SHORTEST_WITH_TRUNK and length not in dialing.nsn_lengths:
        return Dialled(dialing.country_code, digits, "short", 0)
    return Dialled(dialing.country_code, digits[lead:], "national", lead, lead)


def _is_whole(digits: str, prefix: int, dialing: Dialing) -> bool:
    """Tell whether digits that begin like an international prefix are too few for a number abroad.

    Numbers of Côte d'Ivoire had eight digits, and 00 began some of them.
    """
    few = len(digits) < prefix + _SHORTEST_WITH_CODE
    return few and not dialing.trunk_prefix and len(digits) in dialing.nsn_lengths


def _trunk(digits: str, at: int, dialing: Dialing) -> int:
    """Return the length of the trunk prefix that stands at an index; 0 when there is none.

    No NSN begins with a trunk prefix of 0; with another one (8 in Russia) only the length tells.
    """
    trunk = dialing.trunk_prefix
    if not digits.startswith(trunk, at):
        return 0
    return len(trunk) if trunk == "0" or len(digits) - at not in dialing.nsn_lengths else 0


def _carrier(digits: str, dialing: Dialing) -> int:
    """Return the length of a carrier's prefix, where an ordinary number follows; else 0."""
    found = (p for p in dialing.carrier_prefixes if digits.startswith(p))
    return next((len(p) for p in found if len(digits) - len(p) in dialing.nsn_lengths), 0)


def _abroad(digits: str, lead: int, form: str, dialing: Dialing) -> Dialled | None:
    """Read digits whose calling code starts at `lead`."""
    code = dialing.country_code
    trunk = 0
    if digits.startswith(code, lead):
        lead += len(code)
        trunk = _trunk(digits, lead, dialing)
        lead += trunk
    elif code := _calling_code(digits[lead : lead + 3]):
        lead += len(code)
    else:
        return None
    if len(digits) - lead < _SHORTEST_ABROAD:
        return None
    return Dialled(code, digits[lead:], form, lead, trunk)


def _calling_code(digits: str) -> str:
    """Return the calling code that the digits begin with; no code is the beginning of another."""
    codes = _calling_codes()
    return next((digits[:n] for n in (1, 2, 3) if digits[:n] in codes), "")


@cache
def _calling_codes() -> frozenset[str]:
    """Load all calling codes; late, because importing phonenumbers is slow."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return frozenset(map(str, COUNTRY_CODE_TO_REGION_CODE))


def _without_trunk(digits: str, dialing: Dialing) -> Dialled | None:
    """Read digits that begin with neither trunk nor international prefix."""
    home, lengths = dialing.country_code, dialing.nsn_lengths
    ordinary = len(digits) in lengths
    lead = trunk = 0
    if digits.startswith(home):
        trunk = _trunk(digits, len(home), dialing)
        lead = len(home) + trunk
        lead = lead if len(digits) - lead in lengths else 0
    if lead and ordinary:
        return None
    if lead:
        return Dialled(home, digits[lead:], "bare", lead, trunk)
    if len(digits) <= max(lengths) and digits.startswith(dialing.service_prefixes):
        return Dialled(home, digits, "short", 0)
    if ordinary:
        lost = dialing.trunk_prefix and not dialing.trunk_optional
        return Dialled(home, digits, "no-trunk" if lost else "national", 0)
    return Dialled(home, digits, "short", 0) if len(digits) < min(lengths) else None
