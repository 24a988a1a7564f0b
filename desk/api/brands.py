"""Brands over the API."""

import sqlalchemy as sa
from starlette.responses import Response

from desk.api.base import MAY_READ, router
from desk.api.once import Administer, Answer
from desk.api.shown import BrandShown, Listed
from desk.edge import InHouse
from desk.schemas import NewBrand
from domain.errors import Invalid
from store import sources


@router.get("/brands", dependencies=[MAY_READ], tags=["brands"])
def list_brands(at: InHouse) -> Listed[BrandShown]:
    """List the brands by name."""
    with at.database.read() as connection:
        return Listed(items=[BrandShown.of(row) for row in sources.all_brands(connection)])


@router.post("/brands", response_model=BrandShown, status_code=201, tags=["brands"])
def add_brand(change: Administer, body: NewBrand) -> Response:
    """Add a brand; 200 with the one of this name, if there is one."""
    name = body.name.strip()

    def step(connection: sa.Connection) -> Answer:
        if not name:
            raise Invalid("the name is empty")
        known = name in [row["name"] for row in sources.all_brands(connection)]
        brand = BrandShown(id=sources.brand(connection, name), name=name)
        return Answer(body=brand, status=200 if known else 201)

    return change.once(step)
