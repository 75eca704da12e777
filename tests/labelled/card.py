"""A labelled card: a vCard of our own making, and what must become of each number on it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

VERDICTS = frozenset(("convert", "keep", "ask"))
PERSON = ("N:Mẫu;Thẻ;;;", "FN:Thẻ Mẫu")
COMPANY = ("N:;;;;", "FN:Công ty Mẫu", "ORG:Công ty Mẫu")

_BEHIND = re.compile(
    r"(?i);ext=|[ (]*\b(?:ext|máy lẻ|may le|nhánh|nhanh|số nội bộ|so noi bo)\b| x ?\d|#"
)


@dataclass(frozen=True)
class Tel:
    """A phone field.

    Attributes:
        value: The number as it is written on the card.
        expect: The verdict; several with `|` between them, where the rules leave it open.
        to: The digits of the converted number, with the prefix it was written with; `+` stays.
        params: What stands between TEL and the colon, such as `;TYPE=FAX`.
        label: A label a person typed (X-ABLabel).
    """

    value: str
    expect: str = "keep"
    to: str = ""
    params: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        assert self.allowed <= VERDICTS, self.expect
        assert bool(self.to) == ("convert" in self.allowed), self

    @property
    def allowed(self) -> frozenset[str]:
        """The verdicts that are right."""
        return frozenset(self.expect.split("|"))


@dataclass(frozen=True)
class Labelled:
    """A card with labels.

    Attributes:
        about: The class it belongs to, by which results are counted.
        tels: Its phone fields; no value twice.
        lines: Its other lines, as they stand in the vCard.
        name: Its lines that name a person or a company.
        version: The vCard version.
    """

    about: str
    tels: tuple[Tel, ...]
    lines: tuple[str, ...] = ()
    name: tuple[str, ...] = PERSON
    version: str = "3.0"

    def __post_init__(self) -> None:
        values = [one.value for one in self.tels]
        assert len(set(values)) == len(values), self

    def vcard(self, uid: str) -> str:
        """Return the card as text with CRLF line ends."""
        lines = ["BEGIN:VCARD", f"VERSION:{self.version}", f"UID:{uid}", *self.name, *self.lines]
        for number, one in enumerate(self.tels, 1):
            lines += _tel_lines(number, one)
        return "".join(f"{line}\r\n" for line in (*lines, "END:VCARD"))


def _tel_lines(number: int, one: Tel) -> Iterator[str]:
    group = f"item{number}." if one.label else ""
    yield f"{group}TEL{one.params}:{one.value}"
    if one.label:
        yield f"{group}X-ABLabel:{one.label}"


def digits(text: str) -> str:
    """Return the digits of a number as it is dialled, without an extension; a leading + stays."""
    number = _BEHIND.split(text)[0]
    plus = "+" if re.search(r"\+\s*\d", number) else ""
    return plus + "".join(str(unicodedata.digit(char)) for char in number if char.isdigit())


def tel(value: str, expect: str = "keep", to: str = "", params: str = "", label: str = "") -> Tel:
    """Return a phone field; `to` may be written as people write numbers."""
    return Tel(value, expect, digits(to), params, label)
