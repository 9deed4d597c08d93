"""Many rows as one stream: the same rows as by statements, ids in order, and only where nothing else is asked for."""

from contextlib import closing

import pytest

from nexus_core.domain.access import LOCAL
from nexus_core.domain.events import NewEvent
from nexus_core.errors import Duplicate
from nexus_core.storage.store import SqlStore
from nexus_core.testing.contracts.aids import NOW, make_repository
from nexus_plugin_postgres import bulk
from nexus_plugin_postgres.engine import PostgresEngine, rendered


@pytest.mark.parametrize(
    ("name", "columns"),
    [("insert_event", 13), ("insert_reserved_task", 24), ("insert_new_dependency", 2), ("insert_job", None),
     ("insert_dependency", None), ("save_task_file", None), ("get_task", None), ("update_task", None)],
)  # fmt: skip
def test_only_plain_insertions_are_streams(name, columns):
    """What says what to do about a conflict, computes a value or does something else stays a statement."""
    stream = bulk.stream_of(rendered()[name])

    assert columns == (stream and len(stream.columns))
    assert stream is None or len(stream.columns) == len(stream.values)


def test_a_text_within_the_statement_is_the_same_in_each_row():
    """As it stands there."""
    stream = bulk.stream_of("INSERT INTO t (a, b) VALUES (:x, 'pending') RETURNING id")

    assert (("x", "=pending"), {"=pending": "pending"}) == (stream.values, stream.constants)


@pytest.fixture
def store(postgres_url):
    with closing(SqlStore(PostgresEngine(postgres_url))) as opened:
        opened.migrate()
        yield opened


@pytest.mark.parametrize("number", [bulk.MANY - 1, bulk.MANY, 3 * bulk.MANY])
def test_events_come_back_as_they_went_in(store, number):
    """Whatever they hold, however many there are; the feed has them in order."""
    odd = {"text": 'a\tb\\n"é"😀', "none": None, "list": [1, 2.5, True]}
    new = [
        NewEvent(type="bench.happened", actor=LOCAL, task_id=index, payload={**odd, "number": index})
        for index in range(number)
    ]
    with store.writing() as tx:
        ids = tx.events.add(new, NOW)
    with store.reading() as tx:
        found = tx.events.list(after=0, kind=None, task_id=None, visible=None, limit=number + 1, newest=False)

    assert sorted(ids) == list(ids) == [event.id for event in found]
    assert [one.payload for one in new] == [event.payload for event in found]
    assert [one.task_id for one in new] == [event.task_id for event in found]
    assert {(NOW, LOCAL.name, None)} == {(event.created_at, event.actor_name, event.delivery) for event in found}


def test_a_stream_that_is_refused_says_why(store):
    """As a statement would: the key is taken."""
    from nexus_core.domain.tasks import NewTask

    repository = make_repository(store).id
    with pytest.raises(Duplicate), store.writing() as tx:
        new = NewTask(title="Twice", repository_id=repository, external_key="master:1")
        tx.tasks.add_reserved(dict.fromkeys(tx.tasks.reserve(bulk.MANY), new), {}, NOW)
