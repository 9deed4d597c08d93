"""Alarms: what the hub found to need people's attention. It raises one a rule and source in five minutes, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_core.domain.events import AlertRaised, Event
from nexus_core.domain.jobs import Outcome

from . import messages
from .handlers import tell

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context


def alarm(event: Event, ctx: Context) -> Outcome | None:
    """Tell the channel that something needs attention, or that it is over."""
    raised = isinstance(event, AlertRaised)
    message = messages.alert_raised(event) if raised else messages.alert_resolved(event)
    return tell(message, event, ctx, rule=str(event.payload.get("rule", "")))
