"""What changed in a source since the last run, and what are the sums of the whole of it?

A syncer that `Tracks` reads only what changed. What every card adds to the sums is kept beside the
sync token, so that a run that reads nothing still reports the whole book. Cards with a proposal, a
question or a trouble are pending: they are read again each time, so that a dry run never makes a
later one miss something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

import msgspec

import danhba
from danhba.card import Card, Edit, Missing
from danhba.context import Context
from danhba.difflog import LineSink, MemoryLog
from danhba.dual import phase
from danhba.job import Job, silent
from danhba.state import Seen
from danhba.syncer import Tracks
from danhba.tally import Row, Tally

Work: TypeAlias = Callable[[Job, LineSink, Iterable[Card]], Iterator[Edit]]
"""Converts cards, logs and counts what is proposed, yields the edits."""


_TELL_EVERY = 100


class _Share(msgspec.Struct, array_like=True):
    """What one card adds to the sums."""

    cards: dict[str, int]
    rows: list[tuple[Row, int]]
    elsewhere: dict[str, int]
    steps: dict[str, int] = {}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Share)


def key_of(context: Context) -> str:
    """Name all that proposals rest on besides the cards: packs, country, steps, version and more.

    Of the day, only which renumberings have begun and ended by then.
    """
    packs = context.packs
    rules = (rule for pack in packs.given for rule in pack.rules)
    phases = "".join(phase(rule, context.today)[0] for rule in rules)
    parts = [danhba.__version__, context.home.country, context.ask, phases, context.policy]
    parts += context.steps.names if context.steps else ()
    parts += sorted(f"{name}={digest}" for name, digest in packs.digests().items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def follow(job: Job, syncer: Tracks, log: LineSink, work: Work) -> Iterator[Edit]:
    """Read and convert what changed and what is pending; leave the sums of the book in the job."""
    key = key_of(job.context)
    earlier = job.state.followed(job.source, key)
    changed = syncer.changes_since(earlier.token, earlier.known) if earlier else None
    seen: list[Seen] = []
    gone: list[str] = []
    done: set[str] = set()
    pending = earlier.pending if earlier and changed is not None else []
    cards = job.syncer.read() if changed is None else changed
    looker = _Looker(job, log, work)

    def look(found: Iterable[Card | Missing]) -> Iterator[Edit]:
        for count, card in enumerate(found, 1):
            if count % _TELL_EVERY == 0:
                job.progress(_TELL_EVERY)
            done.add(card.ref)
            if isinstance(card, Missing):
                gone.append(card.ref)
            else:
                share, edits = looker.look(card)
                seen.append(share)
                yield from edits

    yield from look(cards)
    left = [ref for ref in pending if ref not in done]
    if left:
        yield from look(job.syncer.fetch(left))
    job.state.follow(job.source, key, syncer.token(), seen, gone, fresh=changed is None)
    job.tally = _sums(job)


class _Looker:
    """Looks at cards one by one, and says what each adds to the sums.

    Args:
        job: The run; its own sums and progress are left alone.
        log: Where proposals go.
        work: Converts.
    """

    def __init__(self, job: Job, log: LineSink, work: Work) -> None:
        self._job = replace(job, tally=Tally(), progress=silent)
        self._log, self._work = log, work
        self._shares: dict[object, str] = {}

    def look(self, card: Card) -> tuple[Seen, list[Edit]]:
        """Convert one card; return what it adds to the sums, and its edit if there is one."""
        tally = self._job.tally
        tally.clear()
        edits = list(self._work(self._job, self._log, (card,)))
        cards = tally.cards
        pending = bool(cards["changed"] or cards["asked"] or cards["skipped"])
        return Seen(card.ref, card.version, self._share(tally), pending), edits

    def _share(self, tally: Tally) -> str:
        """Write down what a card adds; most cards add the same as some other."""
        counts, numbers = tally.cards.values(), tally.numbers.items()
        key = (*counts, *numbers, None, *tally.elsewhere.items(), None, *tally.steps.items())
        try:
            return self._shares[key]
        except KeyError:
            tally.close()
            share = _Share(tally.cards, sorted(tally.rows.items()), tally.elsewhere, tally.steps)
            text = self._shares[key] = _encoder.encode(share).decode()
            return text


def _sums(job: Job) -> Tally:
    total = Tally()
    for text, count in job.state.shares(job.source):
        share = _decoder.decode(text)
        total.add(
            {row: n * count for row, n in share.rows},
            {what: n * count for what, n in share.cards.items()},
            {place: n * count for place, n in share.elsewhere.items()},
            {step: n * count for step, n in share.steps.items()},
        )
    return total


def saw_written(job: Job, work: Work, cards: Iterable[Card]) -> list[Seen]:
    """Return what to keep of cards that were written and read back.

    With it no later run reads them again. Nothing where the source is not followed.
    """
    if not isinstance(job.syncer, Tracks):
        return []
    if not job.state.follows(job.source, key_of(job.context)):
        return []
    quiet = _Looker(replace(job, show=silent), MemoryLog(), work)
    return [quiet.look(card)[0] for card in cards]
