"""What Slack gets back at once: the answer to a command, a challenge, or a plain "received"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_core.domain.access import Scope
from nexus_core.domain.deliveries import Reply, VerifiedDelivery
from nexus_core.domain.readiness import Readiness
from nexus_core.domain.tasks import Task, parse_task_id
from nexus_core.errors import Forbidden, Invalid, NexusError, NotFound

from . import commands, messages
from .blocks import Message
from .commands import Command, Picture, Verb
from .people import check_workspace, identify
from .sansio import Request, parse
from .settings import Settings

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context


def answer(delivery: VerifiedDelivery, ctx: Context) -> Reply | None:
    """Slack's answer, from what the store knows; nothing outside is asked. None = received."""
    if delivery.kind == "ssl_check":
        return received()
    request = parse(delivery.body)
    if request.kind == "url_verification":
        return Reply(body={"challenge": request.text("challenge")})
    if request.kind == "slash_command":
        return ephemeral(_command_message(request, ctx))
    if request.kind == "block_actions":
        return _pressed(request, ctx)
    return None if request.kind.startswith("event.") else received()


def command_message(command: Command, ctx: Context) -> Message:
    """What is said to a command."""
    prefix = ctx.nexus.config.key_prefix
    try:
        return _look_up(command, ctx, prefix)
    except (NotFound, Invalid):
        if command.verb in (Verb.NEXT, Verb.READY):
            known = [repository.name for repository in ctx.nexus.repositories.list(actor=ctx.actor)]
            return commands.no_repository(command.argument, known)
        return commands.no_task(command.argument, prefix)


def _command_message(request: Request, ctx: Context) -> Message:
    try:
        check_workspace(request, ctx.settings(Settings))
        return command_message(commands.parse(request.text("text"), ctx.nexus.config.key_prefix), ctx)
    except Forbidden as error:
        return messages.refusal(error.message)
    except NexusError as error:
        ctx.log.warning("a Slack command could not be answered: %s", error.code)
        return commands.trouble("I cannot answer at the moment. Try again in a minute.")


def _look_up(command: Command, ctx: Context, prefix: str) -> Message:
    wanted = command.argument
    match command.verb:
        case Verb.NEXT:
            best = ctx.nexus.tasks.next(repository=wanted or None, actor=ctx.actor)
            return commands.next_(best.task if best else None, best.reasons if best else (), wanted, prefix)
        case Verb.READY:
            tasks = ctx.nexus.tasks.ready(repository=wanted or None, limit=commands.MOST + 1, actor=ctx.actor)
            return commands.ready(tasks, wanted, prefix)
        case Verb.HELP:
            return commands.help_(command.unknown, prefix)
        case Verb.SHOW | Verb.WHY if not wanted:
            return commands.usage(command.verb, prefix)
        case Verb.SHOW:
            return commands.show(_picture(parse_task_id(wanted, prefix), ctx), prefix)
        case Verb.WHY:
            return commands.why(_picture(parse_task_id(wanted, prefix), ctx), prefix)


def _picture(task_id: int, ctx: Context) -> Picture:
    task = ctx.nexus.tasks.get(task_id, actor=ctx.actor)
    readiness = ctx.nexus.tasks.readiness(task_id, actor=ctx.actor)
    return Picture(
        task=task,
        readiness=readiness,
        dependencies=tuple(_tasks(task.dependencies, ctx)),
        changes=tuple(change for change, _ in ctx.nexus.changes.for_task(task_id, actor=ctx.actor)),
        others={other.id: other for other in _tasks(_mentioned(readiness), ctx)},
    )


def _mentioned(readiness: Readiness) -> tuple[int, ...]:
    causes = [task for condition in readiness.why for task in condition.tasks[: commands.MOST]]
    freed = readiness.impact.unblocks[:3] if readiness.impact else ()
    return tuple(dict.fromkeys([*causes, *freed]))


def _tasks(ids: tuple[int, ...], ctx: Context) -> list[Task]:
    """The tasks, in this order, those that can be seen."""
    found = {task.id: task for task in ctx.nexus.tasks.many(ids, actor=ctx.actor)}
    return [found[task_id] for task_id in ids if task_id in found]


def _pressed(request: Request, ctx: Context) -> Reply:
    """Who may not press gets told so; what the press does is a job of its own."""
    try:
        identify(request, ctx, Scope.ASSIGNMENTS_WRITE)
    except Forbidden as error:
        return ephemeral(messages.refusal(error.message))
    return received()


def ephemeral(message: Message) -> Reply:
    """A message that only the one who asked sees."""
    return Reply(
        body={
            "response_type": "ephemeral",
            "text": message.text,
            "blocks": list(message.blocks),
            "parse": "none",
        }
    )


def received() -> Reply:
    """That it was taken in, and nothing else."""
    return Reply(body="", content_type="text/plain")
