"""What goes wrong between danhba and Google, on whole runs: nothing twice, nothing lost.

After each fault every stale number is converted exactly once, nothing else has changed, and no
contact was written twice; or the run says so, and a second one completes it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.people import Fault, Quota, Refusal
from tests.people.place import Place, Small

from danhba import run
from danhba.card import Edit, SetNumber
from danhba.job import Result
from danhba.testing import NOW
from danhba_syncers.google import GoogleContacts

ME, OTHER = "an@corp.example", "binh@corp.example"
OLD, NEW = "0168 123 4567", "038 123 4567"
CONTACTS = 13
"""A full batch of ten, which is the canary, and a short one."""


@pytest.fixture
def place(tmp_path: Path, state_dir: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place", ME, OTHER)
    place.kind = Small
    fill(place.account, CONTACTS)
    with place.api:
        yield place


def fill(account: Any, stale: int) -> None:
    """Put contacts into an account: stale ones, each with other fields, and a few others."""
    for i in range(stale):
        label = "work" if i % 3 else "Zalo riêng"
        account.add(
            f"Nguyễn Văn {i}",
            [{"value": OLD, "type": "mobile"}, {"value": "0912 345 678", "type": label}],
            addresses=[{"city": "Hà Nội", "countryCode": "VN"}],
            userDefined=[{"key": "mã", "value": str(i)}],
        )
    for i in range(5):
        account.add(f"Trần {i}", ["0912 345 67" + str(i)])


def essence(person: dict[str, Any]) -> str:
    """Return all of a person but what the server says of the last change."""
    kept = {k: v for k, v in person.items() if k not in ("etag", "metadata")}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def converted(text: str) -> str:
    canonical = ("+841681234567", "+84381234567")
    return text.replace(OLD, NEW).replace(*canonical)


class Book:
    """What an account held before a run."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.before = {name: essence(person) for name, person in account.people.items()}

    def check(self, touched: Mapping[str, int] = MappingProxyType({})) -> None:
        """Make sure that each stale number is converted, once, and nothing else has changed.

        `touched` are contacts that others have changed, and how often they moved in all.
        """
        after = {name: essence(person) for name, person in self.account.people.items()}
        assert after == {name: converted(text) for name, text in self.before.items()}
        writes = {name: len(older) for name, older in self.account.history.items()}
        stale = [name for name, text in self.before.items() if OLD in text]
        assert writes == {**dict.fromkeys(stale, 1), **touched}


def clean(place: Place, result: Result) -> None:
    assert (result.problems, result.stopped) == ({}, "")
    assert place.api.overlaps == []


FAULTS = [
    ("drop-before", {}),
    ("drop-before", {"reset": True}),
    ("drop-after", {}),
    ("drop-after", {"reset": True}),
    ("cut", {}),
    ("cut", {"reset": True}),
    ("twice", {}),
    ("status-before", {"refusal": Refusal(500, "INTERNAL", "Internal error encountered.")}),
    ("status-before", {"refusal": Refusal(503, "UNAVAILABLE", "The service is unavailable.")}),
    ("status-before", {"refusal": Refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded.")}),
    ("status-before", {"refusal": Refusal(409, "ABORTED", "The operation was aborted.")}),
    ("status-after", {"refusal": Refusal(500, "INTERNAL", "Internal error encountered.")}),
    ("status-after", {"refusal": Refusal(504, "DEADLINE_EXCEEDED", "Deadline exceeded.")}),
]


@pytest.mark.parametrize(
    ("call", "skip", "times"),
    [
        ("batchUpdateContacts", 0, 1),
        ("batchUpdateContacts", 1, 3),
        ("getBatchGet", 1, 2),
        ("list", 0, 2),
    ],
)
@pytest.mark.parametrize(("kind", "more"), FAULTS)
def test_a_passing_fault_leaves_no_trace(
    place: Place, kind: Any, more: dict[str, Any], call: str, skip: int, times: int
) -> None:
    book = Book(place.account)
    fault = Fault(kind, call, skip=skip, times=times, **more)
    place.api.faults.append(fault)
    end, result = place.convert(place.personal())
    clean(place, result)
    assert (result.written, end.totals["cards_changed"]) == (CONTACTS, CONTACTS)
    book.check()
    assert fault.times < times
    sizes = place.api.sizes
    place.convert(place.personal())
    assert place.api.sizes == sizes


@pytest.mark.parametrize(("kind", "more"), FAULTS)
def test_a_lasting_fault_is_reported_and_a_rerun_completes(
    place: Place, kind: Any, more: dict[str, Any]
) -> None:
    """The second batch never goes through; the first, the canary, has."""
    if kind == "twice":
        pytest.skip("does no harm, however often")
    book = Book(place.account)
    place.api.faults.append(Fault(kind, "batchUpdateContacts", skip=1, times=10_000, **more))
    _, result = place.convert(place.personal())
    applied = kind in ("drop-after", "cut", "status-after")
    assert result.written == (CONTACTS if applied else 10)
    assert len(result.problems) == (0 if applied else CONTACTS - 10)
    assert {line.status for line in result.problems.values()} <= {"failed"}
    place.api.faults.clear()
    _, result = place.convert(place.personal())
    clean(place, result)
    assert result.written == (0 if applied else CONTACTS - 10)
    book.check()


def test_a_server_that_vanishes_behind_a_write_is_reported_and_a_rerun_completes(
    place: Place,
) -> None:
    """Applied, no answer, and no way to look: nobody knows; the next run finds out."""
    book = Book(place.account)
    place.api.faults += [
        Fault("drop-after", "batchUpdateContacts", skip=1),
        Fault("drop-before", "getBatchGet", skip=1, times=10_000),
    ]
    _, result = place.convert(place.personal())
    assert result.written == 10
    assert {line.detail.split(":")[0] for line in result.problems.values()} == {
        "not known whether it was written (no answer from Google (_NoAnswerError"
    }
    place.api.faults.clear()
    job = place.job(place.personal())
    (path,) = job.state.unfinished_logs(job.source)
    assert run.settle(job, path).written == CONTACTS - 10
    assert job.state.unfinished_logs(job.source) == []
    _, result = place.convert(place.personal())
    clean(place, result)
    book.check()
    assert place.undo(place.personal(), 1).written == CONTACTS
    assert {name: essence(p) for name, p in place.account.people.items()} == book.before


def test_what_was_unclear_is_settled_in_the_same_run_if_that_goes_on(place: Place) -> None:
    """A card that moved makes another round; by then the server is back."""
    book = Book(place.account)
    place.api.faults += [
        Fault("meddle", "batchUpdateContacts", do=lambda: place.account.change("people/c1")),
        Fault("drop-after", "batchUpdateContacts", skip=1),
        Fault("drop-before", "getBatchGet", skip=2, times=6),
    ]
    _, result = place.convert(place.personal())
    clean(place, result)
    assert place.api.faults == []
    assert (result.written, result.unclear) == (CONTACTS, set())
    book.check(touched={"people/c1": 2})


# --- contacts that Google refuses -----------------------------------------------------------------


@pytest.mark.parametrize("bad", [1, 3, 10])
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("answers", ["error", "unnamed", "result"])
def test_a_bad_contact_does_not_take_the_others_with_it(
    place: Place, answers: Any, partial: bool, bad: int
) -> None:
    """However the batch fails, and whether or not the good ones of it were written."""
    book = Book(place.account)
    api = place.api
    api.answers, api.partial = answers, partial
    api.bad = {f"people/c{i}" for i in range(2, 2 + bad)}
    _, result = place.convert(place.personal())
    assert {ref.partition("/")[2] for ref in result.problems} == api.bad
    for line in result.problems.values():
        assert line.status == "failed"
        assert line.detail.startswith("Google refuses it: ")
    assert result.written == CONTACTS - bad
    api.bad = set()
    _, result = place.convert(place.personal())
    clean(place, result)
    assert result.written == bad
    book.check()


def test_a_batch_that_is_refused_whole_is_not_tried_for_ever(place: Place) -> None:
    fill(place.account, 400)
    place.kind = GoogleContacts
    refusal = Refusal(400, "INVALID_ARGUMENT", "Something is wrong with all of you.")
    place.api.faults.append(
        Fault("status-before", "batchUpdateContacts", 0, 10_000, refusal=refusal)
    )
    _, result = place.convert(place.personal())
    assert result.written == 0
    assert len(result.problems) == 400 + CONTACTS
    assert place.api.calls["batchUpdateContacts"] < 250


# --- somebody else --------------------------------------------------------------------------------


def test_a_contact_changed_meanwhile_is_read_and_converted_again(place: Place) -> None:
    """Another name, another number, the same number with another: each is seen, none is lost."""
    account = place.account

    def meddle() -> None:
        account.change("people/c1", names=[{"displayName": "Tên mới"}])
        account.change("people/c2", phoneNumbers=[{"value": "0912 000 000", "type": "home"}])
        account.change("people/c3", phoneNumbers=[{"value": "+84 168 765 4321"}, {"value": OLD}])
        account.change("people/c4", phoneNumbers=[{"value": NEW, "type": "mobile"}])
        account.delete("people/c5")

    place.api.faults.append(Fault("meddle", "batchUpdateContacts", do=meddle))
    _, result = place.convert(place.personal())
    assert result.written == CONTACTS - 3
    assert {ref.partition("/")[2] for ref in result.problems} <= {
        "people/c2", "people/c4", "people/c5",
    }  # fmt: skip
    numbers = account.numbers()
    assert account.people["people/c1"]["names"][0]["displayName"] == "Tên mới"
    assert numbers["people/c1"] == [NEW, "0912 345 678"]
    assert numbers["people/c2"] == ["0912 000 000"]
    assert numbers["people/c3"] == ["+84 38 765 4321", NEW]
    assert numbers["people/c4"] == [NEW]
    assert "people/c5" not in numbers
    assert all(OLD not in of_one for of_one in numbers.values())


def test_a_contact_that_never_rests_is_a_conflict(place: Place) -> None:
    moves = iter(range(1000))

    def meddle() -> None:
        place.account.change("people/c1", nicknames=[{"value": str(next(moves))}])

    place.api.faults.append(Fault("meddle", "batchUpdateContacts", times=1000, do=meddle))
    _, result = place.convert(place.personal())
    assert [(ref, line.status) for ref, line in result.problems.items()] == [
        (f"{ME}/people/c1", "conflict")
    ]
    assert result.written == CONTACTS - 1
    assert place.account.numbers()["people/c1"] == [OLD, "0912 345 678"]


def test_a_contact_that_needs_nothing_any_more_is_settled(place: Place) -> None:
    """Somebody else converts it while the batch is on its way."""
    numbers = [{"value": NEW, "type": "mobile"}, {"value": "0912 345 678", "type": "work"}]

    def meddle() -> None:
        place.account.change("people/c1", phoneNumbers=numbers)

    place.api.faults.append(Fault("meddle", "batchUpdateContacts", do=meddle))
    _, result = place.convert(place.personal())
    assert (result.written, result.problems) == (CONTACTS - 1, {})
    assert place.account.numbers()["people/c1"] == [NEW, "0912 345 678"]


def test_a_profile_that_changes_meanwhile_is_no_obstacle(place: Place) -> None:
    """The person's etag moves though the contact's does not; Google asks for both."""
    book = Book(place.account)
    place.api.faults.append(
        Fault("meddle", "batchUpdateContacts", do=lambda: place.account.touch_profile("people/c1"))
    )
    _, result = place.convert(place.personal())
    clean(place, result)
    after = {name: essence(person) for name, person in place.account.people.items()}
    assert after == {name: converted(text) for name, text in book.before.items()}


def test_a_write_that_is_applied_late_is_not_made_twice(place: Place) -> None:
    """The answer comes when nobody waits any more; the client has looked and sent it again."""
    book = Book(place.account)
    place.api.faults.append(Fault("late", "batchUpdateContacts", seconds=0.6))
    _, result = place.convert(place.personal(timeout_s=0.3))
    clean(place, result)
    book.check()


# --- several accounts -----------------------------------------------------------------------------


def test_accounts_are_written_side_by_side_and_each_in_order(
    tmp_path: Path, state_dir: Path
) -> None:
    users = [f"user{i}@corp.example" for i in range(5)]
    place = Place(tmp_path / "place", *users)
    place.kind = Small
    place.api.slow_s = 0.02
    books = []
    for user in users:
        fill(place.api.accounts[user], 35)
        books.append(Book(place.api.accounts[user]))
    with place.api:
        _, result = place.convert(place.company())
    clean(place, result)
    assert result.written == 5 * 35
    for book in books:
        book.check()
    assert place.api.most_at_once > 1
    assert max(place.api.sizes) == 10
    assert len(place.api.sizes) == 5 * 4


def test_edits_of_many_accounts_may_come_mixed(tmp_path: Path, state_dir: Path) -> None:
    users = [f"user{i}@corp.example" for i in range(30)]
    place = Place(tmp_path / "place", *users)
    place.kind = Small
    for user in users:
        for i in range(4):
            place.api.accounts[user].add(f"N {i}", [OLD])
    with place.api:
        syncer = place.company(side_by_side=3)
        cards = sorted(syncer.read(), key=lambda card: card.ref.partition("/")[2])
        patched = [syncer.patch(card, [SetNumber("0", OLD, NEW)], NOW) for card in cards]
        edits = [Edit(card, raw) for card, raw in zip(cards, patched, strict=True)]
        outcomes = list(syncer.write(edits))
    assert sorted(o.ref for o in outcomes) == sorted(card.ref for card in cards)
    assert {outcome.status for outcome in outcomes} == {"written"}
    assert place.api.overlaps == []
    assert place.api.most_at_once <= 3


@pytest.mark.parametrize(
    "trouble",
    [
        Refusal(403, "PERMISSION_DENIED", "The caller does not have permission"),
        Refusal(503, "UNAVAILABLE", "The service is unavailable."),
        Refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", headers={"Retry-After": "86400"}),
    ],
)
def test_the_failure_of_one_user_does_not_stop_the_others(place: Place, trouble: Refusal) -> None:
    other = place.api.accounts[OTHER]
    fill(other, CONTACTS)
    books = [Book(place.account), Book(other)]
    place.api.faults.append(
        Fault("status-before", "batchUpdateContacts", 0, 10_000, OTHER, refusal=trouble)
    )
    _, result = place.convert(place.company())
    assert result.written == CONTACTS
    assert {ref.partition("/")[0] for ref in result.problems} == {OTHER}
    assert len(result.problems) == CONTACTS
    books[0].check()
    place.api.faults.clear()
    _, result = place.convert(place.company())
    clean(place, result)
    for book in books:
        book.check()


def test_an_account_that_cannot_be_read_is_listed_and_the_others_are_converted(
    place: Place,
) -> None:
    fill(place.api.accounts[OTHER], CONTACTS)
    books = [Book(account) for account in place.api.accounts.values()]
    refusal = Refusal(403, "PERMISSION_DENIED", "The caller does not have permission")
    place.api.faults.append(Fault("status-before", "list", 0, 10_000, OTHER, refusal=refusal))
    end, result = place.convert(place.company())
    clean(place, result)
    assert end.totals["cards_skipped"] == 1
    books[0].check()
    place.api.faults.clear()
    end, result = place.convert(place.company())
    clean(place, result)
    assert end.totals["cards_skipped"] == 0
    assert end.totals["cards_read"] == 2 * (CONTACTS + 5)
    books[1].check()


def test_an_account_that_cannot_be_read_back_stays_open_and_the_next_run_settles_it(
    place: Place,
) -> None:
    other = place.api.accounts[OTHER]
    fill(other, CONTACTS)
    books = [Book(place.account), Book(other)]
    refusal = Refusal(403, "PERMISSION_DENIED", "The caller does not have permission")
    place.api.faults.append(
        Fault("status-before", "getBatchGet", 0, 10_000, OTHER, refusal=refusal)
    )
    _, result = place.convert(place.company())
    assert result.written == CONTACTS
    assert {ref.partition("/")[0] for ref in result.unclear} == {OTHER}
    assert result.problems.keys() == result.unclear
    job = place.job(place.company())
    (path,) = job.state.unfinished_logs(job.source)
    assert run.settle(job, path).unclear == result.unclear
    place.api.faults.clear()
    assert run.settle(job, path).written == CONTACTS
    _, result = place.convert(place.company())
    clean(place, result)
    for book in books:
        book.check()
    refused = Fault("status-before", "getBatchGet", 0, 10_000, OTHER, refusal=refusal)
    place.api.faults.append(refused)
    result = place.undo(place.company(), 1)
    assert (result.written, len(result.problems)) == (CONTACTS, CONTACTS)
    place.api.faults.clear()
    assert place.undo(place.company(), 1).written == CONTACTS
    for book in books:
        after = {name: essence(person) for name, person in book.account.people.items()}
        assert after == book.before


# --- quotas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("retry_after", [True, False])
@pytest.mark.parametrize("per_user", [True, False])
@pytest.mark.parametrize("kind", ["write", "read"])
def test_quotas_slow_a_run_down_and_that_is_all(
    place: Place, kind: Any, per_user: bool, retry_after: bool, named: bool
) -> None:
    fill(place.account, 60)
    fill(place.api.accounts[OTHER], 60)
    books = [Book(account) for account in place.api.accounts.values()]
    quota = Quota(3, kind, per_user=per_user, retry_after=retry_after, named=named)
    place.api.quotas.append(quota)
    _, result = place.convert(place.company())
    clean(place, result)
    for book in books:
        book.check()
    assert place.clock.seconds > 60
    if named or retry_after:
        assert 1 <= quota.refused <= 8


def test_a_limit_in_the_settings_is_never_exceeded(place: Place) -> None:
    fill(place.account, 90)
    quota = Quota(4)
    place.api.quotas.append(quota)
    place.api.quotas.append(Quota(9, "read", per_user=False))
    _, result = place.convert(place.personal(writes_per_minute=4, requests_per_minute=9))
    clean(place, result)
    assert [quota.refused for quota in place.api.quotas] == [0, 0]
    assert place.clock.seconds >= 120


def test_a_run_stopped_by_quota_goes_on_later_where_it_was(place: Place) -> None:
    fill(place.account, 90)
    book = Book(place.account)
    place.api.quotas.append(Quota(4, window_s=86_400))
    _, result = place.convert(place.personal())
    assert result.written == 40
    assert {line.status for line in result.problems.values()} == {"failed"}
    assert "goes on where this one stopped" in next(iter(result.problems.values())).detail
    place.api.quotas.clear()
    place.api.sent.clear()
    _, result = place.convert(place.personal())
    clean(place, result)
    assert result.written == 90 + CONTACTS - 40
    book.check()
