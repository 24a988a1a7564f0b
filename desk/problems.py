"""What the REST API answers when something cannot be done: problem details (RFC 9457)."""

import secrets
from collections.abc import Callable, Sequence
from http import HTTPStatus
from inspect import isawaitable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from domain.errors import Conflict, DeskError

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/"
MAX_ERRORS = 20

Handler = Callable[[Request, Any], Any]

log = structlog.get_logger()


def install(app: FastAPI) -> None:
    """Answer every error under /api/ with problem details; elsewhere the handlers set before keep their say.

    Call it after the handlers of the pages are set.
    """
    for kind, usual in USUAL.items():
        app.exception_handlers.setdefault(kind, usual)
    for key, theirs in list(app.exception_handlers.items()):
        ours = _ours(key)
        if ours is not None:
            app.add_exception_handler(key, _under_api(ours, theirs))


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Build one problem; `more` are members of its own. What is no proper text is shown as a question mark."""
    members = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more
    content = to_json(_readable(members), inf_nan_mode="strings", fallback=str)
    return Response(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _ours(key: int | type[Exception]) -> Handler | None:
    if key in (500, Exception):
        return _unexpected
    if isinstance(key, int):
        return _http_error
    kinds = ((DeskError, _desk_error), (RequestValidationError, _unreadable), (HTTPException, _http_error))
    return next((handler for kind, handler in kinds if issubclass(key, kind)), None)


def _under_api(ours: Handler, theirs: Handler) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if request.scope["path"].removeprefix(request.scope.get("root_path", "")).startswith(PREFIX):
            answer: Response = ours(request, error)
            return answer
        found = theirs(request, error)
        answered: Response = await found if isawaitable(found) else found
        return answered

    return handle


def _raise(_request: Request, error: Exception) -> Response:
    raise error


def _plain(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse(HTTPStatus.INTERNAL_SERVER_ERROR.phrase, status_code=500)


USUAL: dict[int | type[Exception], Handler] = {
    DeskError: _raise,
    RequestValidationError: request_validation_exception_handler,
    HTTPException: http_exception_handler,
    Exception: _plain,
}


def _desk_error(_request: Request, error: DeskError) -> Response:
    more = {"present": error.present} if isinstance(error, Conflict) and error.present is not None else {}
    return problem(error.status, str(error), **more)


def _unreadable(_request: Request, error: RequestValidationError) -> Response:
    found = [_named(one) for one in error.errors()[:MAX_ERRORS]]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in found[:3])
    return problem(400, detail or "the request cannot be read", errors=found)


def _named(error: dict[str, Any]) -> dict[str, str]:
    """Name the place and what is allowed there; what was sent is not repeated."""
    place: Sequence[Any] = error["loc"]
    field = ".".join(str(step) for step in place) or "body"
    if error["type"] == "extra_forbidden":
        return {"field": field, "message": "there is no such field here"}
    if error["type"] == "json_invalid":
        return {"field": "body", "message": f"not JSON: {error['ctx']['error']} at character {place[-1]}"}
    return {"field": field, "message": str(error["msg"])}


def _http_error(request: Request, error: HTTPException) -> Response:
    detail = str(error.detail)
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "there is nothing at this address"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.method} is not allowed here" + (f": {allowed}" if allowed else "")
    return problem(error.status_code, detail, headers=dict(error.headers or {}))


def _unexpected(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(8)
    log.error("api_unexpected", id=number, method=request.method, path=request.scope["path"], exc_info=error)
    return problem(500, f"something went wrong on our side; the log has it as {number}", id=number)


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_readable(str(key)): _readable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(inner) for inner in value]
    return value
