"""What is sent to write a person of the People API, and did it arrive? Pure."""

from __future__ import annotations

import msgspec

from danhba.card import Card
from danhba.syncer import Fidelity
from danhba_syncers._people import (
    NO_JSON,
    Person,
    encode,
    fields_of,
    source_type,
    stamp_of,
    without,
)

WRITTEN = "metadata,phoneNumbers"
"""The field mask of what is needed to see whether a write arrived."""
_MADE_BY_GOOGLE = frozenset(
    {"canonicalForm", "formattedType", "formattedProtocol", "displayName", "displayNameLastFirst"}
)
"""Output only: Google makes them of the rest of an item, and takes no orders about them."""
_ABOUT_PERSON = frozenset({"resourceName", "etag", "metadata"})
_NONE = msgspec.Raw(b"[]")


class _Etag(msgspec.Struct, frozen=True, omit_defaults=True):
    """A source as far as a write must name it."""

    type: str
    id: str = ""
    etag: str = ""


class _Etags(msgspec.Struct, frozen=True):
    sources: tuple[_Etag, ...] = ()


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    """By what a write names a person."""

    resource_name: str
    etag: str = ""
    metadata: _Etags = _Etags()


class Sent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is sent of a person: by what it is named, and what the write replaces."""

    resource_name: str
    phone_numbers: list[Person]
    etag: str = ""
    metadata: _Etags = _Etags()


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    """What a write replaces."""

    phone_numbers: list[Person] = []


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_body = msgspec.json.Decoder(_Body).decode


def resource_name(raw: bytes) -> str:
    """Return the name under which the API knows a person."""
    return _decode_head(raw).resource_name


def request_of(card: Card, raw: bytes) -> Sent:
    """Return what is sent to write a card: the phoneNumbers of `raw`, complete, and the etags.

    The etags are those the card was read with. What Google makes of the entries is left out.
    """
    head = _decode_head(card.raw)
    own = tuple(source for source in head.metadata.sources if source.type == "CONTACT")
    numbers = [without(entry, *_MADE_BY_GOOGLE) for entry in _decode_body(raw).phone_numbers]
    return Sent(head.resource_name, numbers, head.etag, _Etags(own))


def has_etags(sent: Sent, found: msgspec.Raw) -> bool:
    """Say whether a contact still has the etag that a request names.

    The person's own etag does not count: it differs with the fields that were asked for.
    """
    return stamp_of(found) == " ".join([own.etag for own in sent.metadata.sources if own.etag])


def holds(sent: Sent, found: msgspec.Raw) -> bool:
    """Say whether a person has the numbers that were sent, with their types."""
    try:
        numbers = _decode_body(found).phone_numbers
    except NO_JSON:
        return False
    return _written_numbers(sent.phone_numbers) == _written_numbers(numbers)


def _written_numbers(numbers: list[Person]) -> list[tuple[str, str]]:
    own = (entry for entry in numbers if source_type(entry) == "CONTACT")
    return sorted((entry.get("value", ""), entry.get("type", "")) for entry in own)


def compare(sent: bytes, found: bytes) -> Fidelity:
    """Compare two persons byte for byte, then by what the account's own items say, in any order."""
    if sent == found:
        return Fidelity.EXACT
    try:
        mine, theirs = fields_of(sent), fields_of(found)
        same = all(
            _same_items(*map(msgspec.json.decode, pair)) for pair in _different(mine, theirs)
        )
    except NO_JSON:
        return Fidelity.LOST
    return Fidelity.EQUAL if same else Fidelity.LOST


def _different(
    mine: dict[str, msgspec.Raw], theirs: dict[str, msgspec.Raw]
) -> list[tuple[msgspec.Raw, msgspec.Raw]]:
    """Return the fields of two persons that are not written alike."""
    fields = mine if mine.keys() == theirs.keys() else mine | theirs
    return [
        (mine.get(field, _NONE), theirs.get(field, _NONE))
        for field in fields
        if field not in _ABOUT_PERSON and mine.get(field) != theirs.get(field)
    ]


def _same_items(mine: list[Person], theirs: list[Person]) -> bool:
    if mine == theirs:
        return True
    own = [_plain(item) for item in mine if source_type(item) == "CONTACT"]
    found = [_plain(item) for item in theirs if source_type(item) == "CONTACT"]
    return own == found or sorted(map(encode, own)) == sorted(map(encode, found))


def _plain(item: Person) -> Person:
    """Return an item without what Google makes of it, and without what it says about it."""
    plain = {key: value for key, value in item.items() if key not in _MADE_BY_GOOGLE}
    if plain.pop("metadata", {}).get("sourcePrimary"):
        plain["sourcePrimary"] = True
    return plain
