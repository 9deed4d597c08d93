"""Events as a story: when, who, what, why, in a line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .screen import when

if TYPE_CHECKING:
    from .screen import Screen

#: Type -> what happened, with fields of the payload; `{task}` is the task's key.
SENTENCES = {
    "task.created": "created {task} {title}",
    "task.edited": "edited {task} ({changes})",
    "task.scored": "scored {task} {to} of 10, which was {from}",
    "task.moved": "moved {task} from {from} to {to}",
    "task.completed": "completed {task} {title}",
    "task.ready": "{task} is ready",
    "task.conflicted": "changed {task} {title} in a task file or an issue while Nexus changed it too",
    "task.depended": "let {task} wait for {on}",
    "task.undepended": "no longer lets {task} wait for {on}",
    "tasks.imported": "imported tasks: {created} new, {changed} changed, {unchanged} as before",
    "scores.imported": "imported scores of tag {tag}: {scored} tasks, {changed} changed",
    "tasks.mended": "mended {code} ({mend}): {changes}",
    "repository.added": "added the repository {name}",
    "repository.edited": "edited the repository ({changes})",
    "repository.synced": "asked for {name} to be brought in step",
    "repository.connected": "looked at the repository on {host} ({wanting} wanting)",
    "policy.touched": "pushed a change of the policy file",
    "policy.changed": "the policy of the repository is in force ({changes})",
    "policy.refused": "the policy file {file} is not valid; the one before it stays in force",
    "assignment.created": "{task} goes to {agent}",
    "assignment.started": "{agent} works on {task} in {branch}",
    "assignment.completed": "{agent} finished {task}: {summary}",
    "assignment.failed": "{agent} failed at {task}: {error}",
    "assignment.released": "{agent} handed {task} back",
    "assignment.cancelled": "ended the work of {agent} on {task}",
    "assignment.lost": "{agent} fell silent on {task}, which is free again",
    "activity.added": "{type}: {body}",
    "inbox.answered": "answered: {answer}",
    "change.opened": "opened {source} #{number} {title} for {task}",
    "change.merged": "merged {source} #{number} {title} for {task}",
    "change.reviewed": "reviewed {source} #{number} for {task}: {verdict} by {by}",
    "change.checked": "checked {source} #{number} for {task}: {name} {conclusion}",
    "issue.became_task": "made {task} of the issue {source} #{number} {title}",
    "issue.moved": "moved the issue of {task} from {from} to {to}",
    "command.taken": "commanded {command} in a comment on {source} #{number}",
    "command.ignored": "ignored the command {command} of {by} on {source} #{number}: {reason}",
    "authorization.withdrawn": "withdrew that they log in with {provider}",
    "rework.requested": "sent {agent} back to {url}: {findings}",
    "change.closed": "closed {source} #{number} {title} for {task} unmerged",
    "change.linked": "tied {source} #{number} to {task}",
    "documents.changed": "documents read differently now: {paths}",
    "documents.published": "published {paths} on {branch}",
    "notification.sent": "told {channel} by {via}: {text}",
    "delivery.refused": "refused a webhook of {source}",
    "delivery.duplicated": "took no second effect of {delivery_id} of {source}",
    "delivery.replayed": "replayed {delivery_id} of {source}",
    "delivery.spooled": "stored {delivery_id} of {source}, which waited for the database since {received_at}",
    "access.refused": "refused {method} {path}",
    "key.created": "made the key {name}",
    "key.revoked": "revoked the key {name}",
    "user.invited": "invited {username} as {role}",
    "user.edited": "made {username} {to}, who was {from}",
    "user.joined": "came in as {role}, being in {organisation}",
    "user.renamed": "is called {to} now, which was {from}",
    "user.disabled": "shut {username} out",
    "user.enabled": "let {username} in again",
    "user.logged_in": "logged in by {provider}, with a {by}",
    "user.logged_out": "logged out",
    "login.refused": "refused {login}, who came by {provider}",
    "alert.raised": "alert: {summary}",
    "alert.resolved": "alert over: {summary}",
    "job.died": "the job {job_id} ({kind}) died: {error}",
    "job.retried": "set the job {job_id} ({kind}) to work again",
}
_LONGEST = 160


def tell(event: dict[str, Any], screen: Screen, prefix: str = "NX") -> str:
    """An event as a line."""
    who = event["actor"]["name"]
    parts = [screen.dim(when(event["created_at"])), screen.style(who, fg="cyan"), screen.style(what(event, prefix))]
    if why := reason(event):
        parts.append(screen.dim(f"({why})"))
    return ("  " if screen.is_terminal else "\t").join(parts)


def what(event: dict[str, Any], prefix: str = "NX") -> str:
    """What happened, in words; for a type that is not known here, its name."""
    sentence = SENTENCES.get(event["type"])
    if sentence is None:
        return str(event["type"]) + (f" for {prefix}-{event['task_id']}" if event["task_id"] else "")
    return " ".join(sentence.format_map(_Words(event, prefix)).split())


def reason(event: dict[str, Any]) -> str:
    """Why it happened, and through which webhook."""
    payload = event["payload"]
    return ", ".join(str(part)[:_LONGEST] for part in (payload.get("reason"), event["delivery"]) if part)


class _Words(dict[str, str]):
    """The fields of a sentence; what an event does not say stays a dash."""

    def __init__(self, event: dict[str, Any], prefix: str) -> None:
        super().__init__()
        self._payload = event["payload"]
        self._task = event["task_id"]
        self._prefix = prefix

    def __missing__(self, name: str) -> str:
        if name == "task":
            return f"{self._prefix}-{self._task}" if self._task else "a task"
        value = self._payload.get(name)
        if name == "on" and isinstance(value, int):
            return f"{self._prefix}-{value}"
        shown = _SHOWN.get(type(value), str)(value)
        return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


_SHOWN: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "–",
    dict: lambda value: ", ".join(map(str, value)),
    list: lambda value: ", ".join(map(str, value)),
}
