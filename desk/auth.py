"""Passwords, attempts to sign in, and the session cookie."""

import functools
import secrets
import threading
from collections import deque
from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.responses import Response

from desk.edge import COOKIE, House
from domain.errors import Invalid
from domain.person import MIN_PASSWORD, Person
from store import people
from store.people import SESSION

MAX_PASSWORD = 1024
WINDOW = timedelta(minutes=5)
MAX_ATTEMPTS = 5
MAX_OF_ADDRESS = 30
MAX_KEYS = 10_000

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password, or raise `Invalid` when it is too short."""
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"the password needs at least {MIN_PASSWORD} characters")
    if len(password) > MAX_PASSWORD:
        raise Invalid(f"the password may have at most {MAX_PASSWORD} characters")
    return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


def check_password(connection: sa.Connection, *, email: str, password: str) -> Person | None:
    """Return the person with this address and password. Takes as long for an address that nobody has."""
    found = people.find(connection, email.strip().lower()) if len(email) <= 254 else None
    known = found is not None and found[1] != ""
    stored = found[1] if found is not None and known else _nobody()
    try:
        _hasher.verify(stored, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return found[0] if found is not None and known else None


class Throttle:
    """Counts failed attempts to sign in, per place and address and per place; kept in memory only."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str], deque[datetime]] = {}
        self._lock = threading.Lock()

    def wait(self, place: str, email: str, *, now: datetime) -> timedelta:
        """Return how long to wait before the next attempt; zero: go ahead."""
        with self._lock:
            return max(
                self._left((place, email.strip().lower()[:254]), MAX_ATTEMPTS, now),
                self._left((place, ""), MAX_OF_ADDRESS, now),
            )

    def failed(self, place: str, email: str, *, now: datetime) -> None:
        """Count a failure."""
        with self._lock:
            if len(self._failed) >= MAX_KEYS:
                self._failed = {key: times for key, times in self._failed.items() if times[-1] > now - WINDOW}
            for key in ((place, email.strip().lower()[:254]), (place, "")):
                self._failed.setdefault(key, deque(maxlen=MAX_OF_ADDRESS)).append(now)

    def passed(self, place: str, email: str) -> None:
        """Forget the failures of somebody who got in."""
        with self._lock:
            self._failed.pop((place, email.strip().lower()[:254]), None)

    def _left(self, key: tuple[str, str], most: int, now: datetime) -> timedelta:
        times = self._failed.get(key)
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if not times or len(times) < most:
            return timedelta(0)
        return times[-most] + WINDOW - now


def remember(response: Response, secret: str, *, house: House) -> None:
    """Put the session's secret into the browser's cookie."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION.total_seconds()),
        path="/",
        secure=house.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, *, house: House) -> None:
    """Take the cookie away."""
    secure = house.public_url.startswith("https://")
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="lax")


def own_path(path: str | None) -> str:
    """Return `path` where it leads to a page of this desk, otherwise the front page: no way out through `next`."""
    if not path or not path.startswith("/") or path.startswith(("//", "/sign-", "/in/")):
        return "/"
    if "\\" in path or any(ord(c) < 33 or ord(c) == 127 for c in path):
        return "/"
    return path
