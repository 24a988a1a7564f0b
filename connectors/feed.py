"""RSS and Atom feeds: conditional requests; what is new since the last look is told by content, not by date."""

import hashlib
import io
import json
import re
from calendar import timegm
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urljoin

import feedparser  # type: ignore[import-untyped, unused-ignore]

from connectors.answer import Answer, host_of
from connectors.http import Http
from connectors.text import from_html
from domain.errors import Invalid, Refused, Unavailable
from domain.mention import Author, Cursor, Mention, Page, Reject
from domain.ports import Eligibility
from domain.record import EARLIEST, MAX_ID, MAX_NAME, MAX_TEXT, own_names
from domain.source import SourceSpec
from domain.storable import storable, web_url

PAGE_ENTRIES = 200
# More entries than any feed we know; each costs 16 characters in the cursor.
MAX_ENTRIES = 5_000
REMEMBERED_BEYOND = 1_000
Entry = Mapping[str, Any]


def _mention(entry: Entry, *, spec: SourceSpec, base: str, lang: str | None, now: datetime) -> Mention:
    text = _text(entry)
    if not text:
        raise ValueError("the entry has no text")
    if len(text) > MAX_TEXT:
        raise ValueError(f"the entry has {len(text):,} characters; at most {MAX_TEXT:,} are read")
    link = _link(str(entry.get("link") or ""), base=base)
    external_id = _short_id(storable(str(entry.get("id") or "")).strip() or link or "text:" + _hash(text))
    author = storable(str(entry.get("author") or "")).strip()[:MAX_NAME]
    return Mention(
        platform="feed",
        realm=spec.name,
        external_id=external_id,
        text=text,
        # An unnamed author is a stranger in each entry, never one person.
        author=Author(external_id=_short_id(author) if author else f"entry:{_hash(external_id)}", name=author),
        posted_at=_date(entry, now=now) or now,
        conversation_id=external_id,
        url=link,
        lang=lang,
        ours=bool(author) and author.lstrip("@").casefold() in own_names(spec.account),
        raw={
            name: storable(value)
            for name in ("id", "link", "title", "author", "published", "updated")
            if isinstance(value := entry.get(name), str)
        },
    )


class Feed:
    """One feed. Its cursor keeps the server's ETag and date, and a short hash of every entry it has handed on."""

    platform = "feed"

    def __init__(
        self, spec: SourceSpec, *, http: Http, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        if not spec.base_url:
            raise Invalid(f"source {spec.name}: set base_url to the feed's address")
        self._spec = spec
        self._http = http
        self._clock = clock

    @classmethod
    def open(cls, spec: SourceSpec, *, secrets: Mapping[str, str], http: Http) -> Self:
        """Make the source; `base_url` is the feed's address."""
        return cls(spec, http=http)

    def poll(self, cursor: Cursor | None) -> Page:
        """Fetch the feed once and hand on up to 200 entries that are new or changed."""
        state = cursor or {}
        answer = self._fetch(etag=_told(state, "etag"), modified=_told(state, "modified"))
        if answer.unchanged:
            return Page(items=(), cursor=state)
        parsed = _parse(answer)
        seen = [str(mark) for mark in state.get("seen", ())]
        # Feeds put the newest first; where dates are equal, or missing, the one further down is older.
        entries = [dict(entry) for entry in reversed(parsed.entries[:MAX_ENTRIES])]
        marks = [_mark(entry) for entry in entries]
        known = set(seen)
        items, rejects, taken, left = self._read(entries, marks, known, base=answer.url, lang=_lang(parsed))
        items.sort(key=lambda item: item.posted_at)
        missed = bool(seen and marks) and not {mark[:8] for mark in seen}.intersection(mark[:8] for mark in marks)
        return Page(
            items=tuple(items),
            cursor={
                # Without these the next look gets the whole feed again, for what is left of it.
                "etag": None if left else answer.headers.get("etag"),
                "modified": None if left else answer.headers.get("last-modified"),
                "seen": _remember(seen, taken, marks),
            },
            more=left,
            rejects=tuple(rejects),
            truncated=_truncated(missed=missed, entries=len(parsed.entries)),
        )

    def check(self) -> str:
        """Fetch the feed and say what it is."""
        parsed = _parse(self._fetch(etag=None, modified=None))
        title = " ".join(from_html(str(parsed.feed.get("title") or "")).split())[:100]
        return f"{title or self._spec.base_url}: {parsed.version or 'a feed'} with {len(parsed.entries)} entries"

    def eligibility(self, mention: Mention) -> Eligibility:
        """Say that a person answers on the page that the entry links to."""
        if mention.ours:
            return Eligibility(way="none", reason="this is our own post")
        if mention.url is None:
            return Eligibility(way="none", reason="a feed cannot be answered, and the entry links to no page")
        return Eligibility(way="manual", reason="a feed cannot be answered: answer on the page it links to")

    def _fetch(self, *, etag: str | None, modified: str | None) -> Answer:
        return self._http.get(
            self._spec.base_url,
            headers={"Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"},
            etag=etag,
            modified=modified,
            trusted=self._spec.base_url if self._spec.trusted else "",
        )

    def _read(
        self, entries: Sequence[Entry], marks: Sequence[str], known: set[str], *, base: str, lang: str | None
    ) -> tuple[list[Mention], list[Reject], list[str], bool]:
        """Return mentions, rejects, the marks of both, and whether some are left for another page."""
        items: list[Mention] = []
        rejects: list[Reject] = []
        taken: list[str] = []
        now = self._clock()
        for entry, mark in zip(entries, marks, strict=True):
            if mark in known or mark in taken:
                continue
            if len(taken) >= PAGE_ENTRIES:
                return items, rejects, taken, True
            taken.append(mark)
            try:
                items.append(_mention(entry, spec=self._spec, base=base, lang=lang, now=now))
            except ValueError as error:
                place = str(entry.get("id") or entry.get("link") or f"entry {len(taken)}")
                raw = storable(json.dumps({key: str(value)[:300] for key, value in entry.items()}, ensure_ascii=False))
                rejects.append(Reject(place=storable(place)[:MAX_ID], reason=str(error), raw=raw[:2000]))
        return items, rejects, taken, False


# What the parser takes for a tag it reads in time that grows with the square of the tag's length.
_LONG_TAG = re.compile(rb"<[^>]{16384}")
MAX_TAGS = 60_000
MAX_FEED = 3_000_000


def _parse(answer: Answer) -> Any:
    """Return what feedparser makes of the body. It is given bytes only, so it fetches and opens nothing."""
    host = host_of(answer.url)
    if _LONG_TAG.search(answer.body) or answer.body.count(b"<") > MAX_TAGS:
        raise Refused(f"the feed at {host} is not for reading: a tag of over 16 kB, or over {MAX_TAGS:,} tags")
    if not answer.body.strip():
        raise Unavailable(f"{host} answered with nothing")
    # The address is kept from the parser: it would make ids of it, and they would change when the feed moves.
    headers = {"content-type": answer.headers.get("content-type", "application/xml")}
    try:
        parsed = feedparser.parse(
            io.BytesIO(answer.body), response_headers=headers, resolve_relative_uris=False, sanitize_html=False
        )
        readable = bool(parsed.entries or parsed.version)
    # A parser this lenient fails on hostile input with whatever its innards raise.
    except Exception as error:
        raise Unavailable(f"the feed at {host} cannot be read ({type(error).__name__})") from error
    if not readable:
        kind = headers["content-type"].partition(";")[0]
        raise Refused(f"what {host} answered is neither RSS nor Atom ({kind[:60]})")
    if parsed.bozo and not parsed.entries and b"<item" not in answer.body and b"<entry" not in answer.body:
        raise Unavailable(f"the feed at {host} is cut short or malformed: {str(parsed.bozo_exception)[:120]}")
    return parsed


def _text(entry: Entry) -> str:
    title = _plain(entry.get("title_detail") or {"value": entry.get("title")})
    parts = entry.get("content") or [entry.get("summary_detail") or {"value": entry.get("summary")}]
    body = "\n".join(filter(None, (_plain(part) for part in parts)))
    if not title or body.startswith(title.rstrip("….")):
        return body or title
    return f"{title}\n\n{body}" if body else title


def _plain(detail: Mapping[str, Any]) -> str:
    value = str(detail.get("value") or "")
    kind = str(detail.get("type") or "text/html")
    return from_html(value) if "html" in kind else storable(value).strip()


def _link(link: str, *, base: str) -> str | None:
    try:
        return web_url(urljoin(base, link.strip())) if link.strip() else None
    except ValueError:
        return None


def _date(entry: Entry, *, now: datetime) -> datetime | None:
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        told = entry.get(name)
        if told:
            try:
                found = datetime.fromtimestamp(timegm(told), UTC)
            except (ValueError, OverflowError, OSError, TypeError):
                continue
            if EARLIEST <= found <= now + timedelta(days=1):
                return found
    return None


def _lang(parsed: Any) -> str | None:
    code = str(parsed.feed.get("language") or "").lower().replace("_", "-").partition("-")[0]
    return code if code.isascii() and code.isalpha() and 2 <= len(code) <= 3 else None


def _mark(entry: Entry) -> str:
    """Hash which entry it is, and then what a reader would see of it: an edited one is new again."""
    identity = str(entry.get("id") or entry.get("link") or entry.get("title") or "")
    content = "\x1f".join(str(entry.get(name) or "") for name in ("link", "title", "summary", "content"))
    return _hash(identity)[:8] + _hash(content)[:8]


def _remember(seen: Sequence[str], taken: Sequence[str], present: Sequence[str]) -> list[str]:
    """Keep every mark that is still in the feed, and the last of those that are not: entries come back at times."""
    every = list(dict.fromkeys([*seen, *taken]))
    here = set(present)
    gone = [mark for mark in every if mark not in here][-REMEMBERED_BEYOND:]
    return gone + [mark for mark in every if mark in here]


def _truncated(*, missed: bool, entries: int) -> str | None:
    if entries > MAX_ENTRIES:
        return f"the feed has {entries:,} entries; the first {MAX_ENTRIES:,} are read"
    if missed:
        return "every entry is new since the last look: some may have come and gone; look more often"
    return None


def _told(state: Cursor, name: str) -> str | None:
    value = state.get(name)
    return value if isinstance(value, str) else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _short_id(value: str) -> str:
    return value if len(value) <= MAX_ID else "long:" + _hash(value)
