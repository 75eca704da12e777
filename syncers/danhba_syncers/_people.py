"""What does a person of the People API say, as a card; and how is a change put into one? Pure.

A person is a JSON object. Its fields are lists of items, and each item says which source it is
from: CONTACT is the account's own entry, the only one that can be written; a PROFILE or a company's
directory may add items to the same person. The card's raw is the person as the server sent it, less
the spaces between the words of JSON. Only what is read or changed is taken out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import msgspec

from danhba.card import Address, Card, Change, Details, Headline, Phone, SetNumber
from danhba.changes import made

Person: TypeAlias = dict[str, Any]

FIELDS = "addresses,imClients,metadata,names,organizations,phoneNumbers"
"""The field mask of every read: the phones, what evidence needs, and etags (metadata)."""
LISTED = 100
"""Phones that a list shows of one person; there may be more."""

_TYPES = {
    kind.lower(): kind
    for kind in (
        "home", "work", "mobile", "homeFax", "workFax", "otherFax", "pager", "workMobile",
        "workPager", "main", "googleVoice", "other",
    )
}  # fmt: skip
"""Google's own phone types, by the machine label they have on a card."""
_COMBINED = {
    frozenset({"cell"}): "mobile",
    frozenset({"fax"}): "otherFax",
    frozenset({"home", "fax"}): "homeFax",
    frozenset({"work", "fax"}): "workFax",
    frozenset({"work", "cell"}): "workMobile",
    frozenset({"work", "mobile"}): "workMobile",
    frozenset({"work", "pager"}): "workPager",
}
"""Machine labels of other sources, and the one type that says the same."""
_NUMBER = re.compile(r"(?:\d[^\dA-Za-z]{0,3}){8,}")
encode = msgspec.json.Encoder(order="sorted").encode
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError)
"""What is raised for something that is no JSON, or not of the expected shape."""


class _Source(msgspec.Struct, frozen=True, rename="camel"):
    type: str = "CONTACT"
    etag: str = ""
    update_time: str = ""


class _Origin(msgspec.Struct, frozen=True):
    type: str = "CONTACT"


class _About(msgspec.Struct, frozen=True):
    source: _Origin = _Origin()


class _Rank(msgspec.Struct, frozen=True):
    primary: bool = False


class _Number(msgspec.Struct, frozen=True):
    value: str = ""
    type: str = ""
    metadata: _About = _About()


class _Name(msgspec.Struct, frozen=True, rename="camel"):
    display_name: str = ""
    unstructured_name: str = ""
    given_name: str = ""
    family_name: str = ""
    metadata: _Rank = _Rank()


class _Organization(msgspec.Struct, frozen=True):
    name: str = ""
    metadata: _Rank = _Rank()


class _Place(msgspec.Struct, frozen=True, rename="camel"):
    street_address: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    country_code: str = ""
    formatted_value: str = ""


class _Client(msgspec.Struct, frozen=True):
    username: str = ""


class _Sources(msgspec.Struct, frozen=True, rename="camel"):
    sources: tuple[_Source, ...] = ()
    deleted: bool = False
    previous_resource_names: tuple[str, ...] = ()

    @property
    def own(self) -> list[_Source]:
        """The account's own entries; more than one when contacts are linked."""
        return [source for source in self.sources if source.type == "CONTACT"]

    @property
    def stamp(self) -> str:
        """The version: the etag of the contact, which a write must name; empty for no contact."""
        return " ".join([source.etag for source in self.own if source.etag])


class Known(msgspec.Struct, frozen=True, rename="camel"):
    """What danhba reads of a person; the rest of it is carried along unseen."""

    resource_name: str = ""
    metadata: _Sources = _Sources()
    phone_numbers: tuple[_Number, ...] = ()
    names: tuple[_Name, ...] = ()
    organizations: tuple[_Organization, ...] = ()
    addresses: tuple[_Place, ...] = ()
    im_clients: tuple[_Client, ...] = ()


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    """A person that may be anything else."""

    resource_name: str = ""


class _Dated(msgspec.Struct, frozen=True):
    metadata: _Sources = _Sources()


class _Country(msgspec.Struct, frozen=True, rename="camel"):
    country: str = ""
    country_code: str = ""


class _Brief(msgspec.Struct, frozen=True):
    """The part of a person that every changed card needs."""

    metadata: _Sources = _Sources()
    names: tuple[_Name, ...] = ()
    addresses: tuple[_Country, ...] = ()


class Found(NamedTuple):
    """A person as it was sent.

    Attributes:
        raw: The JSON.
        known: What danhba reads of it.
        trouble: Why it cannot be understood.
    """

    raw: msgspec.Raw
    known: Known
    trouble: str = ""


_decode = msgspec.json.Decoder(Known).decode
_decode_name = msgspec.json.Decoder(_Named).decode
_decode_brief = msgspec.json.Decoder(_Brief).decode
_decode_date = msgspec.json.Decoder(_Dated).decode
_decode_entries = msgspec.json.Decoder(list[Person]).decode
fields_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""Takes a person apart, into the JSON of its fields."""
_join = msgspec.json.Encoder().encode


# -- a person as a card ----------------------------------------------------------------------------


def found(raw: msgspec.Raw) -> Found:
    """Read what a person says of its name, its phones, and what evidence needs."""
    try:
        return Found(raw, _decode(raw))
    except NO_JSON as error:
        return Found(raw, Known(name_of(raw)), f"not a person of the People API: {error}")


def name_of(raw: msgspec.Raw) -> str:
    """Return the resource name of a person, whatever else is wrong with it; maybe empty."""
    try:
        return _decode_name(raw).resource_name
    except NO_JSON:
        return ""


def card_of(ref: str, person: Found) -> Card:
    """Return a person as a card; one that cannot be understood has `trouble`."""
    raw, known = msgspec.json.format(person.raw, indent=-1), person.known
    if person.trouble:
        return Card(ref, raw, (), trouble=person.trouble)
    phones = _phones(known.phone_numbers, own=bool(known.metadata.own))
    numbered = any(_NUMBER.search(client.username) for client in known.im_clients)
    elsewhere = ("imClients",) if numbered else ()
    stamp = known.metadata.stamp
    return Card(ref, raw, phones, describe, stamp, elsewhere, summarise=summarise)


def _phones(numbers: Iterable[_Number], *, own: bool) -> tuple[Phone, ...]:
    return tuple([_phone(place, n, own=own) for place, n in enumerate(numbers)])


def _labelled(kind: str) -> tuple[tuple[str, ...], str]:
    """Return the machine labels and the typed label that a type of Google's stands for."""
    return ((kind.lower(),), "") if kind.lower() in _TYPES else ((), kind)


def _phone(place: int, number: _Number, *, own: bool) -> Phone:
    labels, label = _labelled(number.type)
    writable = own and number.metadata.source.type == "CONTACT"
    return Phone(str(place), number.value, labels, label, "" if writable else "read-only-source")


def stamp_of(person: msgspec.Raw) -> str:
    """Return the version of a person: the etag of its contact; empty when it does not show."""
    try:
        return _decode_date(person).metadata.stamp
    except NO_JSON:
        return ""


def refusal(card: Card) -> str:
    """Say why a card must not be written; empty when it may be."""
    if not card.stamp:
        return "it is no contact of this account, but comes from a profile or a directory"
    if len(card.phones) == LISTED:
        return f"it shows {LISTED} phone numbers, and Google may be keeping more of them back"
    return ""


def describe(raw: bytes) -> Details:
    """Read what a person says besides phones."""
    person = _decode(raw)
    name = _name_in(person.names)
    organizations = sorted(person.organizations, key=lambda org: not org.metadata.primary)
    company = next((org.name for org in organizations if org.name), "")
    return Details(
        name or company,
        _date_in(person.metadata),
        company=bool(company and not name),
        addresses=tuple(map(_address, person.addresses)),
        handles=tuple(client.username for client in person.im_clients if client.username),
    )


def summarise(raw: bytes) -> Headline | None:
    """Read the part of the details that every changed card needs; None where there is no name."""
    person = _decode_brief(raw)
    name = _name_in(person.names)
    countries = [place.country or place.country_code for place in person.addresses]
    return (
        Headline(name, _date_in(person.metadata), tuple(filter(None, countries))) if name else None
    )


def _name_in(names: tuple[_Name, ...]) -> str:
    """Return the person's name, the primary one where there are several; empty when unknown."""
    if len(names) > 1:
        names = tuple(sorted(names, key=lambda name: not name.metadata.primary))
    return next(filter(None, map(_name, names)), "")


def _date_in(about: _Sources) -> datetime | None:
    """Return when the contact was last changed."""
    return max(filter(None, map(_update_time, about.own)), default=None)


def _name(name: _Name) -> str:
    written = name.display_name or name.unstructured_name
    return written or f"{name.given_name} {name.family_name}".strip()


def _update_time(source: _Source) -> datetime | None:
    try:
        found = datetime.fromisoformat(source.update_time)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _address(place: _Place) -> Address:
    street = place.street_address
    if not street and not place.city:
        street = ", ".join(place.formatted_value.split("\n"))
    return Address(place.city, place.region, place.country or place.country_code, street)


# -- changes ---------------------------------------------------------------------------------------


def patch(raw: bytes, changes: Sequence[Change]) -> bytes:
    """Return the person with the changes made in its phoneNumbers and nothing else moved.

    Raises:
        ValueError: A change names a phone that is not there, cannot be written, or differs.
    """
    if not changes:
        return raw
    if not _decode_date(raw).metadata.own:
        raise ValueError("the person is no contact, and cannot be written")
    person = fields_of(raw)
    entries = entries_of(person)
    numbers = [change for change in changes if isinstance(change, SetNumber)]
    if len(numbers) == len(changes):
        _set_numbers(entries, numbers)
    else:
        phones = _phones(_decode(raw).phone_numbers, own=True)
        entries = _made(entries, phones, changes)
    person["phoneNumbers"] = msgspec.Raw(_join(entries))
    return _join(person)


def entries_of(person: Mapping[str, msgspec.Raw]) -> list[Person]:
    """Return the phoneNumbers of a person that was taken apart."""
    return _decode_entries(person["phoneNumbers"]) if "phoneNumbers" in person else []


def _set_numbers(entries: list[Person], changes: Iterable[SetNumber]) -> None:
    """Set numbers in place: the common case, and much the quicker way."""
    places = {str(place): place for place in range(len(entries))}
    for change in changes:
        place = places.get(change.phone, -1)
        entry = entries[place] if place >= 0 else {"value": None}
        if entry.get("value", "") != change.before or source_type(entry) != "CONTACT":
            raise ValueError(
                f"phone {change.phone}: the card does not hold what the change expects"
            )
        entries[place] = {**without(entry, "canonicalForm"), "value": change.after}


def _made(
    entries: list[Person], phones: tuple[Phone, ...], changes: Sequence[Change]
) -> list[Person]:
    return [
        _changed(entries[int(field.key)], field.was, field.phone)
        if field.was
        else _added(field.phone)
        for field in made(phones, changes)
        if field.phone
    ]


def source_type(entry: Person) -> str:
    try:
        kind: str = entry["metadata"]["source"]["type"]
    except KeyError:
        return "CONTACT"
    return kind


def _changed(entry: Person, was: Phone, phone: Phone) -> Person:
    """Return an entry with another number or label."""
    if phone.value != was.value:
        entry = {**without(entry, "canonicalForm"), "value": phone.value}
    if set(phone.labels) != set(was.labels):
        if was.label:
            raise ValueError(f"somebody typed the label {was.label!r}, which stays")
        entry = {**without(entry, "formattedType", "type"), **_type(phone.labels)}
    return entry


def _added(phone: Phone) -> Person:
    return {"value": phone.value, **_type(phone.labels)}


def _type(labels: Sequence[str]) -> Person:
    kind = google_type(labels)
    return {"type": kind} if kind else {}


def without(entry: Person, *keys: str) -> Person:
    return {name: value for name, value in entry.items() if name not in keys}


def labelling(phone: Phone, labels: tuple[str, ...]) -> tuple[str, ...] | None:
    """Say which labels a number reads with once it is given some; None if it cannot be.

    Google keeps one label for a number, and one that a person typed in the same place.
    """
    try:
        kind = google_type(labels)
    except ValueError:
        return None
    return None if phone.label else _labelled(kind)[0]


def google_type(labels: Sequence[str]) -> str:
    """Return the one phone type that says what machine labels say.

    Raises:
        ValueError: It takes more than one.
    """
    words = frozenset(labels) - {"voice", "pref"}
    if len(words) == 1 and (word := next(iter(words))) not in ("cell", "fax"):
        return _TYPES.get(word, word)
    if words and words not in _COMBINED:
        raise ValueError(f"labels {', '.join(sorted(words))}: Google keeps one for a number")
    return _COMBINED.get(words, "")
