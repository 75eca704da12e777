r"""Is a vCard that a server gives back what was sent? Exactly, in content, or was something lost.

Servers re-form cards. That is *equal*: another order of properties or parameters, other case of
names, folding, line ends, TYPE lists split or merged, quotes, `\;` for `;` where it separates
nothing, base64 or quoted-printable spelled otherwise, REV and PRODID set, UID, FN or X- added.
All else is *lost*: a value cut, a property or a structure gone, a phone number touched.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from danhba.syncer import Fidelity

_LINE_END = re.compile(rb"\r*\n|\r")
_HEAD = re.compile(rb"(?:([\w-]+)\.)?([\w/-]+)((?:;(?>\"[^\"]*\"|\([^()]*\)|[^:])*+)?):")
_PARAM = re.compile(rb";((?>\"[^\"]*\"|\([^()]*\)|[^;])*+)")
_ESCAPE = re.compile(r"\\([\\,;:nN])")
_UNIT = re.compile(r"\\.|[^\\;,]+|.", re.DOTALL)
_CARET = re.compile(r"\^(['n^])")
_ENCODINGS = {"QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"}
_STRUCTURED = frozenset({"N", "ADR", "ORG"})
_LISTS = frozenset({"NICKNAME", "CATEGORIES"})
_STAMPS = frozenset({"REV", "PRODID"})
_MAY_COME = frozenset({"UID", "VERSION", "FN", "N"})

Value = str | bytes | tuple["Value", ...]


class Property(NamedTuple):
    """A property of a card as far as it matters, spelled one way.

    Attributes:
        group: What stands before the dot, lower case.
        name: Upper case; empty for a line that is no property.
        params: Name and values of each parameter, without quotes, in order of names.
        value: Decoded and unescaped; taken apart where it has parts.
    """

    group: str
    name: str
    params: tuple[tuple[str, tuple[str, ...]], ...]
    value: Value


def compare(sent: bytes, found: bytes) -> Fidelity:
    """Compare a card that was sent with what the server gives back."""
    if sent == found:
        return Fidelity.EXACT
    before, after = Counter(properties(sent)), Counter(properties(found))
    if before - after:
        return Fidelity.LOST
    names = {property.name for property in before}
    added = after - before
    harmless = all(_may_be_added(property.name, names) for property in added)
    return Fidelity.EQUAL if harmless else Fidelity.LOST


def _may_be_added(name: str, present: set[str]) -> bool:
    return name.startswith("X-") or (name in _MAY_COME and name not in present)


def properties(raw: bytes) -> Iterator[Property]:
    """Yield what a card says; stamps that any server may set are left out."""
    for line in _lines(raw):
        found = _property(line)
        if found.name not in _STAMPS:
            yield found


def _lines(raw: bytes) -> Iterator[bytes]:
    """Yield the lines without folds and soft breaks; empty ones are left out."""
    parts: list[bytes] = []
    for line in _LINE_END.split(raw.removeprefix(b"\xef\xbb\xbf")):
        if parts and parts[-1].rstrip().endswith(b"=") and _is_quoted_printable(parts):
            parts[-1] = parts[-1].rstrip()[:-1]
            parts.append(line.lstrip(b" \t"))
        elif parts and line[:1] in (b" ", b"\t"):
            parts.append(line[1:])
        else:
            yield from filter(bytes.strip, [b"".join(parts)])
            parts = [line]
    yield from filter(bytes.strip, [b"".join(parts)])


def _is_quoted_printable(parts: list[bytes]) -> bool:
    head = _HEAD.match(b"".join(parts[:8]))
    return bool(head and head[3] and "QUOTED-PRINTABLE" in _params(head[3]).get("ENCODING", ()))


def _property(line: bytes) -> Property:
    head = _HEAD.match(line)
    if not head:
        return Property("", "", (), line.strip())
    name = head[2].decode("ascii", "replace").upper()
    params = _params(head[3])
    value = _value(name, line[head.end() :], params)
    told = {k: v for k, v in params.items() if k not in ("ENCODING", "CHARSET")}
    return Property((head[1] or b"").decode("ascii", "replace").lower(), name, _sorted(told), value)


def _sorted(params: dict[str, tuple[str, ...]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((name, values) for name, values in params.items() if values))


def _params(raw: bytes) -> dict[str, tuple[str, ...]]:
    """Read parameters; a bare word of vCard 2.1 is an encoding or a TYPE."""
    found: dict[str, list[str]] = {}
    for param in _PARAM.findall(raw):
        name, equals, value = param.partition(b"=")
        text = _text(value if equals and b"(" not in name else param)
        key = name.decode("ascii", "replace").strip().upper() if equals else ""
        if not equals or b"(" in name:
            key = "ENCODING" if text.strip().upper() in _ENCODINGS else "TYPE"
        found.setdefault(key, []).extend(_param_values(key, text))
    return {
        key: tuple(sorted(set(values))) if key == "TYPE" else tuple(values)
        for key, values in found.items()
    }


def _param_values(name: str, text: str) -> Iterator[str]:
    """Take a parameter's value apart at its commas; quotes and escapes are a matter of spelling."""
    plain = _unescaped(_CARET.sub(_uncaret, text)).replace('"', "")
    for value in plain.split(","):
        if name in ("TYPE", "VALUE", "CHARSET"):
            yield value.strip().lower()
        elif name == "ENCODING":
            yield value.strip().upper()
        else:
            yield value


def _uncaret(found: re.Match[str]) -> str:
    """Decode RFC 6868: `^n` is a line end, `^'` a quote, `^^` a caret."""
    return {"n": "\n", "'": '"', "^": "^"}[found[1]]


def _value(name: str, raw: bytes, params: dict[str, tuple[str, ...]]) -> Value:
    encodings = params.get("ENCODING", ())
    if "BASE64" in encodings or "B" in encodings:
        return _decoded(raw)
    charset = next(iter(params.get("CHARSET", ())), "utf-8")
    if "QUOTED-PRINTABLE" in encodings:
        raw = quopri.decodestring(raw)
    text = _text(raw, charset)
    if name == "TEL" and ("uri" in params.get("VALUE", ()) or text[:4].lower() == "tel:"):
        return text.strip()  # in a URI an escape is no spelling: it would be dialled
    if name in _STRUCTURED:
        return _parts(text, commas=name != "ORG")
    if name in _LISTS:
        return tuple(_unescaped(word) for word in _split(text, ","))
    return _unescaped(text).strip()


def _parts(text: str, *, commas: bool) -> Value:
    """Take a structured value apart; empty parts at the end say nothing."""
    parts = [
        tuple(_unescaped(word).strip() for word in (_split(part, ",") if commas else [part]))
        for part in _split(text, ";")
    ]
    while parts and not any(parts[-1]):
        parts.pop()
    return tuple(parts)


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that no backslash escapes."""
    parts = [""]
    for unit in _UNIT.findall(text):
        if unit == mark:
            parts.append("")
        else:
            parts[-1] += unit
    return parts


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


def _decoded(raw: bytes) -> bytes:
    packed = b"".join(raw.split())
    try:
        return base64.b64decode(packed, validate=True)
    except binascii.Error:
        return packed


def _text(raw: bytes, charset: str = "utf-8") -> str:
    for codec in (charset, "utf-8"):
        try:
            return raw.decode(codec)
        except (ValueError, LookupError):
            continue
    return raw.decode("latin-1")
