"""The plugin's settings: the table `[plugins.slack]` and the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from nexus_core.plugins.records import Setting

DEFAULT_API_URL = "https://slack.com/api/"
DEFAULT_CHANNEL = "#nexus"


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    return tuple(item.strip() for item in items if item.strip())


def _text(value: str) -> str:
    return value.strip()


def _folder_url(value: str) -> str:
    url = value.strip() or DEFAULT_API_URL
    if not url.startswith(("https://", "http://")):
        raise ValueError("expected an address that begins with https://, such as https://slack.com/api/")
    return url if url.endswith("/") else f"{url}/"


@attrs.frozen(kw_only=True)
class Settings:
    """How Nexus and Slack know each other."""

    #: What Slack signs its requests with; several while one replaces another. None = all is refused.
    signing_secret: tuple[str, ...] = attrs.field(default=(), converter=_texts, repr=False)
    #: What Nexus calls Slack as; empty = messages are rendered and logged only.
    bot_token: str = attrs.field(default="", converter=_text, repr=False)
    channel: str = attrs.field(default=DEFAULT_CHANNEL, converter=_text)  #: `#name`, or the channel's id
    api_url: str = attrs.field(default=DEFAULT_API_URL, converter=_folder_url)  #: ends with a slash
    #: Workspaces whose people may ask; empty = every one that has the app.
    team_id: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    users: Mapping[str, str] = attrs.field(factory=dict)  #: Slack's user id -> the Nexus username


SETTINGS = (
    Setting(
        key="signing_secret",
        env="NEXUS_SLACK_SIGNING_SECRET",
        doc="What Slack signs its requests with; several by comma while one replaces another. "
        "Without one, every request from Slack is refused.",
        secret=True,
    ),
    Setting(
        key="bot_token",
        env="NEXUS_SLACK_BOT_TOKEN",
        doc="The app's bot token (`xoxb-…`; scopes chat:write, channels:read, channels:history). "
        "Without one, messages are rendered and logged but not sent.",
        secret=True,
    ),
    Setting(
        key="channel",
        env="NEXUS_SLACK_CHANNEL",
        doc="Where messages go: `#name`, or the channel's id.",
        default=DEFAULT_CHANNEL,
    ),
    Setting(
        key="api_url",
        env="NEXUS_SLACK_API_URL",
        doc="Every call to Slack goes below it.",
        default=DEFAULT_API_URL,
    ),
    Setting(
        key="team_id",
        env="NEXUS_SLACK_TEAM_ID",
        doc="Ids of the workspaces (`T…`) whose people may ask, by comma. Empty: every one that has the app.",
        default=(),
    ),
    Setting(
        key="users",
        doc="Who is who, for buttons that change something: Slack's user id and the Nexus username, such as "
        '`users = { U024BE7LH = "alice" }`. Who is not listed may press none.',
        default={},
    ),
)
