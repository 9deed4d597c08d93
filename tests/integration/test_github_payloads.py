"""GitHub's own example payloads, signed by Octokit: each is recorded, and only what matters has an effect.

Octokit's packages come from npm, by their version: `@octokit/webhooks` signs, `@octokit/webhooks-examples` holds the
payloads that GitHub's documentation shows. `NEXUS_TEST_OCTOKIT` names a folder in which both are installed already.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hubs
import pytest

from nexus_core import Nexus
from nexus_core.config import Config, load_config
from nexus_core.domain.policy import RepositoryPolicy
from services import _missing

PACKAGES = {"@octokit/webhooks": "14.2.0", "@octokit/webhooks-examples": "7.6.1"}
SECRET = "a-secret-for-the-integration-tests"
LEAD = 41
REPOSITORY = {
    "id": 4401, "name": "api", "full_name": "acme/api", "default_branch": "main", "owner": {"login": "acme", "id": 9},
    "html_url": "https://github.com/acme/api",
}  # fmt: skip
SIGN = """
import { Webhooks } from "@octokit/webhooks";
import { readFileSync } from "node:fs";
const webhooks = new Webhooks({ secret: process.argv[3] });
const bodies = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(await Promise.all(bodies.map((body) => webhooks.sign(body)))));
"""


@pytest.fixture(scope="module")
def octokit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Octokit's packages."""
    if given := os.environ.get("NEXUS_TEST_OCTOKIT"):
        return Path(given)
    folder = tmp_path_factory.mktemp("octokit")
    if not (shutil.which("npm") and shutil.which("node")):
        _missing("Octokit", "node and npm are not installed")
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        _missing("Octokit", f"npm cannot install it: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.fixture(scope="module")
def examples(octokit: Path) -> dict[str, list[dict[str, Any]]]:
    """GitHub's example payloads, by event."""
    file = octokit / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
    found = json.loads(file.read_text("utf-8"))
    return {event["name"]: event["examples"] for event in found}


class Sender:
    """Sends webhooks to a hub as GitHub does, signed by Octokit."""

    def __init__(self, hub: hubs.RunningHub, nexus: Nexus, octokit: Path) -> None:
        self.hub = hub
        self.nexus = nexus
        self._octokit = octokit

    def signed(self, bodies: list[str]) -> list[str]:
        """Octokit's signatures."""
        script = self._octokit / "sign.mjs"
        script.write_text(SIGN, "utf-8")
        file = self._octokit / f"bodies-{uuid.uuid4().hex}.json"
        file.write_text(json.dumps(bodies), "utf-8")
        command = ["node", str(script), str(file), SECRET]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(ran.stdout)

    def send(self, deliveries: list[tuple[str, Any]]) -> list[int]:
        """The statuses of the answers, once all that was sent is handled."""
        bodies = [json.dumps(payload, ensure_ascii=False) for _, payload in deliveries]
        statuses = []
        for (event, _), body, signature in zip(deliveries, bodies, self.signed(bodies), strict=True):
            headers = {
                "X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid.uuid4()), "X-Hub-Signature-256": signature,
                "User-Agent": "GitHub-Hookshot/044aadd",
            }  # fmt: skip
            statuses.append(self.hub.request("POST", "/webhooks/github", body.encode(), headers)[0])
        hubs.wait_until(lambda: "received" not in self.states(), 120)
        return statuses

    def states(self) -> list[str]:
        """What became of all deliveries."""
        return [str(delivery.state) for delivery in self.nexus.deliveries.list(limit=2000)]


@contextmanager
def sender(folder: Path, octokit: Path) -> Iterator[Sender]:
    """A running hub with a repository whose issues become tasks, and a person who may command."""
    environ = hubs.environment(folder, NEXUS_GITHUB_WEBHOOK_SECRET=SECRET)
    config: Config = load_config(environ=environ)
    with Nexus.open(config) as nexus:
        nexus.repositories.add("acme/api", external_id="4401")
        lead = nexus.users.invite("lead", "developer")
        with nexus.store.writing() as work:
            work.logins.bind(lead.id, provider="github", subject=str(LEAD), now=nexus.clock.now())
            work.access.set_meta("policy:1", json.dumps(RepositoryPolicy(issues="all").kept))
        with hubs.running_hub(environ, folder) as hub:
            yield Sender(hub, nexus, octokit)


def test_every_payload_is_answered_and_recorded(tmp_path: Path, octokit: Path, examples: dict[str, Any]) -> None:
    """All of GitHub's examples, of every event: 2xx and kept; none fails, and none about others has an effect here."""
    deliveries = [(event, payload) for event, payloads in sorted(examples.items()) for payload in payloads]
    with sender(tmp_path, octokit) as hub:
        statuses = hub.send(deliveries)
        kept = hub.nexus.deliveries.list(limit=2000)
        recorded = [event.delivery for event in hub.nexus.events.list(type="github.*", limit=2000)]

        assert {202} == set(statuses)
        assert len(deliveries) == len(kept) == len(recorded)
        assert {"ignored", "replay"} >= set(hub.states())
        assert [] == list(hub.nexus.tasks.list().items)


def test_octokits_signatures_are_ours(tmp_path: Path, octokit: Path) -> None:
    """Two independent signers agree, also beyond ASCII."""
    bodies = ["{}", '{"t":"café 😀"}']
    ours = ["sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest() for body in bodies]

    assert ours == Sender(None, None, octokit).signed(bodies)  # type: ignore[arg-type]


class Shapes:
    """GitHub's examples, told of our repository and of one task."""

    def __init__(self, examples: dict[str, Any], task: int) -> None:
        self._examples = examples
        self._task = task
        self._minute = 0

    def __call__(self, event: str, action: str, **told: Any) -> tuple[str, Any]:
        """The first example of an event and action; `told` goes into what it is about."""
        # Where no example shows an action, another of the event is taken, which GitHub gives the same shape.
        found = next((one for one in self._examples[event] if one.get("action") == action), self._examples[event][0])
        payload = {**copy.deepcopy(found), "action": action}
        payload["repository"] = {**payload["repository"], **REPOSITORY}
        self._minute += 1
        at = f"2026-01-31T12:{self._minute:02}:00Z"
        for name, value in payload.items():
            if name in ("pull_request", "issue", "check_suite", "check_run", "workflow_run") and value:
                value.update(updated_at=at)
        if pull := payload.get("pull_request"):
            pull.update(number=self._task, title=f"NX-{self._task}: do it", body=None, state="open", draft=False)
            pull.update(created_at="2026-01-31T12:00:00Z", merged=False)
            pull["head"].update(sha=f"{self._task:040x}", ref="work")
            payload["number"] = self._task
        if issue := payload.get("issue"):
            issue.update(number=self._task, id=self._task * 1000, author_association="MEMBER")
            issue.pop("pull_request", None)
        for name in ("check_suite", "check_run", "workflow_run"):
            if name in payload:
                payload[name].update(head_sha=f"{self._task:040x}")
        for path, value in told.items():
            place: Any = payload
            *above, last = path.split("__")
            for key in above:
                place = place[key]
            place[last] = value
        return event, payload


def review(state: str) -> dict[str, Any]:
    return {"review__state": state, "review__author_association": "MEMBER", "review__commit_id": None}


DONE = {"pull_request__state": "closed", "pull_request__merged": True}
OPENED = ("pull_request", "opened", {})
CHANGES = ("pull_request_review", "submitted", review("changes_requested"))
STORIES: dict[str, tuple[list[tuple[str, str, dict[str, Any]]], str]] = {
    "opened": ([OPENED], "review"),
    "a draft": ([("pull_request", "opened", {"pull_request__draft": True})], "in-progress"),
    "ready": ([("pull_request", "ready_for_review", {})], "review"),
    "a draft again": ([OPENED, ("pull_request", "converted_to_draft", {"pull_request__draft": True})], "in-progress"),
    "synchronised": ([("pull_request", "synchronize", {})], "review"),
    "edited": ([("pull_request", "edited", {})], "review"),
    "reopened": ([("pull_request", "reopened", {})], "review"),
    "closed": ([OPENED, ("pull_request", "closed", {"pull_request__state": "closed"})], "pending"),
    "merged": ([OPENED, ("pull_request", "closed", DONE)], "done"),
    "assigned": ([("pull_request", "assigned", {})], "pending"),
    "labelled": ([("pull_request", "labeled", {})], "pending"),
    "unlabelled": ([("pull_request", "unlabeled", {})], "pending"),
    "locked": ([("pull_request", "locked", {})], "pending"),
    "a review asked for": ([OPENED, CHANGES, ("pull_request", "review_requested", {
        "requested_reviewer": {"login": "Codertocat", "id": 21031067},
    })], "review"),
    "changes requested": ([OPENED, CHANGES], "in-progress"),
    "dismissed": ([OPENED, CHANGES, ("pull_request_review", "dismissed", review("dismissed"))], "review"),
    "a suite failed": ([OPENED, ("check_suite", "completed", {"check_suite__conclusion": "failure"})], "in-progress"),
    "a run failed": ([OPENED, ("check_run", "completed", {"check_run__conclusion": "failure"})], "in-progress"),
    "a workflow failed": ([OPENED, ("workflow_run", "completed", {
        "workflow_run__conclusion": "failure",
    })], "in-progress"),
    "a run passed": ([OPENED, ("check_run", "completed", {"check_run__conclusion": "success"})], "review"),
    "a run began": ([OPENED, ("check_run", "created", {"check_run__conclusion": None})], "review"),
    "a command of somebody known": ([OPENED, ("issue_comment", "created", {
        "comment__body": "/nexus done", "comment__user": {"login": "lead", "id": LEAD}, "issue__pull_request": {},
    })], "done"),
    "a command of an owner whom nobody knows": ([OPENED, ("issue_comment", "created", {
        "comment__body": "/nexus done", "comment__author_association": "OWNER", "issue__pull_request": {},
    })], "review"),
    "a comment": ([OPENED, ("issue_comment", "created", {"issue__pull_request": {}})], "review"),
}  # fmt: skip


def test_each_payload_that_matters_has_its_effect_and_no_other(
    tmp_path: Path, octokit: Path, examples: dict[str, Any]
) -> None:
    """A task for each story, told by GitHub's examples."""
    with sender(tmp_path, octokit) as hub:
        deliveries: list[tuple[str, Any]] = []
        wanted = {}
        for name, (steps, status) in STORIES.items():
            task = hub.nexus.tasks.create(name, repository="acme/api").id
            shape = Shapes(examples, task)
            deliveries += [shape(event, action, **told) for event, action, told in steps]
            wanted[name] = status
        statuses = hub.send(deliveries)
        found = {task.title: str(task.status) for task in hub.nexus.tasks.list().items}

        assert {202} == set(statuses)
        assert wanted == found
        assert "failed" not in hub.states()


ISSUES = {
    "opened": "pending", "edited": "pending", "labeled": "pending", "reopened": "pending", "closed": "done",
    "assigned": None, "unassigned": None, "milestoned": None, "pinned": None, "locked": None,
}  # fmt: skip


def test_issues_pushes_repositories_and_people(tmp_path: Path, octokit: Path, examples: dict[str, Any]) -> None:
    """What is not about a pull request."""
    with sender(tmp_path, octokit) as hub:
        task = hub.nexus.tasks.create("pushed", repository="acme/api").id
        push = ("push", {
            **copy.deepcopy(examples["push"][0]), "ref": "refs/heads/main", "deleted": False, "after": "b" * 40,
            "commits": [{"id": "b" * 40, "message": f"Fixes NX-{task}", "added": [], "modified": [], "removed": []}],
            "repository": REPOSITORY,
        })  # fmt: skip
        deliveries = [push]
        titles = {}
        for number, (action, status) in enumerate(ISSUES.items(), 100):
            state = "closed" if action == "closed" else "open"
            told = {"issue__title": f"issue {action}", "issue__state": state, "issue__state_reason": None}
            deliveries.append(Shapes(examples, number)("issues", action, **told))
            titles[f"issue {action}"] = status
        renamed = {
            "action": "renamed", "repository": {**REPOSITORY, "name": "core", "full_name": "acme/core"},
            "changes": {"repository": {"name": {"from": "api"}}}, "sender": {"login": "lead", "id": LEAD},
        }  # fmt: skip
        gone = copy.deepcopy(next(one for one in examples["installation"] if one["action"] == "deleted"))
        gone["installation"]["account"] = {"login": "acme", "id": 9}
        revoked = {"action": "revoked", "sender": {"login": "lead", "id": LEAD}}
        deliveries += [("repository", renamed), ("installation", gone), ("github_app_authorization", revoked)]
        statuses = hub.send(deliveries)
        found = {one.title: str(one.status) for one in hub.nexus.tasks.list().items}
        repository = hub.nexus.repositories.get(1)
        told_of = [event.type for event in hub.nexus.events.list(limit=2000)]

        assert {202} == set(statuses)
        assert {"pushed": "done", **{title: status for title, status in titles.items() if status}} == found
        assert ("acme/core", False) == (repository.name, repository.reachable)
        assert "authorization.withdrawn" in told_of
