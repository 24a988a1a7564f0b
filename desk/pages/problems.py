"""What a page says when something cannot be done: what happened, and what is safe."""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from desk.edge import House, SignInNeeded, person
from desk.pages.case import shown
from desk.render import by_htmx, page
from domain.errors import Conflict, DeskError

_CASE = re.compile(r"/cases/(\d{1,18})/")
_TITLES = {
    400: "That did not go",
    403: "Not allowed",
    404: "There is nothing here",
    405: "That did not go",
    409: "Somebody else changed this meanwhile",
    429: "Too many attempts",
}
TO_NOTICE = {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}


def install(app: FastAPI) -> None:
    """Set how pages answer errors; the API sets its own over these."""
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(DeskError, _desk_error)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(OverflowError, _no_such_number)
    app.add_exception_handler(sa.exc.DataError, _no_such_number)
    app.add_exception_handler(Exception, _unexpected)


def fragment(request: Request, error: DeskError, *, headers: dict[str, str] | None = None) -> Response:
    """Answer an error: as a notice in the page where htmx asks, as a page of its own otherwise."""
    return problem(request, error.status, str(error), headers=headers)


def problem(request: Request, status: int, words: str, *, headers: dict[str, str] | None = None) -> Response:
    """Say in words what went wrong."""
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    context = {"title": title, "words": _sentence(words), "status": status}
    if by_htmx(request):
        return page(request, "problem_part.html", context, status=status, headers=TO_NOTICE | (headers or {}))
    return page(request, "problem.html", context, status=status, headers=headers)


def _sentence(words: str) -> str:
    words = words.strip() or "Something went wrong."
    return words[0].upper() + words[1:] + ("" if words.endswith((".", "!", "?", "…")) else ".")


async def _sign_in(request: Request, _error: Exception) -> Response:
    if request.url.path.startswith("/api/"):
        return problem(request, 403, "sign in, or send a token")
    if by_htmx(request):  # the page stays, with what is being typed on it
        return page(request, "signed_out.html", {}, status=401, headers=TO_NOTICE)
    if request.method != "GET" or request.url.path == "/":
        return RedirectResponse("/sign-in", status_code=303)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='/')}", status_code=303)


async def _no_such_number(request: Request, _error: Exception) -> Response:
    """A number in the address that no row can have."""
    return problem(request, 404, "there is nothing with that number")


async def _desk_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, DeskError):
        raise error
    found = _CASE.match(request.url.path)
    if isinstance(error, Conflict) and found and by_htmx(request):
        return await run_in_threadpool(_changed_case, request, error, int(found.group(1)))
    return fragment(request, error)


def _changed_case(request: Request, error: Conflict, case_id: int) -> Response:
    """Show what stands there now beside what was typed, which stays: the parts that changed come along."""
    at: House = request.app.state.house
    who = person(request, at)
    with at.database.read() as connection:
        context = shown(connection, request, at, who, case_id=case_id)
    events = [item for item in context["story"] if item.kind in ("event", "note")]
    context |= {
        "with_composer": False,
        "title": _TITLES[409],
        "words": _sentence(str(error)),
        "last": events[-1] if events else None,
    }
    return page(request, "case_changed.html", context, status=409, headers=TO_NOTICE)


async def _unreadable(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found: list[Any] = list(error.errors())[:3]
    words = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in found)
    return problem(request, 400, words or "the request cannot be read")


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    words = "there is no such page" if error.status_code == 404 else str(error.detail)
    return problem(request, error.status_code, words, headers=dict(error.headers or {}))


async def _unexpected(request: Request, _error: Exception) -> Response:
    return problem(request, 500, "Something went wrong on our side. Nothing was sent; what you typed is still here.")
