"""The pipeline: read, convert, log, write; apply, resume and undo. Start reading here.

`convert --write` is `plan`, which logs every proposal, then `apply`, which carries out what the
log says. `apply` never converts anew; `convert` may, when a card moved between the two.

- `danhba.job`: what a run is about; `danhba.tally`: what it counts.
- `danhba.plan`: read, convert, log; `danhba.story`: a log read and put together.
- `danhba.apply`, `danhba.undo`: carry a log out, or take it back.
"""

from __future__ import annotations

from danhba.apply import apply, settle
from danhba.difflog import EndLine, LogWriter
from danhba.job import Job, Result, new_run_id
from danhba.plan import copy, plan, replan, why_not
from danhba.story import Story, read_story
from danhba.syncer import Forecasts
from danhba.tally import Tally
from danhba.undo import undo

__all__ = [
    "Job",
    "Result",
    "Story",
    "Tally",
    "apply",
    "convert_in_place",
    "copy",
    "new_run_id",
    "plan",
    "read_story",
    "replan",
    "settle",
    "undo",
    "why_not",
]

ROUNDS = 3
"""How often a card that moved is read and converted again."""


def convert_in_place(job: Job, log: LogWriter) -> tuple[EndLine, Result]:
    """Plan, then apply the plan; a card that moved is converted again, three times at most."""
    end = plan(job, log)
    tally = job.tally
    log.sync()
    if not tally.cards["changed"]:
        return end, Result()
    if stopped := why_not(job, end):
        return end, Result(stopped=stopped)
    if isinstance(job.syncer, Forecasts):
        job.say(job.syncer.forecast(tally.cards["changed"]))
    result = apply(job, log, read_story(log.path))
    for _ in range(ROUNDS):
        moved = [r for r, line in result.problems.items() if line.status in ("conflict", "stale")]
        if not moved or result.stopped:
            break
        job.tally = Tally()
        planned = replan(job, log, read_story(log.path), moved)
        again = apply(job, log, read_story(log.path))
        for ref in (*moved, *result.unclear):
            result.problems.pop(ref)
        result.written += again.written
        result.problems |= {line.ref: line for line in planned.gone} | again.problems
        result.stopped, result.unclear = again.stopped, again.unclear
    job.tally = tally
    return end, result
