"""Figures for Prometheus, in its text format."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import falcon

from nexus_core.domain.access import Scope
from nexus_core.domain.jobs import LANES, JobState
from nexus_core.errors import Unavailable
from nexus_core.ports.patience import within
from nexus_core.ports.queries import LaneStats
from nexus_http.auth import Authentication
from nexus_http.operations import PUBLIC, Resource, operation

TEXT = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = 2.0
"""How long the database is waited for: what asks here asks often, and wants to know that it is away."""

Sample = tuple[dict[str, str], float]


class Metrics(Resource):
    """What Prometheus asks for."""

    @operation(
        PUBLIC, "Figures for Prometheus; from another machine with a key that may read jobs", answers=("text/plain",),
        errors=("unauthenticated", "forbidden"),
    )  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Tasks by status, jobs by lane and state, requests by method and class of status, what waits in the spool.

        While the database is away, the figures that stand in it are left out, and `nexus_store_up` is 0.
        """
        if not _is_local(req):
            actor = Authentication(self.nexus).identify(req)
            actor.require(Scope.JOBS_READ)
            actor.require_whole_hub("read the figures of the whole hub")
        resp.content_type = TEXT
        resp.text = "".join([*self._stored(), *self._of_this_host()])

    def _stored(self) -> list[str]:
        try:
            with within(SECONDS):
                return [
                    *self._of_the_store(),
                    family("nexus_store_up", "gauge", "Whether the database answers.", [({}, 1.0)]),
                ]
        except Unavailable:
            return [family("nexus_store_up", "gauge", "Whether the database answers.", [({}, 0.0)])]

    def _of_the_store(self) -> Iterator[str]:
        stats = self.nexus.jobs.stats()
        tasks = [({"status": status}, float(number)) for status, number in sorted(self._tasks().items())]
        yield family("nexus_tasks", "gauge", "Tasks by status.", tasks)
        yield family("nexus_jobs", "gauge", "Jobs by lane and state.", [
            ({"lane": one.lane, "state": str(one.state)}, float(one.number)) for one in stats
        ])  # fmt: skip
        yield family(
            "nexus_jobs_oldest_seconds", "gauge", "For how long the oldest job of a lane and state has waited.",
            list(_ages(stats, self.nexus.clock.now())),
        )  # fmt: skip
        ended = self.nexus.jobs.ended_a_minute()
        yield family("nexus_jobs_ended_per_minute", "gauge", "Jobs that ended within a minute, by lane and state.", [
            ({"lane": lane, "state": str(state)}, float(ended.get((lane, state), 0)))
            for lane in LANES for state in (JobState.DONE, JobState.DEAD)
        ])  # fmt: skip

    def _of_this_host(self) -> Iterator[str]:
        totals = list(self.counters.totals())
        yield family("nexus_http_requests_total", "counter", "Requests by method and class of status.", [
            ({"method": method, "status": status}, float(number)) for method, status, number, _ in totals
        ])  # fmt: skip
        yield family("nexus_http_request_seconds_total", "counter", "The seconds that these requests took together.", [
            ({"method": method, "status": status}, seconds) for method, status, _, seconds in totals
        ])  # fmt: skip
        spool = self.nexus.deliveries.spool()
        for name, doc, number in (
            ("deliveries", "Webhooks of this host that wait for the database.", spool.number),
            ("bytes", "Bytes that they take on the disk.", spool.size),
            ("aside", "Files of the spool that somebody must look at.", spool.aside),
        ):
            yield family(f"nexus_spool_{name}", "gauge", doc, [({}, float(number))])

    def _tasks(self) -> Counter[str]:
        """Tasks by status, over all repositories."""
        counted: Counter[str] = Counter()
        with self.nexus.store.reading() as transaction:
            for (_, status), number in transaction.tasks.counts().items():
                counted[status] += number
        return counted


def family(name: str, kind: str, doc: str, samples: Iterable[Sample]) -> str:
    """A family of figures in Prometheus's text format."""
    lines = [f"# HELP {name} {doc}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inner}}} {value:.10g}")
    return "\n".join(lines) + "\n"


def _ages(stats: Iterable[LaneStats], now: datetime) -> Iterator[Sample]:
    for one in stats:
        if one.oldest is not None:
            yield {"lane": one.lane, "state": str(one.state)}, (now - one.oldest).total_seconds()


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _is_local(req: falcon.Request) -> bool:
    """Whether the request comes from this machine, and not through a proxy on it."""
    if any(req.get_header(name) for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip")):
        return False
    try:
        return ipaddress.ip_address(req.remote_addr).is_loopback
    except ValueError:
        return False
