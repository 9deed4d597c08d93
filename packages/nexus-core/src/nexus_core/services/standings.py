"""Where tasks stand by what is stored of their changes, and the moves that follow when that becomes another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from ..domain.access import Actor
from ..domain.changes import Change, ChangeLink, ChangeState, Review
from ..domain.standing import Closer, Standing, standing
from ..domain.tasks import Status, Task
from .moves import move_task
from .work import Work

BY_CHANGES = (Status.REVIEW, Status.IN_PROGRESS)
"""Where an open change puts a task, and from where it goes back when the change is none of its any more."""
_PUT_ASIDE = (Status.DEFERRED, Status.CANCELLED)


class GraphNeeded(Exception):
    """A task has to be opened or closed, and the graph is not locked."""


@attrs.define
class Standings:
    """Tasks as they stood before a fact, to be moved to where they stand after it."""

    work: Work
    actor: Actor
    delivery: str | None
    has_graph: bool
    _before: dict[int, tuple[Task, Standing]] = attrs.field(factory=dict, init=False)

    def watch(self, task_ids: Iterable[int]) -> None:
        """Lock tasks, in one order, and note where they stand."""
        for task_id in sorted({*task_ids} - self._before.keys()):
            task = self.work.tasks.get(task_id, lock=True)
            self._before[task_id] = (task, self._of(task_id))

    def task(self, task_id: int) -> Task:
        """A watched task, as it was when it was locked."""
        return self._before[task_id][0]

    def _of(self, task_id: int, first: str = "") -> Standing:
        return standing(closers_of(self.work, task_id), first)

    def settle(self, *, first: str = "", anew: bool = False, gone: str = "", releases: bool = False) -> None:
        """Move the watched tasks that stand elsewhere now.

        `first` is the change to speak of, `gone` says why there is none any more, and `releases` whether who holds
        the task is let go then; `anew` = an open change was worked on, which puts its tasks where they belong even
        though they stand as before.
        """
        for task_id, (task, before) in self._before.items():
            after = self._of(task_id, first)
            is_worked_on = anew and after.status in BY_CHANGES and not task.status.is_closed
            if after.status is not before.status or is_worked_on:
                self._move(task, before, after, gone, releases)

    def _move(self, task: Task, before: Standing, after: Standing, gone: str, releases: bool) -> None:
        if after.status is None:
            self._let_go(task, before, gone, releases)
        elif after.status is Status.DONE:
            self._to(task, Status.DONE, after.reason)
        elif task.status in _PUT_ASIDE or (task.status is Status.DONE and before.status is not Status.DONE):
            return  # people put it aside, or said that it is done: an open change does not wake it
        else:
            self._to(task, after.status, after.reason)

    def _let_go(self, task: Task, before: Standing, gone: str, releases: bool) -> None:
        """Nothing speaks for the task any more: what it was to be closed by is given up, taken back or retitled."""
        if before.status is Status.DONE and task.status is Status.DONE:
            self._to(task, Status.PENDING, self._taken_back(task) or gone)
        elif before.status in BY_CHANGES and task.status in BY_CHANGES:
            is_held = task.assignment_id is not None and not releases
            self._to(task, Status.IN_PROGRESS if is_held else Status.PENDING, gone)

    def _taken_back(self, task: Task) -> str:
        back = [one for one in closers_of(self.work, task.id) if one.reverted_by]
        return f"{back[-1].name} was taken back by {back[-1].reverted_by}" if back else ""

    def _to(self, task: Task, to: Status, reason: str) -> None:
        if task.status is to:
            return
        if task.status.is_closed is not to.is_closed and not self.has_graph:
            raise GraphNeeded
        move_task(self.work, task, to, reason=reason, actor=self.actor, delivery=self.delivery, by_host=True)


def name_of(work: Work, change: Change) -> str:
    """`acme/api#7`."""
    return f"{work.repositories.get(change.repository_id).name}#{change.number}"


def closers_of(work: Work, task_id: int) -> list[Closer]:
    """All that completes a task when it is merged."""
    found = [_by_change(work, change, link) for change, link in work.changes.of_task(task_id) if link.closes]
    for commit in work.changes.commits_of(task_id):
        # What is merged comes as a push of all its commits: taking back the change takes back each of them.
        ids = {commit.commit, commit.head} - {""}
        changes = [one for each in ids for one in work.changes.by_commit(commit.source, commit.repository_id, each)]
        names = list(dict.fromkeys([commit.commit, *(name for change in changes for name in _names(change))]))
        by = _taken_back_by(work, commit.source, commit.repository_id, names, {*names})
        found.append(
            Closer(
                key=f"commit:{commit.commit}", name=f"commit {commit.commit[:10]}", state=ChangeState.MERGED,
                merged=commit.reason, ended_at=commit.at, reverted_by=by, spent=commit.spent,
            )
        )  # fmt: skip
    return found


def _by_change(work: Work, change: Change, link: ChangeLink) -> Closer:
    name = name_of(work, change)
    is_merged = change.state is ChangeState.MERGED
    return Closer(
        key=f"change:{change.id}", name=name, state=change.state, merged=f"{name} merged",
        opened_at=change.host_created_at, ended_at=_ended_at(change), spent=link.spent,
        findings=_findings(work, change, name) if change.is_open else (),
        reverted_by=reverted_by(work, change) if is_merged else "",
    )  # fmt: skip


def _ended_at(change: Change) -> datetime | None:
    if change.is_open:
        return None
    return change.merged_at or change.host_updated_at


def _findings(work: Work, change: Change, name: str) -> tuple[str, ...]:
    """What reviewers and checks want of an open change, at the commit that it ends with."""
    reviews = work.changes.reviews(change.source, change.repository_id, change.number)
    found = [
        f"{review.name or 'a reviewer'} requested changes on {name}: {review.body[:280]}".rstrip(": ")
        for review in reviews
        if is_blocking(review, change)
    ]
    if change.head:
        for check in work.changes.checks(change.source, change.repository_id, change.head):
            if check.conclusion == "failure":
                found.append(f"{check.name or 'the checks'} failed on {name}: {check.summary[:280]}".rstrip(": "))
    return tuple(found)


def is_blocking(review: Review, change: Change) -> bool:
    """Whether a reviewer's latest word is that they want changes, of what the change still is."""
    return review.verdict == "changes_requested" and (
        not review.commit or not change.head or review.commit == change.head
    )


# What was taken back --------------------------------------------------------------------------------------------------


def reverted_by(work: Work, change: Change) -> str:
    """What took a merged change back, in words; empty when it stands."""
    names = _names(change)
    return _taken_back_by(work, change.source, change.repository_id, names, {*names})


def _names(change: Change) -> list[str]:
    """By what texts speak of a change that is to be taken back."""
    return [f"#{change.number}", *{name for name in (change.merge_commit, change.head) if name}]


def _taken_back_by(work: Work, source: str, repository_id: int, names: list[str], seen: set[str]) -> str:
    for _, by in work.changes.reverts_of(source, repository_id, names):
        if by not in seen and (said := _standing_revert(work, source, repository_id, by, seen | {by})):
            return said
    return ""


def _standing_revert(work: Work, source: str, repository_id: int, by: str, seen: set[str]) -> str:
    """What takes something back, in words, when it is in force itself: merged, and not taken back in turn."""
    if by.startswith("#"):
        known = work.changes.look(source, repository_id, int(by[1:]))
        if known is None or known.state is not ChangeState.MERGED:
            return ""
        changes = [known]
    else:  # it is on the default branch, else it would not be here
        changes = work.changes.by_commit(source, repository_id, by)
    names = list(dict.fromkeys([by, *(name for change in changes for name in _names(change))]))
    if _taken_back_by(work, source, repository_id, names, seen | {*names}):
        return ""
    return name_of(work, changes[0]) if changes else f"commit {by[:10]}"


def touched_by_revert(work: Work, source: str, repository_id: int, targets: Iterable[str]) -> set[int]:
    """The tasks of all that is taken back, or given back by taking back what took it back."""
    tasks: set[int] = set()
    seen: set[str] = set()
    waiting = list(targets)
    while waiting:
        target = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        if target.startswith("#"):
            known = work.changes.look(source, repository_id, int(target[1:]))
            changes = [known] if known is not None else []
        else:
            changes = work.changes.by_commit(source, repository_id, target)
            tasks.update(work.changes.tasks_of_commit(source, repository_id, target))
            waiting += work.changes.reverts_by(source, repository_id, target)
        for change in changes:
            tasks.update(link.task_id for link in work.changes.links(change.id) if link.closes)
            waiting += _names(change)
            for name in _names(change):
                waiting += work.changes.reverts_by(source, repository_id, name)
    return tasks
