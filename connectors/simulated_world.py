"""The world behind the simulated platform: posts, scripted answers and faults on request, in a SQLite file of its own.

It stands for somebody else's servers. The file outlives our processes, and another process (a test, a demonstration)
may write posts and order faults while the product runs. Each reply that reaches it makes a new post: it honours no
idempotency key, only notes it, so that a reply sent twice shows as two posts.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

Operation = Literal["any", "poll", "reply", "find", "check"]
Fault = Literal["latency", "rate_limit", "unavailable", "refuse", "lose_answer", "drop_request", "slow_view"]
# The first of these that strikes ends the call.
_FATAL = frozenset({"rate_limit", "unavailable", "refuse", "lose_answer", "drop_request"})

_SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, root INTEGER, parent INTEGER, author TEXT NOT NULL, text TEXT NOT NULL,
    lang TEXT, rating INTEGER, created REAL NOT NULL, deleted REAL, seen_from REAL NOT NULL, key TEXT,
    ours INTEGER NOT NULL DEFAULT 0, protected INTEGER NOT NULL DEFAULT 0, malformed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS authors (handle TEXT PRIMARY KEY, name TEXT NOT NULL, followers INTEGER);
CREATE TABLE IF NOT EXISTS changes (
    n INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, post INTEGER NOT NULL, kind TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_at ON changes (at, n);
CREATE TABLE IF NOT EXISTS rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT, post INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL, lang TEXT,
    after REAL NOT NULL, fired INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, operation TEXT NOT NULL, times INTEGER, p REAL NOT NULL,
    seed INTEGER NOT NULL, calls INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A fault that strikes this call."""

    kind: str
    seconds: float
    reason: str


class World:
    """A small platform. `clock` is its clock; ids are texts; times are aware UTC."""

    def __init__(self, path: Path | str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._anchor: sqlite3.Connection | None = None
        self.path = Path(path)
        self._clock = clock
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
        # Never used, only held: when the last connection closes, SQLite writes its log back and syncs the disk.
        self._anchor = sqlite3.connect(self.path, check_same_thread=False)
        self._anchor.execute("SELECT 1 FROM meta").fetchone()

    def close(self) -> None:
        """Let go of the file."""
        if self._anchor is not None:
            self._anchor.close()

    def __del__(self) -> None:
        self.close()

    # What people do there

    def author(self, handle: str, *, name: str = "", followers: int | None = None) -> str:
        """Make an author, or change one."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO authors VALUES (?, ?, ?)", (handle, name, followers))
        return handle

    def post(
        self,
        author: str,
        text: str,
        *,
        lang: str | None = None,
        at: datetime | None = None,
        in_reply_to: str | None = None,
        rating: int | None = None,
        ours: bool = False,
        protected: bool = False,
        malformed: bool = False,
    ) -> str:
        """Write a post and return its id. With `at` in the future it appears then."""
        with self._writing() as db:
            return str(
                self._insert(
                    db,
                    author=author,
                    text=text,
                    lang=lang,
                    created=(at or self._clock()).timestamp(),
                    parent=int(in_reply_to) if in_reply_to is not None else None,
                    rating=rating,
                    ours=ours,
                    protected=protected,
                    malformed=malformed,
                )
            )

    def edit(self, post: str, text: str) -> None:
        """Change a post's text."""
        with self._writing() as db:
            db.execute("UPDATE posts SET text = ? WHERE id = ?", (text, int(post)))
            self._change(db, int(post), "edit", self._now())

    def delete(self, post: str) -> None:
        """Take a post away."""
        with self._writing() as db:
            db.execute("UPDATE posts SET deleted = ? WHERE id = ?", (self._now(), int(post)))
            self._change(db, int(post), "delete", self._now())

    def script(
        self, post: str, answers: Sequence[tuple[float, str]], *, author: str | None = None, lang: str | None = None
    ) -> None:
        """Let the author (or `author`) answer our replies in this thread: the first with the first text, and so on.

        `answers` are pairs of seconds after our reply, and the text.
        """
        with self._writing() as db:
            told = db.execute("SELECT author, lang FROM posts WHERE id = ?", (int(post),)).fetchone()
            for after, text in answers:
                db.execute(
                    "INSERT INTO rules (post, author, text, lang, after) VALUES (?, ?, ?, ?, ?)",
                    (int(post), author or told["author"], text, lang or told["lang"], after),
                )

    # Faults on request

    def fault(
        self,
        kind: Fault,
        *,
        on: Operation = "any",
        times: int | None = 1,
        p: float = 1.0,
        seed: int = 0,
        seconds: float = 0.0,
        reason: str = "",
    ) -> None:
        """Order a fault: it strikes `times` calls of one operation (None: for good), each with probability `p`."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO faults (kind, operation, times, p, seed, seconds, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (kind, on, times, p, seed, seconds, reason),
            )

    def clear_faults(self) -> None:
        """Let everything work again, the token too."""
        with self._writing() as db:
            db.execute("DELETE FROM faults")
        self.renew_token()

    def expire_token(self) -> None:
        """Reject our credentials from now on."""
        self._set("token", "expired")

    def renew_token(self) -> None:
        """Accept our credentials again."""
        self._set("token", "valid")

    # What can be looked at

    def posts(self) -> list[dict[str, Any]]:
        """Return every post that is or will be there, deleted ones too, in the order they were made."""
        with self._reading() as db:
            return [_shown(row) for row in db.execute(f"{_POSTS} ORDER BY posts.id")]

    def threads(self) -> dict[str, list[dict[str, Any]]]:
        """Return the posts by the id of their thread's first one, oldest first."""
        threads: dict[str, list[dict[str, Any]]] = {}
        for post in sorted(self.posts(), key=lambda post: (post["created_at"], int(post["id"]))):
            threads.setdefault(post["conversation"], []).append(post)
        return threads

    def replies_by_us(self) -> list[dict[str, Any]]:
        """Return every reply that reached the platform, doubled ones twice."""
        return [post for post in self.posts() if post["key"] is not None]

    def posts_for(self, key: str) -> list[dict[str, Any]]:
        """Return what was posted under an idempotency key: more than one is a doubled reply."""
        return [post for post in self.posts() if post["key"] == key]

    # What the platform's interface answers; only the connector calls these

    def strike(self, operation: Operation) -> list[Struck]:
        """Use up and return the faults that strike this call, those that end it last."""
        with self._reading() as db:
            if db.execute("SELECT 1 FROM faults WHERE times IS NULL OR times > 0").fetchone() is None:
                return []
        struck: list[Struck] = []
        with self._writing() as db:
            rows = db.execute(
                "SELECT * FROM faults WHERE operation IN ('any', ?) AND (times IS NULL OR times > 0) ORDER BY id",
                (operation,),
            ).fetchall()
            for row in rows:
                calls = row["calls"] + 1
                strikes = random.Random(f"{row['seed']}:{row['id']}:{calls}").random() < row["p"]
                db.execute(
                    "UPDATE faults SET calls = ?, times = times - ? WHERE id = ?", (calls, int(strikes), row["id"])
                )
                if strikes:
                    struck.append(Struck(kind=row["kind"], seconds=row["seconds"], reason=row["reason"]))
                    if row["kind"] in _FATAL:
                        break
        return struck

    def token_is_valid(self) -> bool:
        """Say whether our credentials are accepted."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM meta WHERE key = 'token'").fetchone()
        return row is None or row["value"] == "valid"

    def changes(self, position: tuple[float, int, int], *, limit: int) -> tuple[list[dict[str, Any]], Any, bool]:
        """Return up to `limit` changes after a position, the new position, and whether there are more.

        A position is `(at, n, top)`: changes up to `(at, n)` in order of time are known, and `top` was the last one
        written when they were read. One written later is new even where its time is not: clocks step back.
        """
        at, n, top = position
        # What has been read was in the past, whatever the clock says by now.
        now = max(self._now(), at)
        with self._reading() as db:
            # One read transaction, so that `last` and the rows are of one moment.
            last = db.execute("SELECT coalesce(max(n), 0) FROM changes").fetchone()[0]
            late = db.execute(
                f"{_CHANGES} WHERE changes.n > ? AND (changes.at, changes.n) <= (?, ?) AND changes.at <= ? "
                "ORDER BY changes.n LIMIT ?",
                (top, at, n, now, limit + 1),
            ).fetchall()
            if len(late) > limit:
                taken = late[:limit]
                return [_shown(row) for row in taken], (at, n, taken[-1]["n"]), True
            ahead = db.execute(
                f"{_CHANGES} WHERE (changes.at, changes.n) > (?, ?) AND changes.at <= ? "
                "ORDER BY changes.at, changes.n LIMIT ?",
                (at, n, now, limit - len(late) + 1),
            ).fetchall()
        taken = ahead[: limit - len(late)]
        if taken:
            at, n = taken[-1]["change_at"], taken[-1]["n"]
        return [_shown(row) for row in [*late, *taken]], (at, n, last), len(ahead) > len(taken)

    def find(self, post: str) -> dict[str, Any] | None:
        """Return one post as it is now, None when there is none to be seen."""
        with self._reading() as db:
            row = db.execute(f"{_POSTS} WHERE posts.id = ? AND created <= ?", (int(post), self._now())).fetchone()
        return None if row is None or row["deleted"] is not None else _shown(row)

    def answer(self, post: str, text: str, *, account: str, key: str, seen_after: float = 0.0) -> dict[str, Any]:
        """Write our reply, and what the script has people say to it. `seen_after`: seconds until it can be seen."""
        with self._writing() as db:
            now = self._now()
            made = self._insert(
                db, author=account, text=text, created=now, parent=int(post), ours=True, key=key, seen_after=seen_after
            )
            root = db.execute("SELECT root FROM posts WHERE id = ?", (made,)).fetchone()["root"]
            rule = db.execute(
                "SELECT * FROM rules WHERE fired = 0 AND post IN (?, ?) ORDER BY id LIMIT 1", (int(post), root)
            ).fetchone()
            if rule is not None:
                db.execute("UPDATE rules SET fired = 1 WHERE id = ?", (rule["id"],))
                self._insert(
                    db,
                    author=rule["author"],
                    text=rule["text"],
                    lang=rule["lang"],
                    created=now + rule["after"],
                    parent=made,
                )
            return _shown(db.execute(f"{_POSTS} WHERE posts.id = ?", (made,)).fetchone())

    def own_replies(self, post: str, *, account: str, since: datetime) -> list[dict[str, Any]]:
        """Return our replies to a post that can be seen, oldest first."""
        with self._reading() as db:
            rows = db.execute(
                f"{_POSTS} WHERE author = ? AND parent = ? AND created >= ? AND seen_from <= ? AND deleted IS NULL "
                "ORDER BY posts.id",
                (account, int(post), since.timestamp(), self._now()),
            ).fetchall()
        return [_shown(row) for row in rows]

    # The file

    def _now(self) -> float:
        return self._clock().timestamp()

    def _set(self, key: str, value: str) -> None:
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _insert(
        self,
        db: sqlite3.Connection,
        *,
        author: str,
        text: str,
        created: float,
        parent: int | None = None,
        lang: str | None = None,
        rating: int | None = None,
        ours: bool = False,
        protected: bool = False,
        malformed: bool = False,
        key: str | None = None,
        seen_after: float = 0.0,
    ) -> int:
        seen_from = max(created, self._now()) + seen_after
        made = db.execute(
            "INSERT INTO posts"
            " (parent, author, text, lang, rating, created, seen_from, key, ours, protected, malformed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (parent, author, text, lang, rating, created, seen_from, key, ours, protected, malformed),
        ).lastrowid
        assert made is not None
        above = db.execute("SELECT id, root, ours FROM posts WHERE id = ?", (parent,)).fetchone()
        # Under our own post every comment starts a conversation of its own.
        starts = above is None or (above["id"] == above["root"] and above["ours"])
        db.execute("UPDATE posts SET root = ? WHERE id = ?", (made if starts else above["root"], made))
        self._change(db, made, "post", seen_from)
        return made

    def _change(self, db: sqlite3.Connection, post: int, kind: str, at: float) -> None:
        db.execute("INSERT INTO changes (at, post, kind) VALUES (?, ?, ?)", (at, post, kind))

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as db:
            db.execute("BEGIN")
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            # An exception closes the connection, which rolls back.
            yield db
            db.execute("COMMIT")


_COLUMNS = "posts.*, authors.name AS author_name, authors.followers AS author_followers"
_JOIN = "posts LEFT JOIN authors ON authors.handle = posts.author"
_POSTS = f"SELECT {_COLUMNS}, 'post' AS kind FROM {_JOIN}"
_CHANGES = (
    f"SELECT {_COLUMNS}, changes.kind AS kind, changes.n AS n, changes.at AS change_at "
    f"FROM changes JOIN posts ON posts.id = changes.post LEFT JOIN authors ON authors.handle = posts.author"
)


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    """Return a post as the platform's interface shows it: plain JSON."""
    post: dict[str, Any] = {
        "kind": row["kind"],
        "id": str(row["id"]),
        "conversation": str(row["root"]),
        "in_reply_to": None if row["parent"] is None else str(row["parent"]),
        "author": {
            "handle": row["author"],
            "name": row["author_name"] or row["author"],
            "followers": row["author_followers"],
        },
        "text": row["text"],
        "lang": row["lang"],
        "rating": row["rating"],
        "created_at": _iso(row["created"]),
        "deleted_at": None if row["deleted"] is None else _iso(row["deleted"]),
        "protected": bool(row["protected"]),
        "ours": bool(row["ours"]),
        "key": row["key"],
    }
    if row["malformed"]:
        post |= {"author": None, "created_at": "some day"}
    return post


def _iso(epoch: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)).isoformat()
