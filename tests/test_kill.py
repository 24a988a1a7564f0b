"""Kill the product at random moments over the whole loop: no mention is lost, no reply is said twice in public."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.simulated import Simulated
from connectors.simulated_world import World
from domain.errors import Conflict
from domain.person import Person
from domain.ports import Eligibility
from domain.reply import ReplyStatus
from responders import answer
from responders.answer import Rules
from store import mentions, people
from store.engine import Database
from store.tables import cases, replies
from store.tables import mentions as mention_table
from tests.fakes import detect

KILLS = int(os.environ.get("AMENDS_KILLS", "20"))
POSTS = 60
SEED = int(os.environ.get("AMENDS_SEED", "7"))
RULES = Rules(
    limits={"simulated": Simulated.limits},
    detect=detect,
    ways={"simulated": Eligibility(way="api", reason="simulated")},
)
WORDS = (
    "My parcel is three weeks late and nobody answers, this is terrible service",
    "Still waiting for my refund, terrible service, this is the third message",
    "The kettle arrived broken, very disappointed, I want a refund",
    "The app keeps crashing since the update, useless, fix it",
)


@contextmanager
def running(folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    environ |= {"AMENDS_CONFIG": str(folder / "amends.toml"), "AMENDS_DATABASE_URL": url}
    command = [sys.executable, "-m", "tests.loop_process", "run", "--port", "0", "--data", str(folder)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_up(process: subprocess.Popen[bytes], log: Path, written: int) -> None:
    """Wait until a process has said where it is, in the log behind what was `written` before it."""
    while process.poll() is None and b"Amends is at" not in log.read_bytes()[written:]:
        time.sleep(0.05)


def agent(database: Database, who: Person) -> None:
    """Answer every case that has a draft and no reply yet, as an agent would."""
    with database.read() as connection:
        drafts = connection.execute(
            sa.select(cases.c.id, cases.c.last_mention_id)
            .where(~sa.exists().where(replies.c.mention_id == cases.c.last_mention_id))
            .order_by(cases.c.id)
        ).all()
    for case_id, mention_id in drafts:
        try:
            with database.write() as connection:
                now = datetime.now(UTC)
                text = f"We are sorry, that is on us. We write to you by Friday. (case {case_id})"
                reply = answer.draft(
                    connection, case_id, mention_id=mention_id, text=text, by=who, now=now, rules=RULES
                )
                assert reply.id is not None
                answer.approve(connection, reply.id, version=reply.version, by=who, now=now, rules=RULES)
        except Conflict:
            continue


def settled(database: Database, world: World) -> bool:
    """Whether nothing is left that a worker would still move."""
    with database.read() as connection:
        theirs = sa.select(sa.func.count()).where(~mention_table.c.ours)
        if connection.execute(theirs).scalar_one() < POSTS:  # some are still to be written
            return False
        waiting = sa.select(sa.func.count()).where(mention_table.c.stage != "done")
        moving = sa.select(sa.func.count()).where(
            replies.c.status.in_(("draft", "approved", "sending"))
            | ((replies.c.status == "uncertain") & replies.c.due_at.is_not(None))
        )
        unanswered = sa.select(sa.func.count()).where(
            ~sa.exists().where(replies.c.mention_id == cases.c.last_mention_id)
        )
        return not any(connection.execute(query).scalar() for query in (waiting, moving, unanswered))


@pytest.mark.timeout(max(480, KILLS * 15))
@pytest.mark.xdist_group("kill")
def test_kills_over_the_whole_loop(database: Database, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    world = World(tmp_path / "world.sqlite")
    for number in range(POSTS):
        words = f"{WORDS[number % len(WORDS)]} (order {number})"
        at = datetime.fromtimestamp(time.time() + number * KILLS * 0.05, UTC) if number > 20 else None
        world.post(f"author{number}", words, lang="en", at=at)
    for kind, p in (("lose_answer", 0.12), ("drop_request", 0.08), ("unavailable", 0.08)):
        world.fault(kind, on="reply", times=None, p=p, seed=chance.randrange(1 << 30))  # type: ignore[arg-type]
    world.fault("latency", on="reply", times=None, p=0.5, seconds=0.15, seed=3)
    world.fault("unavailable", on="poll", times=None, p=0.1, seed=4)
    (tmp_path / "amends.toml").write_text(
        '[classifier]\nmodel = "rules"\n[[sources]]\nname = "sim"\nplatform = "simulated"\nevery = 5\n'
        f'account = "ourbrand"\noptions = {{ path = "{world.path}" }}\n'
    )
    with database.write() as connection:
        user_id = people.add(
            connection, email="a@example.com", name="A", role="agent", password_hash="", now=datetime.now(UTC)
        )
        who = people.get(connection, user_id)
    url = database.url.render_as_string(hide_password=False)

    log = tmp_path / "log"
    for _ in range(KILLS):
        written = log.stat().st_size if log.exists() else 0
        with running(tmp_path, url) as process:
            if chance.random() < 0.8:  # otherwise killed while it starts
                wait_until_up(process, log, written)
            until = time.monotonic() + chance.uniform(0.1, 3.0)
            while time.monotonic() < until:
                agent(database, who)
                time.sleep(0.1)
            assert process.poll() is None, log.read_text()[-3000:]
            os.kill(process.pid, signal.SIGKILL)
    with running(tmp_path, url):
        give_up = time.monotonic() + 180
        while not settled(database, world) and time.monotonic() < give_up:
            agent(database, who)
            time.sleep(0.2)

    with database.read() as connection:
        stored = [row["external_id"] for row in mentions.listing(connection, limit=1000) if not row["ours"]]
        sent = connection.execute(sa.select(replies)).mappings().all()
        pairs = connection.execute(sa.select(mention_table.c.id, mention_table.c.external_id))
        externals = {pair[0]: pair[1] for pair in pairs}
    theirs = [post["id"] for post in world.posts() if not post["ours"]]
    assert len(theirs) == POSTS
    assert sorted(stored) == sorted(theirs), "a mention was lost or doubled"
    public = Counter(post["in_reply_to"] for post in world.replies_by_us())
    assert max(public.values(), default=0) <= 1, "a reply was posted twice"
    assert len(sent) == len({row["mention_id"] for row in sent}) == POSTS, "a complaint got no reply, or two"
    for row in sent:
        heard = public[externals[row["mention_id"]]]
        if row["status"] == ReplyStatus.SENT:
            assert heard == 1, f"reply {row['id']} says sent, and is not there"
        else:
            assert row["status"] == ReplyStatus.UNCERTAIN and row["due_at"] is None, dict(row)
            assert heard == 0, f"reply {row['id']} is live and could have been found"
    told = Counter(row["status"] for row in sent)
    print(f"\n{KILLS} kills, {len(theirs)} posts: {dict(told)}, {sum(public.values())} replies in public, none twice")
