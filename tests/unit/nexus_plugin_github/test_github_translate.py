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
    assert changes.ChangeOpened(change=CHANGE) == _only("pull_request.opened")


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
        "ping", "pull_request.labeled", "pull_request.edited closed", "pull_request_review.edited",
        "push tag", "push deleted", "check_suite.requested", "issue_comment.created", "repository.archived",
        "installation.created", "something_new.happened",
    ],
)  # fmt: skip
def test_all_else_means_nothing(name: str) -> None:
    """GitHub sends much that is recorded and asks for nothing."""
    assert _facts(name) == ()


@pytest.mark.parametrize("event", ["pull_request", "pull_request_review", "issues", "push", "check_suite"])
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
