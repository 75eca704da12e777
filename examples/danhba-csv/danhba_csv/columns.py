"""Which column holds the name, which the phones, which the key?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from unicodedata import combining, normalize

from danhba.errors import UsageError

_NAMES = (
    "ho va ten", "ho ten", "ten day du", "ten khach hang", "ten", "full name", "display name",
    "name", "contact name", "first name",
)  # fmt: skip
_KEYS = ("id", "uid", "uuid", "ma", "ma kh", "ma khach hang", "ma nv", "ma nhan vien")
_PHONE = re.compile(
    r"\b(dien thoai|di dong|so dt|dt|sdt|dtdd|phone|mobile|cell|cellphone|tel|telephone|fax)\b"
)
_NO_PHONE = re.compile(r"\b(type|label|loai|country|extension)\b")
_LABELS = {
    "cell": re.compile(r"\b(di dong|dtdd|mobile|cell|cellphone)\b"),
    "fax": re.compile(r"\bfax\b"),
    "home": re.compile(r"\b(home|nha rieng|nha)\b"),
    "work": re.compile(r"\b(work|business|office|co quan|cong ty)\b"),
}


class Columns(NamedTuple):
    """What the columns of a file hold, by their places in the row.

    Attributes:
        titles: The header, as text.
        name: The column with the name; None when there is none.
        phones: The columns with phones, at least one.
        key: The column that names the row; None when there is none.
    """

    titles: tuple[str, ...]
    name: int | None
    phones: tuple[int, ...]
    key: int | None


def find(titles: Sequence[str], name: str, phones: Sequence[str], key: str) -> Columns:
    """Find the columns: by the titles given, else by guessing.

    Raises:
        UsageError: A title that was given is not there, or no phone column was found.
    """
    plain = [_plain(title) for title in titles]
    numbers = tuple(_place(titles, phone) for phone in phones) or tuple(_phones(plain))
    if not numbers:
        raise UsageError(f"no phone column in the header; name it in `phones`: {_shown(titles)}")
    return Columns(
        titles=tuple(titles),
        name=_place(titles, name) if name else _first(plain, _NAMES),
        phones=numbers,
        key=_place(titles, key) if key else _first(plain, _KEYS),
    )


def labels(title: str) -> tuple[str, ...]:
    """Return the machine labels that a column's title stands for."""
    plain = _plain(title)
    return tuple(label for label, pattern in _LABELS.items() if pattern.search(plain))


def _place(titles: Sequence[str], title: str) -> int:
    if title not in titles:
        raise UsageError(f"no column {title} in the header: {_shown(titles)}")
    return titles.index(title)


def _phones(plain: Iterable[str]) -> Iterable[int]:
    for place, title in enumerate(plain):
        if _PHONE.search(title) and not _NO_PHONE.search(title):
            yield place


def _first(plain: Sequence[str], wanted: Iterable[str]) -> int | None:
    return next((plain.index(title) for title in wanted if title in plain), None)


def _plain(title: str) -> str:
    """Return a title without case, accents and punctuation: `Điện thoại (1)` is `dien thoai 1`."""
    letters = normalize("NFD", title.casefold()).replace("đ", "d")
    bare = "".join(letter for letter in letters if not combining(letter))
    return " ".join(re.findall(r"[^\W_]+", bare))


def _shown(titles: Iterable[str]) -> str:
    return ", ".join(titles)
