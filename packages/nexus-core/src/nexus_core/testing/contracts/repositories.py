# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Repositories, and the changes on code hosts."""

from __future__ import annotations

import attrs
import pytest

from ...domain.changes import BranchCommit, ChangeLink, ChangeRef, ChangeState, Check, CommitLink, Review
from ...domain.issues import Issue, IssueText
from ...errors import Duplicate, NotFound
from ...ports.storage import Store
from .aids import LATER, NOW, make_repository, make_task


class RepositoriesContract:
    """Repositories."""

    def test_repository_round_trip(self, store: Store) -> None:
        """A repository comes back as it was stored, by id, by name in any case, and by its host's id."""
        made = make_repository(store, "Acme/Api", "4711")

        with store.reading() as tx:
            found = (
                tx.repositories.get(made.id), tx.repositories.find("acme/API"), tx.repositories.find_external("4711"),
            )  # fmt: skip

            assert (made, made, made) == found
            assert (NOW, "main") == (made.created_at, made.default_branch)

    def test_repository_name_is_unique(self, store: Store) -> None:
        """Names differ in more than their case."""
        make_repository(store, "acme/api")

        with pytest.raises(Duplicate), store.writing() as tx:
            tx.repositories.add("ACME/api", "", default_branch="main", external_id=None, now=NOW)

    @pytest.mark.parametrize("missing", [0, -1, 999, 2**63, 10**30])
    def test_missing_repository(self, store: Store, missing: int) -> None:
        """An id that does not exist is not found, however large it is."""
        with store.reading() as tx, pytest.raises(NotFound):
            tx.repositories.get(missing)

    def test_repository_is_saved(self, store: Store) -> None:
        """A changed repository is written, and listed in the order of ids."""
        first, second = make_repository(store, "a/a"), make_repository(store, "a/b")
        renamed = attrs.evolve(first, name="a/z", url="https://example.org/a/z", external_id="7")
        with store.writing() as tx:
            tx.repositories.save(renamed)

        with store.reading() as tx:
            assert [renamed, second] == tx.repositories.list()


class ChangesContract:
    """Changes on code hosts."""

    def test_change_round_trip(self, store: Store) -> None:
        """A change is stored once, and found by number, by head and by branch."""
        repository = make_repository(store)
        with store.writing() as tx:
            made = tx.changes.add(_ref(), repository.id, ChangeState.OPEN, NOW)
            again = tx.changes.add(_ref(), repository.id, ChangeState.OPEN, NOW)

        assert made is not None and again is None
        with store.writing() as tx:
            assert made == tx.changes.find("github", repository.id, 7)
            assert [made] == tx.changes.by_head("github", repository.id, "abc")
            assert [made] == tx.changes.by_branch(repository.id, "nx-1")
            assert [made] == tx.changes.open_in(made.source, repository.id)
            assert tx.changes.find("gitlab", repository.id, 7) is None

    def test_change_is_saved(self, store: Store) -> None:
        """State and the host's time are written."""
        repository = make_repository(store)
        with store.writing() as tx:
            made = tx.changes.add(_ref(), repository.id, ChangeState.DRAFT, NOW)
            assert made is not None
            tx.changes.save(attrs.evolve(made, state=ChangeState.MERGED, host_updated_at=LATER), LATER)

        with store.writing() as tx:
            found = tx.changes.find("github", repository.id, 7)
            assert found is not None
            assert (ChangeState.MERGED, LATER, LATER) == (found.state, found.host_updated_at, found.updated_at)

    def test_change_links(self, store: Store) -> None:
        """A change is tied to a task once; tying it again brings the reason up to date."""
        repository, task = make_repository(store), make_task(store)
        with store.writing() as tx:
            change = tx.changes.add(_ref(), repository.id, ChangeState.OPEN, NOW)
            assert change is not None
            link = ChangeLink(change_id=change.id, task_id=task.id, closes=False, reason="the title names it")
            firmer = attrs.evolve(link, closes=True, reason="the branch names it")

            assert (True, False) == (tx.changes.link(link), tx.changes.link(firmer))
            assert [firmer] == tx.changes.links(change.id)
            assert [(change, firmer)] == tx.changes.of_task(task.id)

    def test_reviews_and_checks(self, store: Store) -> None:
        """The latest word of each is kept, also of a change and a commit that nobody has heard of."""
        repository = make_repository(store)
        review = Review(reviewer="5", name="eve", verdict="approved", commit="abc", body="é", at=NOW)
        check = Check(key="ci", name="CI", conclusion="failure", summary="no", url="u", at=None)
        later = attrs.evolve(review, verdict="changes_requested", at=LATER)
        passed = attrs.evolve(check, conclusion="success", at=LATER)
        with store.writing() as tx:
            for word in (review, later):
                tx.changes.review("github", repository.id, 7, word)
            for end in (check, passed):
                tx.changes.check("github", repository.id, "abc", end)

            assert [later] == tx.changes.reviews("github", repository.id, 7)
            assert [passed] == tx.changes.checks("github", repository.id, "abc")
            assert [] == tx.changes.reviews("gitlab", repository.id, 7) + tx.changes.reviews("github", repository.id, 8)
            assert [] == tx.changes.checks("github", repository.id, "abd")

    def test_old_checks_are_forgotten(self, store: Store) -> None:
        """But those of the commit that an open change ends with."""
        repository = make_repository(store)
        check = Check(key="ci", name="CI", conclusion="failure", summary="", url="", at=NOW)
        with store.writing() as tx:
            tx.changes.add(_ref(), repository.id, ChangeState.OPEN, NOW)
            for head in ("abc", "abd"):
                tx.changes.check("github", repository.id, head, check)

            assert (0, 1) == (tx.changes.prune_checks(NOW), tx.changes.prune_checks(LATER))
            assert [check] == tx.changes.checks("github", repository.id, "abc")

    def test_commits_of_a_branch(self, store: Store) -> None:
        """Each change has those that were pushed since the one before it was merged; a fork's has none."""
        repository = make_repository(store)
        with store.writing() as tx:
            tx.changes.lock_branch(repository.id, "nx-1")
            first = tx.changes.add(_ref(), repository.id, ChangeState.MERGED, NOW, merged_at=NOW)
            more = (attrs.evolve(_ref(), number=8), attrs.evolve(_ref(), number=9, is_fork=True))
            second, fork = (tx.changes.add(one, repository.id, ChangeState.OPEN, NOW) for one in more)
            early = BranchCommit(branch="nx-1", id="abd", message="refs NX-1", rewrites=False, pushed_at=NOW)
            late = attrs.evolve(early, id="abe", message="é", pushed_at=LATER)
            for commit in (late, attrs.evolve(early, pushed_at=LATER), early, attrs.evolve(early, branch="nx-2")):
                named = attrs.evolve(commit, id=f"{commit.id}{commit.branch}")
                tx.changes.note_branch("github", repository.id, named, LATER)
            for commit in (early, late, attrs.evolve(late, rewrites=True, pushed_at=NOW)):
                tx.changes.note_branch("github", repository.id, commit, LATER)

        assert first is not None and second is not None and fork is not None
        with store.writing() as tx:
            found = [[one.id for one in tx.changes.branch_commits(change, 9)] for change in (first, second, fork)]
            assert [["abd"], ["abdnx-1", "abe", "abenx-1"], []] == found
            assert [attrs.evolve(late, rewrites=True)] == tx.changes.branch_commits(second, 9)[1:2]
            assert ["abdnx-1"] == [one.id for one in tx.changes.branch_commits(second, 1)]
            assert (0, 1) == (tx.changes.prune_branches(NOW), tx.changes.prune_branches(LATER))
            told = tx.changes.branch_commits(attrs.evolve(first, updated_at=LATER), 9)
            assert ["abd", "abdnx-1", "abe", "abenx-1"] == sorted(one.id for one in told)

    def test_what_took_back_what(self, store: Store) -> None:
        """It is said anew as a whole, and found from both ends."""
        repository = make_repository(store)
        with store.writing() as tx:
            tx.changes.set_reverts("github", repository.id, "#9", ["#7", "abc"])
            tx.changes.set_reverts("github", repository.id, "#9", ["#7", "abd"])

            assert ["#7", "abd"] == tx.changes.reverts_by("github", repository.id, "#9")
            assert [("#7", "#9")] == tx.changes.reverts_of("github", repository.id, ["#7", "abc"])

    def test_commits_and_merges_are_spent(self, store: Store) -> None:
        """Once somebody reopened their task; a change that is open is not."""
        repository, task = make_repository(store), make_task(store)
        link = CommitLink(
            repository_id=repository.id, source="github", commit="abc", task_id=task.id, reason="r", head="abd", at=NOW
        )
        with store.writing() as tx:
            changes = [
                tx.changes.add(attrs.evolve(_ref(), number=number), repository.id, state, NOW, merge_commit="abe")
                for number, state in ((7, ChangeState.MERGED), (8, ChangeState.OPEN))
            ]
            for change in changes:
                assert change is not None
                tx.changes.link(ChangeLink(change_id=change.id, task_id=task.id, closes=True, reason="r"))

            assert (True, False) == (tx.changes.link_commit(link), tx.changes.link_commit(link))
            assert [link] == tx.changes.commits_of(task.id)
            tx.changes.spend(task.id)
            assert [True, False] == [one.spent for _, one in tx.changes.of_task(task.id)]
            assert [attrs.evolve(link, spent=True)] == tx.changes.commits_of(task.id)
            assert [task.id] == tx.changes.tasks_of_commit("github", repository.id, "abc")
            assert changes == tx.changes.by_commit("github", repository.id, "abe")
            assert changes[0] == tx.changes.look("github", repository.id, 7)

    def test_issue_round_trip(self, store: Store) -> None:
        """Stored once by its host's own id; found by that, by number and by task."""
        repository, task = make_repository(store), make_task(store)
        text = IssueText(title="T", body="é", state="open", labels=("a", "b"))
        new = Issue(
            id=0, source="github", repository_id=repository.id, external_id="I_5", number=5, url="u", author="ann",
            text=text, trusted=False, host_updated_at=NOW,
        )  # fmt: skip
        with store.writing() as tx:
            made = tx.issues.add(new)
            assert made is not None and tx.issues.add(new) is None
            assert made == attrs.evolve(new, id=made.id)
            tied = attrs.evolve(made, task_id=task.id, trusted=True, number=6)
            tx.issues.save(tied)
            tx.issues.tie(made.id, task.id)

            assert tied == tx.issues.find("github", "I_5") == tx.issues.of_task(task.id)
            assert tied == tx.issues.numbered("github", repository.id, 6)
            assert made.id == tx.tasks.get(task.id).issue_id


def _ref() -> ChangeRef:
    return ChangeRef(
        source="github", repository="acme/api", number=7, title="T", branch="nx-1", url="u", author="ann", head="abc",
        updated_at=NOW,
    )  # fmt: skip
