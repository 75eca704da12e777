"""Google's quotas: how long the syncer waits, and for whom."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httplib2
import pytest
from googleapiclient.errors import HttpError
from tests.people.place import FastClock

from danhba_syncers._google_accounts import AccountError
from danhba_syncers._google_errors import RefusedError, SlowError, UnclearError, judged
from danhba_syncers._google_pace import Limit, Pace, StoppedError

ME, OTHER = "an@corp.example", "binh@corp.example"


def answer(code: int, body: Any, **headers: str) -> HttpError:
    content = body if isinstance(body, bytes) else json.dumps({"error": body}).encode()
    return HttpError(httplib2.Response({"status": str(code), **headers}), content)


def quota(unit: str = "", value: str = "", retry_after: str = "") -> Limit:
    about = {"quota_unit": unit, "quota_limit_value": value}
    info = {"@type": "ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "metadata": about}
    headers = {"retry-after": retry_after} if retry_after else {}
    error = judged(ME, answer(429, {"status": "RESOURCE_EXHAUSTED", "details": [info]}, **headers))
    assert isinstance(error, SlowError)
    return error.limit


def test_nothing_waits_before_a_limit_is_known() -> None:
    clock = FastClock()
    pace = Pace(clock)
    for _ in range(1000):
        pace.turn(ME, "write")
    assert clock.waits == []


def test_a_limit_of_the_settings_holds_for_each_account() -> None:
    clock = FastClock()
    pace = Pace(clock, writes=3)
    for user in (ME, OTHER):
        for _ in range(3):
            pace.turn(user, "write")
    assert clock.waits == []
    pace.turn(ME, "write")
    assert clock.seconds == 60.0


def test_a_refusal_names_its_limit() -> None:
    assert quota("1/min/{project}/{user}", "90") == Limit(None, 90, shared=False)
    assert quota("1/min/{project}", "3000", "7") == Limit(7.0, 3000, shared=True)
    assert quota("1/d/{project}", "100") == Limit(None, None, shared=False)
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < (quota(retry_after=soon).wait_s or 0) <= 30
    assert quota(retry_after="soon") == quota(retry_after="") == Limit()


def test_a_shared_refusal_makes_everybody_wait() -> None:
    clock = FastClock()
    pace = Pace(clock)
    assert pace.refused(ME, "write", Limit(7.0, shared=True), 0) == 7.5
    pace.turn(OTHER, "write")
    assert clock.seconds == 7.5
    assert pace.refused(ME, "write", Limit(7.0), 0) == 7.5
    pace.turn(OTHER, "write")
    assert clock.seconds == 7.5


def test_a_wait_beyond_patience_keeps_nobody_else_waiting() -> None:
    clock = FastClock()
    pace = Pace(clock)
    assert pace.refused(ME, "write", Limit(86_400.0, shared=True), 0) > 86_400
    pace.turn(OTHER, "write")
    assert clock.waits == []


def test_waits_grow_and_have_an_end() -> None:
    pace = Pace(FastClock())
    assert [pace.delay(tries) for tries in (0, 1, 2, 9, 99)] == [0.75, 1.5, 3.0, 48.0, 48.0]


def test_a_run_that_is_stopped_waits_no_longer() -> None:
    pace = Pace(FastClock())
    pace.stop.set()
    with pytest.raises(StoppedError):
        pace.sleep(1000.0)


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        (400, {"status": "INVALID_ARGUMENT"}, RefusedError),
        (404, {"status": "NOT_FOUND"}, RefusedError),
        (401, {}, AccountError),
        (403, {"status": "PERMISSION_DENIED"}, AccountError),
        (403, {"details": [{"reason": "userRateLimitExceeded"}]}, SlowError),
        (409, {"status": "ABORTED"}, UnclearError),
        (302, b"", UnclearError),
        (500, b"<html>", UnclearError),
        (503, {"status": "UNAVAILABLE", "details": ["?", {"reason": 1}]}, UnclearError),
        (413, b"\xff", RefusedError),
    ],
)
def test_an_error_is_of_one_of_four_kinds(code: int, body: Any, kind: type[Exception]) -> None:
    assert type(judged(ME, answer(code, body))) is kind


def test_a_refusal_names_the_contacts_it_is_about() -> None:
    body = {"message": "people/c12 and 'people/cAb-3'", "status": "FAILED_PRECONDITION"}
    error = judged(ME, answer(400, body))
    assert isinstance(error, RefusedError)
    assert error.names == {"people/c12", "people/cAb-3"}
    assert error.stale
