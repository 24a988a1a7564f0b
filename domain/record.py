"""The import record: one row of somebody's export → Mention. Pure; a bad row raises `BadRow` with the reason."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.mention import Author, Mention
from domain.storable import storable, storable_json, web_url

REQUIRED = ("id", "text")
COLUMNS = (
    *REQUIRED,
    "created_at",
    "author",
    "author_name",
    "followers",
    "url",
    "platform",
    "conversation_id",
    "in_reply_to",
    "rating",
    "lang",
    "product",
    "place",
)
MAX_TEXT = 100_000
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
MAX_ID = 500
MAX_NAME = 300
_MAX_FOLLOWERS = 2**31 - 1
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ROUNDED = re.compile(r"\d\.\d+[Ee]\+\d{2}")
_LANG = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.DOTALL)


class BadRow(ValueError):
    """This row cannot become a mention; `str()` says why."""


def mention(record: Mapping[str, Any], *, realm: str, now: datetime, account: str = "") -> Mention:
    """Turn one import record into a mention.

    `record` maps column names in lower case to text, numbers or None; `realm` is the source's name; `now` dates a row
    that has no `created_at`; posts by one of the comma-separated names in `account` are marked as ours.
    """
    external_id = _id(record, "id")
    if not external_id:
        raise BadRow("the row has no id")
    text = _field(record, "text")
    if not text:
        raise BadRow("the row has no text")
    if len(text) > MAX_TEXT:
        raise BadRow(f"text has {len(text):,} characters; at most {MAX_TEXT:,} are read")
    platform = _field(record, "platform").lower() or "file"
    if not _PLATFORM.fullmatch(platform):
        raise BadRow(f"platform {platform[:60]!r}: use lower-case letters, digits, '-' and '_', at most 40")
    handle = _id(record, "author")
    return Mention(
        platform=platform,
        realm=realm,
        external_id=external_id,
        text=text,
        author=Author(
            # Two rows without an author are two unknown people, never one person.
            external_id=handle or f"row:{external_id}",
            handle=handle[:MAX_NAME],
            name=_field(record, "author_name")[:MAX_NAME],
            followers=_followers(record),
        ),
        posted_at=_created_at(record, now=now),
        conversation_id=_id(record, "conversation_id") or external_id,
        in_reply_to=_id(record, "in_reply_to") or None,
        url=web_url(_field(record, "url")),
        lang=_lang(record),
        rating=_rating(record),
        ours=bool(handle) and handle.lstrip("@").casefold() in own_names(account),
        product=_field(record, "product")[:MAX_NAME] or None,
        place=_field(record, "place")[:MAX_NAME] or None,
        raw=_raw(record),
    )


def own_names(account: str) -> frozenset[str]:
    """Return the names in a comma-separated `account` setting as they are compared."""
    return frozenset(name.strip().lstrip("@").casefold() for name in account.split(",") if name.strip())


def as_text(value: Any) -> str:
    """Return a cell as text: 12.0 is `12`, a date is ISO 8601, nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _field(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if isinstance(value, dict | list):
        raise BadRow(f"{name} must be text or a number, not a list or an object")
    return storable(as_text(value)).strip()


def _id(record: Mapping[str, Any], name: str) -> str:
    value = _field(record, name)
    if len(value) > MAX_ID:
        raise BadRow(f"{name} has {len(value):,} characters; at most {MAX_ID} are read")
    if _ROUNDED.fullmatch(value):
        # Two posts would become one.
        raise BadRow(f"{name} {value!r} was rounded by a spreadsheet; export such columns as text")
    return value


def _created_at(record: Mapping[str, Any], *, now: datetime) -> datetime:
    value = _field(record, "created_at")
    if not value:
        return now
    try:
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        if not EARLIEST <= found <= now + timedelta(days=1):
            raise BadRow(f"created_at {value[:60]!r} lies before 1970 or in the future")
        return found
    except OverflowError:
        raise BadRow(f"created_at {value[:60]!r} lies before 1970 or in the future") from None
    except BadRow:
        raise
    except ValueError:
        raise BadRow(f"created_at {value[:60]!r} is no date; write ISO 8601, such as 2026-03-01T12:30:00Z") from None


def _number(record: Mapping[str, Any], name: str) -> float | None:
    value = _field(record, name)
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        raise BadRow(f"{name} {value[:60]!r} is not a number") from None
    if not math.isfinite(number):
        raise BadRow(f"{name} {value[:60]!r} is not a number")
    return number


def _followers(record: Mapping[str, Any]) -> int | None:
    number = _number(record, "followers")
    if number is None:
        return None
    if number < 0 or number != int(number) or number > _MAX_FOLLOWERS:
        raise BadRow(f"followers must be a whole number from 0 to {_MAX_FOLLOWERS:,}")
    return int(number)


def _rating(record: Mapping[str, Any]) -> int | None:
    number = _number(record, "rating")
    if number is None:
        return None
    if not 1 <= number <= 5:
        raise BadRow(f"rating {number:g}: 1 to 5 stars are read")
    # Half stars exist; a complaint is not thrown away over one.
    return math.floor(number + 0.5)


def _lang(record: Mapping[str, Any]) -> str | None:
    found = _LANG.fullmatch(_field(record, "lang").lower())
    return found[1] if found else None


def _raw(record: Mapping[str, Any]) -> dict[str, Any]:
    # The text is already in its own field; twice 100 kB helps nobody.
    return {
        storable(str(key)): storable_json(value if isinstance(value, _JSON) else as_text(value))
        for key, value in record.items()
        if key != "text" and value not in (None, "")
    }


_JSON = (str, int, float, bool, dict, list)
