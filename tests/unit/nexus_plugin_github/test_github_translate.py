"""What GitHub's payloads mean."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from nexus_core.domain import changes
from nexus_core.domain.hosts import CommentAdded
from nexus_plugin_github import translate, translate_hosts
from nexus_plugin_github.sansio import READ
from nexus_plugin_github.translate import facts

PAYLOADS = json.loads((Path(__file__).parent / "payloads.json").read_text("utf-8"))
ODD = [None, [], {}, "", -1, 2**63, True, 1e300, "\x00\ud800", [None], {"login": 5}]


def _facts(name: str) -> tuple[changes.Fact, ...]:
    return facts(name.partition(" ")[0].partition(".")[0], PAYLOADS[name])


def _only(name: str) -> Any:
    (fact,) = _facts(name)
    return fact


CHANGE = changes.ChangeRef(
    source="github",
    repository="acme/api",
    number=7,
    title="Add login (NX-12)",
    body="Closes NX-12",
    branch="nexus/nx-12-add-login",
    url="https://github.com/acme/api/pull/7",
    author="mona",
    head="a" * 40,
    updated_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    repository_external_id="4401",
)


def test_an_opened_pull_request_is_told_with_all_that_is_known() -> None:
    """Everything that the core orders and links by is carried over."""
    assert changes.ChangeOpened(change=CHANGE, first=True) == _only("pull_request.opened")


@pytest.mark.parametrize(
    ("name", "draft", "reopened"),
    [
        ("pull_request.opened draft", True, False),
        ("pull_request.reopened", False, True),
        ("pull_request.ready_for_review", False, False),
        ("pull_request.converted_to_draft", True, False),
        ("pull_request.synchronize", False, False),
        ("pull_request.edited", False, False),
    ],
)
def test_an_open_pull_request_is_told_as_it_stands(name: str, draft: bool, reopened: bool) -> None:
    """Whatever happened to it while open, the core learns its state."""
    fact = _only(name)

    assert (changes.ChangeOpened, draft, reopened) == (type(fact), fact.draft, fact.reopened)


def test_closed_means_merged_only_when_it_was_merged() -> None:
    """`closed` alone completes nothing."""
    assert (changes.ChangeClosed, changes.ChangeMerged) == (
        type(_only("pull_request.closed")),
        type(_only("pull_request.closed merged")),
    )


def test_a_merge_names_who_and_what() -> None:
    """The person and the commit are kept; a deleted person's place is taken by the sender."""
    fact = _only("pull_request.closed merged")

    assert (fact.by, fact.commit) == ("lead", "f" * 40)
    assert _only("pull_request.closed merged by nobody").by == "mona"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("pull_request_review.submitted", "approved"),
        ("pull_request_review.submitted changes", "changes_requested"),
        ("pull_request_review.submitted by a stranger", "commented"),
    ],
)
def test_a_review_counts_when_its_author_belongs_to_the_repository(name: str, verdict: str) -> None:
    """A stranger's “changes requested” is a comment: it must not send work back or reach an agent."""
    assert verdict == _only(name).verdict


def test_a_push_carries_its_commits() -> None:
    """Messages may name tasks, so they are handed on."""
    fact = _only("push")

    assert changes.Commit(id="c" * 40, message="Fixes NX-12", author="mona") == fact.commits[0]
    assert (fact.branch, fact.is_default_branch) == ("main", True)


def test_a_push_to_a_branch_tells_what_is_its_own() -> None:
    """Not what came with a merge of another branch; and whether it moved the branch, and when."""
    payload = copy.deepcopy(PAYLOADS["push"])
    merged = {**payload["commits"][0], "id": "d" * 40, "distinct": False}
    payload["repository"]["pushed_at"] = 1769860800
    payload |= {"ref": "refs/heads/login", "commits": [merged, payload["commits"][0]], "forced": True}
    (fact,) = facts("push", payload)

    assert isinstance(fact, changes.CommitsPushed)
    assert ["c" * 40] == [commit.id for commit in fact.commits]
    assert (True, datetime(2026, 1, 31, 12, tzinfo=UTC)) == (fact.rewrites, fact.at)


def test_a_merge_brings_the_default_branch_what_was_pushed_before() -> None:
    """There such commits are what it is about."""
    payload = copy.deepcopy(PAYLOADS["push"])
    payload["commits"][0]["distinct"] = False
    (fact,) = facts("push", payload)

    assert isinstance(fact, changes.CommitsPushed)
    assert ["c" * 40] == [commit.id for commit in fact.commits]


@pytest.mark.parametrize("head", [{"ref": "main", "repo": {"id": 5}}, {"ref": "main", "repo": None}])
def test_a_fork_is_told_apart(head: Any) -> None:
    """Also one that was deleted."""
    payload = copy.deepcopy(PAYLOADS["pull_request.opened"])
    payload["pull_request"]["head"] |= head
    payload["pull_request"]["base"] = {"repo": {"id": 6}}
    (fact,) = facts("pull_request", payload)

    assert isinstance(fact, changes.ChangeOpened)
    assert fact.change.is_fork


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("push task file", ".taskmaster/tasks/tasks.json"),
        ("push old task file", "tasks/tasks.json"),
        ("push task file to a branch", None),
        ("push", None),
    ],
)
def test_the_task_file_counts_on_the_default_branch(name: str, path: str | None) -> None:
    """A task file on another branch is nobody's truth yet."""
    found = [fact.path for fact in _facts(name) if isinstance(fact, changes.TaskFileChanged)]

    assert ([path] if path else []) == found


@pytest.mark.parametrize(
    ("name", "conclusion"),
    [
        ("check_suite.completed", "success"),
        ("check_suite.completed failed", "failure"),
        ("check_suite.completed skipped", "neutral"),
    ],
)
def test_checks_end_in_one_of_three_ways(name: str, conclusion: str) -> None:
    """GitHub's many words for it become ours."""
    assert conclusion == _only(name).conclusion


def test_an_issue_says_whether_its_author_is_trusted() -> None:
    """An outsider's issue is marked, so that it starts no agent."""
    assert (_only("issues.opened").trusted, _only("issues.opened").labels) == (True, ("bug",))
    assert not _only("issues.opened by a stranger").trusted


@pytest.mark.parametrize(
    ("name", "old"), [("repository.renamed", "acme/old-api"), ("repository.transferred", "oldco/api")]
)
def test_a_new_name_is_told_with_the_id_that_stayed(name: str, old: str) -> None:
    """The core finds the repository by its number."""
    fact = changes.RepositoryRenamed(source="github", old_name=old, new_name="acme/api", external_id="4401")

    assert fact == _only(name)


@pytest.mark.parametrize(
    "name",
    [
        "ping", "pull_request.labeled", "pull_request.edited closed",
        "push tag", "push deleted", "check_suite.requested", "issue_comment.created",
        "installation.created", "something_new.happened", "issues.assigned", "check_run.created",
        "star.deleted",
    ],
)  # fmt: skip
def test_all_else_means_nothing(name: str) -> None:
    """GitHub sends much that is recorded and asks for nothing."""
    assert _facts(name) == ()


EVENTS = [
    "pull_request", "pull_request_review", "issues", "issue_comment", "push", "check_suite", "check_run",
    "workflow_run", "repository", "installation", "installation_repositories", "github_app_authorization",
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", PAYLOADS)
def test_a_body_sent_under_another_name_means_nothing(event: str, name: str) -> None:
    """The event's name is not signed: a replay under another name must have no effect of the wrong kind."""
    if event != name.partition(" ")[0].partition(".")[0]:
        assert facts(event, PAYLOADS[name]) == ()


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        yield from _leaves(below, (*path, key))


@pytest.mark.parametrize("name", PAYLOADS)
def test_no_odd_value_anywhere_raises(name: str) -> None:
    """Each value of each payload in turn is replaced by odd ones, or taken away."""
    event = name.partition(" ")[0].partition(".")[0]
    for path in _leaves(PAYLOADS[name]):
        for odd in [*ODD, KeyError]:
            payload = copy.deepcopy(PAYLOADS[name])
            parent = payload
            for key in path[:-1]:
                parent = parent[key]
            if odd is KeyError:
                del parent[path[-1]]
            else:
                parent[path[-1]] = odd
            told = json.dumps([attrs.asdict(fact) for fact in facts(event, payload)], default=str)

            assert "\\u0000" not in told, path
            assert "\\ud800" not in told, path


# What is beside changes
# ----------------------


@pytest.mark.parametrize(
    ("name", "key", "conclusion"),
    [
        ("check_suite.completed", "suite:2", "success"),
        ("check_run.completed failed", "run:2:tests", "failure"),
        ("workflow_run.completed", "workflow:3:push", "success"),
    ],
)
def test_checks_of_each_kind_have_a_name_that_stays_when_they_run_again(name: str, key: str, conclusion: str) -> None:
    """So that a second run takes the place of the first."""
    assert (key, conclusion) == (_only(name).key, _only(name).conclusion)


def test_what_our_own_app_says_of_a_commit_is_no_check() -> None:
    """Else what Nexus shows of a task would send it back to work."""
    payload = PAYLOADS["check_run.completed failed"]

    assert () == facts("check_run", payload, "15368")


@pytest.mark.parametrize(("name", "verdict"), [
    ("pull_request_review.dismissed", "dismissed"), ("pull_request.review_requested", "asked"),
])  # fmt: skip
def test_a_review_is_over_when_it_is_dismissed_or_asked_for_again(name: str, verdict: str) -> None:
    """And it is known by the number of the person, whose name changes hands."""
    assert (verdict, "55") == (_only(name).verdict, _only(name).by_id)


@pytest.mark.parametrize(
    ("name", "state"),
    [("issues.closed", "completed"), ("issues.closed not planned", "not-planned"), ("issues.labeled", "open")],
)
def test_an_issue_is_told_as_it_stands(name: str, state: str) -> None:
    """Whatever happened to it."""
    assert (state, "5", "Help") == (_only(name).state, _only(name).external_id, _only(name).body)


def test_a_label_by_another_than_the_author_vouches_for_an_issue() -> None:
    """Who may label may sort issues; a template labels in the name of its author."""
    own = copy.deepcopy(PAYLOADS["issues.labeled"])
    own["sender"]["id"] = 66

    assert ("nexus", "") == (_only("issues.labeled").vouched, facts("issues", own)[0].vouched)


def test_what_nexus_wrote_is_known_as_its_own() -> None:
    """By the App that GitHub names, or by the mark that Nexus leaves."""
    told = [copy.deepcopy(PAYLOADS["issue_comment.created command"]) for _ in range(3)]
    told[1]["comment"]["performed_via_github_app"] = {"id": 12}
    told[2]["comment"]["body"] += "\n\n<!-- nexus:command-1 -->"

    assert [False, True, True] == [facts("issue_comment", payload, "12")[0].own for payload in told]


def test_a_comment_names_its_author_by_number() -> None:
    """And whether it stands on a change."""
    fact = _only("issue_comment.created command")

    assert ("41", True, "77", "/nexus done") == (fact.author_id, fact.on_change, fact.external_id, fact.body)


@pytest.mark.parametrize(
    ("event", "key", "action", "named"),
    [
        ("pull_request_review_comment", "comment", "created", "line-9"),
        ("pull_request_review", "review", "submitted", "review-9"),
    ],
)
def test_commands_stand_in_reviews_too(event: str, key: str, action: str, named: str) -> None:
    """On a line, or beside the verdict; each kind has ids of its own."""
    base = PAYLOADS["pull_request_review.submitted"]
    said = {"id": 9, "body": "/nexus done", "user": {"id": 41, "login": "ada"}, "author_association": "MEMBER"}
    payload = {key: value for key, value in base.items() if key != "review"} | {"action": action}
    payload[key] = {**base["review"], **said} if key == "review" else said
    (fact,) = [one for one in facts(event, payload) if isinstance(one, CommentAdded)]

    assert (named, True, "41", "/nexus done") == (fact.external_id, fact.on_change, fact.author_id, fact.body)


def test_a_transferred_issue_names_both_places() -> None:
    """It has another number and another id there."""
    fact = _only("issues.transferred")

    assert ("5", "50", "acme/web", 9) == (fact.external_id, fact.to_external_id, fact.to_repository, fact.to_number)


@pytest.mark.parametrize(("name", "state"), [("repository.archived", "archived"), ("repository.deleted", "deleted")])
def test_a_repository_that_is_no_more_is_told(name: str, state: str) -> None:
    """By its number."""
    assert (state, "4401") == (_only(name).state, _only(name).repository_external_id)


@pytest.mark.parametrize("name", ["installation.deleted", "installation_repositories.removed"])
def test_access_that_is_taken_away_is_told_of_each_repository(name: str) -> None:
    """So that nobody calls there any more."""
    assert (False, (("acme/api", "4401"),)) == (_only(name).granted, _only(name).repositories)


def test_a_login_that_is_revoked_names_the_person_by_number() -> None:
    """And by nothing that changes hands."""
    assert "31" == _only("github_app_authorization.revoked").account_id


def test_every_event_that_is_read_has_a_job_and_no_other_has() -> None:
    """What is not read is put on record at the door, without a job."""
    assert READ == translate._READERS.keys() | translate_hosts._READERS.keys()
