"""The hub itself: alive, ready, its plugins, its health."""

from __future__ import annotations

from typing import Any

import falcon

from nexus_core.domain.health import Finding
from nexus_core.plugins.manager import PluginInfo
from nexus_http.cursors import part
from nexus_http.fields import NAMED_PAGE
from nexus_http.operations import PUBLIC, Resource, Scope, actor_of, operation, page, send


class Alive(Resource):
    """Whether the process answers."""

    @operation(PUBLIC, "Say that the process is alive", returns="Health", metered=False)
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200 as long as requests are answered at all."""
        send(resp, {"status": "ok"})


class Ready(Resource):
    """Whether the hub can work."""

    @operation(PUBLIC, "Say whether the hub can work", returns="Health", errors=("unavailable",), metered=False)
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200 when the store answers, else 503; what is wrong stands in `GET /doctor` and in the log."""
        if all(finding.ok for finding in self.nexus.health.ready()):
            send(resp, {"status": "ok"})
            return
        send(resp, {"status": "unavailable"}, 503)
        resp.set_header("Retry-After", "2")


class Plugins(Resource):
    """What is installed."""

    @operation(Scope.JOBS_READ, "List plugins", query=NAMED_PAGE, returns="Page[Plugin]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Every plugin with what it brings."""
        plugins, more = part(self.nexus.plugins.info(), self.query(req), key=lambda plugin: plugin.name)
        send(resp, page([plugin_to_wire(plugin) for plugin in plugins], more))


class Doctor(Resource):
    """How the hub is."""

    @operation(Scope.JOBS_READ, "Look at everything that can be wrong", query=NAMED_PAGE, returns="Page[Check]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Every health check with what it found; not for keys that are narrowed to repositories."""
        actor_of(req).require_whole_hub("look at the whole hub")
        findings, more = part(self.nexus.health.check(), self.query(req), key=lambda finding: finding.name)
        send(resp, page([finding_to_wire(finding) for finding in findings], more))


def plugin_to_wire(plugin: PluginInfo) -> dict[str, Any]:
    """A plugin as the API answers it."""
    records = {hook: list(names) for hook, names in plugin.records.items()}
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "records": records,
    }


def finding_to_wire(finding: Finding) -> dict[str, Any]:
    """What a health check found, as the API answers it."""
    return {"name": finding.name, "ok": finding.ok, "checked": finding.checked, "message": finding.message}
