"""How is a written number read, where its old form was dialled in another way than today's?

`dial` reads digits as they are dialled today. An old number may have had another trunk prefix, or
a zero of its own that looks like one (Rwanda's 08 was part of the number, also behind +250); with
a country code, people write a trunk prefix nobody dials there. Such a reading counts only where a
rule fits it, and only when the digits mean nothing as they are dialled today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from danhba.dialling import INTERNATIONAL, Dialing, Dialled, dial
from danhba.judge import Judge
from danhba.numbering import Pack, Rule
from danhba.phone import Written


def dialing_of(pack: Pack) -> Dialing:
    """Say how numbers are dialled in the country of a pack."""
    old = {rule.old_length for rule in pack.rules if not rule.old_country_code}
    charged = ("toll-free", "premium")
    return Dialing(
        pack.country_code,
        pack.trunk_prefix,
        pack.international_prefixes,
        tuple(sorted(old.union(pack.nsn_lengths))),
        tuple(shut.prefix for shut in pack.closed_ranges if shut.kind in charged),
        pack.trunk_optional,
        pack.carrier_prefixes,
    )


class Reader:
    """Reads the numbers of one run.

    Args:
        home: The pack of the home country.
        packs: Country code -> pack.
        judge: Says which numbers exist today.
    """

    def __init__(self, home: Pack, packs: Mapping[str, Pack], judge: Judge) -> None:
        self.home = Plan(home, judge)
        self.packs = packs
        self.judge = judge
        self.dialing = dialing_of(home)
        self._as_today = not home.old_trunks

    def read(self, written: Written) -> Dialled | None:
        """Say what the digits of a number mean; None when that is not certain."""
        today = dial(written, self.dialing)
        if today is None or today.form not in INTERNATIONAL:
            if today and today.lead and self._as_today:
                return today
            return _without_code(written.digits, today, self.home)
        pack = self.packs.get(today.country_code)
        if pack is None:
            return today
        found = _with_code(written.digits, today, pack, self.judge)
        if today.form == "prefix" and pack.rules_for(found.nsn) and self.home.has(written.digits):
            return Dialled(self.dialing.country_code, written.digits, "national", 0)
        return found


class Plan(NamedTuple):
    """What is known about the numbers of a country code."""

    pack: Pack
    judge: Judge

    def has(self, nsn: str) -> bool:
        """Say whether a number exists today."""
        return bool(self.judge.kind(self.pack.country_code, nsn, self.pack.block_digits))

    def had(self, nsn: str) -> bool:
        """Say whether a number exists today or is an old one."""
        return bool(self.pack.rules_for(nsn)) or self.has(nsn)


def _with_code(digits: str, today: Dialled, pack: Pack, judge: Judge) -> Dialled:
    """Read the digits behind a country code with or without a trunk prefix, as a rule has them."""
    start = today.lead - today.trunk
    if not digits.startswith(pack.trunks, start):
        return today
    plan = Plan(pack, judge)
    whole = Dialled(today.country_code, digits[start:], today.form, start)
    if pack.rules_for(whole.nsn):
        return whole
    for trunk in pack.trunks:
        nsn = digits[start + len(trunk) :]
        if digits.startswith(trunk, start) and pack.rules_for(nsn):
            lead = start + len(trunk)
            inner = Dialled(today.country_code, nsn, today.form, lead, len(trunk))
            return whole if plan.has(whole.nsn) else inner
    return whole if today.trunk and plan.has(whole.nsn) else today


def _without_code(digits: str, today: Dialled | None, home: Plan) -> Dialled | None:
    """Read digits without a plus or an international prefix."""
    if today is None:
        return _as_once_dialled(digits, home) or _the_one_that_exists(digits, home)
    if home.has(today.nsn):
        return today
    if home.pack.rules_for(today.nsn):
        bare = digits.removeprefix(home.pack.country_code)
        return today if today.lead or bare == digits or not home.has(bare) else None
    return _as_once_dialled(digits, home) or today


def _as_once_dialled(digits: str, home: Plan) -> Dialled | None:
    """Read national digits as they were dialled before the renumbering, if they were."""
    code, pack = home.pack.country_code, home.pack
    for trunk in sorted(pack.old_trunks, key=len, reverse=True):
        nsn = digits[len(trunk) :]
        if digits.startswith(trunk) and _was_dialled(pack.rules_for(nsn), trunk):
            return Dialled(code, nsn, "national", len(trunk), len(trunk))
    return Dialled(code, digits, "national", 0) if pack.old_trunks and home.has(digits) else None


def _was_dialled(rules: tuple[Rule, ...], trunk: str) -> bool:
    return any(trunk in rule.old_trunks for rule in rules)


def _the_one_that_exists(digits: str, home: Plan) -> Dialled | None:
    """Read digits with a country code but no plus, or without one: as the reading that exists."""
    code = home.pack.country_code
    readings = [Dialled(code, digits, "national", 0)]
    if digits.startswith(code):
        readings.append(Dialled(code, digits[len(code) :], "bare", len(code)))
    found = [reading for reading in readings if home.had(reading.nsn)]
    return found[0] if len(found) == 1 else None
