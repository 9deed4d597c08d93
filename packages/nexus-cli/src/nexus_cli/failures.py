"""What can go wrong, for people and for scripts: one line, and an exit code from one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DONE, UNEXPECTED, USAGE, NOT_FOUND, CONFLICT, NOT_ALLOWED, TRY_AGAIN = 0, 1, 2, 3, 4, 5, 75
INTERRUPTED = 130

#: The code of an error or a problem -> exit code.
EXIT_BY_CODE = {
    "unexpected": UNEXPECTED,
    "plugin": UNEXPECTED,
    "schema_too_new": UNEXPECTED,
    "invalid": USAGE,
    "configuration": USAGE,
    "unreadable_file": USAGE,
    "too_many": USAGE,
    "authorization_pending": TRY_AGAIN,
    "slow_down": TRY_AGAIN,
    "expired_token": NOT_ALLOWED,
    "access_denied": NOT_ALLOWED,
    "not_found": NOT_FOUND,
    "conflict": CONFLICT,
    "duplicate": CONFLICT,
    "cycle": CONFLICT,
    "not_ready": CONFLICT,
    "stale_claim": CONFLICT,
    "stale_write": CONFLICT,
    "transition_refused": CONFLICT,
    "no_agent": CONFLICT,
    "in_flight": TRY_AGAIN,
    "answer_lost": CONFLICT,
    "idempotency_key_reused": USAGE,
    "busy": CONFLICT,
    "unauthenticated": NOT_ALLOWED,
    "forbidden": NOT_ALLOWED,
    "unavailable": TRY_AGAIN,
    "contention": TRY_AGAIN,
}

#: The status of an answer whose code is not above -> exit code.
EXIT_BY_STATUS = {
    401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND, 408: TRY_AGAIN, 409: CONFLICT, 410: NOT_FOUND, 412: CONFLICT,
    425: TRY_AGAIN, 429: TRY_AGAIN, 502: TRY_AGAIN, 503: TRY_AGAIN, 504: TRY_AGAIN,
}  # fmt: skip


def exit_code(code: str, status: int = 0) -> int:
    """The exit code for an error's code, or for the status of an answer that has no code known here.

    >>> exit_code("cycle"), exit_code("", 404), exit_code("", 422), exit_code("", 500)
    (4, 3, 2, 1)
    """
    if code in EXIT_BY_CODE:
        return EXIT_BY_CODE[code]
    return EXIT_BY_STATUS.get(status, USAGE if 400 <= status < 500 else UNEXPECTED)


class Failure(Exception):
    """The command cannot do what it was asked; `problem` is the document for `--json`."""

    def __init__(self, message: str, code: str = "unexpected", *, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problem = dict(problem or {"detail": message, "code": code})
        self.code = str(self.problem.get("code", code))
        self.exit_code = exit_code(self.code, int(self.problem.get("status") or 0))

    def lines(self) -> list[str]:
        """The message, and below it each fault with its place."""
        faults = self.problem.get("errors") or ()
        told = [
            fault for fault in faults if isinstance(fault, Mapping) and str(fault.get("message")) not in self.message
        ]
        return [self.message, *map(_fault_line, told)]


class Refused(Failure):
    """Nothing listens at the address. Nothing was sent, so asking elsewhere is safe."""


def _fault_line(fault: Mapping[str, Any]) -> str:
    place, message = str(fault.get("pointer", "")), str(fault.get("message", ""))
    return f"  {place}: {message}" if place else f"  {message}"


def of_answer(status: int, document: Any, origin: str) -> Failure:
    """The failure that an answer of the API tells of; `origin` names the server for those that are none of ours."""
    if isinstance(document, Mapping) and ("code" in document or "detail" in document):
        message = str(document.get("detail") or document.get("title") or f"{origin} answered {status}")
        code = str(document.get("code", ""))
        return Failure(message + _hint(code, status), code, problem={"status": status, "code": code, **document})
    message = f"{origin} answered {status} with something that is no answer of Nexus"
    return Failure(
        message, problem={"detail": message, "status": status, "code": "" if status >= 400 else "unexpected"}
    )


def _hint(code: str, status: int) -> str:
    if code == "unauthenticated" or status == 401:
        return " (the key is taken from NEXUS_TOKEN, or from `nexus login`)"
    return ""
