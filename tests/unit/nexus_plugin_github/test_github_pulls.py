"""What a pull request says, and what it must not say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.agents import Assignment, AssignmentStatus
from nexus_core.domain.references import find_references
from nexus_core.domain.tasks import Priority, Status, Task
from nexus_plugin_github.client import PullText
from nexus_plugin_github.pulls import compose, harmless

AT = datetime(2026, 1, 31, tzinfo=UTC)


def _compose(title: str = "Add login", summary: str = "", **more: str) -> PullText:
    task = Task(
        id=12, title=title, status=Status.IN_PROGRESS, priority=Priority.HIGH, version=1, created_at=AT,
        updated_at=AT, **more,  # type: ignore[arg-type] # the rest are texts
    )  # fmt: skip
    assignment = Assignment(
        id=5, task_id=12, agent="claude", status=AssignmentStatus.COMPLETED, fence=1, lease_until=AT,
        assigned_at=AT, reason="skills python",
    )  # fmt: skip
    return compose(task, assignment, summary=summary, head="nexus/nx-12-add-login", base="main", prefix="NX")


def _closed_by(text: PullText) -> set[int | None]:
    found = find_references(branch=text.head, title=text.title, body=text.body)
    return {reference.task_id for reference in found if reference.closes}


def test_a_pull_request_names_its_task() -> None:
    """The title carries the key, and merging closes the task."""
    text = _compose()

    assert text.title == "Add login (NX-12)"
    assert {12} == _closed_by(text)


def test_the_body_tells_task_work_test_and_who_answers() -> None:
    """A reviewer finds everything in one place, and Nexus its marker."""
    body = _compose(summary="Added a form.", description="People log in.", test_strategy="Log in.").body
    wanted = ["People log in.", "Added a form.", "Log in.", "**claude**", "Whoever merges it answers for it"]

    assert wanted == [part for part in wanted if part in body]
    assert body.endswith("<!-- nexus:assignment-5 -->")


@pytest.mark.parametrize(
    "text",
    [
        "Closes NX-7", "fixes nx-7", "NX-7", "Task: 3.2", "Closes #5", "resolves acme/api#5", "closes GH-5",
        "Closes https://github.com/acme/api/issues/5", "ask @octocat", "<!-- nexus:assignment-9 -->",
    ],
)  # fmt: skip
def test_texts_of_agents_have_no_power(text: str) -> None:
    """An agent's words close no other task or issue, call nobody and forge no marker, in title or body."""
    result = _compose(title=text, summary=text, description=text)

    assert {12} == _closed_by(result)
    assert text not in result.body
    assert text not in result.title


@pytest.mark.parametrize(
    "secret",
    ["ghp_" + "a" * 36, "github_pat_" + "b" * 40, "nxs_" + "c" * 40, "xoxb-1234567890-abc", "sk-" + "d" * 40,
     "AKIA" + "E" * 16, "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"],
)  # fmt: skip
def test_secrets_do_not_reach_github(secret: str) -> None:
    """An agent that was talked into printing a secret does not publish it."""
    assert secret not in _compose(summary=f"done, used {secret} for it").body


def test_long_texts_are_shortened() -> None:
    """GitHub takes 65,536 characters of body and 256 of title."""
    text = _compose(title="t" * 500, summary="s" * 90_000, description="d" * 90_000, test_strategy="x" * 90_000)

    assert len(text.title) < 256
    assert len(text.body) < 65_536


@given(st.text(alphabet="NXnx-12 #@closeTask:<!-\n`", max_size=60))
def test_no_text_names_another_task(text: str) -> None:
    """Whatever is written, only the own task is linked."""
    found = find_references(title=harmless(text, "NX"), body=harmless(text, "NX"), prefix="NX")

    assert found == ()
