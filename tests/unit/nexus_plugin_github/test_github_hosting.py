"""Repositories connected with GitHub: access, policy, task file, webhook, and what is said to be wanting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nexus_core.config import Config
from nexus_core.domain.changes import Commit, CommitsPushed
from nexus_core.domain.hosts import Connection
from nexus_core.domain.jobs import JobState
from nexus_core.errors import Duplicate, Invalid
from nexus_core.nexus import Nexus
from nexus_core.testing import drain
from nexus_demo.standins import github_hooks
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github import hooks
from nexus_plugin_github.hosting import EVENTS, PERMISSIONS

PUBLIC = "https://nexus.example"
OURS = f"{PUBLIC}/api/v1/webhooks/github"
TASKS = {"master": {"tasks": [{"id": 1, "title": "One", "status": "pending", "dependencies": []}]}}
OpenHub = Callable[..., Nexus]


@pytest.fixture
def open_hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[OpenHub]:
    """Opens a hub whose GitHub is the stand-in."""
    opened: list[Nexus] = []

    def make(**settings: Any) -> Nexus:
        table = {"api_url": github.url, "token": github.token, "webhook_secret": "s" * 20, "write_pause": 0}
        table = {key: value for key, value in (table | settings).items() if value is not None}
        config = Config(values={"public_url": PUBLIC}, plugins={"github": table})
        hub = Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False)
        opened.append(hub)
        return hub

    yield make
    for hub in opened:
        hub.close()


def _put(bare: BareRepository, files: dict[str, bytes | None]) -> str:
    """Commit files to `main`; None takes one away."""
    head = bare.resolve("refs/heads/main")
    entries = [
        ("100644", path, None if content is None else bare.write_blob(content)) for path, content in files.items()
    ]
    commit = bare.write_commit(bare.write_tree(head, entries), [head] if head else [], "Change")
    bare.update_ref("refs/heads/main", commit, head)
    return commit


def _policy(hub: Nexus) -> dict[str, Any]:
    with hub._unit.read() as work:
        found: dict[str, Any] = json.loads(work.access.meta("policy:1") or "{}")
    return found


def _kinds(hub: Nexus, prefix: str) -> list[str]:
    return [event.type for event in hub.events.list(limit=200) if event.type.startswith(prefix)]


def _wanting(done: Connection) -> list[str]:
    return [one.what for one in done.findings if not one.done]


# Adding ---------------------------------------------------------------------------------------------------------------


def test_a_repository_is_added_with_its_policy_and_its_tasks(
    open_hub: OpenHub, github: GitHubStandIn, bare: BareRepository
) -> None:
    """What lies on the default branch is in force before the answer."""
    _put(bare, {".nexus.toml": b'closing_words = ["ships"]\n', "tasks/tasks.json": json.dumps(TASKS).encode()})
    hub = open_hub()
    added, done = hub.connections.add("acme/api")

    assert ("acme/api", "main") == (added.name, added.default_branch)
    assert (True, "in-force", 1, "") == (done.is_reachable, done.policy, done.imported, done.import_error)
    assert ["ships"] == _policy(hub)["closing"]
    assert ["One"] == [task.title for task in hub.tasks.list().items]
    assert ["policy.changed"] == _kinds(hub, "policy.")


def test_what_github_does_not_show_is_not_added(open_hub: OpenHub) -> None:
    """With what to do about it; and nothing is left behind."""
    hub = open_hub()
    with pytest.raises(Invalid, match="check the name; if it is right, give the token access"):
        hub.connections.add("acme/nothing")

    assert [] == hub.repositories.list()


def test_without_access_it_is_added_and_said(open_hub: OpenHub) -> None:
    """Which setting is missing."""
    added, done = open_hub(token=None).connections.add("acme/api")

    assert (1, False) == (added.id, done.is_reachable)
    assert "NEXUS_GITHUB_TOKEN" in done.reason


def test_without_access_the_background_gives_up_at_once(open_hub: OpenHub) -> None:
    """Nothing is tried again, or dies, for want of a setting."""
    hub = open_hub(token=None)
    hub.repositories.add("acme/api")
    drain(hub)

    assert [("core.connect", JobState.DONE, 1)] == [
        (job.kind, job.state, job.attempt) for job in hub.jobs.list() if job.kind == "core.connect"
    ]


def test_one_that_is_here_is_refused_without_a_call(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Adding it twice is an error as before."""
    hub = open_hub()
    hub.connections.add("acme/api")
    before = len(github.requests)
    with pytest.raises(Duplicate):
        hub.connections.add("acme/api")

    assert before == len(github.requests)


def test_a_github_in_trouble_keeps_nobody_from_adding(open_hub: OpenHub) -> None:
    """The background catches up."""
    added, done = open_hub(api_url="http://127.0.0.1:9").connections.add("acme/api", "https://github.com/acme/api")

    assert (1, False) == (added.id, done.is_reachable)
    assert "cannot be reached" in done.reason


def test_an_elsewhere_repository_has_no_host(open_hub: OpenHub) -> None:
    """Nothing is asked of GitHub for it."""
    _, done = open_hub().connections.add("acme/api", "https://git.example/acme/api.git")

    assert ("", False) == (done.host, done.is_reachable)


# What is wanting ------------------------------------------------------------------------------------------------------


def test_a_missing_webhook_is_told_with_every_setting(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """What a person types, and where."""
    _, done = open_hub().connections.add("acme/api")
    (found,) = done.findings

    assert ("there is no webhook to this hub", False) == (found.what, found.done)
    assert all(word in found.mend for word in (OURS, "application/json", "NEXUS_GITHUB_WEBHOOK_SECRET", *EVENTS))
    assert "https://github.com/acme/api/settings/hooks/new" == found.url


def test_a_webhook_is_made_once(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """With address, events and secret; the second time nothing is wanting."""
    hub = open_hub()
    _, done = hub.connections.add("acme/api", set_up=True)
    again = hub.connections.connect("acme/api", set_up=True)
    ((_, hook),) = github.world.hooks

    assert [True] == [one.done for one in done.findings]
    assert () == again.findings
    assert (OURS, "json", "s" * 20) == tuple(hook["config"][key] for key in ("url", "content_type", "secret"))
    assert set(EVENTS) == set(hook["events"])


def test_a_webhook_that_is_not_what_it_should_be(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Each fault is named; setting it up keeps the events that others want."""
    hub = open_hub()
    hosted = github.world.repository("acme/api")
    made = github_hooks.make_hook(github.world, hosted, {"url": OURS, "content_type": "xml"}, ["push", "star"])
    made["active"] = False
    _, done = hub.connections.add("acme/api")
    (what,) = _wanting(done)
    again = hub.connections.connect("acme/api", set_up=True)

    assert all(word in what for word in ("content type", "switched off", "does not tell of check_run"))
    assert [True] == [one.done for one in again.findings]
    assert {"star", *EVENTS} == set(made["events"]) and made["active"]
    assert () == hub.connections.connect("acme/api").findings


def test_webhooks_that_cannot_be_seen(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Which permission would show them, and how to make one by hand."""
    github.world.hooks_hidden.add("acme/api")
    _, done = open_hub().connections.add("acme/api", set_up=True)
    (found,) = done.findings

    assert "cannot be seen" in found.what and "admin:repo_hook" in found.mend and OURS in found.mend


def test_a_hub_without_a_secret_sets_nothing(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """A webhook whose signature nobody could check would be refused."""
    _, done = open_hub(webhook_secret=None).connections.add("acme/api", set_up=True)

    assert 2 == len(_wanting(done)) and [] == github.world.hooks


def test_an_archived_one_and_one_that_may_only_be_read(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Both are said, and the first is kept as its state."""
    hub = open_hub()
    hosted = github.world.repository("acme/api")
    hosted.archived, hosted.may_push = True, False
    added, done = hub.connections.add("acme/api")

    assert ["it is archived, so that nothing can be written to it", "the token may read, but not write"] == _wanting(
        done
    )[:2]
    assert "archived" == hub.repositories.get(added.id).state


def test_an_apps_permissions_events_and_webhook(
    open_hub: OpenHub, github: GitHubStandIn, app_settings: dict[str, Any]
) -> None:
    """What the installation lacks; the App's own webhook is set, once."""
    hub = open_hub(token=None, **app_settings)
    _, done = hub.connections.add("acme/api", set_up=True)
    place = github.apps.app.installations[0] if github.apps.app else None
    assert place is not None
    lacking = {one.what for one in done.findings if "permission" in one.what}
    place.permissions, place.events = dict(PERMISSIONS), list(EVENTS)
    again = hub.connections.connect("acme/api")

    assert {f"the App lacks the permission “{name}”" for name in ("Actions", "Checks", "Issues", "Pull requests")} == (
        lacking
    )
    assert any("does not hear of check_run" in one.what for one in done.findings)
    assert [True] == [one.done for one in done.findings if "webhook" in one.what]
    assert (OURS, "json") == (github.apps.hook["url"], github.apps.hook["content_type"])
    assert () == again.findings


# The policy -----------------------------------------------------------------------------------------------------------


def _push(hub: Nexus, *paths: str) -> None:
    fact = CommitsPushed(
        source="github", repository="acme/api", branch="main", commits=(Commit(id="c" * 40, message="x"),),
        is_default_branch=True, head="c" * 40, paths=paths,
    )  # fmt: skip
    hub.changes.apply(fact)


def test_a_push_brings_the_policy_as_it_is_now(open_hub: OpenHub, bare: BareRepository) -> None:
    """Changed, refused with its line (told once, the former stays), mended, taken away."""
    hub = open_hub()
    hub.connections.add("acme/api")
    _put(bare, {".nexus.toml": b'issues = "all"\n'})
    _push(hub, ".nexus.toml")
    drain(hub)
    first = _policy(hub)["issues"]
    for _ in range(2):
        _put(bare, {".nexus.toml": b'# wrong\nissues = 7\nclosing = "x"\n'})
        _push(hub, ".nexus.toml")
        drain(hub)
    refused = [event for event in hub.events.list(limit=200) if event.type == "policy.refused"]
    second = _policy(hub)["issues"]
    _put(bare, {".nexus.toml": None})
    _push(hub, ".nexus.toml")
    drain(hub)

    assert ("all", "all", None) == (first, second, _policy(hub)["issues"])
    assert [[".nexus.toml:2", ".nexus.toml:3"]] == [
        [fault["pointer"] for fault in event.payload["faults"]] for event in refused
    ]
    assert ["policy.touched", "policy.changed"] == [
        kind for kind in _kinds(hub, "policy.") if kind != "policy.refused"
    ][:2]


def test_a_push_of_other_files_asks_nothing(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Most pushes do not touch the policy."""
    hub = open_hub()
    hub.connections.add("acme/api")
    drain(hub)
    before = len(github.requests)
    _push(hub, "src/a.py")
    drain(hub)

    assert before == len(github.requests)


def test_a_repository_that_was_only_added_is_connected_in_the_background(
    open_hub: OpenHub, bare: BareRepository
) -> None:
    """As when an import or another program adds it; and again when somebody asks for a sync."""
    hub = open_hub()
    _put(bare, {".nexus.toml": b'documents = ["docs/OTHER.md"]\nclaim_time = "2h"\n'})
    hub.repositories.add("acme/api")
    drain(hub)

    assert {"claim_time": 7200.0, "documents": ["docs/OTHER.md"]} == {
        key: _policy(hub)[key] for key in ("claim_time", "documents")
    }
    assert [] == hub.documents.render("acme/api")
    hub.repositories.sync("acme/api")
    drain(hub)
    assert 2 == len(_kinds(hub, "repository.connected"))
    assert [] == [job.kind for job in hub.jobs.list() if job.state is JobState.DEAD]


def test_the_claim_time_is_the_leases_length(open_hub: OpenHub, bare: BareRepository) -> None:
    """Of a claim and of each sign of life; of other repositories' tasks it is the agent's."""
    _put(bare, {".nexus.toml": b'claim_time = "3h"\n'})
    hub = open_hub()
    hub.connections.add("acme/api")
    hub.tasks.create("ours", repository="acme/api", priority="critical")
    hub.tasks.create("of nobody")
    ours, other = hub.assignments.claim(agent="a"), hub.assignments.claim(agent="a")
    assert ours is not None and other is not None
    renewed = hub.assignments.heartbeat(ours.id, ours.fence)

    now = hub.clock.now()
    assert timedelta(hours=2, minutes=59) < ours.lease_until - now <= timedelta(hours=3)
    assert timedelta(hours=2, minutes=59) < renewed.lease_until - now <= timedelta(hours=3)
    assert other.lease_until - now < timedelta(hours=1)


def test_a_task_file_that_cannot_be_read_is_told(open_hub: OpenHub, bare: BareRepository) -> None:
    """The repository is connected all the same."""
    _put(bare, {"tasks/tasks.json": b'{"master": '})
    _, done = open_hub().connections.add("acme/api")

    assert done.is_reachable and "tasks/tasks.json" in done.import_error
