"""What the plugin yields to Nexus. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nexus_core.domain.events import (
    ActivityAdded,
    AlertRaised,
    AlertResolved,
    AssignmentCreated,
    AssignmentFailed,
    ChangeWasOpened,
    InboxAnswered,
    TaskCompleted,
)
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import DeliverySource, EventHandler, HealthCheck, NotChecked, PluginSettings

from .settings import SETTINGS, Settings

if TYPE_CHECKING:
    from nexus_core.domain.changes import Fact
    from nexus_core.domain.deliveries import Delivery, Reply, VerifiedDelivery
    from nexus_core.domain.events import Event
    from nexus_core.domain.jobs import Outcome
    from nexus_core.plugins.context import Context

NEXUS_NAME = "slack"
LANE = "notify"


@hookimpl
def nexus_settings() -> Iterable[PluginSettings]:
    """The table `[plugins.slack]`."""
    yield PluginSettings(name=NEXUS_NAME, cls=Settings, settings=SETTINGS)


@hookimpl
def nexus_delivery_sources() -> Iterable[DeliverySource]:
    """Commands and buttons, at `/api/v1/webhooks/slack`."""
    yield DeliverySource(name=NEXUS_NAME, verify=_verify, translate=_translate, answer=_answer, away=_away)


@hookimpl
def nexus_event_handlers() -> Iterable[EventHandler]:
    """Messages to the channel. One handler for all that happens to a task keeps its messages in order."""
    told = (AssignmentCreated, ChangeWasOpened, TaskCompleted, AssignmentFailed)
    yield EventHandler(name="slack.announce", on=told, call=_announce, lane=LANE)
    yield EventHandler(name="slack.ask", on=ActivityAdded, call=_ask, lane=LANE)
    yield EventHandler(name="slack.close_question", on=InboxAnswered, call=_close_question, lane=LANE)
    yield EventHandler(name="slack.alarm", on=(AlertRaised, AlertResolved), call=_alarm, lane=LANE)


@hookimpl
def nexus_health_checks() -> Iterable[HealthCheck]:
    """Whether Slack takes our token."""
    yield HealthCheck(name="slack", check=_check, summary="Slack takes the bot token")


def _verify(body: bytes, headers: Mapping[str, str], ctx: Context) -> VerifiedDelivery:
    from .sansio import verify

    return verify(body, headers, ctx.now(), ctx.settings(Settings).signing_secret)


def _translate(delivery: Delivery, ctx: Context) -> Iterable[Fact] | None:
    from .actions import translate

    return translate(delivery, ctx)


def _answer(delivery: VerifiedDelivery, ctx: Context) -> Reply | None:
    from .answers import answer

    return answer(delivery, ctx)


def _away(delivery: VerifiedDelivery, ctx: Context) -> Reply | None:
    from .away import away

    return away(delivery, ctx)


def _announce(event: Event, ctx: Context) -> Outcome | None:
    from .handlers import announce

    return announce(event, ctx)


def _ask(event: ActivityAdded, ctx: Context) -> Outcome | None:
    from .handlers import ask

    return ask(event, ctx)


def _close_question(event: InboxAnswered, ctx: Context) -> Outcome | None:
    from .handlers import close_question

    return close_question(event, ctx)


def _alarm(event: Event, ctx: Context) -> Outcome | None:
    from .alarms import alarm

    return alarm(event, ctx)


def _check(ctx: Context) -> str | NotChecked | None:
    from .health import check

    return check(ctx)
