"""Text as it may be stored and shown: no NUL, no half characters, no address but http or https."""

import math
import re
from typing import Any
from urllib.parse import urlsplit

# PostgreSQL cannot store NUL, and a lone surrogate is no character in UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return `text` without the characters that cannot be stored."""
    return _UNSTORABLE.sub("", text)


def storable_json(value: Any) -> Any:
    """Return a JSON value with every text in it, keys too, made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def web_url(value: str) -> str | None:
    """Return a link only when it is one that a browser may be sent to: http or https."""
    link = storable(value).strip()
    if not link.lower().startswith(("http://", "https://")) or len(link) > 2000:
        return None
    try:
        named = "@" in urlsplit(link).netloc  # https://bank.example@evil.example is not the bank
    except ValueError:
        return None
    return None if named else link
