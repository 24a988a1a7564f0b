"""A follow-up: a due look back at a resolved case, to ask whether it really is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import Conflict


class FollowUpStatus(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REOPENED = "reopened"
    DROPPED = "dropped"


@dataclass(slots=True, kw_only=True)
class FollowUp:
    """Due at `due_at`; ends as done (the author is content), reopened (not content) or dropped (overtaken)."""

    case_id: int
    due_at: datetime
    kind: str = "resolved"
    id: int | None = None
    status: FollowUpStatus = FollowUpStatus.WAITING
    done_at: datetime | None = None
    done_by: str | None = None
    note: str = ""

    def end(self, status: FollowUpStatus, *, by: str, at: datetime, note: str = "") -> None:
        """Finish it, once."""
        if self.status is not FollowUpStatus.WAITING:
            raise Conflict(f"this follow-up is {self.status} already")
        self.status, self.done_at, self.done_by, self.note = status, at, by, note.strip()[:2000]
