"""What a repository's own policy says about what its host tells."""

from __future__ import annotations

from ..domain.issues import IssuePolicy
from .work import Work


def issue_policy(work: Work, repository_id: int) -> IssuePolicy:
    """Which issues of the repository become tasks."""
    return IssuePolicy()


def closing_words(work: Work, repository_id: int) -> tuple[str, ...]:
    """The repository's own words that close a task, beside the common ones."""
    return ()


def approvers(work: Work, repository_id: int) -> tuple[str, ...]:
    """Who may command in comments although they have no account here: by the host's own id, or by name."""
    return ()
