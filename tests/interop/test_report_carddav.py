"""The report on real CardDAV servers, and on one that does not answer."""

import json
from datetime import UTC, date, datetime
from itertools import count as numbered
from pathlib import Path

from tests.command import run
from tests.dav_servers import USER, Server, free_port

from danhba import packs
from danhba.convert import Context
from danhba.job import Job
from danhba.report import count
from danhba.state import State
from danhba_syncers.carddav import CardDav, CardDavOptions

_BOOKS = numbered(1)


def card(uid: str, number: str) -> bytes:
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{uid}\r\nN:{uid};;;;\r\n"
        f"TEL:{number}\r\nEND:VCARD\r\n"
    ).encode()


def test_a_book_on_a_server_is_counted(dav: Server, dav_password: str, tmp_path: Path) -> None:
    path = dav.make_book(f"report{next(_BOOKS)}")
    for name, number in (("a", "0168 123 4567"), ("b", "08 3812 3456"), ("c", "024 3825 1234")):
        dav.put(f"{path}{name}.vcf", card(f"{path}{name}", number))
    syncer = CardDav(dav.location(path), CardDavOptions(password_env=dav_password))
    context = Context(packs.load("vn"), today=date(2026, 11, 22))
    now = datetime(2026, 11, 22, tzinfo=UTC)
    found = count(Job(syncer, syncer.source, context, State(tmp_path / "state"), now))
    syncer.close()
    assert found.numbers == {"read": 3, "to-convert": 1, "to-ask": 1, "already-new": 1}
    assert found.cards["read"] == 3


def test_a_server_that_does_not_answer_stops_no_other_source(
    tmp_path: Path, state_dir: Path, dav_password: str
) -> None:
    del state_dir, dav_password
    book = tmp_path / "book.vcf"
    book.write_bytes(card("x", "0168 123 4567"))
    dead = f"carddav+http://{USER}@127.0.0.1:{free_port()}/"
    done = run("report", dead, book, "--json")
    assert done.code == 4
    assert "127.0.0.1" in done.err
    assert json.loads(done.out)["numbers"] == {"read": 1, "to-convert": 1}
