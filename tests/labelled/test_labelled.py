"""The converter against the labelled cards: nothing wrong, and nothing to do a second time."""

from pathlib import Path

import pytest
from msgspec import json
from tests.command import run
from tests.labelled.card import Labelled
from tests.labelled.verdicts import (
    ALL,
    TODAY,
    Verdict,
    judge,
    labelled,
    scores,
    table,
    write,
)

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence.md"


@pytest.fixture(scope="module")
def cards() -> list[Labelled]:
    return labelled()


@pytest.fixture(scope="module")
def verdicts(cards: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    folder = tmp_path_factory.mktemp("labelled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DANHBA_STATE_DIR", str(folder / "state"))
        return judge(cards, folder)


def test_there_are_more_than_two_thousand_cards(cards: list[Labelled]) -> None:
    assert len(cards) > 4000
    assert len({card.vcard("") for card in cards}) > 3900


def test_the_same_cards_are_made_every_time(cards: list[Labelled]) -> None:
    assert labelled() == cards


def test_no_number_is_converted_kept_or_asked_about_wrongly(verdicts: list[Verdict]) -> None:
    wrong = [one for one in verdicts if not one.right]
    for verdict in ("convert", "keep", "ask"):
        assert not [str(one) for one in wrong if one.verdict == verdict][:5]


def test_the_shares_in_the_docs_are_those_measured(
    cards: list[Labelled], verdicts: list[Verdict]
) -> None:
    assert "\n".join(table(scores(cards, verdicts))) in EVIDENCE.read_text("utf-8")


def test_scores_add_up(cards: list[Labelled], verdicts: list[Verdict]) -> None:
    for split in (True, False):
        found = scores(cards, verdicts, split=split)
        total = found.pop(ALL)
        assert total.cards == len(cards)
        assert sum(score.numbers for score in found.values()) == total.numbers
        assert total.numbers == sum(len(card.tels) for card in cards)


def test_what_was_converted_is_left_alone_on_another_machine(
    cards: list[Labelled], tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy has today's REV; the other machine has neither ledger nor answers."""
    book, copy = write(cards, tmp_path), tmp_path / "copy.vcf"
    first = run("convert", book, "-o", copy, "--json", "--today", TODAY)
    assert _changed(first.out) > 1000
    monkeypatch.setenv("DANHBA_STATE_DIR", str(state_dir / "elsewhere"))
    again = run("convert", copy, "--json", "--today", TODAY)
    assert _changed(again.out) == 0
    monkeypatch.setenv("DANHBA_STATE_DIR", str(state_dir / "with-packs"))
    again = run("convert", copy, "--json", "--today", TODAY, "--pack", "vn", "--pack", "vn")
    assert _changed(again.out) == 0


def test_what_was_converted_is_left_alone_here(
    cards: list[Labelled], tmp_path: Path, state_dir: Path
) -> None:
    """The ledger remembers the cards' dates as they were; that decides nothing new."""
    del state_dir
    book = write(cards, tmp_path)
    run("convert", book, "--write", "--json", "--today", TODAY)
    written = book.read_bytes()
    again = run("convert", book, "--write", "--json", "--today", TODAY)
    assert _changed(again.out) == 0
    assert book.read_bytes() == written


def _changed(out: bytes) -> int:
    lines = [json.decode(line) for line in out.splitlines()]
    (totals,) = (line["totals"] for line in lines if line["type"] == "summary")
    assert isinstance(totals["cards_changed"], int)
    return totals["cards_changed"]
