"""A mention: a public post, comment or review that concerns us, as a platform shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Cursor = Mapping[str, Any]
"""Where a source has got to: a small JSON object that only its connector understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who posted it, on that platform. `external_id` is the platform's own, stable id."""

    external_id: str
    handle: str = ""
    name: str = ""
    followers: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A post as last seen. Natural key: `(platform, realm, external_id)`; times are aware UTC.

    `realm` is empty where ids are global on the platform, otherwise the server's host or the source's name.
    `conversation_id` is the external id of the root post, the post's own where it starts one.
    `rating` is 1 to 5 stars. `lang` is the platform's hint. `ours`: written by our own account.
    """

    platform: str
    external_id: str
    text: str
    author: Author
    posted_at: datetime
    realm: str = ""
    conversation_id: str = ""
    in_reply_to: str | None = None
    url: str | None = None
    lang: str | None = None
    rating: int | None = None
    ours: bool = False
    product: str | None = None
    place: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.platform, self.realm, self.external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The platform says that a post is gone."""

    platform: str
    external_id: str
    at: datetime
    realm: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.platform, self.realm, self.external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A post or row that could not be read: `place` (line, id, index) and why. `raw` is cut to 2,000 characters."""

    place: str
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One network page, oldest first. Saving `cursor` together with `items` loses nothing.

    `more`: poll again at once with the new cursor. `truncated`: why posts are known to be missing, or None.
    """

    items: tuple[Mention | Deletion, ...]
    cursor: Cursor | None
    more: bool = False
    rejects: tuple[Reject, ...] = ()
    truncated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRef:
    """What a publisher needs to answer a mention."""

    platform: str
    external_id: str
    realm: str = ""
    conversation_id: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that our reply is live."""

    external_id: str
    posted_at: datetime
    url: str | None = None
