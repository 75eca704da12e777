"""Under which key is an answer remembered: a person's to a question, or that `undo` was here?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from danhba.changes import Net
from danhba.number import Number

UNDONE = "undone|"
"""In front of a value: the key under which an answer says that `undo` restored this value."""
UNDONE_LABELS = "undone-labels|"
"""The same in front of labels, sorted and joined by commas: of a field that had these."""
UNDONE_PHONE = "undone-phone|"
"""The same in front of the value of a field that was added."""
_OF_OUR_MAKING = frozenset({"other-old-numbers"})
"""Evidence that our own writes take away; an answer outlives it."""


def question_key(number: Number) -> str:
    """Name what a question hangs on: the number and the evidence; new evidence asks anew."""
    said = ",".join(sorted({found.code for found in number.evidence} - _OF_OUR_MAKING))
    return f"{number_key(number)}|{said}"


def number_key(number: Number) -> str:
    """Name a number in questions: its country code and NSN."""
    assert number.dialled
    return f"+{number.dialled.country_code}{number.dialled.nsn}"


def kept(answers: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    """Yield ref and `number_key` of each number that a person has kept, on whatever evidence."""
    for (ref, key), answer in answers.items():
        if answer == "keep" and key.startswith("+"):
            yield ref, key.partition("|")[0]


def undone_labels(labels: Iterable[str]) -> str:
    """Return the key under which an answer says that `undo` restored these machine labels."""
    return UNDONE_LABELS + ",".join(sorted(labels))


def keys_of_undo(fields: Mapping[str, Net]) -> Iterator[str]:
    """Yield the keys under which answers say that changes to these fields were undone."""
    for field in fields.values():
        if field.was is None:
            yield UNDONE_PHONE + field.number
        elif field.was.value is not None:
            yield UNDONE + field.was.value
        if field.was and field.now and field.was.labels is not None:
            yield undone_labels(field.was.labels)
