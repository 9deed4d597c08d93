"""What a payload means, as neutral facts. Unknown events and payloads that do not fit theirs mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nexus_core.domain.changes import (
    ChangeClosed,
    ChangeMerged,
    ChangeOpened,
    ChangeRef,
    ChangeReviewed,
    ChecksFinished,
    Commit,
    CommitsPushed,
    Fact,
    TaskFileChanged,
)
from nexus_core.domain.policy import POLICY_FILE

from . import translate_hosts, translate_issues
from .reading import account_id, instant, login, repository_id, repository_name, rows, table, text, whole
from .sansio import SOURCE
from .translate_hosts import TRUSTED

Payload = Mapping[str, Any]

#: Where Taskmaster keeps its tasks, the present place first.
TASK_FILES = (".taskmaster/tasks/tasks.json", "tasks/tasks.json")
_WHILE_OPEN = frozenset({"opened", "reopened", "ready_for_review", "converted_to_draft", "synchronize", "edited"})
_VERDICTS = frozenset({"approved", "changes_requested", "commented"})
_FAILURES = frozenset({"failure", "timed_out", "startup_failure"})
_BRANCH = "refs/heads/"
_MOST_COMMITS = 2048  #: that GitHub lists of one push


def change_ref(pull: Payload, repository: str, external_id: str | None = None) -> ChangeRef | None:
    """A pull request as GitHub describes it in webhooks and answers; None when it has no number."""
    number = whole(pull.get("number"))
    if not number or not repository:
        return None
    return ChangeRef(
        source=SOURCE,
        repository=repository,
        number=number,
        title=text(pull.get("title")),
        body=text(pull.get("body")),
        branch=text(table(pull, "head").get("ref")),
        url=text(pull.get("html_url")),
        author=login(pull.get("user")),
        head=text(table(pull, "head").get("sha")),
        updated_at=instant(pull.get("updated_at")),
        repository_external_id=external_id,
        created_at=instant(pull.get("created_at")),
        is_fork=is_fork(pull),
    )


def facts(event: str, payload: Payload, app_id: str = "") -> tuple[Fact, ...]:
    """The facts in a webhook's payload; `app_id` is our own App. Pure; never raises, whatever the payload holds."""
    if reader := _READERS.get(event):
        return tuple(reader(payload, app_id)) if repository_name(payload) else ()
    return tuple(translate_hosts.facts(event, payload, app_id))


def _change(payload: Payload) -> ChangeRef | None:
    return change_ref(table(payload, "pull_request"), repository_name(payload), repository_id(payload))


def _pull_request(payload: Payload, app_id: str) -> list[Fact]:
    action, pull, change = text(payload.get("action")), table(payload, "pull_request"), _change(payload)
    # The event's name is not signed: the body of a review, sent again under this name, must not pass for one.
    if change is None or any(key in payload for key in ("review", "comment", "thread")):
        return []
    if action == "review_requested":
        return _asked(payload, change)
    if action == "closed":
        return [_closed(payload, pull, change)]
    if action not in _WHILE_OPEN or pull.get("state") == "closed":
        return []
    draft = pull.get("draft") is True
    return [ChangeOpened(change=change, draft=draft, reopened=action == "reopened", first=action == "opened")]


def _closed(payload: Payload, pull: Payload, change: ChangeRef) -> Fact:
    sender = login(payload.get("sender"))
    if pull.get("merged") is True:
        by = login(pull.get("merged_by")) or sender
        commit, at = text(pull.get("merge_commit_sha")), instant(pull.get("merged_at"))
        return ChangeMerged(change=change, by=by, commit=commit, at=at)
    return ChangeClosed(change=change, by=sender, outside=is_outside(pull))


def is_outside(pull: Payload) -> bool:
    """Whether a pull request comes from a fork, of somebody who does not belong to the repository."""
    association = pull.get("author_association")
    return is_fork(pull) and association is not None and text(association) not in TRUSTED


def is_fork(pull: Payload) -> bool:
    """Whether a pull request comes from another repository, which may be deleted by now."""
    head, base = table(pull, "head"), table(pull, "base", "repo")
    if not base:
        return False
    return "repo" in head and whole(table(head, "repo").get("id")) != whole(base.get("id"))


def _asked(payload: Payload, change: ChangeRef) -> list[Fact]:
    """Somebody is asked to look, perhaps again: what they said before is answered."""
    reviewer = table(payload, "requested_reviewer")
    if not login(reviewer):
        return []
    return [ChangeReviewed(change=change, verdict="asked", by=login(reviewer), by_id=account_id(reviewer))]


def _review(payload: Payload, app_id: str) -> list[Fact]:
    review, change, action = table(payload, "review"), _change(payload), text(payload.get("action"))
    verdict = "dismissed" if action == "dismissed" else text(review.get("state")).lower()
    if change is None or action not in ("submitted", "edited", "dismissed"):
        return []
    if action != "dismissed" and verdict not in _VERDICTS:
        return []
    # Anybody may review in a public repository; only the word of those who belong to it sends work back.
    association = review.get("author_association")
    if association is not None and text(association) not in TRUSTED:
        verdict = "commented"
    user = review.get("user")
    return [
        ChangeReviewed(
            change=change,
            verdict=verdict,
            by=login(user),
            by_id=account_id(user),
            body=text(review.get("body")),
            commit=text(review.get("commit_id")),
            at=change.updated_at or instant(review.get("submitted_at")),
        )
    ]


def _push(payload: Payload, app_id: str) -> list[Fact]:
    ref, repository = text(payload.get("ref")), repository_name(payload)
    if not ref.startswith(_BRANCH) or payload.get("deleted") is True:
        return []
    branch, commits, after = ref.removeprefix(_BRANCH), rows(payload.get("commits")), text(payload.get("after"))
    written, external_id = _paths(commits, "added", "modified"), repository_id(payload)
    is_default = branch == text(table(payload, "repository").get("default_branch"))
    is_partial = is_default and _is_partial(payload, commits)
    # What was pushed elsewhere before came with a merge of that branch: it is not what this one is about.
    own = commits if is_default else [commit for commit in commits if commit.get("distinct") is not False]
    pushed = CommitsPushed(
        source=SOURCE,
        repository=repository,
        branch=branch,
        commits=tuple(_commit(commit) for commit in own),
        by=login(payload.get("sender")) or text(table(payload, "pusher").get("name")),
        is_default_branch=is_default,
        head=after,
        rewrites=payload.get("forced") is True,
        at=_pushed_at(payload, commits),
        # What is not listed may have been touched as well.
        paths=tuple(sorted(written | _paths(commits, "removed") | ({POLICY_FILE} if is_partial else set()))),
        repository_external_id=external_id,
    )
    path = next((path for path in TASK_FILES if path in written), None) if is_default else None
    if path is None and not is_partial:
        return [pushed]
    file = TaskFileChanged(
        source=SOURCE, repository=repository, path=path or "", commit=after, branch=branch,
        repository_external_id=external_id,
    )  # fmt: skip
    return [pushed, file]


def _pushed_at(payload: Payload, commits: list[Payload]) -> datetime | None:
    """When a push took place by GitHub's clock, else when its last commit was made."""
    said = instant(table(payload, "repository").get("pushed_at"))
    return said or max((at for commit in commits if (at := instant(commit.get("timestamp")))), default=None)


def _is_partial(payload: Payload, commits: list[Payload]) -> bool:
    """Whether the branch may hold other files now than the listed commits say: it was moved, or the list is full."""
    moved = payload.get("before") != payload.get("after")
    return payload.get("forced") is True or len(commits) >= _MOST_COMMITS or (moved and not commits)


def _commit(commit: Payload) -> Commit:
    author = table(commit, "author")
    name = text(author.get("username")) or text(author.get("name"))
    at = instant(commit.get("timestamp"))
    return Commit(id=text(commit.get("id")), message=text(commit.get("message")), author=name, at=at)


def _paths(commits: list[Payload], *kinds: str) -> set[str]:
    """The files that commits `added`, `modified` or `removed`."""
    touched: set[str] = set()
    for commit in commits:
        for key in kinds:
            paths = commit.get(key)
            touched.update(map(text, paths) if isinstance(paths, list) else ())
    return touched - {""}


def _check_suite(payload: Payload, app_id: str) -> list[Fact]:
    suite = table(payload, "check_suite")
    name = text(table(suite, "app").get("name"))
    return _checks(payload, suite, app_id, name=name, key=f"suite:{whole(suite.get('id')) or name}")


def _check_run(payload: Payload, app_id: str) -> list[Fact]:
    run = table(payload, "check_run")
    name, suite = text(run.get("name")), whole(table(run, "check_suite").get("id"))
    return _checks(payload, run, app_id, name=name, key=f"run:{suite or ''}:{name}")


def _workflow_run(payload: Payload, app_id: str) -> list[Fact]:
    run = table(payload, "workflow_run")
    name, number = text(run.get("name")), whole(run.get("workflow_id"))
    return _checks(payload, run, app_id, name=name, key=f"workflow:{number or name}:{text(run.get('event'))}")


def _checks(payload: Payload, ended: Payload, app_id: str, *, name: str, key: str) -> list[Fact]:
    """What ended; what our own App says of a commit is none of it."""
    head, said = text(ended.get("head_sha")), text(ended.get("conclusion"))
    is_own = bool(app_id) and str(whole(table(ended, "app").get("id"))) == app_id
    if payload.get("action") != "completed" or not head or not said or is_own:
        return []
    output = table(ended, "output")
    summary = ": ".join(part for part in (f"{name or 'checks'}: {said}", text(output.get("title"))) if part)
    site = text(table(payload, "repository").get("html_url"))
    return [
        ChecksFinished(
            source=SOURCE,
            repository=repository_name(payload),
            head=head,
            conclusion="failure" if said in _FAILURES else "success" if said == "success" else "neutral",
            name=name,
            summary=summary,
            url=text(ended.get("html_url")) or (f"{site}/commit/{head}/checks" if site else ""),
            key=key,
            at=instant(ended.get("completed_at")) or instant(ended.get("updated_at")),
            repository_external_id=repository_id(payload),
        )
    ]


_READERS: dict[str, Callable[[Payload, str], list[Fact]]] = {
    "pull_request": _pull_request,
    "pull_request_review": lambda payload, app_id: [
        *_review(payload, app_id),
        *translate_issues.review_body(payload, app_id),
    ],
    "pull_request_review_comment": translate_issues.line_comment,
    "push": _push,
    "check_suite": _check_suite,
    "check_run": _check_run,
    "workflow_run": _workflow_run,
    "issues": translate_issues.issues,
    "issue_comment": translate_issues.comment,
    "repository": translate_hosts.repository,
}
