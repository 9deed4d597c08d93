"""Rough weather: what GitHub refuses, what comes from strangers, and what a webhook does not say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from nexus_core.config import Config
from nexus_core.domain.agents import Assignment
from nexus_core.domain.events import CommandTaken, TaskEdited
from nexus_core.domain.jobs import Done
from nexus_core.errors import Unavailable
from nexus_core.nexus import Nexus
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github import hooks, syncing
from nexus_plugin_github.client import GitHubClient, PullText
from nexus_plugin_github.sansio import sign
from nexus_plugin_github.transport import Transport

SECRET = "a secret for the tests"
BRANCH = "nexus/nx-1-work"
FILE = ".taskmaster/tasks/tasks.json"
PERSON = {"login": "mona", "id": 31}


def put(bare: BareRepository, path: str, content: str) -> str:
    """Commit a file to `main`."""
    head = bare.resolve("refs/heads/main")
    tree = bare.write_tree(head, [("100644", path, bare.write_blob(content.encode()))])
    commit = bare.write_commit(tree, [head] if head else [], "One file")
    bare.update_ref("refs/heads/main", commit, head)
    return commit


class Hub:
    """A hub with `acme/api`, to which GitHub tells things."""

    def __init__(self, nexus: Nexus, github: GitHubStandIn) -> None:
        self.nexus = nexus
        number = github.world.repository("acme/api").id
        self.repository = {"id": number, "full_name": "acme/api", "default_branch": "main"}
        self.minute = 0

    def told(self, event: str, **payload: Any) -> None:
        """GitHub sends a webhook, and it is handled."""
        self.minute += 1
        about = (
            {} if event in ("installation", "installation_target", "organization") else {"repository": self.repository}
        )
        body = json.dumps(about | {"sender": PERSON} | payload).encode()
        self.nexus.deliveries.receive("github", body, {
            "X-GitHub-Event": event, "X-GitHub-Delivery": f"d-{self.minute}", "Content-Type": "application/json",
            "X-Hub-Signature-256": sign(body, SECRET.encode()),
        })  # fmt: skip
        self.nexus.jobs.drain()

    def told_of_pull(self, action: str, **fields: Any) -> None:
        """GitHub tells of a pull request by somebody who belongs to the repository, unless it is said otherwise."""
        pull = {
            "number": 7, "title": "NX-1", "body": None, "state": "closed" if action == "closed" else "open",
            "head": {"ref": "login", "sha": "a" * 40, "repo": self.repository}, "base": {"repo": self.repository},
            "author_association": "MEMBER", "updated_at": f"2026-01-31T12:{self.minute:02}:00Z",
        }  # fmt: skip
        self.told("pull_request", action=action, pull_request=pull | fields)

    def claim(self) -> Assignment:
        """An agent holds the first task."""
        self.nexus.tasks.create("Log in", repository="acme/api")
        held = self.nexus.assignments.claim(agent="claude", task_id=1)
        assert held is not None
        return held


@pytest.fixture
def hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[Hub]:
    table = {"api_url": github.url, "token": github.token, "webhook_secret": SECRET, "write_pause": 0}
    config = Config(values={"assignment.automatic": False}, plugins={"github": table})
    with Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False) as nexus:
        made = Hub(nexus, github)
        nexus.repositories.add("acme/api", external_id=str(made.repository["id"]))
        yield made


# What GitHub refuses ----------------------------------------------------------------------------------------------


def test_a_pull_request_that_somebody_opened_first_is_taken(client: GitHubClient, github: GitHubStandIn) -> None:
    """Between our look and our call: GitHub says that it exists already, and it is looked for again."""
    said = "A pull request already exists for acme:nexus/nx-1-work."
    github.trouble("POST", "/pulls", 422, after=True, message=said)
    wanted = PullText(title="Work", body="", head=BRANCH, base="main")

    assert 1 == client.ensure_pull("acme/api", wanted)["number"]


def test_an_answer_of_somebody_in_between_is_no_empty_list() -> None:
    """A proxy's page with status 200: else a comment that is there already would be written again."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Please log in</html>")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        behind = Transport(f"http://127.0.0.1:{server.server_address[1]}", "t")
        with GitHubClient(behind) as client, pytest.raises(Unavailable, match="no JSON"):
            list(client.comments("acme/api", 1))


def issue(**fields: Any) -> dict[str, Any]:
    plain = {
        "id": 5000, "number": 1, "title": "It breaks", "body": "", "state": "open", "user": PERSON, "labels": [],
        "author_association": "MEMBER", "updated_at": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    return plain | fields


@pytest.fixture
def with_issue(bare: BareRepository, hub: Hub) -> Hub:
    """The same, with an issue that became task 1."""
    put(bare, ".nexus.toml", 'issues = "all"')
    hub.nexus.connections.connect("acme/api")
    hub.told("issues", action="opened", issue=issue())
    return hub


def test_an_issue_that_was_deleted_is_given_up(with_issue: Hub, github: GitHubStandIn) -> None:
    """GitHub answers 410 for it, now and for ever: to try again would be in vain."""
    github.trouble("GET", "/issues/1", 410, message="This issue was deleted", times=9)
    nexus = with_issue.nexus
    nexus.tasks.edit(1, {"title": "It broke"})
    event = nexus.events.list(type="task.edited")[-1]
    assert isinstance(event, TaskEdited)

    assert Done("there is no issue acme/api#1 any more") == syncing.write_issue(event, nexus.context("github"))


def test_what_was_done_stays_done_when_its_issue_is_deleted(with_issue: Hub) -> None:
    """Only what was open is cancelled by it."""
    closed = issue(state="closed", state_reason="completed", updated_at="2026-01-31T13:00:00Z")
    with_issue.told("issues", action="closed", issue=closed)
    with_issue.told("issues", action="deleted", issue=closed | {"updated_at": "2026-01-31T14:00:00Z"})

    assert "done" == with_issue.nexus.tasks.get(1).status


def test_a_locked_conversation_is_left_alone(hub: Hub, github: GitHubStandIn, bare: BareRepository) -> None:
    """Nobody can be answered there."""
    github.trouble("POST", "/comments", 403, message="Unable to create comment because issue is locked.", times=9)
    github.world.open_pull("acme/api", head=BRANCH, base="main", title="Work", body="", author="mona")
    put(bare, ".nexus.toml", 'approvers = ["31"]')
    hub.nexus.connections.connect("acme/api")
    said = {"id": 77, "body": "/nexus help", "user": PERSON, "html_url": "https://x/77"}
    hub.told("issue_comment", action="created", issue={"number": 1, "pull_request": {}}, comment=said)
    (event,) = hub.nexus.events.list(type="command.taken")
    assert isinstance(event, CommandTaken)
    outcome = syncing.answer_command(event, hub.nexus.context("github"))

    assert isinstance(outcome, Done)
    assert "locked" in str(outcome.note)


# Strangers --------------------------------------------------------------------------------------------------------

FORK = {"ref": "login", "sha": "a" * 40, "repo": {"id": 666, "full_name": "eve/api"}}
GONE = {"ref": "login", "sha": "a" * 40, "repo": None}


@pytest.mark.parametrize(
    ("fields", "then"),
    [
        ({}, ("pending", "cancelled")),
        ({"head": FORK}, ("pending", "cancelled")),
        ({"head": FORK, "author_association": "NONE"}, ("in-progress", "assigned")),
        ({"head": GONE, "author_association": "FIRST_TIME_CONTRIBUTOR"}, ("in-progress", "assigned")),
    ],
    ids=["ours", "a member's fork", "a stranger's fork", "a deleted fork"],
)
def test_a_stranger_takes_no_task_from_its_agent(hub: Hub, fields: dict[str, Any], then: tuple[str, str]) -> None:
    """Anybody may open a pull request that names a task, and close it again."""
    held = hub.claim()
    hub.told_of_pull("opened", **fields)
    hub.told_of_pull("closed", **fields)

    assert then == (hub.nexus.tasks.get(1).status, hub.nexus.assignments.get(held.id).status)


@pytest.mark.parametrize(("fork", "asked"), [("", True), ("eve", False)])
def test_an_agent_gets_no_findings_of_a_fork(hub: Hub, github: GitHubStandIn, fork: str, asked: bool) -> None:
    """A stranger's branch may be called like the agent's, and what their checks say is theirs."""
    hub.claim()
    pull = github.world.open_pull("acme/api", head=BRANCH, base="main", title="NX-1", body="", author="eve")
    pull.fork = fork
    hub.told_of_pull("opened", number=1, head=FORK | {"ref": BRANCH})
    hub.told("check_suite", action="completed", check_suite={
        "id": 5, "head_sha": "a" * 40, "conclusion": "failure", "updated_at": "2026-01-31T13:00:00Z",
    })  # fmt: skip

    assert "in-progress" == hub.nexus.tasks.get(1).status
    assert asked is any(seen.path.endswith("/reviews?per_page=100") for seen in github.requests)


def test_an_installation_that_is_told_late_gives_no_access_back(hub: Hub) -> None:
    """GitHub says the times of installations as numbers, unlike all others."""
    for action, at in (("deleted", 1557933600), ("created", 1557933591)):
        installation = {"id": 8, "account": {"login": "acme"}, "created_at": 1557933591, "updated_at": at}
        hub.told("installation", action=action, installation=installation, repositories=[hub.repository])

    assert not hub.nexus.repositories.get("acme/api").reachable


# What a webhook does not say --------------------------------------------------------------------------------------


def test_another_default_branch_is_where_new_work_begins(hub: Hub) -> None:
    """Renamed or chosen: GitHub tells of it as of an edit."""
    edited = hub.repository | {"default_branch": "trunk"}
    hub.told("repository", action="edited", repository=edited, changes={"default_branch": {"from": "main"}})
    changed = hub.nexus.repositories.get("acme/api").default_branch
    hub.told("repository", action="edited", repository=edited, changes={"description": {"from": None}})

    assert ("trunk", "trunk") == (changed, hub.nexus.repositories.get("acme/api").default_branch)


@pytest.mark.parametrize(
    ("push", "tasks"),
    [
        ({"forced": True, "commits": [{"id": "c" * 40, "message": "x", "modified": ["README.md"]}]}, 1),
        ({"before": "b" * 40, "commits": []}, 1),
        ({"before": "b" * 40, "commits": [{"id": "c" * 40, "message": "x", "modified": ["README.md"]}]}, 0),
    ],
    ids=["forced", "moved back", "all is said"],
)
def test_a_branch_that_was_moved_is_read_anew(hub: Hub, bare: BareRepository, push: dict[str, Any], tasks: int) -> None:
    """GitHub lists the commits that are new, and not what is gone with those before them."""
    content = {"master": {"tasks": [{"id": 1, "title": "Log in", "status": "pending"}]}}
    commit = put(bare, FILE, json.dumps(content))
    hub.told("push", ref="refs/heads/main", after=commit, **push)

    assert tasks == len(hub.nexus.events.list(type="tasks.imported"))


@pytest.mark.parametrize("told", ["installation_target", "organization"])
def test_an_owner_takes_their_repositories_along_to_a_new_name(hub: Hub, told: str) -> None:
    """No repository tells of it; but one whose new name is taken here stays what it is."""
    for name in ("acme/web", "globex/web", "acmeist/api"):
        hub.nexus.repositories.add(name)
    about = {"account": {"login": "globex"}, "organization": None}
    hub.told(told, action="renamed", changes={"login": {"from": "acme"}}, **(
        {"organization": {"login": "globex"}} if told == "organization" else about
    ))  # fmt: skip

    names = {one.name for one in hub.nexus.repositories.list()}
    assert {"globex/api", "acme/web", "globex/web", "acmeist/api"} == names


@pytest.mark.parametrize("key", ["check_run", "check_suite"])
def test_our_check_is_shown_again_when_it_is_asked_for(hub: Hub, github: GitHubStandIn, key: str) -> None:
    """“Re-run” on GitHub's page clears it."""
    hub.nexus.tasks.create("Log in", repository="acme/api")
    github.world.open_pull("acme/api", head=BRANCH, base="main", title="NX-1", body="", author="mona")
    hub.told_of_pull("opened", number=1, head={"ref": BRANCH, "sha": "a" * 40, "repo": hub.repository})
    before = len([seen for seen in github.requests if "/statuses" in seen.path])
    suite = {"head_branch": BRANCH, "head_sha": "a" * 40}
    hub.told(key, action="rerequested", **{key: suite if key == "check_suite" else {"check_suite": suite}})

    assert before < len([seen for seen in github.requests if "/statuses" in seen.path])
