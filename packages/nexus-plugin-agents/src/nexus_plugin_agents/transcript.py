"""Reads what agents print: plain lines, Claude Code's stream-json and Codex's JSON lines. No I/O.

The format is told by the lines themselves, so that any command that prints one of them is understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from nexus_core.domain.agents import ActivityType

BODY_LIMIT = 2000  #: characters of one activity

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TOOL_SUBJECTS = (
    "file_path",
    "notebook_path",
    "command",
    "pattern",
    "url",
    "query",
    "path",
    "description",
    "skill",
)


@attrs.frozen
class Said:
    """One thing that an agent said, ready to be reported."""

    type: ActivityType
    body: str


def clean(text: str) -> str:
    """The text without escape sequences and control characters, fit for any store and any terminal.

    >>> clean("\\x1b[31mred\\x1b[0m\\x00 10%\\r100%")
    'red 10%100%'
    """
    text = _CONTROL.sub("", _ANSI.sub("", text))
    return text.encode("utf-8", "replace").decode("utf-8")


def short(text: str, limit: int = BODY_LIMIT) -> str:
    """The text, cut where it is too long to be read."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


class Transcript:
    """What an agent has said so far, and what came of it by its own word."""

    def __init__(self, *, root: str = "") -> None:
        self._root = root.rstrip("/") + "/" if root else ""
        self._last_message = ""
        self.summary = ""  #: its last answer
        self.error = ""  #: why it failed, by its own word
        self.failed = False  #: its result line says that it failed, whatever its exit code

    def read(self, line: str) -> list[Said]:
        """What one line of output says; nothing for a line without news."""
        line = line.rstrip("\r\n").rpartition("\r")[2]
        event = _json_object(line)
        found = None if event is None else self._event(event)
        if found is None:
            found = [Said(ActivityType.ACTION, line)]
        cleaned = (Said(said.type, short(clean(self._relative(said.body)).strip("\n").rstrip())) for said in found)
        return [said for said in cleaned if said.body.strip()]

    def _relative(self, text: str) -> str:
        return text.replace(self._root, "") if self._root else text

    def _event(self, event: Mapping[str, Any]) -> list[Said] | None:
        """None: it is nothing that we know, so the line is shown as it is."""
        kind = event.get("type")
        if kind in ("assistant", "user") and isinstance(event.get("message"), dict):
            return list(self._claude_message(kind, event["message"]))
        if kind == "result" and "is_error" in event:
            return [self._claude_result(event)]
        if kind == "system" and "subtype" in event:
            return list(_claude_system(event))
        if kind in ("stream_event", "rate_limit_event") or (kind == "thread.started" and "thread_id" in event):
            return []
        if isinstance(kind, str) and kind.startswith("item.") and isinstance(event.get("item"), dict):
            return list(self._codex_item(kind, event["item"]))
        if kind in ("turn.started", "turn.completed", "turn.failed", "error"):
            return self._codex_turn(str(kind), event)
        return None

    def _claude_message(self, role: str, message: Mapping[str, Any]) -> Iterator[Said]:
        content = message.get("content")
        for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            if not isinstance(part, dict) or (role == "user" and part.get("type") != "tool_result"):
                continue
            if part.get("type") == "text":
                yield Said(ActivityType.THOUGHT, _text(part.get("text")))
            elif part.get("type") == "thinking":
                yield Said(ActivityType.THOUGHT, _text(part.get("thinking")))
            elif part.get("type") == "tool_use":
                yield Said(ActivityType.ACTION, _tool(_text(part.get("name")), part.get("input")))
            elif part.get("type") == "tool_result" and part.get("is_error"):
                yield Said(ActivityType.ACTION, "failed: " + short(_text(part.get("content")), 500))

    def _claude_result(self, event: Mapping[str, Any]) -> Said:
        text = clean(_text(event.get("result"))).strip()
        if not event["is_error"]:
            self.failed, self.error, self.summary = False, "", short(text)
            return Said(ActivityType.RESPONSE, text or "done")
        reason = text or _text(event.get("errors")) or _text(event.get("subtype")) or "it failed without a word"
        self.failed, self.error = True, short(clean(reason))
        return Said(ActivityType.ERROR, reason)

    def _codex_item(self, kind: str, item: Mapping[str, Any]) -> Iterator[Said]:
        what, done = item.get("type"), kind == "item.completed"
        if what == "agent_message" and done:
            self._last_message = _text(item.get("text"))
            yield Said(ActivityType.THOUGHT, self._last_message)
        elif what == "reasoning" and done:
            yield Said(ActivityType.THOUGHT, _text(item.get("text")))
        elif what == "command_execution" and kind == "item.started":
            yield Said(ActivityType.ACTION, "$ " + _text(item.get("command")))
        elif what == "command_execution" and done and item.get("exit_code"):
            yield Said(ActivityType.ACTION, f"failed: exit code {item['exit_code']}: {_text(item.get('command'))}")
        elif what == "file_change" and done:
            yield Said(ActivityType.ACTION, "edit " + _changed_paths(item.get("changes")))
        elif what == "mcp_tool_call" and kind == "item.started":
            yield Said(ActivityType.ACTION, f"{_text(item.get('server'))} {_text(item.get('tool'))}")
        elif what == "web_search" and done:
            yield Said(ActivityType.ACTION, "search " + _text(item.get("query")))
        elif what == "error" and done:  # a warning: the turn goes on
            yield Said(ActivityType.ACTION, "warning: " + _text(item.get("message")))

    def _codex_turn(self, kind: str, event: Mapping[str, Any]) -> list[Said] | None:
        if kind == "turn.completed":
            self.failed, self.error, self.summary = False, "", short(clean(self._last_message))
            return [Said(ActivityType.RESPONSE, self._last_message)]
        if kind == "turn.failed":
            self.failed, self.error = True, short(clean(_text(event.get("error")) or "the turn failed"))
            return [Said(ActivityType.ERROR, self.error)]
        if kind == "error":  # it tries again; `turn.failed` follows when it gives up
            self.error = short(clean(_text(event.get("message"))))
            return [Said(ActivityType.ACTION, "warning: " + self.error)] if self.error else None
        return []


def _json_object(line: str) -> Mapping[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str:
    """The readable part of a value that may be a text, an object with one, or a list of such."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _text(value.get("message") or value.get("text"))
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    return ""


def _tool(name: str, given: Any) -> str:
    subjects = given if isinstance(given, dict) else {}
    subject = next((_text(subjects[key]) for key in _TOOL_SUBJECTS if _text(subjects.get(key))), "")
    return f"{name} {short(subject, 500)}".strip()


def _claude_system(event: Mapping[str, Any]) -> Iterator[Said]:
    if event["subtype"] == "init":
        yield Said(ActivityType.ACTION, f"started with {_text(event.get('model')) or 'its default model'}")


def _changed_paths(changes: Any) -> str:
    paths = (
        [_text(change.get("path")) for change in changes if isinstance(change, dict)]
        if isinstance(changes, list)
        else []
    )
    return ", ".join(paths)
