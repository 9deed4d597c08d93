"""What a repository's own policy says about what its host tells.

The policy is kept in the hub's memory, `policy:<repository>`, as `RepositoryPolicy.kept` has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..domain.issues import IssuePolicy
from .work import Work


def _policy(work: Work, repository_id: int) -> Mapping[str, Any]:
    kept = work.access.meta(f"policy:{repository_id}")
    found = json.loads(kept) if kept else {}
    return found if isinstance(found, dict) else {}


def issue_policy(work: Work, repository_id: int) -> IssuePolicy:
    """Which issues of the repository become tasks."""
    wanted = _policy(work, repository_id).get("issues")
    return IssuePolicy(all=wanted == "all", label=wanted if isinstance(wanted, str) and wanted != "all" else None)


def closing_words(work: Work, repository_id: int) -> tuple[str, ...]:
    """The repository's own words that close a task, beside the common ones."""
    return tuple(_policy(work, repository_id).get("closing", ()))


def approvers(work: Work, repository_id: int) -> tuple[str, ...]:
    """Who may command in comments although they have no account here: by the host's own id, or by name."""
    return tuple(map(str, _policy(work, repository_id).get("approvers", ())))
