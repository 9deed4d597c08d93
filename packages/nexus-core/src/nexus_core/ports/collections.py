"""The collections of the store: what can be asked of tasks, events, jobs and the rest, within a transaction."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ..domain.access import ApiKey, Role, Scope, User
from ..domain.agents import Activity, ActivityType, Assignment
from ..domain.deliveries import Delivery, DeliveryState, VerifiedDelivery
from ..domain.events import Event, NewEvent
from ..domain.jobs import Job, JobState, NewJob
from ..domain.repositories import Repository
from ..domain.tasks import NewTask, Task
from .graph import NewStanding
from .queries import LaneStats, Page, ReadyQuery, ShownPage, ShownTask, TaskQuery, Visible
from .wakeup import Ring


class Tasks(Protocol):
    """Tasks and the dependencies between them."""

    def add(self, new: NewTask, now: datetime) -> Task:
        """Store a new task. :raises Duplicate: the external key is taken in its repository"""
        ...

    def reserve(self, number: int) -> builtins.list[int]:
        """Ids for so many new tasks, ascending: nobody else gets them."""
        ...

    def add_reserved(self, new: Mapping[int, NewTask], beside: Mapping[int, NewStanding], now: datetime) -> None:
        """Store new tasks under reserved ids, parents before subtasks. :raises Duplicate: an external key is taken"""
        ...

    def save(self, task: Task, now: datetime) -> Task:
        """Write a changed task. :raises StaleWrite: it is not at the version that was read"""
        ...

    def place(self, task: Task, now: datetime) -> None:
        """Write where a task stands: status, holder, fence, failures. :raises StaleWrite: as for `save`"""
        ...

    def get(self, task_id: int, *, lock: bool = False) -> Task:
        """One task; `lock` keeps others from changing it until the transaction ends. :raises NotFound:"""
        ...

    def many(self, ids: Sequence[int]) -> builtins.list[Task]:
        """Those of the ids that exist, by id."""
        ...

    def page(self, query: TaskQuery, *, repository_id: int | None, visible: Visible, now: datetime) -> Page[Task]:
        """A page of tasks. :raises Invalid: the sort or the cursor makes no sense"""
        ...

    def show(self, task_id: int, prefix: str, now: datetime) -> ShownTask:
        """One task as the API shows it: what `wire.task_to_wire` makes of it, as a text. :raises NotFound:"""
        ...

    def show_page(
        self, query: TaskQuery, *, repository_id: int | None, visible: Visible, prefix: str, now: datetime
    ) -> ShownPage:
        """A page of tasks as the API shows them. :raises Invalid: as for `page`"""
        ...

    def ready(self, query: ReadyQuery, now: datetime) -> builtins.list[Task]:
        """Ready tasks in their order."""
        ...

    def take(self, query: ReadyQuery, agent: str, now: datetime) -> Task | None:
        """Give the first ready task that no other transaction has in hand to an agent.

        It is in progress and held then, its fence is one higher, and `assignment_id` is the id under which the caller
        stores the assignment. Of the rest only what an assignment needs is read.
        """
        ...

    def hold(self, task: Task, agent: str, now: datetime) -> Task:
        """Give a task to an agent, as `take` does. :raises StaleWrite: as for `save`"""
        ...

    def dispatchable(self, now: datetime, *, max_failures: int, limit: int) -> builtins.list[Task]:
        """Ready tasks that automatic assignment may hand out, in their order.

        Not those of repositories that are archived, deleted or out of reach: nothing could be pushed there.
        """
        ...

    def woken(self, since: datetime | None, now: datetime) -> builtins.list[tuple[int, datetime]]:
        """Ready tasks that were parked until an instant after `since` (None: ever), with that instant."""
        ...

    def ready_among(self, ids: Sequence[int], now: datetime) -> builtins.list[tuple[int, int | None, str]]:
        """Those of the ids that are ready, in their order: id, repository, title."""
        ...

    def children(self, task_id: int) -> builtins.list[Task]:
        """The subtasks."""
        ...

    def ancestors(self, task_id: int) -> builtins.list[Task]:
        """The parent, its parent and so on."""
        ...

    def descendants(self, ids: Sequence[int]) -> dict[int, int]:
        """All below these, each with how many of these are above it."""
        ...

    def depend(self, task_id: int, on: int) -> bool:
        """Add a dependency; false when it was there."""
        ...

    def depend_all(self, edges: Sequence[tuple[int, int]]) -> None:
        """Add dependencies, (task, on), none of which is there."""
        ...

    def undepend(self, task_id: int, on: int) -> bool:
        """Remove a dependency; false when there was none."""
        ...

    def dependencies(self, ids: Sequence[int]) -> builtins.list[tuple[int, int]]:
        """(task, what it depends on) for these tasks."""
        ...

    def dependents(self, ids: Sequence[int]) -> builtins.list[tuple[int, int]]:
        """(task, what it depends on) for the tasks that depend on these."""
        ...

    def bump_subtasks(self, task_id: int, delta: int) -> int:
        """Change the count of open subtasks; the new count."""
        ...

    def keys_of(self, repository_id: int) -> dict[str, int]:
        """External key -> id, for a repository."""
        ...

    def set_external_keys(self, keys: Mapping[int, str]) -> None:
        """Give tasks that have none their external keys. :raises Duplicate: a key is taken in its repository"""
        ...

    def find_external(self, repository_id: int, external_key: str) -> int | None:
        """The task with this external key; a key without a tag (`:3.2`) is found when only one tag has it."""
        ...

    def of_repository(self, repository_id: int) -> builtins.list[Task]:
        """The tasks of a repository, by id."""
        ...

    def graph(self, repository_id: int | None, visible: Visible) -> builtins.list[Task]:
        """The tasks of a repository and those of others that they touch; of all without one."""
        ...

    def lock_graph(self) -> None:
        """Let nobody else add dependencies until the transaction ends."""
        ...

    def counts(self) -> dict[tuple[int | None, str], int]:
        """How many tasks each repository has in each status."""
        ...

    def save_file(self, repository_id: int, path: str, format_name: str, content: bytes, now: datetime) -> None:
        """Keep the task file as it was imported."""
        ...

    def file(self, repository_id: int) -> tuple[str, str, bytes] | None:
        """The task file as it was imported: path, format, content."""
        ...


class Repositories(Protocol):
    """Repositories."""

    def add(self, name: str, url: str, *, default_branch: str, external_id: str | None, now: datetime) -> Repository:
        """Store a repository. :raises Duplicate: there is one of this name"""
        ...

    def get(self, repository_id: int, *, lock: bool = False) -> Repository:
        """One; who is to `save` it locks it. :raises NotFound:"""
        ...

    def find(self, name: str) -> Repository | None:
        """By name, whatever the case."""
        ...

    def find_external(self, external_id: str) -> Repository | None:
        """By its host's own id."""
        ...

    def list(self) -> builtins.list[Repository]:
        """All."""
        ...

    def save(self, repository: Repository) -> None:
        """Write a changed repository."""
        ...


class Assignments(Protocol):
    """Assignments and their activities."""

    def add(self, assignment: Assignment) -> Assignment:
        """Store an assignment under its id, or under the next when that is 0. :raises Duplicate: the task is held"""
        ...

    def get(self, assignment_id: int, *, lock: bool = False) -> Assignment:
        """One. :raises NotFound:"""
        ...

    def held(self, assignment_id: int) -> tuple[Assignment, Task]:
        """One with its task, which comes without its dependencies; both locked, the task first. :raises NotFound:"""
        ...

    def list(
        self, *, status: str | None, agent: str | None, task_id: int | None, live: bool | None, visible: Visible,
        after: int, limit: int,
    ) -> builtins.list[Assignment]:  # fmt: skip
        """Assignments by id."""
        ...

    def live(self) -> builtins.list[Assignment]:
        """All that hold a task."""
        ...

    def live_count(self, agent: str) -> int:
        """How many tasks an agent holds."""
        ...

    def expired(self, now: datetime, limit: int) -> builtins.list[Assignment]:
        """Those whose lease ended."""
        ...

    def save(self, assignment: Assignment) -> None:
        """Write a changed assignment."""
        ...

    def renew(self, assignment_id: int, fence: int, until: datetime) -> bool:
        """Lengthen a live lease; false when the fence is stale."""
        ...

    def say(self, assignment_id: int, kind: ActivityType, body: str, choices: Sequence[str], now: datetime) -> Activity:
        """Add an activity."""
        ...

    def activities(self, assignment_id: int, *, after: int, limit: int) -> builtins.list[Activity]:
        """What was said, in order."""
        ...

    def activity(self, activity_id: int) -> Activity:
        """One activity. :raises NotFound:"""
        ...

    def inbox(self, visible: Visible, limit: int) -> builtins.list[Activity]:
        """Questions of live assignments that nobody answered."""
        ...

    def answer(self, activity_id: int, answer: str, by: str) -> bool:
        """Answer a question; false when somebody else did first."""
        ...


class Events(Protocol):
    """The append-only table of all that happened."""

    def add(self, new: Sequence[NewEvent], now: datetime) -> Sequence[int]:
        """Append events; their ids, in order."""
        ...

    def list(
        self, *, after: int, kind: str | None, task_id: int | None, visible: Visible, limit: int, newest: bool
    ) -> builtins.list[Event]:
        """The feed after an event, in the order of commits: following it never misses a row. `kind` may end in `*`."""
        ...

    def get(self, event_id: int) -> Event:
        """One. :raises NotFound:"""
        ...

    def latest(self, kind: str, limit: int) -> builtins.list[Event]:
        """The latest of exactly this type, whatever their order in the feed, the newest first."""
        ...

    def has(self, kind: str, task_id: int | None, key: str) -> bool:
        """Whether an event of this type and task has `key` in its payload's text."""
        ...


class Jobs(Protocol):
    """Background work."""

    def add(self, job: NewJob, now: datetime) -> int | None:
        """Store a job; None when one with its unique key waits already."""
        ...

    def add_many(self, jobs: Sequence[NewJob], now: datetime) -> Sequence[int | None]:
        """Store many jobs, as `add` does."""
        ...

    def hold(self, unique_keys: Sequence[str]) -> set[str]:
        """Hold on to the jobs with these keys that wait, so that none runs before our commit; the keys of those."""
        ...

    def claim(
        self, lanes: Sequence[str], *, limit: int, worker: str, now: datetime, until: datetime,
        ids: Sequence[int] | None = None,
    ) -> builtins.list[Job]:  # fmt: skip
        """Take due jobs of these lanes (of these ids, when given), each for one worker until its lease ends."""
        ...

    def due(self, lanes: Sequence[str], limit: int, now: datetime) -> builtins.list[Ring]:
        """Jobs that could be taken now."""
        ...

    def renew(self, ids: Sequence[int], worker: str, until: datetime) -> int:
        """Lengthen leases; how many are still the worker's."""
        ...

    def finish(self, job: Job, state: JobState, error: str | None, now: datetime) -> bool:
        """Record the end of an attempt; false when the lease was lost meanwhile."""
        ...

    def finish_many(self, jobs: Sequence[Job], now: datetime) -> set[int]:
        """Record that attempts ended well; the ids of those whose lease was not lost meanwhile."""
        ...

    def postpone(self, job: Job, run_at: datetime, *, attempt: int, error: str | None) -> bool:
        """Have a running job run again later; false when the lease was lost meanwhile."""
        ...

    def next_of_subject(self, subject: str, after: int, now: datetime) -> Ring | None:
        """The job that the end of another sets free."""
        ...

    def expired(self, now: datetime, limit: int) -> builtins.list[Job]:
        """Running jobs whose lease ended."""
        ...

    def release(self, job: Job, error: str, run_at: datetime) -> bool:
        """Hand a running job back, to run again from then on."""
        ...

    def kill(self, job: Job, error: str, now: datetime) -> bool:
        """Give a running job up."""
        ...

    def revive(self, job_id: int, now: datetime) -> bool:
        """Set a dead or cancelled job to work again; false when it is neither."""
        ...

    def get(self, job_id: int) -> Job:
        """One. :raises NotFound:"""
        ...

    def list(
        self, *, state: str | None, lane: str | None, kind: str | None, after: int, limit: int, visible: Visible = None
    ) -> builtins.list[Job]:
        """Jobs by id; with `visible`, those that an event of these repositories caused."""
        ...

    def ended(self, since: datetime) -> Mapping[tuple[str, JobState], int]:
        """How many of the latest jobs ended since, by lane and state."""
        ...

    def stats(self) -> builtins.list[LaneStats]:
        """How many jobs are where."""
        ...

    def take_schedule(self, name: str, now: datetime, next_at: datetime, *, early: timedelta = timedelta()) -> bool:
        """Whether a schedule is due, or will be within `early`; true for one caller only, who then has it.

        One that is due later than two periods from now is due: a clock was set back.
        """
        ...

    def forget(self, before: datetime, *, after: int, size: int) -> tuple[int, int | None]:
        """Forget those that are done before that time, among the next so many after an id.

        How many they were, and the last id that was looked at; None when the rest is younger.
        """
        ...


class Deliveries(Protocol):
    """Webhooks as they came."""

    def add(self, delivery: VerifiedDelivery, now: datetime) -> tuple[int, DeliveryState] | None:
        """Store a delivery, received, or ignored where it does not matter; None when the sender's id is there already.

        One whose fingerprint came under another id, and did not fail, is stored as a replay, also when both come at
        the same time.
        """
        ...

    def find(self, source: str, delivery_id: str) -> Delivery | None:
        """By the sender's id."""
        ...

    def get(self, delivery_id: int) -> Delivery:
        """One, with its body. :raises NotFound:"""
        ...

    def list(self, *, source: str | None, state: str | None, after: int, limit: int) -> builtins.list[Delivery]:
        """The newest first, without bodies."""
        ...

    def settle(self, delivery_id: int, state: DeliveryState, error: str | None, now: datetime) -> None:
        """Say what became of it."""
        ...

    def forget(self, before: datetime, *, after: int, size: int) -> tuple[int, int | None]:
        """Forget those that were handled before that time, among the next so many after an id.

        How many they were, and the last id that was looked at; None when the rest is younger.
        """
        ...


class Access(Protocol):
    """Keys, people, and what the hub remembers of itself."""

    def add_key(
        self, *, name: str, hash_: str, scopes: frozenset[Scope], repositories: frozenset[int] | None,
        agent: str | None, assignment_id: int | None, now: datetime, expires_at: datetime | None,
        user_id: int | None = None,
    ) -> ApiKey:  # fmt: skip
        """Store a key by its hash."""
        ...

    def find_key(self, hash_: str) -> ApiKey | None:
        """The key with this hash."""
        ...

    def keys(self) -> builtins.list[ApiKey]:
        """All but those of single assignments."""
        ...

    def key(self, key_id: int) -> ApiKey:
        """One. :raises NotFound:"""
        ...

    def has_keys(self) -> bool:
        """Whether any key was ever made."""
        ...

    def revoke_key(self, key_id: int, now: datetime) -> bool:
        """End a key; false when it had ended."""
        ...

    def revoke_assignment_keys(self, assignment_id: int, now: datetime) -> None:
        """End the keys of an assignment."""
        ...

    def touch_key(self, key_id: int, now: datetime) -> None:
        """Note that a key was used."""
        ...

    def add_user(
        self, username: str, role: Role, now: datetime, *, provider: str = "github", organisation: str | None = None
    ) -> User:
        """Store a person. :raises Duplicate: there is one of this name"""
        ...

    def user(self, user_id: int) -> User:
        """One. :raises NotFound:"""
        ...

    def find_user(self, username: str) -> User | None:
        """By name, whatever the case."""
        ...

    def users(self) -> builtins.list[User]:
        """All."""
        ...

    def set_role(self, user_id: int, role: Role) -> None:
        """Change a person's role."""
        ...

    def meta(self, name: str) -> str | None:
        """What the hub remembers under a name."""
        ...

    def metas(self, prefix: str) -> Mapping[str, str]:
        """All that the hub remembers under names that begin so, by what follows."""
        ...

    def set_meta(self, name: str, value: str) -> None:
        """Remember something under a name."""
        ...
