"""Nexus, the facade: wires store, plugins and services. It composes; it holds no rule and no SQL."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from . import __version__
from .clock import Clock, SystemClock
from .config import Config, load_config
from .errors import ConfigurationError, NexusError
from .plugins.builtin import Builtin
from .plugins.context import Context
from .plugins.manager import Plugins, name_of
from .ports.wakeup import NoWakeup, Wakeup
from .services.work import UnitOfWork
from .storage.sqlite import SqliteEngine
from .storage.store import SqlStore

if TYPE_CHECKING:
    from .ports.storage import Store
    from .services.access import KeyService, UserService
    from .services.agents import AgentService
    from .services.alerts import AlertService
    from .services.answers import AnswerService
    from .services.assignments import AssignmentService
    from .services.audit import AuditService
    from .services.changes import ChangeService
    from .services.connections import ConnectionService
    from .services.deliveries import DeliveryService
    from .services.doctor import DoctorService
    from .services.documents import DocumentService
    from .services.events import EventService
    from .services.gates import GateService
    from .services.health import HealthService
    from .services.imports import ImportService
    from .services.inbox import InboxService
    from .services.intake import Intake
    from .services.issues import IssueService
    from .services.jobs import JobService
    from .services.limits import LimitService
    from .services.logins import LoginService
    from .services.refusals import Refusals
    from .services.repositories import RepositoryService
    from .services.retention import RetentionService
    from .services.rework import ReworkService
    from .services.scores import ScoreService
    from .services.sessions import SessionService
    from .services.tasks import TaskService
    from .services.turns import TurnService


class Nexus:
    """The hub. Open it with `Nexus.open(…)`, use it as a context manager.

    One `Nexus` serves many threads; processes that fork open their own.
    """

    def __init__(self, *, config: Config, store: Store, plugins: Plugins, clock: Clock, wakeup: Wakeup) -> None:
        self.config = config
        self.store = store
        self.plugins = plugins
        self.clock = clock
        self.wakeup = wakeup
        self._unit = UnitOfWork(store, clock, plugins, wakeup, config, self.context)

    @classmethod
    def open(
        cls,
        config: Config | None = None,
        *,
        data_dir: str | Path | None = None,
        database_url: str | None = None,
        plugins: Iterable[Any] = (),
        load_plugins: bool = True,
        check_settings: bool = True,
        clock: Clock | None = None,
    ) -> Self:
        """Open the hub of a configuration; without one, the file and the environment are read.

        `plugins` are modules or objects with hook implementations, beside the installed ones. Without
        `check_settings`, faults in the settings of plugins show when a plugin first asks for them: for short commands,
        to which that check would be most of their time.

        :raises ConfigurationError: with every fault
        :raises PluginError: a plugin cannot be used
        :raises Unavailable: the database cannot be reached
        :raises SchemaTooNew: the data is from a newer version
        """
        config = (config or load_config()).replace(
            data_dir=None if data_dir is None else str(data_dir), database_url=database_url
        )
        found = assemble(config, plugins, load_plugins=load_plugins)
        if check_settings:
            found.check_settings()
        store = open_store(config, found)
        try:
            _check_schema(store, config)
            wakeup = open_wakeup(config, found)
        except BaseException:
            store.close()
            raise
        return cls(
            config=config, store=store, plugins=found, clock=clock or store.clock or SystemClock(), wakeup=wakeup
        )

    # Services are made when they are first used: a short command pays for the one that it needs.

    @cached_property
    def tasks(self) -> TaskService:
        """Tasks and the graph that they make."""
        from .services.tasks import TaskService

        return TaskService(self._unit, self._imports, self.scores)

    @cached_property
    def _imports(self) -> ImportService:
        """Task files; reached through `tasks`."""
        from .services.imports import ImportService

        return ImportService(self._unit, self.scores)

    @cached_property
    def scores(self) -> ScoreService:
        """How complex tasks are, and why."""
        from .services.scores import ScoreService

        return ScoreService(self._unit)

    @cached_property
    def task_doctor(self) -> DoctorService:
        """What is wrong in tasks, and its mends."""
        from .services.doctor import DoctorService

        return DoctorService(self._unit)

    @cached_property
    def retention(self) -> RetentionService:
        """What is forgotten, and when."""
        from .services.retention import RetentionService

        return RetentionService(self._unit)

    @cached_property
    def connections(self) -> ConnectionService:
        """Repositories on their hosts."""
        from .services.connections import ConnectionService

        return ConnectionService(self._unit, self._imports)

    @cached_property
    def repositories(self) -> RepositoryService:
        """The repositories that Nexus looks after."""
        from .services.repositories import RepositoryService

        return RepositoryService(self._unit)

    @cached_property
    def assignments(self) -> AssignmentService:
        """One agent on one task, from the claim to the end."""
        from .services.assignments import AssignmentService

        return AssignmentService(self._unit)

    @cached_property
    def agents(self) -> AgentService:
        """Who there is, and who gets what."""
        from .services.agents import AgentService

        return AgentService(self._unit, self.assignments)

    @cached_property
    def changes(self) -> ChangeService:
        """Facts from code hosts."""
        from .services.changes import ChangeService
        from .services.comments import Comments

        comments = Comments(self._unit, lambda: self.tasks, lambda: self.agents)
        return ChangeService(self._unit, self._imports, self.issues, comments)

    @cached_property
    def issues(self) -> IssueService:
        """Issues of code hosts that become tasks."""
        from .services.issues import IssueService

        return IssueService(self._unit, self.tasks)

    @cached_property
    def deliveries(self) -> DeliveryService:
        """Webhooks from the door to the facts."""
        from .services.deliveries import DeliveryService

        return DeliveryService(self._unit, self.changes, self.refusals, self._intake)

    @cached_property
    def _intake(self) -> Intake:
        """What becomes of webhooks while the store is away; reached through `deliveries`."""
        from .services.intake import Intake
        from .storage.spool import FileSpool

        limit = int(self.config["spool.megabytes"]) * 10**6
        return Intake(FileSpool(self.config.data_dir / "spool", limit), self.clock)

    @cached_property
    def events(self) -> EventService:
        """All that happened."""
        from .services.events import EventService

        return EventService(self._unit)

    @cached_property
    def audit(self) -> AuditService:
        """The chain of hashes over all that happened."""
        from .services.audit import AuditService

        return AuditService(self._unit)

    @cached_property
    def refusals(self) -> Refusals:
        """Whom Nexus refused."""
        from .services.refusals import Refusals

        return Refusals(self._unit)

    @cached_property
    def alerts(self) -> AlertService:
        """What asks for people's attention."""
        from .services.alerts import AlertService

        return AlertService(self._unit)

    @cached_property
    def gates(self) -> GateService:
        """Whether changes may be merged, as far as the graph of tasks goes."""
        from .services.gates import GateService

        return GateService(self._unit)

    @cached_property
    def rework(self) -> ReworkService:
        """What is to be mended, back to the agents."""
        from .services.rework import ReworkService

        return ReworkService(self._unit)

    @cached_property
    def turns(self) -> TurnService:
        """Whose turn it is to call a service outside."""
        from .services.turns import TurnService

        return TurnService(self._unit)

    @cached_property
    def jobs(self) -> JobService:
        """Background work."""
        from .services.jobs import JobService

        return JobService(self._unit, self.assignments)

    @cached_property
    def keys(self) -> KeyService:
        """API keys."""
        from .services.access import KeyService

        return KeyService(self._unit)

    @cached_property
    def answers(self) -> AnswerService:
        """Requests that may be repeated."""
        from .services.answers import AnswerService

        return AnswerService(self._unit)

    @cached_property
    def limits(self) -> LimitService:
        """How much each has asked for."""
        from .services.limits import LimitService

        return LimitService(self._unit)

    @cached_property
    def users(self) -> UserService:
        """People."""
        from .services.access import UserService

        return UserService(self._unit)

    @cached_property
    def logins(self) -> LoginService:
        """How people come in."""
        from .services.logins import LoginService

        return LoginService(self._unit)

    @cached_property
    def sessions(self) -> SessionService:
        """The browsers that people are logged in with."""
        from .services.sessions import SessionService

        return SessionService(self._unit)

    @cached_property
    def inbox(self) -> InboxService:
        """Questions of agents that wait for a person."""
        from .services.inbox import InboxService

        return InboxService(self._unit)

    @cached_property
    def documents(self) -> DocumentService:
        """What Nexus keeps in the repositories."""
        from .services.documents import DocumentService

        return DocumentService(self._unit)

    @cached_property
    def health(self) -> HealthService:
        """What `nexus doctor` says."""
        from .services.health import HealthService

        return HealthService(self._unit, self._intake)

    def context(self, plugin: str) -> Context:
        """The context in which a function of a plugin is called."""
        return Context(nexus=self, plugin=plugin)

    def close(self) -> None:
        """Let go of the database and the broker."""
        if "refusals" in self.__dict__:
            self.refusals.close()
        self.wakeup.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def assemble(config: Config, plugins: Iterable[Any] = (), *, load_plugins: bool = True) -> Plugins:
    """Collect the records of the core, of the given plugins and of the installed ones."""
    found = Plugins(tables=config.plugins, environ=config.environ)
    found.register(Builtin(config), "core", distribution="nexus-core", version=__version__)
    for plugin in plugins:
        found.register(plugin, name_of(plugin))
    if load_plugins:
        found.load_entry_points()
    found.collect()
    return found


def open_store(config: Config, plugins: Plugins) -> Store:
    """Open the store of the configuration. :raises ConfigurationError: nobody opens such a database"""
    scheme, _, path = config.database_url.partition("://")
    if scheme == "sqlite":
        # As it stands: the name of a folder may hold what means something else in a URL.
        return SqlStore(SqliteEngine(Path("/" + path.lstrip("/"))))
    factory = plugins.store_factory(scheme)
    if factory is None:
        raise ConfigurationError(
            f"database_url: no installed plugin opens {scheme if path else 'such'} databases; "
            "expected sqlite:///path, or postgresql://… with nexus-plugin-postgres"
        )
    return factory.open(config.database_url)


def open_wakeup(config: Config, plugins: Plugins) -> Wakeup:
    """Open the broker of the configuration; without one, workers ask the store."""
    if not config["broker_url"]:
        return NoWakeup()
    scheme = urlsplit(config["broker_url"]).scheme
    factory = plugins.wakeup_factory(scheme)
    if factory is None:
        raise ConfigurationError(f"broker_url: no installed plugin talks {scheme}; expected amqp://… or redis://…")
    return factory.open(config["broker_url"])


def _check_schema(store: Store, config: Config) -> None:
    if config.auto_migrate:
        store.migrate()
    elif missing := store.pending_migrations():
        raise NexusError(f"the database lacks {len(missing)} migrations of this version; run `nexus migrate` first")
