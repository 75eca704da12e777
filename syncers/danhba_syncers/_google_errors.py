"""What does an error of the People API mean for whoever called it? Four kinds.

`AccountError`: this account cannot be used. `SlowError`: not now. `RefusedError`: not like this.
`UnclearError`: nobody knows whether the call was carried out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from googleapiclient.errors import HttpError

from danhba_syncers._google_accounts import CONTACTS, AccountError
from danhba_syncers._google_pace import Limit

_RESOURCE_NAME = re.compile(r"people/[\w-]+")
_RATE = frozenset(
    {"RATE_LIMIT_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}
)


class UnclearError(Exception):
    """No answer, or one that does not tell whether the call was carried out."""


class RefusedError(Exception):
    """Google refuses the call; what it would change is not changed, or not all of it.

    Attributes:
        reason: The reason of Google's ErrorInfo, else its status, such as `FAILED_PRECONDITION`.
        names: The contacts that the answer names.
    """

    def __init__(self, text: str, reason: str, names: frozenset[str] = frozenset()) -> None:
        super().__init__(text)
        self.reason, self.names = reason, names

    @property
    def stale(self) -> bool:
        """Whether Google says that something has changed since it was read."""
        return self.reason == "FAILED_PRECONDITION"


class SlowError(Exception):
    """Google refuses the call for its quota; it was not carried out."""

    def __init__(self, text: str, limit: Limit) -> None:
        super().__init__(text)
        self.limit = limit


def only_reading(user: str) -> str:
    """Say that an account can be read only, and what to do."""
    return (
        f"only reading was granted. To write, grant the scope {CONTACTS}: with"
        f" danhba login google:{user}, or for a service account in the Admin console"
    )


class _Detail(msgspec.Struct, frozen=True):
    reason: str = ""
    metadata: dict[str, str] = {}


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    status: str = ""
    details: list[Any] = []

    @property
    def info(self) -> _Detail:
        """Google's ErrorInfo, or an empty one."""
        for detail in self.details:
            try:
                found = msgspec.convert(detail, _Detail)
            except msgspec.ValidationError:
                continue
            if found.reason:
                return found
        return _Detail()


class _Answer(msgspec.Struct, frozen=True):
    error: _Error = _Error()


def judged(user: str, error: HttpError) -> Exception:
    """Turn an error of the API into ours."""
    code, found = int(error.resp.status), _error_in(error.content)
    info = found.info
    text = f"HTTP {code}: {found.message or error.resp.reason}"
    if code == 429 or found.status == "RESOURCE_EXHAUSTED" or info.reason in _RATE:
        return SlowError(text, _limit(error.resp, info))
    if code >= 500 or code in (408, 409) or code < 400:
        return UnclearError(text)
    if info.reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
        return AccountError(only_reading(user))
    if code == 401:
        return AccountError(
            f"Google does not accept the sign-in ({text}); sign in again:"
            f" danhba login google:{user}"
        )
    if code == 403:
        return AccountError(f"Google refuses access ({text})")
    names = frozenset(_RESOURCE_NAME.findall(error.content.decode("utf-8", "replace")))
    return RefusedError(text, info.reason or found.status, names)


def _error_in(content: bytes) -> _Error:
    try:
        return msgspec.json.decode(content, type=_Answer).error
    except (msgspec.DecodeError, msgspec.ValidationError):
        return _Error()


def _limit(response: Mapping[str, str], info: _Detail) -> Limit:
    about = info.metadata
    unit, value = about.get("quota_unit", ""), about.get("quota_limit_value", "")
    by_minute = unit.startswith("1/min") and value.isdecimal()
    return Limit(
        _seconds(response.get("retry-after", "")),
        int(value) or None if by_minute else None,
        shared=unit.startswith("1/min") and "user" not in unit,
    )


def _seconds(text: str) -> float | None:
    """Read a Retry-After (RFC 9110 §10.2.3): seconds, or a date."""
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
