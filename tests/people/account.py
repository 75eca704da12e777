"""What does one user's account hold, and how does it answer? Contacts, etags, lists, sync tokens.

Contacts are kept in the order of their last change, which is the order of a list. A change appends
to the journal; a page or sync token is a place in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from tests.people.discovery import Refusal, invalid, properties, read_only

Person = dict[str, Any]

LISTED = 100
"""Phones, and email addresses, that a list shows of one person."""
SYNC_LIFE = timedelta(days=7)
_SINGLETONS = ("biographies", "birthdays", "genders", "names")
_START = datetime(2016, 5, 4, 3, 2, 1, tzinfo=UTC)


def stale() -> Refusal:
    """Return Google's refusal of a write with an old etag."""
    return Refusal(
        400,
        "FAILED_PRECONDITION",
        "Request person.etag is different than the current person.etag. Clear local cache and get"
        " the latest person.",
    )


class Account:
    """The contacts of one user.

    Args:
        user: The user's address.
        now: The clock; sync tokens age by it.
    """

    def __init__(self, user: str, now: Callable[[], datetime]) -> None:
        self.user, self.now = user, now
        self.people: dict[str, Person] = {}
        self.renamed: dict[str, str] = {}
        self.get_is_cut = False
        self.history: dict[str, list[Person]] = {}
        self._seq: dict[str, int] = {}
        self._journal: list[tuple[int, str]] = []
        self._last = 0
        self._made = 0
        self._sync_from = 0

    # -- behind everybody's back -------------------------------------------------------------------

    def add(self, name: str = "", phones: Iterable[Any] = (), **fields: Any) -> str:
        """Make a contact; a phone is a number, or (number, type), or a whole entry."""
        entries = [_phone(phone) for phone in phones]
        names = [{"displayName": name, "unstructuredName": name}] if name else []
        return self.put({"names": names, "phoneNumbers": entries, **fields})

    def put(self, fields: Person, updated: datetime = _START, *, contact: bool = True) -> str:
        """Make a person of whole fields; what the server says of each (metadata) is added.

        Without `contact` it is a profile alone, which nobody can write.
        """
        self._made += 1
        ident = f"{self._made:x}"
        name = f"people/c{self._made}"
        person: Person = {"resourceName": name}
        sources = fields.get("metadata", {}).get("sources", [])
        others = [source for source in sources if source.get("type") != "CONTACT"]
        person["metadata"] = {
            **fields.get("metadata", {}),
            "sources": [*([{"type": "CONTACT", "id": ident}] if contact else []), *others],
            "objectType": "PERSON",
        }
        for field, value in fields.items():
            if field not in ("metadata", "resourceName", "etag"):
                person[field] = _said(field, value, ident)
        person = {field: value for field, value in person.items() if value != []}
        self._changed(person, updated)
        return name

    def change(self, name: str, **fields: Any) -> None:
        """Replace whole fields of a contact, as another of the user's programs would."""
        person = _copy(self.people[name])
        ident = _contact_source(person).get("id", "")
        for field, value in fields.items():
            person[field] = _said(field, value, ident)
        self._changed(person, self.now())

    def touch_profile(self, name: str) -> None:
        """Change what is not the contact's own: the person's etag moves, the contact's does not."""
        person = _copy(self.people[name])
        self._seen(person)
        self._last += 1
        person["etag"] = _etag(self.user, name, self._last)
        self.people[name] = person
        self._note(name)

    def delete(self, name: str) -> None:
        """Delete a contact."""
        self.people.pop(name)
        self._last += 1
        self._note(name)

    def rename(self, name: str, new: str) -> None:
        """Give a contact another resource name, as linking it with a profile may do."""
        person = self.people.pop(name)
        self._last += 1
        self._note(name)
        person = {**person, "resourceName": new}
        meta = person["metadata"]
        before = [*meta.get("previousResourceNames", []), name]
        person["metadata"] = {**meta, "previousResourceNames": before}
        self.renamed[name] = new
        self.people[new] = person
        self._last += 1
        self._note(new)

    def expire_tokens(self) -> None:
        """Let every sync token given out so far be too old."""
        self._sync_from = self._last + 1
        self._last += 1

    def numbers(self) -> dict[str, list[str]]:
        """Return the numbers of each contact, by resource name."""
        return {name: numbers_of(person) for name, person in self.people.items()}

    # -- what the API does -------------------------------------------------------------------------

    def page(self, given: dict[str, Any]) -> bytes:
        """Return a page of the list as JSON."""
        size = given.get("pageSize", 0) or 100
        if not 1 <= size <= 1000:
            raise invalid("page_size must be between 1 and 1000.")
        if given["resourceName"] != "people/me":
            raise invalid("Resource name must be people/me")
        mask = _mask(given["personFields"])
        since, syncing = self._place(given)
        found = list(islice(self._after(since, syncing=syncing), size + 1))
        shown = [self._shown(name, mask) for _, name in found[:size]]
        answer: dict[str, Any] = {"connections": shown} if shown else {}
        if len(found) > size:
            place = found[size - 1][0]
            answer["nextPageToken"] = self._token("page", place, given, syncing=syncing)
        elif given.get("requestSyncToken"):
            answer["nextSyncToken"] = self._token("sync", self._last, given, syncing=True)
        if not syncing:
            answer["totalItems"] = answer["totalPeople"] = len(self.people)
        return msgspec.json.encode(answer)

    def get(self, name: str, fields: str) -> Person:
        """Return one person, complete."""
        return _masked(self._present(name), _mask(fields), cut=self.get_is_cut)

    def check(self, name: str, sent: Person, fields: list[str]) -> None:
        """Refuse a write that is stale or wrong."""
        person = self._present(name)
        if not _contact_source(person):
            raise invalid("The person has no contact source.")
        _check_etag(person, sent)
        for field in fields:
            items = _own(sent.get(field, []))
            if field in _SINGLETONS and len(items) > 1:
                raise invalid(f"{field} is a singleton field for contact sources.")
            if field == "memberships" and not any("contactGroupMembership" in i for i in items):
                raise invalid("memberships must hold at least one contact group membership.")

    def update(self, name: str, sent: Person, fields: list[str]) -> None:
        """Replace whole fields of a contact; the etag must be the present one."""
        self.check(name, sent, fields)
        person = _copy(self._present(name))
        ident = _contact_source(person)["id"]
        for field in fields:
            items = _own(sent.get(field, []))
            person[field] = _replaced(field, person.get(field, []), items, ident)
            if not person[field]:
                del person[field]
        self._changed(person, self.now())

    # -- inside ------------------------------------------------------------------------------------

    def _present(self, name: str) -> Person:
        person = self.people.get(self.renamed.get(name, name))
        if person is None:
            raise Refusal(404, "NOT_FOUND", "Requested entity was not found.")
        return person

    def _changed(self, person: Person, when: datetime) -> None:
        name = person["resourceName"]
        self._seen(person)
        self._last += 1
        person["etag"] = _etag(self.user, name, self._last)
        if source := _contact_source(person):
            source["etag"] = "#" + _etag(name, source["id"], self._last)
            source["updateTime"] = when.isoformat().replace("+00:00", "Z")
        self.people.pop(name, None)
        self.people[name] = person
        self._note(name)

    def _seen(self, person: Person) -> None:
        before = self.people.get(person["resourceName"])
        if before:
            self.history.setdefault(person["resourceName"], []).append(before)

    def _note(self, name: str) -> None:
        self._seq[name] = self._last
        self._journal.append((self._last, name))

    def _after(self, since: int, *, syncing: bool) -> Iterator[tuple[int, str]]:
        start = bisect_right(self._journal, (since, "\U0010ffff"))
        for place in range(start, len(self._journal)):
            seq, name = self._journal[place]
            if self._seq[name] == seq and (syncing or name in self.people):
                yield seq, name

    def _shown(self, name: str, mask: frozenset[str]) -> Person:
        person = self.people.get(name)
        if person is None:
            gone: Person = {"resourceName": name, "etag": _etag(name)}
            if "metadata" in mask:
                gone["metadata"] = {"deleted": True, "objectType": "PERSON"}
            return gone
        return _masked(person, mask, cut=True)

    def _place(self, given: dict[str, Any]) -> tuple[int, bool]:
        """Return where a list goes on, and whether it lists changes."""
        if text := given.get("pageToken"):
            kind, place, params, syncing = _read_token(text)
            if kind != "page" or params != _params(given):
                raise invalid("Request parameters must match the first call of this page token.")
            return place, syncing
        if text := given.get("syncToken"):
            kind, place, params, _ = _read_token(text, "Sync token is invalid.")
            if params != _params(given):
                raise invalid("Request parameters must match the first call of this sync token.")
            if kind != "sync" or place < self._sync_from or self._too_old(text):
                raise Refusal(
                    400,
                    "FAILED_PRECONDITION",
                    "Sync token is expired. Clear local cache and retry call without the sync"
                    " token.",
                    reason="EXPIRED_SYNC_TOKEN",
                )
            return place, True
        return 0, False

    def _token(self, kind: str, place: int, given: dict[str, Any], *, syncing: bool) -> str:
        content = [kind, place, _params(given), syncing, self.now().isoformat()]
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    def _too_old(self, text: str) -> bool:
        issued = json.loads(base64.urlsafe_b64decode(text))[4]
        return self.now() - datetime.fromisoformat(issued) > SYNC_LIFE


def _masked(person: Person, mask: frozenset[str], *, cut: bool) -> Person:
    shown = {field: value for field, value in person.items() if field in mask}
    shown["etag"] = f"{person['etag']};{len(mask)}"  # Google's, too, differs with the fields
    if cut:
        for field in ("phoneNumbers", "emailAddresses"):
            if field in shown:
                shown[field] = shown[field][:LISTED]
    return shown


def _mask(fields: str) -> frozenset[str]:
    return frozenset(part.strip() for part in fields.split(",")) | {"resourceName", "etag"}


def numbers_of(person: Person) -> list[str]:
    """Return the numbers of a person."""
    return [phone.get("value", "") for phone in person.get("phoneNumbers", [])]


def _phone(phone: Any) -> Person:
    if isinstance(phone, dict):
        return phone
    value, kind = (phone, "mobile") if isinstance(phone, str) else phone
    return {"value": value, "type": kind} if kind else {"value": value}


def _said(field: str, value: Any, ident: str) -> Any:
    """Add to the items of a field what the server says of them."""
    if not isinstance(value, list):
        return value
    own = {"source": {"type": "CONTACT", "id": ident}}
    return _first_primary(
        {**item, **_made_of(field, item), "metadata": {**own, **item.get("metadata", {})}}
        for item in value
    )


def _first_primary(items: Iterable[Person]) -> list[Person]:
    found = []
    for place, item in enumerate(items):
        meta = {k: v for k, v in item["metadata"].items() if k != "primary"}
        found.append({**item, "metadata": {**meta, **({} if place else {"primary": True})}})
    return found


def _made_of(field: str, item: Person) -> Person:
    """Return what only the server writes into an item."""
    if field != "phoneNumbers":
        return {}
    made = {}
    value = str(item.get("value", ""))
    digits = "".join(char for char in value if char.isdigit())
    if value.startswith("+"):
        made["canonicalForm"] = f"+{digits}"
    elif digits.startswith("0") and len(digits) > 8:
        made["canonicalForm"] = f"+84{digits[1:]}"
    if item.get("type"):
        made["formattedType"] = item["type"].title()
    return made


def _own(items: Any) -> list[Person]:
    """Return the items that are the contact's own; data of other sources is ignored."""
    of = [item.get("metadata", {}).get("source", {}).get("type", "CONTACT") for item in items]
    return [item for item, kind in zip(items, of, strict=True) if kind == "CONTACT"]


def _replaced(field: str, stored: list[Person], sent: list[Person], ident: str) -> list[Person]:
    schema = properties("Person")[field]["items"]["$ref"]
    hidden, quiet = read_only(schema), read_only("FieldMetadata")
    items = []
    for item in sent:
        clean = {key: value for key, value in item.items() if key not in hidden}
        meta = {k: v for k, v in item.get("metadata", {}).items() if k not in quiet}
        items.append({**clean, "metadata": {**meta, "source": {"type": "CONTACT", "id": ident}}})
    found = _said(field, items, ident)
    for place, item in enumerate(stored):
        if item.get("metadata", {}).get("source", {}).get("type", "CONTACT") != "CONTACT":
            found.insert(place, item)
    return _first_primary(found)


def _check_etag(person: Person, sent: Person) -> None:
    sources = sent.get("metadata", {}).get("sources", [])
    given = [source.get("etag", "") for source in sources if source.get("type") == "CONTACT"]
    if not given or not given[0]:
        raise invalid("person.metadata.sources with the contact's etag must be specified.")
    if given[0] != _contact_source(person)["etag"]:
        raise stale()
    if sent.get("etag", person["etag"]).partition(";")[0] != person["etag"]:
        raise stale()


def _contact_source(person: Person) -> dict[str, str]:
    return next((s for s in person["metadata"]["sources"] if s["type"] == "CONTACT"), {})


def _params(given: dict[str, Any]) -> str:
    kept = {k: v for k, v in given.items() if k not in ("pageToken", "syncToken")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]


def _read_token(text: str, wrong: str = "Page token is invalid.") -> tuple[str, int, str, bool]:
    try:
        kind, place, params, syncing, _ = json.loads(base64.urlsafe_b64decode(text))
    except ValueError as error:
        raise invalid(wrong) from error
    return kind, place, params, syncing


def _etag(*parts: object) -> str:
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return "%EgUBAj0" + base64.b64encode(digest[:12]).decode()


def _copy(person: Person) -> Person:
    """Copy what is changed in place: the sources."""
    sources = [dict(source) for source in person["metadata"]["sources"]]
    return {**person, "metadata": {**person["metadata"], "sources": sources}}
