"""The desk: pages for people, the API for programs, one application."""

from fastapi import FastAPI, Request
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from desk import live
from desk import problems as api_problems
from desk.api import router as api_router
from desk.auth import Throttle
from desk.edge import House
from desk.pages import case, composer, mentions, moves, problems, queue, replies, sign_in, sources
from desk.render import STATIC, Templates
from desk.security import Shield
from domain.errors import Unavailable

API = "/api/v1"
YEAR_S = 31_536_000
SCREENS = (queue, case, composer, moves, replies, mentions, sources, sign_in, live)


class Kept(StaticFiles):
    """Static files: for good where the address carries the sum of the content, otherwise asked for each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with how long it may be kept."""
        response = await super().get_response(path, scope)
        for_good = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if for_good else "no-cache"
        return response


def create_app(house: House) -> FastAPI:
    """Build the desk for a house. Its `state.streams.close()` ends the live streams when the server is to stop."""
    app = FastAPI(
        title="Amends",
        version=house.version or "0",
        description="Listens for complaints, brings them before a person, and keeps at them until they are put right.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = house
    app.state.templates = Templates()
    app.state.throttle = Throttle()
    app.state.streams = live.Streams()
    app.add_middleware(Shield, public_url=house.public_url)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(house.hosts), www_redirect=False)
    app.mount("/static", Kept(directory=STATIC), name="static")
    for screen in SCREENS:
        app.include_router(screen.router)
    app.add_api_route("/healthz", healthz, methods=["GET"], tags=["operating"], summary="Is the desk able to work?")
    problems.install(app)
    api_problems.install(app)
    app.include_router(api_router, prefix=API)
    return app


def healthz(request: Request) -> JSONResponse:
    """Answer 200 while the database can be reached, 503 otherwise."""
    house: House = request.app.state.house
    try:
        house.database.ping()
    except Unavailable:
        return JSONResponse({"status": "unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})
