"""What no webhook told: pull requests are looked at, and taken for what they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from nexus_core.domain.changes import ChangeClosed, ChangeMerged, ChangeOpened
from nexus_core.domain.jobs import Done, Job, Outcome
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Forbidden, NotFound
from nexus_core.plugins.context import Context

from .calling import client_for, patiently, unreachable
from .reading import instant, text, whole
from .sansio import SOURCE
from .settings import Settings
from .translate import change_ref, is_outside

if TYPE_CHECKING:
    from .client import GitHubClient

BACK: Final = timedelta(days=7)
"""How long ago a pull request that nobody knows may have been closed: what came and went before, nobody awaits."""


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
    seen: set[int] = set()
    with client_for(ctx, repository.name) as client:
        for pull in _pulls(client, repository, ctx):
            number = whole(pull.get("number"))
            if number in seen or (fact := fact_of(pull, repository.name, repository.external_id)) is None:
                continue
            seen.add(fact.change.number)
            ctx.nexus.changes.apply(fact, actor=ctx.actor)
    return len(seen)


def _pulls(client: GitHubClient, repository: Repository, ctx: Context) -> Iterator[Mapping[str, Any]]:
    """All that are open, all that changed lately, and those that are open here and no longer there."""
    path, oldest = f"repos/{repository.name}/pulls", ctx.now() - BACK
    still_open = {one.number for one in ctx.nexus.changes.open_in(repository.id, source=SOURCE, actor=ctx.actor)}
    for pull in client.pages(path, state="open", sort="created", direction="asc"):
        still_open.discard(whole(pull.get("number")) or 0)
        yield pull
    for pull in client.pages(path, state="all", sort="updated", direction="desc"):
        at = instant(pull.get("updated_at"))
        if at is not None and at < oldest:
            break
        still_open.discard(whole(pull.get("number")) or 0)
        yield pull
    for number in sorted(still_open):
        try:
            yield client.pull(repository.name, number)
        except NotFound:
            continue  # the repository is another one by now, whose pull requests have other numbers


def fact_of(
    pull: Mapping[str, Any], repository: str, external_id: str | None = None
) -> ChangeOpened | ChangeMerged | ChangeClosed | None:
    """What a pull request in an answer of GitHub's says; None when it makes no sense."""
    change = change_ref(pull, repository, external_id)
    if change is None:
        return None
    if pull.get("state") == "open":
        # It is open now, whatever was told of the second in which it changed last.
        return ChangeOpened(change=change, draft=pull.get("draft") is True, reopened=True)
    if (at := instant(pull.get("merged_at"))) is not None:
        return ChangeMerged(change=change, by="", commit=text(pull.get("merge_commit_sha")), at=at)
    return ChangeClosed(change=change, by="", outside=is_outside(pull))
