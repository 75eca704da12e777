"""Every reason and word has a text in both languages."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from typing import get_args

import pytest

from danhba import (
    context,
    conversion,
    difflog,
    evidence,
    field,
    judge,
    number,
    numbering,
    phone,
    texts,
    verdict,
)
from danhba.card import Reading, Why
from danhba.steps import fold, label_kind, normalise
from danhba.texts import LANGUAGES, label, language_of, meaning, sentence, told

CONVERTER = [verdict, number, context, field, conversion, evidence]
STEPS = [fold, label_kind, normalise]
VERDICTS = {"convert", "keep", "ask"}
NOT_CODES = {"no-trunk", "toll-free", "fixed-or-mobile"}
# Where a code stands among the arguments of a call.
PLACES = {"Evidence": 0, "_unreadable": 0, "trouble": 0, "Judged": 1, "derived": 2, "Why": 0}


def tree_of(module) -> ast.Module:
    name = module.__name__.removeprefix("danhba.").replace(".", "/")
    return ast.parse(resources.files("danhba").joinpath(f"{name}.py").read_text("utf-8"))


def strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from strings(node.body)
        yield from strings(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from strings(value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def is_pair(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple) and len(node.elts) == 2


def codes_of(module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = PLACES.get(name)
            if place is not None and len(node.args) > place:
                found.update(strings(node.args[place]))
        elif is_pair(node) and VERDICTS.intersection(strings(node.elts[0])):
            found.update(strings(node.elts[1]))
    return found


def hyphenated(module) -> set[str]:
    """All hyphenated words that are values in a module: the net under the collection above."""
    values = (n.value for n in ast.walk(tree_of(module)) if isinstance(n, ast.Constant))
    return {v for v in values if isinstance(v, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+", v)}


def troubles() -> set[str]:
    said = phone.Scan.__doc__.partition("trouble:")[2]
    return set(re.findall(r"`([a-z-]+)`", said))


def test_collection_of_codes_finds_the_known_ones():
    assert {"one-reading", "closed", "unclear"} <= codes_of(verdict)
    assert {"would-hop", "answered"} <= codes_of(conversion)
    assert {"fax", "card-older", "foreign-sibling", "points-to-fixed"} <= codes_of(evidence)
    assert {"empty", "ussd", "partial-second"} <= troubles()


@pytest.mark.parametrize("module", CONVERTER, ids=lambda module: module.__name__)
def test_every_code_has_a_sentence(module):
    assert codes_of(module) | hyphenated(module) - NOT_CODES <= texts.known_codes()


@pytest.mark.parametrize("module", STEPS, ids=lambda module: module.__name__)
def test_every_reason_of_a_step_has_a_sentence(module):
    assert codes_of(module)
    assert codes_of(module) <= texts.known_codes()


def test_every_trouble_and_lock_has_a_sentence():
    assert troubles() | {"charset"} <= texts.known_codes()


def test_every_doubt_of_a_pack_has_a_sentence():
    assert {*get_args(numbering.Doubt), "withdrawn"} <= texts.known_codes()


def test_every_verdict_kind_status_and_section_has_a_label():
    kinds = {*get_args(judge.Kind), "foreign", "unreadable"}
    sections = {f"section-{name}" for name in get_args(difflog.Section)}
    statuses = {"written", "conflict", "failed", "stale", "kept"}
    assert VERDICTS | kinds | sections | statuses <= texts.known_labels()


@pytest.mark.parametrize("key", sorted(texts.known_codes()))
def test_sentences_are_whole_in_both_languages_with_and_without_arguments(key):
    english, vietnamese = (sentence(Why(key), language) for language in LANGUAGES)
    assert english != vietnamese
    names = ("old", "new", "name", "cutoff", "today", "date", "since", "ext", "label", "number",
             "digit", "code", "country", "start", "form")  # fmt: skip
    for language in LANGUAGES:
        for args in ({}, dict.fromkeys(names, "X")):
            text = sentence(Why(key, args), language)
            assert text[0].isupper()
            assert text.endswith(".")
            assert not re.search(r"[{}\[\]…]|  | [,.;:]", text), text


@pytest.mark.parametrize("key", sorted(texts.known_labels()))
def test_labels_are_not_empty(key):
    assert all(label(key, language).strip() for language in LANGUAGES)


def test_unknown_codes_and_keys_stand_for_themselves():
    assert sentence(Why("of-a-plugin", {"x": "y"}), "vi") == "of-a-plugin"
    assert label("of-a-plugin", "en") == "of-a-plugin"


def test_arguments_are_never_read_as_templates():
    why = Why("label-fixed", {"label": "{ext}[{name}]", "ext": "1", "name": "2"})
    assert "{ext}[{name}]" in sentence(why, "en")


def test_dates_are_written_as_the_language_writes_them():
    why = Why("card-older", {"date": "2015-03-04", "since": "2018-08-01"})
    assert "04/03/2015" in sentence(why, "vi")
    assert "2015-03-04" in sentence(why, "en")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "only the records on this computer"), ("vi", "trên máy này")]
)
def test_a_hop_is_said_to_be_prevented_by_this_machine_only(language, words):
    assert words in sentence(Why("would-hop"), language)


def test_meanings_are_translated():
    old = "fixed, Ho Chi Minh City (old form, until 2017-07-17)"
    city = Reading("", "", old, "vn-2017-08", "TP. Hồ Chí Minh")
    assert meaning(city, "vi") == "cố định, TP. Hồ Chí Minh (dạng cũ, đến 17/07/2017)"
    assert meaning(city, "en") == "fixed line, Ho Chi Minh City (old form, until 2017-07-17)"
    for text, vietnamese in (
        ("mobile (valid today)", "di động (đang dùng hiện nay)"),
        ("some other number", "một số nào khác"),
        ("a plugin's own words", "a plugin's own words"),
    ):
        assert meaning(Reading("", "", text), "vi") == vietnamese


@pytest.mark.parametrize(
    ("key", "args", "words"),
    [
        ("result-written", {"written": "1"}, "1 card written"),
        ("result-written", {"written": "2", "not": "1"}, "2 cards written, 1 not"),
        ("result-restored", {"written": "0"}, "0 cards restored"),
        ("review-kept", {"count": "1", "left": "1"}, "1 answer saved; 1 question is left"),
        ("review-kept", {"count": "3", "left": "2"}, "3 answers saved; 2 questions are left"),
        ("log-written", {"written": "1", "restored": "0", "source": "a"}, "1 card written, 0"),
        ("replanned", {"count": "1"}, "1 stale card planned again; look at it, then"),
        ("settled", {"log": "a", "count": "1"}, "1 card was written"),
        ("more-cards", {"count": "1", "log": "a"}, "… and 1 more card;"),
        ("cards-tried", {"all": "1", "troubled": "0"}, "1 card, 0 not understood"),
        ("cards-tried", {"first": "20", "troubled": "1"}, "the first 20 cards, 1 not understood"),
    ],
)
def test_one_is_not_many(key, args, words):
    assert words in told(key, args, "en")
    assert "|" not in told(key, args, "vi")


def test_no_number_stands_before_a_word_for_many():
    """As in `{count} cards`, which is wrong of one: `{count:card|cards}` knows both."""
    for english, _ in (*texts._LABELS.values(), *texts._SENTENCES.values()):
        assert not re.search(
            r"\{\w+\} (more )?(cards|numbers|answers|questions|originals)", english
        )


def test_names_are_those_of_the_language():
    args = {"name": "Ho Chi Minh City", "name_vi": "TP. Hồ Chí Minh", "today": "VinaPhone"}
    why = Why("points-to-fixed", args)
    assert "(Ho Chi Minh City)" in sentence(why, "en")
    assert "(TP. Hồ Chí Minh)" in sentence(why, "vi")
    assert "(VinaPhone)" in sentence(why, "vi")


def test_names_of_old_logs_are_shown_as_they_are():
    """Logs of earlier versions hold the Vietnamese name alone, in any language."""
    for language in LANGUAGES:
        why = Why("proved-fixed", {"old": "8", "new": "28", "name": "TP. Hồ Chí Minh"})
        assert "(TP. Hồ Chí Minh)" in sentence(why, language)
        reading = Reading("", "", "fixed, TP. Hồ Chí Minh (old form, until 2017-07-17)")
        assert ", TP. Hồ Chí Minh (" in meaning(reading, language)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "vi_VN", "LC_ALL": ""}, "vi"),
        ({"LANG": "en_US", "DANHBA_LANG": "vi"}, "vi"),
        ({"LANG": "vi_VN", "DANHBA_LANG": "en"}, "en"),
    ],
)
def test_language_comes_from_the_first_variable_that_is_set(environ, expected):
    assert language_of(environ) == expected


def test_rich_is_not_loaded_before_something_is_shown():
    code = "import sys, danhba.texts, danhba.render; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
