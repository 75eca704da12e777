"""What do the changes of a card make of its phones, taken together?

Changes are made in their order, each to the phones as the earlier ones left them, so that `before`
of the second change to a field is `after` of the first. A key names one field throughout. A field
that is added gets the key of the one it stands behind, `+`, and which one it is there, from 1:
`0+1`, then `0+2` behind that. A dropped field takes no further change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from danhba.card import AddPhone, Change, DropPhone, Phone, SetLabel, SetNumber


class Made(msgspec.Struct, frozen=True):
    """A phone field before and after the changes.

    Attributes:
        key: Its key.
        was: The field as it is on the card; None when the changes add it.
        phone: The field as it shall be; None when the changes drop it.
    """

    key: str
    was: Phone | None
    phone: Phone | None


def made(phones: Iterable[Phone], changes: Iterable[Change]) -> tuple[Made, ...]:
    """Return every field in the order of the card, with the dropped and the added ones.

    Raises:
        ValueError: A change names a field that is not there or cannot be written, or it expects
            another value or other labels.
    """
    fields = {phone.key: Made(phone.key, phone, phone) for phone in phones}
    order = list(fields)
    added: dict[str, list[str]] = {}
    for change in changes:
        field = fields.get(change.phone)
        if field is None or field.phone is None:
            raise ValueError(f"phone {change.phone}: the card has no such phone")
        if isinstance(change, AddPhone):
            key = _further_key(change.phone, added)
            fields[key] = Made(key, None, Phone(key, change.value, change.labels))
        else:
            fields[change.phone] = replace(field, phone=_changed(field.phone, change))
    return tuple([fields[key] for first in order for key in _with_added(first, added)])


def _further_key(behind: str, added: dict[str, list[str]]) -> str:
    """Name one more field behind another one, and note it."""
    there = added.setdefault(behind, [])
    there.append(f"{behind}+{len(there) + 1}")
    return there[-1]


def _with_added(key: str, added: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield a field and those that were added behind it, in their order."""
    yield key
    for further in added.get(key, ()):
        yield from _with_added(further, added)


def phones_after(phones: Iterable[Phone], changes: Iterable[Change]) -> tuple[Phone, ...]:
    """Return the phones as the changes leave them; raises as `made` does."""
    return tuple([field.phone for field in made(phones, changes) if field.phone])


def keys_after(keys: Iterable[str], changes: Iterable[Change]) -> tuple[str, ...]:
    """Return the keys of the fields, in order, as the changes leave them."""
    added: dict[str, list[str]] = {}
    gone: set[str] = set()
    for change in changes:
        if isinstance(change, AddPhone):
            _further_key(change.phone, added)
        elif isinstance(change, DropPhone):
            gone.add(change.phone)
    present = (key for first in keys for key in _with_added(first, added))
    return tuple([key for key in present if key not in gone])


def _changed(phone: Phone, change: SetNumber | SetLabel | DropPhone) -> Phone | None:
    if phone.locked:
        raise ValueError(f"phone {change.phone}: cannot be written ({phone.locked})")
    match change:
        case SetNumber() if phone.value == change.before:
            return replace(phone, value=change.after)
        case SetLabel() if set(phone.labels) == set(change.before):
            return replace(phone, labels=change.after)
        case DropPhone() if phone.value == change.before:
            return None
    raise ValueError(f"phone {change.phone}: the card does not hold what the change expects")


class Side(msgspec.Struct, frozen=True):
    """A field as far as changes tell of it; None stands for what they do not touch."""

    value: str | None = None
    labels: tuple[str, ...] | None = None


class Net(msgspec.Struct, frozen=True):
    """What changes do to one field, taken together.

    Attributes:
        was: The field before the first of them; None when they add it.
        now: The field after the last of them; None when they drop it.
        number: What it holds in the end, also where they leave the value alone; empty if unknown.
    """

    was: Side | None
    now: Side | None
    number: str = ""


def net(changes: Iterable[Change]) -> dict[str, Net]:
    """Take changes together, field by field, without knowing the card: key -> what they do."""
    found: dict[str, Net] = {}
    added: dict[str, list[str]] = {}
    for change in changes:
        if isinstance(change, AddPhone):
            key = _further_key(change.phone, added)
            found[key] = Net(None, Side(change.value, change.labels), change.value)
        else:
            found[change.phone] = _further(found.get(change.phone, _UNTOUCHED), change)
    return {key: each for key, each in found.items() if each.was or each.now}


_UNTOUCHED = Net(Side(), Side())


def _further(sofar: Net, change: SetNumber | SetLabel | DropPhone) -> Net:
    was, now = sofar.was, sofar.now or Side()
    match change:
        case SetNumber():
            now = replace(now, value=change.after)
            return Net(_known(was, value=change.before), now, change.after)
        case SetLabel():
            now = replace(now, labels=change.after)
            return Net(_known(was, labels=change.before), now, change.value or sofar.number)
        case DropPhone():
            return Net(_known(was, value=change.before, labels=change.labels), None)


def _known(
    side: Side | None, value: str | None = None, labels: tuple[str, ...] | None = None
) -> Side | None:
    """Return the side with what was not known of it."""
    if side is None:
        return None
    return Side(
        value if side.value is None else side.value,
        labels if side.labels is None else side.labels,
    )
