"""The one router of the API, what all of its routes share, and who may ask."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Message

from desk.edge import House, InHouse
from desk.problems import MEDIA_TYPE
from desk.schemas import Problem
from domain.person import Person
from store import people

MAX_BODY = 1024 * 1024
"""Bytes of one request."""
MAX_PUSH = 16 * 1024 * 1024
"""Bytes of one push: 500 long posts fit."""
PUSH = "/mentions"

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, description in (
        ("4XX", "It cannot be done as asked; `detail` says why"),
        ("5XX", "Something went wrong here; `id` finds it in the log"),
    )
}


class Bounded(APIRoute):
    """A route that reads no body of somebody who may not ask, and stops reading one that is too large."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        needs = next(_needs(self.dependant), None) if "GET" not in (self.methods or ()) else None
        pushes = self.path.endswith(PUSH)

        async def bounded(request: Request) -> Response:
            most = MAX_PUSH if pushes else MAX_BODY
            size = 0

            async def receive() -> Message:
                nonlocal size
                message = await request.receive()
                size += len(message.get("body", b""))
                if size > most:
                    raise _too_large(most)
                return message

            if needs is not None:
                house: House = request.app.state.house
                await run_in_threadpool(needs.asker, house, await _bearer(request))
            told = request.headers.get("content-length", "")
            if told.isdecimal() and (len(told) > 18 or int(told) > most):
                raise _too_large(most)
            return await handle(Request(request.scope, receive))

        return bounded


def _needs(dependant: Dependant) -> Iterator["Needs"]:
    """Yield what a route's dependencies need of whoever asks."""
    for inner in dependant.dependencies:
        if isinstance(inner.call, Needs):
            yield inner.call
        yield from _needs(inner)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"a request to this address holds at most {most:,} bytes")


router = APIRouter(responses=PROBLEMS, route_class=Bounded, generate_unique_id_function=lambda route: route.name)
"""All routes, without the prefix: mount it at `/api/v1`."""

_bearer = HTTPBearer(auto_error=False, description="An API token, made with `amends token create`")


class Needs:
    """Who asks, by the bearer token alone: it must hold `scope`, and its owner's role must allow `right`."""

    def __init__(self, scope: str, *, right: str = "") -> None:
        self.scope = scope
        self.right = right or scope

    def __call__(self, at: InHouse, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Person:
        # Again, where it was asked before the body was read: that may have taken a while.
        return self.asker(at, given)

    def asker(self, at: House, given: HTTPAuthorizationCredentials | None) -> Person:
        """Return who asks, or raise the answer to those who may not."""
        if given is None:
            raise _unauthorized("send an API token: Authorization: Bearer …", 'Bearer realm="amends"')
        with at.database.read() as connection:
            found = people.by_token(connection, given.credentials)
        if found is None:
            raise _unauthorized("this token is unknown or revoked", 'Bearer realm="amends", error="invalid_token"')
        person, scopes = found
        if self.scope not in scopes:
            challenge = f'Bearer realm="amends", error="insufficient_scope", scope="{self.scope}"'
            detail = f"this token lacks the scope {self.scope!r}"
            raise HTTPException(403, detail, headers={"WWW-Authenticate": challenge})
        if not person.may(self.right):
            raise HTTPException(403, f"the role {person.role!r} of this token's owner may not do this: {self.right!r}")
        return person


def _unauthorized(detail: str, challenge: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": challenge})


MAY_READ = Depends(Needs("read"))
