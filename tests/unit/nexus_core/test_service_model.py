"""The counts that the store keeps beside each task, held against a model that computes everything from nothing.

Readiness is one indexed look-up because of these counts, so a count that drifts would hand out work too early or
never. Hypothesis makes tasks, parents and dependencies, moves and unties them in every order that it can think of.
"""

from contextlib import ExitStack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nexus_core.domain.readiness import order_key
from nexus_core.domain.tasks import Status
from nexus_core.errors import Conflict, Cycle, TransitionRefused
from nexus_core.ports.queries import TaskQuery
from nexus_core.testing import nexus_for_test

some = st.integers(0, 30)
statuses = st.sampled_from([str(status) for status in Status])


class Graph(RuleBasedStateMachine):
    """What people do to tasks, in any order."""

    def __init__(self):
        super().__init__()
        self.closing = ExitStack()
        self.nexus = self.closing.enter_context(nexus_for_test())
        self.ids = [self.nexus.tasks.create("Task 1").id]

    def teardown(self):
        self.closing.close()

    def pick(self, number):
        return self.ids[number % len(self.ids)]

    @rule(parent=st.none() | some, on=st.lists(some, max_size=2))
    def create(self, parent, on):
        """Create a task below another one, or not, that depends on some."""
        above = None if parent is None else self.pick(parent)
        task = self.nexus.tasks.create("Task", parent_id=above, dependencies=[self.pick(number) for number in on])
        self.ids.append(task.id)

    @rule(one=some, other=some)
    def depend(self, one, other):
        """Tie two tasks, unless that would close a cycle."""
        try:
            self.nexus.tasks.depend(self.pick(one), self.pick(other))
        except Cycle as error:
            assert error.details["path"][0] == error.details["path"][-1] == self.pick(one)

    @rule(one=some, other=some)
    def undepend(self, one, other):
        """Untie two tasks, whether tied or not."""
        self.nexus.tasks.undepend(self.pick(one), self.pick(other))

    @rule(one=some, status=statuses)
    def move(self, one, status):
        """Move a task where it may go."""
        try:
            self.nexus.tasks.move(self.pick(one), status)
        except TransitionRefused:
            assert self.nexus.tasks.get(self.pick(one)).status.is_closed

    @rule(one=some, parent=st.none() | some)
    def adopt(self, one, parent):
        """Put a task below another one, unless that one is below it."""
        above = None if parent is None else self.pick(parent)
        try:
            self.nexus.tasks.edit(self.pick(one), {"parent_id": above})
        except Conflict:
            assert above is not None

    @invariant()
    def counts_are_right(self):
        """Each count is what a count from nothing gives, and `ready` lists exactly what `why` calls ready."""
        tasks = {task.id: task for task in self.nexus.tasks.list(TaskQuery(limit=200)).items}
        for task in tasks.values():
            assert (
                self.open_dependencies(task, tasks),
                self.open_subtasks(task, tasks),
                self.blocked_ancestors(task, tasks),
            ) == (task.open_dependencies, task.open_subtasks, task.blocked_ancestors), task
            # Of a closed task nobody asks what waits for it; it is counted again when the task is reopened.
            assert task.status.is_closed or len(self.waiting_for(task, tasks)) == task.impact, task

        ready = self.nexus.tasks.ready(limit=200)
        assert [task.id for task in tasks.values() if self.nexus.tasks.readiness(task.id).ready] == sorted(
            task.id for task in ready
        )
        assert sorted(ready, key=order_key) == ready

    @staticmethod
    def open_dependencies(task, tasks):
        return sum(not tasks[on].status.is_closed for on in task.dependencies)

    @staticmethod
    def open_subtasks(task, tasks):
        return sum(other.parent_id == task.id and not other.status.is_closed for other in tasks.values())

    def blocked_ancestors(self, task, tasks):
        above, count = task.parent_id, 0
        while above is not None:
            count += self.open_dependencies(tasks[above], tasks) > 0
            above = tasks[above].parent_id
        return count

    @staticmethod
    def waiting_for(task, tasks):
        found, front = set(), {task.id}
        while front:
            front = {
                other.id for other in tasks.values() if not other.status.is_closed and front & set(other.dependencies)
            } - found
            found |= front
        return found


Graph.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestGraph = Graph.TestCase
