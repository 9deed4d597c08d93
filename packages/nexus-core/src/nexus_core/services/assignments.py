"""Assignments: claims, leases, fences, activities, and how an assignment ends."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import attrs

from ..clock import to_text
from ..domain import readiness
from ..domain.access import LOCAL, Actor, system_actor
from ..domain.agents import Activity, ActivityType, Agent, Assignment, AssignmentStatus
from ..domain.events import (
    ActivityAdded,
    AssignmentCancelled,
    AssignmentCompleted,
    AssignmentCreated,
    AssignmentFailed,
    AssignmentLost,
    AssignmentReleased,
    AssignmentStarted,
    Event,
    TaskMoved,
)
from ..domain.tasks import Status, Task
from ..errors import Invalid, NoAgent, NotFound, NotReady, StaleClaim
from ..ports.queries import ReadyQuery
from . import upkeep
from .moves import of_issue
from .work import UnitOfWork, Work, repository_of, require_seen, said_from

_NOT_IN_BRANCHES = re.compile(r"[^a-z0-9]+")

_UNLIMITED = 1_000_000
"""How many tasks an agent may hold that is not configured: its key and its repositories are its limits."""

_SHOWN = 280
"""How much of an activity an event repeats, in characters."""

_STATUS_AFTER = {
    ActivityType.ELICITATION: AssignmentStatus.AWAITING_INPUT,
    ActivityType.PROMPT: AssignmentStatus.WORKING,
}


class AssignmentService:
    """One agent on one task, from the claim to the end."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    # Begin ------------------------------------------------------------------------------------------------------------

    def claim(
        self,
        *,
        agent: str,
        repository: int | str | None = None,
        task_id: int | None = None,
        max_complexity: int | None = None,
        skills: Iterable[str] = (),
        actor: Actor = LOCAL,
    ) -> Assignment | None:
        """Give the best ready task (or the one that is named) to an agent; None when nothing is ready.

        :raises NotReady: the named task is not, with the blockers
        :raises NoAgent: the agent holds as many tasks as it may
        """
        known = self._unit.config.agents.get(agent) or Agent(name=agent, concurrency=_UNLIMITED)
        limits = [limit for limit in (max_complexity, known.max_complexity) if limit is not None]

        def action(work: Work) -> Assignment | None:
            query = ReadyQuery(
                repository_id=repository_of(work, repository, actor),
                max_complexity=min(limits, default=None),
                skills=frozenset(skills) or known.skills,
                visible=actor.repositories,
                limit=1,
            )
            if task_id is None:
                held = work.tasks.take(query, agent, work.now)
                if held is None:
                    return None
                reason = "; ".join(readiness.order_reasons(held))
            else:
                task = work.tasks.get(task_id, lock=True)
                require_seen(actor, task.repository_id, f"task {task_id}")
                require_ready(work, task)
                held = work.tasks.hold(task, agent, work.now)
                reason = "asked for by name"
            return begin(
                work, held, known, was=Status.PENDING, reason=reason, actor=actor, prefix=self._unit.config.key_prefix
            )

        return self._unit.write(action)

    def start(self, assignment_id: int, fence: int, *, branch: str | None = None, actor: Actor = LOCAL) -> Assignment:
        """Note that the agent runs."""

        def action(work: Work) -> Assignment:
            assignment, task = self._held(work, assignment_id, fence, actor)
            if assignment.status is not AssignmentStatus.ASSIGNED:
                return assignment
            changed = attrs.evolve(assignment, status=AssignmentStatus.WORKING, branch=branch or assignment.branch)
            work.assignments.save(changed)
            _tell(work, AssignmentStarted, changed, task, actor, branch=changed.branch)
            return changed

        return self._unit.write(action)

    # Meanwhile --------------------------------------------------------------------------------------------------------

    def heartbeat(self, assignment_id: int, fence: int, *, actor: Actor = LOCAL) -> Assignment:
        """Renew the lease. :raises StaleClaim: the work was handed on"""

        def action(work: Work) -> Assignment:
            return self._held(work, assignment_id, fence, actor)[0]

        return self._unit.write(action)

    def add_activity(
        self,
        assignment_id: int,
        fence: int,
        type: str,
        body: str,
        *,
        choices: Iterable[str] = (),
        actor: Actor = LOCAL,
    ) -> Activity:
        """Keep what the agent says; its status follows. :raises StaleClaim: the work was handed on"""
        if type not in list(ActivityType) or type == ActivityType.PROMPT:
            raise Invalid(f"“{type}” is no activity of an agent: thought, action, elicitation, response or error")
        kind = ActivityType(type)
        offered = tuple(choices)

        def action(work: Work) -> Activity:
            assignment, task = self._held(work, assignment_id, fence, actor)
            activity = work.assignments.say(assignment.id, kind, body, offered, work.now)
            status = _STATUS_AFTER.get(kind, AssignmentStatus.WORKING)
            if status is not assignment.status:
                work.assignments.save(attrs.evolve(assignment, status=status))
            _tell(
                work, ActivityAdded, assignment, task, actor, activity_id=activity.id, type=str(kind),
                body=body[:_SHOWN], choices=list(offered),
            )  # fmt: skip
            return activity

        return self._unit.write(action)

    # End --------------------------------------------------------------------------------------------------------------

    def complete(
        self,
        assignment_id: int,
        fence: int,
        *,
        summary: str = "",
        branch: str | None = None,
        head: str | None = None,
        commits: int = 0,
        actor: Actor = LOCAL,
    ) -> Assignment:
        """The agent is finished. Its task waits in review for the change to be merged, or for a person's word."""
        result = {"summary": summary, "head": head, "commits": commits}

        def action(work: Work) -> Assignment:
            assignment, task = _required(work, assignment_id, fence, actor)
            done = _ended(work, assignment, AssignmentStatus.COMPLETED, result, branch=branch or assignment.branch)
            freed = attrs.evolve(task, assignment_id=None, agent=None, failures=0, retry_at=None, status=Status.REVIEW)
            _free(work, task, freed, actor, f"{assignment.agent} finished")
            _tell(work, AssignmentCompleted, done, task, actor, branch=done.branch, **result)
            return done

        return self._unit.write(action)

    def fail(self, assignment_id: int, fence: int, *, error: str, actor: Actor = LOCAL) -> Assignment:
        """The agent failed; its task is claimable again, and automatic assignment waits a little."""

        def action(work: Work) -> Assignment:
            assignment, task = _required(work, assignment_id, fence, actor)
            done = _ended(work, assignment, AssignmentStatus.FAILED, {"error": error[:2000]})
            failures = task.failures + 1
            delay = self._unit.config["assignment.retry_delay"] * 2 ** min(failures - 1, 8)
            freed = attrs.evolve(
                task,
                assignment_id=None,
                agent=None,
                failures=failures,
                retry_at=work.now + delay,
                status=Status.PENDING,
            )
            _free(work, task, freed, actor, f"{assignment.agent} failed: {error[:_SHOWN]}")
            _tell(work, AssignmentFailed, done, task, actor, error=error[:2000], failures=failures)
            return done

        return self._unit.write(action)

    def release(self, assignment_id: int, fence: int, *, reason: str = "", actor: Actor = LOCAL) -> Assignment:
        """The agent hands its task back."""

        def action(work: Work) -> Assignment:
            assignment, task = _required(work, assignment_id, fence, actor)
            done = _ended(work, assignment, AssignmentStatus.CANCELLED, {"reason": reason})
            _free(work, task, _unheld(task), actor, reason or f"{assignment.agent} handed it back")
            _tell(work, AssignmentReleased, done, task, actor, reason=reason)
            return done

        return self._unit.write(action)

    def cancel(self, assignment_id: int, *, reason: str = "", actor: Actor = LOCAL) -> Assignment:
        """A person ends an assignment, whoever holds it; its task is claimable again."""

        def action(work: Work) -> Assignment:
            assignment, task = work.assignments.held(assignment_id)
            _require_seen(actor, assignment, task)
            if not assignment.status.is_live:
                return assignment
            done = _ended(work, assignment, AssignmentStatus.CANCELLED, {"reason": reason})
            _free(work, task, _unheld(task), actor, reason or f"{actor.name} cancelled it")
            _tell(work, AssignmentCancelled, done, task, actor, reason=reason)
            return done

        return self._unit.write(action)

    def reclaim_lost(self, *, limit: int = 100) -> builtins.list[Assignment]:
        """Take back the tasks of agents that fell silent: their leases ended."""
        with self._unit.read() as work:
            expired = work.assignments.expired(work.now, limit)
        found = [self._unit.write(partial(reclaim, assignment_id=one.id)) for one in expired]
        return [assignment for assignment in found if assignment is not None]

    # Answers ----------------------------------------------------------------------------------------------------------

    def get(self, assignment_id: int, *, actor: Actor = LOCAL) -> Assignment:
        """One. :raises NotFound:"""
        with self._unit.read() as work:
            return self._seen(work, assignment_id, actor)

    def list(
        self,
        *,
        status: str | None = None,
        agent: str | None = None,
        task_id: int | None = None,
        live: bool | None = None,
        after: int = 0,
        limit: int = 50,
        actor: Actor = LOCAL,
    ) -> builtins.list[Assignment]:
        """Assignments by id."""
        with self._unit.read() as work:
            if actor.assignment_id is not None:  # its key sees no other
                after, limit = max(after, actor.assignment_id - 1), 1
            found = work.assignments.list(
                status=status, agent=agent, task_id=task_id, live=live, visible=actor.repositories, after=after,
                limit=limit,
            )  # fmt: skip
        return [one for one in found if actor.assignment_id in (None, one.id)]

    def activities(
        self, assignment_id: int, *, after: int = 0, limit: int = 200, actor: Actor = LOCAL
    ) -> builtins.list[Activity]:
        """What the agent said, in order."""
        with self._unit.read() as work:
            self._seen(work, assignment_id, actor)
            return work.assignments.activities(assignment_id, after=after, limit=limit)

    def _seen(self, work: Work, assignment_id: int, actor: Actor) -> Assignment:
        assignment = work.assignments.get(assignment_id)
        _require_seen(actor, assignment, work.tasks.get(assignment.task_id))
        return assignment

    def _held(self, work: Work, assignment_id: int, fence: int, actor: Actor) -> tuple[Assignment, Task]:
        """The assignment and its task, locked, when this fence is the live one; the lease is renewed."""
        assignment, task = _required(work, assignment_id, fence, actor)
        until = work.now + (work.claim_times.of(work.access, task.repository_id) or self._lease(assignment.agent))
        work.assignments.renew(assignment.id, fence, until)
        return attrs.evolve(assignment, lease_until=until), task

    def _lease(self, agent: str) -> timedelta:
        known = self._unit.config.agents.get(agent)
        return known.lease if known else Agent(name=agent).lease


def _required(work: Work, assignment_id: int, fence: int, actor: Actor) -> tuple[Assignment, Task]:
    """The assignment and its task, locked. :raises StaleClaim: this fence is not the live one, or its lease ended"""
    assignment, task = work.assignments.held(assignment_id)
    _require_seen(actor, assignment, task)
    live = assignment.status.is_live and assignment.fence == fence and task.assignment_id == assignment.id
    if not live or assignment.lease_until < work.now:
        raise StaleClaim(fence=fence)
    return assignment, task


def reclaim(work: Work, *, assignment_id: int) -> Assignment | None:
    """Take back what an agent holds whose lease ended; None when it is held by right, or no longer."""
    assignment, task = work.assignments.held(assignment_id)
    if not assignment.status.is_live or assignment.lease_until >= work.now:
        return None
    done = _ended(work, assignment, AssignmentStatus.LOST, {})
    _free(work, task, _unheld(task), system_actor(), f"{assignment.agent} fell silent")
    _tell(work, AssignmentLost, done, task, system_actor(), lease_until=to_text(assignment.lease_until))
    return done


def _require_seen(actor: Actor, assignment: Assignment, task: Task) -> None:
    require_seen(actor, task.repository_id, f"assignment {assignment.id}")
    if actor.assignment_id is not None and actor.assignment_id != assignment.id:
        raise NotFound(f"there is no assignment {assignment.id}")


def require_ready(work: Work, task: Task) -> None:
    """Refuse to hand out a task that is not ready. :raises NotReady: with the blockers"""
    if readiness.is_ready(task, work.now):
        return
    found = readiness.explain(
        task,
        dependencies=work.tasks.many(task.dependencies),
        ancestors=work.tasks.ancestors(task.id),
        subtasks=work.tasks.children(task.id),
        now=work.now,
    )
    said = "; ".join(condition.message for condition in found.why)
    blockers = [attrs.asdict(condition) for condition in found.why]
    raise NotReady(f"task {task.id} is not ready: {said}", blockers=blockers)


def begin(work: Work, held: Task, agent: Agent, *, was: Status, reason: str, actor: Actor, prefix: str) -> Assignment:
    """Begin the assignment of a task that the agent was given just now, from the status that it had: lease and events.

    :raises NoAgent: the agent holds as many tasks as it may
    """
    if agent.concurrency < _UNLIMITED and work.assignments.live_count(agent.name) >= agent.concurrency:
        raise NoAgent(f"{agent.name} holds {agent.concurrency} already, as many as it may")
    assert held.assignment_id is not None  # noqa: S101 - it is held
    assignment = work.assignments.add(
        Assignment(
            id=held.assignment_id,
            task_id=held.id,
            agent=agent.name,
            status=AssignmentStatus.ASSIGNED,
            fence=held.fence,
            lease_until=work.now + (work.claim_times.of(work.access, held.repository_id) or agent.lease),
            assigned_at=work.now,
            attempt=held.fence,
            branch=branch_name(held, prefix),
            reason=reason,
        )
    )
    _tell(
        work, AssignmentCreated, assignment, held, actor, fence=held.fence, reason=reason,
        lease_until=to_text(assignment.lease_until), title=held.title,
    )  # fmt: skip
    _tell_move(work, held, was, Status.IN_PROGRESS, actor, f"assigned to {agent.name}")
    return assignment


def branch_name(task: Task, prefix: str) -> str:
    """The branch for a task: it names it, so that the change links itself.

    Only letters, digits and dashes of the title are kept; the whole is a valid Git reference.
    """
    slug = _NOT_IN_BRANCHES.sub("-", task.title.lower()).strip("-")[:40].strip("-")
    return f"nexus/{prefix.lower()}-{task.id}" + (f"-{slug}" if slug else "")


def _ended(
    work: Work,
    assignment: Assignment,
    status: AssignmentStatus,
    result: dict[str, Any],
    *,
    branch: str | None = None,
) -> Assignment:
    done = attrs.evolve(assignment, status=status, ended_at=work.now, branch=branch or assignment.branch, result=result)
    work.assignments.save(done)
    work.access.revoke_assignment_keys(assignment.id, work.now)
    return done


def _unheld(task: Task) -> Task:
    return attrs.evolve(task, assignment_id=None, agent=None, status=Status.PENDING)


def _free(work: Work, old: Task, new: Task, actor: Actor, reason: str) -> None:
    """Write the task that its holder let go of."""
    work.tasks.place(new, work.now)
    _tell_move(work, old, old.status, new.status, actor, reason)
    if new.status is Status.PENDING:
        upkeep.announce_ready(work, [new.id], actor=actor, because=None, delivery=None)


def _tell_move(work: Work, task: Task, was: Status, to: Status, actor: Actor, reason: str) -> None:
    if was is not to:
        work.record(
            TaskMoved, actor=actor, task_id=task.id, repository_id=task.repository_id, **said_from(was),
            to=str(to), reason=reason, title=task.title, **of_issue(task),
        )  # fmt: skip


def _tell(work: Work, kind: type[Event], assignment: Assignment, task: Task, actor: Actor, **payload: Any) -> None:
    work.record(
        kind, actor=actor, task_id=task.id, repository_id=task.repository_id, assignment_id=assignment.id,
        agent=assignment.agent, **payload,
    )  # fmt: skip
