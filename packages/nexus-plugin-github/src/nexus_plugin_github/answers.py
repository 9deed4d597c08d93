"""What GitHub's answers mean, without I/O: which error, and how long to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from nexus_core.errors import Conflict, Forbidden, Invalid, NexusError, NotFound, Unauthenticated, Unavailable

from .pace import LONGEST_WAIT, SHORTEST_WAIT
from .reading import rows, table, text


def failure(status: int, headers: Mapping[str, str], document: Any, what: str) -> NexusError | None:
    """The error that an answer stands for, saying what was asked; None for a success.

    Header names are lower-case. An `Unavailable` carries `wait`, in seconds, when GitHub wants to be
    left alone.
    """
    if 200 <= status < 300:
        return None
    said = explanation(document)
    if status == 429 or (status == 403 and _is_limit(headers, said)):
        hinted = hinted_wait(headers)
        wait = SHORTEST_WAIT if hinted is None else hinted
        return Unavailable(f"GitHub limits our calls ({what})", wait=wait, status=status, limited=True, hinted=hinted)
    if status >= 500 or status == 408:
        return Unavailable(f"GitHub answered {status} ({what})", status=status, unknown_outcome=True)
    kinds: dict[int, tuple[type[NexusError], str]] = {
        401: (
            Unauthenticated,
            "GitHub does not accept the token; check NEXUS_GITHUB_TOKEN, or the App's id and private key",
        ),
        403: (Forbidden, "GitHub does not allow this; check what the token may do"),
        404: (NotFound, "GitHub does not have it, or the token may not see it"),
        409: (Conflict, "GitHub sees a conflict"),
        410: (NotFound, "GitHub has it no more, or it is switched off there"),  # an issue that was deleted
        451: (Forbidden, "GitHub may not show it"),
    }
    kind, message = kinds.get(status, (Invalid, f"GitHub answered {status}"))
    return kind(f"{message} ({what})" + (f": {said}" if said else ""), status=status, said=said)


def explanation(document: Any) -> str:
    """GitHub's own words for what is wrong, on one line.

    >>> explanation({"message": "Validation Failed", "errors": [{"message": "No commits between a and b"}]})
    'Validation Failed; No commits between a and b'
    """
    answer = table(document)
    parts = [text(answer.get("message"))]
    for error in rows(answer.get("errors")):
        parts.append(text(error.get("message")) or f"{text(error.get('field'))} {text(error.get('code'))}")
    return " ".join("; ".join(part for part in parts if part).split())[:500]


def _is_limit(headers: Mapping[str, str], said: str) -> bool:
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in said.lower()


def hinted_wait(headers: Mapping[str, str]) -> float | None:
    """How many seconds GitHub wants us to wait: `retry-after`, else until `x-ratelimit-reset`; None = it does not say.

    >>> hinted_wait({"retry-after": "30"}), hinted_wait({})
    (30.0, None)
    """
    if (after := _number(headers.get("retry-after"))) is not None:
        return min(after, LONGEST_WAIT)
    return _until_reset(headers) if headers.get("x-ratelimit-remaining", "0") == "0" else None


def spent(headers: Mapping[str, str]) -> float | None:
    """For how many seconds nothing is left of GitHub's limit after a success; None = there is."""
    return _until_reset(headers) if headers.get("x-ratelimit-remaining") == "0" else None


def _until_reset(headers: Mapping[str, str]) -> float | None:
    reset = _number(headers.get("x-ratelimit-reset"))
    try:
        # By GitHub's own clock, which this machine's need not agree with.
        sent = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return None if reset is None else min(max(reset - sent + 1, 1.0), LONGEST_WAIT)


def _number(value: str | None) -> float | None:
    return float(value) if value and re.fullmatch(r"[0-9]{1,12}", value) else None
