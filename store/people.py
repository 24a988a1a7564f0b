"""People, their sessions, sign-in links and API tokens. Only hashes of secrets are kept."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from domain.errors import Conflict, NotFound
from domain.person import Person
from store.tables import api_tokens, sessions, sign_in_links, users
from store.upsert import add_new

SESSION = timedelta(days=14)


def digest(secret: str) -> str:
    """Return what is stored of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add(connection: sa.Connection, *, email: str, name: str, role: str, password_hash: str, now: datetime) -> int:
    """Add a person; `Conflict` when the address is taken."""
    row = {"email": email, "name": name, "role": role, "password_hash": password_hash, "created_at": now}
    added = add_new(connection, users, [row], users.c.id)
    if not added:
        raise Conflict(f"{email} has an account already")
    return int(added[0][0])


def count(connection: sa.Connection) -> int:
    """Return how many people there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(users)).scalar_one()


def find(connection: sa.Connection, email: str) -> tuple[Person, str] | None:
    """Return an active person and the password hash, by address."""
    row = connection.execute(sa.select(users).where(users.c.email == email, users.c.active)).mappings().one_or_none()
    return (_person(row), row["password_hash"]) if row else None


def get(connection: sa.Connection, user_id: int) -> Person:
    """Return an active person, or raise `NotFound`."""
    row = connection.execute(sa.select(users).where(users.c.id == user_id, users.c.active)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no active person {user_id}")
    return _person(row)


def everyone(connection: sa.Connection) -> list[Person]:
    """Return all active people by name."""
    return [
        _person(row)
        for row in connection.execute(sa.select(users).where(users.c.active).order_by(users.c.name)).mappings()
    ]


def set_password(connection: sa.Connection, user_id: int, password_hash: str) -> None:
    """Store a new password hash and end the person's sessions; their tokens stay."""
    connection.execute(sa.update(users).where(users.c.id == user_id).values(password_hash=password_hash))
    _shut(connection, user_id)


def disable(connection: sa.Connection, user_id: int, *, now: datetime) -> None:
    """Let a person in no more: sessions, sign-in links and tokens end with them. What they did keeps their name."""
    connection.execute(sa.update(users).where(users.c.id == user_id).values(active=False))
    _shut(connection, user_id)
    own = sa.and_(api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None))
    connection.execute(sa.update(api_tokens).where(own).values(revoked_at=now))


def _shut(connection: sa.Connection, user_id: int) -> None:
    connection.execute(sa.delete(sessions).where(sessions.c.user_id == user_id))
    connection.execute(sa.delete(sign_in_links).where(sign_in_links.c.user_id == user_id))


def open_session(connection: sa.Connection, user_id: int, *, now: datetime) -> str:
    """Start a session and return its secret, for the cookie alone."""
    secret = secrets.token_urlsafe(32)
    row = {"token_hash": digest(secret), "user_id": user_id, "created_at": now, "expires_at": now + SESSION}
    connection.execute(sa.insert(sessions).values(**row))
    connection.execute(sa.delete(sessions).where(sessions.c.expires_at < now))
    return secret


def by_session(connection: sa.Connection, secret: str, *, now: datetime) -> Person | None:
    """Return who a session belongs to, while it lasts."""
    statement = (
        sa.select(users)
        .join(sessions)
        .where(sessions.c.token_hash == digest(secret), sessions.c.expires_at > now, users.c.active)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return _person(row) if row else None


def close_session(connection: sa.Connection, secret: str) -> None:
    """End a session."""
    connection.execute(sa.delete(sessions).where(sessions.c.token_hash == digest(secret)))


def add_link(connection: sa.Connection, user_id: int, *, expires_at: datetime) -> str:
    """Make a sign-in link's secret; it works until it expires."""
    secret = secrets.token_urlsafe(32)
    row = {"token_hash": digest(secret), "user_id": user_id, "expires_at": expires_at}
    connection.execute(sa.insert(sign_in_links).values(**row))
    return secret


def by_link(connection: sa.Connection, secret: str, *, now: datetime) -> Person | None:
    """Return whom a sign-in link lets in."""
    statement = (
        sa.select(users)
        .join(sign_in_links)
        .where(sign_in_links.c.token_hash == digest(secret), sign_in_links.c.expires_at > now, users.c.active)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return _person(row) if row else None


def add_token(connection: sa.Connection, user_id: int, *, name: str, scopes: Sequence[str], now: datetime) -> str:
    """Make an API token and return its secret, shown once."""
    secret = "amends_" + secrets.token_urlsafe(32)
    row = {
        "token_hash": digest(secret),
        "user_id": user_id,
        "name": name,
        "scopes": list(scopes),
        "created_at": now,
    }
    connection.execute(sa.insert(api_tokens).values(**row))
    return secret


def by_token(connection: sa.Connection, secret: str) -> tuple[Person, frozenset[str]] | None:
    """Return a token's owner and scopes."""
    statement = (
        sa.select(users, api_tokens.c.scopes)
        .join(api_tokens)
        .where(api_tokens.c.token_hash == digest(secret), api_tokens.c.revoked_at.is_(None), users.c.active)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return (_person(row), frozenset(row["scopes"] or ())) if row else None


def tokens(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """Return all API tokens with their owners' addresses, oldest first; what is stored of their secrets stays here."""
    kept = (api_tokens.c[name] for name in ("id", "name", "scopes", "created_at", "revoked_at"))
    statement = sa.select(*kept, users.c.email).join_from(api_tokens, users).order_by(api_tokens.c.id)
    return connection.execute(statement).mappings().all()


def revoke_token(connection: sa.Connection, token_id: int, *, now: datetime) -> None:
    """Make a token worthless, or raise `NotFound` when none that works has this number."""
    row = api_tokens.c
    statement = sa.update(api_tokens).where(row.id == token_id, row.revoked_at.is_(None)).values(revoked_at=now)
    if connection.execute(statement).rowcount == 0:
        raise NotFound(f"there is no token {token_id} that works")


def _person(row: sa.RowMapping) -> Person:
    return Person(id=row["id"], email=row["email"], name=row["name"], role=row["role"])
