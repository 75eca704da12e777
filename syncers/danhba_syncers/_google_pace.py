"""How fast may the People API be called? Google's quotas, learned from its refusals.

What counts against which quota is not documented, and a company may have raised its own. So nothing
is held back until a limit is known: because the settings give one, or because a refusal (HTTP 429)
names it. A refusal also makes everybody it concerns wait, as long as it says, or longer each time.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["read", "write"]

PATIENCE_S = 300.0
"""How long one call is put off for quota before the account is given up for this run."""
_LONGEST_S = 64.0
_WINDOW_S = 60.0
"""Google counts by the minute."""


class StoppedError(Exception):
    """The run is being stopped; nothing more is sent."""


class Clock:
    """Time and chance; tests bring their own."""

    def now(self) -> float:
        """Return seconds that only go up."""
        return time.monotonic()

    def chance(self) -> float:
        """Return a number from 0 to 1."""
        return random.random()  # noqa: S311 - spreads callers, hides nothing

    def sleep(self, seconds: float, stop: threading.Event) -> None:
        """Wait, but not longer than until `stop` is set or the program ends."""
        until = time.monotonic() + seconds
        while not over(stop) and (left := until - time.monotonic()) > 0:
            stop.wait(min(left, 0.5))


def over(stop: threading.Event) -> bool:
    """Say whether nobody waits for a result any more; then a thread must not keep a program up."""
    return stop.is_set() or not threading.main_thread().is_alive()


class Limit(NamedTuple):
    """What a refusal says.

    Attributes:
        wait_s: How long to wait; None when it does not say.
        calls: How many calls a minute are allowed; None when it does not say.
        shared: Whether all accounts share the limit.
    """

    wait_s: float | None = None
    calls: int | None = None
    shared: bool = False


class _Gate:
    """One quota: calls of one kind, of one account or of all together."""

    def __init__(self, calls: int = 0) -> None:
        self.calls = calls
        self.closed_until = 0.0
        self.passed: deque[float] = deque()

    def wait_s(self, now: float) -> float:
        while self.passed and self.passed[0] <= now - _WINDOW_S:
            self.passed.popleft()
        wait = self.closed_until - now
        if self.calls and len(self.passed) >= self.calls:
            wait = max(wait, self.passed[-self.calls] + _WINDOW_S - now)
        return wait


class Pace:
    """Lets calls through as fast as the quotas allow; safe to use from several threads.

    Args:
        clock: Time and chance.
        writes: Writing calls that one account may make in a minute; 0: as many as Google takes.
        requests: Calls that all accounts may make together in a minute; 0: likewise.
    """

    def __init__(self, clock: Clock, writes: int = 0, requests: int = 0) -> None:
        self.clock = clock
        self.stop = threading.Event()
        self._writes = writes
        self._lock = threading.Lock()
        self._all = _Gate(requests)
        self._gates: dict[tuple[str, Kind], _Gate] = {}

    def turn(self, user: str, kind: Kind) -> None:
        """Wait until a call may be made, and count it."""
        while (wait := self._pass(user, kind)) > 0:
            self.sleep(wait)

    def _pass(self, user: str, kind: Kind) -> float:
        with self._lock:
            now = self.clock.now()
            gates = (self._all, self._gate("", kind), self._gate(user, kind))
            wait = max(gate.wait_s(now) for gate in gates)
            if wait <= 0:
                for gate in gates:
                    gate.passed.append(now)
            return wait

    def _gate(self, user: str, kind: Kind) -> _Gate:
        calls = self._writes if user and kind == "write" else 0
        return self._gates.setdefault((user, kind), _Gate(calls))

    def refused(self, user: str, kind: Kind, limit: Limit, tries: int) -> float:
        """Take note of a refusal for quota; return in how many seconds to try again.

        A wait beyond all patience keeps nobody else waiting: they may find out for themselves.
        """
        wait = self.delay(tries) if limit.wait_s is None else limit.wait_s + self.clock.chance()
        with self._lock:
            gate = self._gate("" if limit.shared else user, kind)
            if wait <= PATIENCE_S:
                gate.closed_until = max(gate.closed_until, self.clock.now() + wait)
            if limit.calls:
                gate.calls = min(gate.calls or limit.calls, limit.calls)
        return wait

    def delay(self, tries: int) -> float:
        """Return how long to wait after so many tries: 1, 2, 4 … seconds, up to half of it less."""
        longest = min(_LONGEST_S, 2.0**tries)
        return longest * (1 - self.clock.chance() / 2)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoppedError: The run is being stopped.
        """
        if not over(self.stop):
            self.clock.sleep(seconds, self.stop)
        if over(self.stop):
            raise StoppedError
