# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Tasks as the API shows them: the JSON that a store makes is the JSON that the library makes of its tasks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ...domain.tasks import NewTask, Priority, Status
from ...errors import Invalid, NotFound
from ...ports.queries import TaskQuery
from ...ports.storage import Store
from ...wire import task_to_wire
from .aids import LATER, NOW, make_repository, make_task

_NUMBERS = {"n": [0, -1, 2**53 + 1, 2.5, -0.125, 1e-7, 1.5e300, 123456789012345678901234567890]}
_TEXTS = {
    "t": 'quote " slash / back \\ tab \t line \n é 😀 \u2028 \x01',
    "": "",
    "null": None,
    "empty": [{}, [], [None]],
}
_AWKWARD: tuple[dict[str, Any], ...] = (
    {"title": "Plain"},
    {"title": 'Ship 100 % é 😀 "quoted" \\ back', "description": "line\n\ttab\r\u2028\x01\x7f", "details": "</script>"},
    {"title": "Numbers", "raw_data": _NUMBERS, "complexity_auto": 3, "complexity_manual": 9},
    {"title": "Texts", "raw_data": _TEXTS, "labels": ('a"b', "é", "", "x,y"), "complexity_auto": 1},
    {"title": "Parked", "not_before": LATER, "external_key": "master:1.2"},
    {"title": "Parked to the microsecond", "not_before": NOW + timedelta(microseconds=7)},
    {"title": "Done", "status": Status.DONE, "priority": Priority.CRITICAL, "test_strategy": "look"},
)
_AT = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


def _fill(store: Store) -> list[int]:
    """Awkward tasks, with and without repository, parent, dependencies, holder; their ids."""
    repository = make_repository(store, "acme/é-api")
    with store.writing() as tx:
        made = [tx.tasks.add(NewTask(**fields), at) for fields in _AWKWARD for at in (NOW, _AT)]
        parent, other = made[0].id, made[3].id
        last = tx.tasks.add(NewTask(title="Part", repository_id=repository.id, parent_id=parent), _AT)
        for on in (other, parent, made[5].id):
            tx.tasks.depend(last.id, on)
        held = tx.tasks.hold(tx.tasks.get(made[1].id), 'agent "é"', NOW)
    return [*(task.id for task in made), last.id, held.id]


class ShownContract:
    """Tasks as JSON."""

    @pytest.mark.parametrize("now", [NOW, NOW + timedelta(microseconds=7), LATER])
    def test_shown_task_is_the_task_on_the_wire(self, store: Store, now: datetime) -> None:
        """Field for field, in the same order, whatever is in it, and ready by the time that is given."""
        for task_id in _fill(store):
            with store.glancing() as tx:
                shown = tx.tasks.show(task_id, "AB", now)
            with store.reading() as tx:
                task = tx.tasks.get(task_id)
            expected = task_to_wire(task, "AB", now=now)

            assert expected == json.loads(shown.body)
            assert list(expected) == list(json.loads(shown.body))
            assert (task.repository_id, task.version) == (shown.repository_id, shown.version)

    @pytest.mark.parametrize("sort", ["id", "-id", "-updated_at", "order"])
    @pytest.mark.parametrize("ready", [None, True, False])
    def test_shown_pages_are_the_pages(self, store: Store, sort: str, ready: bool | None) -> None:
        """The same tasks in the same order with the same cursors, to the last page."""
        _fill(store)
        query = TaskQuery(sort=sort, ready=ready, limit=3)
        pages = 0
        while True:
            with store.reading() as tx:
                page = tx.tasks.page(query, repository_id=None, visible=None, now=NOW)
                shown = tx.tasks.show_page(query, repository_id=None, visible=None, prefix="NX", now=NOW)
            pages += 1

            assert [task_to_wire(task, now=NOW) for task in page.items] == json.loads(shown.items)
            assert page.next_cursor == shown.next_cursor
            if page.next_cursor is None:
                break
            query = TaskQuery(sort=sort, ready=ready, limit=3, cursor=page.next_cursor)

        assert pages > 1

    def test_shown_page_is_narrowed(self, store: Store) -> None:
        """Who sees some repositories is shown no task of others, and none without a repository."""
        ours, theirs = make_repository(store, "a/ours"), make_repository(store, "a/theirs")
        mine = make_task(store, repository_id=ours.id)
        make_task(store, repository_id=theirs.id)
        make_task(store)

        def ids(visible: frozenset[int] | None, repository_id: int | None = None) -> list[int]:
            with store.glancing() as tx:
                page = tx.tasks.show_page(
                    TaskQuery(), repository_id=repository_id, visible=visible, prefix="NX", now=NOW
                )
            return [item["id"] for item in json.loads(page.items)]

        assert [mine.id] == ids(frozenset({ours.id}))
        assert [] == ids(frozenset({ours.id}), theirs.id) == ids(frozenset())
        assert 3 == len(ids(None))

    def test_glance_within_writing(self, store: Store) -> None:
        """A glance within a writing transaction of the same thread sees what that wrote."""
        with store.writing() as tx:
            made = tx.tasks.add(NewTask(title="New"), NOW)
            with store.glancing() as inner:
                assert "New" == json.loads(inner.tasks.show(made.id, "NX", NOW).body)["title"]

    def test_what_cannot_be_shown(self, store: Store) -> None:
        """A task that is not there, and an order that there is not, are refused."""
        with store.glancing() as tx:
            with pytest.raises(NotFound):
                tx.tasks.show(2**70, "NX", NOW)
            with pytest.raises(NotFound):
                tx.tasks.show(4711, "NX", NOW)
            with pytest.raises(Invalid):
                tx.tasks.show_page(TaskQuery(sort="title"), repository_id=None, visible=None, prefix="NX", now=NOW)
