"""Which digits of a folded text make up a number, and which words belong to it?

The text is one without invisible marks, in plain characters (`danhba.characters`).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

_FULL = 9  # digits; no shorter number holds an area code, save few
GROUP = re.compile(r"\d+")  # digits that stand together
_LETTER = re.compile(r"[^\W\d_]")
_GLUED = re.compile(r"\d[.-]?[^\W\d_]|[^\W\d_]-?\d")
_SPACED_DASH = re.compile(r" +- *| *- +")
_REMARK = re.compile(r"24/7|\d+ *[^\W\d_]")
_CLOSED_WITHIN = re.compile(r"[\d .-]+\)[ .-]*\d")
_JOINT = re.compile(r"(?! +- *$| *- +$)[ .()\[\]-]*")
_PAUSE = re.compile(r" *,| *,(?: *,)+ *|[,; ]*[pw][,; pw]*")
_PAUSE_AT_END = re.compile(r" *(?:, *,|[pw])[,; pw]*")
_EXT = re.compile(
    r"(?:^|(?<=\W)|(?<=\d))(?:ext(?:ension|n)?|(?:so )?may (?:le|nhanh|phu)|ml|(?:so )?noi bo"
    r"|nhanh|so le)[ .:#=)]*\(?$|^[ ,.;:(-]*[x#][ .:#]*$"
)
_OR = re.compile(r"[ ,;/.)\]]*\b(?:hoac|hay|or|va|and)\b[ ,;/.:(\[]*")
_HARD = re.compile(r"[/;|&\n]|, |,$")
_BOUNDARY = re.compile(r"[/;|&\n]|, |\b(?:hoac|hay|or|va|and)\b")
_WEAK_BOUNDARY = re.compile(r" +- +")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)")
_NUMBERED = re.compile(r"[^\W\d_] *$")


class Run(NamedTuple):
    """Digits that belong together, by their place in the folded text.

    Attributes:
        head: Index of the first bracket, plus or digit.
        first: Index of the first digit.
        end: Index behind the last digit.
        digits: The digits.
        plus: Whether a plus stands before them.
        groups: How many groups of digits there are.
    """

    head: int
    first: int
    end: int
    digits: str
    plus: bool
    groups: int

    @property
    def full(self) -> bool:
        """Whether it needs no further digits, so that a bracket behind it begins a remark."""
        return len(self.digits) >= _FULL

    @property
    def complete(self) -> bool:
        """Whether this can be a whole number by itself, area code included."""
        count = len(self.digits)
        if count >= _FULL:
            return True
        if self.plus or self.digits[0] == "0":
            return count >= 7
        return count == 8 and self.digits.startswith(("1800", "1900"))

    def join(self, other: Run) -> Run:
        """Return one run of this and a later one."""
        digits, groups = self.digits + other.digits, self.groups + other.groups
        return self._replace(end=other.end, digits=digits, groups=groups)


class Draft(NamedTuple):
    """A number on its way to `Written`: its run, and slices of the folded text beside it."""

    run: Run
    end: int
    before: tuple[int, int]
    ext: str = ""
    amid: tuple[int, int] = (0, 0)
    behind: tuple[int, int] = (0, 0)


def read_drafts(text: str) -> tuple[list[Draft], str]:
    """Read the numbers of a folded text; return them with the trouble met, if any."""
    runs = _runs(text)
    drafts: list[Draft] = []
    for run in runs:
        trouble = _take(text, drafts, run) if drafts else _start(text, drafts, run, runs)
        if trouble:
            return (drafts, trouble) if trouble == "partial-second" else ([], trouble)
    trouble = _judge(text, drafts)
    if trouble:
        return [], trouble
    if text[drafts[-1].end :].strip():
        drafts[-1] = drafts[-1]._replace(behind=(drafts[-1].end, len(text)))
    return _share_words(text, drafts), ""


def _runs(text: str) -> list[Run]:
    """Collect the digits that nothing but separators and brackets divides."""
    runs: list[Run] = []
    end = 0
    for match in GROUP.finditer(text):
        gap = text[end : match.start()]
        head = match.start() - len(gap) + len(gap.rstrip("+([ "))
        plus = "+" in text[head : match.start()]
        run = Run(head, match.start(), match.end(), match[0], plus, 1)
        if runs and _JOINT.fullmatch(gap) and not _is_remark(text, gap, runs[-1], match.start()):
            runs[-1] = runs[-1].join(run)
        else:
            runs.append(run)
        end = match.end()
    return runs


def _is_remark(text: str, gap: str, run: Run, begin: int) -> bool:
    """Tell whether the digits at `begin` stand in a remark, as in `08 3812 3456 (5 lines)`."""
    if "(" not in gap:
        return False
    return bool(_REMARK.match(text, begin) or (run.full and not _CLOSED_WITHIN.match(text, begin)))


def _start(text: str, drafts: list[Draft], run: Run, runs: list[Run]) -> str:
    """Take the first run, unless it only counts a label (`DĐ 2: …`); return the trouble."""
    before = text[: run.head]
    if run is not runs[-1] and len(run.digits) < 5 and _LETTER.search(before[-3:]):
        return ""
    return _add(text, drafts, run, (0, run.head))


def _add(text: str, drafts: list[Draft], run: Run, before: tuple[int, int]) -> str:
    """Begin another number; return the trouble."""
    counted = not run.plus and run.digits[0] != "0" and text.startswith(" 0", run.first + 1)
    if counted and _NUMBERED.search(text[slice(*before)]):
        return "unclear"
    if len(run.digits) > 15 or text.count("+", run.head, run.first) > 1:
        return "unclear"
    drafts.append(Draft(run, run.end, before))
    return ""


def _take(text: str, drafts: list[Draft], run: Run) -> str:
    """Take a further run: as part of the last number, its extension, a new number or mere words."""
    last = drafts[-1]
    gap = text[last.end : run.head]
    if _PAUSE.fullmatch(text, last.end, run.first) or (gap == ";" and not run.complete):
        return "pause"
    if _may_extend(last, run) and (mark := _EXT.search(gap)):
        return _extend(drafts, run, mark.start())
    if _is_one_number(last, run, text[last.end : run.first]):
        drafts[-1] = last._replace(run=last.run.join(run), end=run.end)
        return "" if len(drafts[-1].run.digits) <= 15 else "unclear"
    if last.run.complete and run.complete:
        return _add(text, drafts, run, (last.end, run.head))
    bracket = text.find("(", last.end, run.first)
    remark = bracket >= 0 and _REMARK.match(text, bracket + 1)
    worded = bool(remark or _LETTER.search(gap)) and not _OR.fullmatch(gap)
    if worded and len(run.digits) < 5:
        return ""
    divided = worded or _OR.fullmatch(gap) or _HARD.search(gap) or _SPACED_DASH.fullmatch(gap)
    return "partial-second" if divided and len(last.run.digits) > 6 else "unclear"


def _may_extend(last: Draft, run: Run) -> bool:
    """Tell whether a run is short enough for an extension, and the last number may have one."""
    return not (last.ext or run.plus) and len(last.run.digits) > 6 and len(run.digits) < 9


def _extend(drafts: list[Draft], run: Run, mark: int) -> str:
    """Take a run as the last number's extension; `mark` is where its mark starts in the gap."""
    if run.groups > 1:
        return "unclear"
    last = drafts[-1]
    amid = (last.end, last.end + mark)
    drafts[-1] = last._replace(end=run.end, ext=run.digits, amid=amid)
    return ""


def _is_one_number(last: Draft, run: Run, gap: str) -> bool:
    """Tell whether a spaced dash or a slash stands within one number (`024 - 3812 3456`)."""
    left, right = len(last.run.digits), len(run.digits)
    if last.ext or run.plus:
        return False
    if _SPACED_DASH.fullmatch(gap):
        return left < _FULL and not (left == 8 and last.run.complete and right >= 8)
    led = last.run.plus or last.run.digits[0] == "0"
    return gap.strip() == "/" and led and 2 <= left <= 7 and 6 <= right <= 8 and not run.complete


def _judge(text: str, drafts: list[Draft]) -> str:
    """Look at what was read as a whole; return the trouble."""
    rest = text[drafts[-1].end :]
    if rest and _PAUSE_AT_END.fullmatch(rest):
        return "pause"
    if "#" in rest or "+" in rest:
        return "unclear"
    whole = any(draft.run.complete or draft.ext for draft in drafts)
    if not whole and _GLUED.search(text):
        return "letters"
    return ""


def _share_words(text: str, drafts: list[Draft]) -> list[Draft]:
    """Give the text between two numbers to the one it belongs to.

    A text in brackets belongs to the number before it. Without a boundary (`/`, `hoặc`, …) labels
    stand before their numbers, unless the first number has none and the last has one behind.
    """
    first, last = drafts[0], drafts[-1]
    labelled = _LETTER.search(text[slice(*first.before)])
    trailing = not labelled and bool(_LETTER.search(text[slice(*last.behind)]))
    shared = list(drafts)
    for i, (left, right) in enumerate(pairwise(drafts)):
        begin, end = right.before
        bracket = _IN_BRACKETS.match(text, begin, end)
        resume = bracket.end() if bracket else begin
        area = resume, right.run.first
        boundary = _BOUNDARY.search(text, *area) or _WEAK_BOUNDARY.search(text, *area)
        middle = end if trailing else resume
        cut, resume = (boundary.start(), boundary.end()) if boundary else (middle, middle)
        shared[i] = shared[i]._replace(behind=(left.end, cut))
        shared[i + 1] = right._replace(before=(resume, end))
    return shared
