"""What GitHub hears of what came from it: issues follow their tasks, commands in comments are answered."""

from __future__ import annotations

from typing import Any, Final

from nexus_core.domain.events import CommandTaken, TaskEdited, TaskMoved
from nexus_core.domain.issues import Outgoing
from nexus_core.domain.jobs import Done, Outcome
from nexus_core.errors import Forbidden, NotFound
from nexus_core.plugins.context import Context

from .calling import client_for, not_done, patiently, unreachable
from .pulls import harmless
from .reading import instant, text
from .sansio import SOURCE
from .settings import Settings

_STATES: Final = {
    "open": {"state": "open", "state_reason": "reopened"},
    "completed": {"state": "closed", "state_reason": "completed"},
    "not-planned": {"state": "closed", "state_reason": "not_planned"},
}


@patiently
def write_issue(event: TaskEdited | TaskMoved, ctx: Context) -> Outcome:
    """Have an issue say what its task says. What is so already is not written, so nothing goes round in circles."""
    if event.task_id is None or (outgoing := ctx.nexus.issues.outgoing(event.task_id, SOURCE)) is None:
        return Done("the issue says so already")
    repository = ctx.nexus.repositories.get(outgoing.issue.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, ctx.settings(Settings)):
        return Done(f"the issue {outgoing.repository}#{outgoing.issue.number} was not written: {reason}")
    from .issues import edit_issue, issue

    number = outgoing.issue.number
    with client_for(ctx, outgoing.repository) as client:
        try:
            edit_issue(client, outgoing.repository, number, **_wanted(outgoing))
            now = issue(client, outgoing.repository, number)
        except NotFound:
            return Done(f"there is no issue {outgoing.repository}#{number} any more")
    ctx.nexus.issues.written(outgoing, instant(now.get("updated_at")))
    return Done(outgoing.issue.url)


def _wanted(outgoing: Outgoing) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for name in ("title", "body"):
        if name in outgoing.changed:
            wanted[name] = getattr(outgoing.text, name)
    if "labels" in outgoing.changed:
        wanted["labels"] = outgoing.text.labels
    return wanted | (_STATES[outgoing.text.state] if "state" in outgoing.changed else {})


@patiently
def answer_command(event: CommandTaken, ctx: Context) -> Outcome:
    """Answer the commands of a comment by a comment, once."""
    if event.payload.get("source") != SOURCE or event.repository_id is None:
        return Done("it was not given on GitHub")
    repository = ctx.nexus.repositories.get(event.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, ctx.settings(Settings)):
        return Done(f"the command was not answered: {reason}")
    answer = harmless(text(event.payload.get("answer")), ctx.nexus.config.key_prefix)
    with client_for(ctx, repository.name) as client:
        number = int(event.payload["number"])
        try:
            done = client.comment_once(repository.name, number, text(event.payload.get("comment")), answer)
        except (Forbidden, NotFound) as error:  # such as a locked conversation, or an issue that was deleted since
            return not_done(ctx, f"{repository.name}#{number} was not answered: {error.message}")
    return Done(text(done.get("html_url")))
