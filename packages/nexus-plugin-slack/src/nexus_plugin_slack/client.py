"""The calls that we make to Slack, through slack-sdk.

slack-sdk would repeat a call whose connection broke, although Slack may have acted on it, and would sleep as
long as Slack asks. Here a call is made once: what did not succeed becomes the outcome of the job, and before
a message is posted again the channel is asked whether it is there already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any

import attrs
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from nexus_core.domain.jobs import Retry, Snooze

from .blocks import Message

METADATA_TYPE = "nexus"
CLOCK_SLACK = timedelta(minutes=2)  #: how far Slack's clock and ours may be apart
LONGEST_WAIT = timedelta(hours=1)
HISTORY_PAGES = 5
CHANNEL_PAGES = 10

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{5,}")
_HINTS = {
    "invalid_auth": "check NEXUS_SLACK_BOT_TOKEN",
    "not_authed": "check NEXUS_SLACK_BOT_TOKEN",
    "account_inactive": "check NEXUS_SLACK_BOT_TOKEN",
    "token_revoked": "check NEXUS_SLACK_BOT_TOKEN",
    "channel_not_found": "check NEXUS_SLACK_CHANNEL, and invite the app to the channel",
    "not_in_channel": "invite the app to the channel",
    "is_archived": "choose another NEXUS_SLACK_CHANNEL",
    "missing_scope": "give the app the scopes chat:write, channels:read and channels:history",
}
#: Why the channel's past cannot be read; not a reason to leave people without the message.
_BLIND = frozenset({"missing_scope", "not_in_channel", "channel_not_found", "no_permission", "access_denied"})


class SlackTrouble(Exception):
    """A call to Slack did not succeed; `outcome` says what becomes of the job."""

    def __init__(self, message: str, *, code: str = "", wait: timedelta | None = None) -> None:
        self.code = code
        self.outcome: Retry | Snooze = Retry(message) if wait is None else Snooze(wait)
        super().__init__(message)


@attrs.frozen(kw_only=True)
class Posted:
    """A message that stands in a channel."""

    channel: str  #: the channel's id
    ts: str  #: the message's id within it
    found: bool = False  #: it stood there already, from an earlier attempt


@attrs.frozen
class SlackClient:
    """Slack's Web API, as one app."""

    token: str = attrs.field(repr=False)
    api_url: str
    timeout: int = 10  #: seconds

    def post(self, channel: str, message: Message, key: str, *, again_since: datetime | None = None) -> Posted:
        """Post a message once. With `again_since`, an earlier attempt since then may have posted it.

        :raises SlackTrouble: it is not known to be there
        """
        found = self._look(channel, key, again_since) if again_since else None
        if found:
            return found
        answer = self._call(
            "chat.postMessage",
            channel=channel,
            text=message.text,
            blocks=list(message.blocks),
            unfurl_links=False,
            unfurl_media=False,
            link_names=False,
            parse="none",
            metadata={"event_type": METADATA_TYPE, "event_payload": {"key": key}},
        )
        return Posted(channel=str(answer.get("channel", channel)), ts=str(answer.get("ts", "")))

    def update(self, posted: Posted, message: Message) -> None:
        """Replace what a message says.

        :raises SlackTrouble: it was not replaced
        """
        self._call(
            "chat.update",
            channel=posted.channel,
            ts=posted.ts,
            text=message.text,
            blocks=list(message.blocks),
            parse="none",
        )

    def whisper(self, channel: str, user: str, message: Message) -> None:
        """Say something in a channel that only one person sees.

        :raises SlackTrouble: it was not said
        """
        self._call(
            "chat.postEphemeral",
            channel=channel,
            user=user,
            text=message.text,
            blocks=list(message.blocks),
            parse="none",
        )

    def whoami(self) -> str:
        """The app and the workspace that the token stands for.

        :raises SlackTrouble: the token is not good, or Slack cannot be reached
        """
        answer = self._call("auth.test")
        return f"{answer.get('user', 'the app')} in {answer.get('team', 'the workspace')}"

    def find(self, channel: str, key: str, since: datetime) -> Posted | None:
        """The message with this key, if the channel has one from about `since` on.

        :raises SlackTrouble: the channel's past could not be read
        """
        channel_id = self._channel_id(channel)
        if channel_id is None:
            return None
        oldest = f"{(since - CLOCK_SLACK).timestamp():.6f}"
        pages = self._pages(
            "conversations.history",
            HISTORY_PAGES,
            channel=channel_id,
            oldest=oldest,
            limit=200,
            include_all_metadata=True,
        )
        for page in pages:
            for message in page.get("messages") or []:
                if _key(message) == key:
                    return Posted(channel=channel_id, ts=str(message["ts"]), found=True)
        return None

    def _look(self, channel: str, key: str, since: datetime) -> Posted | None:
        try:
            return self.find(channel, key, since)
        except SlackTrouble as trouble:
            if trouble.code in _BLIND:
                return None
            raise

    def _channel_id(self, channel: str) -> str | None:
        if _CHANNEL_ID.fullmatch(channel):
            return channel
        wanted = channel.removeprefix("#")
        pages = self._pages(
            "conversations.list", CHANNEL_PAGES, limit=1000, exclude_archived=True, types="public_channel"
        )
        channels = (found for page in pages for found in page.get("channels") or [])
        return next((str(found["id"]) for found in channels if found.get("name") == wanted), None)

    def _pages(self, method: str, most: int, **arguments: Any) -> Iterator[SlackResponse]:
        cursor = ""
        for _ in range(most):
            page = self._call(method, query=True, **arguments, **({"cursor": cursor} if cursor else {}))
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _call(self, method: str, *, query: bool = False, **arguments: Any) -> SlackResponse:
        web = WebClient(token=self.token, base_url=self.api_url, timeout=self.timeout, retry_handlers=[])
        try:
            return web.api_call(method, params=arguments) if query else web.api_call(method, json=arguments)
        except SlackApiError as error:
            raise _refused(method, error.response) from None
        except (SlackClientError, HTTPException, OSError, ValueError) as error:
            raise SlackTrouble(f"Slack could not be reached for {method}: {type(error).__name__}") from None


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("key")
    return key if metadata.get("event_type") == METADATA_TYPE and isinstance(key, str) else None


def _refused(method: str, answer: SlackResponse) -> SlackTrouble:
    if answer.status_code == 429:
        return SlackTrouble(f"Slack asks to wait before {method}", code="ratelimited", wait=_wait(answer))
    code = str(answer.get("error") or f"status {answer.status_code}")[:80]
    hint = f": {_HINTS[code]}" if code in _HINTS else ""
    return SlackTrouble(f"Slack refused {method} with {code}{hint}", code=code)


def _wait(answer: SlackResponse) -> timedelta:
    """What Slack asks for, between a second and an hour; its header names come in either case."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    asked = headers.get("retry-after")
    text = str(asked[0] if isinstance(asked, list) else asked)
    seconds = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 30
    return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), LONGEST_WAIT)
