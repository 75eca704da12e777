"""Which numbers stand in a phone field, with which digits?

Nothing here knows a numbering rule; what the digits mean to somebody who dials them says
`danhba.dialling`.
"""

from __future__ import annotations

import re

from msgspec import Struct

from danhba.characters import LINE_ENDS, UNSEEN, fold_char, folded
from danhba.grouping import GROUP, Draft, Run, read_drafts


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


# --- the patterns, all on folded text ------------------------------------------------------------

_LONGEST = 500  # characters; no longer text is a phone field that can be read with certainty
_PLAIN = re.compile(
    r"(?:\+|\(\+?[0-9]++(?:[ -][0-9]++)?\)[ .-]?)?[0-9]++"
    r"(?: ?\([0-9]++\) ?[0-9]++)?(?:[ .-][0-9]++)*+(?<!\.0)"
).fullmatch
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
_URI = re.compile(r"\s*tel:(?=[+(\d])")
_URI_PARAMETERS = re.compile(r";(?=[a-z])")
_BARE_PARAMETERS = re.compile(r";(?=(?:ext|isub|phone-context|postd)=)")
_EXT_PARAMETER = re.compile(r";ext=([\d.() -]+)")
_OUTER = " \t\xa0\u202f:;,./|&=-–—'\"" + LINE_ENDS + UNSEEN


# --- values that are not of the plain shape ------------------------------------------------------


def _scan_any(value: str) -> Scan:
    """Scan a value of any shape."""
    if len(value) > _LONGEST:
        return Scan((), "unclear" if value.strip() else "empty")
    text = folded(value)
    if text != value and len(text) == len(value) and _PLAIN(text):
        return scan(text)
    body, ext, trouble = _cut_uri(text)
    trouble = trouble or _hopeless(body)
    if trouble:
        return Scan((), trouble)
    drafts, trouble = read_drafts(body)
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
    digits = "".join(GROUP.findall(ext[1])) if ext else ""
    return " " * begin + text[begin:end], digits, "pause" if ";postd=" in parameters else ""


def _hopeless(text: str) -> str:
    """Say why a text cannot be read at all, or return an empty string."""
    bare = text.strip()
    if not bare:
        return "empty"
    if _NOT_A_PHONE.search(bare):
        return "not-a-phone"
    if not GROUP.search(bare):
        return "no-digits"
    if _USSD.fullmatch(bare):
        return "ussd"
    if _PAUSED.search(bare):
        return "pause"
    if _MASKED.search(bare):
        return "letters"
    unclear = _STRANGE.search(bare) or _IDENTITY.search(bare) or _DATE.search(bare)
    return "unclear" if unclear or _SPREADSHEET.fullmatch(bare) else ""


def _index(value: str, text: str) -> range | list[int]:
    """Return for each character of the folded text its index in the value, and the value's end."""
    if len(value) == len(text):
        return range(len(value) + 1)
    seen = [i for i, char in enumerate(value) if fold_char(char) is not None]
    return [*seen, len(value)]


def _written(value: str, text: str, index: range | list[int], draft: Draft) -> Written:
    """Turn a draft into a number with its place in the value."""
    run = draft.run
    spans = (draft.before, draft.amid, draft.behind)
    words = (_clean(value[index[begin] : index[end]]) for begin, end in spans if begin < end)
    start, end = index[_first_character(text, run)], index[run.end - 1] + 1
    beside = " ".join(filter(None, words))
    return Written(start, end, run.digits, run.plus, draft.ext, beside)


def _first_character(text: str, run: Run) -> int:
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
