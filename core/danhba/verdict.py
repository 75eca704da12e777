"""What becomes of a number by its digits alone?

One that is also valid today waits for the evidence on its card; the rest is certain.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from danhba.dialling import Dialled
from danhba.judge import Judge, Kind
from danhba.packs import Pack, Range, Rule

Verdict: TypeAlias = Literal["convert", "keep", "ask"]
NumberKind: TypeAlias = Kind | Literal["foreign", "unreadable"]


class Judged(msgspec.Struct, frozen=True, eq=False):
    """A verdict and its reason; one value is shared by all numbers that are judged alike.

    Attributes:
        verdict: `convert`, `keep` or `ask`.
        code: Why, such as `one-reading`, `current`, `also-valid-today` or `no-such-line`.
        kind: What the number is today; where the verdict is `convert`, what it becomes.
        ambiguous: Whether its digits are both an old number and one valid today.
        rule: The rule that fits, also where it is not applied.
        made_by: The rule whose new numbers these are, where they are valid today.
        name: Operator or province today, in English; where converted, of the rule.
        name_vi: The same in Vietnamese, where it differs.
        country_code: The calling code the number belongs to; empty when unreadable.
        abroad: Whether that is not the home country's.
        others: Other rules that fit: what the old number may have become instead.
    """

    verdict: Verdict
    code: str
    kind: NumberKind
    ambiguous: bool = False
    rule: Rule | None = None
    name: str = ""
    name_vi: str = ""
    country_code: str = ""
    abroad: bool = False
    others: tuple[Rule, ...] = ()
    made_by: Rule | None = None


def _unreadable(code: str) -> Judged:
    return Judged("keep", code, "unreadable")


UNCLEAR = _unreadable("unclear")
_TROUBLES: dict[str, Judged] = {"unclear": UNCLEAR}


def trouble(code: str) -> Judged:
    """Judge a field that cannot be read; see `danhba.phone.Scan` for what troubles there are."""
    return _TROUBLES.setdefault(code, _unreadable(code))


def judge_digits(pack: Pack, judge: Judge, dialled: Dialled) -> Judged:
    """Judge a number by its digits; the answer holds for its whole block (`Pack.block_digits`)."""
    nsn, code = dialled.nsn, pack.country_code
    closed = pack.closed(nsn)
    if closed:
        names = closed.name, closed.name_vi
        return Judged(
            "keep", "closed", closed.kind, name=names[0], name_vi=names[1], country_code=code
        )
    if dialled.form == "short":
        return Judged("keep", "too-short", "unreadable", country_code=code)
    rules, present = pack.rules_for(nsn), pack.range_of(nsn)
    kind = judge.kind(code, nsn, pack.block_digits)
    if not rules or not _has_old_reading(rules[0], nsn):
        return _current(kind, present, code)
    fitting = [rule for rule in rules if _is_fitting(rule, nsn, pack, judge)]
    if kind and not fitting:
        return _current(kind, present, code)
    rule, *others = fitting or rules
    judged = Judged(
        "keep", "no-such-line", "unreadable", rule=rule, name=rule.name, name_vi=rule.name_vi,
        country_code=code, others=tuple(others),
    )  # fmt: skip
    if not fitting:
        return judged
    if kind and not rule.withdrawn:
        return _ambiguous(judged, kind, present)
    verdict, why = ("ask", rule.ask) if rule.ask else _lost_zero(judge, dialled)
    if kind and verdict == "convert":
        why = "withdrawn"
    return replace(judged, verdict=verdict, code=why, kind=rule.kind)


def _is_fitting(rule: Rule, nsn: str, pack: Pack, judge: Judge) -> bool:
    """Say whether the new number of a rule exists and is of its kind."""
    code = rule.new_country_code or pack.country_code
    after = judge.kind(code, rule.renumber(nsn), pack.block_digits)
    return after in (rule.kind, "fixed-or-mobile")


def _ambiguous(judged: Judged, kind: Kind, present: Range | None) -> Judged:
    """Judge a number that is valid today and has an old reading besides: it waits for evidence."""
    assert judged.rule
    doubt = judged.rule.ask
    return replace(
        judged,
        verdict="ask" if doubt else "keep",
        code=doubt or "also-valid-today",
        kind=kind,
        ambiguous=True,
        name=present.name if present else "",
        name_vi=present.name_vi if present else "",
    )


def _has_old_reading(rule: Rule, nsn: str) -> bool:
    """Say whether a number may be an old one: not where all old lines are documented without it."""
    return not rule.exhaustive or nsn[len(rule.old) :].startswith(rule.lines)


def _current(kind: Kind | None, present: Range | None, code: str) -> Judged:
    names = (present.name, present.name_vi) if present else ("", "")
    if kind:
        return Judged("keep", "current", kind, name=names[0], name_vi=names[1], country_code=code)
    return Judged(
        "keep", "no-such-number", "unreadable", name=names[0], name_vi=names[1], country_code=code
    )


def _lost_zero(judge: Judge, dialled: Dialled) -> tuple[Verdict, str]:
    """Ask about ten bare digits: an old landline without its 0, or a North American number."""
    if dialled.form == "no-trunk" and judge.kind("1", dialled.nsn, len(dialled.nsn)):
        return "ask", "maybe-foreign"
    return "convert", "one-reading"


def with_verdict(judged: Judged, verdict: Verdict, code: str) -> Judged:
    """Return a judgement with another verdict and reason; one that converts tells of its rule."""
    rule = judged.rule
    if verdict != "convert" or rule is None:
        return replace(judged, verdict=verdict, code=code)
    return replace(
        judged, verdict=verdict, code=code, kind=rule.kind, name=rule.name, name_vi=rule.name_vi
    )
