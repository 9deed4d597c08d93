"""The inbox: questions of agents that wait for a person."""

from __future__ import annotations

import builtins

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.agents import Activity, ActivityType, AssignmentStatus
from ..domain.events import InboxAnswered
from ..errors import Conflict, Fault, Invalid
from .work import UnitOfWork, Work, require_seen


class InboxService:
    """Questions and answers."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def list(self, *, limit: int = 50, actor: Actor = LOCAL) -> builtins.list[Activity]:
        """Questions of live assignments that nobody answered yet."""
        with self._unit.read() as work:
            asked = work.assignments.inbox(actor.repositories, limit)
        return [one for one in asked if actor.assignment_id in (None, one.assignment_id)]

    def answer(self, activity_id: int, answer: str, *, actor: Actor = LOCAL) -> Activity:
        """Answer a question; the first answer wins. :raises Conflict: somebody was first"""
        if not isinstance(answer, str) or not answer.strip():
            raise Invalid("the answer is empty", faults=(Fault("/answer", "expected a text"),))

        def action(work: Work) -> Activity:
            activity = work.assignments.activity(activity_id)
            assignment = work.assignments.get(activity.assignment_id, lock=True)
            task = work.tasks.get(assignment.task_id)
            require_seen(actor, task.repository_id, f"activity {activity_id}")
            if activity.choices and answer not in activity.choices:
                choices = ", ".join(activity.choices)
                raise Conflict(f"that is none of the answers that the question offers: {choices}")
            if activity.type is not ActivityType.ELICITATION or not assignment.status.is_live:
                raise Conflict("this is not an open question")
            if not work.assignments.answer(activity_id, answer, actor.name):
                raise Conflict(f"{activity.answered_by or 'somebody'} answered first: {activity.answer}")
            work.assignments.say(assignment.id, ActivityType.PROMPT, answer, (), work.now)
            work.assignments.save(attrs.evolve(assignment, status=AssignmentStatus.WORKING))
            work.record(
                InboxAnswered, actor=actor, task_id=task.id, repository_id=task.repository_id,
                assignment_id=assignment.id, activity_id=activity_id, answer=answer[:280],
            )  # fmt: skip
            return work.assignments.activity(activity_id)

        return self._unit.write(action)
