"""A simulated platform, for demonstrations and tests: no network, no real people, and every fault on request.

What happens on it is scripted in `connectors/simulated_world.py`; nothing that is written here reaches anybody.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from connectors.http import Http
from connectors.simulated_world import Operation, World
from domain.errors import CredentialsRejected, Invalid, OutcomeUnknown, RateLimited, Refused, Unavailable
from domain.limits import Limits
from domain.mention import Author, Cursor, Deletion, Mention, MentionRef, Page, Receipt, Reject
from domain.ports import Eligibility
from domain.source import SourceSpec

PAGE_POSTS = 20
DEFAULT_ACCOUNT = "ourbrand"


def _mention(post: Mapping[str, Any], *, realm: str, account: str) -> Mention:
    handle = post["author"]["handle"]
    return Mention(
        platform="simulated",
        realm=realm,
        external_id=post["id"],
        text=post["text"],
        author=Author(
            external_id=handle,
            handle=handle,
            name=post["author"]["name"],
            followers=post["author"]["followers"],
            url=f"https://simulated.example/@{handle}",
        ),
        posted_at=datetime.fromisoformat(post["created_at"]),
        conversation_id=post["conversation"],
        in_reply_to=post["in_reply_to"],
        url=_url(post),
        lang=post["lang"],
        rating=post["rating"],
        ours=handle == account,
        raw={name: value for name, value in post.items() if name not in ("text", "kind", "key", "ours")},
    )


def _url(post: Mapping[str, Any]) -> str:
    return f"https://simulated.example/@{post['author']['handle']}/{post['id']}"


class Simulated:
    """Reads and answers on a `World`. Ids are unique within one world, so the realm is the name of its file."""

    platform: str = "simulated"
    limits: Limits = Limits(max_length=500, unit="graphemes")

    def __init__(
        self,
        spec: SourceSpec,
        *,
        world: World,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._world = world
        self._account = spec.account.lstrip("@") or DEFAULT_ACCOUNT
        self._realm = world.path.stem
        self._clock = clock
        self._sleep = sleep

    @classmethod
    def open(cls, spec: SourceSpec, *, secrets: Mapping[str, str], http: Http) -> Self:
        """Make the source; `path` names the world's file, made where there is none."""
        path = spec.option("path")
        if not spec.trusted:
            raise Invalid(f"source {spec.name}: a world is opened only where the operator's own configuration names it")
        if not path:
            raise Invalid(f"source {spec.name}: set path to the file of the simulated world")
        try:
            return cls(spec, world=World(path))
        except (OSError, sqlite3.Error) as error:
            raise Invalid(f"source {spec.name}: {path} cannot be used: {error}") from error

    def poll(self, cursor: Cursor | None) -> Page:
        """Read up to 20 changes."""
        self._call("poll")
        state = cursor or {}
        position = (float(state.get("at", 0.0)), int(state.get("n", 0)), int(state.get("top", 0)))
        with _reachable():
            posts, (at, n, top), more = self._world.changes(position, limit=PAGE_POSTS)
        items: dict[str, Mention | Deletion] = {}
        rejects: list[Reject] = []
        for post in posts:
            if post["protected"]:
                continue
            if post["kind"] == "delete":
                items[post["id"]] = self._deletion(post)
            elif post["deleted_at"] is None:
                try:
                    items[post["id"]] = _mention(post, realm=self._realm, account=self._account)
                except (KeyError, TypeError, ValueError) as error:
                    reason = f"the post is not as documented ({type(error).__name__}: {error})"
                    raw = json.dumps(post, ensure_ascii=False)[:2000]
                    rejects.append(Reject(place=f"post {post['id']}", reason=reason, raw=raw))
        return Page(
            items=tuple(sorted(items.values(), key=_when)),
            cursor={"at": at, "n": n, "top": top},
            more=more,
            rejects=tuple(rejects),
        )

    def check(self) -> str:
        """Say that the token is accepted."""
        self._call("check")
        with _reachable():
            count = len(self._world.posts())
        return f"simulated platform {self._realm}: signed in as {self._account}, {count} posts"

    def reply(self, ref: MentionRef, text: str, *, idempotency_key: str) -> Receipt:
        """Post a reply. The platform ignores the key: each call that reaches it makes a post."""
        struck = self._call("reply")
        if "drop_request" in struck:
            raise OutcomeUnknown("the request was sent and no answer came")
        if not text.strip():
            raise Refused("an empty reply is not accepted")
        length = self.limits.length(text)
        if self.limits.max_length is not None and length > self.limits.max_length:
            raise Refused(f"the reply has {length} characters; at most {self.limits.max_length} are accepted")
        with _reachable():
            post = self._world.find(_post_id(ref))
            if post is None:
                raise Refused("the post has been deleted")
            if post["protected"]:
                raise Refused("the post is protected")
            made = self._world.answer(
                ref.external_id,
                text,
                account=self._account,
                key=idempotency_key,
                seen_after=struck.get("slow_view", 0.0),
            )
        if "lose_answer" in struck:
            raise OutcomeUnknown("the request was sent and no answer came")
        return _receipt(made)

    def find_reply(self, ref: MentionRef, text: str, *, since: datetime) -> Receipt | None:
        """Look for our reply; one that was posted a moment ago may not be there yet."""
        self._call("find")
        with _reachable():
            found = self._world.own_replies(_post_id(ref), account=self._account, since=since)
        return next((_receipt(post) for post in found if post["text"].strip() == text.strip()), None)

    def eligibility(self, mention: Mention) -> Eligibility:
        """Say that everything but our own posts may be answered."""
        if mention.ours:
            return Eligibility(way="none", reason="this is our own post")
        return Eligibility(way="api", reason="the simulated platform takes replies to every public post")

    def _call(self, operation: Operation) -> dict[str, float]:
        """Meet the faults that were ordered; return those that strike later in the call, with their seconds."""
        with _reachable():
            struck = self._world.strike(operation)
            valid = self._world.token_is_valid()
        for fault in struck:
            if fault.kind == "latency":
                self._sleep(fault.seconds)
        if not valid:
            raise CredentialsRejected("the simulated platform does not accept our token: renew it")
        for fault in struck:
            if fault.kind == "rate_limit":
                retry_at = self._clock() + timedelta(seconds=fault.seconds)
                raise RateLimited("the simulated platform asks us to wait", retry_at=retry_at)
            if fault.kind == "unavailable":
                raise Unavailable("the simulated platform is down")
            if fault.kind == "refuse":
                raise Refused(fault.reason or "the simulated platform refuses")
            if fault.kind in ("lose_answer", "drop_request") and operation != "reply":
                raise Unavailable("the simulated platform did not answer")
        return {fault.kind: fault.seconds for fault in struck}

    def _deletion(self, post: Mapping[str, Any]) -> Deletion:
        at = datetime.fromisoformat(post["deleted_at"])
        return Deletion(platform=self.platform, realm=self._realm, external_id=post["id"], at=at)


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Nothing was committed: on this platform that is as good as not sent.
        raise Unavailable(f"the simulated platform cannot be reached: {error}") from error


def _when(item: Mention | Deletion) -> datetime:
    return item.at if isinstance(item, Deletion) else item.posted_at


def _post_id(ref: MentionRef) -> str:
    if not (ref.external_id.isascii() and ref.external_id.isdigit() and len(ref.external_id) < 19):
        raise Refused("there is no such post")
    return ref.external_id


def _receipt(post: Mapping[str, Any]) -> Receipt:
    return Receipt(external_id=post["id"], posted_at=datetime.fromisoformat(post["created_at"]), url=_url(post))
