"""Who works here, and what a role may do."""

from dataclasses import dataclass
from typing import Literal

from domain.errors import Invalid

Role = Literal["agent", "lead", "admin"]
ROLES: tuple[Role, ...] = ("agent", "lead", "admin")

SCOPES = ("read", "write", "send", "admin")
"""What an API token may: read, change cases and drafts, approve and send replies, administer."""

MAY: dict[str, frozenset[str]] = {
    "agent": frozenset({"read", "write", "send"}),
    "lead": frozenset({"read", "write", "send", "sources"}),
    "admin": frozenset({"read", "write", "send", "sources", "admin"}),
}

MIN_PASSWORD = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A signed-in person or the owner of a token."""

    id: int
    email: str
    name: str
    role: Role

    @property
    def actor(self) -> str:
        return f"user:{self.id}"

    def may(self, what: str) -> bool:
        """Whether the role allows `what`."""
        return what in MAY[self.role]


def valid_email(email: str) -> str:
    """Return the address in lower case, or raise `Invalid`."""
    cleaned = email.strip().lower()
    name, at, host = cleaned.partition("@")
    if not (name and at and "." in host) or any(c.isspace() for c in cleaned) or len(cleaned) > 254:
        raise Invalid(f"{email!r} is not an e-mail address")
    return cleaned
