"""What a payload means, as neutral facts. Unknown events and payloads that do not fit theirs mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    IssueOpened,
    RepositoryRenamed,
    TaskFileChanged,
)

from .reading import instant, login, repository_id, repository_name, rows, table, text, whole
from .sansio import SOURCE

Payload = Mapping[str, Any]

#: Where Taskmaster keeps its tasks, the present place first.
TASK_FILES = (".taskmaster/tasks/tasks.json", "tasks/tasks.json")
TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_WHILE_OPEN = frozenset({"opened", "reopened", "ready_for_review", "converted_to_draft", "synchronize", "edited"})
_VERDICTS = frozenset({"approved", "changes_requested", "commented"})
_FAILURES = frozenset({"failure", "timed_out", "startup_failure"})
_BRANCH = "refs/heads/"


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
    )


def facts(event: str, payload: Payload) -> tuple[Fact, ...]:
    """The facts in a webhook's payload. Pure; never raises, whatever the payload holds."""
    reader = _READERS.get(event)
    return tuple(reader(payload)) if reader and repository_name(payload) else ()


def _change(payload: Payload) -> ChangeRef | None:
    return change_ref(table(payload, "pull_request"), repository_name(payload), repository_id(payload))


def _pull_request(payload: Payload) -> list[Fact]:
    action, pull, change = text(payload.get("action")), table(payload, "pull_request"), _change(payload)
    # The event's name is not signed: the body of a review, sent again under this name, must not pass for one.
    if change is None or any(key in payload for key in ("review", "comment", "thread")):
        return []
    if action == "closed":
        return [_closed(payload, pull, change)]
    if action not in _WHILE_OPEN or pull.get("state") == "closed":
        return []
    draft = pull.get("draft") is True
    return [ChangeOpened(change=change, draft=draft, reopened=action == "reopened")]


def _closed(payload: Payload, pull: Payload, change: ChangeRef) -> Fact:
    sender = login(payload.get("sender"))
    if pull.get("merged") is True:
        by = login(pull.get("merged_by")) or sender
        return ChangeMerged(change=change, by=by, commit=text(pull.get("merge_commit_sha")))
    return ChangeClosed(change=change, by=sender)


def _review(payload: Payload) -> list[Fact]:
    review, change = table(payload, "review"), _change(payload)
    verdict = text(review.get("state")).lower()
    if change is None or payload.get("action") != "submitted" or verdict not in _VERDICTS:
        return []
    # Anybody may review in a public repository; only the word of those who belong to it sends work back.
    association = review.get("author_association")
    if association is not None and text(association) not in TRUSTED:
        verdict = "commented"
    by, body = login(review.get("user")), text(review.get("body"))
    return [ChangeReviewed(change=change, verdict=verdict, by=by, body=body)]


def _push(payload: Payload) -> list[Fact]:
    ref, repository = text(payload.get("ref")), repository_name(payload)
    if not ref.startswith(_BRANCH) or payload.get("deleted") is True:
        return []
    branch, commits = ref.removeprefix(_BRANCH), rows(payload.get("commits"))
    is_default = branch == text(table(payload, "repository").get("default_branch"))
    pushed = CommitsPushed(
        source=SOURCE,
        repository=repository,
        branch=branch,
        commits=tuple(_commit(commit) for commit in commits),
        by=login(payload.get("sender")) or text(table(payload, "pusher").get("name")),
        is_default_branch=is_default,
    )
    path = _task_file(commits) if is_default else None
    if path is None:
        return [pushed]
    after = text(payload.get("after"))
    return [pushed, TaskFileChanged(source=SOURCE, repository=repository, path=path, commit=after)]


def _commit(commit: Payload) -> Commit:
    author = table(commit, "author")
    name = text(author.get("username")) or text(author.get("name"))
    return Commit(id=text(commit.get("id")), message=text(commit.get("message")), author=name)


def _task_file(commits: list[Payload]) -> str | None:
    touched: set[str] = set()
    for commit in commits:
        for key in ("added", "modified"):
            paths = commit.get(key)
            touched.update(path for path in paths if isinstance(path, str)) if isinstance(paths, list) else None
    return next((path for path in TASK_FILES if path in touched), None)


def _check_suite(payload: Payload) -> list[Fact]:
    suite = table(payload, "check_suite")
    head, said = text(suite.get("head_sha")), text(suite.get("conclusion"))
    if payload.get("action") != "completed" or not head or not said:
        return []
    conclusion = "failure" if said in _FAILURES else "success" if said == "success" else "neutral"
    name = text(table(suite, "app").get("name"))
    repository = repository_name(payload)
    site = text(table(payload, "repository").get("html_url"))
    return [
        ChecksFinished(
            source=SOURCE,
            repository=repository,
            head=head,
            conclusion=conclusion,
            name=name,
            summary=f"{name or 'checks'}: {said}",
            url=f"{site}/commit/{head}/checks" if site else "",
        )
    ]


def _issues(payload: Payload) -> list[Fact]:
    issue = table(payload, "issue")
    number = whole(issue.get("number"))
    if payload.get("action") != "opened" or not number or "pull_request" in issue or "comment" in payload:
        return []
    labels = tuple(name for label in rows(issue.get("labels")) if (name := text(label.get("name"))))
    return [
        IssueOpened(
            source=SOURCE,
            repository=repository_name(payload),
            number=number,
            title=text(issue.get("title")),
            body=text(issue.get("body")),
            author=login(issue.get("user")),
            trusted=text(issue.get("author_association")) in TRUSTED,
            labels=labels,
            url=text(issue.get("html_url")),
        )
    ]


def _repository(payload: Payload) -> list[Fact]:
    new = repository_name(payload)
    owner, _, name = new.partition("/")
    changes = table(payload, "changes")
    if payload.get("action") == "renamed":
        old_name = text(table(changes, "repository", "name").get("from"))
        old = f"{owner}/{old_name}" if old_name else ""
    elif payload.get("action") == "transferred":
        before = table(changes, "owner", "from")
        old_owner = login(before.get("user")) or login(before.get("organization"))
        old = f"{old_owner}/{name}" if old_owner else ""
    else:
        return []
    if not old:
        return []
    return [RepositoryRenamed(source=SOURCE, old_name=old, new_name=new, external_id=repository_id(payload))]


_READERS: dict[str, Callable[[Payload], list[Fact]]] = {
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "push": _push,
    "check_suite": _check_suite,
    "issues": _issues,
    "repository": _repository,
}
