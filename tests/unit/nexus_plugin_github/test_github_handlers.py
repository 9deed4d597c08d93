"""The plugin in a real hub, with a stand-in for GitHub over real Git: facts in, pull requests, files out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nexus_core.config import Config
from nexus_core.domain.events import AssignmentCompleted
from nexus_core.domain.jobs import Done, Retry, Snooze
from nexus_core.errors import Unauthenticated
from nexus_core.nexus import Nexus
from nexus_core.plugins.context import Context
from nexus_core.plugins.records import NotChecked
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github import handlers, hooks
from nexus_plugin_github.calling import unreachable
from nexus_plugin_github.sansio import sign

SECRET = "a secret for the tests"
BRANCH = "nexus/nx-1-work"
OpenHub = Callable[..., Nexus]


@pytest.fixture
def open_hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[OpenHub]:
    """Opens a hub whose GitHub is the stand-in; keywords are further settings."""
    opened: list[Nexus] = []

    def make(**settings: Any) -> Nexus:
        table = {"api_url": github.url, "token": github.token, "webhook_secret": SECRET, "write_pause": 0}
        config = Config(values={"assignment.automatic": False}, plugins={"github": table | settings})
        hub = Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False)
        opened.append(hub)
        return hub

    yield make
    for hub in opened:
        hub.close()


@pytest.fixture
def hub(open_hub: OpenHub) -> Nexus:
    """A hub with `acme/api`."""
    nexus = open_hub()
    nexus.repositories.add("acme/api")
    return nexus


def _finish(nexus: Nexus, *, commits: int = 1, branch: str = BRANCH) -> AssignmentCompleted:
    """An agent does the first task and says that it is done."""
    task = nexus.tasks.create("Add login", description="People log in", repository="acme/api")
    assignment = nexus.assignments.claim(agent="claude", task_id=task.id)
    assert assignment is not None
    nexus.assignments.complete(assignment.id, assignment.fence, summary="Added it", branch=branch, commits=commits)
    (event,) = nexus.events.list(type="assignment.completed")
    assert isinstance(event, AssignmentCompleted)
    return event


def _context(nexus: Nexus) -> Context:
    return nexus.context("github")


def _receive(nexus: Nexus, event: str, payload: Any, guid: str) -> bool:
    body = json.dumps(payload).encode()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": guid, "Content-Type": "application/json"}
    headers["X-Hub-Signature-256"] = sign(body, SECRET.encode())
    return nexus.deliveries.receive("github", body, headers).duplicate


# Pull requests


def test_finished_work_becomes_a_pull_request(hub: Nexus, github: GitHubStandIn) -> None:
    """It is opened on GitHub against the default branch, names its task, and the task goes to review."""
    _finish(hub)
    hub.jobs.drain()
    pull = github.pull("acme/api", 1)

    assert (pull.title, pull.head, pull.base) == ("Add login (NX-1)", BRANCH, "main")
    assert "Closes NX-1" in pull.body
    assert hub.tasks.get(1).status == "review"


def test_the_core_is_told_of_the_pull_request(hub: Nexus) -> None:
    """Even before GitHub's own webhook comes, the change is known and tied to the task."""
    _finish(hub)
    hub.jobs.drain()
    ((change, link),) = hub.changes.for_task(1)

    assert (change.url, link.closes) == ("https://github.com/acme/api/pull/1", True)


def test_handling_twice_opens_one_pull_request(hub: Nexus, github: GitHubStandIn) -> None:
    """Delivery is at least once; the effect is not."""
    event = _finish(hub)
    outcomes = [handlers.open_pull_request(event, _context(hub)) for _ in range(2)]

    assert [Done("https://github.com/acme/api/pull/1")] * 2 == outcomes
    assert len(github.world.pulls) == 1


def test_a_merged_pull_request_stays_merged(hub: Nexus, github: GitHubStandIn) -> None:
    """A late repetition after the merge opens nothing and moves nothing back."""
    event = _finish(hub)
    handlers.open_pull_request(event, _context(hub))
    github.merge("acme/api", 1)
    _receive(hub, "pull_request", github.pull_payload("acme/api", 1, "closed"), "g-1")
    hub.jobs.drain()
    outcome = handlers.open_pull_request(event, _context(hub))

    assert Done("https://github.com/acme/api/pull/1 is no longer open") == outcome
    assert hub.tasks.get(1).status == "done"


def test_a_limit_makes_the_job_wait(hub: Nexus, github: GitHubStandIn) -> None:
    """GitHub says how long; the worker is free meanwhile."""
    event = _finish(hub)
    github.trouble("GET", "repos/acme/api", 429, headers={"Retry-After": "17"})

    assert Snooze(timedelta(seconds=17)) == handlers.open_pull_request(event, _context(hub))


def test_trouble_makes_the_job_try_again(hub: Nexus, github: GitHubStandIn) -> None:
    """GitHub being down is no reason to give up."""
    event = _finish(hub)
    github.trouble("POST", "pulls", 500)
    first = handlers.open_pull_request(event, _context(hub))

    assert isinstance(first, Retry)
    assert Done("https://github.com/acme/api/pull/1") == handlers.open_pull_request(event, _context(hub))


@pytest.mark.parametrize(("commits", "branch"), [(0, BRANCH), (1, "main"), (1, "merged")])
def test_nothing_to_propose_opens_nothing(
    hub: Nexus, github: GitHubStandIn, bare: BareRepository, commits: int, branch: str
) -> None:
    """No commits, the default branch itself, or a branch that it holds already."""
    bare.update_ref("refs/heads/merged", bare.branch("main") or "", None)
    event = _finish(hub, commits=commits, branch=branch)
    outcome = handlers.open_pull_request(event, _context(hub))

    assert isinstance(outcome, Done)
    assert github.world.pulls == []


def test_a_branch_that_was_not_pushed_is_waited_for(hub: Nexus) -> None:
    """The push may be late; who looks at the job reads what is missing."""
    outcome = handlers.open_pull_request(_finish(hub, branch="nexus/elsewhere"), _context(hub))

    assert Retry("the branch nexus/elsewhere is not on GitHub; push it there") == outcome


def test_without_a_token_the_note_says_what_is_missing(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Nothing is sent, nothing fails, and whoever looks learns why."""
    nexus = open_hub(token="")
    nexus.repositories.add("acme/api")
    outcome = handlers.open_pull_request(_finish(nexus), _context(nexus))

    assert isinstance(outcome, Done)
    assert "NEXUS_GITHUB_TOKEN" in (outcome.note or "")
    assert github.requests == []


@pytest.mark.parametrize(
    ("url", "api", "reason"),
    [
        ("https://gitlab.com/acme/api", None, "it is not on"),
        ("git@gitlab.com:acme/api.git", None, "it is not on"),
        ("file:///srv/api.git", "https://api.github.com", "it is a local repository"),
        ("https://github.com/acme/api", None, None),
        ("git@github.com:acme/api.git", None, None),
        ("file:///srv/api.git", None, None),
        ("", None, None),
    ],
)
def test_only_repositories_of_github_are_asked_for(
    open_hub: OpenHub, url: str, api: str | None, reason: str | None
) -> None:
    """A repository elsewhere that has the same name is not mistaken for one on GitHub."""
    from nexus_core.domain.repositories import Repository
    from nexus_plugin_github.settings import Settings

    nexus = open_hub(**({"api_url": api} if api else {}))
    repository = Repository(id=1, name="acme/api", url=url, created_at=nexus.clock.now())
    found = unreachable(repository, _context(nexus).settings(Settings))

    assert (reason is None) == (found is None)
    assert (reason or "") in (found or "")


# Documents


def test_documents_are_committed_to_their_branch(hub: Nexus, bare: BareRepository) -> None:
    """What the hub renders stands in the repository afterwards, and the hub knows the commit."""
    hub.tasks.create("Add login", repository="acme/api")
    hub.documents.refresh(1, force=True)
    hub.jobs.drain()
    commit = bare.branch("nexus/docs")
    rendered = {document.path: document.content.encode() for document in hub.documents.render("acme/api")}
    (published,) = hub.events.list(type="documents.published")

    assert rendered == {path: _read(bare, path) for path in rendered}
    assert (commit, "nexus/docs") == (published.payload["commit"], published.payload["branch"])


def _read(bare: BareRepository, path: str) -> bytes:
    entry = bare.entry("refs/heads/nexus/docs", path)
    return bare.blob(entry.sha) if entry else b""


def test_unchanged_documents_are_not_committed_again(hub: Nexus, bare: BareRepository) -> None:
    """A second event for the same documents leaves one commit and one record of it."""
    hub.tasks.create("Add login", repository="acme/api")
    for _ in range(2):
        hub.documents.refresh(1, force=True)
        hub.jobs.drain()

    assert len(bare.between("refs/heads/main", "refs/heads/nexus/docs")) == 1
    assert len(hub.events.list(type="documents.published")) == 1


def test_a_pull_request_for_documents_is_kept_open_on_request(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """One for the branch, however often the documents change; none unless it is asked for."""
    nexus = open_hub(docs_pull_request=True)
    nexus.repositories.add("acme/api")
    for title in ("One", "Two"):
        nexus.tasks.create(title, repository="acme/api")
        nexus.documents.refresh(1, force=True)
        nexus.jobs.drain()

    assert [pull.head for pull in github.world.pulls] == ["nexus/docs"]


# Webhooks


def test_a_merge_on_github_completes_the_task(hub: Nexus, github: GitHubStandIn) -> None:
    """The main job's first step, from GitHub's signed webhook to the task."""
    hub.tasks.create("Add login", repository="acme/api")
    github.open_pull("acme/api", head=BRANCH, base="main", title="Login (NX-1)", by="mona")
    github.merge("acme/api", 1, by="lead")
    _receive(hub, "pull_request", github.pull_payload("acme/api", 1, "closed"), "g-1")
    hub.jobs.drain()

    assert hub.tasks.get(1).status == "done"


def test_a_webhook_again_has_no_second_effect(hub: Nexus, github: GitHubStandIn) -> None:
    """The same id is a duplicate, the same body under a new id a replay."""
    github.open_pull("acme/api", head=BRANCH, base="main", title="Login", by="mona")
    payload = github.pull_payload("acme/api", 1, "opened")
    answers = [_receive(hub, "pull_request", payload, guid) for guid in ("g-1", "g-1", "g-2")]

    assert answers == [False, True, True]
    assert [delivery.state for delivery in hub.deliveries.list()] == ["replay", "received"]


def test_an_unsigned_webhook_is_refused_and_recorded(hub: Nexus) -> None:
    """Nothing is stored of it but that it was refused."""
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "g-1"}
    with pytest.raises(Unauthenticated):
        hub.deliveries.receive("github", b"{}", headers, address="192.0.2.1")

    (refused,) = hub.events.list(type="delivery.refused")
    assert refused.payload["address"] == "192.0.2.1"


def test_a_pushed_task_file_is_fetched_and_imported(hub: Nexus, github: GitHubStandIn, bare: BareRepository) -> None:
    """The webhook names the file only; its content comes from the commit that was pushed."""
    tasks = {"master": {"tasks": [{"id": 1, "title": "From the file", "status": "pending"}]}}
    before = bare.branch("main") or ""
    blob = bare.write_blob(json.dumps(tasks).encode())
    tree = bare.write_tree(before, [("100644", ".taskmaster/tasks/tasks.json", blob)])
    after = bare.write_commit(tree, [before], "Plan")
    bare.update_ref("refs/heads/main", after, before)
    from nexus_demo.standins.github_shapes import push_event

    hosted = github.world.repository("acme/api")
    _receive(hub, "push", push_event("main", before, after, hosted, github.url, "mona"), "g-1")
    hub.jobs.drain()

    assert [task.title for task in hub.tasks.list().items] == ["From the file"]


def test_a_refused_token_does_not_lose_the_rest_of_a_push(open_hub: OpenHub) -> None:
    """The file cannot be fetched; the commits still count."""
    nexus = open_hub(token="revoked")
    nexus.repositories.add("acme/api")
    nexus.tasks.create("Add login", repository="acme/api")
    payloads = json.loads((Path(__file__).parent / "payloads.json").read_text("utf-8"))
    payload = payloads["push task file"]
    payload["commits"][0]["message"] = "Closes NX-1"
    _receive(nexus, "push", payload, "g-1")
    nexus.jobs.drain()

    assert nexus.tasks.get(1).status == "done"


# Access


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://github.com/acme/api", True),
        ("https://GitHub.com/acme/api.git", True),
        ("http://github.com/acme/api", False),
        ("https://github.com.evil.example/acme/api", False),
        ("https://github.com@evil.example/acme/api", False),
        ("https://me:pw@github.com/acme/api", False),
        ("https://github.com:8443/acme/api", False),
        ("https://gitlab.com/acme/api", False),
        ("ssh://git@github.com/acme/api", False),
        ("file:///srv/api", False),
    ],
)
def test_the_token_is_given_to_github_alone(hub: Nexus, github: GitHubStandIn, url: str, is_ours: bool) -> None:
    """Git gets it for HTTPS addresses on GitHub's host, and for no other."""
    expected = ("x-access-token", github.token) if is_ours else None

    assert expected == handlers.git_credentials(url, _context(hub))


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, None),
        ({"token": "revoked"}, "does not accept the token"),
        ({"token": "", "app_id": "7"}, "NEXUS_GITHUB_APP_PRIVATE_KEY"),
        ({"api_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_the_doctor_says_what_is_wrong(open_hub: OpenHub, settings: dict[str, str], wrong: str | None) -> None:
    """A token that works is fine; what does not is said."""
    found = handlers.check_access(_context(open_hub(**settings)))

    assert (wrong is None) == (found is None)
    assert (wrong or "") in (found or "")


def test_the_doctor_says_that_there_was_nothing_to_check(open_hub: OpenHub) -> None:
    """Without a token nothing is claimed of GitHub."""
    found = handlers.check_access(_context(open_hub(token="")))

    assert isinstance(found, NotChecked)
