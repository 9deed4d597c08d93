"""Issues that become tasks, and both kept in step; see `domain/issues.py` for how."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.events import IssueBecameTask, IssueMoved, TaskConflicted
from ..domain.issues import (
    LONGEST_ISSUE_BODY,
    LONGEST_ISSUE_TITLE,
    Issue,
    IssueOpened,
    IssuePolicy,
    IssueText,
    IssueTransferred,
    Outgoing,
    merged_labels,
    shortened,
    state_of,
)
from ..domain.repositories import Repository
from ..domain.tasks import NewTask, Status, Task
from . import hosts
from .moves import move_task
from .policies import issue_policy
from .tasks import TaskService
from .work import UnitOfWork, Work

LONGEST_TITLE = 2000
_TO = {"open": Status.PENDING, "completed": Status.DONE, "not-planned": Status.CANCELLED}
_SAID = {"completed": "was closed as completed", "not-planned": "was closed as not planned"}


class IssueService:
    """Issues in, and what they are to say out."""

    def __init__(self, unit: UnitOfWork, tasks: TaskService) -> None:
        self._unit = unit
        self._tasks = tasks

    # In ---------------------------------------------------------------------------------------------------------------

    def take(self, fact: IssueOpened, *, actor: Actor = LOCAL, delivery: str | None = None) -> bool:
        """Take in an issue as it stands; false when it is none that becomes a task here, or says nothing new."""

        def action(work: Work) -> bool:
            work.tasks.lock_graph()
            repository = hosts.known(work, fact.repository, fact.repository_external_id)
            if repository is None:
                return False
            policy = issue_policy(work, repository.id)
            known = work.issues.find(fact.source, fact.external_id or str(fact.number))
            if known is None and (not policy.is_on or fact.own):
                return False
            return _Taking(work, self._tasks, repository, policy, actor, delivery).take(fact, known)

        return self._unit.write(action)

    def transfer(self, fact: IssueTransferred, *, actor: Actor = LOCAL, delivery: str | None = None) -> bool:
        """Follow an issue to another repository; its task stays where it is."""

        def action(work: Work) -> bool:
            issue = work.issues.find(fact.source, fact.external_id)
            if issue is None:
                return False
            to = hosts.known(work, fact.to_repository, fact.to_repository_external_id)
            there = work.issues.find(fact.source, fact.to_external_id)
            if there is not None and there.task_id is None and issue.task_id is not None:
                # It was heard of there first: what was heard there is newer, the task comes from here.
                work.issues.save(attrs.evolve(issue, task_id=None))
                moved = attrs.evolve(there, task_id=issue.task_id, trusted=issue.trusted or there.trusted)
            elif there is not None:
                return False
            else:
                moved = attrs.evolve(issue, external_id=fact.to_external_id, number=fact.to_number, url=fact.to_url)
            moved = attrs.evolve(moved, repository_id=to.id if to is not None else moved.repository_id)
            work.issues.save(moved)
            if moved.task_id is not None:
                said: dict[str, Any] = {"from": f"{fact.repository}#{fact.number}"}
                work.issues.tie(moved.id, moved.task_id)
                work.record(
                    IssueMoved, actor=actor, task_id=moved.task_id, repository_id=issue.repository_id,
                    delivery=delivery, source=fact.source, url=fact.to_url, to=f"{fact.to_repository}#{fact.to_number}",
                    **said,
                )  # fmt: skip
            return True

        return self._unit.write(action)

    # Out --------------------------------------------------------------------------------------------------------------

    def of_task(self, task_id: int) -> Issue | None:
        """The issue that a task is kept in step with."""
        return self._unit.write(lambda work: work.issues.of_task(task_id))

    def outgoing(self, task_id: int, source: str) -> Outgoing | None:
        """What is to be written to the issue of a task; None when there is none there, or nothing to write."""

        def action(work: Work) -> Outgoing | None:
            issue = work.issues.of_task(task_id)
            if issue is None or issue.source != source:
                return None
            policy = issue_policy(work, issue.repository_id)
            if not policy.is_on:
                return None
            wanted = _text_of(work.tasks.get(task_id), issue, policy)
            changed = {
                name for name in ("title", "body", "state") if getattr(wanted, name) != getattr(issue.text, name)
            }
            if set(wanted.labels) != set(issue.text.labels):
                changed.add("labels")
            if not changed:
                return None
            name = work.repositories.get(issue.repository_id).name
            return Outgoing(issue=issue, repository=name, text=wanted, changed=frozenset(changed))

        return self._unit.write(action)

    def written(self, outgoing: Outgoing, at: datetime | None) -> None:
        """Note that an issue says now what it was to say; `at` is its time of change by its host's clock."""

        def action(work: Work) -> None:
            issue = work.issues.find(outgoing.issue.source, outgoing.issue.external_id)
            if issue is None:
                return
            latest = max(filter(None, (at, issue.host_updated_at)), default=None)
            work.issues.save(attrs.evolve(issue, text=outgoing.text, host_updated_at=latest))

        self._unit.write(action)


class _Taking:
    """One issue, within a transaction."""

    def __init__(
        self, work: Work, tasks: TaskService, repository: Repository, policy: IssuePolicy, actor: Actor,
        delivery: str | None,
    ) -> None:  # fmt: skip
        self.work = work
        self.tasks = tasks
        self.repository = repository
        self.policy = policy
        self.actor = actor
        self.delivery = delivery

    def take(self, fact: IssueOpened, known: Issue | None) -> bool:
        said = _said(fact)
        issue = known or self._new(fact, said)
        is_older = known is not None and _is_older(fact.updated_at, known.host_updated_at)
        trusted = issue.trusted or fact.trusted or self.policy.is_vouched_by(fact.vouched)
        before = issue
        issue = attrs.evolve(issue, trusted=trusted)
        if not is_older:
            issue = attrs.evolve(
                issue, number=fact.number, url=fact.url or issue.url, author=fact.author or issue.author,
                repository_id=self.repository.id, host_updated_at=fact.updated_at or issue.host_updated_at,
            )  # fmt: skip
        base = issue.text if is_older else said
        if issue.task_id is None:
            issue = attrs.evolve(issue, text=base)
            if self.policy.wants(fact.labels) and not fact.own:
                issue = self._create(issue)
        elif not is_older or trusted is not before.trusted:
            self._merge(issue, base)
            issue = attrs.evolve(issue, text=base)
        self.work.issues.save(issue)
        return issue != before or known is None

    def _new(self, fact: IssueOpened, said: IssueText) -> Issue:
        issue = Issue(
            id=0, source=fact.source, repository_id=self.repository.id, number=fact.number, url=fact.url,
            external_id=fact.external_id or str(fact.number), author=fact.author, text=said, trusted=fact.trusted,
            host_updated_at=fact.updated_at,
        )  # fmt: skip
        added = self.work.issues.add(issue) or self.work.issues.find(fact.source, issue.external_id)
        assert added is not None  # noqa: S101 - it was in the way, so it is there
        return added

    def _create(self, issue: Issue) -> Issue:
        """The task of an issue. What an outsider wrote starts no agent: it is put aside until somebody says so."""
        new = NewTask(
            title=issue.text.title, description=issue.text.body, repository_id=self.repository.id,
            labels=self.policy.shown(issue.text.labels), status=Status.PENDING if issue.trusted else Status.DEFERRED,
        )  # fmt: skip
        task = self.tasks.create_in(self.work, new, actor=self.actor, delivery=self.delivery)
        issue = attrs.evolve(issue, task_id=task.id)
        self.work.issues.save(issue)
        self.work.issues.tie(issue.id, task.id)
        self.work.record(
            IssueBecameTask, actor=self.actor, task_id=task.id, repository_id=self.repository.id,
            delivery=self.delivery, source=issue.source, number=issue.number, url=issue.url, title=task.title,
            author=issue.author,
        )  # fmt: skip
        if issue.text.state != "open":
            self._move(self.work.tasks.get(task.id, lock=True), issue, issue.text.state)
        return issue

    def _merge(self, issue: Issue, said: IssueText) -> None:
        """Bring what the issue says now, and did not say before, into its task."""
        assert issue.task_id is not None  # noqa: S101 - the caller looked
        task = self.work.tasks.get(issue.task_id, lock=True)
        base, ours = issue.text, _text_of(task, issue, self.policy)
        fields: dict[str, object] = {}
        conflicts = []
        for field, place in (("title", "title"), ("description", "body")):
            theirs, before, mine = getattr(said, place), getattr(base, place), getattr(ours, place)
            if theirs != before and theirs != mine:
                fields[field] = theirs
                if mine != before:
                    conflicts.append({"field": field, "base": before, "issue": theirs, "nexus": mine, "taken": "issue"})
        labels = merged_labels(*map(self.policy.shown, (base.labels, ours.labels, said.labels)))
        if set(labels) != set(task.labels):
            fields["labels"] = labels
        if fields:
            task = self.tasks.edit_in(self.work, task, fields, actor=self.actor, delivery=self.delivery)
        if conflicts:
            self.work.record(
                TaskConflicted, actor=self.actor, task_id=task.id, repository_id=task.repository_id,
                delivery=self.delivery, title=task.title, conflicts=conflicts,
            )  # fmt: skip
        if said.state != base.state:
            self._move(task, issue, said.state)
        elif task.status is Status.DEFERRED and issue.trusted and said.state == "open":
            self._approve(task, issue)

    def _approve(self, task: Task, issue: Issue) -> None:
        """Somebody vouches for what was put aside because of who wrote it."""
        former = self.work.issues.find(issue.source, issue.external_id)
        if former is not None and not former.trusted:
            move_task(
                self.work, task, Status.PENDING, reason=f"somebody vouches for {self._name(issue)}",
                actor=self.actor, delivery=self.delivery,
            )  # fmt: skip

    def _move(self, task: Task, issue: Issue, state: str) -> None:
        to = _TO[state]
        if task.status is to or (state == "open" and not task.status.is_closed):
            return
        reason = f"{self._name(issue)} {'was reopened' if state == 'open' else _SAID[state]}"
        task = move_task(self.work, task, to, reason=reason, actor=self.actor, delivery=self.delivery)
        if state == "open" and not issue.trusted:
            task = self.work.tasks.get(task.id, lock=True)
            move_task(
                self.work, task, Status.DEFERRED, reason=f"nobody vouches for {self._name(issue)} yet",
                actor=self.actor, delivery=self.delivery,
            )  # fmt: skip

    def _name(self, issue: Issue) -> str:
        return f"{self.repository.name}#{issue.number}"


def _said(fact: IssueOpened) -> IssueText:
    title = fact.title.strip()[:LONGEST_TITLE].strip() or f"Issue {fact.number}"
    state = fact.state if fact.state in _TO else "open"
    return IssueText(title=title, body=fact.body, state=state, labels=fact.labels)


def _text_of(task: Task, issue: Issue, policy: IssuePolicy) -> IssueText:
    """What the issue is to say by its task; labels that are not the task's stay."""
    hidden = [label for label in issue.text.labels if label not in policy.shown(issue.text.labels)]
    return IssueText(
        title=shortened(task.title, LONGEST_ISSUE_TITLE), body=shortened(task.description, LONGEST_ISSUE_BODY),
        state=state_of(task.status), labels=(*hidden, *task.labels),
    )  # fmt: skip


def _is_older(at: datetime | None, known: datetime | None) -> bool:
    return at is not None and known is not None and at < known
