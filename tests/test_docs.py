"""The documents are kept complete by reading the code: commands, settings, platforms, decisions, links."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from config import settings
from config.settings import File, SourceTable
from config.sla_file import DAYS
from domain.case import PRIORITIES
from domain.person import ROLES, SCOPES
from domain.reply import ReplyStatus
from tests.test_house import ROOT, files, named, none
from workers.cli import COMMANDS as TABLE
from workers.cli import load
from workers.wiring import PLATFORMS

OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
CONNECTORS = (ROOT / "docs" / "connectors.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with its full name."""
    below = getattr(command, "commands", {})
    if not below or command.invoke_without_command:
        yield name, command
    for part, each in below.items():
        yield from commands(each, f"{name} {part}")


COMMANDS = dict(each for name in TABLE for each in commands(load(name), f"amends {name}"))


def row_of(command: str) -> str:
    """Return the line of the table of commands that is about one command."""
    return next((line for line in OPERATING.splitlines() if line.startswith(f"| `{command}` |")), "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_in_the_table_of_commands(command: str) -> None:
    row = row_of(command)
    assert row, f"docs/operating.md, Commands: there is no row for `{command}`"
    for parameter in COMMANDS[command].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}`" in row, f"docs/operating.md, Commands: `{command}` takes {option}"


def test_the_table_names_no_command_that_is_not_there() -> None:
    told = set(re.findall(r"^\| `(amends[a-z -]*)` \|", OPERATING, re.MULTILINE))
    assert told == set(COMMANDS)


def test_commands_in_the_documents_exist() -> None:
    found = []
    words = {name.removeprefix("amends ").split()[0] for name in COMMANDS}
    for path in files(".md"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for command in re.findall(r"(?:`|bin/)amends ([a-z]+)", line):
                if command not in words:
                    found.append(f"{named(path, number)} amends {command}")
    none(found, "only commands that exist are written about")


def test_targets_of_make_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    found = [
        f"{named(path, number)} make {target}"
        for path in files(".md")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for target in re.findall(r"(?:`|^)make ([a-z]+)", line)
        if target not in targets
    ]
    none(found, "only targets that exist are written about")


def keys(table: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every key of the TOML file that holds a value, with its table's name."""
    for name, field in table.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("key", [*keys(File), *keys(SourceTable)])
def test_every_setting_is_explained(key: str) -> None:
    rows = [line for line in OPERATING.splitlines() if line.startswith(f"| `{key}` |")]
    assert len(rows) == 1, f"docs/operating.md explains the setting `{key}` {len(rows)} times in its tables"
    assert all(cell.strip() for cell in rows[0].strip("|").split("|")), rows[0]


def test_every_environment_variable_is_explained() -> None:
    for name in settings._NAMES:
        assert f"| `{settings.PREFIX}{name}` |" in OPERATING, f"docs/operating.md does not explain {name}"
        assert f"`{settings.PREFIX}{name}_FILE`" in OPERATING, f"docs/operating.md does not name {name}_FILE"


def test_no_environment_variable_is_named_that_is_not_there() -> None:
    known = {settings.PREFIX + name for name in settings._NAMES}
    known |= {name + "_FILE" for name in known}
    found = [
        f"{named(path, number)} {name}"
        for path in files(".md")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for name in re.findall(r"\bAMENDS_[A-Z0-9_]+", line)
        if name not in known and not name.startswith("AMENDS_SECRET_") and name != "AMENDS_"
    ]
    none(found, "only environment variables that exist are written about")


def test_shipped_values_are_the_ones_in_the_table() -> None:
    shipped = tomllib.loads(settings.DEFAULTS.read_text("utf-8"))
    for kind in ("first_response", "resolution"):
        row = next(line for line in OPERATING.splitlines() if line.startswith(f"| `sla.{kind}` |"))
        for priority in PRIORITIES:
            assert f"`{priority}` {shipped['sla'][kind][priority]}" in row, row


def toml_examples() -> list[tuple[str, str]]:
    """Return the examples of the operator's file, each with its place."""
    found = []
    for path in (ROOT / "docs" / "operating.md", ROOT / "docs" / "connectors.md"):
        text = path.read_text("utf-8")
        for match in re.finditer(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found.append((named(path, text.count("\n", 0, match.start()) + 1), match[1]))
    return found


@pytest.mark.parametrize(("place", "text"), toml_examples(), ids=[place for place, _ in toml_examples()])
def test_an_example_can_be_used_as_it_stands(place: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "amends.toml"
    path.write_text(text, "utf-8")
    found = settings.load({"AMENDS_CONFIG": str(path)})
    assert {spec.platform for spec in found.sources} <= set(PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_its_section(platform: str) -> None:
    assert re.search(rf"^## .*`{platform}`", CONNECTORS, re.MULTILINE), (
        f"docs/connectors.md has no section on {platform}"
    )
    assert f"| `{platform}` |" in CONNECTORS, f"docs/connectors.md, Platforms: no row for {platform}"


def test_every_state_of_a_reply_is_explained() -> None:
    section = OPERATING.partition("## What happens to a reply")[2].partition("\n## ")[0]
    for status in ReplyStatus:
        assert re.search(rf"^\| {status}\b", section, re.MULTILINE), f"docs/operating.md does not explain {status}"


def test_roles_scopes_and_days_are_named() -> None:
    add, create = row_of("amends user add"), row_of("amends token create")
    assert all(role in add for role in ROLES)
    assert all(scope in create for scope in SCOPES)
    assert DAYS[0] in OPERATING


def test_every_decision_is_listed_and_in_shape() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    for number, path in enumerate(decisions, 1):
        words = path.read_text("utf-8")
        assert path.name.startswith(f"{number:04d}-"), f"{named(path)}: numbers follow each other"
        title = words.partition("\n")[0].removeprefix("# ")
        assert f"[{title}](decisions/{path.name})" in text, f"docs/architecture.md does not list {path.name}"
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**What would make us change it.**"):
            assert part in words, f"{named(path)}: no {part}"


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen, open_ = set(), [ROOT / "README.md"]
    while open_:
        path = open_.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        open_ += [target for target, _, _ in links(path) if target.suffix == ".md"]
    missed = [named(path) for path in files(".md", under="docs") if path not in seen]
    none(missed, "a document that nothing leads to is not read")


def links(path: Path) -> Iterator[tuple[Path, str, int]]:
    """Yield the target, anchor and line of every relative link of a document, code left out."""
    text = re.sub(r"```.*?```", lambda match: "\n" * match[0].count("\n"), path.read_text("utf-8"), flags=re.DOTALL)
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            yield ((path.parent / name).resolve() if name else path), anchor, number


def anchors(path: Path) -> set[str]:
    """Return the anchors that a forge makes of a document's headings."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_links_between_documents_lead_somewhere() -> None:
    found = []
    for path in files(".md"):
        for target, anchor, number in links(path):
            if not target.exists():
                found.append(f"{named(path, number)} → {target.name}")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                found.append(f"{named(path, number)} → #{anchor}")
    none(found, "every relative link leads to a file and a heading that are there")


def test_files_that_the_documents_name_are_there() -> None:
    rooms = r"(?:classifiers|config|connectors|desk|docs|domain|monitor|responders|store|tests|workers)"
    found = []
    for path in [*files(".md"), *files(".py"), ROOT / "Makefile"]:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for name in re.findall(rf"(?<![\w/.-]){rooms}/[\w/.-]+\.(?:py|md|toml|json|html|css)\b", line):
                if not (ROOT / name).exists():
                    found.append(f"{named(path, number)} {name}")
    none(found, "a file that is named is there")


def test_the_changelog_tells_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_two_commands_come_first() -> None:
    shown = re.findall(r"^(make \w+)", README, re.MULTILINE)
    assert shown[:2] == ["make run", "make test"]


def test_help_is_one_plain_line_for_each_command() -> None:
    for name, command in COMMANDS.items():
        assert (command.help or "").strip(), f"{name} has no help"
        for parameter in command.params:
            if parameter.param_type_name == "option" and "--help" not in parameter.opts:
                assert getattr(parameter, "help", ""), f"{name} {parameter.opts[0]} has no help"
