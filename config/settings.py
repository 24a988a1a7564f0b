"""Environment and TOML → one frozen Settings; a wrong value names the setting, its place and what is allowed."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from config.sla_file import SlaTable
from domain.errors import Invalid
from domain.sla import Policy
from domain.source import SourceSpec

PREFIX = "AMENDS_"
SECRET = "AMENDS_SECRET_"  # noqa: S105 - the prefix of names, not a secret
DEFAULTS = Path(__file__).with_name("defaults.toml")
_EVERY = re.compile(r"([0-9]{1,9})\s*([smhd])")
Option = str | int | float | bool
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Table(BaseModel):
    """A TOML table: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class SourceTable(Table):
    """One `[[sources]]` table."""

    name: str
    platform: str
    every: int = 300
    query: str = ""
    account: str = ""
    base_url: str = ""
    brand: str = ""
    path: str = ""
    options: dict[str, Option] = Field(default_factory=dict)

    @field_validator("every", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> int:
        return seconds(value)

    @field_validator("options", mode="before")
    @classmethod
    def _options(cls, value: Any) -> Any:
        for key, inner in value.items() if isinstance(value, dict) else ():
            if not isinstance(inner, str | int | float):
                raise ValueError(f"{key} must be text, a number, true or false")
        return value

    def spec(self) -> SourceSpec:
        """Return the domain object; hosts in the operator's own file are trusted."""
        return SourceSpec(
            name=self.name,
            platform=self.platform,
            every_s=self.every,
            query=self.query,
            account=self.account,
            base_url=self.base_url,
            brand=self.brand,
            trusted=True,
            options=self.options | ({"path": self.path} if self.path else {}),
        )


class NetworkTable(Table):
    """`[network]`: named private hosts that addresses typed in the desk may reach."""

    allow_private: tuple[str, ...] = ()


class ClassifierTable(Table):
    """`[classifier]`: which model, and how many threads it may use."""

    model: str = "amends"
    threads: int = Field(default=2, ge=1, le=64, strict=True)


class File(Table):
    """The whole TOML file."""

    data: str = "data"
    public_url: str = ""
    database_url: str = ""
    log: Literal["debug", "info", "warning", "error"] = "info"
    sources: tuple[SourceTable, ...] = ()
    brands: tuple[str, ...] = ()
    own_contacts: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ()
    network: NetworkTable = NetworkTable()
    classifier: ClassifierTable = ClassifierTable()
    sla: SlaTable = SlaTable()

    @field_validator("public_url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("an address such as https://amends.example.com")
        return value.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator has decided. Secrets are not in here: `secrets_of` reads them for one source."""

    data: Path
    public_url: str
    database_url: str
    log: str
    sources: tuple[SourceSpec, ...]
    brands: tuple[str, ...]
    own_contacts: tuple[str, ...]
    playbooks: tuple[Path, ...]
    allow_private: frozenset[str]
    model: str
    threads: int
    policy: Policy
    environ: Mapping[str, str] = field(repr=False)

    def secrets_of(self, source: str) -> dict[str, str]:
        """Return a source's secrets by key, from `AMENDS_SECRET_<SOURCE>__<KEY>` or its `_FILE`."""
        prefix = SECRET + re.sub(r"[^A-Z0-9]", "_", source.upper()) + "__"
        found = {}
        for name in self.environ:
            if name.startswith(prefix):
                key = name.removeprefix(prefix)
                plain = key.removesuffix("_FILE") if key.endswith("_FILE") else key
                found[plain] = _value(self.environ, prefix + plain)
        return found


def seconds(every: Any) -> int:
    """Return a pace in seconds: a whole number, or one with s, m, h or d. Raises `ValueError`."""
    if isinstance(every, int) and not isinstance(every, bool):
        return every
    match = _EVERY.fullmatch(every.strip()) if isinstance(every, str) else None
    if match is None:
        raise ValueError('a whole number of seconds, or a number and s, m, h or d, such as "5m"')
    return int(match[1]) * _UNITS[match[2]]


def load(environ: Mapping[str, str] | None = None, *, data: Path | None = None) -> Settings:
    """Read the environment and the TOML file it names; `data` (from the command line) wins.

    Raises `Invalid` with one plain line: the setting, the place of its value, what is allowed.
    """
    environ = dict(os.environ if environ is None else environ)
    _known(environ)
    config = _value(environ, "AMENDS_CONFIG")
    file = _file(Path(config) if config else None)
    folder = (data or Path(_value(environ, "AMENDS_DATA") or file.data)).expanduser()
    public_url = file.public_url
    if given := _value(environ, "AMENDS_PUBLIC_URL"):
        try:
            public_url = File(public_url=given).public_url
        except ValidationError as error:
            raise Invalid(f"AMENDS_PUBLIC_URL={given!r}: an address such as https://amends.example.com") from error
    try:
        specs = tuple(source.spec() for source in file.sources)
        policy = file.sla.policy()
    except Invalid as error:
        raise Invalid(f"{config}: {error}") from error
    names = [spec.name for spec in specs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Invalid(f"{config}: two sources are called {twice[0]}: each needs its own name")
    return Settings(
        data=folder,
        public_url=public_url,
        database_url=_value(environ, "AMENDS_DATABASE_URL") or file.database_url,
        log=file.log,
        sources=specs,
        brands=file.brands,
        own_contacts=file.own_contacts,
        playbooks=tuple(Path(folder).expanduser() for folder in file.playbooks),
        allow_private=frozenset(host.lower() for host in file.network.allow_private),
        model=file.classifier.model,
        threads=file.classifier.threads,
        policy=policy,
        environ=environ,
    )


_NAMES = ("DATA", "PUBLIC_URL", "DATABASE_URL", "CONFIG")
_LATER = {
    "REDIS_URL": "work is queued in the database, and one process does it all (`amends run`)",
    "SECRET_KEY": "nothing is signed or encrypted with a key of yours yet",
}
"""Names that are promised and not used yet. To pass over one in silence would let its owner believe in it."""


def _known(environ: Mapping[str, str]) -> None:
    allowed = {PREFIX + name for name in _NAMES} | {f"{PREFIX}{name}_FILE" for name in _NAMES}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in allowed or not environ[name]:
            continue
        if reason := _LATER.get(name.removeprefix(PREFIX).removesuffix("_FILE")):
            raise Invalid(f"{name} in the environment is not used by this version: {reason}; unset it")
        if name.startswith(SECRET):
            source, _, key = name.removeprefix(SECRET).partition("__")
            if source and key:
                continue
            raise Invalid(f"{name} in the environment: a source's secret is called {SECRET}<SOURCE>__<KEY>")
        # Without the prefix: it alone makes any two names alike.
        near = difflib.get_close_matches(name.removeprefix(PREFIX), _NAMES, n=1)
        hint = f"; did you mean {PREFIX}{near[0]}?" if near else f"; there are {', '.join(sorted(allowed))}"
        raise Invalid(f"{name} in the environment is not a setting{hint}")


def _value(environ: Mapping[str, str], name: str) -> str:
    """Return a value, or what the file that `NAME_FILE` names holds; an empty variable is none."""
    if value := environ.get(name, ""):
        return value
    path = environ.get(f"{name}_FILE", "")
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Invalid(f"{name}_FILE={path}: cannot be read: {reason}") from error


def _file(path: Path | None) -> File:
    values = tomllib.loads(DEFAULTS.read_text("utf-8"))
    if path is None:
        return File.model_validate(values)
    try:
        overlay = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Invalid(f"AMENDS_CONFIG={path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: not TOML: {error}") from error
    try:
        return File.model_validate(_overlaid(values, overlay))
    except ValidationError as error:
        raise Invalid(f"{path}: {_first(error)}") from error


def _overlaid(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = _overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _first(error: ValidationError) -> str:
    """Say the first thing wrong in one plain line."""
    detail = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        allowed = sorted(_table(str(detail["loc"][0]) if len(detail["loc"]) > 1 else "").model_fields)
        near = difflib.get_close_matches(str(detail["loc"][-1]), allowed, n=1)
        return f"{place} is not a setting; there are {', '.join(allowed)}{f'; did you mean {near[0]}?' if near else ''}"
    if detail["type"] == "missing":
        return f"{place} is missing"
    message = _PLAINLY.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    return f"{place} = {_cut(detail['input'])}: {message[0].lower()}{message[1:]}"


def _table(name: str) -> type[BaseModel]:
    tables: Mapping[str, type[BaseModel]] = {
        "sources": SourceTable,
        "network": NetworkTable,
        "classifier": ClassifierTable,
        "sla": SlaTable,
    }
    return tables.get(name, File)


def _cut(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}…"


_PLAINLY = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "date_type": "must be a date, such as 2026-12-24",
    "date_from_datetime_parsing": "must be a date, such as 2026-12-24",
}
