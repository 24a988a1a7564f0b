"""What every request has at hand: the house, one transaction, and who is asking."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from domain.errors import NotAllowed
from domain.person import Person
from domain.ports import Bell
from domain.sla import DEFAULT_POLICY, Policy
from responders.answer import Rules
from store import people
from store.engine import Database

COOKIE = "amends_session"
R = TypeVar("R")


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the desk is given by the command that starts it; kept as `app.state.house`."""

    database: Database
    bell: Bell
    rules: Rules
    policy: Policy = DEFAULT_POLICY
    platforms: tuple[str, ...] = ()
    public_url: str = "http://127.0.0.1:8000"
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "testserver")
    demo: bool = False
    version: str = ""
    now: Callable[[], datetime] = field(default=utc_now)


def house(request: Request) -> House:
    """Return the house of this app."""
    found: House = request.app.state.house
    return found


InHouse = Annotated[House, Depends(house)]


def reading(handler: Callable[..., R]) -> Callable[..., R]:
    """Give a handler its one transaction as `connection`, opened in the handler's own thread.

    As a dependency it would be held while the request waits for a thread: under load all connections would then be
    taken by requests that cannot go on.
    """
    signature = inspect.signature(handler)

    @functools.wraps(handler)
    def within(*args: Any, at: House, **kwargs: Any) -> R:
        with at.database.read() as connection:
            return handler(*args, at=at, connection=connection, **kwargs)

    left = [parameter for name, parameter in signature.parameters.items() if name != "connection"]
    within.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
    return within


class SignInNeeded(Exception):
    """Nobody is signed in; pages send them to the sign-in form."""


def person(request: Request, at: InHouse) -> Person:
    """Return who is signed in by the session cookie, or raise `SignInNeeded`."""
    secret = request.cookies.get(COOKIE)
    if secret:
        with at.database.read() as connection:
            found = people.by_session(connection, secret, now=at.now())
        if found is not None:
            return found
    raise SignInNeeded


SignedIn = Annotated[Person, Depends(person)]


def admin(who: SignedIn) -> Person:
    """Return the signed-in administrator."""
    if not who.may("admin"):
        raise NotAllowed("only an administrator may do this")
    return who


def source_keeper(who: SignedIn) -> Person:
    """Return a signed-in person who may change sources."""
    if not who.may("sources"):
        raise NotAllowed("only a lead or an administrator may change sources")
    return who


Admin = Annotated[Person, Depends(admin)]
SourceKeeper = Annotated[Person, Depends(source_keeper)]
