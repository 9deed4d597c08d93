"""What no webhook told: pull requests that changed lately are looked at, and taken for what they are now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from nexus_core.domain.changes import ChangeClosed, ChangeMerged, ChangeOpened, Fact
from nexus_core.domain.jobs import Done, Job, Outcome
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Forbidden, NotFound
from nexus_core.plugins.context import Context

from .calling import client_for, patiently, unreachable
from .reading import instant, text
from .settings import Settings
from .translate import change_ref, is_outside

BACK: Final = timedelta(days=7)
"""How long ago a pull request may have changed last: webhooks that were missed longer ago than that nobody awaits."""


@patiently
def run(job: Job, ctx: Context) -> Outcome:
    """The job that comes round."""
    settings = ctx.settings(Settings)
    if settings.missing_access:
        return Done(settings.missing_access)
    return Done("; ".join(reconcile(ctx)) or "there is no repository to look at")


def reconcile(ctx: Context) -> list[str]:
    """Look at each repository that can be reached; what was found, a line each.

    What is known already changes nothing: a fact counts when it is newer than what is kept.

    :raises Unavailable: GitHub limits us (`details["wait"]`, in seconds) or is in trouble
    """
    found = []
    for repository in ctx.nexus.repositories.list(actor=ctx.actor):
        if reason := unreachable(repository, ctx.settings(Settings)):
            found.append(f"{repository.name}: {reason}")
            continue
        try:
            found.append(f"{repository.name}: {_repository(repository, ctx)} pull requests looked at")
        except (NotFound, Forbidden) as error:
            found.append(f"{repository.name}: its pull requests cannot be seen: {error.message}")
    return found


def _repository(repository: Repository, ctx: Context) -> int:
    oldest, number = ctx.now() - BACK, 0
    with client_for(ctx, repository.name) as client:
        for pull in client.pages(f"repos/{repository.name}/pulls", state="all", sort="updated", direction="desc"):
            at = instant(pull.get("updated_at"))
            if at is not None and at < oldest:
                break
            number += 1
            if (fact := fact_of(pull, repository.name, repository.external_id)) is not None:
                ctx.nexus.changes.apply(fact, actor=ctx.actor)
    return number


def fact_of(pull: Mapping[str, Any], repository: str, external_id: str | None = None) -> Fact | None:
    """What a pull request in an answer of GitHub's says; None when it makes no sense."""
    change = change_ref(pull, repository, external_id)
    if change is None:
        return None
    if pull.get("state") == "open":
        return ChangeOpened(change=change, draft=pull.get("draft") is True)
    if (at := instant(pull.get("merged_at"))) is not None:
        return ChangeMerged(change=change, by="", commit=text(pull.get("merge_commit_sha")), at=at)
    return ChangeClosed(change=change, by="", outside=is_outside(pull))
