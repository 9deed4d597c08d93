"""What a repository's own policy says, and how a policy file comes into force.

The policy is kept in the hub's memory, `policy:<repository>`, as `RepositoryPolicy.kept` has it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..domain.access import Actor
from ..domain.events import PolicyChanged, PolicyRefused
from ..domain.issues import IssuePolicy
from ..domain.policy import POLICY_FILE, RepositoryPolicy
from ..errors import Fault, UnreadableFile

if TYPE_CHECKING:
    from ..ports.collections import Access
    from .work import Work

_KEPT = "policy:"
_REFUSED = "policy-refused:"
AGE_SECONDS = 1.0
"""How old what is known of policies may be where each claim asks for it."""


def _read(text: str | None) -> Mapping[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def policy(work: Work, repository_id: int) -> Mapping[str, Any]:
    """The policy in force, as `RepositoryPolicy.kept` has it; empty when the repository has none."""
    return _read(work.access.meta(f"{_KEPT}{repository_id}"))


def issue_policy(work: Work, repository_id: int) -> IssuePolicy:
    """Which issues of the repository become tasks."""
    wanted = policy(work, repository_id).get("issues")
    return IssuePolicy(all=wanted == "all", label=wanted if isinstance(wanted, str) and wanted != "all" else None)


def closing_words(work: Work, repository_id: int) -> tuple[str, ...]:
    """The repository's own words that close a task, beside the common ones."""
    return tuple(policy(work, repository_id).get("closing", ()))


def approvers(work: Work, repository_id: int) -> tuple[str, ...]:
    """Who may command in comments although they have no account here: by the host's own id, or by name."""
    return tuple(map(str, policy(work, repository_id).get("approvers", ())))


def wanted_documents(work: Work, repository_id: int) -> tuple[str, ...]:
    """The paths of the documents that the repository wants; none: all."""
    return tuple(policy(work, repository_id).get("documents", ()))


class ClaimTimes:
    """How long a claim holds without a sign of life, by repository, where its policy says so.

    Every claim and every heartbeat asks; what is known is read again when it is older than `AGE_SECONDS`.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._times: Mapping[int, timedelta] = {}

    def of(self, access: Access, repository_id: int | None) -> timedelta | None:
        """That of a repository; None: as the agent has it."""
        now = time.monotonic()
        if now >= self._until:
            found = ((int(key), _read(text).get("claim_time")) for key, text in access.metas(_KEPT).items())
            self._times = {key: timedelta(seconds=seconds) for key, seconds in found if seconds}
            self._until = now + AGE_SECONDS
        return None if repository_id is None else self._times.get(repository_id)

    def forget(self) -> None:
        """Read them again the next time."""
        self._until = 0.0


def take_policy(
    work: Work, repository_id: int, content: bytes | None, *, actor: Actor, delivery: str | None = None
) -> tuple[str, Sequence[Fault]]:
    """Bring a policy file into force; None: there is none (any more), so what the hub itself has holds again.

    Returns what became of it (`none`, `in-force`, `refused`) with its faults. One that is refused leaves the one before
    it in force, and is told of once.
    """
    refused = f"{_REFUSED}{repository_id}"
    try:
        new = _parsed(content)
    except UnreadableFile as error:
        digest = hashlib.sha256(content or b"").hexdigest()
        if work.access.meta(refused) != digest:
            work.access.set_meta(refused, digest)
            work.record(
                PolicyRefused, actor=actor, repository_id=repository_id, delivery=delivery, file=POLICY_FILE,
                faults=[fault._asdict() for fault in error.faults],
            )  # fmt: skip
        return "refused", error.faults
    if work.access.meta(refused):
        work.access.set_meta(refused, "")
    nothing = RepositoryPolicy().kept
    old = {**nothing, **policy(work, repository_id)}
    changes = {name: {"from": old[name], "to": value} for name, value in new.kept.items() if value != old[name]}
    if changes:
        work.access.set_meta(f"{_KEPT}{repository_id}", json.dumps(new.kept))
        work.claim_times.forget()
        work.record(PolicyChanged, actor=actor, repository_id=repository_id, delivery=delivery, changes=changes)
    return ("none" if content is None else "in-force"), ()


def _parsed(content: bytes | None) -> RepositoryPolicy:
    if content is None:
        return RepositoryPolicy()
    from ..formats.policy_file import read_policy  # few commands and few jobs read one

    return read_policy(content)
