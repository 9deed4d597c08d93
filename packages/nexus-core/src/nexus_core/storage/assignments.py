"""Assignments and activities in SQL."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime

import attrs

from ..clock import to_text
from ..domain.agents import Activity, ActivityType, Assignment, AssignmentStatus
from ..domain.tasks import Task
from ..errors import NotFound
from ..ports.queries import Visible
from . import rows
from .session import Row, SqlSession
from .tasks import task_of, visibility


class SqlAssignments:
    """Assignments and their activities."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add(self, assignment: Assignment) -> Assignment:
        """Store an assignment; its id is given by the store."""
        columns = {
            "id": assignment.id, "task_id": assignment.task_id, "agent": assignment.agent,
            "status": str(assignment.status), "fence": assignment.fence,
            "lease_until": to_text(assignment.lease_until), "attempt": assignment.attempt,
            "branch": assignment.branch, "reason": assignment.reason,
            "result": rows.to_json(dict(assignment.result)), "now": to_text(assignment.assigned_at),
        }  # fmt: skip
        if assignment.id:
            self._session.later("insert_assignment", **columns)
            return assignment
        row = self._session.one("insert_assignment", **columns)
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return attrs.evolve(assignment, id=row["id"])

    def get(self, assignment_id: int, *, lock: bool = False) -> Assignment:
        """One."""
        row = None
        if abs(assignment_id) < 2**63:
            row = self._session.one("lock_assignment" if lock else "get_assignment", id=assignment_id)
        if row is None:
            raise NotFound(f"there is no assignment {assignment_id}")
        return _assignment(row)

    def held(self, assignment_id: int) -> tuple[Assignment, Task]:
        """One with its task, both locked."""
        row = self._session.one("lock_held", id=assignment_id) if abs(assignment_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no assignment {assignment_id}")
        beside = {name.removeprefix("held_"): row[name] for name in row if name.startswith(("held_", "said_"))}
        own = {name: row[name] for name in row if not name.startswith(("held_", "said_"))}
        return _assignment(beside), task_of(own)

    def list(
        self, *, status: str | None, agent: str | None, task_id: int | None, live: bool | None, visible: Visible,
        after: int, limit: int,
    ) -> list[Assignment]:  # fmt: skip
        """Assignments by id."""
        found = self._session.all(
            "list_assignments", **visibility(visible), status=status, agent=agent, task_id=task_id,
            any_live=live is None, live=bool(live), after_id=after, limit=limit,
        )  # fmt: skip
        return [_assignment(row) for row in found]

    def live(self) -> builtins.list[Assignment]:
        """All that hold a task."""
        return [_assignment(row) for row in self._session.all("live_assignments")]

    def live_count(self, agent: str) -> int:
        """How many tasks an agent holds; nobody else learns it until the transaction ends."""
        self._session.one("lock_agent", agent=agent)
        row = self._session.one("count_live_assignments", agent=agent)
        return int(row["number"]) if row else 0

    def expired(self, now: datetime, limit: int) -> builtins.list[Assignment]:
        """Those whose lease ended."""
        found = self._session.all("expired_assignments", now=to_text(now), limit=limit)
        return [_assignment(row) for row in found]

    def save(self, assignment: Assignment) -> None:
        """Write a changed assignment."""
        self._session.later(
            "update_assignment", id=assignment.id, status=str(assignment.status), branch=assignment.branch,
            lease_until=to_text(assignment.lease_until), result=rows.to_json(dict(assignment.result)),
            ended_at=rows.time(assignment.ended_at),
        )  # fmt: skip

    def renew(self, assignment_id: int, fence: int, until: datetime) -> bool:
        """Lengthen a live lease; false when the fence is stale."""
        return bool(self._session.run("renew_lease", id=assignment_id, fence=fence, lease_until=to_text(until)))

    def say(self, assignment_id: int, kind: ActivityType, body: str, choices: Sequence[str], now: datetime) -> Activity:
        """Add an activity."""
        row = self._session.one(
            "insert_activity", assignment_id=assignment_id, type=str(kind), body=body,
            choices=rows.to_json(list(choices)), now=to_text(now),
        )  # fmt: skip
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return _activity(row)

    def activities(self, assignment_id: int, *, after: int, limit: int) -> builtins.list[Activity]:
        """What was said, in order."""
        found = self._session.all("list_activities", assignment_id=assignment_id, after_id=after, limit=limit)
        return [_activity(row) for row in found]

    def activity(self, activity_id: int) -> Activity:
        """One activity."""
        row = self._session.one("get_activity", id=activity_id) if abs(activity_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no activity {activity_id}")
        return _activity(row)

    def inbox(self, visible: Visible, limit: int) -> builtins.list[Activity]:
        """Questions of live assignments that nobody answered."""
        return [_activity(row) for row in self._session.all("list_inbox", **visibility(visible), limit=limit)]

    def answer(self, activity_id: int, answer: str, by: str) -> bool:
        """Answer a question; false when somebody else did first."""
        return bool(self._session.run("answer_activity", id=activity_id, answer=answer, answered_by=by))


def _assignment(row: Row) -> Assignment:
    """An assignment, with what was said last where the statement reads that."""
    said = {name: row[f"said_{name}"] for name in _SAID} if row.get("said_id") is not None else None
    return Assignment(
        id=row["id"],
        task_id=row["task_id"],
        agent=row["agent_name"],
        status=AssignmentStatus(row["status"]),
        fence=row["fence"],
        lease_until=rows.at(row["lease_until"]),
        assigned_at=rows.at(row["assigned_at"]),
        attempt=row["attempt"],
        branch=row["branch"],
        reason=row["reason"],
        result=rows.from_json(row["result"]),
        ended_at=rows.maybe_at(row["ended_at"]),
        last_activity=None if said is None else _activity({**said, "assignment_id": row["id"]}),
    )


_SAID = ("id", "type", "body", "choices", "answer", "answered_by", "created_at")


def _activity(row: Row) -> Activity:
    """An activity."""
    fields = dict(row)
    fields.update(
        type=ActivityType(row["type"]),
        choices=tuple(rows.from_json(row["choices"])),
        created_at=rows.at(row["created_at"]),
    )
    return Activity(**fields)
