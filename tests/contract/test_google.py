"""The Google syncer keeps the promises, on the local People API."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.people.place import Place

from danhba.syncer import (
    Batches,
    Forecasts,
    InLanes,
    Lists,
    Refuses,
    SignsIn,
    Syncer,
    Tracks,
)
from danhba.testing import Sample, SyncerContract
from danhba_syncers.google import GoogleContacts

ME = "an@corp.example"


@pytest.fixture
def place(tmp_path: Path, state_dir: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place", *(f"user{i}@corp.example" for i in range(3)), ME)
    with place.api:
        yield place


class TestGoogle(SyncerContract):
    unknown_ref = f"{ME}/people/c0"
    secrets = ("refresh-of", "not-a-secret", "access-")

    @pytest.fixture(autouse=True)
    def _place(self, place: Place) -> None:
        self.place = place

    def make(self, samples: Sequence[Sample]) -> GoogleContacts:
        syncer: GoogleContacts = self.place.personal(ME)
        self.place.api.accounts[ME].people.clear()
        for sample in samples:
            self.add(syncer, sample)
        return syncer

    def add(self, syncer: Syncer, sample: Sample) -> None:
        self.place.api.accounts[ME].add(sample.name, sample.numbers)

    def remove(self, syncer: Syncer, ref: str) -> None:
        self.place.api.accounts[ME].delete(ref.partition("/")[2])


class TestGoogleOfACompany(TestGoogle):
    """The same with the cards spread over several accounts, and a service account."""

    def make(self, samples: Sequence[Sample]) -> GoogleContacts:
        accounts = list(self.place.api.accounts.values())
        for account in accounts:
            account.people.clear()
        for place, sample in enumerate(samples):
            accounts[place % len(accounts)].add(sample.name, sample.numbers)
        syncer: GoogleContacts = self.place.company()
        return syncer

    def remove(self, syncer: Syncer, ref: str) -> None:
        user, _, name = ref.partition("/")
        self.place.api.accounts[user].delete(name)


def test_has_the_abilities_it_should_have(place: Place) -> None:
    syncer = place.personal()
    for ability in (Batches, Tracks, Refuses, InLanes, Lists, SignsIn, Forecasts):
        assert isinstance(syncer, ability)
    assert syncer.batch == 200
