"""Rows to domain values and back. Both engines' forms are taken: times as text or datetime, JSON as text or decoded."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ..clock import from_text, to_text

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """JSON as it is stored."""
    return _encode(value)


def from_json(value: Any) -> Any:
    """JSON as it comes back from either engine."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def time(value: datetime | None) -> str | None:
    """A time as it is stored."""
    return None if value is None else to_text(value)


def at(value: Any) -> datetime:
    """A time as it comes back from either engine."""
    return from_text(value) if isinstance(value, str) else value


def maybe_at(value: Any) -> datetime | None:
    """A time that may be missing."""
    return None if value is None else at(value)


def like(text: str) -> str:
    """A text with the signs that LIKE knows taken literally (`ESCAPE '!'`)."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
