"""A reply: what we say in public, from draft to proof that it is live.

draft ──approve──► approved ──claim──► sending ──► sent
  ▲                  │  ▲                 ├──wait──► approved   rate limit, outage: again at `due_at`
  └────rework────────┘  │                 ├──refuse► failed     final; a person decides
                        │                 └──lose──► uncertain  it may be live: look before you repeat
                        └────resend (a person, after looking)────┘ ──find──► sent
draft, approved, failed, uncertain ──withdraw──► withdrawn
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from domain.errors import Conflict, Invalid
from domain.mention import Receipt

MAX_TEXT = 20_000
LOOKS = (10, 60, 300, 900)
"""Seconds between looks for a reply whose outcome is unknown; after the last one it goes to a person."""
BACK_OFF = (5, 30, 120, 600, 1800)
"""Seconds between tries while the platform is unavailable."""


class ReplyStatus(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    WITHDRAWN = "withdrawn"


LIVE = frozenset({ReplyStatus.DRAFT, ReplyStatus.APPROVED, ReplyStatus.SENDING, ReplyStatus.UNCERTAIN})
"""At most one reply to a mention may be in these."""

_S = ReplyStatus
MOVES: Mapping[str, tuple[frozenset[ReplyStatus], ReplyStatus]] = {
    "approve": (frozenset({_S.DRAFT}), _S.APPROVED),
    "rework": (frozenset({_S.APPROVED, _S.FAILED}), _S.DRAFT),
    "claim": (frozenset({_S.APPROVED}), _S.SENDING),
    "settle": (frozenset({_S.SENDING, _S.UNCERTAIN}), _S.SENT),
    "wait": (frozenset({_S.SENDING}), _S.APPROVED),
    "refuse": (frozenset({_S.SENDING}), _S.FAILED),
    "lose": (frozenset({_S.SENDING, _S.UNCERTAIN}), _S.UNCERTAIN),
    "resend": (frozenset({_S.UNCERTAIN, _S.FAILED}), _S.APPROVED),
    "confirm": (frozenset({_S.APPROVED, _S.UNCERTAIN, _S.FAILED}), _S.SENT),
    "withdraw": (frozenset({_S.DRAFT, _S.APPROVED, _S.FAILED, _S.UNCERTAIN}), _S.WITHDRAWN),
}


@dataclass(slots=True, kw_only=True)
class Reply:
    """`due_at`: when a worker should act next, None while a person must; the key is made once, with the draft."""

    case_id: int
    mention_id: int
    text: str
    lang: str
    created_by: str
    created_at: datetime
    channel: Literal["api", "manual"] = "api"
    idempotency_key: str = field(default_factory=lambda: secrets.token_hex(16))
    id: int | None = None
    version: int = 1
    status: ReplyStatus = ReplyStatus.DRAFT
    suggestion_id: int | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    due_at: datetime | None = None
    sending_at: datetime | None = None
    sent_at: datetime | None = None
    external_id: str | None = None
    url: str | None = None
    attempts: int = 0
    looks: int = 0
    error: str = ""

    def edit(self, text: str, *, lang: str | None = None) -> None:
        """Change the words of a draft; an approved reply goes back to draft first."""
        if not text.strip():
            raise Invalid("the reply is empty")
        if len(text) > MAX_TEXT:
            raise Invalid(f"the reply is longer than {MAX_TEXT} characters")
        if self.status is not ReplyStatus.DRAFT:
            self._move("rework")
            self.approved_by = self.approved_at = self.due_at = None
            self.error = ""
        self.text = text
        self.lang = lang or self.lang

    def approve(self, *, by: str, at: datetime) -> None:
        """Let it go out: by a worker at once, or by a person's hand."""
        if not self.text.strip():
            raise Invalid("the reply is empty")
        self._move("approve")
        self.approved_by, self.approved_at, self.error = by, at, ""
        self.due_at = at if self.channel == "api" else None

    def claim(self, *, at: datetime, lease: timedelta) -> None:
        """Write down the intent before speaking; past the lease the outcome counts as unknown."""
        self._move("claim")
        self.sending_at, self.attempts, self.due_at = at, self.attempts + 1, at + lease

    def settle(self, receipt: Receipt, *, at: datetime) -> None:
        """It is live."""
        self._move("settle")
        self.sent_at, self.external_id, self.url = receipt.posted_at or at, receipt.external_id, receipt.url
        self.due_at, self.error = None, ""

    def wait(self, *, until: datetime, error: str) -> None:
        """Nothing happened; try again at `until`."""
        self._move("wait")
        self.due_at, self.error = until, error

    def refuse(self, error: str) -> None:
        """The platform said no for good; a person decides what next."""
        self._move("refuse")
        self.due_at, self.error = None, error

    def lose(self, *, at: datetime, error: str) -> None:
        """It may be live. Look for it some times, then hand it to a person (`due_at` None); never repeat blindly."""
        self._move("lose")
        self.due_at = at + timedelta(seconds=LOOKS[self.looks]) if self.looks < len(LOOKS) else None
        self.looks += 1
        self.error = error

    def confirm(self, *, url: str | None, at: datetime) -> None:
        """A person has seen it live."""
        self._move("confirm")
        self.sent_at, self.url, self.due_at, self.error = at, url or self.url, None, ""

    def resend(self, *, by: str, at: datetime) -> None:
        """A person has looked, and it is not live: send it again, by the way it was meant to go."""
        self._not_while_looking()
        self._move("resend")
        self.approved_by, self.approved_at = by, at
        self.due_at = at if self.channel == "api" else None
        self.looks, self.error = 0, ""

    def withdraw(self) -> None:
        """Drop it."""
        self._not_while_looking()
        self._move("withdraw")
        self.due_at = None

    @property
    def needs_person(self) -> bool:
        """Whether no worker will move it any further."""
        return self.due_at is None and self.status in (ReplyStatus.UNCERTAIN, ReplyStatus.FAILED)

    def back_off(self, at: datetime) -> datetime:
        """Return when to try again after this attempt found the platform unavailable."""
        return at + timedelta(seconds=BACK_OFF[min(self.attempts, len(BACK_OFF)) - 1])

    def _not_while_looking(self) -> None:
        if self.status is ReplyStatus.UNCERTAIN and self.due_at is not None:
            raise Conflict("it may be live and is still being looked for: wait for that, or confirm it")

    def _move(self, verb: str) -> None:
        allowed, target = MOVES[verb]
        if self.status not in allowed:
            raise Conflict(f"a reply that is {self.status} cannot be moved by '{verb}'")
        self.status = target
