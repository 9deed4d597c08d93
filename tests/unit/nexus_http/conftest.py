"""A hub on a temporary SQLite file, with the application over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from nexus_core import Nexus, Reply, Retry, Unauthenticated, VerifiedDelivery, hookimpl
from nexus_core.config import Config, load_config
from nexus_core.plugins.records import DeliverySource, JobHandler
from nexus_http.app import create_app


class Api:
    """The API as a client with a key sees it."""

    def __init__(self, client: testing.TestClient, key: str | None) -> None:
        self.client = client
        self.key = key

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> testing.Result:
        """One request below /api/v1, or at the root for a path that begins with `//`."""
        headers = dict(more.pop("headers", {}))
        if self.key:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        if body is not None:
            more["body"] = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        target = path[1:] if path.startswith("//") else f"/api/v1{path}"
        return self.client.simulate_request(method, target, headers=headers, **more)

    def get(self, path: str, **more: Any) -> testing.Result:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> testing.Result:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> testing.Result:
        return self.call("PATCH", path, body, **more)

    def task(self, title: str = "Do it", **fields: Any) -> dict[str, Any]:
        """A new task, as the API answers it."""
        return self.post("/tasks", {"title": title, **fields}).json


class Probe:
    """A plugin with a job that fails at once and for good, and a sender of webhooks."""

    @hookimpl
    def nexus_job_handlers(self) -> Iterator[JobHandler]:
        yield JobHandler(kind="probe.fail", call=lambda job, ctx: Retry("always"), max_attempts=1)

    @hookimpl
    def nexus_delivery_sources(self) -> Iterator[DeliverySource]:
        yield DeliverySource(name="probe", verify=self._verify, translate=lambda delivery, ctx: (), answer=self._answer)

    def _verify(self, body: bytes, headers: Mapping[str, str], ctx: Any) -> VerifiedDelivery:
        if headers.get("x-probe-secret") != "right":
            raise Unauthenticated("the signature is wrong")
        return VerifiedDelivery(source="probe", id=headers["x-probe-id"], kind="ping", body=body)

    def _answer(self, verified: VerifiedDelivery, ctx: Any) -> Reply | None:
        answers = {b"json": Reply(body={"ok": True}), b"text": Reply(body="hello", content_type="text/plain")}
        return answers.get(verified.body)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration that reads nothing of this machine."""
    return load_config(environ={"NEXUS_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "none")})


@pytest.fixture
def nexus(config: Config) -> Iterator[Nexus]:
    """A hub without installed plugins, with the probe."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, plugins=[Probe()]) as opened:
        yield opened


@pytest.fixture
def client(nexus: Nexus) -> testing.TestClient:
    """The application."""
    return testing.TestClient(create_app(nexus))


@pytest.fixture
def api(nexus: Nexus, client: testing.TestClient) -> Api:
    """The API with an admin's key."""
    return Api(client, nexus.keys.create("admin", role="admin").secret)


@pytest.fixture
def viewer(nexus: Nexus, client: testing.TestClient) -> Api:
    """The API with a viewer's key."""
    return Api(client, nexus.keys.create("viewer", role="viewer").secret)


@pytest.fixture
def anonymous(client: testing.TestClient) -> Api:
    """The API without a key."""
    return Api(client, None)


@pytest.fixture
def anonymous_of() -> Callable[[Nexus], Api]:
    """The API of any hub, without a key."""
    return lambda hub: Api(testing.TestClient(create_app(hub)), None)
