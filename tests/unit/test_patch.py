"""Each kind of change in the octets of a vCard: labels among parameters, lines that come and go."""

from datetime import UTC, datetime

import pytest

from danhba.card import AddPhone, DropPhone, SetLabel, SetNumber
from danhba_syncers import _patch, _vcard

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)


def card(*lines: str, version: str = "3.0", end: str = "\r\n") -> bytes:
    return end.join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]).encode()


def phones(raw: bytes):
    return [spot.phone for spot in _vcard.spots(_vcard.narrow(raw)[0])[0]]


def relabelled(raw: bytes, *labels: str, key: str = "0") -> bytes:
    (phone,) = (phone for phone in phones(raw) if phone.key == key)
    return _patch.patch(raw, [SetLabel(key, phone.labels, labels, "test")], NOW)


def added(raw: bytes, value: str, *labels: str, key: str = "0") -> bytes:
    return _patch.patch(raw, [AddPhone(key, value, labels, "test")], NOW)


def dropped(raw: bytes, key: str = "0") -> bytes:
    (phone,) = (phone for phone in phones(raw) if phone.key == key)
    return _patch.patch(raw, [DropPhone(key, phone.value, "test")], NOW)


# -- labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "labels", "after"),
    [
        # what the field has decides the form
        ("TEL;TYPE=CELL", "voice", "TEL;TYPE=VOICE"),
        ("TEL;TYPE=CELL", "cell voice", "TEL;TYPE=CELL,VOICE"),
        ("TEL;TYPE=HOME,CELL", "home", "TEL;TYPE=HOME"),
        ("TEL;TYPE=HOME,CELL", "cell", "TEL;TYPE=CELL"),
        ("TEL;TYPE=HOME,CELL,PREF", "home pref work", "TEL;TYPE=HOME,WORK,PREF"),
        ("TEL;TYPE=cell", "cell voice", "TEL;TYPE=cell,voice"),
        ("tel;type=Cell", "voice", "tel;type=VOICE"),
        ("TEL;type=HOME;type=pref", "home pref cell", "TEL;type=HOME;type=pref;type=cell"),
        ("TEL;TYPE=WORK;TYPE=FAX", "work", "TEL;TYPE=WORK"),
        ("TEL;TYPE=WORK;TYPE=CELL", "work voice home", "TEL;TYPE=WORK;TYPE=VOICE,HOME"),
        ('TEL;TYPE="HOME,VOICE"', "home voice cell", 'TEL;TYPE="HOME,VOICE,CELL"'),
        ('TEL;TYPE="HOME,VOICE"', "voice", 'TEL;TYPE="VOICE"'),
        ('TEL;TYPE="HOME"', "", "TEL"),
        ('TEL;TYPE="home","cell"', "home voice", 'TEL;TYPE="home",voice'),
        ("TEL;CELL", "voice", "TEL;VOICE"),
        ("TEL;CELL", "cell voice home", "TEL;CELL;VOICE;HOME"),
        ("TEL;WORK;VOICE", "work voice cell", "TEL;WORK;VOICE;CELL"),
        ("TEL;HOME;VOICE;CELL", "home", "TEL;HOME"),
        ("TEL;PREF;TYPE=CELL", "pref cell voice", "TEL;PREF;TYPE=CELL,VOICE"),
        ("TEL;TYPE=VOICE;MSG,WORK", "voice work cell", "TEL;TYPE=VOICE;CELL,WORK"),
        # nothing there yet
        ("TEL", "cell", "TEL;TYPE=CELL"),
        ("TEL", "cell home", "TEL;TYPE=CELL,HOME"),
        ("TEL;", "cell", "TEL;TYPE=CELL;"),
        ("TEL;TYPE=", "cell", "TEL;TYPE=CELL"),
        ("TEL;VALUE=uri", "cell", "TEL;TYPE=CELL;VALUE=uri"),
        # the other parameters stay
        ("TEL;PREF=1;TYPE=HOME;X-A=1", "work", "TEL;PREF=1;TYPE=WORK;X-A=1"),
        ('TEL;X-ID="a;b:c";TYPE=CELL', "voice", 'TEL;X-ID="a;b:c";TYPE=VOICE'),
        ("item1.TEL;TYPE=CELL", "voice", "item1.TEL;TYPE=VOICE"),
        ("TEL;CELL;CHARSET=UTF-8", "voice", "TEL;VOICE;CHARSET=UTF-8"),
        ("TEL;X-CUSTOM(=70;=71)", "cell", "TEL;TYPE=CELL;X-CUSTOM(=70;=71)"),
        # folds stay where they can
        ('TEL;X-ID="8f1c\r\n 2";TYPE=CELL', "voice", 'TEL;X-ID="8f1c\r\n 2";TYPE=VOICE'),
        ("TEL;TYPE=HOME;\r\n X-A=1", "home cell", "TEL;TYPE=HOME,CELL;\r\n X-A=1"),
        ("TEL;TYPE=\r\n\tFAX", "voice", "TEL;TYPE=VOICE"),
        ("TEL;CELL;X-A=1\r\n ", "voice", "TEL;VOICE;X-A=1\r\n "),
        # words of their own
        ("TEL;TYPE=CELL", "cell x-old", "TEL;TYPE=CELL,X-OLD"),
        ("TEL;TYPE=CELL", "cell số cũ", 'TEL;TYPE=CELL,"SỐ CŨ"'),
        ('TEL;TYPE="cell"', "cell a:b", 'TEL;TYPE="cell,a:b"'),
        # no change
        ("TEL;TYPE=HOME,CELL", "cell home", "TEL;TYPE=HOME,CELL"),
    ],
)  # fmt: skip
def test_only_the_labels_of_the_parameters_move(before: str, labels: str, after: str) -> None:
    words = ("số cũ",) if "số cũ" in labels else ()
    words = (*labels.replace("số cũ", "").split(), *words)
    raw = card("FN:A", f"{before}:0912 345 678", "TEL;TYPE=CELL:1", "NOTE:x")
    assert relabelled(raw, *words) == raw.replace(f"{before}:09".encode(), f"{after}:09".encode())


@pytest.mark.parametrize(
    ("version", "before", "after"),
    [
        ("2.1", "TEL", "TEL;CELL;VOICE"),
        ("2.1", "TEL;CHARSET=UTF-8", "TEL;CELL;VOICE;CHARSET=UTF-8"),
        ("2.1", "TEL;QUOTED-PRINTABLE", "TEL;CELL;VOICE;QUOTED-PRINTABLE"),
        ("2.1", "TEL;TYPE=HOME", "TEL;TYPE=CELL,VOICE"),
        ("3.0", "TEL", "TEL;TYPE=CELL,VOICE"),
        ("4.0", "TEL", "TEL;TYPE=cell,voice"),
        ("4.0", "TEL;TYPE=HOME", "TEL;TYPE=CELL,VOICE"),
    ],
)
def test_the_version_decides_where_no_label_is(version: str, before: str, after: str) -> None:
    raw = card(f"{before}:1", version=version)
    assert relabelled(raw, "cell", "voice") == raw.replace(before.encode(), after.encode())


def test_an_apple_label_stays() -> None:
    raw = card("item1.TEL;type=pref:1", "item1.X-ABLabel:_$!<Home>!$_")
    assert phones(raw)[0].labels == ("pref", "home")
    assert relabelled(raw, "pref", "home", "cell") == raw.replace(b"=pref", b"=pref,cell")
    with pytest.raises(ValueError, match="cannot be made"):
        relabelled(raw, "pref")


@pytest.mark.parametrize("label", ['a"b', "a,b", "a\nb", ""])
def test_a_label_that_cannot_be_written_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        relabelled(card("TEL;TYPE=CELL:1"), "cell", label)
    with pytest.raises(ValueError, match="cannot be"):
        relabelled(card("TEL;CELL:1", version="2.1"), "cell", "số cũ")


def test_other_labels_than_expected_are_refused() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        _patch.patch(card("TEL;CELL:1"), [SetLabel("0", ("home",), ("work",), "test")], NOW)


# -- a line that comes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "line", "value", "labels", "new"),
    [
        ("3.0", "TEL;TYPE=CELL", "1", "cell x-old", "TEL;TYPE=CELL,X-OLD:1"),
        ("3.0", "item1.TEL;type=HOME;type=pref", "1", "home", "TEL;type=HOME:1"),
        ("3.0", "tel;TYPE=Cell;X-ID=7", "1", "cell home", "tel;TYPE=Cell,HOME:1"),
        ("3.0", 'TEL;TYPE="HOME,VOICE"', "1", "voice x-old", 'TEL;TYPE="X-OLD,VOICE":1'),
        ("2.1", "TEL;CELL;VOICE", "1", "cell x-old", "TEL;CELL;X-OLD:1"),
        ("2.1", "TEL", "1", "cell", "TEL;CELL:1"),
        ("4.0", "TEL;PREF=1", "1", "work", "TEL;TYPE=work:1"),
        ("3.0", "TEL;TYPE=CELL", "1", "", "TEL:1"),
        ("4.0", "TEL;VALUE=uri;TYPE=cell", "tel:+84912345678;ext=1", "cell",
         "TEL;TYPE=cell;VALUE=uri:tel:+84912345678;ext=1"),
        ("4.0", "TEL;VALUE=uri;TYPE=cell", "0912 345 678", "cell", "TEL;TYPE=cell:0912 345 678"),
        ("3.0", "TEL", "1, 2; 3", "", r"TEL:1\, 2\; 3"),
        ("2.1", "TEL;CELL;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE", "1 vợ", "cell",
         "TEL;CELL;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:1=20v=E1=BB=A3"),
        ("2.1", "TEL;CELL;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE", "1", "cell", "TEL;CELL:1"),
        ("3.0", "TEL;CHARSET=UTF-8", "1 vợ", "", "TEL;CHARSET=UTF-8:1 vợ"),
        ("3.0", "TEL", "1 vợ", "", "TEL:1 vợ"),
    ],
)  # fmt: skip
def test_a_new_field_is_a_line_like_the_one_before(
    version: str, line: str, value: str, labels: str, new: str
) -> None:
    raw = card("FN:A", f"{line}:0912", "item1.X-ABLabel:x", "TEL:2", version=version)
    raw = raw.replace(b"0912", b"0912" if "QUOTED" not in line else b"=30912")
    at = raw.index(b"0912") + 4
    assert added(raw, value, *labels.split()) == raw[:at] + f"\r\n{new}".encode() + raw[at:]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_a_new_field_has_the_line_end_of_the_old(end: str) -> None:
    raw = card("TEL:1", "NOTE:x", end=end)
    assert added(raw, "2") == raw.replace(b"TEL:1", f"TEL:1{end}TEL:2".encode())


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_a_new_field_in_utf_16(codec: str) -> None:
    raw = card("TEL:1", "NOTE:x").decode()
    changed = raw.replace("TEL:1", "TEL:1\r\nTEL;TYPE=CELL:2")
    assert added(raw.encode(codec), "2", "cell") == changed.encode(codec)


def test_a_new_field_stands_behind_all_folds_and_soft_breaks() -> None:
    raw = card("TEL:1\r\n 2", "TEL;CELL;QUOTED-PRINTABLE:1=\r\n2=\r\n", version="2.1")
    assert added(raw, "3") == raw.replace(b" 2\r\n", b" 2\r\nTEL:3\r\n")
    assert added(raw, "3", key="1") == raw.replace(b"=\r\n\r\n", b"=\r\n\r\nTEL:3\r\n")


def test_a_new_field_at_the_end_of_a_cut_off_card() -> None:
    assert added(b"BEGIN:VCARD\nTEL:1", "2") == b"BEGIN:VCARD\nTEL:1\nTEL:2"


def test_several_new_fields_come_in_their_order() -> None:
    raw = card("TEL:1", "TEL:9")
    changes = [
        AddPhone("0", "2", (), "test"),
        AddPhone("0", "4", (), "test"),
        AddPhone("0+1", "3", (), "test"),
        SetNumber("0", "1", "0", "test"),
    ]
    patched = _patch.patch(raw, changes, NOW)
    assert [phone.value for phone in phones(patched)] == ["0", "2", "3", "4", "9"]


def test_a_long_line_is_folded() -> None:
    value = "0912 345 678 (" + "vợ " * 30 + ")"
    raw = card("TEL:1")
    patched = added(raw, value)
    assert max(map(len, patched.split(b"\r\n"))) <= 75
    assert phones(patched)[1].value == value
    soft = card("TEL;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:1=32", version="2.1")
    patched = added(soft, value)
    assert max(map(len, patched.split(b"\r\n"))) <= 76
    assert phones(patched)[1].value == value


# -- a line that goes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (["TEL;TYPE=CELL:1", "TEL:2"], ["TEL:2"]),
        (["TEL:1\r\n 2\r\n\t3", "NOTE:x"], ["NOTE:x"]),
        (["TEL;QUOTED-PRINTABLE:1=\r\n2=\r\n", "NOTE:x"], ["NOTE:x"]),
        (["item1.TEL:1", "item1.X-ABLabel:x", "item2.X-ABLabel:y"], ["item2.X-ABLabel:y"]),
        (["X:1", "ITEM1.X-ABLABEL:x", "N:y", "item1.TEL:1"], ["X:1", "N:y"]),
        (["item1.TEL:1", "item1.X-ABLabel:x", "item1.X-ABADR:vn"],
         ["item1.X-ABLabel:x", "item1.X-ABADR:vn"]),
        (["work.TEL:1", "work.TEL:2", "work.X-ABLabel:x"], ["work.TEL:2", "work.X-ABLabel:x"]),
    ],
)  # fmt: skip
def test_a_dropped_field_takes_its_line_and_its_own_label_along(
    lines: list[str], left: list[str]
) -> None:
    assert dropped(card(*lines)) == card(*left)


def test_a_field_at_the_end_of_a_cut_off_card_is_dropped() -> None:
    assert dropped(b"BEGIN:VCARD\nTEL:0\nTEL:1", key="1") == b"BEGIN:VCARD\nTEL:0\n"


def test_a_field_with_private_lines_before_it_is_not_dropped() -> None:
    raw = card("TEL:0", "LATESTDATE:1", "TEL:1", "TEL:2", version="2.1")
    with pytest.raises(ValueError, match="LATESTDATE, belongs to it"):
        dropped(raw, key="1")
    assert dropped(raw, key="2") == raw.replace(b"TEL:2\r\n", b"")


def test_a_field_can_be_replaced_by_two() -> None:
    raw = card("item1.TEL:1", "item1.X-ABLabel:x", "TEL:9")
    changes = [
        AddPhone("0", "2", (), "test"),
        AddPhone("0", "3", ("cell",), "test"),
        DropPhone("0", "1", "test"),
    ]
    assert _patch.patch(raw, changes, NOW) == card("TEL:2", "TEL;TYPE=CELL:3", "TEL:9")


# -- together --------------------------------------------------------------------------------------


def test_changes_build_on_each_other_and_rev_is_set() -> None:
    raw = card("TEL;CELL:0168 381 2345", "TEL:0", "REV:20180101T000000Z")
    changes = [
        SetNumber("0", "0168 381 2345", "038 381 2345"),
        SetNumber("0", "038 381 2345", "+84383812345", step="normalise"),
        SetLabel("0", ("cell",), ("cell", "home"), "merge-twins"),
        SetLabel("0", ("cell", "home"), ("home",), "test"),
        AddPhone("0", "1", (), "test"),
        SetNumber("0+1", "1", "2", step="test"),
        AddPhone("1", "3", (), "test"),
        DropPhone("1+1", "3", "test"),
        DropPhone("1", "0", "test"),
    ]
    assert _patch.patch(raw, changes, NOW) == card(
        "TEL;HOME:+84383812345", "TEL:2", "REV:20260314T150926Z"
    )


@pytest.mark.parametrize(
    "change",
    [
        SetNumber("0", "1", "3"),
        SetNumber("1", "2", "3"),
        SetLabel("1", (), ("cell",), "test"),
        DropPhone("1", "2", "test"),
        AddPhone("1", "3", (), "test"),
        AddPhone("0+1", "3", (), "test"),
    ],
)
def test_a_change_to_what_is_not_there_any_more_is_refused(change) -> None:
    first = [SetNumber("0", "1", "x"), DropPhone("1", "2", "test")]
    with pytest.raises(ValueError, match="phone"):
        _patch.patch(card("TEL:1", "TEL:2"), [*first, change], NOW)
