"""What was missed is asked for again: failed deliveries of our webhooks, each once. GitHub keeps them three days."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from nexus_core.domain.jobs import Done, Job, Outcome
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Forbidden, NexusError, NotFound
from nexus_core.plugins.context import Context

from .calling import client_for, patiently, unreachable
from .client import GitHubClient
from .reading import instant, table, text, whole
from .settings import Settings

Row = Mapping[str, Any]
WEBHOOK_PATH: Final = "/webhooks/github"  #: how the addresses of our webhooks end
KEPT: Final = timedelta(days=3)  #: older ones GitHub does not send again
MOST_ATTEMPTS: Final = 10  #: of one delivery: what fails that often is not a matter of asking again
_ASKED: Final = timedelta(days=4).total_seconds()
_UNSURE: Final = 900.0  #: seconds until it is asked again when we do not know whether GitHub heard it


@attrs.define(kw_only=True)
class CaughtUp:
    """What a catch-up did."""

    failed: int = 0  #: deliveries that never arrived
    asked: list[str] = attrs.field(factory=list)  #: the ids of those that were asked for again now
    given_up: int = 0  #: failed too often
    notes: list[str] = attrs.field(factory=list)  #: what could not be looked at, and why


@patiently
def run(job: Job, ctx: Context) -> Outcome:
    """The job that comes round."""
    settings = ctx.settings(Settings)
    if settings.missing_access:
        return Done(settings.missing_access)
    done = catch_up(ctx)
    return Done(f"{done.failed} failed, {len(done.asked)} asked for again")


def catch_up(ctx: Context) -> CaughtUp:
    """Ask for every failed delivery again that was not asked for yet.

    :raises Unavailable: GitHub limits us (`details["wait"]`, in seconds) or is in trouble; what was asked for stays so
    """
    done = CaughtUp()
    if ctx.settings(Settings).is_app:
        with client_for(ctx) as client:
            _hook(client, "app/hook/deliveries", ctx, done)
        return done
    for repository in ctx.nexus.repositories.list(actor=ctx.actor):
        if reason := unreachable(repository, ctx.settings(Settings)):
            done.notes.append(f"{repository.name}: {reason}")
            continue
        try:
            _repository(repository, ctx, done)
        except (NotFound, Forbidden) as error:
            done.notes.append(
                f"{repository.name}: its webhooks cannot be seen; the token needs “Webhooks: read and write” "
                f"(classic: admin:repo_hook): {error.message}"
            )
    return done


def _repository(repository: Repository, ctx: Context, done: CaughtUp) -> None:
    with client_for(ctx, repository.name) as client:
        for hook in our_hooks(client, repository.name):
            _hook(client, f"repos/{repository.name}/hooks/{hook['id']}/deliveries", ctx, done)


def our_hooks(client: GitHubClient, name: str) -> list[Row]:
    """The webhooks of a repository that come to a hub."""
    found = client.pages(f"repos/{name}/hooks")
    return [hook for hook in found if whole(hook.get("id")) and _is_ours(text(table(hook, "config").get("url")))]


def _is_ours(url: str) -> bool:
    return urlsplit(url).path.rstrip("/").endswith(WEBHOOK_PATH)


def _hook(client: GitHubClient, path: str, ctx: Context, done: CaughtUp) -> None:
    for tries in failures(_recent(client.pages(path), ctx)):
        done.failed += 1
        if len(tries) >= MOST_ATTEMPTS:
            done.given_up += 1
        elif _ask(client, f"{path}/{tries[0]['id']}/attempts", ctx):
            done.asked.append(str(tries[0]["id"]))


def _recent(found: Iterable[Row], ctx: Context) -> Iterator[Row]:
    """Those that GitHub still has; the newest come first."""
    oldest = ctx.now() - KEPT
    for row in found:
        at = instant(row.get("delivered_at"))
        if at is not None and at < oldest:
            return
        yield row


def failures(found: Iterable[Row]) -> list[list[Row]]:
    """The deliveries none of whose attempts arrived: the attempts of each, the newest first; the oldest delivery first.

    >>> failures([{"id": 3, "guid": "a", "status_code": 202}, {"id": 2, "guid": "b", "status_code": 500},
    ...           {"id": 1, "guid": "a", "status_code": 0}])
    [[{'id': 2, 'guid': 'b', 'status_code': 500}]]
    """
    by_guid: dict[str, list[Row]] = {}
    for row in found:
        if whole(row.get("id")) and (guid := text(row.get("guid"))):
            by_guid.setdefault(guid, []).append(row)
    return [tries for tries in reversed(by_guid.values()) if not any(map(_arrived, tries))]


def _arrived(row: Row) -> bool:
    return 200 <= (whole(row.get("status_code")) or 0) < 300


def _ask(client: GitHubClient, path: str, ctx: Context) -> bool:
    """Ask for one attempt, unless somebody did; the store remembers it for all processes of the hub."""
    turns, name, holder = ctx.nexus.turns, f"github:again:{path}", uuid.uuid4().hex
    if turns.take(name, holder, hold=_UNSURE):
        return False
    # Who dies now, or hears nothing of what became of it, holds the turn a while; then it is asked for again.
    try:
        client.request("POST", path)
    except NotFound:
        return False  # GitHub has it no more, or we may not: the latter can be mended, so it is tried again later
    except NexusError as error:
        if not error.details.get("unknown_outcome"):
            turns.give_back(name, holder, pause=0.0)
        raise
    turns.give_back(name, holder, pause=_ASKED)
    return True
