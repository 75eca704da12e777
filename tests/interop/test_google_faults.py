"""What goes wrong between danhba and Google, on whole runs: nothing twice, nothing lost.

After each fault every stale number is converted exactly once, nothing else has changed, and no
contact was written twice; or the run says so, and a second one completes it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.people import Fault, Refusal
from tests.people.place import Place, Small

from danhba.job import Result

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

    def check(self, *, touched: int = 1) -> None:
        """Make sure that each stale number is converted, once, and nothing else has changed."""
        after = {name: essence(person) for name, person in self.account.people.items()}
        assert after == {name: converted(text) for name, text in self.before.items()}
        writes = {name: len(older) for name, older in self.account.history.items()}
        stale = [name for name, text in self.before.items() if OLD in text]
        assert writes == dict.fromkeys(stale, touched)


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
    _, result = place.convert(place.personal())
    clean(place, result)
    book.check()
