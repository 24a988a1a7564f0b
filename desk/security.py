"""The desk's outer door: response headers, no unsafe request that another site has started, and no large form."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
API = "/api/"
MAX_FORM = 256 * 1024
"""Bytes of a form of a page: a long reply in any script. The API has limits of its own."""
TOO_LARGE = f"A form holds at most {MAX_FORM:,} bytes, so nothing was done."
NO_FILES = "Files cannot be sent here, so nothing was done."


class Shield:
    """Puts the headers on every answer; refuses unsafe requests that did not come from our own pages, and large ones.

    A request to the API has no ambient right when it brings a token, or no cookie: only then it passes unasked.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self.public_origin = _origin(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kept = scope["path"].startswith("/static/")
        begun = False

        async def sealed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not kept:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size <= MAX_FORM:
                return message
            if begun:
                return {"type": "http.disconnect"}
            raise HTTPException(413, TOO_LARGE)

        page = not scope["path"].startswith(API)
        if scope["method"] not in SAFE and not self._ours(scope):
            await _refusal(scope["path"])(scope, receive, sealed)
        elif page and (refused := _unfit(Headers(scope=scope))) is not None:
            await refused(scope, receive, sealed)
        else:
            await self.app(scope, counted if page else receive, sealed)

    def _ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if scope["path"].startswith(API) and ("authorization" in headers or "cookie" not in headers):
            return True
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "same-origin"
        here = f"{scope['scheme']}://{headers.get('host', '')}"
        return origin.lower() in (here.lower(), self.public_origin)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _unfit(headers: Headers) -> Response | None:
    """Return the refusal of a form that its headers already tell to be none of ours."""
    if any(kind.strip().lower().startswith("multipart/") for kind in headers.getlist("content-type")):
        return PlainTextResponse(NO_FILES, status_code=415)
    told = headers.get("content-length", "")
    if told.isdecimal() and (len(told) > 18 or int(told) > MAX_FORM):
        return PlainTextResponse(TOO_LARGE, status_code=413)
    return None


def _refusal(path: str) -> Response:
    detail = "This request did not come from a page of this desk, so nothing was done. Reload the page and try again."
    if path.startswith(API):
        body = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": detail}
        return JSONResponse(body, status_code=403, media_type="application/problem+json")
    return PlainTextResponse(detail, status_code=403)
