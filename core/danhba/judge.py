"""Is this a valid number, and of which kind? phonenumbers' verdict, asked once per block."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeAlias

from phonenumbers import PhoneNumber, PhoneNumberType, number_type

Kind: TypeAlias = Literal[
    "mobile", "fixed", "fixed-or-mobile", "voip", "toll-free", "premium", "service", "short"
]

KNOWS_UNTIL = date(2026, 11, 1)
"""No renumbering later than this can be in phonenumbers 9.0.43, the oldest version we take: what it
says of the old numbers is what they were."""

_KINDS: dict[int, Kind] = {
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


class Judge:
    """phonenumbers' verdicts, remembered; independent of every numbering pack.

    One judge serves a whole run: an address book of a million numbers asks phonenumbers (about
    12 µs a number) some thousand times and a dictionary otherwise.
    """

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, int, str], Kind | None] = {}

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
            return verdict


def _ask(country_code: str, nsn: str) -> Kind | None:
    """Ask phonenumbers itself; a number that is nothing but zeros, or empty, is not valid."""
    zeros = len(nsn) - len(nsn.lstrip("0"))
    if zeros == len(nsn):
        return None
    number = PhoneNumber(
        country_code=int(country_code),
        national_number=int(nsn),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    return _KINDS.get(number_type(number))
