"""What facts from code hosts mean for tasks.

Facts may come late, twice and in any order. Merged is terminal; a fact that is older by its host's clock than what is
known changes nothing.
"""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.changes import (
    Change,
    ChangeClosed,
    ChangeLink,
    ChangeMerged,
    ChangeOpened,
    ChangeRef,
    ChangeReviewed,
    ChangeState,
    ChecksFinished,
    CommitsPushed,
    Fact,
    IssueOpened,
    RepositoryRenamed,
    TaskFileChanged,
)
from ..domain.events import (
    ChangeLinked,
    ChangeWasClosed,
    ChangeWasMerged,
    ChangeWasOpened,
    RepositoryEdited,
    TaskCompleted,
)
from ..domain.references import Reference, find_references
from ..domain.repositories import Repository
from ..domain.tasks import Status, Task
from .imports import ImportService
from .moves import move_task
from .work import UnitOfWork, Work, repository_of, require_seen

_CLOSING = (ChangeMerged, ChangeClosed, CommitsPushed)
"""Facts that may complete a task."""

_WHILE_OPEN = (ChangeState.OPEN, ChangeState.DRAFT)
_BY_CHANGES = (Status.REVIEW, Status.IN_PROGRESS)
"""Where an open change puts a task, and from where it goes back when the change is none of its any more."""

_ORDER = {ChangeState.DRAFT: 0, ChangeState.OPEN: 0, ChangeState.CLOSED: 1, ChangeState.MERGED: 2}


class ChangeService:
    """Facts in; links, moves and events out."""

    def __init__(self, unit: UnitOfWork, imports: ImportService) -> None:
        self._unit = unit
        self._imports = imports

    def apply(self, fact: Fact, *, actor: Actor = LOCAL, delivery: str | None = None) -> bool:
        """Take a fact in; false when it concerns nothing here (such as a repository that nobody added)."""
        if isinstance(fact, TaskFileChanged):
            return self._import(fact, actor, delivery)
        return self._unit.write(lambda work: self._apply(work, fact, actor, delivery))

    def _import(self, fact: TaskFileChanged, actor: Actor, delivery: str | None) -> bool:
        with self._unit.read() as work:
            known = work.repositories.find(fact.repository)
        if known is None or fact.content is None:
            return False
        self._imports.import_file(fact.content, known.name, path=fact.path, actor=actor, delivery=delivery)
        return True

    def _apply(self, work: Work, fact: Fact, actor: Actor, delivery: str | None) -> bool:
        if isinstance(fact, RepositoryRenamed):
            return _rename(work, fact, actor, delivery)
        if isinstance(fact, _CLOSING):
            work.tasks.lock_graph()
        if isinstance(fact, ChangeOpened | ChangeMerged | ChangeClosed | ChangeReviewed):
            repository = _repository(work, fact.change.repository, fact.change.repository_external_id)
        else:
            repository = work.repositories.find(fact.repository)
        if repository is None:
            return False
        applier = _Applier(work, repository, actor, delivery, self._unit.config.key_prefix)
        return applier.apply(fact)

    def for_task(self, task_id: int, *, actor: Actor = LOCAL) -> list[tuple[Change, ChangeLink]]:
        """The changes that name a task, with why."""
        with self._unit.read() as work:
            require_seen(actor, work.tasks.get(task_id).repository_id, f"task {task_id}")
            return work.changes.of_task(task_id)

    def find(self, repository: int | str, *, branch: str, actor: Actor = LOCAL) -> builtins.list[Change]:
        """The changes of a branch."""
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            return work.changes.by_branch(repository_id, branch)


def _repository(work: Work, name: str, external_id: str | None) -> Repository | None:
    found = work.repositories.find_external(external_id) if external_id else None
    if found is not None or (found := work.repositories.find(name)) is None:
        return found
    if external_id and found.external_id is None:
        # From now on the repository is known by its host's id, whatever it is called.
        found = attrs.evolve(found, external_id=external_id)
        work.repositories.save(found)
    return found


def _rename(work: Work, fact: RepositoryRenamed, actor: Actor, delivery: str | None) -> bool:
    repository = _repository(work, fact.old_name, fact.external_id)
    if repository is None or repository.name == fact.new_name or work.repositories.find(fact.new_name):
        return False
    work.repositories.save(attrs.evolve(repository, name=fact.new_name))
    work.record(
        RepositoryEdited,
        actor=actor,
        repository_id=repository.id,
        delivery=delivery,
        changes={"name": {"from": repository.name, "to": fact.new_name}},
    )
    return True


class _Applier:
    """One fact about one repository, within a transaction."""

    def __init__(self, work: Work, repository: Repository, actor: Actor, delivery: str | None, prefix: str) -> None:
        self.work = work
        self.repository = repository
        self.actor = actor
        self.delivery = delivery
        self.prefix = prefix

    def apply(self, fact: Fact) -> bool:
        match fact:
            case ChangeOpened():
                return self._opened(fact)
            case ChangeMerged():
                return self._merged(fact)
            case ChangeClosed():
                return self._closed(fact)
            case ChangeReviewed():
                return self._reviewed(fact)
            case ChecksFinished():
                return self._checked(fact)
            case CommitsPushed():
                return self._pushed(fact)
            case IssueOpened() | TaskFileChanged() | RepositoryRenamed():
                return False

    # Changes ----------------------------------------------------------------------------------------------------------

    def _opened(self, fact: ChangeOpened) -> bool:
        state = ChangeState.DRAFT if fact.draft else ChangeState.OPEN
        kept = self._keep(fact.change, state)
        if kept is None:
            return False
        change, before = kept
        for task, link in self._link(change, fact.change):
            if before is not state and not (before is None and self._told(ChangeWasOpened, task, change)):
                self._tell(ChangeWasOpened, task, change, draft=fact.draft)
            self._to_review(task, link, change, draft=fact.draft)
        return True

    def _to_review(self, task: Task, link: ChangeLink, change: Change, *, draft: bool) -> None:
        """An open change puts its task under review; one that is done stays so, unless it is this change's to close."""
        wanted = Status.IN_PROGRESS if draft else Status.REVIEW
        held = (Status.DEFERRED, Status.CANCELLED, Status.DONE)
        if link.closes and task.status not in held:
            self._move(task, wanted, f"{self._name(change)} {'is a draft' if draft else 'is open for review'}")

    def _merged(self, fact: ChangeMerged) -> bool:
        kept = self._keep(fact.change, ChangeState.MERGED)
        if kept is None:
            return False
        change, before = kept
        for task, link in self._link(change, fact.change):
            if before is not ChangeState.MERGED:
                self._tell(ChangeWasMerged, task, change, by=fact.by)
            if link.closes and not self._others(task, change, _WHILE_OPEN) and before is not ChangeState.MERGED:
                self._move(task, Status.DONE, _merged(self._name(change)))
        return True

    def _closed(self, fact: ChangeClosed) -> bool:
        kept = self._keep(fact.change, ChangeState.CLOSED)
        if kept is None:
            return False
        change, before = kept
        for task, link in self._link(change, fact.change):
            if before is ChangeState.CLOSED:
                continue
            self._tell(ChangeWasClosed, task, change, by=fact.by)
            if link.closes and task.status in _BY_CHANGES:
                self._let_go(task, change)
        return True

    def _let_go(self, task: Task, change: Change) -> None:
        """What becomes of a task whose change was closed: another one may be open, or be merged already."""
        if self._others(task, change, _WHILE_OPEN):
            return
        for other in self._others(task, change, (ChangeState.MERGED,)):
            said = _merged(self._name(other))
            # A merge that had completed the task once has had its effect: the task was reopened since.
            if not self.work.events.has(TaskCompleted.TYPE, task.id, said):
                self._move(task, Status.DONE, said)
                return
        self._move(task, Status.PENDING, f"{self._name(change)} closed without a merge")

    def _others(self, task: Task, change: Change, states: tuple[ChangeState, ...]) -> builtins.list[Change]:
        """The other changes that close a task and are in one of these states."""
        return [
            other
            for other, its in self.work.changes.of_task(task.id)
            if its.closes and other.id != change.id and other.state in states
        ]

    def _reviewed(self, fact: ChangeReviewed) -> bool:
        change = self.work.changes.find(fact.change.source, self.repository.id, fact.change.number)
        if change is None or fact.verdict != "changes_requested" or _ORDER[change.state]:
            return False
        if _is_older(fact.change.updated_at, change):
            return False
        self._back_to_work(
            change, f"{fact.by or 'a reviewer'} requested changes on {self._name(change)}: {fact.body[:280]}"
        )
        return True

    def _checked(self, fact: ChecksFinished) -> bool:
        if fact.conclusion != "failure":
            return False
        changes = self.work.changes.by_head(fact.source, self.repository.id, fact.head)
        for change in changes:
            if not _ORDER[change.state]:
                self._back_to_work(
                    change,
                    f"{fact.name or 'the checks'} failed on {self._name(change)}: {fact.summary[:280]}",
                )
        return bool(changes)

    def _back_to_work(self, change: Change, reason: str) -> None:
        for link in self.work.changes.links(change.id):
            task = self.work.tasks.get(link.task_id, lock=True)
            if link.closes and task.status is Status.REVIEW:
                self._move(task, Status.IN_PROGRESS, reason.rstrip(": "))

    def _pushed(self, fact: CommitsPushed) -> bool:
        """Commits on the default branch complete what they close; a branch's commits speak through its change."""
        if not fact.is_default_branch:
            return False
        any_task = False
        for commit in fact.commits:
            for reference in find_references(messages=(commit.message,), prefix=self.prefix):
                task_id = self._task_id(reference) if reference.closes else None
                if task_id is None:
                    continue
                task = self.work.tasks.get(task_id, lock=True)
                if not task.status.is_closed:
                    self._move(task, Status.DONE, f"{reference.reason} in {commit.id[:10]} on {fact.branch}")
                    any_task = True
        return any_task

    # Parts ------------------------------------------------------------------------------------------------------------

    def _keep(self, ref: ChangeRef, state: ChangeState) -> tuple[Change, ChangeState | None] | None:
        """Bring the stored change up to date; None when the fact is older than what is known."""
        known = self.work.changes.find(ref.source, self.repository.id, ref.number)
        if known is None:
            added = self.work.changes.add(ref, self.repository.id, state, self.work.now)
            if added is not None:
                return added, None
            known = self.work.changes.find(ref.source, self.repository.id, ref.number)
            assert known is not None  # noqa: S101 - it was in the way, so it is there
        if _is_stale(known, ref.updated_at, state):
            return None
        if _is_older(ref.updated_at, known):  # a merge: it counts whenever it comes, but what it says is old
            changed = attrs.evolve(known, state=state)
            self.work.changes.save(changed, self.work.now)
            return changed, known.state
        changed = attrs.evolve(
            known,
            state=state,
            title=ref.title or known.title,
            branch=ref.branch or known.branch,
            url=ref.url or known.url,
            author=ref.author or known.author,
            head=ref.head or known.head,
            host_updated_at=ref.updated_at or known.host_updated_at,
        )
        self.work.changes.save(changed, self.work.now)
        return changed, known.state

    def _link(self, change: Change, ref: ChangeRef) -> builtins.list[tuple[Task, ChangeLink]]:
        """Tie the change to every task that it names, and answer all that it is tied to, locked in one order."""
        known = {link.task_id: link for link in self.work.changes.links(change.id)}
        named = self._named(change, ref)
        tasks = {task_id: self.work.tasks.get(task_id, lock=True) for task_id in sorted({*known, *named})}
        for task_id, reference in sorted(named.items()):
            self._tie(change, tasks[task_id], known.get(task_id), reference.closes, reference.reason)
        if ref.title and not _is_older(ref.updated_at, change):
            for task_id, link in known.items():
                if link.closes and task_id not in named:
                    self._untie(change, tasks[task_id], link)
        links = self.work.changes.links(change.id)
        return [(self.work.tasks.get(link.task_id), link) for link in links]

    def _named(self, change: Change, ref: ChangeRef) -> dict[int, Reference]:
        """The tasks that a change names, each with the strongest reference to it."""
        named: dict[int, Reference] = {}
        for reference in find_references(branch=change.branch, title=change.title, body=ref.body, prefix=self.prefix):
            task_id = self._task_id(reference)
            if task_id is not None and not (task_id in named and named[task_id].closes):
                named[task_id] = reference
        return named

    def _tie(self, change: Change, task: Task, known: ChangeLink | None, closes: bool, reason: str) -> None:
        link = ChangeLink(change_id=change.id, task_id=task.id, closes=closes, reason=reason)
        if link == known:
            return
        if self.work.changes.link(link):
            self._tell(ChangeLinked, task, change, closes=closes, reason=reason)
        if known is not None and known.closes and not closes:
            self._no_longer_closes(task, change)

    def _untie(self, change: Change, task: Task, link: ChangeLink) -> None:
        """The change was edited and does not name the task any more; it did, which is kept as a mere mention."""
        self.work.changes.link(attrs.evolve(link, closes=False, reason=f"before, {link.reason}"))
        self._no_longer_closes(task, change)

    def _no_longer_closes(self, task: Task, change: Change) -> None:
        if task.status in _BY_CHANGES and not self._others(task, change, _WHILE_OPEN):
            to = Status.PENDING if task.assignment_id is None else Status.IN_PROGRESS
            self._move(task, to, f"{self._name(change)} no longer closes it")

    def _task_id(self, reference: Reference) -> int | None:
        """The task that a reference means. Taskmaster's numbers count within their repository only."""
        if reference.task_id is None:
            return self.work.tasks.find_external(self.repository.id, reference.external_key or "")
        return reference.task_id if self.work.tasks.many([reference.task_id]) else None

    def _move(self, task: Task, to: Status, reason: str) -> None:
        move_task(self.work, task, to, reason=reason, actor=self.actor, delivery=self.delivery)

    def _name(self, change: Change) -> str:
        place = self.repository
        if change.repository_id != place.id:
            place = self.work.repositories.get(change.repository_id)
        return f"{place.name}#{change.number}"

    def _told(self, kind: Any, task: Task, change: Change) -> bool:
        return self.work.events.has(kind.TYPE, task.id, change.url) if change.url else False

    def _tell(self, kind: Any, task: Task, change: Change, **payload: Any) -> None:
        self.work.record(
            kind, actor=self.actor, task_id=task.id, repository_id=self.repository.id, delivery=self.delivery,
            source=change.source, number=change.number, url=change.url, title=change.title, **payload,
        )  # fmt: skip


def _merged(name: str) -> str:
    return f"{name} merged"


def _is_older(at: datetime | None, known: Change) -> bool:
    return at is not None and known.host_updated_at is not None and at < known.host_updated_at


def _is_stale(known: Change, at: datetime | None, state: ChangeState) -> bool:
    if ChangeState.MERGED in (known.state, state):
        # Merged is where a change ends: nothing undoes it, and it counts however late it is told.
        return known.state is ChangeState.MERGED
    # Of two facts with one time, the one further along wins, so that a repeated delivery never moves backwards.
    same = at is not None and at == known.host_updated_at
    return _is_older(at, known) or (same and _ORDER[state] < _ORDER[known.state])
