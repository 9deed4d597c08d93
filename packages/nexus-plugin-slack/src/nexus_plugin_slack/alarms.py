"""Alarms: few, with a count. A thousand equal failures are one message in five minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nexus_core.domain.events import Event, JobDied, NotificationSent
from nexus_core.domain.jobs import Done, Outcome, Snooze

from . import messages
from .handlers import RECENT, tell

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context

QUIET = timedelta(minutes=5)  #: the shortest time between two alarms of one rule
MOST = 200  #: deaths that one alarm counts


def alarm(event: JobDied, ctx: Context) -> Outcome | None:
    """Tell the channel of jobs that used up their attempts, for all of one kind since the last alarm."""
    kind = str(event.payload.get("kind", ""))
    rule = f"job.died:{kind}"
    last = _last_alarm(rule, ctx)
    if last is not None and (wait := last.created_at + QUIET - ctx.now()) > timedelta():
        return Snooze(wait)
    died = [one for one in _deaths(event, last, ctx) if one.payload.get("kind") == kind]
    if not died:
        return Done("told with an earlier alarm")
    errors = [str(one.payload.get("error", "")) for one in died]
    message = messages.jobs_died(kind, errors, int(died[-1].payload.get("job_id", 0)))
    return tell(message, event, ctx, rule=rule, until=died[-1].id)


def _last_alarm(rule: str, ctx: Context) -> Event | None:
    told = ctx.nexus.events.list(type=NotificationSent.TYPE, limit=RECENT, newest=True, actor=ctx.actor)
    return next((one for one in reversed(told) if one.payload.get("rule") == rule), None)


def _deaths(event: JobDied, last: Event | None, ctx: Context) -> list[Event]:
    after = int(last.payload.get("until", 0)) if last is not None else event.id - 1
    return list(ctx.nexus.events.list(after=after, type=JobDied.TYPE, limit=MOST, actor=ctx.actor))
