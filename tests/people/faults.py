"""What can go wrong on purpose: a queue of faults, and quotas.

A fault is used up by the calls it names. Connections are dropped with FIN (the client sees the end
of the stream) or with RST (a reset).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.people.discovery import Refusal

Kind = Literal[
    "drop-before", "drop-after", "cut", "status-before", "status-after", "twice", "late", "meddle"
]


@dataclass
class Fault:
    """A fault.

    Attributes:
        kind: `drop-before` and `drop-after`: the connection closes without an answer, before or
            after the call is carried out. `cut`: in the middle of the answer. `status-before`,
            `status-after`: an error is the answer. `twice`: the answer comes two times. `late`:
            the answer comes after `seconds`, when the client has given up. `meddle`: `do` is called
            before the call is carried out.
        call: The method it befalls; any when empty.
        skip: How many calls go well before.
        times: How many calls it befalls.
        user: Whose calls; anybody's when empty.
        reset: Whether a dropped connection is reset (RST) instead of closed (FIN).
        refusal: The answer of `status-before` and `status-after`.
        do: What `meddle` calls.
        seconds: How late `late` is.
    """

    kind: Kind
    call: str = ""
    skip: int = 0
    times: int = 1
    user: str = ""
    reset: bool = False
    refusal: Refusal = field(default_factory=lambda: Refusal(503, "UNAVAILABLE", "Unavailable."))
    do: Callable[[], object] = lambda: None
    seconds: float = 0.0

    def befalls(self, call: str, user: str) -> bool:
        """Say whether a call is befallen, and count it."""
        if (self.call and call != self.call) or (self.user and user != self.user):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Quota:
    """A limit of calls in a window of time.

    Attributes:
        calls: How many calls the window takes.
        kind: `read` or `write`.
        window_s: Length of the window in seconds.
        per_user: Whether each user has a window of their own.
        retry_after: Whether the answer says how long to wait.
        named: Whether the answer's ErrorInfo names the limit.
    """

    calls: int
    kind: Literal["read", "write"] = "write"
    window_s: float = 60.0
    per_user: bool = True
    retry_after: bool = False
    named: bool = True
    seen: dict[str, deque[float]] = field(default_factory=dict)
    refused: int = 0

    def take(self, kind: str, user: str, now: float) -> None:
        """Count a call; refuse it when the window is full."""
        if kind != self.kind:
            return
        window = self.seen.setdefault(user if self.per_user else "", deque())
        while window and window[0] <= now - self.window_s:
            window.popleft()
        if len(window) >= self.calls:
            self.refused += 1
            raise self._refusal(window[0] + self.window_s - now)
        window.append(now)

    def _refusal(self, wait_s: float) -> Refusal:
        metric = f"people.googleapis.com/critical_{self.kind}_requests"
        user = "/{user}" if self.per_user else ""
        about = {
            "service": "people.googleapis.com",
            "consumer": "projects/123456789",
            "quota_metric": metric,
            "quota_limit": f"Critical{self.kind}sPerMinutePerProject",
            "quota_limit_value": str(self.calls),
            "quota_unit": f"1/min/{{project}}{user}",
        }
        return Refusal(
            429,
            "RESOURCE_EXHAUSTED",
            f"Quota exceeded for quota metric '{metric}' of service 'people.googleapis.com'.",
            reason="RATE_LIMIT_EXCEEDED" if self.named else "",
            metadata=about,
            headers={"Retry-After": str(int(wait_s) + 1)} if self.retry_after else {},
        )
