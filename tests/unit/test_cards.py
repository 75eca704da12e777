"""Our own cards after the oddities of real ones: converted, written and undone, byte for byte.

Each file in `tests/cards` is named by its oddity. The table says, for each, which octets a
conversion replaces by which others; nothing else of the file may move. A file without a row holds
nothing that may be converted.
"""

import re
from pathlib import Path

import pytest
from tests.command import run

CARDS = sorted((Path(__file__).parents[1] / "cards").glob("*.vcf"))
STAMP = rb"20\d{6}(?:T\d{6}Z)?|20\d\d-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?"
REV = re.compile(rb"(?<=\nREV:)(?:" + STAMP + rb")(?=[\r\n]|\Z)")

UTF_16BE = "utf-16-be"
UTF_16LE = "utf-16-le"


def wide(codec: str, *pairs: tuple[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((old.encode(codec), new.encode(codec)) for old, new in pairs)


CHANGES: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "agent_begins_on_its_own_line": ((b"0168 123 4567", b"038 123 4567"),),
    "agent_escaped_in_one_line": ((b"\r\nTEL:01681234568", b"\r\nTEL:0381234568"),),
    "card_with_nothing_in_it": ((b"0168 123 4561", b"038 123 4561"),),
    "end_in_lower_case": (
        (b"0168 123 4561", b"038 123 4561"),
        (b"0168 123 4562", b"038 123 4562"),
        (b"0168 123 4563", b"038 123 4563"),
    ),
    "old_mac_card_between_windows_cards": (
        (b"0168 123 4561", b"038 123 4561"),
        (b"0168 123 4562", b"038 123 4562"),
        (b"0168 123 4563", b"038 123 4563"),
        (b"0168 123 4564", b"038 123 4564"),
    ),
    "old_mac_file_that_ends_in_lf": (
        (b"0168 123 4561", b"038 123 4561"),
        (b"0168 123 4562", b"038 123 4562"),
    ),
    "soft_break_before_the_next_property": ((b"0168=20=\r\n1234568", b"038=201234568"),),
    "base64_not_indented": ((b":01681234567", b":0381234567"),),
    "card_followed_by_nul": (
        (b"01681231235", b"0381231235"),
        (b"01681231236", b"0381231236"),
    ),
    "cp1252_with_charset": ((b"0168 123 4567 \x96", b"038 123 4567 \x96"),),
    "end_that_never_comes": (
        (b"01681231233", b"0381231233"),
        (b"01681231234", b"0381231234"),
    ),
    "entourage_utf16be_bare_cr_lower_case": wide(
        UTF_16BE,
        ("0168.765.4321", "038.765.4321"),
        ("+84 4 3825 1234", "+84 24 3825 1234"),
    ),
    "evolution_number_folded_amid_its_digits": (
        (b":0168\r\n  444\r\n 5555", b":038 4445555"),
        (b"(04) 3825\r\n\t-6789", b"(024) 3825-6789"),
    ),
    "evolution_quoted_printable_lines_only_of_equals": (
        (b"=\r\n0168=20666=\r\n=207777", b"038=20666=207777"),
        (b"01696667778=\r\n", b"0396667778"),
    ),
    "fold_inside_a_utf8_character": (
        (b"0168 123 4567 (Nguy\xe1\xbb\r\n \x85n)", b"038 123 4567 (Nguy\xe1\xbb\x85n)"),
    ),
    "google_empty_line_inside_fn": ((b"0168 321 4567", b"038 321 4567"),),
    "groups_and_repeated_types": (
        (b"04 3825 1234", b"024 3825 1234"),
        (b"0168 123 4567", b"038 123 4567"),
        (b"tel:01681234568", b"tel:0381234568"),
        (b"0168 123 4569", b"038 123 4569"),
    ),
    "ios_cr_cr_lf": ((b"0168 111 2222", b"038 111 2222"),),
    "latin1_without_charset": ((b":01681234567", b":0381234567"),),
    "macos_utf16be_without_bom_mixed_line_ends": wide(
        UTF_16BE,
        ("0168 123 4567", "038 123 4567"),
        ("04 3825 1234", "024 3825 1234"),
    ),
    "mixed_line_ends_and_junk": (
        (b"0168 123 4567", b"038 123 4567"),
        (b"04 3825 1234  ", b"024 3825 1234  "),
    ),
    "nbsp_bidi_and_trailing_spaces": (
        (b"0168\xc2\xa0123\xc2\xa04567", b"038\xc2\xa0123\xc2\xa04567"),
        (b"+84\xc2\xa0168", b"+84\xc2\xa038"),
        (b"0168 123 4569", b"038 123 4569"),
    ),
    "number_with_arabic_digits": (("٠١٦٨١٢٣٤٥٦٧".encode(), "٠٣٨١٢٣٤٥٦٧".encode()),),
    "oppo_private_lines_belong_to_the_next_tel": (
        (b"01681112222", b"0381112222"),
        (b"01283334444", b"0783334444"),
    ),
    "quoted_printable_folded_by_a_space": ((b"0168 123=20\r\n 4567", b"038 123=204567"),),
    "rev_at_the_end_of_the_file": ((b"0168 123 4567", b"038 123 4567"),),
    "rev_in_four_forms": (
        (b"0168 123 4560", b"038 123 4560"),
        (b"0168 123 4561", b"038 123 4561"),
        (b"0168 123 4562", b"038 123 4562"),
        (b"0168 123 4563", b"038 123 4563"),
    ),
    "samsung_quoted_printable_in_the_parameters_only": (
        (b":0168-222-3333", b":038-222-3333"),
        (b":0169 222 3333", b":039 222 3333"),
    ),
    "shift_jis_backslash_byte": (
        (b"01681234567", b"0381234567"),
        (b"0168 123 4568 (\x95\\)", b"038 123 4568 (\x95\\)"),
    ),
    "sony_ericsson_soft_break_inside_a_character": (
        (b"0168 888 9999 (ch=E1=\r\n=BB=8B Mai)", b"038 888 9999 (ch=E1=BB=8B Mai)"),
    ),
    "symbian_agent_with_a_folded_tel": (
        (b"01201234567", b"0701234567"),
        (b"0438251234", b"02438251234"),
    ),
    "tel_before_an_inner_end": ((b"01681231231", b"0381231231"),),
    "twins_with_one_uid": (
        (b"0168 123 4567", b"038 123 4567"),
        (b"0168 123 4567", b"038 123 4567"),
        (b"0168 123 4568", b"038 123 4568"),
    ),
    "two_numbers_and_escapes": (
        (b"0168 123 4567\\; 0912", b"038 123 4567\\; 0912"),
        (b"0168 123 4568\\,", b"038 123 4568\\,"),
    ),
    "unknown_charset_with_8_bit_bytes": ((b":01681234569", b":0381234569"),),
    "utf16le_with_bom": wide(UTF_16LE, ("01681234567", "0381234567")),
    "utf8_bom_and_no_final_line_end": ((b"tel:+84-168-123", b"tel:+84-38-123"),),
    "whatsapp_number_in_two_places": ((b":+84 168 123", b":+84 38 123"),),
}


def expected(card: Path) -> bytes:
    """Replace the octets that the table names, each once, from the beginning on."""
    raw, position = card.read_bytes(), 0
    for old, new in CHANGES.get(card.stem, ()):
        at = raw.index(old, position)
        raw = raw[:at] + new + raw[at + len(old) :]
        position = at + len(new)
    return raw


def unstamped(raw: bytes) -> bytes:
    """Leave the time of REV out."""
    text = raw.decode("utf-16").encode() if raw.startswith(b"\xff\xfe") else raw
    return REV.sub(b"(REV)", text)


def test_the_table_speaks_of_files_that_are_there() -> None:
    assert CHANGES.keys() <= {card.stem for card in CARDS}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.stem)
def test_conversion_replaces_these_octets_and_undo_puts_them_back(
    card: Path, tmp_path: Path, state_dir: Path
) -> None:
    book, log = tmp_path / card.name, tmp_path / "log.jsonl"
    book.write_bytes(card.read_bytes())
    done = run("convert", book, "--write", "--today", "2026-11-22", "--log", log)
    assert done.code == 0, done.err
    assert unstamped(book.read_bytes()) == unstamped(expected(card))
    assert run("convert", book, "--check", "--today", "2026-11-22").code == 0
    assert run("undo", log).code == 0
    assert book.read_bytes() == card.read_bytes()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.stem)
def test_looking_at_a_card_does_not_touch_its_file(
    card: Path, tmp_path: Path, state_dir: Path
) -> None:
    book = tmp_path / card.name
    book.write_bytes(card.read_bytes())
    before = book.stat()
    assert run("convert", book, "--today", "2026-11-22").code == 0
    assert book.read_bytes() == card.read_bytes()
    assert book.stat().st_mtime_ns == before.st_mtime_ns


def test_rev_is_renewed_in_the_form_it_has(tmp_path: Path, state_dir: Path) -> None:
    (card,) = (card for card in CARDS if card.stem == "rev_in_four_forms")
    book = tmp_path / card.name
    book.write_bytes(card.read_bytes())
    assert run("convert", book, "--write").code == 0
    forms = [re.sub(rb"\d", b"9", rev) for rev in REV.findall(card.read_bytes())]
    revs = REV.findall(book.read_bytes())
    assert [re.sub(rb"\d", b"9", rev) for rev in revs] == forms
    assert not set(revs) & set(REV.findall(card.read_bytes()))
