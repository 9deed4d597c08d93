"""Whether the plugin could do its work now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_core.plugins.records import NotChecked

from .settings import Settings

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context

SHORTEST_SECRET = 16
PATIENCE = 3  #: seconds


def check(ctx: Context) -> str | NotChecked | None:
    """What is wrong with the settings, or with the token in Slack's eyes; None when nothing is."""
    settings = ctx.settings(Settings)
    if any(len(secret) < SHORTEST_SECRET for secret in settings.signing_secret):
        return f"NEXUS_SLACK_SIGNING_SECRET is shorter than {SHORTEST_SECRET} characters"
    if not settings.bot_token:
        return NotChecked("no bot token is configured (NEXUS_SLACK_BOT_TOKEN): messages are rendered and logged only")
    from .client import SlackClient, SlackTrouble

    try:
        SlackClient(settings.bot_token, settings.api_url, timeout=PATIENCE).whoami()
    except SlackTrouble as trouble:
        return str(trouble)
    return None
