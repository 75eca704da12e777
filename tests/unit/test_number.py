"""What `danhba number` says to a person."""

import pytest
from tests.command import run


@pytest.fixture(autouse=True)
def _in_no_state(state_dir: object) -> None:
    del state_dir


def said(*arguments: str) -> str:
    return run("number", *arguments).out.decode()


def test_reasons_are_sentences_one_behind_the_other() -> None:
    text = said("Fax: 08 3812 3456")
    assert "the card proves it. It is marked as a fax. " in text
    assert ";" not in text.partition("\n")[0].partition("]")[2].replace("28;", "28")


def test_everything_is_said_in_vietnamese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANHBA_LANG", "vi")
    text = said("Fax: 08 3812 3456")
    assert "[đổi, cố định]" in text
    assert "cố định, TP. Hồ Chí Minh (dạng cũ, đến 17/07/2017)" in text
    assert "di động, VinaPhone (đang dùng hiện nay)" in text
    for english in ("fixed", "mobile", "old form", "valid today"):
        assert english not in text


@pytest.mark.parametrize(
    ("language", "name", "other"),
    [
        ("en", "Ho Chi Minh City", "TP. Hồ Chí Minh"),
        ("vi", "TP. Hồ Chí Minh", "Ho Chi Minh City"),
    ],
)
def test_provinces_are_named_in_the_language(
    language: str, name: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANHBA_LANG", language)
    rules = run("packs", "vn").out.decode()
    for text in (said("(08) 3812 3456"), said("08 3812 3456"), rules):
        assert name in text
        assert other not in text


def test_json_is_english_whatever_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    english = said("--json", "08 3812 3456")
    assert '"meaning":"fixed, Ho Chi Minh City (old form, until 2017-07-17)"' in english
    assert '"text":"Probably an old landline (Ho Chi Minh City)' in english
    monkeypatch.setenv("DANHBA_LANG", "vi")
    assert said("--json", "08 3812 3456") == english


def test_signs_that_command_a_terminal_are_shown_as_codes() -> None:
    assert "\x1b" not in said("0168 123 4567 \x1b[31m")
