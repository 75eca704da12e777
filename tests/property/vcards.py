"""Books of vCards as real programs write them, drawn at random, each octet known for what it is.

A book is a row of parts. A part is the value of a phone field, the value of a REV line, or anything
else. So a test knows, without any parser, which octets a conversion may replace, and by what.
"""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from hypothesis import strategies as st

OLD_AND_NEW = (
    ("0168 123 4567", "038 123 4567"),
    ("01681234567", "0381234567"),
    ("0120.765.4321", "070.765.4321"),
    ("+84 168-123-4567", "+84 38-123-4567"),
    ("+841681234567", "+84381234567"),
    ("(0168) 123 4567", "(038) 123 4567"),
    ("04 3825 1234", "024 3825 1234"),
    ("0168 123 4567 (DD)", "038 123 4567 (DD)"),
    ("0168 123 4567 / 0912 345 678", "038 123 4567 / 0912 345 678"),
)
PRESENT = ("0912 345 678", "+84 24 3825 1234", "038 123 4567", "1900 1234", "1800 1090")
NO_NUMBERS = ("", "...", "ask Jenny", "*101*0168#", "01681234567w", "sip:01681234567@a.example")
LINE_ENDS = {
    "LF": ("\n",),
    "CRLF": ("\r\n",),
    "CR": ("\r",),
    "CRCRLF": ("\r\r\n",),
    "mixed": ("\n", "\r\n"),
}
ENCODINGS = (
    "utf-8",
    "utf-8 bom",
    "cp1252",
    "latin-1",
    "utf-16-be",
    "utf-16-le",
    "utf-16-be bom",
    "utf-16-le bom",
)
PLAIN_PARAMS = (
    "",
    ";CELL",
    ";WORK;VOICE",
    ";TYPE=CELL,VOICE",
    ";type=HOME;type=pref",
    ";PREF=1;TYPE=HOME",
)
ODD_PARAMS = (
    ";",
    ";TYPE=",
    ';TYPE="HOME,VOICE"',
    ';X-COUCHDB-UUID="8f:1c;2";TYPE=CELL',
    ";waid=841681234567",
    ";X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=70=72:=69)",
    ";CHARSET=UTF-8",
    ";VALUE=text",
    ";PID=3.1,4.2;TYPE=home",
    ";X-EVOLUTION-UI-SLOT=1;TYPE=HOME",
    ";TYPE=VOICE;MSG,WORK",
    ";x-mobil",
)
SOFT_PARAMS = (
    ";CELL;ENCODING=QUOTED-PRINTABLE",
    ";WORK;QUOTED-PRINTABLE",
    ";CHARSET=UTF-8;ENCODING=quoted-printable",
)
NAMES = ("TEL", "TEL", "TEL", "tel", "Tel", "item1.TEL", "WORK.TEL", "item-2.tel")
STAMPS = (
    "2018-01-31T07:00:00Z",
    "20180131T070000Z",
    "2018-01-31",
    "20180131",
    "",
    "yesterday",
    "2018-01-31T07:00:00.5+07:00",
)
OTHER_LINES = (
    "N:Nguyễn;Văn An;;;",
    "FN:An, Bình",
    "ORG:Công ty;",
    "NOTE:gọi 0168 123 4567",
    "X-MS-TEL:01681234567",
    "NOTE:a\\, TEL:01681234567",
    "EMAIL:tel@example.org",
    "X-QQ:01681234567",
    "ADR;TYPE=WORK:;;1 Lê Lợi;Huế;;;Việt Nam",
    "IMPP:tel:+841681234567",
    "MEMBER:tel:+841681234567",
    "URL:http\\://example.org/?TEL:0168",
    "PRODID:-//T//EN",
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD0168",
    "item1.X-ABLabel:_$!<Home>!$_",
    "X-ABLABEL:x",
    "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Nguy=E1=BB=85n",
    "KIND:individual",
    "CREATED:20100101",
    "TELEX:0168 123 4567",
    "X-TEL:0168 123 4567",
    "X-REV:20180131",
    "BDAY:2001-02-03",
    "item1.X-ABLabel:Zalo",
)
JUNK_LINES = (
    "",
    "no colon here",
    "TEL;",
    "TEL;CELL",
    "END:",
    "BEGIN:",
    "=45=50;;;",
    ":",
    "TEL",
    "\0\0",
    "/9j/4AAQSkZJ",
    "BEGIN:VEVENT",
)
AGENTS = (
    ("AGENT:", "BEGIN:VCARD", "N:P", "TEL:01681234567", "END:VCARD"),
    ("AGENT:BEGIN:VCARD", "VERSION:2.1", "tel;CELL:01681234567", "END:VCARD"),
    ("AGENT:BEGIN:VCARD\\nTEL;CELL:01681234567\\nEND:VCARD\\n",),
)
CODED = re.compile(r"=[0-9A-F]{2}|.", re.DOTALL)
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
STAMPED = "20260314(?:T150926Z)?|2026-03-14(?:T15:09:26Z)?"
"""What a REV may become at that time."""

BREAK = re.compile(rb"\r*\n|\r")

Draw: TypeAlias = Any
"""What `st.composite` hands in: draws one example of a strategy."""


@dataclass(frozen=True)
class Part:
    """Some octets of a book.

    Attributes:
        text: The octets, one character each, before UTF-16.
        kind: `tel`, `rev`, or an empty string for what may never change.
        soft: Whether the value is quoted-printable.
        after: What the number of a `tel` part becomes; None when it must stay.
        sure: Whether it must become that; else it may also stay.
    """

    text: str
    kind: str = ""
    soft: bool = False
    after: str | None = None
    sure: bool = True


@dataclass(frozen=True)
class Book:
    """A file of vCards whose octets are known."""

    parts: tuple[Part, ...]
    codec: str = ""
    bom: bytes = b""

    @property
    def raw(self) -> bytes:
        """The whole file."""
        return self.bom + b"".join(map(self.octets, self.parts))

    def octets(self, part: Part) -> bytes:
        """Return the octets of a part as they stand in the file."""
        return part.text.encode(self.codec) if self.codec else part.text.encode("latin-1")

    def faults(self, found: bytes) -> list[str]:
        """Compare a converted file with this book; say what changed that must not, or did not."""
        if not found.startswith(self.bom):
            return ["the byte order mark is gone"]
        text = found[len(self.bom) :].decode(self.codec or "latin-1")
        written = [(re.escape(part.text), self._may(part)) for part in self.parts]
        anything = {"tel": "[^\r\n]*", "rev": STAMPED}
        shape = "".join(f"({text}|{anything[may]})" if may else text for text, may in written)
        match = re.fullmatch(shape, text)
        if not match:
            return [f"something else moved: {text!r}"]
        values = iter(match.groups())
        named = [(part, next(values)) for part in self.parts if self._may(part)]
        return [
            f"{part.text!r} became {value!r}, not {part.after!r}"
            for part, value in named
            if part.kind == "tel" and not _is_right(part, value)
        ]

    @staticmethod
    def _may(part: Part) -> str:
        return part.kind if part.kind == "rev" or part.after is not None else ""

    @property
    def changes(self) -> int:
        """How many numbers must change."""
        return sum(part.after is not None and part.sure for part in self.parts)


def _is_right(part: Part, value: str) -> bool:
    if value == part.text:
        return not part.sure
    raw = quopri.decodestring(value.encode("latin-1")) if part.soft else value.encode("latin-1")
    text = raw.replace(b"\\", b"").decode("latin-1")
    return text == part.after


class Writer:
    """Writes parts in one encoding and with one kind of line ends."""

    def __init__(self, draw: Draw, encoding: str, ends: tuple[str, ...]) -> None:
        self.draw = draw
        self.encoding = encoding.partition(" ")[0]
        self.ends = st.sampled_from(ends)

    def end(self) -> str:
        """Draw a line end."""
        return self.draw(self.ends)

    def octets(self, text: str) -> str:
        """Write text in the book's charset, one character an octet (a code unit in UTF-16)."""
        if self.encoding.startswith("utf-16"):
            return text
        raw = text.encode(self.encoding, "replace")
        return raw.decode("latin-1")

    def line(self, text: str) -> list[Part]:
        """Write a line of another property, perhaps folded."""
        octets = self.octets(text)
        if len(octets) > 8 and self.draw(st.integers(0, 4)) == 0:
            at = self.draw(st.integers(5, len(octets) - 1))
            octets = (
                octets[:at] + self.end() + self.draw(st.sampled_from([" ", "\t"])) + octets[at:]
            )
        return [Part(octets + self.end())]

    def value(self, text: str, *, soft: bool) -> str:
        """Write a number, perhaps folded or broken softly."""
        if not soft:
            return self.broken(list(self.octets(text).replace(";", "\\;")), "", (" ", "\t"))
        coded = "".join(
            c if self.draw(st.integers(0, 5)) else f"={ord(c):02X}"
            for c in text.replace("=", "=3D")
        )
        return self.broken(CODED.findall(coded), "=", ("", " ", "\t"))

    def broken(self, units: list[str], before: str, behind: tuple[str, ...]) -> str:
        """Put breaks between the units of a value."""
        times = self.draw(st.sampled_from([0, 0, 0, 1, 2]))
        for _ in range(times if units else 0):
            at = self.draw(st.integers(0, len(units) - 1))
            if units[at][0] not in " \t" and not units[at].startswith(("\r", "\n")):
                units[at] = before + self.end() + self.draw(st.sampled_from(behind)) + units[at]
        if before and units and self.draw(st.integers(0, 5)) == 0:
            units.append(before + self.end())  # a soft break that an empty line follows
        return "".join(units)

    def params(self, text: str) -> str:
        """Write parameters, perhaps folded."""
        if len(text) > 4 and self.draw(st.integers(0, 6)) == 0:
            at = self.draw(st.integers(2, len(text) - 1))
            text = text[:at] + self.end() + self.draw(st.sampled_from([" ", "\t"])) + text[at:]
        return text


@st.composite
def tel_lines(draw: Draw, writer: Writer, *, plain: bool, old: bool) -> list[Part]:
    """Draw a phone field."""
    kinds = ["present", "none", *(["old"] * 4 if old else [])]
    kind = draw(st.sampled_from(kinds))
    after: str | None = None
    if kind == "old":
        before, after = draw(st.sampled_from(OLD_AND_NEW))
    else:
        before = draw(st.sampled_from(PRESENT if kind == "present" else NO_NUMBERS))
    if plain:
        head = draw(st.sampled_from(NAMES[:3])) + draw(st.sampled_from(PLAIN_PARAMS))
        return [Part(f"{head}:"), Part(before, "tel", after=after), Part(writer.end())]
    soft = draw(st.integers(0, 3)) == 0
    params = draw(st.sampled_from(SOFT_PARAMS if soft else PLAIN_PARAMS + ODD_PARAMS))
    if draw(st.integers(0, 6)) == 0 and not soft:
        params, before, after = f"{params};VALUE=uri", f"tel:{before}", after and f"tel:{after}"
    head = draw(st.sampled_from(NAMES)) + writer.params(params)
    value = writer.value(before, soft=soft)
    return [Part(f"{head}:"), Part(value, "tel", soft, after), Part(writer.end())]


@st.composite
def cards(
    draw: Draw, writer: Writer, number: int, *, plain: bool, old: bool, agents: bool
) -> list[Part]:
    """Draw a card that begins and ends as it should; only plain lines when `plain`."""
    case = draw(st.sampled_from([str.upper] * 5 + [str.lower, str.title]))
    parts = [Part(case("BEGIN:VCARD") + writer.end())]
    version = draw(st.sampled_from(["2.1", "3.0", "4.0", ""]))
    if version:
        parts += writer.line(f"VERSION:{version}")
    uid = draw(st.sampled_from([f"uid-{number}", f"uid-{number}", "twin", ""]))
    if uid:
        parts.append(Part(f"UID:{uid}" + writer.end()))
    lines = [("tel", i) for i in range(draw(st.integers(0, 4)))]
    lines += [("other", i) for i in range(draw(st.integers(0, 4)))]
    lines += [("rev", 0)] * draw(st.integers(0, 1))
    if not plain:
        lines += [("agent", 0)] * (agents and draw(st.integers(0, 6)) == 0) + [("junk", 0)] * (
            draw(st.integers(0, 2)) == 0
        )
    for kind, _ in draw(st.permutations(lines)):
        if kind == "tel":
            parts += draw(tel_lines(writer, plain=plain, old=old))
        elif kind == "other":
            parts += writer.line(draw(st.sampled_from(OTHER_LINES)))
        elif kind == "rev":
            name = (
                "REV:"
                if plain
                else draw(st.sampled_from(["REV:", "REV:", "rev:", "Rev;VALUE=x:", "item1.REV:"]))
            )
            parts += [Part(name), Part(draw(st.sampled_from(STAMPS)), "rev"), Part(writer.end())]
        elif kind == "junk":
            parts.append(Part(draw(st.sampled_from(JUNK_LINES)) + writer.end()))
        else:
            parts += [Part(line + writer.end()) for line in draw(st.sampled_from(AGENTS))]
    return [*parts, Part(case("END:VCARD") + writer.end())]


@st.composite
def books(
    draw: Draw, *, sound: bool | None = None, plain: bool | None = None, old: bool = True
) -> Book:
    """Draw a file of a few cards.

    Args:
        draw: Given by hypothesis.
        sound: Whether every card begins and ends where it should; None draws it.
        plain: Whether all lines are of the common shape; None draws it.
        old: Whether there may be numbers that change.
    """
    plain = draw(st.booleans()) if plain is None else plain
    sound = draw(st.booleans()) if sound is None else sound
    encoding = draw(st.sampled_from(ENCODINGS[:2] if plain else ENCODINGS))
    ends = LINE_ENDS[draw(st.sampled_from(["LF", "CRLF"] if plain else list(LINE_ENDS)))]
    writer = Writer(draw, encoding, ends)
    parts: list[Part] = []
    for number in range(draw(st.integers(1, 4))):
        card = draw(cards(writer, number, plain=plain, old=old, agents=sound))
        if not sound:
            card = draw(damaged(card, writer))
        parts += card
        if not plain and draw(st.integers(0, 4)) == 0:
            parts.append(
                Part(draw(st.sampled_from(["", "\0", "junk", "END:VCARD"])) + writer.end())
            )
    if not sound:
        parts = [replace(part, sure=False) for part in parts]
    if draw(st.integers(0, 3)) == 0:
        parts[-1] = Part(parts[-1].text.rstrip("\r\n"))
    return Book(tuple(parts), *_coding(encoding))


def _coding(encoding: str) -> tuple[str, bytes]:
    codec, _, bom = encoding.partition(" ")
    wide = codec if codec.startswith("utf-16") else ""
    return wide, "\ufeff".encode(codec) if bom else b""


@st.composite
def damaged(draw: Draw, card: list[Part], writer: Writer) -> list[Part]:
    """Take the END or the BEGIN of a card away, or put a stray one, or a NUL, among its lines."""
    what = draw(
        st.sampled_from(["no END", "no BEGIN", "END:VCARD", "BEGIN:VCARD", "\0", "nothing"])
    )
    if what == "no END":
        return card[:-1]
    if what == "no BEGIN":
        return card[1:]
    if what == "nothing":
        return card
    at = draw(
        st.sampled_from([i for i, part in enumerate(card) if part.text.endswith(("\r", "\n"))])
    )
    return [*card[: at + 1], Part(what + writer.end()), *card[at + 1 :]]


@st.composite
def noisy(draw: Draw) -> bytes:
    """Draw a book with some octets put in, taken out or overwritten anywhere."""
    raw = bytearray(draw(books()).raw)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        gone = draw(st.sampled_from([0, 0, 1, 3]))
        raw[at : at + gone] = draw(
            st.sampled_from(
                [
                    b"\r",
                    b"\n",
                    b"\r\n ",
                    b"=",
                    b":",
                    b";",
                    b'"',
                    b"\\",
                    b"\0",
                    b"\xc3",
                    b" ",
                    b"TEL:",
                    b"\nTEL:0168 123 4567\n",
                    b"\nEND:VCARD\n",
                    b"\nBEGIN:VCARD\n",
                    b"=\r\n",
                    b"(",
                ]
            )
        )
    return bytes(raw)
