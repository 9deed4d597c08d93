"""What the handlers share: the client of a hub, and what becomes of a job that GitHub puts off."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from nexus_core.domain.events import Event
from nexus_core.domain.gates import Gate
from nexus_core.domain.jobs import Done, Job, Outcome, Retry, Snooze
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Invalid, Unavailable
from nexus_core.plugins.context import Context

from .reading import payload_of, repository_name, table, text
from .settings import PUBLIC_API, Settings

if TYPE_CHECKING:
    from .client import GitHubClient

E = TypeVar("E", bound=Event | Job)


def client_for(ctx: Context, repository: str = "") -> GitHubClient:
    """A client for calls about a repository, at the pace of the whole hub."""
    # The HTTP client is loaded when it is needed: hooks.py, and so this file, is imported at each CLI start.
    from .client import GitHubClient
    from .shared import SharedPace

    return GitHubClient.open(ctx.settings(Settings), repository, pace=functools.partial(SharedPace, ctx.nexus))


def patiently(call: Callable[[E, Context], Outcome]) -> Callable[[E, Context], Outcome]:
    """Turn “GitHub wants to be left alone” into a snooze, and “GitHub is in trouble” into a retry."""

    @functools.wraps(call)
    def handler(event: E, ctx: Context) -> Outcome:
        try:
            return call(event, ctx)
        except Unavailable as error:
            wait = error.details.get("wait")
            return Snooze(timedelta(seconds=wait)) if wait else Retry(error.message)

    return handler


def unreachable(repository: Repository, settings: Settings) -> str | None:
    """Why the repository cannot be reached through the API; None when it can."""
    if repository.state == "deleted":
        return "it was deleted on GitHub"
    if not repository.reachable:
        return "its owner took our access away"
    return elsewhere(repository, settings) or settings.missing_access


def elsewhere(repository: Repository, settings: Settings) -> str | None:
    """Why the repository is none of the GitHub that is configured; None when it is."""
    parts = urlsplit(repository.url)
    is_local = not parts.hostname and "@" not in repository.url
    host = parts.netloc.rpartition("@")[2] or repository.url.rpartition("@")[2].partition(":")[0]
    if repository.url and is_local and settings.api_url == PUBLIC_API:
        return "it is a local repository"
    if repository.url and not is_local and host.lower() not in settings.git_hosts:
        return f"it is not on {' or '.join(sorted(settings.git_hosts))}"
    return None


def gates_of(event: Event, ctx: Context) -> list[Gate]:
    """The open changes, with their tasks, of the branch that a webhook is about, such as one with new commits."""
    source, _, guid = (event.delivery or "").partition(":")
    delivery = ctx.nexus.deliveries.find(source, guid)
    if delivery is None:
        return []
    try:
        payload = payload_of(delivery.body, delivery.headers.get("content-type", ""))
    except Invalid:
        return []
    branch = text(table(payload, "pull_request", "head").get("ref"))
    suite = table(payload, "check_suite") or table(payload, "check_run", "check_suite")
    branch = branch or text(suite.get("head_branch"))
    return ctx.nexus.gates.of_branch(repository_name(payload), branch, actor=ctx.actor) if branch else []


def not_done(ctx: Context, note: str) -> Outcome:
    """Say in the log, and with the job, why something was not done."""
    ctx.log.warning("%s", note)
    return Done(note)
