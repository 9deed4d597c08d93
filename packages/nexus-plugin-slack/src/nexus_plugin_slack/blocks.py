"""Block Kit, as much of it as Nexus uses, within Slack's limits whatever is put in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from .text import one_line

Block = dict[str, Any]

MAX_BLOCKS = 50
MAX_TEXT = 3000
MAX_BUTTONS = 25
MAX_BUTTON_LABEL = 75
MAX_BUTTON_VALUE = 2000


@attrs.frozen(kw_only=True)
class Message:
    """What is shown: blocks, and the text for notifications and for screens that cannot show blocks."""

    text: str
    blocks: tuple[Block, ...]


@attrs.frozen(kw_only=True)
class Button:
    """A button: what it says, and what comes back when it is pressed."""

    label: str
    action_id: str
    value: str


def message(text: str, *blocks: Block | None) -> Message:
    """A message from its blocks; those that are None are left out."""
    return Message(text=text[:MAX_TEXT], blocks=tuple(block for block in blocks if block is not None)[:MAX_BLOCKS])


def section(*lines: str) -> Block | None:
    """Lines of marked-up text; the last ones give way when there are too many. None without a line."""
    text = fit([line for line in lines if line])
    return {"type": "section", "text": _mrkdwn(text)} if text else None


def context(*parts: str) -> Block | None:
    """Small grey text: parts side by side. None without a part."""
    text = fit(["  ·  ".join(part for part in parts if part)])
    return {"type": "context", "elements": [_mrkdwn(text)]} if text else None


def actions(block_id: str, buttons: Iterable[Button]) -> Block | None:
    """A row of buttons. None without a button."""
    elements = [
        {
            "type": "button",
            "action_id": button.action_id,
            "text": {"type": "plain_text", "text": one_line(button.label, MAX_BUTTON_LABEL) or "…"},
            "value": button.value,
        }
        for button in buttons
    ][:MAX_BUTTONS]
    return {"type": "actions", "block_id": block_id, "elements": elements} if elements else None


def fit(lines: Sequence[str], limit: int = MAX_TEXT) -> str:
    """The lines as one text; whole lines are dropped from the end until it fits.

    >>> fit(["one", "two", "three"], 9)
    'one\\ntwo\\n…'
    """
    if len("\n".join(lines)) <= limit:
        return "\n".join(lines)
    kept: list[str] = []
    for line in lines:
        if len("\n".join([*kept, line, "…"])) > limit:
            break
        kept.append(line)
    return "\n".join([*kept, "…"])


def _mrkdwn(text: str) -> Block:
    # `verbatim`: Slack must not go looking for names and addresses in what other people wrote.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
