"""One write, one transaction, one answer: an `Idempotency-Key` makes the same request twice do it once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from desk.api.base import Needs
from desk.edge import House, InHouse
from domain.errors import Conflict
from domain.person import Person
from store.tables import answered_keys
from store.upsert import add_new

REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a step has done: the body to answer with, and what to ring once it is committed."""

    body: BaseModel
    status: int = 200
    rings: tuple[str, ...] = ()


Step = Callable[[sa.Connection], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A write that is about to happen: who, when, and under which key.

    The transaction is opened and committed on the thread that works in it. Held across a hand-over to another thread,
    it would wait for a free one while the free ones wait for its lock.
    """

    house: House
    by: Person
    now: datetime
    key: str | None
    mark: str

    def once(self, step: Step) -> Response:
        """Do `step` in one transaction and ring after it; a key seen before gives the answer it had then."""
        with self.house.database.write() as connection:
            before = self._claim(connection)
            if before is not None:
                return before
            answer = step(connection)
            content = answer.body.model_dump(mode="json")
            if self.key is not None:
                values = {"status": answer.status, "body": content}
                row = answered_keys.c
                connection.execute(sa.update(answered_keys).where(row.key == self._row_key).values(**values))
        for kind in answer.rings:
            self.house.bell.ring(kind)
        return JSONResponse(content, status_code=answer.status)

    @property
    def _row_key(self) -> str:
        return f"{self.by.id}:{self.key}"

    def _claim(self, connection: sa.Connection) -> Response | None:
        """Take the key first: whoever comes second waits here for our commit, and then finds our answer."""
        if self.key is None:
            return None
        row = {"key": self._row_key, "fingerprint": self.mark, "status": 0, "at": self.now}
        if add_new(connection, answered_keys, [row], answered_keys.c.key):
            return None
        where = answered_keys.c.key == self._row_key
        stored = connection.execute(sa.select(answered_keys).where(where)).mappings().one()
        if stored["fingerprint"] != self.mark:
            raise Conflict("this Idempotency-Key was used for another request: take a new one")
        return JSONResponse(stored["body"], status_code=stored["status"], headers={REPLAYED: "true"})


async def fingerprint(request: Request) -> str:
    """Return a digest of method, address and body."""
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(head.encode("utf-8", "replace") + await request.body()).hexdigest()


def changing(scope: str, *, right: str = "") -> Callable[..., Change]:
    """Return the dependency of routes that write: a `Change` by a person whose token holds `scope`."""
    needs = Needs(scope, right=right)

    def change(
        by: Annotated[Person, Depends(needs)],
        at: InHouse,
        mark: Annotated[str, Depends(fingerprint)],
        idempotency_key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                pattern=r"^[\x21-\x7e]{1,200}$",
                description="1 to 200 printable ASCII characters without spaces; the same request again does nothing "
                "and gets the first answer",
            ),
        ] = None,
    ) -> Change:
        return Change(house=at, by=by, now=at.now(), key=idempotency_key, mark=mark)

    return change


Write = Annotated[Change, Depends(changing("write"))]
Send = Annotated[Change, Depends(changing("send"))]
Administer = Annotated[Change, Depends(changing("admin", right="sources"))]
