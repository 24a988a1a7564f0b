"""What a server answered, and which of `domain.errors` a refusal of its amounts to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from domain.errors import CredentialsRejected, OutcomeUnknown, OutsideError, RateLimited, Refused, Unavailable

WAIT_UNTOLD = timedelta(seconds=60)
MAX_WAIT = timedelta(days=1)
_RESET_HEADERS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: `headers` in lower case, `body` decompressed, `url` after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def unchanged(self) -> bool:
        """Whether the server said that nothing has changed since the given ETag or date."""
        return self.status == 304

    def json(self) -> Any:
        """Return the body as JSON. Raises `Unavailable` when it is none (a proxy's error page, a cut answer)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"{host_of(self.url)} answered with something that is not JSON") from error


def retry_at(headers: Mapping[str, str], *, now: datetime) -> datetime:
    """Read from lower-case `headers` when to come back: `Retry-After` first, then the usual rate-limit resets.

    Seconds, epoch seconds, HTTP dates and ISO dates are understood; a minute where nothing is said, a day at most.
    """
    for name in ("retry-after", *_RESET_HEADERS):
        told = _moment(headers.get(name, "").strip(), now=now)
        if told is not None:
            return min(max(told, now + timedelta(seconds=1)), now + MAX_WAIT)
    return now + WAIT_UNTOLD


def _moment(value: str, *, now: datetime) -> datetime | None:
    try:
        number = float(value)
    except ValueError:
        return _date(value)
    try:
        # Below a billion it is a number of seconds to wait, above it is a date in epoch seconds.
        return now + timedelta(seconds=number) if number < 1e9 else datetime.fromtimestamp(number, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _date(value: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
            return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def failure(answer: Answer, *, now: datetime, writes: bool) -> OutsideError:
    """Return the error that an answer of 400 or above stands for."""
    host, status = host_of(answer.url), answer.status
    if status == 429 or (status == 503 and "retry-after" in answer.headers):
        return RateLimited(f"{host} asks us to wait ({status})", retry_at=retry_at(answer.headers, now=now))
    if status in (401, 403):
        return CredentialsRejected(f"{host} does not accept our credentials ({status}){_said(answer)}")
    # 503 and these 4xx say that the request was not worked on.
    if status in (408, 425, 503):
        return Unavailable(f"{host} is not available ({status})")
    if status >= 500:
        return (OutcomeUnknown if writes else Unavailable)(f"{host} failed ({status})")
    if status in (404, 410):
        return Refused(f"{host} has no such thing ({status}): {answer.url}")
    return Refused(f"{host} refused the request ({status}){_said(answer)}")


def _said(answer: Answer) -> str:
    words = " ".join(answer.body[:1000].decode("utf-8", "replace").split())[:200]
    return f": {words}" if words and not words.startswith("<") else ""


def host_of(url: str) -> str:
    """Return the host of a URL."""
    return urlsplit(url).hostname or url
