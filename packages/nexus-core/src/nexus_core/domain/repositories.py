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


def check_repository_name(name: str) -> str:
    """The name, when it is one.

    >>> check_repository_name("acme/api")
    'acme/api'

    :raises Invalid: it is not `owner/name`
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"“{name[:80]}” is not a repository's name; write owner/name, such as acme/api")
    return name
