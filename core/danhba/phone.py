"""What are the digits of a written number, and how do new digits look in its old spelling?

`scan` finds the numbers in a phone field, `dial` says what their digits mean to somebody who dials
them, `respell` writes other digits into the same spelling. Nothing here knows a numbering rule.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from unicodedata import category, combining, decimal, normalize

from msgspec import Struct


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


class Written(Struct, frozen=True):
    """One number as it is written inside a value.

    Attributes:
        start: Index in the value of its first character: plus, digit, or a bracket closed within.
        end: Index behind its last digit; the extension lies beyond.
        digits: Its digits as ASCII, without plus and extension.
        plus: Whether a plus stands before them.
        ext: The extension's digits as ASCII, or an empty string.
        words: Text right beside the number, such as `Fax` or `anh Nam`, without outer punctuation.
    """

    start: int
    end: int
    digits: str
    plus: bool
    ext: str = ""
    words: str = ""


class Scan(Struct, frozen=True):
    """The numbers in one value, in the order written.

    Attributes:
        numbers: The numbers that can be read.
        trouble: Why not everything can be read with certainty, or an empty string: `empty`,
            `no-digits`, `ussd`, `pause`, `letters`, `not-a-phone`, `partial-second`, `unclear`.
            A value in trouble must not be changed, even where numbers were found.
    """

    numbers: tuple[Written, ...] = ()
    trouble: str = ""


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


INTERNATIONAL = frozenset({"international", "prefix", "bare"})
"""The forms that name a country code."""


def scan(value: str) -> Scan:
    """Find the numbers in a phone field; never raises, takes time linear in the value's length."""
    if value.isdigit() and value.isascii():
        if 8 < (count := len(value)) < 16:
            return Scan((Written(0, count, value, plus=False),))
    elif _PLAIN(value):
        digits = value.encode().translate(None, b"+ .-()").decode()
        if 8 < len(digits) < 16:
            return Scan((Written(0, len(value), digits, "+" in value),))
    return _scan_any(value)


def plain_nsn(value: str, plus: str) -> str:
    """Return the NSN of a field that is one number in a plain home form; else an empty string.

    A shortcut for `scan` and `dial`, which give the same for these forms: `0` and the NSN, or the
    country code with its plus and the NSN, of 9 to 11 digits, where the trunk prefix is 0.

    Args:
        value: The whole value of a phone field.
        plus: The home country's code with its plus, `+84`.
    """
    if value.isdigit() and value.isascii():
        digits = value
    elif _PLAIN(value):
        digits = value.encode().translate(None, b" .-()").decode()
    else:
        return ""
    if digits[0] == "0":
        nsn = digits[1:]
    elif digits.startswith(plus):
        nsn = digits[len(plus) :]
    else:
        return ""
    return nsn if 8 < len(nsn) < 12 and nsn[0] != "0" else ""


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


def respell(value: str, written: Written, at: int, strip: int, put: str) -> str:
    """Replace some digits of a number and keep its spelling.

    New digits take the places of the old ones from the right; surplus new digits go before the
    first of them. Where digits vanish, separators among the replaced ones go if they would stand
    double or first; no other character moves. The result reads back as the new digits as long as
    the number stays a complete one, of 9 to 15 digits.

    Args:
        value: The whole value that was scanned.
        written: The number in it.
        at: Index in `written.digits` of the first digit to be replaced.
        strip: How many digits are replaced.
        put: The new digits, ASCII.
    """
    first = _place(value, written, at)
    if put and value[first : first + strip].isdigit() and value[first : first + strip].isascii():
        together = value[first : first + strip]
        if len(together) == strip > 0 and first + strip <= written.end:
            return value[:first] + put + value[first + strip :]
    places = [i for i in range(written.start, written.end) if value[i].isdecimal()]
    if not 0 <= at <= at + strip <= len(places):
        raise ValueError(f"digits {at} to {at + strip} of a number of {len(places)}")
    surplus = len(put) - strip
    if surplus < 0:
        return _shrink(value, written, places, at, strip, put)
    chars = list(value)
    for place, digit in zip(places[at : at + strip], put[surplus:], strict=True):
        chars[place] = _like(value[place], digit)
    model = value[places[min(at, len(places) - 1)]] if places else "0"
    behind = places[at] if at < len(places) else written.end
    chars.insert(behind, "".join(_like(model, digit) for digit in put[:surplus]))
    return "".join(chars)


# --- dial ---------------------------------------------------------------------------------------

_SHORTEST_WITH_TRUNK = 6
_SHORTEST_WITH_CODE = 7
_SHORTEST_ABROAD = 4


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


# --- respell ------------------------------------------------------------------------------------


def _place(value: str, written: Written, at: int) -> int:
    """Return the index in the value of a digit of the number; the value's end when it has none."""
    for place in range(written.start, written.end):
        if value[place].isdecimal():
            if at == 0:
                return place
            at -= 1
    return len(value)


def _like(model: str, digit: str) -> str:
    """Write an ASCII digit in the script of another digit; scripts keep 0 to 9 in a row."""
    return chr(ord(model) - decimal(model) + int(digit))


def _shrink(value: str, written: Written, places: list[int], at: int, strip: int, put: str) -> str:
    """Write fewer digits than there were.

    The first of the replaced digits vanish, or later ones where that leaves the brackets in order.
    """
    fewer = strip - len(put)
    windows = [range(at + i, at + i + fewer) for i in range(len(put) + 1)]
    bounds = [_around(written, places, window) for window in windows]
    inside = range(places[at] + 1, places[at + strip - 1])
    rests = [
        _rest(value, slice_, {places[i] for i in window}, inside, edge=_at_edge(written, slice_))
        for window, slice_ in zip(windows, bounds, strict=True)
    ]
    best = next((i for i, rest in enumerate(rests) if not _TORN.search(_folded(rest))), 0)
    chars = list(value)
    kept = [i for i in range(at, at + strip) if i not in windows[best]]
    for i, digit in zip(kept, put, strict=True):
        chars[places[i]] = _like(value[places[i]], digit)
    chars[slice(*bounds[best])] = rests[best]
    return "".join(chars)


def _around(written: Written, places: list[int], window: range) -> tuple[int, int]:
    """Return the value's slice between the digits left and right of the vanishing ones."""
    left = places[window.start - 1] + 1 if window.start else written.start
    right = places[window.stop] if window.stop < len(places) else written.end
    return left, right


def _at_edge(written: Written, bounds: tuple[int, int]) -> bool:
    """Tell whether a slice lies at an end of the number, where no separator may stand."""
    return bounds[0] == written.start or bounds[1] == written.end


def _rest(
    value: str, bounds: tuple[int, int], vanishing: set[int], inside: range, *, edge: bool
) -> str:
    """Return what stays between two digits when those between them vanish.

    Of the separators among the replaced digits, those behind the last vanishing one stay, unless
    something else stands before them.
    """
    last = max(vanishing)
    stay = [i for i in range(*bounds) if i not in vanishing]
    loose = [i for i in stay if i in inside and _fold_char(value[i]) in _SEPARATORS]
    fixed = [i for i in stay if i not in loose and _fold_char(value[i]) is not None]
    doubled = edge or any(i < last for i in fixed) or any(i not in inside for i in fixed)
    return "".join(value[i] for i in stay if i not in loose or (i > last and not doubled))


# --- scan: the characters -----------------------------------------------------------------------

_SEPARATORS = frozenset(" .-/")
_TORN = re.compile(r"[(\[ .-][)\]]|[(\[][ .-]")
_UNSEEN = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class _Folds(dict[int, "str | None"]):
    """A table for `str.translate` that reads like a person: one plain character for each, or none.

    Digits of all scripts become ASCII, dashes `-`, spaces a space, letters lower case without
    accents (đ becomes d); marks that cannot be seen, and accents written apart, vanish.
    """

    def __missing__(self, code: int) -> str | None:
        self[code] = fold = self._fold(chr(code))
        return fold

    @staticmethod
    def _fold(char: str) -> str | None:
        kind = category(char)
        if kind in _FOLD_OF_KIND:
            return _FOLD_OF_KIND[kind]
        if kind == "Nd":
            return str(decimal(char))
        if char in _FOLD_OF_CHAR:
            return _FOLD_OF_CHAR[char]
        base = normalize("NFKD", char)
        if kind in ("No", "Nl", "So") or not all(map(combining, base[1:])):
            return char
        return base.lower()[:1]


_FOLD_OF_KIND: dict[str, str | None] = {"Cf": None, "Mn": None, "Me": None, "Pd": "-", "Zs": " "}
_FOLD_OF_CHAR = {
    "\t": " ",
    "\u2212": "-",  # minus
    "\u2043": "-",  # hyphen bullet
    "đ": "d",
    "Đ": "d",
    **dict.fromkeys("·•∙⋅・‧", "."),
    **dict.fromkeys(_LINE_ENDS, "\n"),
}
_FOLDS = _Folds()


def _fold_char(char: str) -> str | None:
    """Return what a character reads as; None when it cannot be seen."""
    return _FOLDS[ord(char)]


def _folded(text: str) -> str:
    """Return what a text reads as."""
    return text.translate(_FOLDS)


# --- scan: the patterns, all on folded text -------------------------------------------------------

_FULL = 9  # digits; no shorter number holds an area code, save few
_LONGEST = 500  # characters; no longer text is a phone field that can be read with certainty
_PLAIN = re.compile(
    r"(?:\+|\(\+?[0-9]++(?:[ -][0-9]++)?\)[ .-]?)?[0-9]++"
    r"(?: ?\([0-9]++\) ?[0-9]++)?(?:[ .-][0-9]++)*+(?<!\.0)"
).fullmatch
_LETTER = re.compile(r"[^\W\d_]")
_NOT_A_PHONE = re.compile(
    r"@|://|\bwww\.|\b(?:sips?|mailto|xmpp|skype|https?|ftp|im|aim|icq|urn)\s?:"
)
_USSD = re.compile(r"[*#][\d*# ]+|\d{1,4}#|\d+\*[\d*]*#")
_PAUSED = re.compile(r"(?:^|\d)[pw]+\d")
_STRANGE = re.compile(r"[*\\%^<>{}~$§]")
_IDENTITY = re.compile(r"\b(?:cmnd|cmtnd|cmt|cccd|mst|stk|passport|ho chieu|ngay sinh)\b")
_SPREADSHEET = re.compile(r"\d{7,}\.0|\d(?:[.,]\d+)?e\+?\d+")
_DATE = re.compile(
    r"(?<![\d./-])(?:(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d"
    r"|(?:19|20)\d\d([./-])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01]))(?![./-]?\d)"
)
_MASKED = re.compile(r"\dx{2,}|\dx\W*$")
_GLUED = re.compile(r"\d[.-]?[^\W\d_]|[^\W\d_]-?\d")
_URI = re.compile(r"\s*tel:(?=[+(\d])")
_URI_PARAMETERS = re.compile(r";(?=[a-z])")
_BARE_PARAMETERS = re.compile(r";(?=(?:ext|isub|phone-context|postd)=)")
_EXT_PARAMETER = re.compile(r";ext=([\d.() -]+)")
_GROUP = re.compile(r"\d+")
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
_OUTER = " \t\xa0\u202f:;,./|&=-–—'\"" + _LINE_ENDS + _UNSEEN


# --- scan: values that are not of the plain shape -------------------------------------------------


class _Run(NamedTuple):
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

    def join(self, other: _Run) -> _Run:
        """Return one run of this and a later one."""
        digits, groups = self.digits + other.digits, self.groups + other.groups
        return self._replace(end=other.end, digits=digits, groups=groups)


class _Draft(NamedTuple):
    """A number on its way to `Written`: its run, and slices of the folded text beside it."""

    run: _Run
    end: int
    before: tuple[int, int]
    ext: str = ""
    amid: tuple[int, int] = (0, 0)
    behind: tuple[int, int] = (0, 0)


def _scan_any(value: str) -> Scan:
    """Scan a value of any shape."""
    if len(value) > _LONGEST:
        return Scan((), "unclear" if value.strip() else "empty")
    text = _folded(value)
    if text != value and len(text) == len(value) and _PLAIN(text):
        return scan(text)
    body, ext, trouble = _cut_uri(text)
    trouble = trouble or _hopeless(body)
    if trouble:
        return Scan((), trouble)
    drafts, trouble = _read(body)
    if ext and len(drafts) == 1:
        drafts = [drafts[0]._replace(ext=ext)]
    if not drafts:
        return Scan((), trouble)
    index = _index(value, text)
    return Scan(tuple(_written(value, body, index, draft) for draft in drafts), trouble)


def _cut_uri(text: str) -> tuple[str, str, str]:
    """Return the text without a tel: URI's scheme and parameters, its extension, its trouble."""
    scheme = _URI.match(text)
    cut = (_URI_PARAMETERS if scheme else _BARE_PARAMETERS).search(text)
    parameters = text[cut.start() :] if cut else ""
    begin, end = scheme.end() if scheme else 0, cut.start() if cut else len(text)
    ext = _EXT_PARAMETER.search(parameters)
    digits = "".join(_GROUP.findall(ext[1])) if ext else ""
    return " " * begin + text[begin:end], digits, "pause" if ";postd=" in parameters else ""


def _hopeless(text: str) -> str:
    """Say why a text cannot be read at all, or return an empty string."""
    bare = text.strip()
    if not bare:
        return "empty"
    if _NOT_A_PHONE.search(bare):
        return "not-a-phone"
    if not _GROUP.search(bare):
        return "no-digits"
    if _USSD.fullmatch(bare):
        return "ussd"
    if _PAUSED.search(bare):
        return "pause"
    if _MASKED.search(bare):
        return "letters"
    unclear = _STRANGE.search(bare) or _IDENTITY.search(bare) or _DATE.search(bare)
    return "unclear" if unclear or _SPREADSHEET.fullmatch(bare) else ""


def _read(text: str) -> tuple[list[_Draft], str]:
    """Read the numbers of a folded text; return them with the trouble met, if any."""
    runs = _runs(text)
    drafts: list[_Draft] = []
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


def _runs(text: str) -> list[_Run]:
    """Collect the digits that nothing but separators and brackets divides."""
    runs: list[_Run] = []
    end = 0
    for match in _GROUP.finditer(text):
        gap = text[end : match.start()]
        head = match.start() - len(gap) + len(gap.rstrip("+([ "))
        plus = "+" in text[head : match.start()]
        run = _Run(head, match.start(), match.end(), match[0], plus, 1)
        if runs and _JOINT.fullmatch(gap) and not _is_remark(text, gap, runs[-1], match.start()):
            runs[-1] = runs[-1].join(run)
        else:
            runs.append(run)
        end = match.end()
    return runs


def _is_remark(text: str, gap: str, run: _Run, begin: int) -> bool:
    """Tell whether the digits at `begin` stand in a remark, as in `08 3812 3456 (5 lines)`."""
    if "(" not in gap:
        return False
    return bool(_REMARK.match(text, begin) or (run.full and not _CLOSED_WITHIN.match(text, begin)))


def _start(text: str, drafts: list[_Draft], run: _Run, runs: list[_Run]) -> str:
    """Take the first run, unless it only counts a label (`DĐ 2: …`); return the trouble."""
    before = text[: run.head]
    if run is not runs[-1] and len(run.digits) < 5 and _LETTER.search(before[-3:]):
        return ""
    return _add(text, drafts, run, (0, run.head))


def _add(text: str, drafts: list[_Draft], run: _Run, before: tuple[int, int]) -> str:
    """Begin another number; return the trouble."""
    counted = not run.plus and run.digits[0] != "0" and text.startswith(" 0", run.first + 1)
    if counted and _NUMBERED.search(text[slice(*before)]):
        return "unclear"
    if len(run.digits) > 15 or text.count("+", run.head, run.first) > 1:
        return "unclear"
    drafts.append(_Draft(run, run.end, before))
    return ""


def _take(text: str, drafts: list[_Draft], run: _Run) -> str:
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


def _may_extend(last: _Draft, run: _Run) -> bool:
    """Tell whether a run is short enough for an extension, and the last number may have one."""
    return not (last.ext or run.plus) and len(last.run.digits) > 6 and len(run.digits) < 9


def _extend(drafts: list[_Draft], run: _Run, mark: int) -> str:
    """Take a run as the last number's extension; `mark` is where its mark starts in the gap."""
    if run.groups > 1:
        return "unclear"
    last = drafts[-1]
    amid = (last.end, last.end + mark)
    drafts[-1] = last._replace(end=run.end, ext=run.digits, amid=amid)
    return ""


def _is_one_number(last: _Draft, run: _Run, gap: str) -> bool:
    """Tell whether a spaced dash or a slash stands within one number (`024 - 3812 3456`)."""
    left, right = len(last.run.digits), len(run.digits)
    if last.ext or run.plus:
        return False
    if _SPACED_DASH.fullmatch(gap):
        return left < _FULL and not (left == 8 and last.run.complete and right >= 8)
    led = last.run.plus or last.run.digits[0] == "0"
    return gap.strip() == "/" and led and 2 <= left <= 7 and 6 <= right <= 8 and not run.complete


def _judge(text: str, drafts: list[_Draft]) -> str:
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


def _share_words(text: str, drafts: list[_Draft]) -> list[_Draft]:
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


def _index(value: str, text: str) -> range | list[int]:
    """Return for each character of the folded text its index in the value, and the value's end."""
    if len(value) == len(text):
        return range(len(value) + 1)
    seen = [i for i, char in enumerate(value) if _fold_char(char) is not None]
    return [*seen, len(value)]


def _written(value: str, text: str, index: range | list[int], draft: _Draft) -> Written:
    """Turn a draft into a number with its place in the value."""
    run = draft.run
    spans = (draft.before, draft.amid, draft.behind)
    words = (_clean(value[index[begin] : index[end]]) for begin, end in spans if begin < end)
    start, end = index[_first_character(text, run)], index[run.end - 1] + 1
    beside = " ".join(filter(None, words))
    return Written(start, end, run.digits, run.plus, draft.ext, beside)


def _first_character(text: str, run: _Run) -> int:
    """Return the index of the plus, of a bracket that is closed within the number, or the digit."""
    closed = sum(map(text[run.first : run.end].count, ")]"))
    for i in range(run.head, run.first):
        if text[i] == "+" or (text[i] in "([" and _opened(text, i, run.end) <= closed):
            return i
    return run.first


def _opened(text: str, begin: int, end: int) -> int:
    """Count the opening brackets in a slice of the text."""
    return text.count("(", begin, end) + text.count("[", begin, end)


def _clean(words: str) -> str:
    """Strip words of the punctuation around them, brackets included where they are a pair."""
    bare = words.strip(_OUTER)
    if bare.startswith(("(", "[")) and bare.endswith((")", "]")):
        return bare[1:-1].strip(_OUTER)
    return bare.rstrip("([").lstrip(")]").strip(_OUTER)
