"""What happens at once must end as if it had happened one after the other, on both engines."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from datetime import timedelta
from functools import partial

import pytest

from engines import at_once, open_hub, outcome, rows
from model import Truth, check
from nexus_core.errors import Conflict, Cycle, NexusError, StaleWrite
from nexus_core.plugins import records
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.ports.queries import TaskQuery


def of_type(kind, answers):
    """The answers of this type."""
    return [answer for answer in answers if isinstance(answer, kind)]


def errors(answers):
    """What was raised."""
    return of_type(Exception, answers)


# The graph
# ---------


@pytest.mark.parametrize("length", [2, 3, 6])
def test_of_dependencies_that_close_a_cycle_together_one_is_refused(hub, length):
    """Whichever comes last."""
    for _ in range(5):
        ids = [hub.tasks.create("Task").id for _ in range(length)]
        pairs = list(zip(ids, [*ids[1:], ids[0]], strict=True))
        answers = at_once([outcome(lambda pair=pair: hub.tasks.depend(*pair)) for pair in pairs])

        assert [Cycle] == [type(error) for error in errors(answers)], answers


def test_of_parents_that_close_a_circle_together_one_is_refused(hub, database_url):
    """No task is ever below itself."""
    for _ in range(8):
        a, b = hub.tasks.create("A").id, hub.tasks.create("B").id
        answers = at_once(
            [outcome(lambda one=one, other=other: hub.tasks.edit(one, {"parent_id": other})) for one, other in
             ((a, b), (b, a))]
        )  # fmt: skip

        assert 1 == len(errors(answers)), answers
    check(hub, database_url)


def test_prerequisites_that_are_completed_at_once(hub, database_url):
    """The count is right, and the task that waited is announced as ready exactly once."""
    for _ in range(5):
        before = [hub.tasks.create("Before").id for _ in range(8)]
        waiting = hub.tasks.create("Waiting", dependencies=before)
        below = hub.tasks.create("Below", parent_id=waiting.id)
        at_once([lambda one=one: hub.tasks.move(one, "done") for one in before])
        told = [event.task_id for event in hub.events.list(type="task.ready", limit=1000)]

        assert (0, 1) == (hub.tasks.get(waiting.id).open_dependencies, told.count(below.id))
    check(hub, database_url)


def test_what_waits_is_counted_right_while_it_is_cancelled_at_once(hub, database_url):
    """Tasks that wait for open ones, and are closed or reopened in the same instant."""
    first = hub.tasks.create("First").id
    waiting = [hub.tasks.create("Waiting", dependencies=[first]).id for _ in range(8)]
    for status in ("cancelled", "pending", "cancelled"):
        at_once([partial(hub.tasks.move, one, status) for one in waiting])

        check(hub, database_url)


def test_a_graph_that_many_change_at_once(hub, database_url):
    """16 threads create, tie, untie, move and re-parent the same few tasks: no error but refusals, counts right."""
    ids = [hub.tasks.create(f"Task {index}").id for index in range(14)]

    def step(chance, one, other):
        match chance.randrange(6):
            case 0:
                hub.tasks.depend(one, other)
            case 1:
                hub.tasks.undepend(one, other)
            case 2:
                hub.tasks.move(one, chance.choice(("done", "pending", "cancelled", "in-progress")))
            case 3:
                hub.tasks.edit(one, {"parent_id": chance.choice((None, other))})
            case 4:
                ids.append(hub.tasks.create("More", parent_id=one, dependencies=[other]).id)
            case 5:
                hub.assignments.claim(agent="ada")

    def change(seed):
        chance = random.Random(seed)
        return [outcome(partial(step, chance, chance.choice(ids), chance.choice(ids)))() for _ in range(12)]

    answers = [one for found in at_once([partial(change, seed) for seed in range(16)]) for one in found]
    check(hub, database_url)

    refused = [error for error in errors(answers) if error.code not in ("cycle", "invalid", "transition_refused")]
    assert [] == [error for error in refused if not error.message.startswith("the parent must be another task")]


def test_threads_that_move_overlapping_tasks(hub, database_url):
    """No deadlock reaches a caller, and none waits for long: 16 threads, one task for all and a few for some."""
    top = hub.tasks.create("Top").id
    shared = [hub.tasks.create(f"Shared {index}", dependencies=[top]).id for index in range(6)]
    hub.tasks.create("Last", dependencies=shared)
    waits = []

    def move(seed):
        chance = random.Random(seed)
        for _ in range(10):
            task, to = chance.choice([top, *shared]), chance.choice(("done", "pending", "review", "cancelled"))
            began = time.monotonic()
            answer = outcome(lambda task=task, to=to: hub.tasks.move(task, to))()
            waits.append(time.monotonic() - began)
            yield answer

    answers = [one for found in at_once([lambda seed=seed: list(move(seed)) for seed in range(16)]) for one in found]
    check(hub, database_url)

    assert {"transition_refused"} >= {getattr(error, "code", str(error)) for error in errors(answers)}
    assert max(waits) < 5, sorted(waits)[-5:]


def test_an_import_beside_edits(hub, database_url):
    """A file comes in whole while its tasks are edited and moved; nobody is told to try again."""

    def file(title):
        tasks = [
            {"id": index, "title": f"{title} {index}", "status": "pending", "dependencies": [index - 1][: index - 1]}
            for index in range(1, 31)
        ]  # fmt: skip
        return json.dumps({"tasks": tasks}).encode()

    hub.tasks.import_file(file("First"), "acme/api")
    ids = [task.id for task in hub.tasks.list(TaskQuery(limit=100)).items]

    def edit():
        for task in ids:
            hub.tasks.edit(task, {"details": "more"})
            hub.tasks.move(task, "in-progress")

    calls = [edit, lambda: hub.tasks.import_file(file("Second"), "acme/api")]
    calls += [lambda: hub.tasks.import_file(file("Second"), "acme/api"), lambda: hub.assignments.claim(agent="ada")]
    answers = at_once([outcome(call) for call in calls])
    check(hub, database_url)

    assert [] == errors(answers)
    assert {"Second"} == {task.title.split()[0] for task in hub.tasks.list(TaskQuery(limit=100)).items}


def test_a_new_repository_that_several_imports_bring_in(hub):
    """One of them adds it."""
    content = b'{"tasks": [{"id": 1, "title": "One"}]}'
    answers = at_once([outcome(lambda: hub.tasks.import_file(content, "acme/new"))] * 6)

    assert ([], 1) == (errors(answers), len(hub.tasks.list().items))


def test_exports_of_the_same_tasks_agree(hub):
    """Tasks that the file did not have get one place for good, whoever asks first."""
    hub.tasks.import_file(b'{"tasks": [{"id": 1, "title": "One"}]}', "acme/api")
    for index in range(5):
        hub.tasks.create(f"New {index}", repository="acme/api")
    answers = at_once([outcome(lambda: hub.tasks.export_file("acme/api"))] * 8)

    assert [] == errors(answers)
    assert 1 == len(set(answers))


def test_of_edits_of_one_version_one_wins(hub):
    """The others are told that they are stale."""
    task = hub.tasks.create("One")
    edits = [
        outcome(lambda index=index: hub.tasks.edit(task.id, {"title": f"T{index}"}, expected_version=task.version))
        for index in range(20)
    ]
    answers = at_once(edits)

    assert 19 == len(of_type(StaleWrite, answers)) and 1 == len(answers) - len(errors(answers))
    assert task.version + 1 == hub.tasks.get(task.id).version


def test_edits_of_one_field_each_are_all_kept(hub):
    """Without a version the last word counts, field by field."""
    task = hub.tasks.create("One")
    fields = {"title": "T", "description": "D", "details": "E", "test_strategy": "S", "priority": "high"}
    answers = at_once([outcome(lambda item=item: hub.tasks.edit(task.id, dict([item]))) for item in fields.items()] * 2)
    kept = hub.tasks.get(task.id)

    assert [] == errors(answers)
    assert fields == {name: str(getattr(kept, name)) for name in fields}


# Jobs
# ----


class Diary:
    """A plugin whose jobs note when they began and ended."""

    def __init__(self):
        self.notes = []
        self.lock = threading.Lock()

    @hookimpl
    def nexus_job_handlers(self):
        yield records.JobHandler(kind="diary.note", call=self.note)

    def note(self, job, ctx):
        with self.lock:
            self.notes.append(("begin", job.subject, job.id))
        time.sleep(0.002)
        with self.lock:
            self.notes.append(("end", job.subject, job.id))


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def working_hub(database_url, diary):
    with open_hub(database_url, diary) as opened:
        yield opened


def work(hub, name, done):
    """What a worker does: take a few, run them, until all are done."""
    while not done():
        for job in hub.jobs.claim(("default",), 3, name):
            hub.jobs.run(job)


def test_jobs_of_one_subject_run_in_order_and_one_at_a_time(working_hub, diary):
    """Eight workers, five subjects, 120 jobs that are enqueued meanwhile."""
    total, stop = 120, threading.Event()

    def done():
        return stop.is_set() or len(diary.notes) >= 2 * total

    def enqueue():
        for index in range(total):
            working_hub.jobs.enqueue("diary.note", {}, subject=f"s{index % 5}")

    timer = threading.Timer(40, stop.set)
    timer.start()
    at_once([enqueue, *[lambda name=f"w{index}": work(working_hub, name, done) for index in range(8)]])
    timer.cancel()
    of = defaultdict(list)
    for kind, subject, job in diary.notes:
        of[subject].append((kind, job))

    assert 2 * total == len(diary.notes)
    for notes in of.values():
        ids = [job for kind, job in notes if kind == "begin"]
        assert sorted(ids) == ids
        assert [("begin", job) if half == 0 else ("end", job) for job in ids for half in (0, 1)] == notes


def test_a_job_that_is_set_to_work_again_waits_for_the_one_that_runs(working_hub):
    """Also when the one that runs came later: two of a subject never run at once."""
    first = working_hub.jobs.enqueue("diary.note", {}, subject="s")
    [job] = working_hub.jobs.claim(("default",), 5, "w1")
    with working_hub.store.writing() as transaction:
        transaction.jobs.kill(job, "it broke", working_hub.clock.now())
    working_hub.jobs.enqueue("diary.note", {}, subject="s")
    [running] = working_hub.jobs.claim(("default",), 5, "w1")
    working_hub.jobs.retry(first)
    named = working_hub.jobs.claim(("default",), 5, "w2", job_ids=[first])
    found = working_hub.jobs.claim(("default",), 5, "w2")
    due = working_hub.jobs.due()
    working_hub.jobs.run(running)
    after = working_hub.jobs.claim(("default",), 5, "w2")

    assert ([], [], []) == (named, found, due)
    assert [first] == [one.id for one in after]


def test_a_unique_key_lets_one_of_many_in(working_hub):
    """64 at once, then again while the first runs."""
    enqueue = [lambda: working_hub.jobs.enqueue("diary.note", {}, unique_key="k")] * 64
    first = at_once(enqueue)
    working_hub.jobs.claim(("default",), 5, "w")
    second = at_once(enqueue)

    assert [1, 1] == [sum(job is not None for job in ids) for ids in (first, second)]


def test_a_worker_that_lost_its_lease_cannot_settle(database_url, diary):
    """What it did is not recorded over the head of the next one; nor can it lengthen what it lost."""
    with open_hub(database_url, diary, values={"worker.lease": timedelta(milliseconds=50)}) as hub:
        hub.jobs.enqueue("diary.note", {})
        [late] = hub.jobs.claim(("default",), 1, "late")
        time.sleep(0.1)
        hub.jobs.sweep()
        [mine] = hub.jobs.claim(("default",), 1, "mine", job_ids=[late.id])
        renewed = hub.jobs.heartbeat([late.id], "late")
        hub.jobs.run(late)
        after_late = hub.jobs.get(late.id)
        hub.jobs.run(mine)
        after_mine = hub.jobs.get(mine.id)

    assert 0 == renewed
    assert ("running", "mine") == (after_late.state, after_late.locked_by)
    assert "done" == after_mine.state


@pytest.mark.services
def test_a_shared_job_is_not_run_before_what_it_was_asked_for_is_written(postgres_url, diary):
    """One that waits already may not be taken between the asking and the commit: it would not see what was asked."""
    with open_hub(postgres_url, diary) as hub:
        hub.jobs.enqueue("diary.note", {}, unique_key="k")
        with hub.store.writing() as transaction:
            again = transaction.jobs.add(new_job(unique_key="k"), hub.clock.now())
            [meanwhile] = at_once([lambda: hub.jobs.claim(("default",), 5, "w")])
        afterwards = hub.jobs.claim(("default",), 5, "w")

    assert (None, [], 1) == (again, meanwhile, len(afterwards))


def new_job(**fields):
    from nexus_core.domain.jobs import NewJob

    return NewJob(kind="diary.note", **fields)


# The feed
# --------


@pytest.mark.parametrize("start", ["beginning", "newest"])
def test_a_reader_of_the_feed_misses_nothing(hub, start):
    """While eight write, with transactions of different lengths, wherever it begins."""
    for _ in range(3):
        hub.events.record("demo.before", payload={})
    stop, seen = threading.Event(), []
    newest = hub.events.list(newest=True, limit=1)[-1].id if start == "newest" else 0

    def write(seed):
        chance = random.Random(seed)
        for index in range(25):
            with hub.store.writing() as transaction:
                append(transaction, hub, f"{seed}.{index}a")
                if hub.store.name != "sqlite":
                    time.sleep(chance.choice((0, 0, 0.01)))
                append(transaction, hub, f"{seed}.{index}b")

    def read():
        after = newest
        while not stop.is_set() or hub.events.list(after=after, limit=1):
            for event in hub.events.list(after=after, limit=7):
                seen.append(event.payload.get("name"))
                after = event.id

    reader = threading.Thread(target=read)
    reader.start()
    at_once([lambda seed=seed: write(seed) for seed in range(8)])
    stop.set()
    reader.join(30)
    wanted = {f"{seed}.{index}{half}" for seed in range(8) for index in range(25) for half in "ab"}
    got = [name for name in seen if name is not None]

    assert (set(), 400) == (wanted - set(got), len(got))


def append(transaction, hub, name):
    from nexus_core.domain.access import LOCAL
    from nexus_core.domain.events import NewEvent

    new = NewEvent(type="demo.written", actor=LOCAL, payload={"name": name})
    assert all(transaction.events.add([new], hub.clock.now()))  # to look at the ids has it written now


@pytest.mark.services
def test_what_is_newest_can_be_followed(postgres_url):
    """Whoever begins at the newest event and goes on from there gets what was still being written, too."""
    with open_hub(postgres_url) as hub:
        hub.events.record("demo.before", payload={})
        with hub.store.writing() as transaction:
            append(transaction, hub, "slow")
            at_once([lambda: hub.events.record("demo.fast", payload={})])
            [newest] = at_once([lambda: hub.events.list(newest=True, limit=1)[-1]])
        followed = [newest.type, *(event.type for event in hub.events.list(after=newest.id))]

    assert ["demo.before", "demo.written", "demo.fast"] == followed


# Processes
# ---------

MIGRATE = """
import sys, time
from nexus_core.config import Config
from nexus_core.nexus import Nexus
from nexus_plugin_postgres import hooks
time.sleep(max(0, float(sys.argv[2]) - time.time()))
config = Config(values={"database_url": sys.argv[1], "auto_migrate": True, "data_dir": sys.argv[3]})
with Nexus.open(config, plugins=(hooks,), load_plugins=False) as nexus:
    print(nexus.tasks.create("One").id)
"""
WRITE = """
import sys, time
from nexus_core.config import Config
from nexus_core.nexus import Nexus
config = Config(values={"database_url": sys.argv[1], "data_dir": sys.argv[3]})
with Nexus.open(config, load_plugins=False) as nexus:
    nexus.tasks.get(1)
    time.sleep(max(0, float(sys.argv[2]) - time.time()))
    worst = 0
    for _ in range(150):
        began = time.monotonic()
        with nexus.store.writing() as tx:
            task = tx.tasks.get(1, lock=True)
            tx.tasks.save(__import__("attrs").evolve(task, details=str(int(task.details or 0) + 1)), nexus.clock.now())
        worst = max(worst, time.monotonic() - began)
    print(worst)
"""


def processes(script, number, url, folder, wait):
    """Run a script in so many processes that begin at the same instant; what each printed."""
    at = str(time.time() + wait)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, url, at, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]  # fmt: skip
    answers = [process.communicate(timeout=60) for process in running]
    assert [0] * number == [process.returncode for process in running], [answer[1] for answer in answers]
    return [answer[0].strip() for answer in answers]


def test_processes_that_migrate_an_empty_database_at_once(database_url, tmp_path):
    """Each step is applied once, and every process can work afterwards."""
    printed = processes(MIGRATE, 8, database_url, tmp_path, 2.0)
    applied = rows(database_url, "SELECT name FROM schema_migrations")

    assert list("12345678") == sorted(printed)
    assert len(applied) == len({row["name"] for row in applied}) >= 1


@pytest.mark.alone
def test_processes_that_read_and_write_one_sqlite_file(tmp_path):
    """Four of them: every write counts, none fails, none waits above a second."""
    url = f"sqlite:///{tmp_path / 'nexus.db'}"
    with open_hub(url) as hub:
        hub.tasks.create("One")
    waits = [float(printed) for printed in processes(WRITE, 4, url, tmp_path, 2.0)]
    [row] = rows(url, "SELECT details, version FROM tasks")

    assert ("600", 601) == (row["details"], row["version"])
    assert max(waits) < 1.0


def test_a_place_in_the_feed_that_never_was_begins_nothing_anew(hub):
    """Who names an event beyond the last gets what comes after it, not all from the beginning."""
    hub.events.record("demo.before", payload={})

    assert [] == hub.events.list(after=10**9)


def test_a_refusal_is_an_error_of_ours(hub):
    """Whatever collides, callers see the tree of Nexus and never a driver's error."""
    answers = at_once([outcome(lambda: hub.repositories.add("acme/one"))] * 8)

    assert 7 == len(errors(answers)) == len(of_type(Conflict, answers))
    assert all(isinstance(error, NexusError) for error in errors(answers))
    assert {} == Truth.read(hub.config.database_url).wrong_counts()
