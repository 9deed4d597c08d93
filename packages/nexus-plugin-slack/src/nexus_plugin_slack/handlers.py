"""From events to messages in the channel, each sent once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_core.clock import to_text
from nexus_core.domain.agents import Activity, ActivityType
from nexus_core.domain.events import (
    ActivityAdded,
    AssignmentCreated,
    AssignmentFailed,
    ChangeWasOpened,
    Event,
    InboxAnswered,
    NotificationSent,
    TaskCompleted,
    TaskReady,
)
from nexus_core.domain.jobs import Done, Outcome
from nexus_core.domain.readiness import order_key
from nexus_core.domain.tasks import Task
from nexus_core.errors import NotFound

from . import messages
from .blocks import Message
from .settings import Settings

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context

RECENT = 50  #: how many of the latest messages about a task are looked through
FOLLOWING = 200  #: how many of the next readiness events are looked through


def announce(event: Event, ctx: Context) -> Outcome | None:
    """Tell the channel what happened to a task."""
    task = _task(event, ctx)
    if task is None:
        return Done("the task is gone")
    prefix = ctx.nexus.config.key_prefix
    match event:
        case AssignmentCreated():
            return tell(messages.assignment_created(event, task, prefix), event, ctx)
        case ChangeWasOpened():
            return tell(messages.change_opened(event, task, _agent(event, task, ctx), prefix), event, ctx)
        case TaskCompleted():
            message = messages.task_completed(event, task, _freed(event, ctx), _url(event, ctx), prefix)
            return tell(message, event, ctx)
        case AssignmentFailed():
            return tell(messages.assignment_failed(event, task, prefix), event, ctx)
    return Done("nothing to tell")


def ask(event: ActivityAdded, ctx: Context) -> Outcome | None:
    """Put an agent's question to the channel, with its choices to press when somebody may press them."""
    if event.payload.get("type") != ActivityType.ELICITATION:
        return None
    task, activity = _task(event, ctx), _activity(event, ctx)
    if task is None or activity is None or activity.answer is not None:
        return Done("there is nothing to answer")
    settings = ctx.settings(Settings)
    message = messages.question(
        activity,
        task,
        _agent(event, task, ctx),
        ctx.nexus.config.key_prefix,
        buttons=bool(settings.users and settings.signing_secret),
    )
    return tell(message, event, ctx, activity_id=activity.id)


def close_question(event: InboxAnswered, ctx: Context) -> Outcome | None:
    """Show the answer below the question, wherever it was given, and take the buttons away."""
    from .client import Posted, SlackClient, SlackTrouble

    settings = ctx.settings(Settings)
    task, activity = _task(event, ctx), _activity(event, ctx)
    posted = _posted(event, ctx, activity_id=event.payload.get("activity_id"))
    if task is None or activity is None or not posted.get("ts") or not settings.bot_token:
        return Done("the question was not posted")
    message = messages.answered(activity, task, _agent(event, task, ctx), ctx.nexus.config.key_prefix)
    try:
        client = SlackClient(settings.bot_token, settings.api_url)
        client.update(Posted(channel=str(posted["channel_id"]), ts=str(posted["ts"])), message)
    except SlackTrouble as trouble:
        return trouble.outcome
    return None


def tell(message: Message, event: Event, ctx: Context, **details: Any) -> Outcome | None:
    """Post a message and put on record that people were told.

    After a first attempt, the record and then the channel are asked whether they were told already: a worker
    may have died after Slack took the message. Without a token the message is logged, not sent.
    """
    settings = ctx.settings(Settings)
    key = f"{ctx.idempotency_key}@{to_text(event.created_at)}"
    if ctx.attempt > 1 and _posted(event, ctx, key=key):
        return Done("told already")
    payload = {"via": "slack", "channel": settings.channel, "text": message.text, "key": key, **details}
    if not settings.bot_token:
        ctx.log.info("not sent to Slack, there is no token: %s", message.text)
        _record({**payload, "sent": False}, event, ctx)
        return None
    return _send(message, payload, event, ctx)


def _send(message: Message, payload: dict[str, Any], event: Event, ctx: Context) -> Outcome | None:
    from .client import SlackClient, SlackTrouble

    settings = ctx.settings(Settings)
    again_since = event.created_at if ctx.attempt > 1 else None
    try:
        client = SlackClient(settings.bot_token, settings.api_url)
        posted = client.post(settings.channel, message, payload["key"], again_since=again_since)
    except SlackTrouble as trouble:
        ctx.log.warning("%s", trouble)
        return trouble.outcome
    _record({**payload, "sent": True, "channel_id": posted.channel, "ts": posted.ts}, event, ctx)
    return None


def _record(payload: dict[str, Any], event: Event, ctx: Context) -> None:
    ctx.nexus.events.record(
        NotificationSent.TYPE,
        payload=payload,
        task_id=event.task_id,
        repository_id=event.repository_id,
        delivery=ctx.delivery,
        once=payload["key"],
        actor=ctx.actor,
    )


def _posted(event: Event, ctx: Context, **wanted: Any) -> dict[str, Any]:
    """The record of a message about the event's task; empty when there is none."""
    found = ctx.nexus.events.list(
        type="notification.sent", task=event.task_id, limit=RECENT, newest=True, actor=ctx.actor
    )
    for record in found:
        payload = dict(record.payload)
        if payload.get("via") == "slack" and all(payload.get(key) == value for key, value in wanted.items()):
            return payload
    return {}


def _task(event: Event, ctx: Context) -> Task | None:
    try:
        return ctx.nexus.tasks.get(event.task_id, actor=ctx.actor) if event.task_id else None
    except NotFound:
        return None


def _activity(event: Event, ctx: Context) -> Activity | None:
    if event.assignment_id is None:
        return None
    activities = ctx.nexus.assignments.activities(event.assignment_id, actor=ctx.actor)
    wanted = event.payload.get("activity_id")
    return next((activity for activity in activities if activity.id == wanted), None)


def _agent(event: Event, task: Task, ctx: Context) -> str:
    """Whose work it is: the holder, or the agent that had the task last."""
    if event.assignment_id is not None:
        return str(ctx.nexus.assignments.get(event.assignment_id, actor=ctx.actor).agent)
    if task.agent:
        return task.agent
    past = ctx.nexus.assignments.list(task_id=task.id, actor=ctx.actor)
    return max(past, key=lambda assignment: assignment.id).agent if past else ""


def _freed(event: TaskCompleted, ctx: Context) -> list[Task]:
    """The tasks that became ready in the transaction that completed this one."""
    following = ctx.nexus.events.list(after=event.id, type=TaskReady.TYPE, limit=FOLLOWING, actor=ctx.actor)
    caused = [record for record in following if record.payload.get("because") == event.task_id]
    ids = [record.task_id for record in caused if record.task_id and record.created_at == event.created_at]
    return sorted(ctx.nexus.tasks.many(ids, actor=ctx.actor), key=order_key)


def _url(event: TaskCompleted, ctx: Context) -> str:
    """The address of the merged change that completed the task; empty when it was no change."""
    if event.task_id is None:
        return ""
    changes = [change for change, _ in ctx.nexus.changes.for_task(event.task_id, actor=ctx.actor)]
    reason = str(event.payload.get("reason", ""))
    return next((change.url for change in changes if f"#{change.number} " in f"{reason} "), "")
