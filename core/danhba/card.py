"""Card, phone, change, question, edit, outcome: the values that flow through danhba; its glossary.

- **card**: one record of an address book, as its source sent it (`raw`), with the phones on it.
- **phone**: one phone field of a card; its `key` is given by the syncer and stable within one
  version of the card.
- **ref**: the name of a card within its source; **version**: what changes whenever the card does.
- **raw**: the bytes of the card in its source's own format. The core never looks inside.
- **change**: what a step proposes for a card; **step** is the part of the converter that made it,
  **rule** the line of a numbering pack it rests on, **why** the reasons a person can read. Changes
  are made in their order (`danhba.changes`).
- **question**: a number with two readings that a person must choose between.
- **edit**: a card and its new raw, ready to be written; **outcome**: what became of an edit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, overload

import msgspec

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801 - used like property
    """An attribute computed when first asked for; `cached_property` takes a lock until 3.12."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, holder: None, owner: type) -> lazy[T]: ...
    @overload
    def __get__(self, holder: object, owner: type) -> T: ...
    def __get__(self, holder: object, owner: type) -> T | lazy[T]:
        if holder is None:
            return self
        value = holder.__dict__[self.name] = self.compute(holder)
        return value


class Why(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason, as a code with arguments; `danhba.texts` renders it in English or Vietnamese.

    Attributes:
        code: What kind of reason, such as `one-reading` or `also-valid-today`.
        args: What the sentence names, such as a province or an operator; in Vietnamese under
            `name_vi` where `name` is another one.
    """

    code: str
    args: dict[str, str] = {}


class Named(Protocol):
    """What bears the name of an operator or a province."""

    @property
    def name(self) -> str:
        """The name in English."""
        ...

    @property
    def name_vi(self) -> str:
        """The name in Vietnamese; empty where it is the same."""
        ...


def named(one: Named, key: str = "name") -> dict[str, str]:
    """Return a name as arguments of a reason: in English, and in Vietnamese where it differs."""
    same = one.name_vi in ("", one.name)
    return {key: one.name} if same else {key: one.name, f"{key}_vi": one.name_vi}


class Phone(msgspec.Struct, frozen=True):
    """One phone field of a card.

    Attributes:
        key: The syncer's name for this field, without `+`; unique in the card, stable within its
            version.
        value: The number as it is written, decoded; may hold several numbers or none.
        labels: The machine labels (vCard TYPE, Google type), lower case, in the order written.
        label: The label a person typed (X-ABLabel, a custom type), or an empty string.
        locked: Why the field cannot be written, or an empty string when it can.
        more: What else the field says of the number and what would be lost with it, such as `pref`
            or `waid=84381234567`, lower case.
    """

    key: str
    value: str
    labels: tuple[str, ...] = ()
    label: str = ""
    locked: str = ""
    more: tuple[str, ...] = ()


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """A postal address, as far as evidence needs it; parts are empty where not given."""

    locality: str = ""
    region: str = ""
    country: str = ""
    street: str = ""


class Details(msgspec.Struct, frozen=True):
    """What a card says besides its phones; read only for cards that need it.

    Attributes:
        name: What a person calls the card; may be empty.
        date: When the card says it was last changed (REV, updateTime); None when unknown.
        created: When it was made by its own account; None when unknown.
        company: Whether the card is of an organisation, not of a person.
        addresses: Its postal addresses.
        handles: Messenger handles (IMPP, X-WHATSAPP, …) as written.
    """

    name: str = ""
    date: datetime | None = None
    created: datetime | None = None
    company: bool = False
    addresses: tuple[Address, ...] = ()
    handles: tuple[str, ...] = ()


class Headline(msgspec.Struct, frozen=True):
    """The part of the details that every changed card needs; cheap to read.

    Attributes:
        name: What a person calls the card; may be empty.
        date: When the card was last changed by its own account; None when unknown.
        countries: The countries of its addresses, as written.
    """

    name: str = ""
    date: datetime | None = None
    countries: tuple[str, ...] = ()


NO_DETAILS = Details()


def no_details(_raw: bytes) -> Details:
    """Describe a card whose syncer knows nothing but its phones."""
    return NO_DETAILS


class Card(msgspec.Struct, frozen=True, dict=True):
    """One record of an address book, as its source sent it.

    Attributes:
        ref: The card's name in its source, unique there.
        raw: The record's bytes as the source sent them; the core never parses them.
        phones: Its phone fields, in the order of the card.
        describe: Reads the details out of `raw`; pure, called at most once, and only when needed.
        stamp: The version the source gives (an ETag); empty where the version is sha256 of `raw`.
        elsewhere: Names of the places that hold numbers danhba sees and leaves alone (NOTE, IMPP).
        trouble: Why the card cannot be understood; such a card is passed over by name.
        summarise: A quicker way to the headline than `describe`, or None.
    """

    ref: str
    raw: bytes
    phones: tuple[Phone, ...]
    describe: Callable[[bytes], Details] = no_details
    stamp: str = ""
    elsewhere: tuple[str, ...] = ()
    trouble: str = ""
    summarise: Callable[[bytes], Headline | None] | None = None

    @lazy
    def sha256(self) -> str:
        """SHA-256 of `raw`, in hexadecimal."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def version(self) -> str:
        """What changes whenever the card does: the source's stamp, else the sha256 of `raw`."""
        return self.stamp or self.sha256

    @lazy
    def details(self) -> Details:
        """What the card says besides its phones."""
        return self.describe(self.raw)

    @lazy
    def headline(self) -> Headline:
        """The part of the details that is cheap to read."""
        quick = self.summarise(self.raw) if self.summarise else None
        if quick is not None:
            return quick
        found = self.details
        countries = tuple(place.country for place in found.addresses if place.country)
        return Headline(found.name, found.date, countries)


class SetNumber(msgspec.Struct, frozen=True, tag_field="op", tag="set-number", omit_defaults=True):
    """Write another number into a phone field; everything else about the field stays.

    Attributes:
        phone: Key of the phone field.
        before: The whole value as it is.
        after: The whole value as it shall be.
        rule: Id of the pack rule, or of the first where the field holds several numbers.
        step: The step that made the change.
        why: The reasons.
    """

    phone: str
    before: str
    after: str
    rule: str = ""
    step: str = "renumber"
    why: tuple[Why, ...] = ()


class SetLabel(msgspec.Struct, frozen=True, tag_field="op", tag="set-label", omit_defaults=True):
    """Give a phone field other machine labels; their order means nothing.

    Attributes:
        phone: Key of the phone field.
        before: The machine labels as they are.
        after: The machine labels as they shall be, lower case.
        step: The step that made the change.
        why: The reasons.
        value: The number they label, for people; the converter fills it in.
    """

    phone: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    step: str
    why: tuple[Why, ...] = ()
    value: str = ""


class AddPhone(msgspec.Struct, frozen=True, tag_field="op", tag="add-phone", omit_defaults=True):
    """Add a phone field after another one.

    Attributes:
        phone: Key of the field to stand behind.
        value: The number as it shall be written.
        labels: Machine labels of the new field.
        step: The step that made the change.
        why: The reasons.
    """

    phone: str
    value: str
    labels: tuple[str, ...]
    step: str
    why: tuple[Why, ...] = ()


class DropPhone(msgspec.Struct, frozen=True, tag_field="op", tag="drop-phone", omit_defaults=True):
    """Remove a phone field.

    Attributes:
        phone: Key of the phone field.
        before: The whole value as it is.
        step: The step that made the change.
        why: The reasons.
        labels: Its machine labels, with which undo puts it back; the converter fills them in.
    """

    phone: str
    before: str
    step: str
    why: tuple[Why, ...] = ()
    labels: tuple[str, ...] = ()


Change: TypeAlias = SetNumber | SetLabel | AddPhone | DropPhone


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way to understand an ambiguous number.

    Attributes:
        after: The field's whole value under this reading (the same as before for "keep").
        e164: The number in E.164 under this reading.
        meaning: What it is, in English: `fixed, Ho Chi Minh City (old form, until 2017-07-17)`.
        rule: Id of the pack rule that makes `after`; empty for the reading that keeps the number.
        name_vi: Vietnamese name of the operator or province in `meaning`, where it differs.
    """

    after: str
    e164: str
    meaning: str
    rule: str = ""
    name_vi: str = ""


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number with more than one reading, put to a person.

    Attributes:
        phone: Key of the phone field.
        value: The whole value as it is.
        readings: The possible readings; the one that keeps the number comes last.
        why: What speaks for which reading.
        key: What decides the question (number and evidence); an answer is remembered under it.
    """

    phone: str
    value: str
    readings: tuple[Reading, ...]
    why: tuple[Why, ...] = ()
    key: str = ""


Splice: TypeAlias = tuple[int, int, str]
"""Offset and length in a new raw, and the old bytes that stood there, one character a byte."""


class Edit(msgspec.Struct, frozen=True, dict=True):
    """A card and its new raw, to be written if the card still has the version it was read with.

    Attributes:
        card: The card.
        raw: Its new raw.
        back: What turns the new raw back, where that is known already.
    """

    card: Card
    raw: bytes
    back: tuple[Splice, ...] | None = None

    @lazy
    def sha256(self) -> str:
        """SHA-256 of the new raw, in hexadecimal."""
        return hashlib.sha256(self.raw).hexdigest()


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A card decided about in bulk, with its new raw.

    Attributes:
        ref: The card's name in its source.
        name: What a person calls it.
        date: When it was last changed by its own account, RFC 3339; empty when unknown.
        changes: What becomes of its numbers.
        old: Its raw as read.
        new: Its raw with the changes made.
        back: What turns the new raw back.
        ref_after: Its ref once it is written, where it becomes another one; else empty.
    """

    ref: str
    name: str
    date: str
    changes: tuple[SetNumber, ...]
    old: bytes
    new: bytes
    back: tuple[Splice, ...]
    ref_after: str = ""


class Missing(msgspec.Struct, frozen=True):
    """The answer of `fetch` for a card that is not there any more."""

    ref: str


Status: TypeAlias = Literal["written", "conflict", "failed", "unclear"]


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one edit.

    Attributes:
        ref: The card.
        status: `written`; `conflict`, when the card had moved meanwhile; `failed`, when it is as it
            was; or `unclear`, when it was sent and nobody can tell: the next run looks.
        version: The card's version after the write; empty unless written.
        detail: What went wrong, for a person.
    """

    ref: str
    status: Status
    version: str = ""
    detail: str = ""
