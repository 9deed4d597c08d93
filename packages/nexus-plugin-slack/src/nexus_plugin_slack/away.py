"""What Slack gets while the hub cannot reach its database: a person is told so, at once, and nothing is kept.

A command answered minutes later is of no use, and a button that took effect then would surprise: whoever pressed it
would not know, and somebody else may have decided meanwhile. Events, to which nobody waits for an answer, are spooled.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nexus_core.domain.deliveries import Reply, VerifiedDelivery

from .answers import ephemeral, received
from .commands import trouble
from .sansio import Request, parse
from .settings import Settings

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context

SAID = "Nexus cannot reach its database at the moment. Nothing was done; please try again in a minute."


def away(delivery: VerifiedDelivery, ctx: Context) -> Reply | None:
    """Slack's answer while nothing can be stored; None = it can wait."""
    if delivery.kind == "ssl_check":
        return received()  # it is not signed, so nothing of it is ever kept
    request = parse(delivery.body)
    if request.kind == "url_verification":
        return Reply(body={"challenge": request.text("challenge")})
    if request.kind.startswith("event."):
        return None
    if request.kind != "slash_command":  # Slack shows the answer to a command alone
        threading.Thread(target=_whisper, args=(request, ctx), name="nexus-slack-away", daemon=True).start()
    return ephemeral(trouble(SAID))


def _whisper(request: Request, ctx: Context) -> None:
    """Tell the one who pressed. A courtesy: where it fails, the question still stands there with its buttons."""
    from .client import SlackClient, SlackTrouble

    settings = ctx.settings(Settings)
    if not settings.bot_token or not request.channel or not request.user:
        return
    try:
        SlackClient(settings.bot_token, settings.api_url).whisper(request.channel, request.user, trouble(SAID))
    except SlackTrouble as error:
        ctx.log.warning("%s", error)
