"""The route table: what it names is there, and every operation declares its scope."""

import falcon
import pytest
from falcon import testing

from nexus_core import Nexus
from nexus_core.domain.access import Scope
from nexus_core.errors import PluginError
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import Route
from nexus_http.app import create_app
from nexus_http.operations import ANYBODY, PUBLIC, operation_of
from nexus_http.routes import LazyResource, all_routes

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ENTRIES = [pytest.param(path, entry, id=path) for path, entry in all_routes()]

#: The only operations that need no key. A new one here is a decision, not an accident.
PUBLIC_OPERATIONS = {
    ("/api/v1/webhooks/{source}", "POST"), ("/healthz", "GET"), ("/readyz", "GET"), ("/metrics", "GET"),
    ("/openapi.json", "GET"), ("/docs", "GET"), ("/api/v1/auth/device", "POST"), ("/api/v1/auth/device/token", "POST"),
    ("/api/v1/auth/{provider}/login", "GET"), ("/api/v1/auth/{provider}/callback", "GET"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "entry"), ENTRIES)
def test_the_table_names_the_methods_that_the_class_has(path, entry):
    """No method is hidden, none is promised."""
    resource = entry.load()

    assert set(entry.methods) == {method for method in METHODS if hasattr(resource, f"on_{method.lower()}")}


@pytest.mark.parametrize(("path", "entry"), ENTRIES)
def test_every_operation_declares_a_scope(path, entry):
    """A scope of the closed list, or one of the two words for none."""
    declared = [operation_of(entry.load(), method) for method in entry.methods]

    assert all(one is not None and one.scope in {*Scope, ANYBODY, PUBLIC} for one in declared)


def test_only_these_operations_are_public():
    """Everything else asks for a key."""
    public = {
        (path, method)
        for path, entry in all_routes()
        for method in entry.methods
        if operation_of(entry.load(), method).scope == PUBLIC
    }

    assert PUBLIC_OPERATIONS == public


@pytest.mark.parametrize(("path", "entry"), ENTRIES)
def test_without_a_key_nothing_but_the_public_answers(anonymous, path, entry):
    """401 with a challenge, before anything else is looked at."""
    place = path.replace("{source}", "none")
    for name in ("task", "other"):
        place = place.replace(f"{{{name}}}", "1")
    place = place.partition("{")[0] + ("1" + path.partition("}")[2] if "{" in place else "")
    for method in entry.methods:
        answer = anonymous.client.simulate_request(method, place)
        if (path, method) not in PUBLIC_OPERATIONS:
            assert (401, 'Bearer realm="nexus"') == (answer.status_code, answer.headers["www-authenticate"])


def test_a_resource_is_loaded_when_it_is_needed():
    """Not before the first look at what it declares."""
    loaded = []
    lazy = LazyResource(("GET",), lambda: loaded.append(1) or object())
    before = list(loaded)
    operation_of(lazy, "GET")

    assert ([], [1]) == (before, loaded)


class _Reports:
    """A plugin's resource, as its author writes it."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The report."""
        resp.media = {"by": req.context.actor.name}


def _plugin(path="/reports", scope="jobs:write"):
    class Plugin:
        @hookimpl
        def nexus_routes(self):
            yield Route(path=path, make=lambda nexus: _Reports(), scope=scope)

    return Plugin()


def test_a_plugins_route_asks_for_its_scope(config):
    """The admin gets the report; the viewer is refused."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, plugins=[_plugin()]) as nexus:
        client = testing.TestClient(create_app(nexus))

        def ask(role):
            key = nexus.keys.create(role, role=role).secret
            return client.simulate_get("/api/v1/reports", headers={"Authorization": f"Bearer {key}"})

        assert (200, {"by": "admin"}) == ((answer := ask("admin")).status_code, answer.json)
        assert (403, "forbidden") == ((answer := ask("viewer")).status_code, answer.json["code"])
        assert 405 == client.simulate_post("/api/v1/reports").status_code


@pytest.mark.parametrize("plugin", [_plugin(path="/tasks"), _plugin(scope="everything"), _plugin(path="reports")])
def test_a_plugins_route_that_cannot_be_is_refused(config, plugin):
    """A path of ours, a scope that is none, a path that is none."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, plugins=[plugin]) as nexus, pytest.raises(PluginError):
        create_app(nexus)
