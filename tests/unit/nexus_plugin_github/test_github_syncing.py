"""Issues follow their tasks, and comments answer commands: at a stand-in for GitHub, once, and never in circles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_core.config import Config
from nexus_core.domain.jobs import Done
from nexus_core.nexus import Nexus
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.github_issues import Issue, open_issue
from nexus_plugin_github import hooks, syncing
from nexus_plugin_github.sansio import sign

SECRET = "a secret for the tests"


@pytest.fixture
def hub(tmp_path: Path, github: GitHubStandIn, bare: BareRepository) -> Iterator[Nexus]:
    """A hub with `acme/api`, whose issues become tasks."""
    table = {"api_url": github.url, "token": github.token, "webhook_secret": SECRET, "write_pause": 0}
    config = Config(values={"assignment.automatic": False}, plugins={"github": table})
    with Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False) as nexus:
        head = bare.resolve("refs/heads/main")
        tree = bare.write_tree(head, [("100644", ".nexus.toml", bare.write_blob(b'issues = "all"\n'))])
        bare.update_ref("refs/heads/main", bare.write_commit(tree, [head] if head else [], "Policy"), head)
        nexus.connections.add("acme/api")
        yield nexus


class Told:
    """Tells the hub of an issue as it stands at the stand-in, as GitHub would."""

    def __init__(self, hub: Nexus, github: GitHubStandIn, issue: Issue) -> None:
        self.hub, self.github, self.issue = hub, github, issue
        self.minute = 0

    def __call__(self, event: str, action: str, **more: Any) -> None:
        self.minute += 1
        labels = self.github.world.labels.get((self.github.world.repository("acme/api").id, self.issue.number), [])
        document = {
            "id": 5000, "number": self.issue.number, "title": self.issue.title, "body": self.issue.body,
            "state": self.issue.state, "state_reason": self.issue.state_reason, "user": {"login": "mona", "id": 31},
            "labels": [{"name": name} for name in labels], "author_association": "MEMBER",
            "html_url": "https://github.com/acme/api/issues/1", "updated_at": f"2026-01-31T12:{self.minute:02}:00Z",
        }  # fmt: skip
        number = self.github.world.repository("acme/api").id
        repository = {"id": number, "full_name": "acme/api", "default_branch": "main"}
        body = json.dumps({"action": action, "issue": document, "repository": repository, **more}).encode()
        self.hub.deliveries.receive("github", body, {
            "X-GitHub-Event": event, "X-GitHub-Delivery": f"d-{event}-{self.minute}",
            "X-Hub-Signature-256": sign(body, SECRET.encode()), "Content-Type": "application/json",
        })  # fmt: skip
        self.hub.jobs.drain()


@pytest.fixture
def told(hub: Nexus, github: GitHubStandIn) -> Told:
    """An issue that became task 1."""
    made = Told(hub, github, open_issue(github.world, "acme/api", title="It breaks", body="Here"))
    made("issues", "opened")
    return made


def written(github: GitHubStandIn) -> list[tuple[str, str]]:
    """What was asked of GitHub that changes something."""
    return [(request.method, request.path) for request in github.requests if request.method != "GET"]


def test_an_issue_follows_its_task(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """Title, text, labels and state, in one call for all that changed meanwhile."""
    hub.tasks.edit(1, {"title": "It broke", "description": "There", "labels": ["ui"]})
    hub.tasks.move(1, "done")
    hub.jobs.drain()
    (labels,) = github.world.labels.values()

    assert ("It broke", "There", "closed", "completed") == (
        told.issue.title, told.issue.body, told.issue.state, told.issue.state_reason,
    )  # fmt: skip
    assert (["ui"], [("PATCH", "/repos/acme/api/issues/1")]) == (labels, written(github))


def test_what_comes_back_makes_no_rounds(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """GitHub tells of what Nexus wrote: nothing is changed here, and nothing written there."""
    hub.tasks.edit(1, {"title": "It broke"})
    hub.jobs.drain()
    version = hub.tasks.get(1).version
    for _ in range(3):
        told("issues", "edited")

    assert (version, 1) == (hub.tasks.get(1).version, len(written(github)))


def test_what_comes_from_there_is_not_written_back(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """The task follows, and GitHub hears nothing of it."""
    told.issue.title, told.issue.state, told.issue.state_reason = "Mine", "closed", "not_planned"
    told("issues", "closed")

    assert ("Mine", "cancelled") == (hub.tasks.get(1).title, hub.tasks.get(1).status)
    assert [] == written(github)


def test_each_side_keeps_its_own_when_both_change(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """The title from there, the text from here."""
    told.issue.title = "It broke"
    hub.tasks.edit(1, {"description": "There"})
    hub.jobs.drain()
    told("issues", "edited")

    assert ("It broke", "There") == (hub.tasks.get(1).title, hub.tasks.get(1).description)
    assert ("It broke", "There") == (told.issue.title, told.issue.body)


def test_tasks_without_an_issue_cost_nothing(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """No job, no call."""
    hub.tasks.create("Another", repository="acme/api")
    hub.tasks.move(2, "done")
    kinds = [job.kind for job in hub.jobs.list(limit=200)]

    assert "github.write_issue" not in kinds


def test_an_answer_whose_fate_is_unknown_is_written_once(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """A second try looks first."""
    github.trouble("PATCH", "issues/1", 502, after=True)
    hub.tasks.edit(1, {"title": "It broke"})
    hub.jobs.drain()
    event = hub.events.list(type="task.edited")[-1]
    outcome = syncing.write_issue(event, hub.context("github"))

    assert "It broke" == told.issue.title
    assert (Done("https://github.com/acme/api/issues/1"), 1) == (outcome, len(written(github)))


def test_a_command_is_answered_by_one_comment(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """With a mark, by which it is known; and its own comment is no command."""
    lead = hub.users.invite("lead", "developer")
    with hub.store.writing() as work:
        work.logins.bind(lead.id, provider="github", subject="41", now=hub.clock.now())
    said = {"id": 77, "body": "/nexus priority high", "user": {"login": "lead", "id": 41}, "html_url": "https://x/77"}
    told("issue_comment", "created", comment=said)
    (comment,) = github.world.comments
    told("issue_comment", "created", comment={"id": 78, "body": comment.body, "user": {"login": "lead", "id": 41}})

    assert "high" == hub.tasks.get(1).priority
    assert "is high now" in comment.body
    assert "<!-- nexus:comment-77 -->" in comment.body
    assert 1 == len(github.world.comments)


def test_nothing_is_sent_where_access_was_taken_away(hub: Nexus, github: GitHubStandIn, told: Told) -> None:
    """The App was uninstalled: GitHub would refuse every call."""
    body = json.dumps({
        "action": "deleted", "installation": {"id": 8, "account": {"login": "acme", "id": 9}}, "repositories": [],
        "sender": {"login": "mona", "id": 31},
    }).encode()  # fmt: skip
    hub.deliveries.receive("github", body, {
        "X-GitHub-Event": "installation", "X-GitHub-Delivery": "d-gone",
        "X-Hub-Signature-256": sign(body, SECRET.encode()),
    })  # fmt: skip
    hub.jobs.drain()
    before = len(github.requests)
    hub.tasks.edit(1, {"title": "It broke"})
    hub.jobs.drain()

    assert (before, "It breaks") == (len(github.requests), told.issue.title)
