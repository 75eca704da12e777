"""The step `label-kind`: labels mobile and fixed numbers, so that a person can tell them apart.

A mobile number gets `cell`; a fixed one gets `voice` and loses `cell`, for that is how vCard says
landline (RFC 6350 §6.4.1). Where a number is (`home`, `work`) stays, and so does what it is for:
a field that is a fax, a pager or the like is never touched, nor one that has no room for a label
more (Google Contacts keeps one).
"""

from __future__ import annotations

from collections.abc import Iterator

from danhba.card import Change, SetLabel, Why
from danhba.errors import UsageError
from danhba.steps import Draft, DraftPhone

_MOBILE = frozenset({"cell", "mobile", "iphone", "workmobile"})
_NOT_MOBILE = frozenset({"cell", "mobile"})
"""What a fixed number is not; the other words may mean something else as well."""
_OTHER = frozenset({"pager", "modem", "bbs", "isdn", "tlx", "video", "textphone"})


class LabelKind:
    """Says in its labels what a number is."""

    def __init__(self, text: str = "") -> None:
        if text:
            raise UsageError(f"--step label-kind={text}: it takes nothing behind its name")

    def __call__(self, draft: Draft) -> Iterator[Change]:
        """Propose labels."""
        for one in draft.phones:
            phone, kind = one.phone, _kind(one)
            labels = _labels(phone.labels, kind)
            if labels == phone.labels or phone.locked or _is_other(one):
                continue
            if draft.context.labelling(phone, labels) is not None:
                why = (Why("is-mobile" if kind == "mobile" else "is-fixed"),)
                yield SetLabel(phone.key, phone.labels, labels, "", why)


def _kind(one: DraftPhone) -> str:
    """Return what all numbers of a field are; an empty string where that is not settled."""
    kinds = {number.kind if number.certain else "" for number in one.numbers}
    return kinds.pop() if len(kinds) == 1 else ""


def _labels(labels: tuple[str, ...], kind: str) -> tuple[str, ...]:
    if kind == "mobile" and not _MOBILE.intersection(labels):
        return (*labels, "cell")
    if kind == "fixed" and ("voice" not in labels or _NOT_MOBILE.intersection(labels)):
        rest = (label for label in labels if label not in _NOT_MOBILE)
        return tuple(dict.fromkeys([*rest, "voice"]))
    return labels


def _is_other(one: DraftPhone) -> bool:
    """Say whether a field is for something else than talking."""
    said = " ".join((*one.phone.labels, one.phone.label, *(n.words for n in one.numbers)))
    return "fax" in said.casefold() or bool(_OTHER.intersection(one.phone.labels))
