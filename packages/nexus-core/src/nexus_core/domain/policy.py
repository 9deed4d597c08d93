"""A repository's own policy: what its people decided in a file that lies in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

POLICY_FILE = ".nexus.toml"  #: where a repository keeps its policy, seen from its top


@attrs.frozen(kw_only=True)
class RepositoryPolicy:
    """What a repository wants of Nexus. What it does not say stays as the hub has it."""

    approvers: tuple[str, ...] = ()  #: accounts on its host, by login or (better: it never changes hands) id
    closing_words: tuple[str, ...] = ()  #: words that close a task, beside the common ones
    claim_time: timedelta | None = None  #: how long a claim holds without a sign of life; None: as the agent has it
    documents: tuple[str, ...] = ()  #: the paths of the documents that are wanted; none: all
    issues: str = ""  #: which issues become tasks: `all`, those with this label, or none

    @property
    def kept(self) -> dict[str, Any]:
        """The policy as it is stored.

        >>> RepositoryPolicy(issues="all").kept["issues"]
        'all'
        """
        return {
            "approvers": list(self.approvers),
            "closing": list(self.closing_words),
            "claim_time": None if self.claim_time is None else self.claim_time.total_seconds(),
            "documents": list(self.documents),
            "issues": self.issues or None,
        }
