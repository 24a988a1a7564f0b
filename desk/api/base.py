"""The one router of the API, what all of its routes share, and who may ask."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import Message

from desk.edge import InHouse
from desk.problems import MEDIA_TYPE
from desk.schemas import Problem
from domain.person import Person
from store import people

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one request: 500 long posts fit."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, description in (
        ("4XX", "It cannot be done as asked; `detail` says why"),
        ("5XX", "Something went wrong here; `id` finds it in the log"),
    )
}


class Bounded(APIRoute):
    """A route that stops reading a body that is too large."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            size = 0

            async def receive() -> Message:
                nonlocal size
                message = await request.receive()
                size += len(message.get("body", b""))
                if size > MAX_BODY:
                    raise HTTPException(413, f"a request holds at most {MAX_BODY:,} bytes")
                return message

            return await handle(Request(request.scope, receive))

        return bounded


router = APIRouter(responses=PROBLEMS, route_class=Bounded, generate_unique_id_function=lambda route: route.name)
"""All routes, without the prefix: mount it at `/api/v1`."""

_bearer = HTTPBearer(auto_error=False, description="An API token, made with `amends token create`")


class Needs:
    """Who asks, by the bearer token alone: it must hold `scope`, and its owner's role must allow `right`."""

    def __init__(self, scope: str, *, right: str = "") -> None:
        self.scope = scope
        self.right = right or scope

    def __call__(self, at: InHouse, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Person:
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
