"""The task file written back: a pull request that brings it to what Nexus knows, kept up to date until it is merged.

Both sides may have changed. What the file on the default branch says is taken in first, field by field (decision 26),
and what is proposed is the result. So a merge of the pull request changes nothing in Nexus any more.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nexus_core.domain.events import Event
from nexus_core.domain.jobs import Done, Outcome
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Invalid, UnreadableFile
from nexus_core.plugins.context import Context

from .calling import client_for, not_done, patiently, unreachable
from .reading import text
from .settings import Settings

if TYPE_CHECKING:
    from .client import GitHubClient

_TITLE = "Bring the task file up to date"
_BODY = (
    "Nexus proposes the task file as it knows the tasks now. What the file on this branch's base says was taken in "
    "before, field by field. Later changes are added to this pull request; merging it changes nothing in Nexus."
)


@patiently
def write_task_file(event: Event, ctx: Context) -> Outcome:
    """Propose a repository's task file when it would read differently."""
    settings = ctx.settings(Settings)
    if not settings.tasks_pull_request or event.repository_id is None:
        return Done("it is switched off")
    repository = ctx.nexus.repositories.get(event.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, settings):
        return not_done(ctx, f"the task file of {repository.name} was not written: {reason}")
    with client_for(ctx, repository.name) as client:
        return _write(client, repository, settings, ctx)


def _write(client: GitHubClient, repository: Repository, settings: Settings, ctx: Context) -> Outcome:
    from .client import PullText
    from .commits import commit_over
    from .hosting import task_file

    remote = client.repository(repository.name)
    head = client.head_of(remote.name, remote.default_branch)
    found = task_file(client, remote.name, head) if head else None
    if head is None or found is None:
        return Done(f"{repository.name} has no task file")
    path, theirs = found
    try:
        _take_in(repository, path, theirs, ctx)
    except (UnreadableFile, Invalid) as error:
        return not_done(ctx, f"the task file of {repository.name} was not written: {error.message}")
    ours = ctx.nexus.tasks.export_file(repository.id, actor=ctx.actor)
    if ours == theirs:
        return Done("it reads so already")
    done = commit_over(client, remote.name, branch=settings.tasks_branch, base=head, path=path, content=ours,
                       message=f"{_TITLE}\n\nFrom the tasks of {repository.name}.")  # fmt: skip
    if done is None:
        return not_done(ctx, f"somebody else committed to {settings.tasks_branch} of {repository.name}; merge it first")
    wanted = PullText(title=_TITLE, body=_BODY, head=settings.tasks_branch, base=remote.default_branch)
    try:
        return Done(text(client.ensure_pull(remote.name, wanted).get("html_url")))
    except Invalid as error:
        if "no commits between" in error.message.lower():
            return Done("all of it was merged")
        raise


def _take_in(repository: Repository, path: str, content: bytes, ctx: Context) -> None:
    """Import the file, unless it is the very one that was imported last."""
    digest = hashlib.sha256(content).hexdigest()
    imports = ctx.nexus.events.list(type="tasks.imported", newest=True, limit=200)
    last = next((event for event in reversed(imports) if event.repository_id == repository.id), None)
    if last is None or last.payload.get("digest") != digest:
        ctx.nexus.tasks.import_file(content, repository.name, path=path, actor=ctx.actor, delivery=ctx.delivery)
