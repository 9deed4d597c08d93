"""What a press of a button does: a person answers the question of an agent. A job, once for each press."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nexus_core.domain.access import Scope
from nexus_core.domain.changes import Fact
from nexus_core.domain.deliveries import Delivery
from nexus_core.errors import Conflict, Forbidden, NexusError, NotFound

from . import messages
from .people import check_workspace, identify
from .sansio import Request, parse
from .settings import Settings
from .text import one_line

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context


def translate(delivery: Delivery, ctx: Context) -> Iterable[Fact] | None:
    """Do what a delivery asks for. Slack states no facts about code; what it does not ask for is ignored."""
    if delivery.kind == "block_actions":
        _press(parse(delivery.body), ctx)
    elif delivery.kind == "slash_command":
        _audit(parse(delivery.body), ctx)
    else:
        return ()
    return None


def _press(request: Request, ctx: Context) -> None:
    asked = [
        found
        for action in request.actions
        if str(action.get("action_id", "")).startswith(messages.ANSWER_ACTION)
        if (found := messages.read_answer(str(action.get("value", ""))))
    ]
    if not asked:
        return
    try:
        actor = identify(request, ctx, Scope.ASSIGNMENTS_WRITE)
        for activity_id, answer in asked:
            ctx.nexus.inbox.answer(activity_id, answer, actor=actor)
    except Forbidden as error:
        _refused(request, ctx, error)
    except (Conflict, NotFound) as error:
        _tell(request, ctx, error)


def _audit(request: Request, ctx: Context) -> None:
    """A command from another workspace was refused at once; here it is put on record."""
    try:
        check_workspace(request, ctx.settings(Settings))
    except Forbidden as error:
        _record(request, ctx, error)


def _refused(request: Request, ctx: Context, error: Forbidden) -> None:
    _record(request, ctx, error)
    _tell(request, ctx, error)


def _record(request: Request, ctx: Context, error: Forbidden) -> None:
    ctx.nexus.events.record(
        "access.refused",
        payload={
            "reason": error.message,
            "code": error.code,
            "method": request.kind,
            "path": "slack",
            "address": one_line(f"{request.team}/{request.user}", 100),
        },
        delivery=ctx.delivery,
        actor=ctx.actor,
    )


def _tell(request: Request, ctx: Context, error: NexusError) -> None:
    """Tell the person, and nobody else. A courtesy: without it, what was done or refused still stands."""
    from .client import SlackClient, SlackTrouble

    settings = ctx.settings(Settings)
    if not settings.bot_token or not request.channel or not request.user:
        return
    try:
        client = SlackClient(settings.bot_token, settings.api_url)
        client.whisper(request.channel, request.user, messages.refusal(error.message))
    except SlackTrouble as trouble:
        ctx.log.warning("%s", trouble)
