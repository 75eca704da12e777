"""What a server gives back is told apart: as sent, re-formed, or with something lost."""

from __future__ import annotations

import base64
import quopri
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.property.vcards import Book, books

from danhba.syncer import Fidelity
from danhba_syncers._fidelity import compare

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)
NAMES = ("FN", "NOTE", "TITLE", "EMAIL", "URL", "X-FOO", "item1.TEL", "TEL", "NICKNAME", "ADR", "N")
TYPES = st.lists(st.sampled_from(["home", "work", "cell", "pref"]), max_size=3, unique=True)


def escaped(text: str) -> str:
    return re.sub(r"([\\;,])", r"\\\1", text)


@st.composite
def properties(draw: st.DrawFn) -> list[str]:
    """Draw the lines of a card, folds left out."""
    lines = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8)):
        types = "".join(f";TYPE={word}" for word in draw(TYPES))
        parts = (
            draw(st.lists(TEXT, min_size=1, max_size=3)) if name in ("N", "ADR") else [draw(TEXT)]
        )
        lines.append(f"{name}{types}:{';'.join(map(escaped, parts))}")
    return lines


def card(lines: list[str], end: str = "\r\n") -> bytes:
    return end.join(["BEGIN:VCARD", "VERSION:3.0", "UID:u", *lines, "END:VCARD", ""]).encode()


def reformed(lines: list[str], dice: random.Random) -> bytes:
    """Write a card as a server might: all at random, nothing lost."""
    lines = [_respelled(line, dice) for line in lines]
    dice.shuffle(lines)
    if dice.random() < 0.5:
        lines.append("REV:20261122T101500Z")
    if dice.random() < 0.5:
        lines.insert(0, "PRODID:-//Some//Server//EN")
    if dice.random() < 0.5:
        lines.append("X-SERVER-ID:42")
    end = dice.choice(["\r\n", "\n"])
    return card([_folded(line, end, dice) for line in lines], end)


def _respelled(line: str, dice: random.Random) -> str:
    head, _, value = line.partition(":")
    name, *params = head.split(";")
    words = [param.partition("=")[2] for param in params]
    dice.shuffle(words)
    name = dice.choice([name, name.upper(), name.lower()])
    quote = dice.choice(["", '"'])
    split = "".join(f";type={quote}{word.upper()}{quote}" for word in words)
    merged = f";TYPE={quote}{','.join(words)}{quote}" if words else ""
    if name.upper() in ("NOTE", "X-FOO", "URL", "TITLE") and dice.random() < 0.5:
        value = re.sub(r"\\([;,])", r"\1", value)
    if name.upper() in ("N", "ADR"):
        value += dice.choice(["", ";", ";;"])
    return f"{name}{dice.choice([split, merged])}:{value}"


def _folded(line: str, end: str, dice: random.Random) -> str:
    at = dice.randint(1, len(line))
    return line if dice.random() < 0.5 else f"{line[:at]}{end} {line[at:]}"


@given(properties(), st.integers())
def test_reformed_card_is_equal(lines: list[str], seed: int) -> None:
    sent, found = card(lines), reformed(lines, random.Random(seed))
    assert compare(sent, found) in (Fidelity.EXACT, Fidelity.EQUAL)


@given(properties(), st.data())
def test_card_without_one_of_its_lines_is_lost(lines: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(lines) - 1))
    left = lines[:gone] + lines[gone + 1 :]
    assert compare(card(lines), card(left)) is Fidelity.LOST


@given(properties(), st.data())
def test_card_with_a_cut_value_is_lost(lines: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    head, _, value = lines[at].partition(":")
    meant = re.sub(r"\\(.)", r"\1", value).strip(" ;")
    if len(meant) < 2 or meant[:1].isspace():
        return
    cut = [*lines]
    cut[at] = f"{head}:{escaped(meant[:1])}"
    assert compare(card(lines), card(cut)) is Fidelity.LOST


@given(properties())
def test_card_is_exactly_itself(lines: list[str]) -> None:
    assert compare(card(lines), card(lines)) is Fidelity.EXACT


@given(books())
def test_comparing_never_fails(book: Book) -> None:
    raw = book.raw
    assert compare(raw, raw) is Fidelity.EXACT
    assert compare(raw, raw + b"\r\n") is not Fidelity.EXACT
    compare(raw, raw[: len(raw) // 2])


@given(st.binary(), st.binary())
def test_comparing_junk_never_fails(one: bytes, other: bytes) -> None:
    assert (compare(one, other) is Fidelity.EXACT) == (one == other)


PHOTO = b"\xff\xd8\xff\xe0" * 60
QP = quopri.encodestring("Nguyễn; Văn".encode()).decode()
SAME = [
    ("TEL;CELL;VOICE:+1", "TEL;type=CELL;type=VOICE:+1"),
    ('TEL;TYPE="cell,voice":+1', "TEL;TYPE=cell,voice:+1"),
    ("item1.EMAIL;type=INTERNET:a@b.c", "ITEM1.EMAIL;TYPE=INTERNET:a@b.c"),
    ("item1.X-ABLabel:_$!<Other>!$_", "item1.X-ABLABEL:_$!<Other>!$_"),
    (r"NOTE:a\nb\,c\;d\\e;f", r"NOTE:a\nb\,c\;d\\e\;f"),
    (r"NOTE:a\Nb", r"NOTE:a\nb"),
    ("ORG:Acme;;", "ORG:Acme"),
    ("N:Person;Test;;;", "N:Person;Test"),
    ("ADR:;;s", "ADR:;;s;;;;"),
    ("URL:http://a.example/?x=1;y=2,3", r"URL:http://a.example/?x=1\;y=2\,3"),
    ("X-FOO:a,b", r"X-FOO:a\,b"),
    ('X-FOO;P="q r":a', "X-FOO;P=q r:a"),
    (r'ADR;LABEL="1 St\nCity":;;1 St', 'ADR;LABEL="1 St^nCity":;;1 St'),
    ("PHOTO;ENCODING=BASE64;JPEG:AAAA", "PHOTO;ENCODING=b;TYPE=JPEG:AAAA"),
    ("REV:2026-01-02T03:04:05Z", "REV:20260102T030405Z"),
    ("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:" + QP, "NOTE:Nguyễn\\; Văn"),
    ("GENDER:M;text", r"GENDER:M\;text"),
]
LOST = [
    ("NICKNAME:Bob,Bobby", "NICKNAME:Bob"),
    ("NICKNAME:Bob,Bobby", r"NICKNAME:Bob\,Bobby"),
    ("TEL;CELL;VOICE:+1", "TEL:+1"),
    ("TEL:0912 345 678", "TEL:0912345678"),
    ("TEL:0912 345 678", "TEL:0912 345 678\r\nTEL:0912 345 679"),
    ("TEL;VALUE=uri:tel:+1;ext=5", r"TEL;VALUE=uri:tel:+1\;ext=5"),
    ("TEL:1\r\nTEL:1", "TEL:1"),
    ("item1.TEL:1", "TEL:1"),
    ("item1.TEL:1", "item2.TEL:1"),
    ("X-FOO:a,b", "X-FOO:a"),
    ('X-FOO;P="q;r":a', 'X-FOO;P="q;R":a'),
    ("X_UNDERSCORE:v", "X-UNDERSCORE:v"),
    (r"ORG:Acme\, Inc.;R\;D", r"ORG:Acme\, Inc.;R;D"),
    (r"N:Per\;son;Te\,st;;;", r"N:Per;son;Te\,st;;;"),
    (r"CATEGORIES:a,b\,c", "CATEGORIES:a,b,c"),
    ("PHOTO:data:image/jpeg;base64,AAAA", r"PHOTO:data:image/jpeg\;base64"),
    (r"URL:http\://a.example", r"URL:http\\://a.example"),
    ("EMAIL:a@b.c", "EMAIL:a@b.c\r\nEMAIL:x@y.z"),
]


@pytest.mark.parametrize(("sent", "found"), SAME)
def test_known_respelling_is_equal(sent: str, found: str) -> None:
    assert compare(card([sent]), card([found])) is Fidelity.EQUAL


@pytest.mark.parametrize(("sent", "found"), LOST)
def test_known_mangling_is_lost(sent: str, found: str) -> None:
    assert compare(card([sent]), card([found])) is Fidelity.LOST


def test_photo_may_be_folded_otherwise_but_not_shortened() -> None:
    packed = base64.b64encode(PHOTO).decode()
    folded = "\r\n ".join(packed[i : i + 20] for i in range(0, len(packed), 20))
    sent = card([f"PHOTO;ENCODING=b:{packed}"])
    assert compare(sent, card([f"PHOTO;ENCODING=B:{folded}"])) is Fidelity.EQUAL
    assert compare(sent, card([f"PHOTO;ENCODING=B:{packed[:-4]}"])) is Fidelity.LOST


def test_other_version_is_a_loss_and_a_missing_one_may_come() -> None:
    sent = card(["TEL:1"])
    assert compare(sent, sent.replace(b"3.0", b"4.0")) is Fidelity.LOST
    assert compare(sent.replace(b"VERSION:3.0\r\n", b""), sent) is Fidelity.EQUAL


def test_uid_may_come_and_not_change() -> None:
    sent = card(["TEL:1"])
    assert compare(sent.replace(b"UID:u\r\n", b""), sent) is Fidelity.EQUAL
    assert compare(sent, sent.replace(b"UID:u", b"UID:v")) is Fidelity.LOST
