"""DAV XML <-> values: what a CardDAV server is asked, and what it answered. No socket here.

RFC 4918 (multistatus), RFC 6352 (address books), RFC 6578 (sync-collection). An answer is parsed
item by item: one that failed carries its own status and spoils no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit
from xml.sax.saxutils import escape

import msgspec
from lxml import etree

MOST_BYTES = 100_000_000
"""Bytes of an answer; a larger one is refused before it is parsed."""
_PLAIN_PARSER_BYTES = 10_000_000
"""Up to here libxml2's own bounds hold: 256 elements deep, 10 MB a text (a photo may have more)."""

_D, _C, _S = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}", "{http://calendarserver.org/ns/}"
_SPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"'
)
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_STATUS = re.compile(r"HTTP/[\d.]+\s+(\d{3})")
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*(<.{0,14})?", re.DOTALL)

COLLECTION = (
    "<resourcetype/><displayname/><current-user-principal/><C:addressbook-home-set/>"
    "<current-user-privilege-set/><supported-report-set/><S:getctag/><owner/>"
    "<C:max-resource-size/>"
)
"""The properties of a principal, a home or an address book."""
FOLLOWED = f"{COLLECTION}<sync-token/>"
"""Those of an address book that was read before."""
CARD = "<getetag/><getcontentlength/><C:address-data/>"
"""The properties of a card."""
ETAG = "<getetag/>"
"""What tells whether a card has changed."""


class DavError(ValueError):
    """An answer is not what DAV says; the text tells what is wrong, never what the answer holds."""


class Item(msgspec.Struct, frozen=True):
    """What an answer says about one resource.

    Attributes:
        href: Its address exactly as listed.
        status: 200 when properties came, else why not (404 gone, 403 forbidden, 507 not all sent).
        etag: As listed; empty when there is none.
        card: The address data; None when it did not come.
        length: Octets the server has of it; None when it does not say.
        name: displayname.
        kinds: Local names of the resource types, such as `addressbook`.
        principal: Address of the user's principal.
        homes: Addresses of the address book homes.
        owner: Address of the owner's principal.
        rights: Local names of the privileges; None when the server does not say.
        reports: Local names of the reports it knows.
        sync_token: The collection's sync token.
        ctag: The collection's tag.
        max_size: Largest card in octets; None when the server does not say.
    """

    href: str
    status: int
    etag: str = ""
    card: str | None = None
    length: int | None = None
    name: str = ""
    kinds: frozenset[str] = frozenset()
    principal: str = ""
    homes: tuple[str, ...] = ()
    owner: str = ""
    rights: frozenset[str] | None = None
    reports: frozenset[str] = frozenset()
    sync_token: str = ""
    ctag: str = ""
    max_size: int | None = None


class Multistatus(NamedTuple):
    """An answer: its items, and the new token of a sync-collection report."""

    items: tuple[Item, ...]
    sync_token: str = ""


# -- what is asked -----------------------------------------------------------------------------


def propfind(properties: str) -> bytes:
    """Ask for properties."""
    return f"{_HEAD}<propfind {_SPACES}><prop>{properties}</prop></propfind>".encode()


def multiget(hrefs: Iterable[str]) -> bytes:
    """Ask for cards by address (RFC 6352 §8.7)."""
    named = "".join(f"<href>{escape(href)}</href>" for href in hrefs)
    return (
        f"{_HEAD}<C:addressbook-multiget {_SPACES}><prop>{CARD}</prop>{named}"
        "</C:addressbook-multiget>"
    ).encode()


def sync_collection(token: str) -> bytes:
    """Ask what changed since a token, all there is when it is empty (RFC 6578 §3.2).

    Never with a limit: Xandikos 0.4.10 answers a limited list with the final token.
    """
    return (
        f"{_HEAD}<sync-collection {_SPACES}><sync-token>{escape(token)}</sync-token>"
        f"<sync-level>1</sync-level><prop>{ETAG}</prop></sync-collection>"
    ).encode()


# -- what is answered --------------------------------------------------------------------------


def _parse(body: bytes) -> etree._Element:
    """Parse XML without entities, document type, or anything from outside.

    Raises:
        DavError: It is no XML, or has a document type.
    """
    if len(body) > MOST_BYTES:
        raise DavError(f"an answer of {len(body)} bytes, more than {MOST_BYTES}")
    if not body.strip():
        raise DavError("an empty answer")
    prolog = _PROLOG.match(body)
    begin = ((prolog and prolog[1]) or b"").lower()
    if begin.startswith((b"<html", b"<!doctype html")):
        raise DavError("HTML instead of XML; is this the address of a web page, or of a sign-in?")
    if begin.startswith(b"<!"):
        raise DavError("XML with a document type, which DAV never has")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        remove_comments=True, remove_pis=True, huge_tree=len(body) > _PLAIN_PARSER_BYTES,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise DavError(f"broken XML: {_fault(error)}") from None
    document: Any = root.getroottree().docinfo
    if document.doctype:  # one that the bytes do not show, as in UTF-16
        raise DavError("XML with a document type, which DAV never has")
    return root


def _fault(error: etree.XMLSyntaxError) -> str:
    """Say what is wrong and where, without quoting the answer."""
    what = (error.msg or "").partition(",")[0]
    return f"{what[:100]} (line {error.lineno})"


def parse(body: bytes, path: str = "/") -> Multistatus:
    """Read a multistatus.

    Args:
        body: The answer's bytes.
        path: What was asked, for hrefs that are relative to it.

    Raises:
        DavError: It is none.
    """
    root = _parse(body)
    if root.tag != f"{_D}multistatus":
        raise DavError(f"{etree.QName(root).localname} instead of multistatus")
    items = tuple(
        item for found in root.iterchildren(f"{_D}response") for item in _items(found, path)
    )
    return Multistatus(items, (root.findtext(f"{_D}sync-token") or "").strip())


def preconditions(body: bytes) -> tuple[str, ...]:
    """Return the names in a DAV:error, such as `valid-sync-token` (RFC 4918 §16)."""
    try:
        root = _parse(body)
    except DavError:
        return ()
    named = [etree.QName(child).localname for child in root if isinstance(child.tag, str)]
    return tuple(named) if root.tag == f"{_D}error" else ()


def _items(response: etree._Element, path: str) -> Iterator[Item]:
    """Read a response; with a status of its own it may name several hrefs (RFC 4918 §14.24)."""
    hrefs = [(href.text or "").strip() for href in response.iterchildren(f"{_D}href")]
    hrefs = [whole(href, path) for href in hrefs if href]
    status = _status(response)
    stats = list(response.iterchildren(f"{_D}propstat"))
    if not stats:
        for href in hrefs:
            yield Item(href, status or 200)
        return
    good = [stat for stat in stats if (_status(stat) or 200) in range(200, 300)]
    fields: dict[str, object] = {}
    for stat in good:
        for prop in stat.iterchildren(f"{_D}prop"):
            fields.update(_fields(prop))
    for href in hrefs[:1]:
        yield msgspec.convert({"href": href, "status": _whole_status(stats, good), **fields}, Item)


def _whole_status(stats: Sequence[etree._Element], good: Sequence[etree._Element]) -> int:
    """Return 200 when any property came; else the status of the properties asked for."""
    if good:
        return 200
    return next((status for stat in stats if (status := _status(stat))), 200)


def _status(element: etree._Element) -> int | None:
    found = _STATUS.match((element.findtext(f"{_D}status") or "").strip())
    return int(found[1]) if found else None


def _fields(prop: etree._Element) -> Iterator[tuple[str, object]]:
    for child in prop:
        if isinstance(child.tag, str) and (reader := _READERS.get(child.tag)):
            name, read = reader
            if (value := read(child)) is not None:
                yield name, value


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _card(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _number(element: etree._Element) -> int | None:
    text = _text(element)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _hrefs(element: etree._Element) -> tuple[str, ...]:
    return tuple(text for href in element.iterchildren(f"{_D}href") if (text := _text(href)))


def _first_href(element: etree._Element) -> str:
    return next(iter(_hrefs(element)), "")


def _children(element: etree._Element) -> frozenset[str]:
    return frozenset(etree.QName(e).localname for e in element if isinstance(e.tag, str))


def _leaves(element: etree._Element) -> frozenset[str]:
    """Return the names at the ends of the branches: privilege/*read*, report/*sync-collection*."""
    return frozenset(
        etree.QName(e).localname
        for e in element.iterdescendants()
        if isinstance(e.tag, str) and len(e) == 0
    )


_READERS: dict[str, tuple[str, Callable[[etree._Element], object]]] = {
    f"{_D}getetag": ("etag", _text),
    f"{_D}getcontentlength": ("length", _number),
    f"{_C}address-data": ("card", _card),
    f"{_D}displayname": ("name", _text),
    f"{_D}resourcetype": ("kinds", _children),
    f"{_D}current-user-principal": ("principal", _first_href),
    f"{_C}addressbook-home-set": ("homes", _hrefs),
    f"{_D}owner": ("owner", _first_href),
    f"{_D}current-user-privilege-set": ("rights", _leaves),
    f"{_D}supported-report-set": ("reports", _leaves),
    f"{_D}sync-token": ("sync_token", _text),
    f"{_S}getctag": ("ctag", _text),
    f"{_C}max-resource-size": ("max_size", _number),
}


# -- addresses ---------------------------------------------------------------------------------


def whole(href: str, path: str) -> str:
    """Return an href as an absolute URL or path; a relative one belongs below what was asked."""
    if href.startswith("/") or "://" in href:
        return href
    return f"{path.rpartition('/')[0]}/{href}"


def same(href: str) -> str:
    """Return what is the same for all spellings of an address: `%40` and `@`, `%c3` and `%C3`.

    A slash that is written `%2F` stays one. The host of an absolute URL is left out, and so is a
    final slash.
    """
    if "://" in href:
        parts = urlsplit(href)
        href = f"{parts.path}?{parts.query}" if parts.query else parts.path
    named = (quote(unquote_to_bytes(part), safe="") for part in href.rstrip("/").split("/"))
    return "/".join(named)


def lies_in(href: str, folder: str) -> bool:
    """Say whether an address lies in a folder, however the two are spelled."""
    return same(href).startswith(f"{same(folder)}/")


# -- entity tags -------------------------------------------------------------------------------


def strong(etag: str) -> str:
    """Return an entity tag without its weakness and quotes, to compare by."""
    return etag.removeprefix("W/").strip('"')


def spellings(etag: str) -> tuple[str, ...]:
    """Return how an entity tag can be put into If-Match: as listed first, then as servers may want.

    RFC 9110 §13.1.1 compares strongly, so that a weak tag never matches; servers that hand one out
    for a compressed answer (Cyrus 3.6) take it without `W/`. One listed without quotes may be
    wanted with them.
    """
    return tuple(dict.fromkeys((etag, f'"{strong(etag)}"', strong(etag))))


# -- line ends ---------------------------------------------------------------------------------


def card_bytes(text: str, length: int | None) -> tuple[bytes, bool]:
    r"""Return a card's bytes with the line ends that XML took away, and whether they are sure.

    An XML parser turns CR LF into LF, unless the server wrote the CR as `&#13;`. A vCard has CR LF
    (RFC 6350 §3.2); the size the server has of the card tells when it is otherwise.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if b"\r" in raw:
        return raw, True
    with_cr = raw.replace(b"\n", b"\r\n")
    if length == len(raw):
        return raw, True
    mixed = length is not None and len(raw) < length < len(with_cr)
    return with_cr, not mixed
