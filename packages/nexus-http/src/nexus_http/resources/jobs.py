"""Background work."""

from __future__ import annotations

import falcon

from nexus_core.domain.jobs import LANES, JobState
from nexus_core.wire import job_to_wire, lane_to_wire
from nexus_http.cursors import after_of, next_after
from nexus_http.fields import PAGE, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

FILTERS = (
    Field("state", choices=tuple(str(state) for state in JobState)),
    Field("lane", choices=LANES),
    Field("kind", max_length=200),
    *PAGE,
)


class Jobs(Resource):
    """All jobs."""

    @operation(Scope.JOBS_READ, "List jobs", query=FILTERS, returns="Page[Job]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Jobs by id."""
        query = self.query(req)
        limit, after = query.pop("limit", 50), after_of(query.pop("cursor", None))
        found = self.nexus.jobs.list(**query, limit=limit, after=after, actor=actor_of(req))
        send(resp, page([job_to_wire(job) for job in found], next_after(found, limit)))


class JobLanes(Resource):
    """How background work is doing."""

    @operation(Scope.JOBS_READ, "How the lanes are doing", returns="Page[LaneFigures]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """What waits, runs and is dead in each lane, for how long the oldest has waited, and how many end a minute."""
        self.query(req)
        actor_of(req).require_whole_hub("see what is done for others")
        send(resp, page([lane_to_wire(lane) for lane in self.nexus.jobs.lanes()], None))


class OneJob(Resource):
    """One job."""

    @operation(Scope.JOBS_READ, "Read a job", returns="Job")
    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: int) -> None:
        """The job, with its last error."""
        send(resp, job_to_wire(self.nexus.jobs.get(job_id, actor=actor_of(req))))


class JobRetry(Resource):
    """A dead job's second chance."""

    @operation(Scope.JOBS_WRITE, "Set a dead job to work again", body=(), returns="Job", errors=("conflict",))
    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: int) -> None:
        """The job runs again, with all its attempts."""
        self.body(req)
        send(resp, job_to_wire(self.nexus.jobs.retry(job_id, actor=actor_of(req))))
