"""Alerts: looked for in what is stored, raised once for all processes, and closed when their cause is over."""

from __future__ import annotations

import attrs

from ..domain import alerts
from ..domain.access import system_actor
from ..domain.alerts import QUIET, RULES, Raised, Trouble
from ..domain.events import AccessRefused, AlertRaised, AlertResolved, DeliveryRefused, JobDied
from .work import UnitOfWork, Work

_MOST = 1000
"""How many events of a type are looked at: refusals are counted together when there are many (`times`)."""


class AlertService:
    """What asks for people's attention. All that it knows is in the store."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def look(self) -> int:
        """Raise what the events and the failures ask for, close what is over; how many were raised."""
        with self._unit.read() as work:
            known = work.audit.alerts()
            troubles = _troubles(work, known)
            over = [one for one in known if one.is_open and _is_over(work, one, troubles)]
        raised = sum(self._raise(one) for one in troubles)
        for one in over:
            self.resolve(one.rule, one.source)
        self._unit.write(lambda work: work.audit.forget_failures(work.now - 2 * RULES[alerts.JOBS_FAILING].within))
        return raised

    def report(self, rule: str, source: str, *, times: int = 1, detail: str = "") -> bool:
        """Raise an alert of a known rule, unless one about the same was raised within five minutes."""
        return self._raise(Trouble(rule, source, times, detail))

    def _raise(self, trouble: Trouble) -> bool:
        def action(work: Work) -> bool:
            if not work.audit.take_alert(trouble.rule, trouble.source, work.now, work.now - QUIET):
                return False
            work.record(AlertRaised, actor=system_actor(), **attrs.asdict(trouble), **alerts.told(trouble))
            return True

        return self._unit.write(action)

    def resolve(self, rule: str, source: str) -> bool:
        """Say that the cause of an alert is over, unless somebody did."""
        said = RULES[rule].over.format(source=source)

        def action(work: Work) -> bool:
            if not work.audit.close_alert(rule, source):
                return False
            if said:
                work.record(AlertResolved, actor=system_actor(), rule=rule, source=source, summary=said)
            return True

        return self._unit.write(action)


def _troubles(work: Work, known: list[Raised]) -> list[Trouble]:
    last = {(one.rule, one.source): one.raised_at for one in known}
    types = (AccessRefused, DeliveryRefused, JobDied)
    events = [event for kind in types for event in work.events.latest(kind.TYPE, _MOST)]
    failures = work.audit.failures(work.now - RULES[alerts.JOBS_FAILING].within)
    return alerts.count_events(events, last, work.now) + alerts.count_failures(failures)


def _is_over(work: Work, raised: Raised, troubles: list[Trouble]) -> bool:
    """Whether an alert's cause is over, as far as the store can tell."""
    match raised.rule:
        case alerts.JOBS_DEAD:
            return not work.jobs.list(state="dead", lane=None, kind=raised.source, after=0, limit=1)
        case alerts.BROKER_AWAY | alerts.STORE_AWAY:
            return False  # the worker that reported it says so
    still = any((one.rule, one.source) == (raised.rule, raised.source) for one in troubles)
    return not still and work.now - raised.raised_at >= QUIET
