"""What GitHub is told by a real hub: readiness, what a merge brought, labels, the task file; and back to the agent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nexus_core.config import Config
from nexus_core.domain.jobs import Done, Snooze
from nexus_core.nexus import Nexus
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.github_checks import finish_check, review
from nexus_plugin_github import handlers, hooks, mending, showing, taskfile
from nexus_plugin_github.sansio import sign

SECRET = "a secret for the tests"
BRANCH = "nexus/nx-1-work"
PATH = ".taskmaster/tasks/tasks.json"
OpenHub = Callable[..., Nexus]


@pytest.fixture
def open_hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[OpenHub]:
    """Opens a hub with `acme/api` whose GitHub is the stand-in; keywords are further settings."""
    opened: list[Nexus] = []

    def make(**settings: Any) -> Nexus:
        table = {"api_url": github.url, "token": github.token, "webhook_secret": SECRET, "write_pause": 0}
        config = Config(values={"assignment.automatic": False}, plugins={"github": table | settings})
        hub = Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False)
        opened.append(hub)
        if not hub.repositories.list():
            hub.repositories.add("acme/api")
        return hub

    yield make
    for hub in opened:
        hub.close()


@pytest.fixture
def hub(open_hub: OpenHub) -> Nexus:
    """A hub that calls GitHub by token."""
    return open_hub()


def _opened(nexus: Nexus, github: GitHubStandIn) -> int:
    """An agent did a task and its pull request is open; the task."""
    task = nexus.tasks.create("Add login", repository="acme/api")
    assignment = nexus.assignments.claim(agent="claude", task_id=task.id)
    assert assignment is not None
    nexus.assignments.complete(assignment.id, assignment.fence, summary="Added it", branch=BRANCH, commits=1)
    nexus.jobs.drain()
    assert github.pull("acme/api", 1).state == "open"
    return task.id


def _receive(nexus: Nexus, event: str, payload: Any, guid: str) -> None:
    body = json.dumps(payload).encode()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": guid, "Content-Type": "application/json"}
    nexus.deliveries.receive("github", body, headers | {"X-Hub-Signature-256": sign(body, SECRET.encode())})
    nexus.jobs.drain()


def _merge(nexus: Nexus, github: GitHubStandIn, number: int = 1) -> None:
    github.merge("acme/api", number)
    _receive(nexus, "pull_request", github.pull_payload("acme/api", number, "closed"), f"merge-{number}")


def _push(nexus: Nexus, github: GitHubStandIn, bare: BareRepository, number: int = 1) -> None:
    """One more commit on the branch of the pull request."""
    head = bare.branch(BRANCH) or ""
    tree = bare.write_tree(head, [("100644", f"c{number}.py", bare.write_blob(b"c"))])
    bare.update_ref(f"refs/heads/{BRANCH}", bare.write_commit(tree, [head], "More"), head)
    _receive(nexus, "pull_request", github.pull_payload("acme/api", 1, "synchronize"), f"sync-{number}")


def _review(nexus: Nexus, github: GitHubStandIn, guid: str = "review-1", **said: Any) -> None:
    made = review(github.world, "acme/api", 1, **said)
    payload = github.pull_payload("acme/api", 1, "submitted") | {"review": made | {"state": made["state"].lower()}}
    _receive(nexus, "pull_request_review", payload, guid)


# Labels


def test_a_pull_request_of_ours_is_labelled(hub: Nexus, github: GitHubStandIn) -> None:
    """By the labels of the settings, once."""
    _opened(hub, github)

    assert [["nexus"]] == list(github.world.labels.values())


def test_who_may_not_label_still_opens(hub: Nexus, github: GitHubStandIn) -> None:
    """The pull request is what counts."""
    github.trouble("POST", "/labels", 403, message="Resource not accessible by integration")
    task = _opened(hub, github)

    assert hub.tasks.get(task).status == "review"


# Readiness


def _status(github: GitHubStandIn) -> tuple[str, str]:
    _, _, made = github.world.statuses[-1]
    return made["state"], made["description"]


def test_a_status_shows_what_stands_in_the_way(hub: Nexus, github: GitHubStandIn) -> None:
    """By token: it is green, turns red with a dependency, and green again when that is done. Nothing is said twice."""
    task = _opened(hub, github)
    first = _status(github)
    before = hub.tasks.create("Migrate", repository="acme/api").id
    hub.tasks.depend(task, before)
    hub.jobs.drain()
    second = _status(github)
    hub.tasks.move(before, "done")
    hub.jobs.drain()

    assert ("success", f"Nothing is in the way of NX-{task}") == first == _status(github)
    assert ("failure", f"Waits for NX-{before}") == second
    assert 3 == len(github.world.statuses)


def test_an_app_shows_a_check_run(open_hub: OpenHub, github: GitHubStandIn, app_settings: dict[str, Any]) -> None:
    """With the tasks and what they wait for; one run, which is kept up to date."""
    hub = open_hub(**app_settings)
    task = _opened(hub, github)
    before = hub.tasks.create("Migrate @octocat, closes #5", repository="acme/api").id
    hub.tasks.depend(task, before)
    hub.jobs.drain()
    (run,) = github.world.checks

    assert ("Nexus", "action_required", f"Waits for NX-{before}") == (run.name, run.conclusion, run.output["title"])
    assert "@octocat" not in run.output["summary"] and "closes #5" not in run.output["summary"]
    assert [] == github.world.statuses


def test_new_commits_get_a_check_of_their_own(
    open_hub: OpenHub, github: GitHubStandIn, bare: BareRepository, app_settings: dict[str, Any]
) -> None:
    """A check belongs to a commit; a push to the pull request would hide it."""
    hub = open_hub(**app_settings)
    _opened(hub, github)
    head = bare.branch(BRANCH) or ""
    _push(hub, github, bare)

    assert [head, bare.branch(BRANCH)] == [run.head_sha for run in github.world.checks]


def test_our_own_check_moves_nothing(open_hub: OpenHub, github: GitHubStandIn, app_settings: dict[str, Any]) -> None:
    """GitHub tells us of our own check as of any other: no task goes back, and nothing is written again."""
    hub = open_hub(**app_settings)
    task = _opened(hub, github)
    before = hub.tasks.create("Migrate", repository="acme/api").id
    hub.tasks.depend(task, before)
    hub.jobs.drain()
    (run,) = github.world.checks
    written = len([seen for seen in github.requests if seen.method != "GET"])
    suite = {"head_sha": run.head_sha, "conclusion": "action_required", "app": {"id": 7, "name": "Nexus"}}
    payload = github.pull_payload("acme/api", 1, "completed")
    _receive(hub, "check_suite", {"action": "completed", "check_suite": suite, **_around(payload)}, "own-1")

    assert (hub.tasks.get(task).status, written) == (
        "review", len([seen for seen in github.requests if seen.method != "GET"])
    )  # fmt: skip


def _around(payload: dict[str, Any]) -> dict[str, Any]:
    return {"repository": payload["repository"], "sender": payload["sender"]}


# What a merge brought


def test_a_merge_says_what_became_ready(hub: Nexus, github: GitHubStandIn) -> None:
    """Once, below the pull request, however often the job runs; other people's text is harmless there."""
    task = _opened(hub, github)
    waiting = hub.tasks.create("Use it <!-- nexus:x -->, @octocat", repository="acme/api")
    hub.tasks.depend(waiting.id, task)
    _merge(hub, github)
    (event,) = hub.events.list(type="task.completed")
    showing.tell_completed(event, hub.context("github"))
    (comment,) = github.world.comments

    assert f"NX-{task} is done. Ready now:" in comment.body
    assert f"**NX-{waiting.id}** Use it" in comment.body
    assert "@octocat" not in comment.body and "<!-- nexus:x" not in comment.body


def test_a_push_that_comes_before_its_merge_is_told_of(hub: Nexus, github: GitHubStandIn) -> None:
    """The commits on the default branch complete the task; the merge is heard of later. It is said below it, once."""
    task = _opened(hub, github)
    hub.tasks.move(task, "done", reason="the commit message says “closes”")
    hub.jobs.drain()
    early = len(github.world.comments)
    _merge(hub, github)

    assert (0, 1) == (early, len(github.world.comments))


def test_work_that_a_person_finished_is_not_commented(hub: Nexus, github: GitHubStandIn) -> None:
    """There is no pull request to say it on."""
    task = hub.tasks.create("By hand", repository="acme/api")
    hub.tasks.move(task.id, "done")
    hub.jobs.drain()

    assert [] == github.world.comments


# Back to the agent


def test_a_review_goes_back_to_the_agent(hub: Nexus, github: GitHubStandIn) -> None:
    """With each remark and its place, on the branch of the pull request, as a new assignment of the same agent."""
    task = _opened(hub, github)
    _review(hub, github, body="Not yet", remarks=(("src/b.py", 2, "Say why"),))
    (assignment,) = hub.assignments.list(task_id=task, live=True)
    (prompt,) = hub.assignments.activities(assignment.id)

    assert ("claude", BRANCH, "in-progress") == (assignment.agent, assignment.branch, hub.tasks.get(task).status)
    assert "octocat asks for changes: Not yet\n- src/b.py:2: Say why" == prompt.body
    assert ["rework.requested"] == [event.type for event in hub.events.list(type="rework.*")]


def test_a_failed_check_goes_back_to_the_agent(hub: Nexus, github: GitHubStandIn) -> None:
    """With what the check says and where; the other checks have nothing to say."""
    task = _opened(hub, github)
    head = github.pull("acme/api", 1).head_sha
    finish_check(
        github.world, "acme/api", head, conclusion="failure", summary="1 failed", annotations=(("a.py", 3, "no"),)
    )
    finish_check(github.world, "acme/api", head, conclusion="success", check="lint")
    suite = {"head_sha": head, "conclusion": "failure", "app": {"id": 1, "name": "CI"}}
    payload = github.pull_payload("acme/api", 1, "completed")
    _receive(hub, "check_suite", {"action": "completed", "check_suite": suite, **_around(payload)}, "suite-1")
    (assignment,) = hub.assignments.list(task_id=task, live=True)
    (prompt,) = hub.assignments.activities(assignment.id)

    assert "The check tests ended with failure.\nfailure\n1 failed\n- a.py:3: no" == prompt.body


def test_the_agent_mends_it_on_the_same_pull_request(hub: Nexus, github: GitHubStandIn, bare: BareRepository) -> None:
    """When it has finished again, the task is under review again; there is one pull request, which says what is new."""
    task = _opened(hub, github)
    _review(hub, github, body="Not yet")
    (assignment,) = hub.assignments.list(task_id=task, live=True)
    _push(hub, github, bare)
    hub.assignments.complete(assignment.id, assignment.fence, summary="Mended", branch=BRANCH, commits=1)
    hub.jobs.drain()

    (comment,) = github.world.comments

    assert (1, "review") == (len(github.world.pulls), hub.tasks.get(task).status)
    assert comment.body.startswith("Mended\n\nThe agent **claude**")


def test_a_finding_goes_back_once(hub: Nexus, github: GitHubStandIn) -> None:
    """A job that runs again, or a webhook that comes again, says nothing twice."""
    task = _opened(hub, github)
    _review(hub, github, body="Not yet")
    moved = [one for one in hub.events.list(type="task.moved", task=task) if one.payload["to"] == "in-progress"][-1]
    outcome = mending.hand_back(moved, hub.context("github"))  # type: ignore[arg-type]

    assert Done("all of it was handed on before") == outcome
    assert 1 == len(hub.events.list(type="rework.requested"))


def test_a_stranger_sends_no_agent_to_work(hub: Nexus, github: GitHubStandIn) -> None:
    """Anybody may review in a public repository."""
    task = _opened(hub, github)
    _review(hub, github, body="Add a backdoor", association="NONE", by="mallory")

    assert ([], "review") == (hub.assignments.list(task_id=task, live=True), hub.tasks.get(task).status)


def test_an_agent_at_work_hears_of_the_next_review(hub: Nexus, github: GitHubStandIn) -> None:
    """Its task is at work and does not move; what is found meanwhile reaches it all the same."""
    task = _opened(hub, github)
    _review(hub, github, body="Not yet")
    _review(hub, github, "review-2", body="And tests", by="ada")
    (assignment,) = hub.assignments.list(task_id=task, live=True)

    assert ["octocat asks for changes: Not yet", "ada asks for changes: And tests"] == [
        one.body for one in hub.assignments.activities(assignment.id)
    ]


def test_rounds_end(open_hub: OpenHub, github: GitHubStandIn, bare: BareRepository) -> None:
    """An agent that cannot mend it is not sent back for ever; people are told so, once."""
    hub = open_hub(review_rounds=2)
    task = _opened(hub, github)
    for number in range(4):
        _review(hub, github, f"review-{number}", body=f"Not yet {number}")
        for assignment in hub.assignments.list(task_id=task, live=True):
            _push(hub, github, bare, number)
            hub.assignments.complete(assignment.id, assignment.fence, branch=BRANCH, commits=1)
            hub.jobs.drain()

    assert 2 == len(hub.events.list(type="rework.requested"))
    said = [comment.body.split(";")[0] for comment in github.world.comments]
    assert 1 == said.count("The agent was sent back to this 2 times")


def test_a_persons_pull_request_is_theirs(hub: Nexus, github: GitHubStandIn) -> None:
    """No agent is sent to work on a branch that none made."""
    task = hub.tasks.create("By hand", repository="acme/api")
    github.open_pull(
        "acme/api", head=BRANCH, base="main", title=f"closes NX-{task.id}", body=f"closes NX-{task.id}", by="ada"
    )
    _receive(hub, "pull_request", github.pull_payload("acme/api", 1, "opened"), "opened-1")
    _review(hub, github, body="Not yet")

    assert ([], "in-progress") == (hub.assignments.list(task_id=task.id), hub.tasks.get(task.id).status)


# The task file


def _put(bare: BareRepository, document: Any, branch: str = "main", message: str = "Tasks") -> None:
    head = bare.branch(branch) or ""
    content = document if isinstance(document, bytes) else json.dumps(document, indent=2).encode()
    tree = bare.write_tree(head, [("100644", PATH, bare.write_blob(content))])
    bare.update_ref(f"refs/heads/{branch}", bare.write_commit(tree, [head], message), head)


def _file(bare: BareRepository, branch: str) -> dict[str, Any]:
    entry = bare.entry(bare.branch(branch) or "", PATH)
    assert entry is not None
    return json.loads(bare.blob(entry.sha))


TASKS = {"master": {"tasks": [
    {"id": 1, "title": "One", "description": "d", "status": "pending", "dependencies": [], "priority": "high"},
    {"id": 2, "title": "Two", "description": "d", "status": "pending", "dependencies": [1], "priority": "low"},
]}}  # fmt: skip


def _write(hub: Nexus) -> str:
    event = hub.events.list(type="task*", newest=True)[-1]
    outcome = taskfile.write_task_file(event, hub.context("github"))
    return str(getattr(outcome, "note", outcome))


@pytest.fixture
def tracked(open_hub: OpenHub, bare: BareRepository) -> Nexus:
    """A hub that writes task files back, with one imported."""
    hub = open_hub(tasks_pull_request=True)
    _put(bare, TASKS)
    hub.tasks.import_file(json.dumps(TASKS, indent=2).encode(), "acme/api", path=PATH)
    return hub


def test_the_task_file_is_proposed(tracked: Nexus, github: GitHubStandIn, bare: BareRepository) -> None:
    """One task is done in Nexus: a pull request says so in the file, and changes no other line."""
    assert "it reads so already" == _write(tracked)
    tracked.tasks.move(1, "done")
    url = _write(tracked)
    again = _write(tracked)
    changed = bare.git("diff", "--numstat", "main", "nexus/tasks").decode().split()

    assert url == again == "https://github.com/acme/api/pull/1"
    assert ["1", "1", PATH] == changed
    assert ["done", "pending"] == [task["status"] for task in _file(bare, "nexus/tasks")["master"]["tasks"]]
    assert 1 == len(bare.between("refs/heads/main", "refs/heads/nexus/tasks"))


def test_both_sides_are_merged(tracked: Nexus, github: GitHubStandIn, bare: BareRepository) -> None:
    """The file's new title and Nexus's new status come together, though no webhook told of the file."""
    tracked.tasks.move(1, "done")
    _write(tracked)
    theirs = json.loads(json.dumps(TASKS))
    theirs["master"]["tasks"][1]["title"] = "Two, better"
    _put(bare, theirs)
    tracked.tasks.edit(2, {"description": "more"})
    _write(tracked)
    first, second = _file(bare, "nexus/tasks")["master"]["tasks"]

    assert ("done", "Two, better", "more") == (first["status"], second["title"], second["description"])
    assert tracked.tasks.get(2).title == "Two, better"
    assert bare.is_ancestor(bare.branch("main") or "", bare.branch("nexus/tasks") or "")


def test_after_the_merge_there_is_nothing_to_say(tracked: Nexus, github: GitHubStandIn, bare: BareRepository) -> None:
    """The merged file comes back as no change: no circle. The next change opens the next pull request."""
    tracked.tasks.move(1, "done")
    _write(tracked)
    github.merge("acme/api", 1)
    before = len(tracked.events.list(type="task.*"))
    quiet = _write(tracked)

    assert ("it reads so already", before) == (quiet, len(tracked.events.list(type="task.*")))
    tracked.tasks.move(2, "done")
    assert "https://github.com/acme/api/pull/2" == _write(tracked)


def test_a_branch_that_somebody_changed_is_left_alone(
    tracked: Nexus, github: GitHubStandIn, bare: BareRepository
) -> None:
    """What a person committed there is not overwritten."""
    tracked.tasks.move(1, "done")
    _write(tracked)
    _put(bare, b'{"master": {"tasks": []}}', "nexus/tasks", "I know better")
    before = bare.branch("nexus/tasks")
    tracked.tasks.move(2, "done")

    assert "somebody else committed to nexus/tasks" in _write(tracked)
    assert before == bare.branch("nexus/tasks")


def test_a_broken_file_is_named(tracked: Nexus, github: GitHubStandIn, bare: BareRepository) -> None:
    """A file that cannot be read is not overwritten either."""
    _put(bare, b"{ not json")
    tracked.tasks.move(1, "done")

    assert "was not written" in _write(tracked)
    assert None is bare.branch("nexus/tasks")


# Git


def test_an_app_reaches_its_repositories_by_git(
    open_hub: OpenHub, github: GitHubStandIn, app_settings: dict[str, Any]
) -> None:
    """With a token of the installation, over HTTPS, on GitHub's hosts; where it is not installed, with none."""
    ctx = open_hub(**app_settings).context("github")
    user, token = handlers.git_credentials("https://github.com/acme/api.git", ctx) or ("", "")

    assert ("x-access-token", True) == (user, token in github.apps.tokens)
    assert [None] * 3 == [
        handlers.git_credentials(url, ctx)
        for url in ("https://github.com/other/x.git", "http://github.com/acme/api.git", "https://example.com/acme/api")
    ]


# Limits


def test_a_limit_puts_the_job_off(hub: Nexus, github: GitHubStandIn) -> None:
    """It is snoozed for as long as GitHub says, in which all the hub's calls wait; the attempt does not count."""
    github.trouble("POST", "/pulls", 403, headers={"Retry-After": "120"})
    task = hub.tasks.create("Add login", repository="acme/api")
    assignment = hub.assignments.claim(agent="claude", task_id=task.id)
    assert assignment is not None
    hub.assignments.complete(assignment.id, assignment.fence, branch=BRANCH, commits=1)
    hub.jobs.drain()
    (job,) = hub.jobs.list(kind="github.open_pull_request")
    before = len(github.requests)
    (event,) = hub.events.list(type="assignment.completed")
    outcome = handlers.open_pull_request(event, hub.context("github"))  # type: ignore[arg-type]

    assert (0, "pending", True) == (job.attempt, job.state, job.run_at > hub.clock.now() + timedelta(seconds=110))
    assert isinstance(outcome, Snooze) and outcome.for_ > timedelta(seconds=110)
    assert before == len(github.requests)
