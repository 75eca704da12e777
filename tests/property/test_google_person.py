"""Whatever a person of the People API holds, a conversion changes the values meant, nothing else.

Persons are made of all fields of the discovery document's schemas.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.people.discovery import properties
from tests.people.place import Place, Small

from danhba.card import Card, SetNumber
from danhba.convert import convert
from danhba.syncer import Fidelity
from danhba_syncers import _people, _people_sent

ME = "an@corp.example"
NUMBERS = (
    "0168 123 4567", "+84 168 123 4567", "(08) 3812-3456", "08 3812 3456", "0912 345 678",
    "0123.456.7890", "84 64 3812 345", "0169 123 4567 / 0912 345 678", "1900 1234", "113", "",
)  # fmt: skip
TYPES = ("mobile", "home", "work", "workFax", "homeFax", "main", "other", "Nhà riêng", "fax cũ")

few = {"max_size": 2}


def of_schema(name: str, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects of a schema, each field there or not."""
    fields = {field: _of(about, depth) for field, about in properties(name).items()}
    return st.fixed_dictionaries({}, optional={f: s for f, s in fields.items() if f != "metadata"})


def _of(about: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "$ref" in about:
        return of_schema(about["$ref"], depth - 1) if depth else st.just({})
    if "enum" in about:
        return st.sampled_from(about["enum"])
    match about["type"]:
        case "string":
            return st.text(max_size=8)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(-(2**31), 2**31 - 1)
        case "array":
            return st.lists(_of(about["items"], depth - 1), **few) if depth else st.just([])
    raise AssertionError(about)


def sources() -> st.SearchStrategy[dict[str, Any]]:
    """Return what says of an item where it is from: mostly of the contact itself."""
    other = st.builds(
        lambda kind: {"source": {"type": kind, "id": "9"}},
        st.sampled_from(["PROFILE", "DOMAIN_PROFILE", "DOMAIN_CONTACT"]),
    )
    return st.one_of(st.just({}), st.just({}), st.just({"sourcePrimary": True}), other)


def phones() -> st.SearchStrategy[list[dict[str, Any]]]:
    value = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.text(max_size=15))
    entry = st.fixed_dictionaries(
        {"metadata": sources()},
        optional={"value": value, "type": st.one_of(st.sampled_from(TYPES), st.text(max_size=6))},
    )
    return st.lists(entry, max_size=5)


def _items(schema: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    item = st.tuples(of_schema(schema), sources())
    return st.lists(item.map(lambda pair: {**pair[0], "metadata": pair[1]}), **few)


@st.composite
def persons(draw: st.DrawFn) -> dict[str, Any]:
    """Return persons with some of all fields, and phones."""
    about = properties("Person")
    lists = {f: a["items"]["$ref"] for f, a in about.items() if a.get("type") == "array"}
    del lists["phoneNumbers"]
    chosen = draw(st.lists(st.sampled_from(sorted(lists)), max_size=6, unique=True))
    person = {field: draw(_items(lists[field])) for field in chosen}
    return {**person, "phoneNumbers": draw(phones())}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("google")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DANHBA_STATE_DIR", str(folder / "state"))
        place = Place(folder / "place", ME)
        place.kind = Small
        with place.api:
            yield place


def meant(place: Place, card: Card) -> dict[str, str]:
    """Return what the converter wants to change: key of the phone -> value."""
    changes = convert(card, place.job(place.personal()).context).changes
    assert all(isinstance(change, SetNumber) for change in changes)
    return {change.phone: change.after for change in changes if isinstance(change, SetNumber)}


def told(person: dict[str, Any]) -> dict[str, Any]:
    """Return a person without what the server says of the last change, and makes of a number."""
    kept: dict[str, Any] = json.loads(json.dumps(person))
    del kept["etag"]
    for source in kept["metadata"]["sources"]:
        source.pop("etag", None)
        source.pop("updateTime", None)
    for phone in kept.get("phoneNumbers", ()):
        phone.pop("canonicalForm", None)
    return kept


def set_in(person: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    """Return a person with the values of some phones set."""
    numbers = person.get("phoneNumbers", [])
    for key, value in values.items():
        numbers[int(key)]["value"] = value
    return person


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(persons(), min_size=1, max_size=15))
def test_a_run_changes_the_values_meant_and_nothing_else(
    place: Place, contacts: list[dict[str, Any]]
) -> None:
    account = place.account
    for name in list(account.people):
        account.delete(name)
    for contact in contacts:
        account.put(contact)
    cards = {card.ref.partition("/")[2]: card for card in place.personal().read()}
    wanted = {name: meant(place, card) for name, card in cards.items()}
    before = {name: told(person) for name, person in account.people.items()}
    _, result = place.convert(place.personal())
    assert result.problems == {}
    after = {name: told(person) for name, person in account.people.items()}
    assert after == {
        name: set_in(json.loads(json.dumps(person)), wanted[name])
        for name, person in before.items()
    }
    assert place.undo(place.personal()).problems == {}
    assert {name: told(person) for name, person in account.people.items()} == before


@settings(max_examples=60)
@given(persons())
def test_the_quick_way_to_the_headline_tells_the_same(contact: dict[str, Any]) -> None:
    raw = msgspec.json.encode(contact)
    brief, details = _people.summarise(raw), _people.describe(raw)
    assert brief is None or (brief.name, brief.date) == (details.name, details.date)
    assert brief is None or brief.countries == tuple(
        place.country for place in details.addresses if place.country
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(persons())
def test_patch_moves_no_other_byte(place: Place, contact: dict[str, Any]) -> None:
    account = place.account
    for name in list(account.people):
        account.delete(name)
    name = account.put(contact)
    person = account.people[name]
    sent = msgspec.json.format(msgspec.json.encode(person))
    card = _people.card_of(f"{ME}/{name}", _people.found(msgspec.Raw(sent)))
    assert not card.trouble
    assert json.loads(card.raw) == person
    wanted = meant(place, card)
    changes = [SetNumber(k, card.phones[int(k)].value, value) for k, value in wanted.items()]
    raw = _people.patch(card.raw, changes)
    assert _people._made(person.get("phoneNumbers", []), card.phones, changes) == json.loads(
        raw
    ).get("phoneNumbers", [])
    expected = set_in(json.loads(card.raw), wanted)
    for key in wanted:
        expected["phoneNumbers"][int(key)].pop("canonicalForm", None)
    assert raw == msgspec.json.encode(expected)
    back = [SetNumber(k, value, card.phones[int(k)].value) for k, value in wanted.items()]
    again = _people.patch(raw, back)
    assert _people_sent.compare(card.raw, again) is not Fidelity.LOST
    assert (_people_sent.compare(card.raw, raw) is Fidelity.LOST) == bool(wanted)
