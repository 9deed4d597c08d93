"""Facts about changes, reviews, checks and commits, each taken in within a transaction.

What is told is stored when it is newer than what is known; then the tasks that it concerns are moved to where they
stand by all that is stored. So a fact may come late, twice and in any order.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import attrs

from ..domain.access import Actor
from ..domain.changes import (
    BranchCommit,
    Change,
    ChangeClosed,
    ChangeLink,
    ChangeMerged,
    ChangeOpened,
    ChangeRef,
    ChangeReviewed,
    ChangeState,
    Check,
    ChecksFinished,
    Commit,
    CommitLink,
    CommitsPushed,
    Review,
)
from ..domain.events import (
    ChangeLinked,
    ChangeWasChecked,
    ChangeWasClosed,
    ChangeWasMerged,
    ChangeWasOpened,
    ChangeWasReviewed,
    PolicyTouched,
)
from ..domain.policy import POLICY_FILE
from ..domain.references import Reference, find_references, find_reverts
from ..domain.repositories import Repository
from ..domain.tasks import Task
from .standings import Standings, name_of, touched_by_revert
from .work import Work

_ORDER = {ChangeState.DRAFT: 0, ChangeState.OPEN: 0, ChangeState.CLOSED: 1, ChangeState.MERGED: 2}
_FIRST, _REOPENED = -1, 2  #: the same for how a change was opened first, and opened again after it was closed
_VERDICTS = {"asked": 0, "approved": 1, "changes_requested": 2, "dismissed": 3}
_CONCLUSIONS = {"neutral": 0, "success": 1, "failure": 2}
_MOST_COMMITS = 500  #: of a change whose messages are looked at, the latest
_LONGEST_MESSAGE = 20_000  #: characters of a commit message that are kept
_BEFORE = "before, "  #: how the reason of a link begins that holds no longer
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ChangeFact = ChangeOpened | ChangeMerged | ChangeClosed
About = ChangeFact | ChangeReviewed | ChecksFinished | CommitsPushed


class Applier:
    """One fact about one repository, within a transaction."""

    def __init__(
        self, work: Work, repository: Repository, actor: Actor, delivery: str | None, *,
        prefix: str, closing: tuple[str, ...] = (), has_graph: bool = False,
    ) -> None:  # fmt: skip
        self.work = work
        self.repository = repository
        self.actor = actor
        self.delivery = delivery
        self.prefix = prefix
        self.closing = closing  #: the repository's own words that close, beside the common ones
        self.standings = Standings(work, actor, delivery, has_graph)

    def apply(self, fact: About) -> bool:
        """Take the fact in; false when it says nothing new. :raises GraphNeeded: see there"""
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

    # Changes ----------------------------------------------------------------------------------------------------------

    def _opened(self, fact: ChangeOpened) -> bool:
        state = ChangeState.DRAFT if fact.draft else ChangeState.OPEN
        kept = self._keep(
            fact.change, state, rank=_REOPENED if fact.reopened else _FIRST if fact.first else _ORDER[state]
        )
        if kept is None:
            return False
        change, before = kept
        links = self._link(change, fact.change)
        for task, _ in links:
            was = None if before is None else before.state
            if was is not state and not (was is None and self._told(ChangeWasOpened, task, change)):
                self._tell(ChangeWasOpened, task, change, draft=fact.draft)
        is_newer = before is None or attrs.evolve(before, updated_at=change.updated_at) != change
        self._settle(change, anew=is_newer)
        return True

    def _merged(self, fact: ChangeMerged) -> bool:
        kept = self._keep(fact.change, ChangeState.MERGED, merged_at=fact.at, merge_commit=fact.commit)
        if kept is None:
            return False
        change, before = kept
        for task, _ in self._link(change, fact.change):
            if before is None or before.state is not ChangeState.MERGED:
                self._tell(ChangeWasMerged, task, change, by=fact.by)
        self._settle(change)
        return True

    def _closed(self, fact: ChangeClosed) -> bool:
        kept = self._keep(fact.change, ChangeState.CLOSED)
        if kept is None:
            return False
        change, before = kept
        for task, _ in self._link(change, fact.change):
            if before is None or before.state is not ChangeState.CLOSED:
                self._tell(ChangeWasClosed, task, change, by=fact.by)
        self._settle(change, releases=not fact.outside)
        return True

    def _settle(self, change: Change, *, anew: bool = False, releases: bool = True) -> None:
        is_closed = change.state is ChangeState.CLOSED
        gone = f"{name_of(self.work, change)} {'closed without a merge' if is_closed else 'no longer closes it'}"
        self.standings.settle(first=f"change:{change.id}", anew=anew, gone=gone, releases=is_closed and releases)

    def _reviewed(self, fact: ChangeReviewed) -> bool:
        """Store the word of a reviewer, also when the change itself is not known yet."""
        if fact.verdict not in _VERDICTS:
            return False
        source, number = fact.change.source, fact.change.number
        change = self.work.changes.find(source, self.repository.id, number)
        review = Review(
            reviewer=fact.by_id or fact.by, name=fact.by, verdict=fact.verdict,
            commit=fact.commit or fact.change.head, body=fact.body, at=fact.at or fact.change.updated_at,
        )  # fmt: skip
        known = self.work.changes.reviews(source, self.repository.id, number)
        former = next((one for one in known if one.reviewer == review.reviewer), None)
        if former is not None and _weight(review.at, _VERDICTS[review.verdict]) <= _weight(
            former.at, _VERDICTS[former.verdict]
        ):
            return False
        links = [] if change is None else self.work.changes.links(change.id)
        self.standings.watch(link.task_id for link in links)
        self.work.changes.review(source, self.repository.id, number, review)
        if change is None or not change.is_open:
            return change is not None
        for link in links:
            self._tell(
                ChangeWasReviewed, self.standings.task(link.task_id), change, verdict=fact.verdict, by=fact.by,
                body=fact.body[:4000], commit=review.commit,
            )  # fmt: skip
        self._settle(change)
        return bool(links)

    def _checked(self, fact: ChecksFinished) -> bool:
        """Store how a check ended, also when no change with this commit is known yet."""
        conclusion = fact.conclusion if fact.conclusion in _CONCLUSIONS else "neutral"
        check = Check(
            key=fact.key or fact.name, name=fact.name, conclusion=conclusion, summary=fact.summary, url=fact.url,
            at=fact.at,
        )  # fmt: skip
        known = self.work.changes.checks(fact.source, self.repository.id, fact.head)
        former = next((one for one in known if one.key == check.key), None)
        if former is not None and _weight(check.at, _CONCLUSIONS[conclusion]) <= _weight(
            former.at, _CONCLUSIONS[former.conclusion]
        ):
            return False
        changes = [one for one in self._by_head(fact) if one.is_open]
        links = [(change, link.task_id) for change in changes for link in self.work.changes.links(change.id)]
        self.standings.watch(task_id for _, task_id in links)
        self.work.changes.check(fact.source, self.repository.id, fact.head, check)
        for change, task_id in links:
            self._tell(
                ChangeWasChecked, self.standings.task(task_id), change, conclusion=conclusion, name=fact.name,
                summary=fact.summary[:1000], details=fact.url, commit=fact.head,
            )  # fmt: skip
        if changes:
            self._settle(changes[0])
        return bool(changes)

    def _by_head(self, fact: ChecksFinished) -> builtins.list[Change]:
        return self.work.changes.by_head(fact.source, self.repository.id, fact.head)

    # Commits ----------------------------------------------------------------------------------------------------------

    def _pushed(self, fact: CommitsPushed) -> bool:
        """Commits on the default branch complete what they close; a branch's commits speak through its change."""
        if not fact.is_default_branch:
            return self._branch_pushed(fact)
        if POLICY_FILE in fact.paths:
            self.work.record(
                PolicyTouched, actor=self.actor, repository_id=self.repository.id, delivery=self.delivery,
                commit=fact.head,
            )  # fmt: skip
        took = [self._commit(fact, commit) for commit in fact.commits if commit.id]
        self.standings.settle()
        return any(took)

    def _branch_pushed(self, fact: CommitsPushed) -> bool:
        """Keep what names tasks, and tie the changes that the branch has already."""
        told = [commit for commit in fact.commits if commit.id and self._references(commit.message)]
        if fact.rewrites and fact.head and not any(commit.id == fact.head for commit in told):
            told.append(Commit(id=fact.head, message=""))
        if not told:
            return False
        self.work.changes.lock_branch(self.repository.id, fact.branch)
        at = fact.at or max((commit.at for commit in told if commit.at), default=self.work.now)
        for commit in told:
            kept = BranchCommit(
                branch=fact.branch, id=commit.id, message=commit.message[:_LONGEST_MESSAGE],
                rewrites=fact.rewrites and commit.id == fact.head, pushed_at=at,
            )  # fmt: skip
            self.work.changes.note_branch(fact.source, self.repository.id, kept, self.work.now)
        numbers = [one.number for one in self.work.changes.by_branch(self.repository.id, fact.branch)]
        # All changes before any task: who is told of a change locks them in that order.
        found = [self.work.changes.find(fact.source, self.repository.id, number) for number in sorted(numbers)]
        changes = [(change, self._said(change)) for change in found if change is not None]
        self.standings.watch({task_id for _, said in changes for task_id in said})
        for change, said in changes:
            self._tie_said(change, said)
        self.standings.settle()
        return any(said for _, said in changes)

    def _tie_said(self, change: Change, said: dict[int, Reference]) -> None:
        """Tie a change to what its commits name, as if they had been known when it was told of."""
        known = {link.task_id: link for link in self.work.changes.links(change.id)}
        for task_id, reference in sorted(said.items()):
            link = known.get(task_id)
            is_stronger = link is None or (reference.closes and not link.closes)
            is_gone = link is not None and not link.closes and link.reason.startswith(_BEFORE)
            is_taken_back = link is not None and link.closes and link.reason == reference.reason
            if is_stronger or is_gone or is_taken_back:
                self._tie(change, task_id, link, reference.closes, reference.reason)

    def _commit(self, fact: CommitsPushed, commit: Commit) -> bool:
        links = [
            CommitLink(
                repository_id=self.repository.id, source=fact.source, commit=commit.id, task_id=task_id, at=commit.at,
                head=fact.head or fact.commits[-1].id,
                reason=f"{reference.reason} in {commit.id[:10]} on {fact.branch}",
            )
            for reference in self._references(commit.message)
            if reference.closes and (task_id := self._task_id(reference)) is not None
        ]  # fmt: skip
        reverted = find_reverts(commit.message, self.repository.name, changes=False)
        self.standings.watch(link.task_id for link in links)
        new = [link for link in links if self.work.changes.link_commit(link)]
        if reverted:
            known = self.work.changes.reverts_by(fact.source, self.repository.id, commit.id)
            if set(reverted) != set(known):
                self.standings.watch(touched_by_revert(self.work, fact.source, self.repository.id, reverted))
                self.work.changes.set_reverts(fact.source, self.repository.id, commit.id, reverted)
                return True
        return bool(new)

    # Parts ------------------------------------------------------------------------------------------------------------

    def _keep(
        self,
        ref: ChangeRef,
        state: ChangeState,
        *,
        merged_at: datetime | None = None,
        merge_commit: str = "",
        rank: int | None = None,
    ) -> tuple[Change, Change | None] | None:
        """Bring the stored change up to date; with what it was, or None when the fact is older than what is known."""
        if ref.branch and not ref.is_fork:
            self.work.changes.lock_branch(self.repository.id, ref.branch)
        known = self.work.changes.find(ref.source, self.repository.id, ref.number)
        if known is None:
            added = self.work.changes.add(
                ref, self.repository.id, state, self.work.now, merged_at=merged_at, merge_commit=merge_commit
            )
            if added is not None:
                self.standings.watch(self._named(added, ref))
                self._note_reverts(added, ref)
                return added, None
            known = self.work.changes.find(ref.source, self.repository.id, ref.number)
            assert known is not None  # noqa: S101 - it was in the way, so it is there
        if _is_stale(known, ref.updated_at, state, _ORDER[state] if rank is None else rank):
            return None
        linked = {link.task_id for link in self.work.changes.links(known.id)}
        self.standings.watch({*linked, *self._named(_read(known, ref), ref)})
        if _is_older(ref.updated_at, known):  # a merge: it counts whenever it comes, but what it says is old
            ref = attrs.evolve(ref, title="", branch="", url="", author="", head="", updated_at=None)
        ended = attrs.evolve(
            known, merged_at=merged_at or known.merged_at, merge_commit=merge_commit or known.merge_commit
        )
        return self._renew(ended, state, ref), known

    def _renew(self, known: Change, state: ChangeState, ref: ChangeRef) -> Change:
        changed = attrs.evolve(
            _read(known, ref),
            state=state,
            url=ref.url or known.url,
            author=ref.author or known.author,
            head=ref.head or known.head,
            is_fork=ref.is_fork or known.is_fork,
            updated_at=self.work.now,
            host_updated_at=ref.updated_at or known.host_updated_at,
            host_created_at=ref.created_at or known.host_created_at,
        )
        self._note_reverts(changed, ref)
        self.work.changes.save(changed, self.work.now)
        return changed

    def _note_reverts(self, change: Change, ref: ChangeRef) -> None:
        """What the change takes back, once it is merged; by its latest text."""
        by = f"#{change.number}"
        targets = self.work.changes.reverts_by(change.source, self.repository.id, by)
        said = targets
        if ref.title:
            said = [target for target in find_reverts(ref.body, self.repository.name) if target != by]
        if not (targets or said):
            return
        for target in (targets, said):
            self.standings.watch(touched_by_revert(self.work, change.source, self.repository.id, target))
        if set(said) != set(targets):
            self.work.changes.set_reverts(change.source, self.repository.id, by, said)

    def _link(self, change: Change, ref: ChangeRef) -> builtins.list[tuple[Task, ChangeLink]]:
        """Tie the change to every task that it names, and answer all that it is tied to."""
        known = {link.task_id: link for link in self.work.changes.links(change.id)}
        named = self._named(change, ref)
        for task_id, reference in sorted(named.items()):
            self._tie(change, task_id, known.get(task_id), reference.closes, reference.reason)
        if ref.title and not _is_older(ref.updated_at, change):
            for task_id, link in known.items():
                if link.closes and task_id not in named:
                    # It was edited and does not name the task any more; it did, which is kept as a mere mention.
                    self.work.changes.link(attrs.evolve(link, closes=False, reason=f"{_BEFORE}{link.reason}"))
        links = self.work.changes.links(change.id)
        return [(self.standings.task(link.task_id), link) for link in links]

    def _named(self, change: Change, ref: ChangeRef) -> dict[int, Reference]:
        """The tasks that a change names, each with the strongest reference to it."""
        said = find_references(
            branch=change.branch, title=change.title, body=ref.body, prefix=self.prefix, closing=self.closing
        )
        return self._strongest([*said, *self._in_commits(change)])

    def _said(self, change: Change) -> dict[int, Reference]:
        """The tasks that the commits of a change name."""
        return self._strongest(self._in_commits(change))

    def _strongest(self, references: Iterable[Reference]) -> dict[int, Reference]:
        named: dict[int, Reference] = {}
        for reference in references:
            task_id = self._task_id(reference)
            if task_id is not None and (task_id not in named or (reference.closes and not named[task_id].closes)):
                named[task_id] = reference
        return named

    def _in_commits(self, change: Change) -> builtins.list[Reference]:
        """What the messages of a change's commits name; those that may be gone from it close nothing."""
        commits = self.work.changes.branch_commits(change, _MOST_COMMITS)
        rewritten = max((commit.pushed_at for commit in commits if commit.rewrites), default=_EPOCH)
        found = []
        for commit in commits:
            is_kept = commit.pushed_at >= rewritten
            for reference in self._references(commit.message):
                found.append(attrs.evolve(reference, closes=reference.closes and is_kept))
        return found

    def _references(self, message: str) -> tuple[Reference, ...]:
        return find_references(messages=(message,), prefix=self.prefix, closing=self.closing)

    def _tie(self, change: Change, task_id: int, known: ChangeLink | None, closes: bool, reason: str) -> None:
        link = ChangeLink(
            change_id=change.id, task_id=task_id, closes=closes, reason=reason,
            spent=known is not None and known.spent,
        )  # fmt: skip
        if link != known and self.work.changes.link(link):
            self._tell(ChangeLinked, self.standings.task(task_id), change, closes=closes, reason=reason)

    def _task_id(self, reference: Reference) -> int | None:
        """The task that a reference means. Taskmaster's numbers count within their repository only."""
        if reference.task_id is None:
            return self.work.tasks.find_external(self.repository.id, reference.external_key or "")
        return reference.task_id if self.work.tasks.many([reference.task_id]) else None

    def _told(self, kind: Any, task: Task, change: Change) -> bool:
        return self.work.events.has(kind.TYPE, task.id, change.url) if change.url else False

    def _tell(self, kind: Any, task: Task, change: Change, **payload: Any) -> None:
        self.work.record(
            kind, actor=self.actor, task_id=task.id, repository_id=self.repository.id, delivery=self.delivery,
            source=change.source, number=change.number, url=change.url, title=change.title, **payload,
        )  # fmt: skip


def _read(known: Change, ref: ChangeRef) -> Change:
    """A change with the texts that name its tasks as they are now."""
    return attrs.evolve(known, title=ref.title or known.title, branch=ref.branch or known.branch)


def _weight(at: datetime | None, rank: int) -> tuple[datetime, int]:
    """Later wins; of two at one time the one that asks for more, so that their order does not matter."""
    return (at or _EPOCH, rank)


def _is_older(at: datetime | None, known: Change) -> bool:
    return at is not None and known.host_updated_at is not None and at < known.host_updated_at


def _is_stale(known: Change, at: datetime | None, state: ChangeState, rank: int) -> bool:
    if ChangeState.MERGED in (known.state, state):
        # Merged is where a change ends: nothing undoes it, and it counts however late it is told.
        return known.state is ChangeState.MERGED
    # Of two facts with one time, the one further along wins, so that a repeated delivery never moves backwards.
    same = at is not None and at == known.host_updated_at
    return _is_older(at, known) or (same and rank < _ORDER[known.state])
