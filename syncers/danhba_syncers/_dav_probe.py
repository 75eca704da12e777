r"""What does this server make of a card? Tried out on a scratch card, which is removed again.

Servers that parse what they store give it back re-formed, and some lose a part of it: Radicale cuts
a nickname at a bare comma, DAViCal takes `\;` in a company's name for a separator.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator
from typing import NamedTuple

from danhba.errors import SyncerError
from danhba.syncer import Fidelity, Finding
from danhba_syncers._dav_cards import Reader
from danhba_syncers._dav_client import Answer
from danhba_syncers._dav_transport import Transport
from danhba_syncers._fidelity import compare

_FOLD = re.compile(rb"\r*\n[ \t]")


class Construct(NamedTuple):
    """Something that a card can hold and a server may spoil.

    Attributes:
        id: Its name in findings.
        text: What it is, in English.
        line: A line that holds it.
        holds: Finds it in a card without folds.
        version: Of the scratch card.
    """

    id: str
    text: str
    line: str
    holds: re.Pattern[bytes]
    version: str = "3.0"


def _line(pattern: str) -> re.Pattern[bytes]:
    """Compile a pattern for a whole line, group left out."""
    return re.compile(rb"(?im)^(?:[\w-]+\.)?" + pattern.encode())


CONSTRUCTS = (
    Construct(
        "comma-in-nickname", "a nickname with a bare comma", "NICKNAME:Ba,Be",
        _line(r"NICKNAME[^:\r\n]*:[^\r\n]*(?<!\\),"),
    ),
    Construct(
        "comma-in-url", "a URL with a bare comma", "URL:http://example.com/?a=1;b=2,3",
        _line(r"URL[^:\r\n]*:[^\r\n]*(?<!\\),"),
    ),
    Construct(
        "comma-in-x", "an X- property with a bare comma", "X-DANHBA:a,b",
        _line(r"X-[^:\r\n]*:[^\r\n]*(?<!\\),"),
    ),
    Construct(
        "comma-in-note", "a note with a bare comma", "NOTE:a,b",
        _line(r"NOTE[^:\r\n]*:[^\r\n]*(?<!\\),"),
    ),
    Construct(
        "list-in-name", "several words in one part of a name", "N:Nguyen;An;Van,Thi;;",
        _line(r"N[;:][^\r\n]*[^\\\r\n],"),
    ),
    Construct(
        "list-in-address", "several words in one part of an address", "ADR:;;1 St,2 St;Hue;;;",
        _line(r"ADR[;:][^\r\n]*[^\\\r\n],"),
    ),
    Construct(
        "semicolon-in-part", "a semicolon within a part of a name, address or company",
        r"ORG:Danhba\; Co;Sales", _line(r"(?:N|ADR|ORG)[;:][^\r\n]*\\;"),
    ),
    Construct(
        "comma-in-category", "a comma within a category", r"CATEGORIES:a,b\,c",
        _line(r"CATEGORIES[^\r\n]*\\,"),
    ),
    Construct(
        "semicolon-in-parameter", "a parameter with a semicolon", 'X-DANHBA;X-P="q;r":v',
        _line(r"[^:\r\n]*=\"[^\"\r\n]*;"),
    ),
    Construct(
        "line-end-in-label", "an address label of several lines",
        r'ADR;LABEL="1 St\nHue":;;1 St;Hue;;;', _line(r"ADR[^:\r\n]*LABEL=[^:\r\n]*(?:\\n|\^n)"),
    ),
    Construct(
        "bare-words", "labels without TYPE=, as vCard 2.1 has them", "TEL;CELL;VOICE:113",
        _line(r"[\w-]+(?:;[^:;\r\n]*)*;[A-Za-z]+[;:]"),
    ),
    Construct(
        "quoted-labels", "labels in quotes", 'TEL;TYPE="cell,voice":113', _line(r'[^:\r\n]*TYPE="'),
    ),
    Construct(
        "groups", "grouped lines with a label of one's own",
        "item1.TEL:113\r\nitem1.X-ABLabel:Zalo", re.compile(rb"(?im)^[\w-]+\.[\w-]+[;:]"),
    ),
    Construct(
        "underscore-in-name", "a property with an underscore in its name", "X_DANHBA:v",
        _line(r"\w*_\w*[;:]"),
    ),
    Construct(
        "backslash-colon", "an escaped colon", r"URL:http\://example.com",
        _line(r"[^:\r\n]*:[^\r\n]*(?<!\\)(?:\\\\)*\\:"),
    ),
    Construct(
        "photo-inside", "a photo (ENCODING=b)", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRg==",
        _line(r"(?:PHOTO|LOGO|SOUND|KEY)[^:\r\n]*ENCODING=b[;:]"),
    ),
    Construct(
        "photo-inside-2.1", "a photo as vCard 2.1 has it", "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ",
        _line(r"(?:PHOTO|LOGO|SOUND|KEY)[^:\r\n]*BASE64[;:]"),
    ),
    Construct(
        "photo-as-data", "a photo as a data: URI", "PHOTO:data:image/jpeg;base64,/9j/4AAQ",
        _line(r"(?:PHOTO|LOGO|SOUND|KEY)[^:\r\n]*:data:"), "4.0",
    ),
    Construct(
        "extension-in-uri", "a phone number with an extension as a tel: URI",
        "TEL;VALUE=uri:tel:+84-28-3812-3456;ext=5", _line(r"TEL[^:\r\n]*:tel:[^\r\n]*[^\\\r\n];"),
        "4.0",
    ),
    Construct("version-2.1", "vCard 2.1", "TITLE:v", _line(r"VERSION:2\.1"), "2.1"),
    Construct("version-4.0", "vCard 4.0", "TITLE:v", _line(r"VERSION:4\.0"), "4.0"),
)  # fmt: skip


def spoilt(raw: bytes, ids: Collection[str]) -> str:
    """Name the first of some constructs that a card holds; empty when it holds none."""
    if not ids:
        return ""
    plain = _FOLD.sub(b"", raw)
    held = (c.text for c in CONSTRUCTS if c.id in ids and c.holds.search(plain))
    return next(held, "")


class Probe:
    """Tries a server out in one address book.

    Args:
        transport: The way to the server.
        reader: Reads cards.
        folder: Path of the book.
    """

    def __init__(self, transport: Transport, reader: Reader, folder: str) -> None:
        self._transport = transport
        self._reader = reader
        name = f"danhba-probe-{secrets.token_hex(8)}"  # no server refuses or renames these letters
        self._path = f"{folder}{name}.vcf"
        self._uid = name

    def findings(self) -> Iterator[Finding]:
        """Try everything out; the scratch card is removed, whatever happens.

        Raises:
            SyncerError: Not even a plain card can be stored.
        """
        try:
            first = self._card("TITLE:one")
            answer = self._transport.put(self._path, first, If_None_Match="*")
            if answer.status not in (200, 201, 204):
                raise SyncerError(f"{self._path}: no scratch card can be stored: {answer.said()}")
            yield self._tags(answer)
            yield self._conditions()
            yield from self._constructs()
        finally:
            self._remove()

    def _card(self, line: str, version: str = "3.0") -> bytes:
        name = "" if line.startswith("N:") else "N:danhba;probe;;;\r\n"
        return (
            f"BEGIN:VCARD\r\nVERSION:{version}\r\nUID:{self._uid}\r\nFN:danhba probe\r\n{name}"
            f"{line}\r\nEND:VCARD\r\n"
        ).encode()

    def _tags(self, answer: Answer) -> Finding:
        listed = self._reader.get(self._path).etag
        if not answer.etag:
            text = (
                "gives no entity tag after a write: it is asked for it, a hundred cards at a time"
            )
            return Finding("etag-after-put", "missing", text)
        if listed != answer.etag:
            text = "gives another entity tag after a write than when the card is read"
            return Finding("etag-after-put", "another", text, good=False)
        return Finding("etag-after-put", "given", "gives the new entity tag after a write")

    def _conditions(self) -> Finding:
        """Write with the tag of an earlier state; that must not come through."""
        stale = self._reader.get(self._path).etag or '"danhba-stale"'
        self._transport.put(self._path, self._card("TITLE:two"), If_Match="*")
        before = self._reader.get(self._path).raw
        answer = self._transport.put(self._path, self._card("TITLE:three"), If_Match=stale)
        if answer.status == 412 and self._reader.get(self._path).raw == before:
            text = "refuses to overwrite a card that has changed (If-Match)"
            return Finding("if-match", "honoured", text)
        text = (
            f"overwrites a card that has changed (If-Match: {answer.said()}): each card is read"
            " once more, shortly before it is written"
        )
        return Finding("if-match", "ignored", text, good=False)

    def _constructs(self) -> Iterator[Finding]:
        made: dict[str, list[Construct]] = {"kept": [], "rewrites": [], "loses": [], "refuses": []}
        for construct in CONSTRUCTS:
            made[self._becomes(construct)].append(construct)
        told = {
            "rewrites": "writes differently, and keeps",
            "loses": "loses or spoils (cards with it are not written)",
            "refuses": "refuses (cards with it are not written)",
        }
        for trait, words in told.items():
            found = made[trait]
            texts = ", ".join(construct.text for construct in found) or "nothing that was tried"
            good = trait == "rewrites" or not found
            yield Finding(trait, " ".join(c.id for c in found), f"{words}: {texts}", good)

    def _becomes(self, construct: Construct) -> str:
        sent = self._card(construct.line, construct.version)
        answer = self._transport.put(self._path, sent, If_Match="*")
        if answer.status not in (200, 201, 204):
            return "refuses"
        found = self._reader.get(self._path).raw
        fidelity = compare(sent, found)
        if fidelity is Fidelity.LOST:
            return "loses"
        return "kept" if fidelity is Fidelity.EXACT else "rewrites"

    def _remove(self) -> None:
        """Remove the scratch card; its name is ours alone."""
        etag = self._reader.get(self._path).etag
        if etag and self._transport.delete(self._path, If_Match=etag).status < 300:
            return
        answer = self._transport.delete(self._path)
        if answer.status >= 300 and answer.status not in (404, 410):
            raise SyncerError(
                f"{self._path}: the scratch card could not be removed ({answer.said()}); please"
                " remove it"
            )
