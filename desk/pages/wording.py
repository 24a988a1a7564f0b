"""How the desk says things: times as what is left or late, languages, platforms, statuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from responders.suggest import LANGUAGES

FOR_TEMPLATES = (
    "language",
    "platform",
    "topic",
    "status_words",
    "initials",
    "stars",
    "thousands",
    "author_name",
    "DISPOSITIONS",
    "TARGETS",
    "STEPS",
    "PRIORITIES",
    "REPLY_WORDS",
)
SOON = timedelta(minutes=30)

_PLATFORMS: Mapping[str, str] = {
    "x": "X",
    "reddit": "Reddit",
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
    "youtube": "YouTube",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "google_business": "Google",
    "google_play": "Google Play",
    "app_store": "App Store",
    "trustpilot": "Trustpilot",
    "hacker_news": "Hacker News",
    "feed": "Feed",
    "imap": "E-mail",
    "file": "File",
    "drop": "Drop folder",
    "hand": "By hand",
    "simulated": "Simulated",
}
_TOPICS: Mapping[str, str] = {
    "billing_refund": "billing",
    "product_quality": "product",
    "service_staff": "service",
    "app_technical": "app",
    "privacy_fraud": "privacy",
}
DISPOSITIONS: Mapping[str, str] = {
    "solved": "Solved",
    "refunded": "Refunded",
    "replaced": "Replaced",
    "goodwill": "Goodwill gesture",
    "explained": "Explained",
    "not_ours": "Not ours to solve",
    "no_answer": "They did not answer",
    "other": "Other",
}
TARGETS: Mapping[str, str] = {"first_response": "First response", "resolution": "Resolution"}
STEPS: Mapping[str, str] = {
    "hear": "Hears",
    "empathise": "Empathises",
    "own": "Owns",
    "lead": "Next step",
    "act": "By when",
}
PRIORITIES: Mapping[str, str] = {"urgent": "Urgent", "high": "High", "normal": "Normal", "low": "Low"}
REPLY_WORDS: Mapping[str, str] = {
    "approved": "approved",
    "sending": "on its way",
    "sent": "live",
    "failed": "not sent",
    "uncertain": "not known to be live",
}
_STATUSES: Mapping[str, str] = {"pending": "waiting for them"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Says times for one reader: what it is now, and in which zone they live."""

    now: datetime
    zone: ZoneInfo

    def exact(self, at: datetime) -> str:
        """Return a time in full: weekday, date, minute and zone."""
        local = self._here(at)
        return f"{local:%A} {local.day} {local:%B %Y, %H:%M} ({self.zone.key})"

    def at(self, at: datetime) -> str:
        """Return a time as short as it stays plain: `today 09:12`, `tomorrow 12:00`, `12 Nov 14:02`."""
        local, today = self._here(at), self.now.astimezone(self.zone).date()
        apart = (local.date() - today).days
        near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(apart)
        if near is not None:
            return f"{near} {local:%H:%M}"
        if 1 < apart < 7:
            return f"{local:%a %H:%M}"
        return f"{local.day} {local:%b}" + (f" {local:%H:%M}" if local.year == today.year else f" {local.year}")

    def _here(self, at: datetime) -> datetime:
        """Return a time in the reader's zone; one at the end of all time stays as it is."""
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            return at

    def span(self, length: timedelta) -> str:
        """Return a length of time in its one or two largest useful units."""
        minutes = int(abs(length).total_seconds() // 60)
        if minutes < 1:
            return "less than a minute"
        if minutes < 100:
            return f"{minutes} min"
        hours = round(minutes / 60)
        if hours < 36:
            return f"{hours} h"
        days = round(minutes / 1440)
        return f"{days} days" if days < 60 else f"{round(days / 30.4)} months"

    def left(self, due: datetime) -> str:
        """Return how long is left, or how late it is."""
        apart = due - self.now
        if abs(apart) < timedelta(minutes=1):
            return "due now"
        return f"{self.span(apart)} {'left' if apart > timedelta(0) else 'late'}"

    def ago(self, at: datetime) -> str:
        """Return how long ago it was."""
        apart = self.now - at
        return "just now" if apart < timedelta(minutes=1) else f"{self.span(apart)} ago"

    def urgency(self, due: datetime) -> str:
        """Return the class of a due time: `late`, `soon` or nothing."""
        if due <= self.now:
            return "late"
        return "soon" if due - self.now < SOON else ""

    def tag(self, at: datetime, words: str, css: str = "") -> Markup:
        """Return words for a time as a `<time>` element with the exact time on it."""
        name = Markup(' class="{}"').format(css) if css else ""
        return Markup('<time{} datetime="{}" title="{}">{}</time>').format(name, at.isoformat(), self.exact(at), words)


def zone(name: str | None, *, fallback: ZoneInfo) -> ZoneInfo:
    """Return the zone a browser has named, or the house's own."""
    if not name or len(name) > 64 or ".." in name or name.startswith("/"):
        return fallback
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return fallback


def language(code: str | None) -> str:
    """Return a language's English name; its code where we have no name for it."""
    if not code or code == "und":
        return "unknown language"
    return LANGUAGES.get(code, code)


def platform(name: str) -> str:
    """Return a platform's proper name."""
    return _PLATFORMS.get(name, name.replace("_", " ").capitalize())


def topic(name: str) -> str:
    """Return a topic as a word."""
    return _TOPICS.get(name, name.replace("_", " "))


def status_words(status: str) -> str:
    """Return a case's status as a person would say it."""
    return _STATUSES.get(status, status)


def initials(name: str) -> str:
    """Return one or two letters for a face."""
    words = [word for word in name.replace("@", " ").replace("/", " ").replace("_", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:]))[:2].upper() or "?"


def author_name(name: str | None, handle: str | None) -> str:
    """Return what to call an author: the name, else the handle."""
    return (name or "").strip() or (handle or "").strip() or "somebody"


def stars(rating: int) -> str:
    """Return a rating as stars."""
    full = max(0, min(5, rating))
    return "★" * full + "☆" * (5 - full)


def thousands(number: int) -> str:
    """Return a number with thousands set apart."""
    return f"{number:,}"
