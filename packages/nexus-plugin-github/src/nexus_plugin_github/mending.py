"""Back to the agent: what reviewers and checks found in its pull request, a bounded number of times."""

from __future__ import annotations

from datetime import timedelta

from nexus_core.domain.changes import Change, ChangeState
from nexus_core.domain.events import Event
from nexus_core.domain.jobs import Done, Outcome, Snooze
from nexus_core.domain.tasks import Status
from nexus_core.errors import NoAgent
from nexus_core.plugins.context import Context

from .calling import client_for, gates_of, patiently, unreachable
from .hooks import may_ask_for_mending
from .reading import table, text
from .sansio import SOURCE
from .settings import Settings
from .translate import is_fork

_BUSY = timedelta(minutes=1)


@patiently
def hand_back(event: Event, ctx: Context) -> Outcome:
    """A task is at work by what GitHub said: its agent gets what was found, on the same branch.

    Heard are the move that a finding caused, and findings themselves: a task that is at work already does not move.
    """
    try:
        notes = [_hand_back(event, task_id, change, ctx) for task_id, change in _at_work(event, ctx)]
    except NoAgent as error:
        ctx.log.info("findings wait: %s", error.message)
        return Snooze(_BUSY)
    return Done("; ".join(filter(None, notes)) or "nothing is to be mended")


def _at_work(event: Event, ctx: Context) -> list[tuple[int, Change]]:
    """The tasks at work that an event is about, each with the open pull request that is to complete it."""
    if event.task_id is None:
        return [
            (one.task.id, gate.change)
            for gate in gates_of(event, ctx)
            for one in gate.tasks
            if one.closes and one.task.status is Status.IN_PROGRESS
        ]
    if not may_ask_for_mending(event):  # a job of a former version, which had one for every move
        return []
    return [
        (event.task_id, change)
        for change, link in ctx.nexus.changes.for_task(event.task_id, actor=ctx.actor)
        if link.closes and change.source == SOURCE and change.state in (ChangeState.OPEN, ChangeState.DRAFT)
    ]


def _hand_back(event: Event, task_id: int, change: Change, ctx: Context) -> str:
    from .reviews import findings

    settings = ctx.settings(Settings)
    repository = ctx.nexus.repositories.get(change.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, settings):
        return reason
    with client_for(ctx, repository.name) as client:
        pull = client.pull(repository.name, change.number)
        head = text(table(pull, "head").get("sha"))
        if pull.get("state") != "open" or not head or is_fork(pull):
            return ""  # the branch of a fork only has the name of the agent's
        found = findings(client, repository.name, change.number, head, settings.app_id or "")
        if not found:
            return ""
        done = ctx.nexus.rework.ask(
            task_id, found, branch=change.branch, url=change.url, rounds=settings.review_rounds, actor=ctx.actor,
            delivery=event.delivery,
        )  # fmt: skip
        if done.is_exhausted and settings.comments:
            body = f"The agent was sent back to this {settings.review_rounds} times; now a person should look at it."
            client.comment_once(repository.name, change.number, f"exhausted-{change.id}", body)
    return done.note
