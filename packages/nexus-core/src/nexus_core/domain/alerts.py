"""Alerts: what in the events asks for people's attention, by rules with a threshold and a time. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

from .access import ActorKind
from .events import AccessRefused, DeliveryRefused, Event, JobDied

QUIET = timedelta(minutes=5)
"""The shortest time between two alerts of one rule about one source."""

_LONG_AGO = timedelta(hours=1)
"""An alert that is older begins to count anew."""


@attrs.frozen(kw_only=True)
class Rule:
    """When an alert is raised, what it says, and what people are to do."""

    times: int  #: so many …
    within: timedelta  #: … within this time
    summary: str
    advice: str
    over: str = ""  #: what is said when the cause is over; empty = nobody can tell


KEYS_REFUSED = "keys.refused"
KEY_EXPOSED = "key.exposed"
FORBIDDEN = "access.forbidden"
DELIVERIES_REFUSED = "deliveries.refused"
JOBS_FAILING = "jobs.failing"
JOBS_DEAD = "jobs.dead"
BROKER_AWAY = "broker.away"
STORE_AWAY = "store.away"

RULES: Mapping[str, Rule] = {
    KEYS_REFUSED: Rule(
        times=10,
        within=timedelta(seconds=60),
        summary="{calls} from {source} brought a key that is not valid",
        advice="See who is behind the address: `nexus events --type access.refused`. A tool with a revoked or expired "
        "key needs a new one (`nexus key create`); a stranger is to be kept out at the proxy or the firewall.",
    ),
    KEY_EXPOSED: Rule(
        times=1,
        within=timedelta(minutes=5),
        summary="{calls} from {source} had a key in the address, where logs keep it",
        advice="Revoke that key (`nexus key list`, `nexus key revoke ID`) and send the new one "
        "as “Authorization: Bearer …”.",
    ),
    FORBIDDEN: Rule(
        times=5,
        within=timedelta(minutes=5),
        summary="{source} was refused {times} times what it may not do",
        advice="See what it tried: `nexus events --type access.refused`. Give it the scope or role that it needs, or "
        "revoke its key: `nexus key revoke ID`.",
    ),
    DELIVERIES_REFUSED: Rule(
        times=10,
        within=timedelta(seconds=60),
        summary="{webhooks} from {source} refused",
        advice="See why: `nexus events --type delivery.refused`. After a change of the secret, set the same at the "
        "sender and here; otherwise somebody else is trying.",
    ),
    JOBS_FAILING: Rule(
        times=5,
        within=timedelta(minutes=10),
        summary="{times} runs of {source} failed within 10 minutes",
        advice="`nexus jobs --kind {source}` shows the last errors. They are tried again with growing pauses.",
        over="{source} does not fail any more",
    ),
    JOBS_DEAD: Rule(
        times=1,
        within=_LONG_AGO,
        summary="{jobs} of {source} used up all attempts",
        advice="`nexus jobs --state dead --kind {source}` lists them with their errors; once the cause is mended, "
        "`nexus jobs retry ID` runs one again.",
        over="no job of {source} is dead any more",
    ),
    BROKER_AWAY: Rule(
        times=1,
        within=QUIET,
        summary="the {source} cannot be reached for more than 60 seconds",
        advice="Nothing is lost and work goes on, more slowly: workers ask the store. Start the broker, or look at the "
        "address in `broker_url`: `nexus doctor`.",
        over="the {source} can be reached again",
    ),
    STORE_AWAY: Rule(
        times=1,
        within=QUIET,
        summary="the {source} could not be reached for more than 60 seconds",
        advice="Webhooks that came meanwhile were refused: have their sender deliver them again, or run "
        "`nexus repo sync`. `nexus doctor` looks at the database.",
        over="the {source} can be reached again",
    ),
}


@attrs.frozen
class Raised:
    """An alert as it was raised the last time."""

    rule: str
    source: str
    raised_at: datetime
    is_open: bool


@attrs.frozen
class Trouble:
    """What asks for an alert now."""

    rule: str
    source: str
    times: int
    detail: str = ""  #: what the last of them said


Last = Mapping[tuple[str, str], datetime]
"""When each alert was raised the last time, by rule and source."""


def told(trouble: Trouble) -> dict[str, Any]:
    """What an alert says: `summary` and `advice`."""
    rule, words = RULES[trouble.rule], {"source": trouble.source, "times": str(trouble.times)}
    for noun in ("job", "call", "webhook"):
        words[f"{noun}s"] = f"{trouble.times} {noun}{'' if trouble.times == 1 else 's'}"
    return {"summary": rule.summary.format_map(words), "advice": rule.advice.format_map(words)}


def count_events(events: Iterable[Event], last: Last, now: datetime) -> list[Trouble]:
    """What refusals and deaths ask for: enough of one rule and source within its time."""
    found: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if (about := _about(event)) is not None:
            found[about].append(event)
    troubles = []
    for (rule, source), occasions in sorted(found.items()):
        raised = last.get((rule, source))
        if _is_enough(RULES[rule], occasions, raised, now):
            times = _since(occasions, _start(RULES[rule], raised, now))
            troubles.append(Trouble(rule, source, times, _detail(max(occasions, key=lambda event: event.id))))
    return troubles


def count_failures(failures: Mapping[str, int]) -> list[Trouble]:
    """What failed runs ask for, from their number within the rule's time by kind of job."""
    return [
        Trouble(JOBS_FAILING, kind, number)
        for kind, number in sorted(failures.items())
        if number >= RULES[JOBS_FAILING].times
    ]


def _about(event: Event) -> tuple[str, str] | None:
    """The rule and the source that an event counts for."""
    match event:
        case JobDied():
            return JOBS_DEAD, str(event.payload.get("kind", ""))
        case DeliveryRefused():
            return DELIVERIES_REFUSED, _place(event)
        case AccessRefused():
            return _about_refusal(event)
    return None


def _about_refusal(event: AccessRefused) -> tuple[str, str] | None:
    match event.payload.get("code"):
        case "forbidden":
            # A plugin speaks for many, whom it tells apart by their address.
            is_plugin = event.actor_kind is ActorKind.PLUGIN
            return FORBIDDEN, _place(event) if is_plugin else f"{event.actor_kind} {event.actor_name}"
        case "unauthenticated":
            return (KEYS_REFUSED, _place(event)) if event.payload.get("key_given") else None
        case "key_in_address":
            return KEY_EXPOSED, _place(event)
    return None


def _place(event: Event) -> str:
    return str(event.address or event.payload.get("address") or "an unknown address")


def _times(event: Event) -> int:
    times = event.payload.get("times", 1)
    return times if isinstance(times, int) and times > 0 else 1


def _detail(event: Event) -> str:
    return str(event.payload.get("error") or event.payload.get("reason") or "")[:300]


def _is_enough(rule: Rule, occasions: list[Event], raised: datetime | None, now: datetime) -> bool:
    start = now - rule.within
    return _since(occasions, start if raised is None else max(start, raised)) >= rule.times


def _start(rule: Rule, raised: datetime | None, now: datetime) -> datetime:
    """From when an alert counts: since the one before it, so that the numbers add up."""
    return raised if raised is not None and raised > now - _LONG_AGO else now - rule.within


def _since(occasions: list[Event], start: datetime) -> int:
    return sum(_times(event) for event in occasions if event.created_at > start)
