"""How is a batch of edits written to an account, whatever becomes of the call?

A batch that was not simply accepted is resolved by looking: the contacts are read, and each is
found to be written, to have moved meanwhile, or to be as it was. Only the last kind is sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from danhba.card import Edit, Outcome
from danhba_syncers import _people, _people_sent
from danhba_syncers._google_accounts import Account, AccountError
from danhba_syncers._google_calls import TRIES, Calls, Result
from danhba_syncers._google_errors import RefusedError, UnclearError
from danhba_syncers._people_sent import WRITTEN, Sent

_REFUSALS = 32
"""How often a batch is cut in two to find the contacts that Google refuses."""


class AccountWriter:
    """Writes batches to one account.

    Args:
        calls: The API.
        account: The account.
    """

    def __init__(self, calls: Calls, account: Account) -> None:
        self._calls, self._account = calls, account
        self._given_up = ""

    def write(self, edits: Sequence[Edit]) -> list[Outcome]:
        """Write a batch; return an outcome for each edit."""
        batch = _Batch(self._calls, self._account)
        if self._given_up:
            batch.fail(edits, self._given_up)
            return batch.outcomes
        todo = _tries(edits)
        while todo:
            attempt = todo.pop()
            try:
                todo += batch.send(attempt)
            except AccountError as error:
                self._given_up = str(error)
                for rest in (attempt, *todo):
                    batch.fail(rest.edits.values(), self._given_up)
                break
        return batch.outcomes


class _Try:
    """Edits that go out together.

    Attributes:
        edits: The edits, by the resource name of their contact.
        tries: How often they went out already and nobody knows what came of it.
        sent: What goes out, by resource name.
    """

    def __init__(self, edits: Mapping[str, Edit], tries: int = 0) -> None:
        self.edits, self.tries = dict(edits), tries
        self.sent = {n: _people_sent.request_of(e.card, e.raw) for n, e in self.edits.items()}


def _tries(edits: Iterable[Edit]) -> list[_Try]:
    """Put edits together, first to go out last; two cards may turn out to be one contact now."""
    together: list[dict[str, Edit]] = [{}]
    for edit in edits:
        name = _people_sent.resource_name(edit.card.raw)
        if name in together[-1]:
            together.append({})
        together[-1][name] = edit
    return [_Try(of_one) for of_one in reversed(together)]


class _Batch:
    """One batch on its way, with the outcomes known so far."""

    def __init__(self, calls: Calls, account: Account) -> None:
        self._calls, self._account = calls, account
        self._refusals = 0
        self.outcomes: list[Outcome] = []

    def send(self, attempt: _Try) -> list[_Try]:
        """Send edits; return what is to be sent next, last first."""
        try:
            results = self._calls.update(self._account, attempt.sent)
        except UnclearError as error:
            self._calls.pace.sleep(self._calls.pace.delay(attempt.tries))
            return self._again(attempt, self._look(attempt), str(error))
        except RefusedError as error:
            return self._narrow(attempt, error)
        return self._sort(attempt, results)

    def fail(self, edits: Iterable[Edit], why: str) -> None:
        """Record edits as failed."""
        self.outcomes += [Outcome(edit.card.ref, "failed", detail=why) for edit in edits]

    def _again(self, attempt: _Try, left: dict[str, Edit], why: str) -> list[_Try]:
        if left and attempt.tries >= TRIES:
            self.fail(left.values(), f"not written: {why}")
            return []
        return [_Try(left, attempt.tries + 1)] if left else []

    def _sort(self, attempt: _Try, results: dict[str, Result]) -> list[_Try]:
        """Record what the answer says was written; look at the rest."""
        refused: dict[str, str] = {}
        written: set[str] = set()
        for name, edit in attempt.edits.items():
            result = results.get(name)
            stamp = _people.stamp_of(result.person) if result and result.good else ""
            if stamp:
                self.outcomes.append(Outcome(edit.card.ref, "written", stamp))
                written.add(name)
            elif result and not result.good and not result.passing:
                refused[name] = result.status.message or f"HTTP {result.http_status_code}"
        left = self._look(attempt, skip=written, refused=refused)
        for name in left.keys() & refused.keys():
            self._refuse(left.pop(name), refused[name], stale=results[name].stale)
        return self._again(attempt, left, "Google's answer does not say what became of it")

    def _narrow(self, attempt: _Try, error: RefusedError) -> list[_Try]:
        """Part those that Google refuses from the others."""
        named = error.names if len(attempt.edits) > 1 else attempt.sent
        left = self._look(attempt, refused=named)
        if len(left) < len(attempt.edits):
            return [_Try(left, attempt.tries)] if left else []
        self._refusals += 1
        if len(left) == 1 or self._refusals > _REFUSALS:
            for edit in left.values():
                self._refuse(edit, str(error), stale=error.stale)
            return []
        apart = [name for name in left if name in named]
        if not 0 < len(apart) < len(left):
            apart = list(left)[: len(left) // 2]
        others = {name: edit for name, edit in left.items() if name not in apart}
        return [
            _Try({name: left[name] for name in apart}, attempt.tries),
            _Try(others, attempt.tries),
        ]

    def _look(
        self, attempt: _Try, skip: Collection[str] = (), refused: Collection[str] = ()
    ) -> dict[str, Edit]:
        """Read contacts; record those that were written or have moved, return the others.

        Args:
            attempt: What was sent.
            skip: Contacts whose outcome is known.
            refused: Contacts that this attempt surely did not write.
        """
        edits = {name: edit for name, edit in attempt.edits.items() if name not in skip}
        if not edits:
            return {}
        try:
            found = self._calls.people(self._account, list(edits), WRITTEN)
        except (UnclearError, RefusedError, AccountError) as error:
            why = f"not known whether it was written ({error}); run the same command again"
            for edit in edits.values():
                self.outcomes.append(Outcome(edit.card.ref, "unclear", detail=why))
            return {}
        ours = edits.keys() if attempt.tries else edits.keys() - set(refused)
        return {
            name: edit
            for name, edit in edits.items()
            if self._is_open(edit, attempt.sent[name], found[name], ours=name in ours)
        }

    def _is_open(self, edit: Edit, sent: Sent, found: msgspec.Raw | None, *, ours: bool) -> bool:
        """Say whether a contact still is as it was; if not, record what became of it."""
        if found is None:
            self._conflict(edit, "the card is gone")
        elif ours and _people_sent.holds(sent, found):
            stamp = _people.stamp_of(found)
            self.outcomes.append(Outcome(edit.card.ref, "written", stamp))
        elif not _people_sent.has_etags(sent, found):
            self._conflict(edit, "the card has changed meanwhile")
        else:
            return True
        return False

    def _refuse(self, edit: Edit, why: str, *, stale: bool) -> None:
        """Record a refusal; of a contact that looks as it was, the person around it has changed."""
        if stale:
            self._conflict(edit, "the card has changed meanwhile")
        else:
            self.fail([edit], f"Google refuses it: {why}")

    def _conflict(self, edit: Edit, why: str) -> None:
        self.outcomes.append(Outcome(edit.card.ref, "conflict", detail=why))
