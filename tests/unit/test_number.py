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


def test_signs_that_command_a_terminal_are_shown_as_codes() -> None:
    assert "\x1b" not in said("0168 123 4567 \x1b[31m")
