"""How is a written number read, where its old form was dialled in another way than today's?

`dial` reads digits as they are dialled today. An old number may have had another trunk prefix, or
a zero of its own that looks like one (Rwanda's 08 was part of the number, also behind +250); with
a country code, people write a trunk prefix nobody dials there. Such a reading counts only where a
rule fits it, and only when the digits mean nothing as they are dialled today.
"""

from __future__ import annotations

from collections.abc import Mapping

from danhba.judge import Judge
from danhba.numbering import Pack, Rule
from danhba.phone import Dialing, Dialled, Written, dial, respell

INTERNATIONAL = frozenset({"international", "prefix", "bare"})


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


def read(
    written: Written, dialing: Dialing, packs: Mapping[str, Pack], judge: Judge
) -> Dialled | None:
    """Say what the digits of a number mean; None when that is not certain."""
    today = dial(written, dialing)
    if today and today.form in INTERNATIONAL:
        pack = packs.get(today.country_code)
        return _with_code(written.digits, today, pack, judge) if pack else today
    home = packs[dialing.country_code]
    return _without_code(written.digits, today, home, judge) if home.old_trunks else today


def _with_code(digits: str, today: Dialled, pack: Pack, judge: Judge) -> Dialled:
    """Read the digits behind a country code with or without a trunk prefix, as a rule has them."""
    start = today.lead - today.trunk
    trunks = ("", *filter(None, (pack.trunk_prefix, *sorted(pack.old_trunks))))
    for trunk in trunks:
        nsn = digits[start + len(trunk) :]
        if digits.startswith(trunk, start) and pack.rules_for(nsn):
            if trunk and judge.kind(pack.country_code, digits[start:], len(digits)):
                return today
            lead = start + len(trunk)
            return Dialled(today.country_code, nsn, today.form, lead, len(trunk))
    return today


def _without_code(digits: str, today: Dialled | None, home: Pack, judge: Judge) -> Dialled | None:
    """Read national digits as they were dialled before the renumbering."""
    code = home.country_code
    if today and (home.rules_for(today.nsn) or judge.kind(code, today.nsn, len(today.nsn))):
        return today
    for trunk in sorted(home.old_trunks, key=len, reverse=True):
        nsn = digits[len(trunk) :]
        if digits.startswith(trunk) and _was_dialled(home.rules_for(nsn), trunk):
            return Dialled(code, nsn, "national", len(trunk), len(trunk))
    return today


def _was_dialled(rules: tuple[Rule, ...], trunk: str) -> bool:
    return any(trunk in rule.old_trunks for rule in rules)


def rewrite(value: str, written: Written, dialled: Dialled, rule: Rule) -> str:
    """Write the new number of a rule in the place of an old one, in its spelling."""
    put = rule.new[rule.keep : len(rule.new) - rule.behind]
    strip = len(rule.old) - rule.keep - rule.behind
    after = respell(value, written, dialled.lead + rule.keep, strip, put)
    if dialled.form in INTERNATIONAL:
        at, strip, put = _new_code(dialled, rule)
    else:
        at, strip, put = _new_trunk(dialled, rule)
    if not strip and not put:
        return after
    end = written.end + len(after) - len(value)
    return respell(after, Written(written.start, end, written.digits, written.plus), at, strip, put)


def _new_code(dialled: Dialled, rule: Rule) -> tuple[int, int, str]:
    """Say which digits in front of an NSN go, and what takes their place: with a country code."""
    start = dialled.lead - dialled.trunk
    trunk = dialled.trunk if rule.new_trunk is not None else 0
    if not rule.new_country_code:
        return start, trunk, ""
    code = len(dialled.country_code)
    return start - code, code + trunk, rule.new_country_code


def _new_trunk(dialled: Dialled, rule: Rule) -> tuple[int, int, str]:
    """Say which digits in front of an NSN go, and what takes their place: without a code."""
    if rule.new_trunk is None or not (dialled.trunk or "" in rule.old_trunks):
        return 0, 0, ""
    return dialled.lead - dialled.trunk, dialled.trunk, rule.new_trunk


def e164(dialled: Dialled, rule: Rule) -> str:
    """Return the new number that a rule makes of an old one."""
    return f"+{rule.new_country_code or dialled.country_code}{rule.renumber(dialled.nsn)}"
