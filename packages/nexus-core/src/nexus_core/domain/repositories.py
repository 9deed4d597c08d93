"""Repositories: the Git repositories that Nexus looks after."""

from __future__ import annotations

import re
from datetime import datetime

import attrs

from ..errors import Invalid

_SEGMENT = r"\.?[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}"
"""Neither `.` nor `..`, which would be places."""
_NAME = re.compile(rf"{_SEGMENT}/{_SEGMENT}", re.ASCII)


@attrs.frozen(kw_only=True)
class Repository:
    """A Git repository."""

    id: int
    name: str  #: `owner/name`
    url: str  #: where it is cloned from
    created_at: datetime
    default_branch: str = "main"
    external_id: str | None = None  #: the host's own id, which survives a rename
    state: str = "active"  #: at its host: `active`, `archived` or `deleted`
    state_at: datetime | None = None  #: since when, by the host's clock
    reachable: bool = True  #: false: its owner took away our access
    reachable_at: datetime | None = None

    @property
    def obstacle(self) -> str | None:
        """Why nothing can be pushed to it, so that no agent is launched for its tasks; None: one can."""
        if self.state != "active":
            return f"{self.name} is {self.state} at its host"
        return None if self.reachable else f"{self.name} cannot be reached any more: its owner took away our access"


def check_repository_name(name: str) -> str:
    """The name, when it is one.

    >>> check_repository_name("acme/api")
    'acme/api'

    :raises Invalid: it is not `owner/name`
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"“{name[:80]}” is not a repository's name; write owner/name, such as acme/api")
    return name
