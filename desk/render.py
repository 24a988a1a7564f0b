"""From a template to a page: one environment, and what every template has at hand."""

import hashlib
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from starlette.responses import HTMLResponse

from desk.pages import marks, wording

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Templates:
    """The templates of the desk; built once, with the app."""

    def __init__(self) -> None:
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._sums = {path.relative_to(STATIC).as_posix(): _sum(path) for path in STATIC.rglob("*") if path.is_file()}
        self.environment.globals |= {"asset": self.asset}
        self.environment.globals |= {name: getattr(wording, name) for name in wording.FOR_TEMPLATES}
        self.environment.globals |= {name: getattr(marks, name) for name in marks.FOR_TEMPLATES}

    def asset(self, name: str) -> str:
        """Return the address of a static file, with a sum of its content so that browsers may keep it for good."""
        return f"/static/{name}?v={self._sums[name]}"

    def text(self, name: str, context: dict[str, Any]) -> str:
        """Render a template."""
        return self.environment.get_template(name).render(context)


def page(
    request: Request, name: str, context: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    """Render a template as the answer to a request."""
    templates: Templates = request.app.state.templates
    sent = {"Vary": "HX-Request, HX-Target"} | (headers or {})
    return HTMLResponse(templates.text(name, context), status_code=status, headers=sent)


def wants_part(request: Request, element: str) -> bool:
    """Whether htmx asks for the content of the element with this id alone, not for a whole page."""
    target = request.headers.get("hx-target", "")
    return request.headers.get("hx-request") == "true" and target.endswith(f"#{element}")


def by_htmx(request: Request) -> bool:
    """Whether htmx asks."""
    return request.headers.get("hx-request") == "true"


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
