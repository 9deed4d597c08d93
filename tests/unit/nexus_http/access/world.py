"""Two repositories, and everybody who may ask: what the authorisation matrix is tried on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from falcon import testing

from nexus_core import Nexus, Retry, Unauthenticated, VerifiedDelivery, hookimpl
from nexus_core.domain.access import Actor
from nexus_core.plugins.records import DeliverySource, EventHandler
from nexus_http.app import create_app

NOT_THERE = 987_654_321
OWN, FOREIGN, NONE = "own", "foreign", "none"
NAMES = {OWN: "acme/own", FOREIGN: "acme/hidden-canary", NONE: "acme/nowhere"}
#: Who asks: the columns of the matrix.
PRINCIPALS = ("nobody", "viewer", "developer", "admin", "agent", "narrowed", "assignment", "revoked")
#: Of these, who is of the own repository alone.
NARROWED = ("agent", "narrowed", "assignment")
AGENT_SCOPES = (
    "tasks:read", "assignments:read", "assignments:claim", "assignments:write", "repositories:read", "events:read",
)  # fmt: skip


class Failing:
    """A plugin whose handler of every new task fails for good, so that there are dead jobs; and a webhook source."""

    @hookimpl
    def nexus_event_handlers(self) -> Iterator[EventHandler]:
        yield EventHandler(
            name="probe.fail", on=("task.created",), call=lambda event, ctx: Retry(f"{event.payload}"), max_attempts=1
        )

    @hookimpl
    def nexus_delivery_sources(self) -> Iterator[DeliverySource]:
        yield DeliverySource(name="probe", verify=_verify, translate=lambda delivery, ctx: ())


def _verify(body: bytes, headers: Mapping[str, str], ctx: Any) -> VerifiedDelivery:
    if headers.get("x-probe-secret") != "right":
        raise Unauthenticated("the signature is wrong")
    return VerifiedDelivery(source="probe", id=headers["x-probe-id"], kind="ping", body=body)


class World:
    """A hub with two repositories; each `…` method makes a fresh thing in one of them, or names one that is not."""

    def __init__(self, nexus: Nexus) -> None:
        self.nexus = nexus
        self.client = testing.TestClient(create_app(nexus))
        self._numbers = itertools.count(1)
        self._repositories = {where: nexus.repositories.add(NAMES[where]).id for where in (OWN, FOREIGN)}
        own = [self._repositories[OWN]]
        self.keys: dict[str, str | None] = {"nobody": None}
        self.keys |= {role: nexus.keys.create(role, role=role).secret for role in ("viewer", "developer", "admin")}
        self.keys["agent"] = nexus.keys.create("a", scopes=AGENT_SCOPES, repositories=own, agent="claude").secret
        self.keys["narrowed"] = nexus.keys.create("narrowed", role="admin", repositories=own).secret
        revoked = nexus.keys.create("revoked", role="admin")
        nexus.keys.revoke(revoked.key.id)
        self.keys["revoked"] = revoked.secret
        self.assigned: dict[str, Any] = {}

    def begin(self, principal: str) -> None:
        """A new cell: the assignment's key is that of a fresh assignment."""
        if principal == "assignment":
            task = self.task(OWN)
            answer = self.call("agent", "POST", "/api/v1/tasks/claim", {"task_id": task})
            self.assigned = answer.json
            self.keys["assignment"] = answer.json["key"]

    def call(
        self, principal: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> testing.Result:
        """A request of somebody."""
        sent = dict(headers or {})
        if key := self.keys[principal]:
            sent["Authorization"] = f"Bearer {key}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        text = None if body is None else json.dumps(body)
        return self.client.simulate_request(method, path, headers=sent, body=text, remote_addr="192.0.2.1")

    def number(self) -> int:
        """One that was not used yet."""
        return next(self._numbers)

    def repository(self, where: str) -> int:
        """A repository's id."""
        return self._repositories.get(where, NOT_THERE)

    def task(self, where: str) -> int:
        """A ready task."""
        if where == NONE:
            return NOT_THERE
        title = f"A task of {NAMES[where]}"
        return self.nexus.tasks.create(title, repository=self._repositories[where]).id

    def assignment(self, where: str, principal: str) -> int:
        """A live assignment: the asker's own where it has one."""
        if where == NONE:
            return NOT_THERE
        if where == OWN and principal == "assignment":
            return int(self.assigned["id"])
        agent = "claude" if where == OWN else "hidden-canary-agent"
        claimed = self.nexus.assignments.claim(agent=agent, task_id=self.task(where))
        assert claimed is not None
        return claimed.id

    def question(self, where: str, principal: str) -> int:
        """An open question."""
        if where == NONE:
            return NOT_THERE
        held = self.nexus.assignments.get(self.assignment(where, principal))
        return self.nexus.assignments.add_activity(
            held.id, held.fence, "elicitation", f"What about {NAMES[where]}?", choices=("Yes", "No")
        ).id

    def key(self, where: str) -> int:
        """A key that is narrowed to a repository."""
        if where == NONE:
            return NOT_THERE
        made = self.nexus.keys.create(
            f"a key of {NAMES[where]}", scopes=["tasks:read"], repositories=[self._repositories[where]]
        )
        return made.key.id

    def user(self, where: str) -> int:
        """A viewer; people are of no repository."""
        return NOT_THERE if where == NONE else self.nexus.users.invite(f"octo{self.number()}", "viewer").id

    def job(self, where: str) -> int:
        """A dead job that an event of a repository caused."""
        if where == NONE:
            return NOT_THERE
        self.task(where)
        while ran := self.nexus.jobs.claim(["default"], 50, "test"):
            for job in ran:
                self.nexus.jobs.run(job)
        actor = Actor(kind="key", name="x", repositories=frozenset({self._repositories[where]}))  # type: ignore[arg-type]
        return self.nexus.jobs.list(kind="probe.fail", state="dead", limit=200, actor=actor)[-1].id

    def delivery(self, where: str) -> int:
        """A webhook; deliveries are of the whole hub."""
        if where == NONE:
            return NOT_THERE
        headers = {"x-probe-secret": "right", "x-probe-id": f"{where}-{self.number()}"}
        return self.nexus.deliveries.receive("probe", b"{}", headers).delivery_id
