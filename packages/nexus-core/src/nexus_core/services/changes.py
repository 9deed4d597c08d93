"""What facts from code hosts mean.

Facts may come late, twice and in any order. Merged is terminal; a fact that is older by its host's clock than what is
known changes nothing.
"""

from __future__ import annotations

import builtins
from datetime import timedelta
from functools import partial

from ..domain.access import LOCAL, Actor
from ..domain.changes import (
    Change,
    ChangeClosed,
    ChangeLink,
    ChangeMerged,
    ChangeOpened,
    ChangeReviewed,
    CommitsPushed,
    Fact,
    TaskFileChanged,
)
from ..domain.hosts import CommentAdded
from ..domain.issues import IssueOpened, IssueTransferred
from . import hosts
from .change_facts import About, Applier
from .comments import Comments
from .imports import ImportService
from .issues import IssueService
from .policies import closing_words
from .standings import GraphNeeded
from .work import UnitOfWork, Work, repository_of, require_seen

COMMITS_KEPT = timedelta(days=365)
"""How long the commits of a branch are kept that has no open change."""

CHECKS_KEPT = timedelta(days=90)
"""How long it is kept how the checks of a commit ended, with which no open change ends."""


class ChangeService:
    """Facts in; links, moves and events out."""

    def __init__(self, unit: UnitOfWork, imports: ImportService, issues: IssueService, comments: Comments) -> None:
        self._unit = unit
        self._imports = imports
        self._issues = issues
        self._comments = comments

    def apply(self, fact: Fact, *, actor: Actor = LOCAL, delivery: str | None = None) -> bool:
        """Take a fact in; false when it concerns nothing here (such as a repository that nobody added)."""
        match fact:
            case TaskFileChanged():
                return self._import(fact, actor, delivery)
            case IssueOpened():
                return self._issues.take(fact, actor=actor, delivery=delivery)
            case IssueTransferred():
                return self._issues.transfer(fact, actor=actor, delivery=delivery)
            case CommentAdded():
                return self._comments.take(fact, actor=actor, delivery=delivery)
        if isinstance(fact, hosts.HostFact):
            about = fact
            return self._unit.write(lambda work: hosts.apply(work, about, actor, delivery))
        return self._about_changes(fact, actor, delivery)

    def _about_changes(self, fact: About, actor: Actor, delivery: str | None) -> bool:
        def action(work: Work, has_graph: bool) -> bool:
            return self._apply(work, fact, actor, delivery, has_graph=has_graph)

        try:
            return self._unit.write(partial(action, has_graph=_may_complete(fact)))
        except GraphNeeded:
            return self._unit.write(partial(action, has_graph=True))

    def _import(self, fact: TaskFileChanged, actor: Actor, delivery: str | None) -> bool:
        with self._unit.read() as work:
            known = hosts.look_up(work, fact.repository, fact.repository_external_id)
        if known is None or fact.content is None:
            return False
        self._imports.import_file(fact.content, known.name, path=fact.path, actor=actor, delivery=delivery)
        return True

    def _apply(self, work: Work, fact: About, actor: Actor, delivery: str | None, *, has_graph: bool) -> bool:
        if has_graph:
            work.tasks.lock_graph()
        about = fact.change if isinstance(fact, ChangeOpened | ChangeMerged | ChangeClosed | ChangeReviewed) else fact
        repository = hosts.known(work, about.repository, about.repository_external_id)
        if repository is None:
            return False
        prefix = self._unit.config.key_prefix
        closing = closing_words(work, repository.id)
        applier = Applier(work, repository, actor, delivery, prefix=prefix, closing=closing, has_graph=has_graph)
        return applier.apply(fact)

    def prune(self) -> int:
        """Forget how checks of old commits ended, and old commits of branches; how many they were."""

        def action(work: Work) -> int:
            checks = work.changes.prune_checks(work.now - CHECKS_KEPT)
            return checks + work.changes.prune_branches(work.now - COMMITS_KEPT)

        return self._unit.write(action)

    def for_task(self, task_id: int, *, actor: Actor = LOCAL) -> list[tuple[Change, ChangeLink]]:
        """The changes that name a task, with why."""
        with self._unit.read() as work:
            require_seen(actor, work.tasks.get(task_id).repository_id, f"task {task_id}")
        return self.near(task_id, actor=actor)

    def near(self, task_id: int, *, actor: Actor = LOCAL) -> list[tuple[Change, ChangeLink]]:
        """The same for a task that the actor was shown already; changes of repositories hidden from them are not."""
        found = self._unit.glance().changes.of_task(task_id)
        return [(change, link) for change, link in found if actor.sees(change.repository_id)]

    def open_in(self, repository: int | str, *, source: str, actor: Actor = LOCAL) -> builtins.list[Change]:
        """The changes of a repository that may still be merged, as far as is known here."""
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            return work.changes.open_in(source, repository_id)

    def find(self, repository: int | str, *, branch: str, actor: Actor = LOCAL) -> builtins.list[Change]:
        """The changes of a branch."""
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            return work.changes.by_branch(repository_id, branch)


def _may_complete(fact: About) -> bool:
    """Whether a fact may complete a task: the graph is locked first then."""
    if isinstance(fact, CommitsPushed):
        return fact.is_default_branch
    return isinstance(fact, ChangeMerged | ChangeClosed)
