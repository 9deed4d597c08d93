"""The fields of Taskmaster's task objects, in every form in which they occur, read as a person would."""

from __future__ import annotations

import json
import re
from typing import Any

import attrs

from ..domain.tasks import Priority, Status
from .jsontext import Node, clean
from .words import priority_of, status_near, status_of

MAX_TITLE = 2000  #: characters, as for titles from elsewhere: they are shown in lists, messages and documents
MAX_ID = 100  #: characters of an id or tag that a key keeps; databases index keys
#: The members of a task object that are read as fields of a task; behind a dot, a member of a member.
MIRRORED = frozenset((
    "id", "title", "description", "details", "testStrategy", "test_strategy", "status", "priority", "dependencies",
    "subtasks", "tags", "labels", "complexity", "metadata.nexus",
))  # fmt: skip
_DIGITS = re.compile(r"[0-9]+")
_PLAIN = re.compile(r"-?[0-9]+\.[0-9]*[1-9][0-9]*")
_HOSTED = re.compile(r"([A-Za-z]{3})-?([0-9]+)")
_UNSCORED = "Automatically added due to missing analysis in AI response."


@attrs.frozen(kw_only=True)
class Problem:
    """A field that does not say what it should: its name, what is odd, and what was done."""

    field: str
    code: str
    message: str
    done: str


@attrs.frozen(kw_only=True)
class Fields:
    """What a task object says, without its id, dependencies and subtasks."""

    title: str
    description: str
    details: str
    test_strategy: str
    status: Status
    priority: Priority | None  #: None when the object names none
    labels: tuple[str, ...]
    complexity: int | None
    problems: tuple[Problem, ...]


def id_text(value: Any, source: str = "") -> str | None:
    """The id that a value names, as text, or None when it names none; `source` is how a fraction is spelled.

    >>> [id_text(value) for value in (3, "03", "ham1", 3.0, None)], id_text(3.2, "3.20")
    (['3', '3', 'HAM-1', '3', None], '3.20')
    """
    if type(value) is int and value >= 0:
        return str(value)[:MAX_ID]
    if isinstance(value, str):
        text = clean(value).strip()
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    elif isinstance(value, int) or _PLAIN.fullmatch(source):
        # The spelling counts: the number 3.20 is subtask 20 of task 3, not subtask 2.
        text = source if isinstance(value, float) else str(value)
    else:
        text = f"{value:.15g}"
    if _DIGITS.fullmatch(text):
        text = text.lstrip("0") or "0"
    elif found := _HOSTED.fullmatch(text):
        text = f"{found[1].upper()}-{found[2]}"
    return text[:MAX_ID] or None


def local_id(text: str, parent: str) -> str:
    """The id of a subtask within its parent.

    >>> local_id("3.2", "3"), local_id("42-1", "42"), local_id("2", "3")
    ('2', '1', '2')
    """
    rest = text.removeprefix(parent)
    if rest != text and re.fullmatch(r"-[0-9]+|\..+", rest, re.DOTALL):
        return rest[1:]
    return text


def read_fields(node: Node, name: str) -> Fields:
    """Read a task object; `name` is what it is called when it has no title."""
    reader = _Reader(node.value)
    description = reader.text("description")
    return Fields(
        title=reader.title(description, name),
        description=description,
        details=reader.text("details"),
        test_strategy=reader.text(strategy_name(node.value)),
        status=reader.status(),
        priority=reader.priority(),
        labels=reader.labels(),
        complexity=reader.complexity(),
        problems=tuple(reader.problems),
    )


def strategy_name(value: dict[str, Any]) -> str:
    """Under which name the object keeps its test strategy; some files write it with an underscore."""
    return "test_strategy" if "test_strategy" in value and "testStrategy" not in value else "testStrategy"


def labels_name(value: dict[str, Any]) -> str:
    """Under which name the object keeps its labels."""
    return "labels" if "labels" in value and "tags" not in value else "tags"


def label_of(value: Any) -> str | None:
    """The label that a value is, or None."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else None


class _Reader:
    """Reads the fields of one object and gathers what is odd about them."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.problems: list[Problem] = []

    def odd(self, field: str, code: str, message: str, done: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(field=field, code=code, message=message, done=done))

    def text(self, field: str) -> str:
        """A text: lists are joined by line breaks, numbers written out."""
        value = self.value.get(field)
        if isinstance(value, dict | bool):
            self.odd(field, "odd_text", f"it is {kind_of(value)}, not a text", "imported as JSON text")
        return _as_text(value)

    def title(self, description: str, name: str) -> str:
        """The title, or the best substitute."""
        value = self.value.get("title")
        text = _as_text(value)
        if not text.strip():
            lines = description.strip().splitlines()
            text = lines[0][:200] if lines else name
            self.odd("title", "missing_title", "there is no title", f"imported as “{text[:60]}”")
        elif not isinstance(value, str):
            self.odd("title", "odd_title", f"the title is {kind_of(value)}, not a text", f"imported as “{text[:60]}”")
        if len(text) > MAX_TITLE:
            message = f"the title has {len(text)} characters"
            self.odd("title", "long_title", message, f"cut off after {MAX_TITLE}; kept whole in the file")
        return text[:MAX_TITLE]

    def status(self) -> Status:
        """The status; missing and unknown words mean pending."""
        value = self.value.get("status")
        if value is None:
            return Status.PENDING
        word = value.strip().lower() if isinstance(value, str) else ""
        if known := status_of(word):
            return known
        if found := status_near(word):
            self.odd("status", "unusual_status", f"Taskmaster has no status {_quoted(value)}", f"read as {found}")
            return found
        self.odd(
            "status",
            "unknown_status",
            f"there is no status {_quoted(value)}",
            "imported as pending; the word is kept",
        )
        return Status.PENDING

    def priority(self) -> Priority | None:
        """The priority; unknown words mean medium."""
        value = self.value.get("priority")
        if value is None:
            return None
        if isinstance(value, str) and (known := priority_of(value)):
            return known
        message = f"there is no priority {_quoted(value)}"
        self.odd("priority", "unknown_priority", message, "imported as medium; the word is kept")
        return Priority.MEDIUM

    def labels(self) -> tuple[str, ...]:
        """The labels, each once."""
        name = labels_name(self.value)
        value = self.value.get(name)
        parts = value if isinstance(value, list) else [] if value is None else [value]
        good = [label for part in parts if (label := label_of(part)) is not None]
        if len(good) < len(parts):
            self.odd(name, "odd_labels", "some are not texts", "left out; kept in the raw data")
        return tuple(dict.fromkeys(label for label in good if label))

    def complexity(self) -> int | None:
        """The score that Taskmaster copies from its report, unless it stands for a missing analysis."""
        name = "complexity" if self.value.get("complexity") is not None else "complexityScore"
        value = self.value.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.value.get("complexityReasoning") == _UNSCORED:
            return None
        if not 1 <= value <= 10:
            self.odd(
                name,
                "odd_complexity",
                f"{str(value)[:20]} is not between 1 and 10",
                "left out; kept in the raw data",
            )
            return None
        return int(value + 0.5)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(_as_text(part) for part in value)
    if isinstance(value, dict):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value)


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "null"
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "a text")


def _quoted(value: Any) -> str:
    return f"“{_as_text(value)[:40]}”"
