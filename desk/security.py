"""The desk's outer door: response headers, and no unsafe request that another site has started."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
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


class Shield:
    """Puts the headers on every answer and refuses unsafe requests that did not come from our own pages.

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

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not kept:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["method"] in SAFE or self._ours(scope):
            await self.app(scope, receive, sealed)
        else:
            await _refusal(scope["path"])(scope, receive, sealed)

    def _ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if scope["path"].startswith("/api/") and ("authorization" in headers or "cookie" not in headers):
            return True
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "same-origin"
        here = f"{scope['scheme']}://{headers.get('host', '')}"
        return origin.lower() in (here.lower(), self.public_origin)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _refusal(path: str) -> Response:
    detail = "This request did not come from a page of this desk, so nothing was done. Reload the page and try again."
    if path.startswith("/api/"):
        body = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": detail}
        return JSONResponse(body, status_code=403, media_type="application/problem+json")
    return PlainTextResponse(detail, status_code=403)
