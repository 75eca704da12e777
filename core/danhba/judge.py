"""Is this a valid number, and of which kind? phonenumbers' verdict, asked once per block."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from danhba import cache as kept

Kind: TypeAlias = Literal[
    "mobile", "fixed", "fixed-or-mobile", "voip", "toll-free", "premium", "service", "short"
]
Asked: TypeAlias = tuple[str, int, str, Kind | None]
"""Country calling code, length and first digits of the numbers of a block, and the verdict."""

KNOWS_UNTIL = date(2026, 11, 1)
"""No renumbering later than this can be in phonenumbers 9.0.43, the oldest version we take: what it
says of the old numbers is what they were."""
_CACHE = "judge"
_MOST_KEPT = 20_000
"""Verdicts kept between runs; a book of nothing but nonsense must not fill the disk."""


class Judge:
    """phonenumbers' verdicts, remembered; independent of every numbering pack.

    One judge serves a whole run: an address book of a million numbers asks phonenumbers (about
    12 µs a number) some thousand times and a dictionary otherwise. The command line keeps the
    verdicts from run to run, as long as phonenumbers is of the same version.
    """

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, int, str], Kind | None] = {}
        self._asked: list[Asked] = []
        self.learn(kept.recall(_CACHE, _version(), list[Asked]) or ())
        self._kept = len(self._verdicts)

    def kind(self, country_code: str, nsn: str, block: int) -> Kind | None:
        """Say what a number is today; None when it is not a valid number of the country code.

        Args:
            country_code: Digits of the country calling code, such as `84`.
            nsn: Digits of the national significant number; leading zeros belong to it.
            block: How many first digits of `nsn`, together with its length, decide its validity:
                the pack's `block_digits`. All numbers of a block get the verdict of the first.
        """
        key = (country_code, len(nsn), nsn[:block])
        try:
            return self._verdicts[key]
        except KeyError:
            verdict = self._verdicts[key] = _ask(country_code, nsn)
            if len(key[2]) < len(nsn):  # else it is somebody's number, not a block
                self._asked.append((*key, verdict))
            return verdict

    def asked(self) -> list[Asked]:
        """Return what phonenumbers was asked since the last call."""
        asked, self._asked = self._asked, []
        return asked

    def learn(self, asked: Iterable[Asked]) -> None:
        """Take verdicts over from another judge."""
        for country_code, length, first, verdict in asked:
            self._verdicts[country_code, length, first] = verdict

    def keep(self) -> None:
        """Keep the verdicts for later runs, if there are new ones."""
        blocks = [(*key, kind) for key, kind in self._verdicts.items() if len(key[2]) < key[1]]
        if self._kept < len(blocks) <= _MOST_KEPT:
            kept.keep(_CACHE, _version(), blocks)


@cache
def _version() -> str:
    """Return a digest of the file that names the version of phonenumbers, without an import."""
    found = find_spec("phonenumbers")
    return sha256(Path(found.origin).read_bytes()).hexdigest() if found and found.origin else ""


def _ask(country_code: str, nsn: str) -> Kind | None:
    """Ask phonenumbers itself; a number that is nothing but zeros, or empty, is not valid."""
    from phonenumbers import PhoneNumber, number_type

    zeros = len(nsn) - len(nsn.lstrip("0"))
    if zeros == len(nsn):
        return None
    number = PhoneNumber(
        country_code=int(country_code),
        national_number=int(nsn),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    return _kinds().get(number_type(number))


@cache
def _kinds() -> dict[int, Kind]:
    """Return the kinds by their number in phonenumbers, whose import is slow."""
    from phonenumbers import PhoneNumberType

    return {
        PhoneNumberType.FIXED_LINE: "fixed",
        PhoneNumberType.MOBILE: "mobile",
        PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed-or-mobile",
        PhoneNumberType.VOIP: "voip",
        PhoneNumberType.TOLL_FREE: "toll-free",
        PhoneNumberType.PREMIUM_RATE: "premium",
        PhoneNumberType.SHARED_COST: "service",
        PhoneNumberType.PERSONAL_NUMBER: "service",
        PhoneNumberType.PAGER: "service",
        PhoneNumberType.UAN: "service",
        PhoneNumberType.VOICEMAIL: "service",
    }
