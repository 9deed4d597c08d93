"""The route table: every address of the API, the class behind it, and its methods.

A class is imported when a request first needs it, so that the CLI, which runs this application in-process, does not
pay for resources that its command never touches. What each method does stands with the class (operations.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from nexus_core.errors import PluginError

from .operations import PUBLIC, Operation, Scope, operation_of

if TYPE_CHECKING:
    import falcon

    from nexus_core.nexus import Nexus

    from .counters import RequestCounters

API = "/api/v1"


class RouteEntry(NamedTuple):
    """An address: its path, where its class is, and the methods that the class has."""

    path: str
    home: str  #: module:Class, below nexus_http.resources
    methods: tuple[str, ...]

    def load(self) -> type:
        """The class behind the address."""
        module, _, name = self.home.partition(":")
        found: type = getattr(import_module(f"nexus_http.resources.{module}"), name)
        return found


def _route(path: str, home: str, methods: str = "GET") -> RouteEntry:
    return RouteEntry(path, home, tuple(methods.split()))


_ID = "int(min=1, max=9223372036854775807)"

#: Below /api/v1.
API_ROUTES = (
    _route("/tasks", "tasks:Tasks", "GET POST"),
    _route("/tasks/next", "next_task:NextTask"),
    _route("/tasks/graph", "graph:TaskGraph"),
    _route("/tasks/import", "task_files:TaskImport", "POST"),
    _route("/tasks/export", "task_files:TaskExport"),
    _route("/tasks/claim", "claims:Claims", "POST"),
    _route("/tasks/doctor", "task_doctor:TaskDoctor", "GET POST"),
    _route("/tasks/{task}", "tasks:OneTask", "GET PATCH"),
    _route("/tasks/{task}/status", "tasks:TaskStatus", "PATCH"),
    _route("/tasks/{task}/readiness", "tasks:TaskReadiness"),
    _route("/tasks/{task}/complexity", "tasks:TaskComplexity"),
    _route("/tasks/{task}/dependencies/{other}", "tasks:TaskDependency", "PUT DELETE"),
    _route("/repositories", "repositories:Repositories", "GET POST"),
    _route(f"/repositories/{{repository_id:{_ID}}}", "repositories:OneRepository", "GET PATCH"),
    _route(f"/repositories/{{repository_id:{_ID}}}/connect", "repositories:RepositoryConnection", "POST"),
    _route(f"/repositories/{{repository_id:{_ID}}}/sync", "repositories:RepositorySync", "POST"),
    _route(f"/repositories/{{repository_id:{_ID}}}/documents", "documents:Documents"),
    _route(f"/repositories/{{repository_id:{_ID}}}/documents/sync", "documents:DocumentsSync", "POST"),
    _route("/users", "users:Users", "GET POST"),
    _route(f"/users/{{user_id:{_ID}}}", "users:OneUser", "PATCH"),
    _route("/me", "users:Me"),
    _route("/auth/device", "auth:Device", "POST"),
    _route("/auth/device/token", "auth:DeviceToken", "POST"),
    _route("/auth/logout", "auth:Logout", "POST"),
    _route("/auth/{provider}/login", "auth:Login"),
    _route("/auth/{provider}/callback", "auth:Callback"),
    _route("/agents", "agents:Agents"),
    _route("/agents/assign", "agents:Assign", "POST"),
    _route("/assignments", "assignments:Assignments"),
    _route(f"/assignments/{{assignment_id:{_ID}}}", "assignments:OneAssignment"),
    _route(f"/assignments/{{assignment_id:{_ID}}}/heartbeat", "assignments:Heartbeat", "POST"),
    _route(f"/assignments/{{assignment_id:{_ID}}}/activities", "assignments:Activities", "GET POST"),
    _route(f"/assignments/{{assignment_id:{_ID}}}/complete", "assignments:Complete", "POST"),
    _route(f"/assignments/{{assignment_id:{_ID}}}/fail", "assignments:Fail", "POST"),
    _route(f"/assignments/{{assignment_id:{_ID}}}/release", "assignments:Release", "POST"),
    _route(f"/assignments/{{assignment_id:{_ID}}}/cancel", "assignments:Cancel", "POST"),
    _route("/keys", "keys:Keys", "GET POST"),
    _route(f"/keys/{{key_id:{_ID}}}", "keys:OneKey", "DELETE"),
    _route("/events", "events:Events"),
    _route("/events/stream", "events:EventStream"),
    _route("/audit/verify", "audit:AuditVerification"),
    _route("/jobs", "jobs:Jobs"),
    _route("/jobs/lanes", "jobs:JobLanes"),
    _route(f"/jobs/{{job_id:{_ID}}}", "jobs:OneJob"),
    _route(f"/jobs/{{job_id:{_ID}}}/retry", "jobs:JobRetry", "POST"),
    _route("/deliveries", "deliveries:Deliveries"),
    _route(f"/deliveries/{{delivery_id:{_ID}}}", "deliveries:OneDelivery"),
    _route(f"/deliveries/{{delivery_id:{_ID}}}/replay", "deliveries:DeliveryReplay", "POST"),
    _route("/webhooks/{source}", "deliveries:Webhooks", "POST"),
    _route("/inbox", "inbox:Inbox"),
    _route(f"/inbox/{{activity_id:{_ID}}}/answer", "inbox:Answer", "POST"),
    _route("/plugins", "system:Plugins"),
    _route("/doctor", "system:Doctor"),
)

#: Beside the API.
ROOT_ROUTES = (
    _route("/healthz", "system:Alive"),
    _route("/readyz", "system:Ready"),
    _route("/metrics", "metrics:Metrics"),
    _route("/openapi.json", "reference:OpenApi"),
    _route("/docs", "reference:Docs"),
)


class LazyResource:
    """Stands for a resource until a request needs it: has its methods, and loads what they do."""

    def __init__(self, methods: tuple[str, ...], make: Callable[[], object]) -> None:
        self.methods = methods
        self._make = make
        self._made: object | None = None
        for method in methods:
            self.__dict__[f"on_{method.lower()}"] = LazyResponder(self, method)
        if "GET" in methods:
            self.__dict__["on_head"] = self.__dict__["on_get"]

    @property
    def target(self) -> object:
        """The resource itself."""
        if self._made is None:
            self._made = self._make()
        return self._made


class LazyResponder:
    """One method of a LazyResource."""

    def __init__(self, resource: LazyResource, method: str) -> None:
        self._resource = resource
        self._method = method

    @property
    def operation(self) -> Operation | None:
        """What the resource declares for the method."""
        return operation_of(self._resource.target, self._method)

    def __call__(self, req: falcon.Request, resp: falcon.Response, **params: Any) -> None:
        """Have the resource answer."""
        getattr(self._resource.target, f"on_{self._method.lower()}")(req, resp, **params)


def all_routes() -> Iterator[tuple[str, RouteEntry]]:
    """Every route of our own with its whole path."""
    for entry in API_ROUTES:
        yield API + entry.path, entry
    for entry in ROOT_ROUTES:
        yield entry.path, entry


def install(app: falcon.App[Any, Any], nexus: Nexus, counters: RequestCounters) -> None:
    """Add the table's routes, then those of plugins.

    :raises PluginError: a plugin's route is ours already, or names no scope
    """
    for path, entry in all_routes():
        app.add_route(path, LazyResource(entry.methods, partial(_make, entry, nexus, counters)))
    taken = {entry.path for entry in API_ROUTES}
    for route in nexus.plugins.routes.values():
        if route.path in taken or not route.path.startswith("/"):
            raise PluginError(f"the route {route.path!r} cannot be added: its path is taken, or is no path")
        app.add_route(API + route.path, plugin_resource(route, nexus))


def _make(entry: RouteEntry, nexus: Nexus, counters: RequestCounters) -> object:
    return entry.load()(nexus, counters)


def plugin_resource(route: Any, nexus: Nexus) -> LazyResource:
    """A plugin's resource, each method of which asks for the scope that the route declares.

    :raises PluginError: the scope is none
    """
    if route.scope != PUBLIC and route.scope not in {str(scope) for scope in Scope}:
        raise PluginError(f"the route {route.path} asks for {route.scope!r}, which is no scope")
    resource = route.make(nexus)
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return _PluginResource(tuple(m for m in methods if hasattr(resource, f"on_{m.lower()}")), resource, route)


class _PluginResource(LazyResource):
    """A plugin's resource with the declarations that it does not make itself."""

    def __init__(self, methods: tuple[str, ...], resource: object, route: Any) -> None:
        super().__init__(methods, lambda: resource)
        for method in methods:
            declared = operation_of(resource, method) or Operation(
                scope=route.scope, summary=f"{route.path} of a plugin", media=("*/*",)
            )
            self.__dict__[f"on_{method.lower()}"] = _PluginResponder(self, method, declared)
        if "GET" in methods:
            self.__dict__["on_head"] = self.__dict__["on_get"]


class _PluginResponder(LazyResponder):
    """One method of a plugin's resource."""

    def __init__(self, resource: LazyResource, method: str, declared: Operation) -> None:
        super().__init__(resource, method)
        self._declared = declared

    @property
    def operation(self) -> Operation | None:
        """What the plugin's route declares."""
        return self._declared
