"""The typed records that hooks yield.

The host collects them once, when `Nexus` opens, and then calls plain functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from ..domain.events import Event

if TYPE_CHECKING:
    # Only words of annotations: a short command does not pay for them.
    from ..domain.agents import AgentState
    from ..domain.assignment import Choice
    from ..domain.changes import Fact
    from ..domain.complexity import Complexity, TaskFacts
    from ..domain.deliveries import Delivery, Reply, VerifiedDelivery
    from ..domain.hosts import HostReport
    from ..domain.jobs import Job, Outcome
    from ..domain.logins import DeviceLogin, Identity, LoginAnswer, LoginRequest
    from ..domain.repositories import Repository
    from ..domain.tasks import Task
    from ..formats.model import FileDoctor, ParsedScores, ParsedTasks
    from ..ports.agents import AgentRunner
    from ..ports.storage import Store
    from ..ports.wakeup import Wakeup
    from .context import Context

EventFilter = str | type[Event]


TIME_LIMIT = timedelta(minutes=15)
"""How long an attempt of a handler may take that says nothing else."""


@attrs.frozen(kw_only=True)
class EventHandler:
    """Runs after an event, as a job of its own: isolated, timed, retried with backoff, dead-lettered.

    `call(event, ctx)` returns nothing (done) or an `Outcome`. Delivery is at least once: `ctx.idempotency_key` is the
    same for every attempt. Handlers of one name run in order for one task (or one repository).
    """

    name: str  #: `plugin.what`, unique
    on: EventFilter | Iterable[EventFilter]  #: event classes, types, or patterns such as `github.*`
    call: Callable[[Any, Context], Outcome | None]
    lane: str = "default"
    max_attempts: int = 12
    #: Events with the same answer share one waiting job; those with the answer None need none at all. For work that
    #: looks at the present state anyway, such as rendering documents. The event has no id yet: it is 0.
    coalesce: Callable[[Event], str | None] | None = None
    #: Events for which this is false need no job. It is asked within the transaction of the event, so it only looks at
    #: the event, which has no id yet: it is 0.
    when: Callable[[Event], bool] | None = None
    #: Wait so long first.
    delay: timedelta = timedelta()
    #: An attempt that takes longer is given up, and counts as failed; None: it ends by itself.
    time_limit: timedelta | None = TIME_LIMIT
    #: With `coalesce`: after a run that took the processor for long, jobs with the same answer wait for so many times
    #: as long. For work that grows with a repository and would be done anew at each of its changes.
    rest: float = 0
    priority: int = 0  #: of the jobs of a lane that are due, the highest is begun first


@attrs.frozen(kw_only=True)
class DeliverySource:
    """A sender of webhooks, served at `POST /api/v1/webhooks/<name>`."""

    name: str
    #: Check the signature over the raw body; raise Unauthenticated when it is wrong, Invalid when the body makes no
    #: sense. Header names are lower-case. It must be quick and must not raise anything else.
    verify: Callable[[bytes, Mapping[str, str], Context], VerifiedDelivery]
    #: Translate a stored delivery into neutral facts; runs as a job. May act through `ctx.nexus` instead, and then
    #: returns None. No facts = the delivery is recorded and ignored.
    translate: Callable[[Delivery, Context], Iterable[Fact] | None]
    #: Answer the sender at once, such as a slash command; None = 202. `Reply` of None = 202 as well.
    answer: Callable[[VerifiedDelivery, Context], Reply | None] | None = None
    #: What to say when the store is away: a `Reply`, and nothing is kept, for what is of no use later, such as a
    #: command; None = the delivery is spooled and stored when the store is back. It must not need the store.
    away: Callable[[VerifiedDelivery, Context], Reply | None] | None = None


@attrs.frozen(kw_only=True)
class JobHandler:
    """Runs jobs of one kind, which the plugin enqueues itself through `ctx.enqueue`."""

    kind: str
    call: Callable[[Job, Context], Outcome | None]
    lane: str = "default"
    max_attempts: int = 12
    #: An attempt that takes longer is given up, and counts as failed; None: it ends by itself.
    time_limit: timedelta | None = TIME_LIMIT
    priority: int = 0  #: of the jobs of a lane that are due, the highest is begun first


@attrs.frozen(kw_only=True)
class AgentRunnerFactory:
    """Makes the runner for agents whose `runner` has this name."""

    name: str
    make: Callable[[Context], AgentRunner]


@attrs.frozen(kw_only=True)
class StoreFactory:
    """Opens the store for database URLs of these schemes."""

    schemes: tuple[str, ...]
    open: Callable[[str], Store]

    @property
    def name(self) -> str:
        """The schemes, which must be unique among plugins."""
        return ",".join(self.schemes)


@attrs.frozen(kw_only=True)
class WakeupFactory:
    """Opens the wake-up for broker URLs of these schemes."""

    schemes: tuple[str, ...]
    open: Callable[[str], Wakeup]

    @property
    def name(self) -> str:
        """The schemes, which must be unique among plugins."""
        return ",".join(self.schemes)


@attrs.frozen(kw_only=True)
class AssignmentPolicy:
    """A way to pick the agent for a task; the configuration names the one in use (`assignment.policy`)."""

    name: str
    choose: Callable[[Task, Sequence[AgentState]], Choice | None]


@attrs.frozen(kw_only=True)
class ComplexityEstimator:
    """A way to estimate a task's complexity; the configuration names the one in use (`complexity.estimator`)."""

    name: str
    #: Called with all the facts in one object, within the transaction that writes the task; so it must be quick and
    #: do nothing else. When it raises, the built-in estimate is taken.
    estimate: Callable[[TaskFacts, Context], Complexity]
    #: It takes its time, such as one that asks a language model: it is called by a job of its own, outside of any
    #: transaction, and tried again when it raises. Until it has answered, the built-in estimate stands.
    background: bool = False
    max_attempts: int = 5  #: in the background


@attrs.frozen(kw_only=True)
class ScoreFormat:
    """Reports of complexity that lie beside the files of a task format."""

    parse: Callable[[bytes], ParsedScores | None]  #: None = the file is no report; raises UnreadableFile with the line
    #: Which of a repository's tags a report is of, by its path; None = it cannot be told.
    tag: Callable[[str, Collection[str]], str | None]


@attrs.frozen(kw_only=True)
class TaskFormat:
    """A file format of tasks."""

    name: str
    parse: Callable[[bytes], ParsedTasks]  #: raises UnreadableFile with the line
    #: The file again: from its original bytes (None = there is none), the tasks as they are now, and their external
    #: keys by id.
    render: Callable[[bytes | None, Sequence[Task], Mapping[int, str]], bytes]
    #: The external keys under which `render` adds tasks that the file does not have, by task; None = it adds none.
    new_keys: Callable[[bytes | None, Sequence[Task], Mapping[int, str]], Mapping[int, str]] | None = None
    suffixes: tuple[str, ...] = ()  #: how names of such files end, such as `.csv`
    #: Whether content without a telling name is of this format.
    recognises: Callable[[bytes], bool] | None = None
    media_types: tuple[str, ...] = ("application/octet-stream",)  #: the first one is answered, any is taken
    #: Whether a file may name only some tasks of its repository, or tasks of others (`ParsedTask.references`).
    partial: bool = False
    scores: ScoreFormat | None = None
    #: Gives what names and mends oddities of its files; None = `nexus task doctor` tells the warnings of `parse`.
    doctor: Callable[[], FileDoctor] | None = None


@attrs.frozen(kw_only=True)
class Document:
    """A file that Nexus keeps in a repository."""

    path: str
    content: str


@attrs.frozen(kw_only=True)
class DocumentRenderer:
    """Renders documents of a repository from its tasks."""

    name: str
    render: Callable[[Repository, Sequence[Task], Context], Iterable[Document]]


@attrs.frozen(kw_only=True)
class Command:
    """A command of the CLI: `load()` returns a click.Command; nothing of click is imported before."""

    name: str
    summary: str  #: one line for `nexus --help`
    load: Callable[[], Any]


@attrs.frozen(kw_only=True)
class Route:
    """A route of the REST API, below `/api/v1`. `make(nexus)` returns a Falcon resource."""

    path: str
    make: Callable[[Any], Any]
    scope: str

    @property
    def name(self) -> str:
        """The path, which must be unique among plugins."""
        return self.path


@attrs.frozen(kw_only=True)
class Transport:
    """A way for the CLI to reach the API without a server: `open(nexus)` returns a WSGI application."""

    name: str
    open: Callable[[Any], Callable[..., Iterable[bytes]]]


@attrs.frozen(kw_only=True)
class IdentityProvider:
    """A place that people come from, such as GitHub; served at `/api/v1/auth/<name>/login`.

    Its functions prove who somebody is and nothing more; the core decides who comes in, and as what. Each raises
    `NotFound` when the provider is not set up, and `Unavailable` when it cannot be reached. Nothing that the provider
    hands out, such as a token, is to be kept.
    """

    name: str
    #: The address to send a browser to; with the state, the challenge (PKCE, S256) and the way back.
    authorize_url: Callable[[LoginRequest, Context], str]
    #: Who came back. Raises Invalid when the code is worth nothing.
    identify: Callable[[LoginAnswer, Context], Identity]
    #: Begin a login on another device, for the command line; None = the provider has no such thing.
    start_device: Callable[[Context], DeviceLogin] | None = None
    #: Who completed it, by its device code. Raises LoginPending, SlowDown, LoginExpired or LoginDenied till then.
    poll_device: Callable[[str, Context], Identity] | None = None


@attrs.frozen
class NotChecked:
    """A health check had nothing to look at, such as a token that is not configured."""

    reason: str


@attrs.frozen(kw_only=True)
class HealthCheck:
    """Something `nexus doctor` looks at: returns what is wrong, None when nothing is, or `NotChecked`."""

    name: str
    check: Callable[[Context], str | NotChecked | None]
    summary: str = ""  #: what holds when nothing is wrong


@attrs.frozen(kw_only=True)
class CodeHost:
    """A host of repositories: looks at one there, and connects it with the hub.

    `owns(repository, ctx)` says whether it is there. `look(repository, set_up, ctx)` returns a `HostReport`: what the
    repository is now, its policy and task file, and what is wanting; with `set_up` it first sets what it may. It
    raises `NotFound` or `Forbidden` with what to do when the repository cannot be seen, `Unavailable` when the host
    does not answer, or, with `unconfigured=True`, when no access to it is configured: trying again will not help then.
    """

    name: str
    owns: Callable[[Repository, Context], bool]
    look: Callable[[Repository, bool, Context], HostReport]


@attrs.frozen(kw_only=True)
class GitCredentials:
    """Who Nexus is towards a Git host: `find(url, ctx)` returns (user, password) for URLs that it knows."""

    name: str
    find: Callable[[str, Context], tuple[str, str] | None]


@attrs.frozen(kw_only=True)
class Setting:
    """One value of a plugin's settings, as the documentation and `nexus config` show it."""

    key: str  #: within the plugin's table
    doc: str
    env: str | None = None  #: the environment variable that sets it
    default: Any = None
    secret: bool = False


@attrs.frozen(kw_only=True)
class PluginSettings:
    """The settings of a plugin: an attrs class, structured from the table `[plugins.<name>]` and the environment."""

    name: str  #: the plugin's name = its table
    cls: type
    settings: tuple[Setting, ...] = ()


@attrs.frozen(kw_only=True)
class Schedule:
    """A job that comes round: `kind` is enqueued every `every`, once however many workers run.

    With `at_start` also when a worker starts, unless it was within the last minute.
    """

    name: str
    kind: str
    every: timedelta
    at_start: bool = False
