"""The shapes of the API: domain values as plain, JSON-able dicts. What stands here is a public contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from .clock import to_text
from .domain.access import ApiKey, NewApiKey, User
from .domain.agents import Activity, AgentState, Assignment
from .domain.changes import Change, ChangeLink
from .domain.deliveries import Delivery
from .domain.events import Event
from .domain.findings import Case, Finding
from .domain.graph import Graph
from .domain.hosts import Connection
from .domain.jobs import Job
from .domain.readiness import Readiness, is_ready
from .domain.repositories import Repository
from .domain.tasks import Task, task_key

if TYPE_CHECKING:
    from .ports.queries import LaneFigures
    from .services.audit import Verification
    from .services.doctor import MendReport
    from .services.import_report import ImportReport
    from .services.scores import Explanation
    from .services.tasks import Recommendation

Wire = dict[str, Any]


def plain(value: Any) -> Any:
    """A field's value as events and the API hold it.

    >>> plain(("a", "b")), plain(None), plain(3)
    (['a', 'b'], None, 3)
    """
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, datetime):
        return to_text(value)
    return value if value is None or isinstance(value, int | dict) else str(value)


def _time(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)


def task_to_wire(task: Task, prefix: str = "NX", *, now: datetime | None = None) -> Wire:
    """A task. `now` decides whether a parked one counts as ready; without it, parking is taken as over."""
    repository = None
    if task.repository_id is not None:
        repository = {"id": task.repository_id, "name": task.repository}
    return {
        "id": task.id,
        "key": task_key(task.id, prefix),
        "repository": repository,
        "parent_id": task.parent_id,
        "title": task.title,
        "description": task.description,
        "details": task.details,
        "test_strategy": task.test_strategy,
        "status": str(task.status),
        "priority": str(task.priority),
        "complexity": task.complexity,
        "complexity_auto": task.complexity_auto,
        "complexity_manual": task.complexity_manual,
        "dependencies": list(task.dependencies),
        "open_dependencies": task.open_dependencies,
        "ready": is_ready(task, now or task.not_before or task.updated_at),
        "labels": list(task.labels),
        "agent": task.agent,
        "external_key": task.external_key,
        "raw_data": dict(task.raw_data),
        "not_before": _time(task.not_before),
        "version": task.version,
        "created_at": to_text(task.created_at),
        "updated_at": to_text(task.updated_at),
    }


def repository_to_wire(repository: Repository) -> Wire:
    """A repository."""
    return {
        "id": repository.id,
        "name": repository.name,
        "url": repository.url,
        "default_branch": repository.default_branch,
        "state": repository.state,
        "reachable": repository.reachable,
        "created_at": to_text(repository.created_at),
    }


def connection_to_wire(found: Connection) -> Wire:
    """What came of connecting a repository with its host."""
    return {
        "host": found.host or None,
        "reachable": found.is_reachable,
        "reason": found.reason or None,
        "policy": found.policy,
        "policy_faults": [fault._asdict() for fault in found.policy_faults],
        "imported": found.imported,
        "import_error": found.import_error or None,
        "findings": [attrs.asdict(one) for one in found.findings],
    }


def activity_to_wire(activity: Activity) -> Wire:
    """An activity."""
    return {
        "id": activity.id,
        "assignment_id": activity.assignment_id,
        "type": str(activity.type),
        "body": activity.body,
        "choices": list(activity.choices),
        "answer": activity.answer,
        "answered_by": activity.answered_by,
        "created_at": to_text(activity.created_at),
    }


def assignment_to_wire(
    assignment: Assignment,
    task: Task,
    prefix: str = "NX",
    *,
    now: datetime | None = None,
    key: str | None = None,
) -> Wire:
    """An assignment with its task; `key` is the assignment's own, shown in the answer to a claim alone."""
    last = assignment.last_activity
    shown: Wire = {
        "id": assignment.id,
        "task": task_to_wire(task, prefix, now=now),
        "agent": assignment.agent,
        "status": str(assignment.status),
        "fence": assignment.fence,
        "lease_until": to_text(assignment.lease_until),
        "assigned_at": to_text(assignment.assigned_at),
        "ended_at": _time(assignment.ended_at),
        "attempt": assignment.attempt,
        "branch": assignment.branch,
        "reason": assignment.reason,
        "result": dict(assignment.result),
        "last_activity": None if last is None else activity_to_wire(last),
    }
    return shown if key is None else {**shown, "key": key}


def agent_state_to_wire(state: AgentState, tasks: Mapping[int, Task], prefix: str = "NX") -> Wire:
    """An agent with its current assignments; `tasks` are the tasks of these, by id."""
    agent = state.agent
    return {
        "name": agent.name,
        "launched": agent.is_launched,
        "state": "busy" if state.free == 0 else "working" if state.assignments or state.hidden else "idle",
        "skills": sorted(agent.skills),
        "max_complexity": agent.max_complexity,
        "concurrency": agent.concurrency,
        "timeout_seconds": agent.timeout.total_seconds(),
        "lease_seconds": agent.lease.total_seconds(),
        "assignments": [
            assignment_to_wire(assignment, tasks[assignment.task_id], prefix)
            for assignment in state.assignments
            if assignment.task_id in tasks
        ],
    }


def event_to_wire(event: Event) -> Wire:
    """An event."""
    return {
        "id": event.id,
        "type": event.type,
        "actor": {
            "kind": str(event.actor_kind),
            "name": event.actor_name,
            "id": event.actor_id,
            "key_id": event.key_id,
        },
        "task_id": event.task_id,
        "repository_id": event.repository_id,
        "assignment_id": event.assignment_id,
        "delivery": event.delivery,
        "payload": dict(event.payload),
        "address": event.address,
        "request_id": event.request_id,
        "created_at": to_text(event.created_at),
    }


def verification_to_wire(found: Verification) -> Wire:
    """What came of walking a part of the audit's chain; `next` is the place to go on after, null at the end."""
    fault = found.fault
    return {
        "after": found.after,
        "after_hash": found.after_hash.hex(),
        "place": found.place,
        "hash": found.hash.hex(),
        "sealed": found.sealed,
        "next": None if found.is_last else found.place,
        "fault": fault
        and {"kind": fault.kind, "place": fault.place, "event_id": fault.event_id, "message": fault.message},
        "saw_head": found.saw_head,
        "unsealed": found.unsealed,
        "unsealed_since": _time(found.unsealed_since),
    }


def job_to_wire(job: Job) -> Wire:
    """A job."""
    return {
        "id": job.id,
        "kind": job.kind,
        "lane": job.lane,
        "state": str(job.state),
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "priority": job.priority,
        "subject": job.subject,
        "event_id": job.event_id,
        "payload": dict(job.payload),
        "run_at": to_text(job.run_at),
        "locked_until": _time(job.locked_until),
        "locked_by": job.locked_by,
        "last_error": job.last_error,
        "created_at": to_text(job.created_at),
        "finished_at": _time(job.finished_at),
    }


def lane_to_wire(lane: LaneFigures) -> Wire:
    """How a lane is doing."""
    return {**attrs.asdict(lane), "oldest": _time(lane.oldest)}


def delivery_to_wire(delivery: Delivery) -> Wire:
    """A stored webhook, without its body."""
    return {
        "id": delivery.id,
        "source": delivery.source,
        "delivery_id": delivery.delivery_id,
        "kind": delivery.kind,
        "state": str(delivery.state),
        "error": delivery.error,
        "created_at": to_text(delivery.created_at),
        "handled_at": _time(delivery.handled_at),
    }


def key_to_wire(key: ApiKey) -> Wire:
    """A key, without its secret."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "repositories": None if key.repositories is None else sorted(key.repositories),
        "agent": key.agent,
        "user_id": key.user_id,
        "created_at": to_text(key.created_at),
        "expires_at": _time(key.expires_at),
        "last_used_at": _time(key.last_used_at),
        "revoked_at": _time(key.revoked_at),
    }


def new_key_to_wire(new: NewApiKey) -> Wire:
    """A key that was just made, with its secret: the only time it is shown."""
    return {**key_to_wire(new.key), "key": new.secret}


def user_to_wire(user: User) -> Wire:
    """A person."""
    return {
        "id": user.id,
        "username": user.username,
        "github_id": user.github_id,
        "role": str(user.role),
        "provider": user.provider,
        "organisation": user.organisation,
        "disabled_at": _time(user.disabled_at),
        "created_at": to_text(user.created_at),
    }


def change_to_wire(change: Change, link: ChangeLink) -> Wire:
    """A change that names a task, with why it was linked."""
    return {
        "source": change.source,
        "number": change.number,
        "state": str(change.state),
        "title": change.title,
        "branch": change.branch,
        "url": change.url,
        "author": change.author,
        "closes": link.closes,
        "reason": link.reason,
    }


def readiness_to_wire(readiness: Readiness) -> Wire:
    """Whether a task is ready, why not, and what finishing it would bring."""
    impact = readiness.impact
    return {
        "ready": readiness.ready,
        "why": [
            {"code": condition.code, "message": condition.message, "tasks": list(condition.tasks)}
            for condition in readiness.why
        ],
        "notes": list(readiness.notes),
        "impact": impact
        and {
            "unblocks": list(impact.unblocks),
            "waiting": impact.waiting,
            "at_least": impact.is_at_least,
            "longest_chain": impact.longest_chain,
        },
    }


def complexity_to_wire(found: Explanation, prefix: str = "NX") -> Wire:
    """How complex a task is, who says so, and by what factors; these are of `complexity_auto`."""
    task, score = found.task, found.score
    return {
        "task_id": task.id,
        "key": task_key(task.id, prefix),
        "score": task.complexity,
        "source": found.source and str(found.source),
        "complexity_auto": task.complexity_auto,
        "complexity_manual": task.complexity_manual,
        "auto_source": score and str(score.source),
        "estimator": score and score.estimator,
        "factors": [
            {"name": factor.name, "value": factor.value, "because": factor.because}
            for factor in (score.factors if score else ())
        ],
        "reasoning": score.reasoning if score else "",
    }


def graph_to_wire(
    graph: Graph, prefix: str = "NX", *, now: datetime | None = None, left_out: tuple[int, int] = (0, 0)
) -> Wire:
    """The graph: nodes, edges (a task to what it depends on), the critical path, how many are left out."""
    return {
        "nodes": [
            {
                "id": task.id,
                "key": task_key(task.id, prefix),
                "title": task.title,
                "status": str(task.status),
                "priority": str(task.priority),
                "repository": task.repository,
                "parent_id": task.parent_id,
                "not_before": _time(task.not_before),
                "ready": is_ready(task, now or task.not_before or task.updated_at),
            }
            for task in graph.tasks
        ],
        "edges": [{"task": task_id, "depends_on": on} for task_id, on in graph.edges],
        "critical_path": list(graph.critical_path),
        "left_out": {"open": left_out[0], "closed": left_out[1]},
    }


def report_to_wire(report: ImportReport, prefix: str = "NX") -> Wire:
    """What an import did, or would do."""
    return {
        "repository": report.repository,
        "kind": report.kind,
        "format": report.format,
        "layout": report.layout,
        "tag": report.tag,
        "dry_run": report.dry_run,
        "tasks": report.tasks,
        "dependencies": report.dependencies,
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "unscored": report.unscored,
        "unmatched": report.unmatched,
        "warnings": [
            {"place": one.place, "code": one.code, "message": one.message, "done": one.done} for one in report.warnings
        ],
        "conflicts": [
            {
                "task": one.task,
                "key": task_key(one.task, prefix),
                "external_key": one.external_key,
                "field": one.field,
                "base": one.base,
                "file": one.file,
                "nexus": one.nexus,
                "taken": one.taken,
            }
            for one in report.conflicts
        ],
        "cycles": [list(cycle) for cycle in report.cycles],
    }


def finding_to_wire(finding: Finding, prefix: str = "NX") -> Wire:
    """What the doctor found in a repository, with the ways to mend it."""
    check = finding.check
    repository = None
    if finding.repository_id is not None:
        repository = {"id": finding.repository_id, "name": finding.repository}
    return {
        "code": check.code,
        "severity": str(check.severity),
        "repository": repository,
        "message": check.message(finding.count),
        "meanwhile": check.meanwhile,
        "count": finding.count,
        "cases": [_case_to_wire(case, finding, prefix) for case in finding.cases],
        "mends": _mends_to_wire(finding),
    }


def _case_to_wire(case: Case, finding: Finding, prefix: str) -> Wire:
    def tell(task_id: int) -> Wire:
        task = finding.tasks.get(task_id)  # none: in a repository that the asker does not see
        return {
            "id": task_id,
            "key": task_key(task_id, prefix),
            "external_key": task and task.external_key,
            "title": task and task.title,
            "status": task and str(task.status),
            "repository": task and task.repository,
        }

    place = None if case.line is None or finding.path is None else f"{finding.path}:{case.line}"
    own = None if case.task is None else tell(case.task)
    return {
        "message": case.message,
        "task": own,
        "external_key": case.key or (own and own["external_key"]),
        "others": [tell(other) for other in case.others],
        "place": place,
        "commands": list(case.commands),
    }


def _mends_to_wire(finding: Finding) -> list[Wire]:
    check = finding.check
    doctor = f"nexus task doctor --repo {finding.repository or 'none'} --fix --only {check.code}"
    found: list[Wire] = [
        {
            "by": "nexus",
            "name": mend.name,
            "does": mend.does,
            "automatic": mend.automatic,
            "command": doctor if check.mend() is mend else f"{doctor}:{mend.name}",
        }
        for mend in check.mends
    ]
    if check.advice:
        by_hand = finding.cases[0].commands if finding.count == 1 and len(finding.cases) == 1 else ()
        command = by_hand[0] if len(by_hand) == 1 else None
        found.append({"by": "person", "name": None, "does": check.advice, "automatic": False, "command": command})
    return found


def mend_report_to_wire(report: MendReport, prefix: str = "NX") -> Wire:
    """What was mended, or would be, and what remains."""
    return {
        "repository": report.repository,
        "path": report.path,
        "dry_run": report.dry_run,
        "mended": [
            {
                "code": one.check.code,
                "mend": one.mend.name,
                "does": one.mend.does,
                "count": one.count,
                "changes": list(one.changes),
            }
            for one in report.mended
        ],
        "findings": [finding_to_wire(one, prefix) for one in report.findings],
    }


def recommendation_to_wire(found: Recommendation | None, prefix: str = "NX", *, now: datetime | None = None) -> Wire:
    """The best ready task with the reasons for it, or a null."""
    if found is None:
        return {"task": None, "reasons": []}
    return {"task": task_to_wire(found.task, prefix, now=now), "reasons": list(found.reasons)}
