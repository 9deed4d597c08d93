"""How large a body may be, by method and address, known before a thread is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .openapi import operations
from .operations import JSON_LIMIT

if TYPE_CHECKING:
    from nexus_core.nexus import Nexus

_PARAMETER = re.compile(r"{[^}]*}")


class BodyLimits:
    """The limits that the operations of a hub declare, as far as they differ from what is usual."""

    def __init__(self, nexus: Nexus) -> None:
        self._larger = [
            (method.encode(), _pattern(path), operation.max_body)
            for path, method, operation, _ in operations(nexus)
            if operation.max_body > JSON_LIMIT
        ]

    def of(self, method: bytes, target: bytes) -> int:
        """The limit for a request, in bytes."""
        path = target.partition(b"?")[0].rstrip(b"/")
        found = (limit for known, pattern, limit in self._larger if known == method and pattern.fullmatch(path))
        return max(found, default=JSON_LIMIT)


def _pattern(path: str) -> re.Pattern[bytes]:
    return re.compile(b"[^/]+".join(re.escape(part.encode()) for part in _PARAMETER.split(path)))
