"""The demonstration: a brand with posts written for it, on a simulated platform that answers back."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from config.settings import Settings
from connectors.simulated_world import World
from domain.source import SourceSpec
from store import people, sources
from store.engine import Database
from workers.foundation import data_folder

POSTS = Path(__file__).with_name("demo_posts.toml")
BRAND = "Nordvik"
ACCOUNT = "nordvik"
SOURCE = "simulated"
PEOPLE = (("anna@demo.example", "Anna", "agent"), ("leo@demo.example", "Leo", "admin"))
LINK_FOR = timedelta(days=7)


def prepare(settings: Settings, database: Database) -> None:
    """Make the brand, its platform and its people, once; an earlier demonstration goes on where it was."""
    world_path = data_folder(settings).resolve() / "world.sqlite"
    fresh = not world_path.exists()
    world = World(world_path)
    now = datetime.now(UTC)
    if fresh or not world.posts():
        write(world, now=now)
    with database.write() as connection:
        for email, name, role in PEOPLE:
            if people.find(connection, email) is None:
                people.add(connection, email=email, name=name, role=role, password_hash="", now=now)
        if sources.by_name(connection, SOURCE) is None:
            spec = SourceSpec(
                name=SOURCE,
                platform="simulated",
                every_s=5,
                account=ACCOUNT,
                brand=BRAND,
                trusted=True,
                options={"path": str(world_path)},
            )
            sources.add(connection, spec, origin="demo", now=now)


def write(world: World, *, now: datetime) -> None:
    """Write the posts of `demo_posts.toml` into a world: some hours old, some to come in the next minutes."""
    written: dict[str, str] = {}
    for entry in tomllib.loads(POSTS.read_text("utf-8"))["posts"]:
        if entry.get("name"):
            world.author(entry["author"], name=entry["name"], followers=entry.get("followers"))
        post_id = world.post(
            entry["author"],
            entry["text"],
            lang=entry.get("lang"),
            at=_when(entry, now),
            in_reply_to=written.get(entry.get("reply_to", "")),
            rating=entry.get("rating"),
            ours=entry["author"] == ACCOUNT,
        )
        written[entry.get("id", post_id)] = post_id
        if answers := entry.get("answers"):
            world.script(post_id, [(float(after), text) for after, text in answers], lang=entry.get("lang"))


def _when(entry: dict[str, Any], now: datetime) -> datetime:
    return now + timedelta(seconds=entry.get("in_seconds", 0)) - timedelta(minutes=entry.get("minutes_ago", 0))


def sign_in_links(connection: sa.Connection, address: str) -> list[tuple[str, str]]:
    """Return a sign-in link for each of the demonstration's people: `(name, address)`."""
    links = []
    for email, name, role in PEOPLE:
        found = people.find(connection, email)
        if found is not None:
            secret = people.add_link(connection, found[0].id, expires_at=datetime.now(UTC) + LINK_FOR)
            links.append((f"{name}, {role}", f"{address}/in/{secret}"))
    return links
