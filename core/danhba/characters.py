"""What does a character of a phone field read as, to a person who reads it?"""

from __future__ import annotations

from unicodedata import category, combining, decimal, normalize

UNSEEN = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


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
    **dict.fromkeys(LINE_ENDS, "\n"),
}
_FOLDS = _Folds()


def fold_char(char: str) -> str | None:
    """Return what a character reads as; None when it cannot be seen."""
    return _FOLDS[ord(char)]


def folded(text: str) -> str:
    """Return what a text reads as."""
    return text.translate(_FOLDS)
