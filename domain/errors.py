"""Every error the product raises on purpose, sorted by what the caller must do.

AmendsError
├── OutsideError              a platform did not do what we asked
│   ├── RateLimited           wait until `retry_at`
│   ├── Unavailable           nothing happened: retry with back-off
│   ├── CredentialsRejected   disable the source, tell a person
│   ├── Refused               final for this item
│   └── OutcomeUnknown        it may have happened: look before you repeat
└── DeskError                 somebody asked us for what cannot be done
    ├── Invalid     400
    ├── NotAllowed  403
    ├── NotFound    404
    └── Conflict    409
"""

from datetime import datetime
from typing import Any, ClassVar


class AmendsError(Exception):
    """Base of all errors raised on purpose; `str()` is one plain line for a person."""


class OutsideError(AmendsError):
    """A platform did not do what we asked."""


class RateLimited(OutsideError):
    """The platform asks us to wait. `retry_at` is aware UTC, from the platform's own headers where it gave any."""

    def __init__(self, message: str, *, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Unavailable(OutsideError):
    """Nothing happened on the other side; asking again later is harmless."""


class CredentialsRejected(OutsideError):
    """The platform does not accept our credentials or scopes any more."""


class Refused(OutsideError):
    """The platform has decided against this item; asking again changes nothing."""


class OutcomeUnknown(OutsideError):
    """A write was sent and no answer came back."""


class DeskError(AmendsError):
    """A request that cannot be carried out; `status` is its HTTP status."""

    status: ClassVar[int] = 400


class Invalid(DeskError):
    """The input is wrong; the message says which part, and what is allowed."""

    status = 400


class NotAllowed(DeskError):
    """The person or token may not do this."""

    status = 403


class NotFound(DeskError):
    """There is no such thing."""

    status = 404


class Conflict(DeskError):
    """It has moved on since it was read; `present` is its state now, where one can be shown."""

    status = 409

    def __init__(self, message: str, *, present: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.present = present
