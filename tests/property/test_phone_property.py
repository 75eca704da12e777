"""What holds for every text and every spelling of a number."""

import time

from hypothesis import assume, given
from hypothesis import strategies as st

from danhba.dialling import Dialing, dial
from danhba.phone import scan
from danhba.respelling import respell

SEPARATORS = st.sampled_from(["", " ", ".", "-", "\xa0", "\u2013", "\u200e", " \u200f", "  "])
SCRIPTS = st.sampled_from("0０٠۰०")
BEFORE = st.sampled_from(["", "DĐ: ", "Fax ", "tel:", "\u202a", "📞 ", "(", "CQ (", "' "])
BEHIND = st.sampled_from(
    ["", " (anh Nam)", " - chị Lan", " ext 12", " máy lẻ 3", "x45", "\u202c", ")"]
)
TROUBLES = {"", "empty", "no-digits", "ussd", "pause", "letters", "not-a-phone", "unclear"}
PHONISH = st.text("0123456789+-–. ()[]/;,#*xpwĐđext\u200e\xa0\n０٠", max_size=40)


@st.composite
def spelled(draw):
    """Draw a number, some of its digits perhaps in brackets, among harmless text."""
    plus = draw(st.booleans())
    count = draw(st.integers(10, 12))
    numerals = st.text("0123456789", min_size=count, max_size=count)
    digits = draw(numerals.map(lambda d: "84" + d[2:] if plus else "0" + d[1:]))
    zero = ord(draw(SCRIPTS))
    opening = draw(st.integers(0, 4))
    closing = draw(st.integers(opening + 1, 6))
    bracketed = draw(st.booleans())
    parts = ["+" if plus else ""]
    for i, digit in enumerate(digits):
        gap = draw(SEPARATORS) if i else ""
        parts += ["(" if bracketed and i == opening else gap, chr(zero + int(digit))]
        parts += [")"] if bracketed and i == closing else []
    return draw(BEFORE) + "".join(parts) + draw(BEHIND), digits, plus


def is_in_order(kept, whole):
    """Tell whether `kept` is `whole` with some characters left out."""
    rest = iter(whole)
    return all(char in rest for char in kept)


@given(spelled())
def test_spelled_number_reads_back(case):
    value, digits, plus = case
    found = scan(value)
    assume(not found.trouble)
    (number,) = found.numbers
    assert (number.digits, number.plus) == (digits, plus)
    inner = value[number.start : number.end]
    assert inner[0] in "+(" or inner[0].isdecimal()
    assert inner[-1].isdecimal()
    assert "".join(str(int(c)) for c in inner if c.isdecimal()) == digits


@given(spelled())
def test_harmless_text_makes_no_trouble(case):
    assert scan(case[0]).trouble == ""


@given(spelled(), st.integers(0, 6), st.integers(0, 4), st.text("0123456789", max_size=5))
def test_respelled_number_reads_back_and_nothing_else_moves(case, at, strip, put):
    value = case[0]
    (number,) = scan(value).numbers
    digits = number.digits[:at] + put + number.digits[at + strip :]
    assume(9 <= len(digits) <= 15)
    assume(put or not strip)
    assume(at or not number.words)  # "Nam 2 0912…": the first digit may count Nam's telephones
    after = respell(value, number, at, strip, put)
    (again,) = scan(after).numbers
    assert again.digits == digits
    assert (again.plus, again.ext, again.words) == (number.plus, number.ext, number.words)
    assert after.startswith(value[: number.start])
    assert after.endswith(value[number.end :])
    kept = [c for c in after if not c.isdecimal() and c not in " .-\xa0\u2013"]
    assert kept == [c for c in value if not c.isdecimal() and c not in " .-\xa0\u2013"]


@given(spelled(), st.integers(0, 6), st.integers(1, 4))
def test_writing_the_same_digits_changes_nothing(case, at, strip):
    value = case[0]
    (number,) = scan(value).numbers
    assert respell(value, number, at, strip, number.digits[at : at + strip]) == value


@given(spelled(), st.integers(1, 4), st.text("0123456789", min_size=1, max_size=3))
def test_separators_outside_the_replaced_digits_stay(case, strip, put):
    value = case[0]
    (number,) = scan(value).numbers
    places = [i for i in range(number.start, number.end) if value[i].isdecimal()]
    after = respell(value, number, 1, strip, put)
    assert after.startswith(value[: places[0] + 1])
    assert after.endswith(value[places[strip] + 1 :])
    assert is_in_order(
        [c for c in after if not c.isdecimal()], [c for c in value if not c.isdecimal()]
    )


@given(st.one_of(st.text(st.characters(), max_size=60), PHONISH))
def test_scan_and_dial_take_any_text(value):
    found = scan(value)
    assert found.trouble in TROUBLES | {"partial-second"}
    assert bool(found.numbers) or found.trouble
    end = 0
    for number in found.numbers:
        assert end <= number.start < number.end <= len(value)
        end = number.end
        inner = value[number.start : number.end]
        digits = "".join(str(int(c)) for c in inner if c.isdecimal())
        assert digits == number.digits
        assert ("+" in inner or "＋" in inner) == number.plus
        dialled = dial(number, Dialing())
        assert dialled is None or dialled.nsn == number.digits[dialled.lead :]


@given(PHONISH, st.integers(1, 30_000))
def test_long_text_costs_little_time(piece, times):
    value = piece * times
    begin = time.perf_counter()
    scan(value)
    assert time.perf_counter() - begin < 0.1 + len(value) / 1e6
