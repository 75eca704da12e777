"""What does a conversion depend on besides the card?

Packs, home country, today, policy, steps and known answers. A context also keeps what was found out
once: the verdict on a block of numbers, the reasons of a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from danhba.answers import kept as kept_numbers
from danhba.card import Card, Change, Phone, Question, Why
from danhba.dialling import Dialled
from danhba.dual import Policy, phase
from danhba.evidence import Earlier, fold
from danhba.judge import KNOWS_UNTIL, Judge
from danhba.number import Number, reasons
from danhba.packs import Pack, Packs, Range, Rule
from danhba.reading import Reader
from danhba.verdict import UNCLEAR, Judged, Verdict, judge_digits, with_verdict

Ask: TypeAlias = Literal["evidence", "all"]
ALL_CHANGES = frozenset(get_args(Change))
NO_ANSWERS: Mapping[tuple[str, str], str] = {}
NO_LEDGER: Mapping[str, Earlier] = {}
Block: TypeAlias = tuple[bytes, int]
"""First digits of plain home numbers in national form, and how many digits they have."""
_LENGTHS = tuple(f"/{length}" for length in range(16))


class Proposal(msgspec.Struct, frozen=True):
    """What the converter proposes for one card.

    Attributes:
        changes: In the order of the card.
        questions: In the order of the card.
        judged: One verdict for each number read; a field that cannot be read counts as one.
        twice: Whether the card holds a number twice once the changes are made.
        unfit: How many changes a step would make that the source, or this card, cannot take.
        undated: Whether a number on the card is younger than its date, which so proves nothing.
    """

    changes: tuple[Change, ...]
    questions: tuple[Question, ...]
    judged: tuple[Judged, ...]
    twice: bool = False
    unfit: int = 0
    undated: bool = False


Labelling: TypeAlias = Callable[[Phone, tuple[str, ...]], tuple[str, ...] | None]
"""Field and labels to give it -> the labels it then has; None when it cannot be given these."""


def as_given(_: Phone, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Label a field of a source that takes any labels."""
    return labels


class Swap(NamedTuple):
    """How a number is converted as it is dialled at home.

    Attributes:
        old: How the old number begins, with the trunk prefix.
        new: What takes its place.
        rule: The rule.
        why: The reasons.
    """

    old: str
    new: str
    rule: Rule
    why: tuple[Why, ...]


class Steps(Protocol):
    """The steps that follow `renumber`; see `danhba.steps`.

    Attributes:
        names: Each step as it was asked for, in order, such as `normalise=e164`.
    """

    names: tuple[str, ...]

    def propose(self, card: Card, context: Context) -> Proposal:
        """Renumber the card, then make each step's changes to what came out."""
        ...


class Context:
    """Everything a conversion depends on besides the card.

    Args:
        home: The pack of the country in which a national-form number is dialled.
        others: Packs to use instead of the built-in ones, or with them, where a number has another
            country code; or all the packs of another context.
        today: The day of the run.
        ask: `all` turns every undecided ambiguous number into a question.
        answers: What a person answered before: (ref, key of the question) -> E.164 or `keep`.
        ledger: ref -> what a card was before we wrote it, and the values we wrote.
        policy: What to do while old and new numbers both connect.
        steps: The steps that follow `renumber`; None for none.
        supports: The change types that the source can carry out.
        labelling: Says which labels a field of the source has once it is given some.
    """

    def __init__(
        self,
        home: Pack,
        others: tuple[Pack, ...] | Packs = (),
        *,
        today: date,
        ask: Ask = "evidence",
        answers: Mapping[tuple[str, str], str] = NO_ANSWERS,
        ledger: Mapping[str, Earlier] = NO_LEDGER,
        policy: Policy = "replace",
        steps: Steps | None = None,
        supports: frozenset[type] = ALL_CHANGES,
        labelling: Labelling = as_given,
    ) -> None:
        self.packs = others if isinstance(others, Packs) else Packs(home, others)
        self.home = home = self.packs[home.country_code]
        self.today = today
        self.ask = ask
        self.answers = answers
        self.ledger = dict(ledger)
        self.policy = policy
        self.steps = steps
        self.supports = supports
        self.labelling = labelling
        self.judge = Judge()
        self.reader = Reader(home, self.packs, self.judge)
        self.plus = f"+{home.country_code}"
        self.leads = (home.trunk_prefix, home.country_code)
        self.written_leads = (home.trunk_prefix, self.plus)
        self.plain_blocks: dict[Block, Judged] = {}
        self.moving: set[Judged] = set()
        self._plain: dict[str, Judged | None] = {}
        self._ours: dict[str, Judged | None] = {}
        self._reasons: dict[Judged, tuple[Why, ...]] = {}
        self._swaps: dict[Judged, Swap] = {}
        self._homes: dict[str, bool] = {"": True}
        self._harmless: dict[tuple[str, ...], bool] = {}
        self._blocks: dict[tuple[str, int, str], Judged] = {}
        self._derived: dict[tuple[Judged, Verdict, str], Judged] = {}
        self._foreign: dict[str, Judged] = {}

    @cached_property
    def without_memory(self) -> Context:
        """The same context on another machine: nobody has answered anything there."""
        if not self.answers and not self.ledger and self.ask == "evidence":
            return self
        return Context(
            self.home, self.packs, today=self.today, policy=self.policy, steps=self.steps,
            supports=self.supports, labelling=self.labelling,
        )  # fmt: skip

    @cached_property
    def kept(self) -> frozenset[tuple[str, str]]:
        """The numbers that a person has kept, by ref and country code with NSN."""
        return frozenset(kept_numbers(self.answers))

    def remember(self, ref: str, earlier: Earlier) -> None:
        """Take a card into the ledger that was written in this run."""
        self.ledger[ref] = earlier

    def plain(self, nsn: str) -> Judged | None:
        """Judge a plain home number; None where it must be weighed or asked about."""
        key = nsn[: self.home.block_digits] + _LENGTHS[len(nsn)]
        try:
            return self._plain[key]
        except KeyError:
            found = self.judged(Dialled(self.home.country_code, nsn, "national", 1))
            sure = not found.ambiguous and found.verdict != "ask" and self._is_plain(found.rule)
            sure = sure and not (found.verdict == "convert" and self.keeps_old(found.rule))
            self._plain[key] = answer = found if sure else None
            return answer

    def wrote(self, ref: str, value: str) -> bool:
        """Say whether we wrote this value into the card ourselves, which settles it."""
        earlier = self.ledger.get(ref)
        return bool(earlier and value in earlier.ours)

    def plain_of_ours(self, nsn: str) -> Judged | None:
        """Judge a plain home number that we wrote: it is kept; None where it is not that plain."""
        key = nsn[: self.home.block_digits] + _LENGTHS[len(nsn)]
        if key not in self._ours:
            found = self.judged(Dialled(self.home.country_code, nsn, "national", 1))
            kept = self.derived(found, "keep", "ours")
            self._ours[key] = kept if self._is_plain(found.rule) else None
        return self._ours[key]

    def _is_plain(self, rule: Rule | None) -> bool:
        """Say whether `0` and an NSN is read in one way only and renumbered by replacing digits."""
        home = self.home
        kept = rule is None or not (
            rule.new_trunk is not None or rule.new_country_code or rule.adds_a_group
        )
        return kept and home.trunk_prefix == "0" and not (home.old_trunks or home.carrier_prefixes)

    def keeps_old(self, rule: Rule | None) -> bool:
        """Say whether the old numbers of a rule are to stand beside the new ones today."""
        return self.policy == "add" and rule is not None and phase(rule, self.today) == "dual"

    def reasons(self, judged: Judged) -> tuple[Why, ...]:
        """Return the reasons for a verdict that rests on the digits alone."""
        try:
            return self._reasons[judged]
        except KeyError:
            said = self._reasons[judged] = reasons(Number(None, None, judged))
            return said

    def swap(self, judged: Judged) -> Swap | None:
        """Return how a number is converted that is judged so; None where no rule fits."""
        try:
            return self._swaps[judged]
        except KeyError:
            rule, trunk = judged.rule, self.home.trunk_prefix
            if rule is None:
                return None
            why = self.reasons(judged)
            found = self._swaps[judged] = Swap(trunk + rule.old, trunk + rule.new, rule, why)
            return found

    def at_home(self, countries: tuple[str, ...]) -> bool:
        """Say whether all countries are the home country."""
        for country in countries:
            if country not in self._homes:
                self._homes[country] = fold(country) in set(map(fold, self.home.country_names))
            if not self._homes[country]:
                return False
        return True

    def harmless(self, labels: tuple[str, ...]) -> bool:
        """Say whether machine labels prove nothing about a number."""
        try:
            return self._harmless[labels]
        except KeyError:
            answer = self._harmless[labels] = not any("fax" in label for label in labels)
            return answer

    def judged(self, dialled: Dialled | None) -> Judged:
        """Judge a number by its digits alone; an ambiguous one waits for evidence."""
        if dialled is None:
            return UNCLEAR
        pack = self.packs.get(dialled.country_code)
        nsn = dialled.nsn
        abroad = dialled.country_code != self.home.country_code
        if pack is None or (abroad and not pack.rules_for(nsn)):
            return self._foreign_number(dialled)
        form = dialled.form if dialled.form in ("short", "no-trunk") else ""
        digits = nsn if form else nsn[: pack.block_digits]
        key = (dialled.country_code + form, len(nsn), digits)
        try:
            return self._blocks[key]
        except KeyError:
            found = self._dated(judge_digits(pack, self.judge, dialled), pack.range_of(nsn))
            if found.ambiguous or found.code == "current":
                found = replace(found, made_by=pack.rule_into(nsn))
            if abroad:
                found = replace(found, abroad=True)
                plain = found.verdict == "keep" and not found.ambiguous
                found = self._foreign_number(dialled) if plain else found
            self._blocks[key] = found
            return found

    def _dated(self, judged: Judged, present: Range | None) -> Judged:
        """Heed the days of the rule: before them nothing changes.

        An old number that phonenumbers accepts is not ambiguous by that alone while it still
        connects, or where phonenumbers cannot know of the change yet; it is where the pack says
        that others use it.
        """
        rule = judged.rule
        if rule is None or judged.code == "no-such-line":
            return judged
        now = phase(rule, self.today)
        if now == "before" or (now == "dual" and self.policy == "wait"):
            code = "not-yet" if now == "before" else "waits"
            kind = rule.kind if judged.kind == "unreadable" else judged.kind
            return replace(judged, verdict="keep", code=code, ambiguous=False, kind=kind)
        known = now == "after" and rule.cutoff <= KNOWS_UNTIL
        if judged.code != "also-valid-today" or present or known:
            return judged
        code = "under-way" if now == "dual" else "withdrawn"
        return with_verdict(replace(judged, ambiguous=False), "convert", code)

    def _foreign_number(self, dialled: Dialled) -> Judged:
        code = dialled.country_code
        if code not in self._foreign:
            self._foreign[code] = Judged(
                "keep", "foreign", "foreign", country_code=code, abroad=True
            )
        return self._foreign[code]

    def derived(self, judged: Judged, verdict: Verdict, code: str) -> Judged:
        """Return the same judgement with another verdict and reason, one value for all."""
        key = (judged, verdict, code)
        try:
            return self._derived[key]
        except KeyError:
            found = self._derived[key] = with_verdict(judged, verdict, code)
            return found
