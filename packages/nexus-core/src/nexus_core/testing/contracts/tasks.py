# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Tasks, their dependencies, and lists of them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ...domain.tasks import NewTask, Priority, Status
from ...errors import Duplicate, Invalid, NotFound, StaleWrite
from ...ports.graph import NewStanding
from ...ports.queries import TaskQuery, Visible
from ...ports.storage import Store
from .aids import EARLIER, LATER, NOW, make_repository, make_task, make_tasks

RAW = {"id": 1, "nested": {"a": [1, 2.5, None, True, "é"]}, "": ""}


class TasksContract:
    """Tasks."""

    def test_task_round_trip(self, store: Store) -> None:
        """Every field comes back as it was stored."""
        repository = make_repository(store)
        parent = make_task(store)
        new = NewTask(
            title="Ship 100 % é 😀", status=Status.REVIEW, priority=Priority.CRITICAL, repository_id=repository.id,
            parent_id=parent.id, description="d", details="e", test_strategy="f", labels=("python", 'a"b', "é"),
            complexity_auto=3, complexity_manual=9, external_key="master:1", raw_data=RAW, not_before=LATER,
        )  # fmt: skip
        with store.writing() as tx:
            made = tx.tasks.add(new, NOW)

        with store.reading() as tx:
            found = tx.tasks.get(made.id)
        expected = {field.name: getattr(new, field.name) for field in attrs.fields(NewTask)}

        assert made == found
        assert expected == {name: getattr(found, name) for name in expected}
        assert ("acme/api", 1, NOW, NOW) == (found.repository, found.version, found.created_at, found.updated_at)

    def test_save_counts_versions(self, store: Store) -> None:
        """A change is written with the next version; one from an older version is refused."""
        made = make_task(store)
        with store.writing() as tx:
            saved = tx.tasks.save(attrs.evolve(made, title="B", labels=("x",), not_before=LATER), LATER)

        assert ("B", ("x",), LATER, 2) == (saved.title, saved.labels, saved.not_before, saved.version)
        assert (NOW, LATER) == (saved.created_at, saved.updated_at)
        with pytest.raises(StaleWrite), store.writing() as tx:
            tx.tasks.save(made, LATER)

    def test_external_key_is_unique_in_its_repository(self, store: Store) -> None:
        """One key names one task of a repository; other repositories, and none, are free to use it."""
        first, second = make_repository(store, "a/a"), make_repository(store, "a/b")
        make_task(store, repository_id=first.id, external_key="master:1")
        make_task(store, repository_id=second.id, external_key="master:1")

        with pytest.raises(Duplicate):
            make_task(store, repository_id=first.id, external_key="master:1")

    @pytest.mark.parametrize("missing", [0, -5, 999_999, 2**63, 10**30])
    def test_missing_task(self, store: Store, missing: int) -> None:
        """An id that does not exist is not found, however large it is."""
        with store.writing() as tx:
            for lock in (False, True):
                with pytest.raises(NotFound):
                    tx.tasks.get(missing, lock=lock)

    def test_many(self, store: Store) -> None:
        """Those that exist, in the order of ids; also of more than a statement has room for."""
        ids = make_tasks(store, 3)
        with store.reading() as tx:
            assert ids == [task.id for task in tx.tasks.many([*reversed(ids), *range(10**6, 10**6 + 1200)])]
            assert [] == tx.tasks.many([])

    def test_family(self, store: Store) -> None:
        """Children, ancestors from near to far, and all below."""
        top = make_task(store)
        middle = make_task(store, parent_id=top.id)
        low, lower = make_task(store, parent_id=middle.id), make_task(store, parent_id=middle.id)

        with store.reading() as tx:
            assert [low.id, lower.id] == [task.id for task in tx.tasks.children(middle.id)]
            assert [middle.id, top.id] == [task.id for task in tx.tasks.ancestors(low.id)]
            assert {middle.id: 1, low.id: 1, lower.id: 1} == tx.tasks.descendants([top.id])
            assert {middle.id: 1, low.id: 2, lower.id: 2} == tx.tasks.descendants([top.id, middle.id])
            assert ([], [], {}) == (
                tx.tasks.children(low.id),
                tx.tasks.ancestors(top.id),
                tx.tasks.descendants([low.id]),
            )

    def test_dependencies(self, store: Store) -> None:
        """Added once, shown on the task in order, removed once."""
        a, b, c = make_tasks(store, 3)
        with store.writing() as tx:
            assert [True, True, False] == [tx.tasks.depend(c, b), tx.tasks.depend(c, a), tx.tasks.depend(c, b)]
            assert (a, b) == tx.tasks.get(c).dependencies
            assert [(c, a), (c, b)] == tx.tasks.dependencies([a, b, c])
            assert [(c, a)] == tx.tasks.dependents([a])
            assert [True, False] == [tx.tasks.undepend(c, b), tx.tasks.undepend(c, b)]

    def test_reserved(self, store: Store) -> None:
        """Ids that were reserved are nobody else's; tasks stored under them are as others are, parents first."""
        repository = make_repository(store)
        with store.writing() as tx:
            first, second = tx.tasks.reserve(2)
            assert [] == tx.tasks.reserve(0)
            above = NewTask(title="Above", repository_id=repository.id, external_key="master:1", raw_data=RAW)
            below = NewTask(title="Below", repository_id=repository.id, parent_id=first, labels=("x",))
            tx.tasks.add_reserved({first: above, second: below}, {second: NewStanding(7, 1, 2, 3, 4, 5)}, NOW)
            tx.tasks.depend_all([(second, first)])
            third = tx.tasks.add(NewTask(title="Third"), NOW)
            one, two = tx.tasks.get(first), tx.tasks.get(second)

            assert [first, second, third.id] == sorted({first, second, third.id})
            assert ("Above", "master:1", RAW, 1, NOW, 0) == (
                one.title, one.external_key, one.raw_data, one.version, one.created_at, one.level,
            )  # fmt: skip
            assert (first, ("x",), (first,)) == (two.parent_id, two.labels, two.dependencies)
            assert (7, 1, 2, 3, 4, 5) == (
                two.level, two.open_dependencies, two.open_subtasks, two.blocked_ancestors, two.impact, two.chain,
            )  # fmt: skip
        with pytest.raises(Duplicate), store.writing() as tx:
            tx.tasks.add_reserved({tx.tasks.reserve(1)[0]: above}, {}, NOW)

    def test_external_look_up(self, store: Store) -> None:
        """By the whole key; without its tag when one tag alone has it."""
        repository = make_repository(store)
        one = make_task(store, repository_id=repository.id, external_key="master:3.2").id
        make_task(store, repository_id=repository.id, external_key="master:13.2")
        for tag in ("a", "b"):
            make_task(store, repository_id=repository.id, external_key=f"{tag}:5")

        with store.reading() as tx:
            keys = tx.tasks.keys_of(repository.id)
            assert (one, one) == (keys["master:3.2"], tx.tasks.find_external(repository.id, "master:3.2"))
            assert (one, None, None) == tuple(
                tx.tasks.find_external(repository.id, key) for key in (":3.2", ":5", "master:_.2")
            )

    def test_task_file(self, store: Store) -> None:
        """The bytes of an imported file are kept as they were; the latest import counts."""
        repository = make_repository(store)
        with store.writing() as tx:
            assert tx.tasks.file(repository.id) is None
            tx.tasks.save_file(repository.id, "tasks.json", "taskmaster", b"old", NOW)
            tx.tasks.save_file(repository.id, "t.json", "taskmaster", b"\x00\xff{}", LATER)

            assert ("t.json", "taskmaster", b"\x00\xff{}") == tx.tasks.file(repository.id)

    def test_counts_by_status(self, store: Store) -> None:
        """How many tasks each repository has in each status, those of none included."""
        repository = make_repository(store)
        make_task(store)
        for status in (Status.DONE, Status.DONE, Status.PENDING):
            make_task(store, repository_id=repository.id, status=status)

        with store.reading() as tx:
            expected = {(None, "pending"): 1, (repository.id, "done"): 2, (repository.id, "pending"): 1}
            assert expected == tx.tasks.counts()

    def test_graph(self, store: Store) -> None:
        """The tasks of a repository with those of others that they touch; all of them without a repository."""
        near, far = make_repository(store, "a/near"), make_repository(store, "a/far")
        mine = make_task(store, repository_id=near.id).id
        before, after, apart = make_tasks(store, 3, repository_id=far.id)
        with store.writing() as tx:
            tx.tasks.depend(mine, before)
            tx.tasks.depend(after, mine)

        with store.reading() as tx:
            assert [mine, before, after] == [task.id for task in tx.tasks.graph(near.id, None)]
            assert [mine, before, after, apart] == [task.id for task in tx.tasks.graph(None, None)]
            assert [mine] == [task.id for task in tx.tasks.graph(None, frozenset({near.id}))]
            assert [before, after, apart] == [task.id for task in tx.tasks.of_repository(far.id)]

    @pytest.mark.parametrize("sort", ["id", "-id", "-updated_at", "order"])
    def test_pages_are_whole(self, store: Store, sort: str) -> None:
        """Walking a list page by page gives every task once, in the order of the whole list."""
        with store.writing() as tx:
            for number in range(11):
                priority, complexity = list(Priority)[number % 4], number % 5 + 1
                new = NewTask(title=f"{number}", priority=priority, complexity_manual=complexity)
                tx.tasks.add(new, (EARLIER, NOW, LATER)[number % 3])
        whole = _page(store, sort=sort, limit=200)[0]
        walked: list[int] = []
        cursor = None
        while True:
            ids, cursor = _page(store, sort=sort, limit=3, cursor=cursor)
            walked += ids
            if cursor is None:
                break

        assert 11 == len(set(whole))
        assert whole == walked

    @pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "WyJpZCIsInRleHQiXQ", "W" * 5000])
    def test_foreign_cursor_is_invalid(self, store: Store, cursor: str) -> None:
        """A cursor that no list gave is a fault of the input."""
        with pytest.raises(Invalid):
            _page(store, cursor=cursor)

    def test_filters(self, store: Store) -> None:
        """Each filter keeps what it names; signs that the database knows are taken literally."""
        repository = make_repository(store)
        top = make_task(store, "Top_1", repository_id=repository.id, labels=("a%b", "é")).id
        child = make_task(store, "Child 100%", parent_id=top, status=Status.DONE, description="Words HERE").id
        cases: list[tuple[dict[str, Any], list[int]]] = [
            ({"status": ("done",)}, [child]), ({"status": ("done", "pending")}, [top, child]),
            ({"repository_id": repository.id}, [top]), ({"parent": top}, [child]), ({"label": "a%b"}, [top]),
            ({"label": "é"}, [top]), ({"label": "a"}, []), ({"label": "%"}, []), ({"q": "words here"}, [child]),
            ({"q": "top_1"}, [top]), ({"q": "t_p"}, []), ({"q": "100%"}, [child]), ({"agent": "claude"}, []),
            ({"ready": True}, [top]), ({"ready": False}, [child]), ({"visible": frozenset()}, []),
            ({"visible": frozenset({repository.id})}, [top]),
        ]  # fmt: skip

        assert [wanted for _, wanted in cases] == [_page(store, **given)[0] for given, _ in cases]

    def test_unknown_sort_is_invalid(self, store: Store) -> None:
        """A sort that does not exist is a fault of the input."""
        with pytest.raises(Invalid):
            _page(store, sort="title; DROP TABLE tasks")


def _page(
    store: Store, *, repository_id: int | None = None, visible: Visible = None, **query: Any
) -> tuple[list[int], str | None]:
    with store.reading() as tx:
        page = tx.tasks.page(TaskQuery(**query), repository_id=repository_id, visible=visible, now=NOW)
    return [task.id for task in page.items], page.next_cursor
