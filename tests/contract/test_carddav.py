"""CardDAV keeps the promises of a syncer, on Radicale and on Xandikos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import pytest
from tests.contract.test_vcard_files import vcard
from tests.dav_servers import PASSWORD, Server

from danhba.testing import Sample, SyncerContract
from danhba_syncers.carddav import CardDav, CardDavOptions

_numbers = count(1)


class TestCardDav(SyncerContract):
    secrets = (PASSWORD,)

    @pytest.fixture(autouse=True)
    def _server(self, dav: Server, dav_password: str) -> Iterator[None]:
        self.server, self.options = dav, CardDavOptions(password_env=dav_password)
        self.opened: list[CardDav] = []
        yield
        for syncer in self.opened:
            syncer.close()

    def make(self, samples: Sequence[Sample]) -> CardDav:
        book = self.server.make_book(f"book{next(_numbers)}")
        syncer = CardDav(self.server.location(book), self.options)
        self.opened.append(syncer)
        for sample in samples:
            self.add(syncer, sample)
        return syncer

    def add(self, syncer: CardDav, sample: Sample) -> None:
        name = f"card{next(_numbers)}"
        path = "/" + syncer.source.split("/", 3)[3]
        self.server.put(f"{path}{name}.vcf", vcard(sample, name))

    def remove(self, syncer: CardDav, ref: str) -> None:
        self.server.send("DELETE", ref)
