"""The door: sign in, sign out, sign-in links, and the very first run."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from desk import auth
from desk.edge import COOKIE, House, InHouse
from desk.render import page
from domain.errors import DeskError, NotAllowed
from domain.person import MIN_PASSWORD, Person, valid_email
from store import people, sources

router = APIRouter(include_in_schema=False)
Short = Annotated[str, Form(max_length=300)]
Secret = Annotated[str, Form(max_length=4000)]
BUSY = "The desk is busy. Try again in a moment."
WRONG = "The e-mail address or the password is wrong."


@router.get("/sign-in")
def ask(request: Request, at: InHouse, next: str = "/") -> Response:
    """Show the form; on the very first run, the one that makes the first administrator."""
    with at.database.read() as connection:
        if people.count(connection) == 0:
            return RedirectResponse("/first-run", status_code=303)
    return _form(request, at, next=auth.own_path(next))


@router.post("/sign-in")
def sign_in(
    request: Request, at: InHouse, email: Short = "", password: Secret = "", next: Annotated[str, Form()] = "/"
) -> Response:
    """Let a person in by e-mail address and password."""
    throttle: auth.Throttle = request.app.state.throttle
    place = request.client.host if request.client else "?"
    path = auth.own_path(next)
    begun = at.now()
    if wait := throttle.begin(place, email, now=begun, by_place=_is_here(at)):
        seconds = max(int(wait.total_seconds()), 1)
        words = f"Too many attempts. Try again in {max(round(seconds / 60), 1)} min."
        headers = {"Retry-After": str(seconds)}
        return _form(request, at, next=path, email=email, error=words, status=429, headers=headers)
    with at.database.read() as connection:
        found = auth.known(connection, email)
    try:
        fits = auth.fits(found, password)
    except auth.Busy as error:
        throttle.give_back(place, email, begun=begun)
        headers = {"Retry-After": "5"}
        return _form(request, at, next=path, email=email, error=BUSY, status=error.status, headers=headers)
    entered = _let_in_by(request, at, found, path=path) if found is not None and fits else None
    if entered is None:
        return _form(request, at, next=path, email=email, error=WRONG, status=401)
    throttle.passed(place, email, begun=begun)
    return entered


@router.post("/sign-out")
def sign_out(request: Request, at: InHouse) -> Response:
    """End the session."""
    secret = request.cookies.get(COOKIE)
    if secret:
        with at.database.write() as connection:
            people.close_session(connection, secret)
    response = RedirectResponse("/sign-in", status_code=303)
    auth.forget(response, house=at)
    return response


@router.get("/in/{secret}")
def link(request: Request, secret: str, at: InHouse) -> Response:
    """Show the one button of a sign-in link: a preview that only looks lets nobody in."""
    with at.database.read() as connection:
        person = people.by_link(connection, secret, now=at.now())
    context = {"person": person, "secret": secret, "at": at}
    return page(request, "link.html", context, status=200 if person else 404)


@router.post("/in/{secret}")
def follow(request: Request, secret: str, at: InHouse) -> Response:
    """Let a person in by a sign-in link."""
    with at.database.read() as connection:
        person = people.by_link(connection, secret, now=at.now())
    if person is None:
        return page(request, "link.html", {"person": None, "secret": "", "at": at}, status=404)
    return _let_in(request, at, person, path="/")


@router.get("/first-run")
def first_run(request: Request, at: InHouse) -> Response:
    """Show the form for the first administrator, to somebody at this machine, while there is nobody."""
    with at.database.read() as connection:
        if people.count(connection):
            return RedirectResponse("/sign-in", status_code=303)
    return _first(request, at)


@router.post("/first-run")
def begin(
    request: Request,
    at: InHouse,
    name: Short = "",
    email: Short = "",
    password: Secret = "",
    brand: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Make the first administrator and name what is looked after; once only."""
    if not at_this_machine(request):
        raise NotAllowed("the first administrator is made on the machine that runs Amends")
    typed = {"name": name, "email": email, "brand": brand}
    try:
        address, hashed = valid_email(email), auth.hash_password(password)
        with at.database.write() as connection:
            if people.count(connection):
                return RedirectResponse("/sign-in", status_code=303)
            own_name = name.strip() or address.partition("@")[0]
            user_id = people.add(
                connection, email=address, name=own_name, role="admin", password_hash=hashed, now=at.now()
            )  # fmt: skip
            if brand.strip():
                sources.brand(connection, brand.strip())
    except DeskError as error:
        return _first(request, at, typed=typed, error=str(error), status=error.status)
    return _let_in(request, at, Person(id=user_id, email=address, name=own_name, role="admin"), path="/")


def at_this_machine(request: Request) -> bool:
    """Whether a request comes from this machine itself, and not through a proxy that stands on it.

    A desk with a public address stands behind a proxy, and the proxy's requests come from here: none is trusted.
    """
    house: House = request.app.state.house
    if not _is_here(house):
        return False
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return False
    return request.client is not None and _is_loopback(request.client.host)


def _is_here(house: House) -> bool:
    """Whether the desk is for this machine only; before another a proxy may stand, the one place that all come from."""
    return _is_loopback(urlsplit(house.public_url).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _let_in(request: Request, at: House, person: Person, *, path: str) -> Response:
    with at.database.write() as connection:
        secret = _opened(connection, request, at, person)
    return _entered(at, secret, path=path)


def _let_in_by(request: Request, at: House, found: auth.Known, *, path: str) -> Response | None:
    """Let a person in by a password, unless they were disabled or got another one while it was being checked."""
    with at.database.write() as connection:
        if auth.known(connection, found[0].email) != found:
            return None
        secret = _opened(connection, request, at, found[0])
    return _entered(at, secret, path=path)


def _opened(connection: sa.Connection, request: Request, at: House, person: Person) -> str:
    before = request.cookies.get(COOKIE)
    if before:
        people.close_session(connection, before)
    return people.open_session(connection, person.id, now=at.now())


def _entered(at: House, secret: str, *, path: str) -> Response:
    response = RedirectResponse(path, status_code=303)
    auth.remember(response, secret, house=at)
    return response


def _form(
    request: Request,
    at: House,
    *,
    next: str,
    email: str = "",
    error: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    context = {"next": next, "email": email, "error": error, "at": at}
    return page(request, "sign_in.html", context, status=status, headers=headers)


def _first(
    request: Request, at: House, *, typed: dict[str, str] | None = None, error: str = "", status: int = 200
) -> Response:
    here = at_this_machine(request)
    context = {"here": here, "typed": typed or {}, "error": error, "at": at, "least": MIN_PASSWORD}
    return page(request, "first_run.html", context, status=status if here else 403)
