"""What people see on GitHub beside a pull request: whether its tasks wait for others, and what a merge brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_core.domain.changes import ChangeState
from nexus_core.domain.events import Event
from nexus_core.domain.gates import Gate, GatedTask
from nexus_core.domain.jobs import Done, Outcome
from nexus_core.domain.tasks import Status, Task, task_key
from nexus_core.errors import Forbidden, Invalid, NotFound
from nexus_core.plugins.context import Context

from .calling import client_for, gates_of, patiently, unreachable
from .pulls import harmless
from .reading import table, text
from .sansio import SOURCE
from .settings import Settings

if TYPE_CHECKING:
    from .checks import Check

_MOST = 30  #: lines of one list


@patiently
def show_readiness(event: Event, ctx: Context) -> Outcome:
    """Bring the check of each open pull request near the task up to date: may it be merged, by the graph of tasks?"""
    if not ctx.settings(Settings).readiness_check:
        return Done("it is switched off")
    if event.task_id is not None:
        gates = ctx.nexus.gates.around(event.task_id, actor=ctx.actor)
    else:
        gates = gates_of(event, ctx)
    shown = [_show(gate, ctx) for gate in gates if gate.change.source == SOURCE]
    return Done("; ".join(filter(None, shown)) or "there is no open pull request to show it on")


def _show(gate: Gate, ctx: Context) -> str:
    from .checks import show_check, show_status

    settings = ctx.settings(Settings)
    repository = ctx.nexus.repositories.get(gate.change.repository_id, actor=ctx.actor)
    if unreachable(repository, settings):
        return ""
    name = f"{gate.repository}#{gate.change.number}"
    with client_for(ctx, gate.repository) as client:
        try:
            pull = client.pull(gate.repository, gate.change.number)
            head = text(table(pull, "head").get("sha"))
            if pull.get("state") != "open" or not head:
                return ""
            # Check runs are for Apps alone.
            show = show_check if settings.is_app else show_status
            changed = show(client, gate.repository, head, check_of(gate, ctx))
        except (Forbidden, Invalid, NotFound) as error:
            ctx.log.warning("the check of %s cannot be shown: %s", name, error.message)
            return f"{name}: {error.message}"
    return f"{name} {'shows it' if changed else 'shows it already'}"


def check_of(gate: Gate, ctx: Context) -> Check:
    """What the check of a pull request says."""
    from .checks import Check

    prefix = ctx.nexus.config.key_prefix
    closing = [one for one in gate.tasks if one.closes]
    waiting = [one for one in closing if one.waits_for]
    open_before = {other.id: other for one in waiting for other in one.waits_for}
    if waiting:
        names = ", ".join(task_key(number, prefix) for number in sorted(open_before)[:5])
        more = f" and {len(open_before) - 5} more" if len(open_before) > 5 else ""
        conclusion, title = "action_required", f"Waits for {names}{more}"
    elif closing:
        keys = ", ".join(task_key(one.task.id, prefix) for one in closing[:5])
        conclusion, title = "success", f"Nothing is in the way of {keys}"
    else:
        conclusion, title = "neutral", "It completes no task"
    return Check(
        name="Nexus", key=f"nexus-change-{gate.change.id}", conclusion=conclusion, title=title,
        summary="\n".join(_line(one, prefix) for one in gate.tasks[:_MOST]),
    )  # fmt: skip


def _line(one: GatedTask, prefix: str) -> str:
    waits = "; ".join(_named(other, prefix) for other in one.waits_for[:_MOST])
    role = "completes" if one.closes else "mentions"
    return f"- {role} {_named(one.task, prefix)}" + (f", which waits for: {waits}" if waits else "")


def _named(task: Task, prefix: str) -> str:
    title = " ".join(harmless(task.title, prefix, 120).split())
    place = f" in {harmless(task.repository, prefix, 100)}" if task.repository else ""
    return f"**{task_key(task.id, prefix)}** {title}{place} ({task.status})"


@patiently
def tell_completed(event: Event, ctx: Context) -> Outcome:
    """Say once below the pull request that completed a task what became ready by it.

    The push of a merge may complete the task before GitHub tells of the merge itself, or after: both are heard.
    """
    settings = ctx.settings(Settings)
    if not settings.comments or event.task_id is None:
        return Done("it is switched off")
    if ctx.nexus.tasks.get(event.task_id, actor=ctx.actor).status is not Status.DONE:
        return Done("the task is not done")
    found = [
        (change, link)
        for change, link in ctx.nexus.changes.for_task(event.task_id, actor=ctx.actor)
        if link.closes and change.state is ChangeState.MERGED and change.source == SOURCE
    ]
    if not found:
        return Done("no merged pull request completes it")
    change, _ = max(found, key=lambda pair: pair[0].updated_at)
    repository = ctx.nexus.repositories.get(change.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, settings):
        return Done(reason)
    body = _completed(event.task_id, ctx)
    with client_for(ctx, repository.name) as client:
        try:
            client.comment_once(repository.name, change.number, f"completed-{event.task_id}", body)
        except (Forbidden, NotFound) as error:  # such as a locked conversation, or an archived repository
            ctx.log.warning("%s#%s was not commented: %s", repository.name, change.number, error.message)
            return Done(error.message)
    return Done(f"told {repository.name}#{change.number}")


def _completed(task_id: int, ctx: Context) -> str:
    prefix = ctx.nexus.config.key_prefix
    unblocked = [
        other.task_id
        for other in ctx.nexus.events.list(type="task.ready", newest=True, limit=200)
        if other.task_id is not None and other.payload.get("because") == task_id
    ]
    ready = [task for task in ctx.nexus.tasks.many(unblocked, actor=ctx.actor) if not task.status.is_closed]
    head = f"{task_key(task_id, prefix)} is done."
    if not ready:
        return f"{head} Nothing else waited for it alone."
    return f"{head} Ready now:\n\n" + "\n".join(f"- {_named(task, prefix)}" for task in ready[:_MOST])
