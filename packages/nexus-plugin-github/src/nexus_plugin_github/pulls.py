"""What a pull request says. Texts of tasks and agents are data: they can neither close, mention nor leak."""

from __future__ import annotations

import re

from nexus_core.domain.agents import Assignment
from nexus_core.domain.tasks import Task, task_key

from .client import PullText, marker

LONGEST_TITLE = 200
LONGEST_SECTION = 10_000
_BREAK = "\u200b"  # a space without width: looks the same, and is no longer the word that it was
_CLOSING = re.compile(r"\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=:?\s+(?:https?://|\[))", re.IGNORECASE)
_SECRETS = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|nxs_[A-Za-z0-9_]{16,}|xox[a-z]-[A-Za-z0-9-]{10,}"
    r"|sk-[A-Za-z0-9_-]{20,}|AKIA[A-Z0-9]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)",
    re.DOTALL,
)


def harmless(text: str, prefix: str, limit: int = LONGEST_SECTION) -> str:
    """A text from a task or an agent, fit for GitHub: it names no task or issue, calls nobody, hides nothing.

    >>> harmless("Closes #5, ask @octocat", "NX").replace(chr(0x200b), "|")
    'Closes #|5, ask @|octocat'
    """
    text = _SECRETS.sub("[removed: looks like a secret]", text)
    text = text if len(text) <= limit else text[:limit].rstrip() + " … (shortened)"
    text = re.sub(r"([@#])(?=[A-Za-z0-9])", rf"\1{_BREAK}", text)
    text = re.sub(rf"\b({re.escape(prefix)}|GH)-(?=\d)", rf"\1-{_BREAK}", text, flags=re.IGNORECASE)
    text = re.sub(r"^((?:Task|Tag):)(?=[ \t]*\S)", rf"\1{_BREAK}", text, flags=re.MULTILINE)
    text = _CLOSING.sub(rf"\1{_BREAK}", text)
    return text.replace("<!--", f"<{_BREAK}!--").strip()


def compose(task: Task, assignment: Assignment, *, summary: str, head: str, base: str, prefix: str) -> PullText:
    """The pull request for the work of an assignment, which lies on the branch `head`."""
    key = task_key(task.id, prefix)
    title = " ".join(harmless(task.title, prefix).split())
    if len(title) > LONGEST_TITLE:
        title = title[:LONGEST_TITLE].rstrip() + "…"
    mark = marker(f"assignment-{assignment.id}")
    sections = [
        f"Closes {key}.",
        _section("The task", "\n\n".join(part for part in (task.description, task.details) if part), prefix),
        _section("What was done", summary, prefix),
        _section("How to test it", task.test_strategy, prefix),
        _accountable(assignment, prefix),
        mark,
    ]
    body = "\n\n".join(section for section in sections if section)
    return PullText(title=f"{title} ({key})", body=body, head=head, base=base, marker=mark)


def _section(heading: str, text: str, prefix: str) -> str:
    text = harmless(text, prefix)
    return f"## {heading}\n\n{text}" if text else ""


def _accountable(assignment: Assignment, prefix: str) -> str:
    reason = " ".join(harmless(assignment.reason, prefix, 500).split())
    because = f" It was chosen for: {reason}." if reason else ""
    return (
        f"---\n\nThe agent **{assignment.agent}** wrote this (assignment {assignment.id}, attempt "
        f"{assignment.attempt}); Nexus opened the pull request.{because} Whoever merges it answers for it."
    )
