"""Passwords, attempts to sign in, and the session cookie."""

import functools
import ipaddress
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.responses import Response

from desk.edge import COOKIE, House
from domain.errors import DeskError, Invalid
from domain.person import MIN_PASSWORD, Person
from store import people
from store.people import SESSION

MAX_PASSWORD = 1024
WINDOW = timedelta(minutes=5)
MAX_ATTEMPTS = 5
MAX_OF_PLACE = 30
MAX_KEYS = 10_000
SWEEP = timedelta(minutes=1)

HASHING = 2
"""So many passwords are hashed at a time: each takes 64 MiB and a good part of a processor."""
MAX_WAITING = 16
"""So many requests may stand in line for that, each on a thread that every page needs too."""
BUSY_S = 3.0

_hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(HASHING)
_line = threading.BoundedSemaphore(HASHING + MAX_WAITING)


class Busy(DeskError):
    """Too many passwords are being checked at once; nothing was decided."""

    status = 503

    def __init__(self) -> None:
        super().__init__("busy, try again in a moment")


@contextmanager
def _in_turn() -> Iterator[None]:
    """Wait for a turn to hash, a few seconds at most, or raise `Busy`."""
    if not _line.acquire(blocking=False):
        raise Busy
    try:
        if not _hashing.acquire(timeout=BUSY_S):
            raise Busy
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _line.release()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password, or raise `Invalid` when it is too short."""
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"the password needs at least {MIN_PASSWORD} characters")
    if len(password) > MAX_PASSWORD:
        raise Invalid(f"the password may have at most {MAX_PASSWORD} characters")
    with _in_turn():
        return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


Known = tuple[Person, str]
"""A person and the hash of their password."""


def known(connection: sa.Connection, email: str) -> Known | None:
    """Return who may sign in with this address, and by which hash."""
    found = people.find(connection, email.strip().lower()) if len(email) <= 254 else None
    return found if found is not None and found[1] else None


def fits(found: Known | None, password: str) -> bool:
    """Whether it is this person's password. Takes as long for nobody; slow, so not within a transaction."""
    with _in_turn():
        try:
            _hasher.verify(found[1] if found else _nobody(), password[:MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return False
    return found is not None


class Throttle:
    """Counts attempts to sign in, per place and address and per place; kept in memory only.

    An attempt counts from its beginning, so that many at once cannot all be the first; success gives it back.
    """

    def __init__(self) -> None:
        # The key that was counted last stands last, so those out of date are always in front.
        self._tried: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()
        self._swept: datetime | None = None
        self._lock = threading.Lock()

    def begin(self, place: str, email: str, *, now: datetime, by_place: bool = True) -> timedelta:
        """Count an attempt and return zero; or count nothing and return how long to wait before the next one.

        `by_place` is false where everybody comes from one place.
        """
        one, all_ = _keys(place, email)
        with self._lock:
            left = self._left(one, MAX_ATTEMPTS, now)
            if by_place:
                left = max(left, self._left(all_, MAX_OF_PLACE, now))
            if left > timedelta(0):
                return left
            self._sweep(now)
            for key in (one, all_) if by_place else (one,):
                self._tried.setdefault(key, deque(maxlen=MAX_OF_PLACE)).append(now)
                self._tried.move_to_end(key)
            while len(self._tried) > MAX_KEYS:
                self._tried.popitem(last=False)
            return timedelta(0)

    def passed(self, place: str, email: str, *, begun: datetime) -> None:
        """Give back the attempt of somebody who got in, and forget their failures."""
        self.give_back(place, email, begun=begun)
        with self._lock:
            self._tried.pop(_keys(place, email)[0], None)

    def give_back(self, place: str, email: str, *, begun: datetime) -> None:
        """Take back an attempt that was no failure."""
        with self._lock:
            for key in _keys(place, email):
                times = self._tried.get(key)
                if times and begun in times:
                    times.remove(begun)
                    if not times:
                        del self._tried[key]

    def _left(self, key: tuple[str, str], most: int, now: datetime) -> timedelta:
        times = self._tried.get(key)
        if times is None:
            return timedelta(0)
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if not times:
            del self._tried[key]
        return times[-most] + WINDOW - now if len(times) >= most else timedelta(0)

    def _sweep(self, now: datetime) -> None:
        """Forget what is out of date, once in a while."""
        if self._swept is not None and abs(now - self._swept) < SWEEP:
            return
        self._swept = now
        while self._tried and next(iter(self._tried.values()))[-1] <= now - WINDOW:
            self._tried.popitem(last=False)


def _keys(place: str, email: str) -> tuple[tuple[str, str], tuple[str, str]]:
    where = _place(place)
    return (where, email.strip().lower()[:254] or "-"), (where, "")


def _place(address: str) -> str:
    """Return the place an address belongs to: one household or host has all of an IPv6 /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return str(found.ipv4_mapped if found.version == 6 else found)


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
