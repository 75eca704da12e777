"""kill -9 at any request to a server that re-forms cards: a rerun ends as if nothing had been."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from tests.hostile_dav import BOOK, PASSWORD, Hostile, hostile
from tests.interop.test_faults import SIGKILL, Child, child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
__all__ = ["child"]

CARDS, KILLS = 24, 10


def card(number: int) -> bytes:
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{number}\r\nFN:An {number}\r\n"
        f"TEL;TYPE=CELL;TYPE=VOICE:0168 123 {number:04}\r\nitem1.X-ABLabel:a\r\nEND:VCARD\r\n"
    ).encode()


def reformed(raw: bytes) -> bytes:
    """Store a card as servers do: lines sorted, names in upper case, types merged, LF, a PRODID."""
    head, *lines, end = raw.replace(b"\r\n", b"\n").strip().split(b"\n")
    lines = [line for line in lines if not line.startswith(b"PRODID")]
    lines = [re.sub(rb"^[\w.-]+", lambda name: name[0].upper(), line) for line in lines]
    lines = [line.replace(b";TYPE=CELL;TYPE=VOICE", b";TYPE=CELL,VOICE") for line in lines]
    return b"\n".join([head, *sorted(lines), b"PRODID:-//Server//EN", end, b""])


def fill(server: Hostile) -> dict[str, bytes]:
    """Put the cards back as they were; return them as they are once converted."""
    with server.lock:
        server.cards.clear()
        for i in range(CARDS):
            server.put(f"{BOOK}c{i}.vcf", card(i))
        return {
            path: raw.replace(b"0168 123", b"038 123") for path, raw in sorted(server.cards.items())
        }


def test_rerun_after_a_kill_has_no_conflicts_and_no_duplicates(
    child: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(4)
    with hostile() as server:
        server.store = reformed
        config = tmp_path / "danhba.toml"
        config.write_text(
            f'[source.s]\ntype = "carddav+http"\nlocation = "me@127.0.0.1:{server.port}{BOOK}"\n'
            f'password_command = ["echo", "{PASSWORD}"]\n'
        )
        job = ["convert", "s", "--write"]
        environment = {"DANHBA_CONFIG": str(config)}
        converted = fill(server)
        whole = child(*job, state=tmp_path / "whole", environment=environment)
        assert whole["code"] == 0, whole["err"]
        assert dict(sorted(server.cards.items())) == converted
        requests = [i for i, name in enumerate(whole["steps"], 1) if name in ("PUT", "REPORT")]
        assert len(requests) > CARDS
        ends = set()
        for i in range(KILLS):
            fill(server)
            at, when = dice.choice(requests), dice.choice(["before", "after"])
            state = tmp_path / str(i)
            killed = child(*job, state=state, at=at, when=when, environment=environment)
            ends.add(killed["code"])
            again = child(*job, state=state, environment=environment)
            assert again["code"] == 0, again["err"]
            assert "conflict" not in again["err"]
            assert dict(sorted(server.cards.items())) == converted
    assert SIGKILL in ends
