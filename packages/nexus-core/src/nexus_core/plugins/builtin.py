"""The core's own records, yielded through the same hooks as everybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from importlib import import_module
from types import ModuleType

from ..config import Config
from ..domain import assignment, complexity, events
from ..domain.jobs import Done, Job, Outcome, Retry, Snooze
from ..domain.repositories import Repository
from ..domain.tasks import Task
from ..errors import Unavailable
from . import records
from .context import Context
from .hookspecs import hookimpl

_DISPATCH_ON = (
    events.TaskReady,
    events.TasksImported,
    events.AssignmentCompleted,
    events.AssignmentFailed,
    events.AssignmentReleased,
    events.AssignmentCancelled,
    events.AssignmentLost,
)

_LOOK_OUT_ON = (events.AccessRefused, events.DeliveryRefused, events.JobDied)

SEALING = timedelta(seconds=5)
"""How old an event grows at most, about, before it is sealed."""
RENDERING_RESTS = 20
"""Documents of a repository with ten thousand tasks take seconds to render: they have a twentieth of a processor."""
URGENT, AT_LEISURE = 10, -10
"""Priorities of jobs: a backlog of webhooks holds up neither agents nor alerts, and is not held up by tidying."""
LOOKING_OUT = timedelta(seconds=30)
GATHERING = timedelta(seconds=2)
"""What is refused within it is looked at together."""


class Builtin:
    """What the core brings along."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @hookimpl
    def nexus_event_handlers(self) -> Iterable[records.EventHandler]:
        """Hand out ready work; keep documents in step; look whether refusals and deaths ask for an alert."""
        yield records.EventHandler(
            name="core.dispatch", on=_DISPATCH_ON, call=dispatch, coalesce=lambda event: "hub", priority=URGENT
        )
        yield records.EventHandler(
            name="core.documents",
            on=("task.*", "tasks.*", events.RepositorySynced),
            call=refresh_documents,
            lane="docs",
            coalesce=lambda event: None if event.repository_id is None else str(event.repository_id),
            delay=self._config["documents.delay"],
            rest=RENDERING_RESTS,
        )

        yield records.EventHandler(
            name="core.connect",
            on=(events.RepositoryAdded, events.RepositorySynced, events.PolicyTouched),
            call=connect,
            coalesce=lambda event: None if event.payload.get("connected") else str(event.repository_id),
        )
        yield records.EventHandler(
            name="core.alerts", on=_LOOK_OUT_ON, call=look_out_after, coalesce=lambda event: "hub", delay=GATHERING,
            priority=URGENT,
        )  # fmt: skip

    @hookimpl
    def nexus_job_handlers(self) -> Iterable[records.JobHandler]:
        """Handle deliveries; run agents; look for work that waited out its pause; ask slow estimators; count."""
        yield records.JobHandler(kind="core.delivery", call=lambda job, ctx: ctx.nexus.deliveries.handle(job, ctx))
        yield records.JobHandler(
            kind="core.run_agent",
            call=lambda job, ctx: ctx.nexus.agents.run(job, ctx),
            lane="agents",
            time_limit=None,  # the runner has the agent's own
            max_attempts=5,
        )
        yield records.JobHandler(kind="core.dispatch_waiting", call=dispatch_waiting, priority=URGENT)
        yield records.JobHandler(kind="core.recount", call=recount)
        yield records.JobHandler(kind="core.prune_answers", call=prune_answers, priority=AT_LEISURE)
        yield records.JobHandler(kind="core.prune", call=prune, priority=AT_LEISURE)
        yield records.JobHandler(kind="core.seal_audit", call=seal_audit)
        yield records.JobHandler(kind="core.look_out", call=look_out, priority=URGENT)
        yield records.JobHandler(kind="core.estimate", call=lambda job, ctx: ctx.nexus.scores.run(job, ctx))

    @hookimpl
    def nexus_schedules(self) -> Iterable[records.Schedule]:
        """The ends of pauses and parkings have no event of their own; events are sealed; alerts end."""
        every = min(timedelta(seconds=15), self._config["assignment.retry_delay"])
        yield records.Schedule(name="core.dispatch_waiting", kind="core.dispatch_waiting", every=every)
        yield records.Schedule(name="core.prune_answers", kind="core.prune_answers", every=timedelta(hours=1))
        yield records.Schedule(name="core.prune", kind="core.prune", every=timedelta(hours=1))
        yield records.Schedule(name="core.seal_audit", kind="core.seal_audit", every=SEALING)
        yield records.Schedule(name="core.look_out", kind="core.look_out", every=LOOKING_OUT)

    @hookimpl
    def nexus_assignment_policies(self) -> Iterable[records.AssignmentPolicy]:
        """The policy of the domain."""
        yield records.AssignmentPolicy(name="built-in", choose=assignment.choose)

    @hookimpl
    def nexus_complexity_estimators(self) -> Iterable[records.ComplexityEstimator]:
        """The formula of the domain."""
        yield records.ComplexityEstimator(name="built-in", estimate=lambda facts, ctx: complexity.estimate(facts))

    @hookimpl
    def nexus_task_formats(self) -> Iterable[records.TaskFormat]:
        """Taskmaster's files, and JSON Lines."""
        yield records.TaskFormat(
            name="taskmaster",
            parse=lambda content: _format("taskmaster").parse(content),
            render=lambda original, tasks, keys: _format("taskmaster").render(original, tasks, keys),
            new_keys=lambda original, tasks, keys: _format("taskmaster").new_keys(original, tasks, keys),
            media_types=("application/json",),
            scores=records.ScoreFormat(
                parse=lambda content: _format("taskmaster").parse_report(content),
                tag=lambda path, tags: _format("taskmaster").tag_of(path, tags),
            ),
            doctor=lambda: _format("taskmaster").DOCTOR,
        )
        yield records.TaskFormat(
            name="jsonl",
            parse=lambda content: _format("jsonl").parse(content),
            render=lambda original, tasks, keys: _format("jsonl").render(
                original, tasks, keys, self._config.key_prefix
            ),
            new_keys=lambda original, tasks, keys: _format("jsonl").new_keys(original, tasks, keys),
            suffixes=(".jsonl", ".ndjson"),
            recognises=lambda content: _format("jsonl").recognises(content),
            # The first one is not registered, but it is what the format's own page and OpenAPI 3.2 say.
            media_types=("application/jsonl", "application/x-ndjson", "application/x-jsonlines"),
            partial=True,
        )

    @hookimpl
    def nexus_document_renderers(self) -> Iterable[records.DocumentRenderer]:
        """The README of a repository's tasks."""
        yield records.DocumentRenderer(name="readme", render=self._render)

    def _render(self, repository: Repository, tasks: Sequence[Task], ctx: Context) -> Iterable[records.Document]:
        from ..formats import readme

        content = readme.render_readme(repository.name, tasks, self._config.key_prefix)
        yield records.Document(path=readme.PATH, content=content)


def _format(name: str) -> ModuleType:
    # Most commands neither read nor write a file, and importing a format is a tenth of their time.
    return import_module(f"..formats.{name}", __package__)


def dispatch(event: events.Event, ctx: Context) -> Outcome:
    """Hand ready tasks to free agents."""
    return Done(f"{len(ctx.nexus.agents.dispatch())} tasks handed out")


def dispatch_waiting(job: Job, ctx: Context) -> Outcome:
    """Tell of tasks whose parking is over; hand ready tasks to free agents, also those that waited out a failure."""
    woken = ctx.nexus.tasks.wake_parked()
    return Done(f"{len(woken)} tasks woken, {len(ctx.nexus.agents.dispatch())} handed out")


def seal_audit(job: Job, ctx: Context) -> Outcome:
    """Go on with the chain over the events."""
    return Done(f"{ctx.nexus.audit.seal()} events sealed")


def look_out(job: Job, ctx: Context) -> Outcome:
    """Raise alerts that are due, close those that are over."""
    return Done(f"{ctx.nexus.alerts.look()} alerts raised")


def look_out_after(event: events.Event, ctx: Context) -> Outcome:
    """Raise alerts that are due because of what happened."""
    return Done(f"{ctx.nexus.alerts.look()} alerts raised")


def recount(job: Job, ctx: Context) -> Outcome:
    """Count anew all that is kept beside open tasks."""
    return Done(f"{ctx.nexus.tasks.recount()} open tasks counted")


def prune_answers(job: Job, ctx: Context) -> Outcome:
    """Forget answers to requests that nobody repeats any more, and how checks of old commits ended."""
    ctx.nexus.limits.prune()
    ctx.nexus.changes.prune()
    return Done(f"{ctx.nexus.answers.prune()} answers forgotten")


def prune(job: Job, ctx: Context) -> Outcome:
    """Forget jobs that are done and webhooks that were handled, once they are old."""
    return Done(", ".join(f"{number} {what}" for what, number in ctx.nexus.retention.prune().items()) + " forgotten")


def connect(event: events.Event, ctx: Context) -> Outcome:
    """Look at a repository on its host: its policy comes into force as it is now, and, for a sync, its task file.

    A task file is not brought in unasked: agents would begin to work on it.
    """
    assert event.repository_id is not None  # noqa: S101 - the events' contract
    try:
        done = ctx.nexus.connections.connect(
            event.repository_id,
            patiently=True,
            tasks=isinstance(event, events.RepositorySynced),
            delivery=event.delivery,
        )
    except Unavailable as error:
        wait = error.details.get("wait")
        return Snooze(timedelta(seconds=wait)) if wait else Retry(error.message)
    return Done(f"policy {done.policy}" if done.is_reachable else done.reason)


def refresh_documents(event: events.Event, ctx: Context) -> Outcome | None:
    """Say so when a repository's documents read differently now."""
    if event.repository_id is not None:
        forced = isinstance(event, events.RepositorySynced)
        ctx.nexus.documents.refresh(event.repository_id, force=forced, delivery=event.delivery)
    return None
