"""The parameters of a vCard line: what they say, and how other labels are written among them.

Labels are TYPE values (`TYPE=a,b`, `type=a;type=b`, `TYPE="a,b"`) and the bare words of vCard 2.1
(`;CELL;VOICE`); a line may mix these forms. New labels take the form the line has already.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

FOLD = re.compile(rb"(?:\r*\n|\r)[ \t]")
_PARAM = re.compile(rb";((?>\"[^\"]*\"|\([^()]*\)|[^;])*+)")
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_UNQUOTABLE = re.compile(r"[\",\x00-\x1f\x7f]")
_CODINGS = frozenset({"quoted-printable", "8bit", "7bit", "utf-8"})
_ABOUT_THE_VALUE = frozenset(
    {
        b"TYPE", b"ENCODING", b"CHARSET", b"VALUE", b"LANGUAGE", b"X-ABLABEL",
        b"PID", b"ALTID", b"INDEX", b"X-EVOLUTION-UI-SLOT", b"X-COUCHDB-UUID", b"X-SYNCMLREF",
    }
)  # fmt: skip
"""Parameters that say how a value or label is written, or what programs keep for themselves."""
_NOT_LABELS = frozenset(
    {
        "quoted-printable",
        "base64",
        "b",
        "8bit",
        "7bit",
        "utf-8",
        "inline",
        "vcard",
        "x-unknown",
        "uri",
        "text",
        "phone-number",
    }
)
_MACHINE = frozenset(
    {
        "home",
        "work",
        "pref",
        "voice",
        "fax",
        "msg",
        "cell",
        "pager",
        "bbs",
        "modem",
        "car",
        "isdn",
        "video",
        "pcs",
        "text",
        "textphone",
        "tlx",
        "iphone",
        "mobile",
        "main",
        "other",
        "private",
        "business",
        "homefax",
        "workfax",
        "school",
        "intl",
        "dom",
        "internet",
        "custom",
    }
)


class Params(NamedTuple):
    """What the parameters of a field say.

    Attributes:
        labels: TYPE values and bare 2.1 words, lower case.
        label: What a person typed as a label, or an empty string.
        soft: Whether the value is quoted-printable.
        charset: The declared charset; empty when none is.
        handle: A number in the parameters themselves (`waid=`), or an empty string.
        more: What the other parameters say of the number, in lower case.
    """

    labels: tuple[str, ...] = ()
    label: str = ""
    soft: bool = False
    charset: str = ""
    handle: str = ""
    more: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def read_params(params: bytes) -> Params:
    """Read the parameters of a field, as written from the first `;`."""
    labels: list[str] = []
    more: list[str] = []
    label = charset = handle = ""
    soft = False
    for param in _PARAM.findall(params):
        if param[:9].upper() == b"X-CUSTOM(":
            label = _custom_label(param[9:].rstrip(b")"))
            continue
        name, equals, value = param.partition(b"=")
        text = text_of(value if equals else name)
        key = name.strip().upper() if equals else b"TYPE"
        match key:
            case b"TYPE":
                labels.extend(word.strip().lower() for word in text.replace('"', "").split(","))
            case b"ENCODING":
                labels.append(text.lower())
            case b"CHARSET":
                charset = text.strip('"').lower()
            case b"X-ABLABEL":
                label = text.strip('"')
            case b"WAID":
                handle = text
        if key not in _ABOUT_THE_VALUE:
            more.append("pref" if key == b"PREF" else text_of(param).strip().lower())
    soft = "quoted-printable" in labels
    typed = next((w for w in labels if w and w not in _MACHINE and w not in _NOT_LABELS), "")
    known = tuple(w for w in labels if w and w not in _NOT_LABELS)
    return Params(known, label or typed.removeprefix("x-"), soft, charset, handle, tuple(more))


def _custom_label(inside: bytes) -> str:
    """Read the label in `X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=70=72…)` of Android."""
    return text_of(quopri.decodestring(inside.rpartition(b",")[2]))


def text_of(raw: bytes) -> str:
    """Decode text that is only shown or compared, never written back."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


# -- writing labels --------------------------------------------------------------------------------


class _Types(NamedTuple):
    """A parameter that holds labels.

    Attributes:
        start: Where it begins, at its `;`, in the unfolded parameters.
        end: Where it ends.
        head: What stands before the labels: `;TYPE=`, or `;` for a bare word of 2.1.
        words: The labels as written; one empty word where there is none.
        quote: A quotation mark where one stands around the whole list, else nothing.
    """

    start: int
    end: int
    head: bytes
    words: tuple[bytes, ...]
    quote: bytes

    @property
    def bare(self) -> bool:
        """Whether the labels stand there without `TYPE=`."""
        return self.head == b";"

    def with_words(self, words: Iterable[bytes]) -> bytes:
        """Write it with other labels; nothing when there are none."""
        separator = b";" if self.bare and len(self.words) == 1 else b","
        listed = separator.join(words)
        return self.head + self.quote + listed + self.quote if listed else b""


def _label(word: bytes) -> str:
    """Return a label as it is read."""
    return text_of(word).replace('"', "").strip().lower()


def _types(params: bytes) -> Iterator[_Types]:
    """Yield the parameters with labels in unfolded parameters."""
    for param in _PARAM.finditer(params):
        name, equals, value = param[1].partition(b"=")
        if param[1][:9].upper() == b"X-CUSTOM(" or (equals and name.strip().upper() != b"TYPE"):
            continue
        listed = value if equals else name
        quoted = len(listed) > 1 and listed[:1] == listed[-1:] == b'"' and listed.count(b'"') == 2
        words = (listed[1:-1] if quoted else listed).split(b",")
        if not equals and _NOT_LABELS.issuperset(filter(None, map(_label, words))):
            continue
        head = param[0][: len(param[0]) - len(listed)]
        yield _Types(*param.span(), head, tuple(words), b'"' if quoted else b"")


def relabelled(
    written: bytes, gone: frozenset[str], come: Sequence[str], *, bare: bool, lower: bool
) -> bytes:
    """Return parameters with some labels gone and others come; all else keeps its octets.

    Args:
        written: The parameters as they stand in the card, folds included.
        gone: Labels to be taken away, in lower case.
        come: Labels to be put there; they take the place of the first that goes.
        bare: Whether labels stand without `TYPE=` (vCard 2.1), where no other shows the form.
        lower: Whether they are written in lower case, where no other shows the case.

    Raises:
        ValueError: A label cannot be written in that form.
    """
    params = FOLD.sub(b"", written)
    found = list(_types(params))
    edits: list[tuple[int, int, bytes]] = []
    left = list(come)
    for types in found:
        lost = next((i for i, word in enumerate(types.words) if _label(word) in gone), None)
        if lost is not None:
            new = _written(left, types, like=types.words[lost])
            left = []
            before, behind = (
                [word for word in part if _label(word) not in gone]
                for part in (types.words[:lost], types.words[lost:])
            )
            edits.append((types.start, types.end, types.with_words([*before, *new, *behind])))
    if left:
        edits.append(_further(found, left, bare=bare, lower=lower))
    return _over_folds(written, edits)


def _further(
    found: list[_Types], come: list[str], *, bare: bool, lower: bool
) -> tuple[int, int, bytes]:
    """Return the edit that puts labels behind those that are there, or at the beginning."""
    model = next((types for types in reversed(found) if not types.bare), None)
    model = model or next(iter(reversed(found)), None)
    like = next((word for types in reversed(found) for word in types.words if _label(word)), b"")
    if model is None:
        model = _Types(0, 0, b";" if bare else b";TYPE=", (b"",), b"")
    words = _written(come, model, like or (b"a" if lower else b"A"))
    repeated = [types for types in found if not types.bare]
    if len(repeated) > 1 and all(len(types.words) == 1 and types.words[0] for types in repeated):
        return model.end, model.end, b"".join(model.with_words([word]) for word in words)
    return model.start, model.end, model.with_words([*filter(None, model.words), *words])


def _written(labels: Iterable[str], among: _Types, like: bytes) -> list[bytes]:
    """Write labels in the case of another one, in quotes where they need them."""
    cased = [label.lower() if like.islower() else label.upper() for label in labels]
    return [_quoted(label, among) for label in cased]


def _quoted(label: str, among: _Types) -> bytes:
    if _TOKEN.fullmatch(label):
        return label.encode()
    if among.bare or not label or _UNQUOTABLE.search(label):
        raise ValueError(f"the label {label!r} cannot be written in this card")
    return label.encode() if among.quote else b'"%b"' % label.encode()


def _over_folds(written: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Make edits, whose places are in the unfolded text, in the text as it is written."""
    folds = {i for fold in FOLD.finditer(written) for i in range(*fold.span())}
    places = [i for i in range(len(written)) if i not in folds]
    for start, end, new in sorted(edits, reverse=True):
        first = places[start] if start < end else places[start - 1] + 1 if start else 0
        last = places[end - 1] + 1 if start < end else first
        written = written[:first] + new + written[last:]
    return written


def params_like(
    params: bytes, value: str, labels: Sequence[str], *, bare: bool, lower: bool
) -> bytes:
    """Return the parameters of another line of the same card, written like these.

    Args:
        params: The parameters to take after, unfolded.
        value: The value that the other line will have.
        labels: Its labels.
        bare: As for `relabelled`.
        lower: As for `relabelled`.
    """
    types = b"".join(params[types.start : types.end] for types in _types(params))
    held = frozenset(filter(None, read_params(types).labels))
    come = [label for label in labels if label not in held]
    types = relabelled(types, held.difference(labels), come, bare=bare, lower=lower)
    return types + b"".join(p[0] for p in _PARAM.finditer(params) if _is_needed(p[1], value))


def _is_needed(param: bytes, value: str) -> bool:
    """Say whether a parameter, without its `;`, says how such a value is written."""
    name, equals, said = (part.strip().lower() for part in param.partition(b"="))
    if name == b"value":
        return said == b"uri" and value.startswith("tel:")
    coding = name in (b"encoding", b"charset") if equals else text_of(name) in _CODINGS
    return coding and not value.isascii()
