"""Whole runs on Google Contacts: exact requests, sync tokens, odd contacts, undo."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.people import Fault
from tests.people.place import Place, Small

from danhba import run
from danhba.card import AddPhone, Card, DropPhone, Edit, Outcome, SetLabel, SetNumber
from danhba.difflog import SkipLine, read_log
from danhba.testing import NOW

ME, OTHER = "an@corp.example", "binh@corp.example"
OLD, NEW = "0168 123 4567", "038 123 4567"


@pytest.fixture
def place(tmp_path: Path, state_dir: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place", ME, OTHER)
    with place.api:
        yield place


def skipped(place: Place, number: int) -> dict[str, str]:
    lines = read_log(place.folder / f"{number}.jsonl")
    return {line.ref: line.reason for line in lines if isinstance(line, SkipLine)}


# --- requests -------------------------------------------------------------------------------------


def test_requests_are_as_few_as_the_batches_allow(place: Place) -> None:
    """A tenth of 50,000 contacts with 20,000 changed; the whole is in benchmarks."""
    for i in range(5000):
        place.account.add(f"N {i}", [OLD if i % 5 < 2 else "0912 345 678"])
    _, result = place.convert(place.personal())
    assert (result.written, result.problems) == (2000, {})
    assert place.api.calls == {"list": 5, "batchUpdateContacts": 10, "getBatchGet": 10}
    assert place.api.sizes == [200] * 10
    assert place.api.overlaps == []
    assert place.api.zipped >= place.api.calls.total()


def test_only_phone_numbers_are_sent_with_the_etags(place: Place) -> None:
    place.account.add(
        "An",
        [
            {"value": OLD, "type": "mobile", "metadata": {"sourcePrimary": True}},
            {"value": "1", "type": "Nhà riêng"},
            {"value": "2", "metadata": {"source": {"type": "PROFILE", "id": "9"}}},
        ],
        biographies=[{"value": "kín"}],
    )
    person = place.account.people["people/c1"]
    place.convert(place.personal())
    (sent,) = place.api.sent
    assert (sent["updateMask"], sent["readMask"]) == ("phoneNumbers", "metadata,phoneNumbers")
    contact = sent["contacts"]["people/c1"]
    source = person["metadata"]["sources"][0]
    assert set(contact) == {"resourceName", "etag", "metadata", "phoneNumbers"}
    assert contact["etag"].startswith(person["etag"])
    assert contact["metadata"] == {
        "sources": [{"type": "CONTACT", "id": source["id"], "etag": source["etag"]}]
    }
    expected = [
        {
            key: value
            for key, value in phone.items()
            if key not in ("canonicalForm", "formattedType")
        }
        for phone in person["phoneNumbers"]
    ]
    expected[0]["value"] = NEW
    assert contact["phoneNumbers"] == expected


def test_forecast_says_what_a_write_takes(place: Place) -> None:
    assert place.personal().forecast(20_000) == (
        "20000 contacts to write: about 100 writing and 100 reading calls to Google, 9 min"
    )
    assert place.company().forecast(20_000).endswith("Google, 5 min")
    assert place.personal(writes_per_minute=2).forecast(20_000).endswith("Google, 50 min")
    assert place.personal(requests_per_minute=4).forecast(20_000).endswith("Google, 50 min")


# --- sync tokens ----------------------------------------------------------------------------------


def fill(place: Place, count: int = 3) -> None:
    for account in place.api.accounts.values():
        for i in range(count):
            account.add(f"N {i}", ["0912 345 67" + str(i)])


def test_a_later_run_reads_only_what_changed(place: Place) -> None:
    fill(place, 1200)
    first, _ = place.convert(place.company())
    assert place.api.calls == {"list": 4}
    place.api.accounts[OTHER].add("Mới", [OLD])
    place.account.delete("people/c7")
    end, result = place.convert(place.company())
    assert place.api.calls == {"list": 6, "batchUpdateContacts": 1, "getBatchGet": 1}
    assert (result.written, result.problems) == (1, {})
    assert first.totals["cards_read"] == end.totals["cards_read"] == 2400
    assert end.totals["cards_changed"] == 1


def test_an_expired_token_means_a_full_read_of_that_account(place: Place) -> None:
    fill(place)
    syncer = place.company()
    known = {card.ref: card.version for card in syncer.read()}
    token = syncer.token()
    place.account.expire_tokens()
    place.account.add("Mới", [OLD])
    place.account.delete("people/c1")
    place.api.accounts[OTHER].change("people/c2", nicknames=[{"value": "x"}])
    found = {card.ref: type(card).__name__ for card in syncer.changes_since(token, known)}
    assert found == {
        f"{ME}/people/c4": "Card", f"{ME}/people/c1": "Missing", f"{OTHER}/people/c2": "Card",
    }  # fmt: skip
    known = {card.ref: card.version for card in syncer.read()}
    assert list(syncer.changes_since(syncer.token(), known)) == []


def test_a_token_grows_old_in_a_week(place: Place) -> None:
    fill(place)
    place.convert(place.personal())
    calls = []
    for days in (5, 8):
        place.clock.seconds += days * 86_400
        before = place.api.calls["list"]
        end, _ = place.convert(place.personal())
        calls.append(place.api.calls["list"] - before)
        assert end.totals["cards_read"] == 3
    assert calls == [1, 2]


def test_accounts_come_and_go(place: Place) -> None:
    fill(place)
    alone = place.company(users=(ME,))
    known = {card.ref: card.version for card in alone.read()}
    token = alone.token()
    both = place.company()
    found = list(both.changes_since(token, known))
    assert [card.ref for card in found] == [f"{OTHER}/people/c{i}" for i in (1, 2, 3)]
    known.update({card.ref: card.version for card in found if isinstance(card, Card)})
    gone = list(place.company(users=(OTHER,)).changes_since(both.token(), known))
    assert [card.ref for card in gone] == [f"{ME}/people/c{i}" for i in (1, 2, 3)]
    assert not any(isinstance(card, Card) for card in gone)


def test_a_renamed_contact_is_missing_and_new(place: Place) -> None:
    """Linking a contact with a profile may give it another resource name."""
    fill(place)
    syncer = place.personal()
    known = {card.ref: card.version for card in syncer.read()}
    place.account.rename("people/c2", "people/c77")
    found = {card.ref: type(card).__name__ for card in syncer.changes_since(syncer.token(), known)}
    assert found == {f"{ME}/people/c2": "Missing", f"{ME}/people/c77": "Card"}


def test_a_renamed_contact_is_found_and_written_by_its_old_name(place: Place) -> None:
    place.account.add("An", [OLD])
    syncer = place.personal()
    place.account.rename("people/c1", "people/c77")
    (card,) = syncer.fetch([f"{ME}/people/c1"])
    assert card.ref == f"{ME}/people/c1"
    edit = Edit(card, syncer.patch(card, [SetNumber("0", OLD, NEW)], NOW))
    (outcome,) = syncer.write([edit])
    assert (outcome.ref, outcome.status) == (f"{ME}/people/c1", "written")
    assert place.account.numbers() == {"people/c77": [NEW]}


@pytest.mark.parametrize("token", ["", "x", "{}", '{"users":{},"calls":"names;100"}'])
def test_a_token_of_another_kind_is_no_token(place: Place, token: str) -> None:
    assert place.personal().changes_since(token, {}) is None


# --- odd contacts ---------------------------------------------------------------------------------


def test_a_number_of_a_profile_is_read_and_left_alone(place: Place) -> None:
    profile = {"source": {"type": "PROFILE", "id": "9"}}
    place.account.add("An", [OLD, {"value": OLD, "type": "work", "metadata": profile}])
    place.account.put({"phoneNumbers": [{"value": OLD, "metadata": profile}]}, contact=False)
    end, result = place.convert(place.personal())
    assert (result.written, result.problems) == (1, {})
    assert end.totals["numbers_read"] == 3
    assert place.account.numbers() == {"people/c1": [NEW, OLD], "people/c2": [OLD]}
    assert place.account.history.keys() == {"people/c1"}


def test_an_entry_without_value_stays(place: Place) -> None:
    place.account.add("An", [{"type": "home"}, OLD, {"value": ""}])
    end, result = place.convert(place.personal())
    assert (result.written, end.totals["numbers_read"]) == (1, 3)
    entries = place.account.people["people/c1"]["phoneNumbers"]
    assert [entry.get("value") for entry in entries] == [None, NEW, ""]


@pytest.mark.parametrize("count", [99, 101, 250])
def test_a_person_with_many_numbers_is_read_whole(place: Place, count: int) -> None:
    """A list shows a hundred of them; sending those back would delete the others."""
    place.account.add("An", [f"0912 345 {i:03}" for i in range(count - 1)] + [OLD])
    before = place.account.numbers()["people/c1"]
    _, result = place.convert(place.personal())
    assert (result.written, result.problems) == (1, {})
    assert place.account.numbers()["people/c1"] == [*before[:-1], NEW]
    place.undo(place.personal())
    assert place.account.numbers()["people/c1"] == before


@pytest.mark.parametrize(("count", "cut"), [(100, False), (150, True)])
def test_a_person_who_may_still_be_cut_is_skipped_by_name(
    place: Place, count: int, cut: bool
) -> None:
    place.account.get_is_cut = cut
    place.account.add("An", [OLD] * count)
    place.account.add("Bình", [OLD])
    end, result = place.convert(place.personal())
    assert (result.written, end.totals["cards_skipped"]) == (1, 1)
    assert skipped(place, 1) == {
        f"{ME}/people/c1": "it shows 100 phone numbers, and Google may be keeping more of them back"
    }
    assert place.account.numbers()["people/c1"] == [OLD] * count


def test_a_person_who_cannot_be_understood_is_skipped_by_name(place: Place) -> None:
    place.account.put({"phoneNumbers": [{"value": 168}]})
    place.account.put({"names": "An", "phoneNumbers": [{"value": OLD}]})
    place.account.add("Bình", [OLD])
    end, result = place.convert(place.personal())
    assert (result.written, end.totals["cards_skipped"]) == (1, 2)
    assert all("not a person of the People API" in why for why in skipped(place, 1).values())


def test_a_contact_that_moves_while_the_list_is_read_comes_once(place: Place) -> None:
    fill(place, 1500)
    move = Fault("meddle", "list", skip=1, do=lambda: place.account.change("people/c1", events=[]))
    place.api.faults.append(move)
    refs = [card.ref for card in place.personal().read()]
    assert len(refs) == len(set(refs)) == 1500


# --- labels ---------------------------------------------------------------------------------------


def phones(place: Place) -> list[tuple[str, str | None]]:
    entries = place.account.people["people/c1"]["phoneNumbers"]
    return [(entry["value"], entry.get("type")) for entry in entries]


def test_labels_of_other_sources_find_their_type(place: Place) -> None:
    place.account.add("An", [("1", ""), ("2", "work"), ("3", "mobile")])
    syncer = place.personal()
    (card,) = syncer.read()
    changes = [
        SetLabel("0", (), ("cell", "voice"), "x"),
        SetLabel("1", ("work",), ("work", "fax"), "x"),
        AddPhone("1", "4", ("home", "fax"), "x"),
        SetLabel("2", ("mobile",), ("main",), "x"),
        AddPhone("2", "5", (), "x"),
        DropPhone("2", "3", "x"),
    ]
    (outcome,) = syncer.write([Edit(card, syncer.patch(card, changes, NOW))])
    assert outcome.status == "written"
    assert phones(place) == [("1", "mobile"), ("2", "workFax"), ("4", "homeFax"), ("5", None)]


@pytest.mark.parametrize(
    "change",
    [
        SetLabel("0", (), ("home",), "x"),
        SetLabel("1", (), ("home",), "x"),
        SetLabel("1", ("work",), ("home", "main"), "x"),
        AddPhone("1", "1", ("home", "main"), "x"),
        AddPhone("2", "1", (), "x"),
        SetNumber("2", OLD, NEW),
        SetNumber("0", "2", "3"),
        DropPhone("0", "2", "x"),
    ],
)
def test_a_label_that_somebody_typed_is_never_lost(place: Place, change: Any) -> None:
    place.account.add("An", [("1", "Kho"), ("2", "work")])
    syncer = place.personal()
    (card,) = syncer.read()
    assert [(p.labels, p.label) for p in card.phones] == [((), "Kho"), (("work",), "")]
    with pytest.raises(ValueError, match=r"phone|label"):
        syncer.patch(card, [change], NOW)


# --- undo -----------------------------------------------------------------------------------------


def test_undo_restores_the_exact_phone_numbers(place: Place) -> None:
    place.kind = Small
    for i in range(13):
        place.account.add(f"N {i}", [(OLD, "mobile"), ("(08) 3812-3456", "Kho"), ("1", "work")])
    before = {name: person["phoneNumbers"] for name, person in place.account.people.items()}
    _, result = place.convert(place.personal())
    assert result.written == 13
    result = place.undo(place.personal())
    assert (result.written, result.problems) == (13, {})
    after = {name: person["phoneNumbers"] for name, person in place.account.people.items()}
    assert after == before
    _, result = place.convert(place.personal())
    assert result.written == 0


def test_undo_of_a_contact_touched_since_takes_back_only_our_numbers(place: Place) -> None:
    for name in "ABCD":
        place.account.add(name, [(OLD, "mobile"), ("+84 168 765 4321", "home")])
    place.convert(place.personal())
    account = place.account
    account.change("people/c1", names=[{"displayName": "A khác"}])
    account.change("people/c2", phoneNumbers=[{"value": NEW, "type": "work"}, {"value": "113"}])
    account.change("people/c3", phoneNumbers=[{"value": "0912 000 000"}])
    account.delete("people/c4")
    result = place.undo(place.personal())
    assert account.numbers() == {
        "people/c1": [OLD, "+84 168 765 4321"],
        "people/c2": [OLD, "113"],
        "people/c3": ["0912 000 000"],
    }
    assert account.people["people/c1"]["names"][0]["displayName"] == "A khác"
    assert account.people["people/c2"]["phoneNumbers"][0]["type"] == "work"
    assert {ref.rpartition("/")[2]: line.status for ref, line in result.problems.items()} == {
        "c3": "kept", "c4": "kept",
    }  # fmt: skip


class Dying(Small):
    """Is killed when a batch has been written, before anybody is told."""

    def write(self, edits: Iterable[Edit]) -> Iterator[Outcome]:
        for outcome in super().write(edits):
            raise KeyboardInterrupt
            yield outcome


def test_a_run_that_was_killed_is_settled_by_the_next(place: Place) -> None:
    """The log breaks off between intent and outcome; what was written is found by looking."""
    for i in range(25):
        place.account.add(f"N {i}", [(OLD, "mobile"), ("1", "work")])
    before = {name: person["phoneNumbers"] for name, person in place.account.people.items()}
    place.kind = Dying
    with pytest.raises(KeyboardInterrupt):
        place.convert(place.personal())
    assert sum(NEW in numbers for numbers in place.account.numbers().values()) == 10
    place.kind = Small
    job = place.job(place.personal())
    (path,) = job.state.unfinished_logs(job.source)
    assert run.settle(job, path).written == 10
    _, result = place.convert(place.personal())
    assert (result.written, result.problems) == (15, {})
    assert {len(older) for older in place.account.history.values()} == {1}
    for number in (2, 1):
        assert place.undo(place.personal(), number).problems == {}
    after = {name: person["phoneNumbers"] for name, person in place.account.people.items()}
    assert after == before
