"""Jobs: written with their cause, run in the order of their subject, retried, given up, set to work again.

The row is the truth. What these tests say holds with and without a broker.
"""

from datetime import timedelta

import pytest

from nexus_core.domain.events import TaskCompleted, TaskCreated, TaskMoved
from nexus_core.domain.jobs import LANES, Cancel, Done, Retry, Snooze
from nexus_core.errors import Conflict, NotFound
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import EventHandler, JobHandler, Schedule
from nexus_core.testing import drain, nexus_for_test


class Chat:
    """A plugin that keeps what it was told; what it answers is set by the test."""

    NEXUS_NAME = "chat"

    def __init__(self):
        self.told, self.answer, self.schedules = [], None, []

    def hear(self, event, ctx):
        self.told.append((event.type, event.task_id, ctx.attempt, ctx.idempotency_key, ctx.delivery))
        return self.say()

    def work(self, job, ctx):
        self.told.append(dict(job.payload))
        return self.say()

    def say(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @hookimpl
    def nexus_event_handlers(self):
        """Completed tasks one by one; moves in a heap."""
        yield EventHandler(name="chat.hear", on=TaskCompleted, call=self.hear, lane="notify", max_attempts=3)
        yield EventHandler(
            name="chat.heap", on="task.moved", call=lambda event, ctx: None, coalesce=lambda event: "all",
            delay=timedelta(seconds=5),
        )  # fmt: skip

    @hookimpl
    def nexus_job_handlers(self):
        """Work of its own."""
        yield JobHandler(kind="chat.work", call=self.work, max_attempts=2)

    @hookimpl
    def nexus_schedules(self):
        """What the test scheduled."""
        yield from self.schedules


@pytest.fixture
def chat():
    return Chat()


@pytest.fixture
def nexus(clock, chat):
    with nexus_for_test(chat, clock=clock) as hub:
        yield hub


def finish(nexus, title="T"):
    task = nexus.tasks.create(title)
    nexus.tasks.move(task.id, "done", delivery="github:d1")
    return task.id


def jobs(nexus, kind="chat.hear"):
    return [(job.id, str(job.state), job.attempt) for job in nexus.jobs.list(kind=kind)]


def take(nexus, worker="w", lanes=LANES, limit=100):
    return nexus.jobs.claim(lanes, limit, worker)


# Written with the change ----------------------------------------------------------------------------------------------


def test_a_job_is_written_with_its_event(nexus):
    """In the lane of its handler, for the event that caused it."""
    finish(nexus)
    [job] = nexus.jobs.list(kind="chat.hear")

    assert ("pending", "notify", 0, 3) == (job.state, job.lane, job.attempt, job.max_attempts)
    assert "task.completed" == nexus.events.get(job.event_id).type


def test_a_change_that_is_rolled_back_causes_no_job(nexus, chat):
    """Neither event nor job outlives a refused transaction."""
    before = len(nexus.jobs.list(limit=999))
    with pytest.raises(NotFound):
        nexus.tasks.create("T", dependencies=[99])

    assert before == len(nexus.jobs.list(limit=999))
    assert [] == nexus.events.list()


def test_a_handler_hears_its_events_with_their_origin(nexus, chat):
    """The event, the attempt, a key for what must not happen twice, the webhook at the root."""
    task_id = finish(nexus)

    assert {"done": 1} == drain(nexus)
    assert [("task.completed", task_id, 1, f"nexus-job-{jobs(nexus)[0][0]}", "github:d1")] == chat.told


@pytest.mark.parametrize(
    ("on", "kinds"),
    [
        (TaskCreated, ["task.created"]), ("task.moved", ["task.moved"]), ((TaskCreated, TaskMoved), None),
        ("task.*", None), ("*", None),
    ],
)  # fmt: skip
def test_a_handler_says_what_it_listens_to(clock, on, kinds):
    """A class, a type, several, or a pattern."""
    heard = []

    class Ear:
        """Listens."""

        NEXUS_NAME = "ear"

        @hookimpl
        def nexus_event_handlers(self):
            """What the test asks for."""
            yield EventHandler(name="ear.hear", on=on, call=lambda event, ctx: heard.append(event.type))

    with nexus_for_test(Ear(), clock=clock) as nexus:
        task = nexus.tasks.create("T")
        nexus.tasks.move(task.id, "blocked")
        drain(nexus)

    assert (kinds or {"task.created", "task.moved"}) in (heard, set(heard) & {"task.created", "task.moved"})


# Outcomes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state", "attempt"),
    [
        (None, "done", 1), (Done("ok"), "done", 1), (Cancel("no"), "cancelled", 1), (Retry("later"), "pending", 1),
        (RuntimeError("boom"), "pending", 1), (Snooze(timedelta(hours=1)), "pending", 0),
    ],
)  # fmt: skip
def test_an_outcome_is_recorded(nexus, chat, answer, state, attempt):
    """Done, cancelled, tried again; a snooze does not count as an attempt."""
    finish(nexus)
    chat.answer = answer
    nexus.jobs.drain()

    assert [(state, attempt)] == [one[1:] for one in jobs(nexus)]


def test_what_a_handler_raises_is_kept(nexus, chat):
    """One line for a person, on the job."""
    finish(nexus)
    chat.answer = ValueError("the channel is gone")
    nexus.jobs.drain()

    assert "ValueError: the channel is gone" == nexus.jobs.list(kind="chat.hear")[0].last_error


def test_a_failing_job_is_tried_again_and_then_given_up(nexus, chat, clock):
    """After a growing wait; when its attempts are used up it is dead, and that is an event."""
    finish(nexus)
    chat.answer = RuntimeError("boom")
    for _ in range(5):
        nexus.jobs.drain()
        clock.advance(minutes=10)
    [died] = nexus.events.list(type="job.died")

    assert [1, 2, 3] == [told[2] for told in chat.told]
    assert [("dead", 3)] == [one[1:] for one in jobs(nexus)]
    assert ("chat.hear", "RuntimeError: boom") == (died.payload["kind"], died.payload["error"])


def test_a_dead_job_is_set_to_work_again_by_a_person(nexus, chat, clock):
    """With all its attempts, and an event; one that is not dead is left alone."""
    finish(nexus)
    chat.answer = RuntimeError("boom")
    for _ in range(3):
        nexus.jobs.drain()
        clock.advance(minutes=10)
    chat.answer = None
    job_id = jobs(nexus)[0][0]
    revived = nexus.jobs.retry(job_id)
    nexus.jobs.drain()

    assert ("pending", 0) == (revived.state, revived.attempt)
    assert [("done", 1)] == [one[1:] for one in jobs(nexus)]
    assert [job_id] == [event.payload["job_id"] for event in nexus.events.list(type="job.retried")]
    with pytest.raises(Conflict, match="is done"):
        nexus.jobs.retry(job_id)


def test_a_job_of_a_plugin_that_is_gone_waits(clock, chat):
    """It is not lost, and it is not tried to death: it runs when the plugin is back."""
    with nexus_for_test(chat, clock=clock) as nexus:
        finish(nexus)
        record = nexus.plugins.event_handlers["chat.hear"]
        owned = nexus.plugins._owned["nexus_event_handlers"]
        away = owned.pop("chat.hear")
        for _ in range(30):
            nexus.jobs.drain()
            clock.advance(minutes=10)
        waiting = jobs(nexus)
        owned[record.name] = away
        nexus.jobs.drain()

        assert [("pending", 0)] == [one[1:] for one in waiting]
        assert [("done", 1)] == [one[1:] for one in jobs(nexus)]


def test_a_handler_of_dying_jobs_does_not_die_for_ever(clock):
    """Its own death is silent, or it would cause the next."""

    class Alarm:
        """Fails to tell that a job died."""

        NEXUS_NAME = "alarm"

        def fail(self, *_):
            raise RuntimeError("no")

        @hookimpl
        def nexus_event_handlers(self):
            """Listens to deaths."""
            yield EventHandler(name="alarm.tell", on="job.died", call=self.fail, max_attempts=1)

        @hookimpl
        def nexus_job_handlers(self):
            """Something that dies."""
            yield JobHandler(kind="alarm.work", call=self.fail, max_attempts=1)

    with nexus_for_test(Alarm(), clock=clock) as nexus:
        nexus.jobs.enqueue("alarm.work", {})
        nexus.jobs.drain()

        assert 1 == len(nexus.events.list(type="job.died"))
        assert [("dead", 1)] == [one[1:] for one in jobs(nexus, "alarm.tell")]


# Order and uniqueness -------------------------------------------------------------------------------------------------


def test_jobs_of_one_subject_run_in_order(nexus, chat, clock):
    """The second waits while the first waits to be tried again; other subjects go on."""
    one = finish(nexus, "One")
    nexus.tasks.move(one, "pending")
    nexus.tasks.move(one, "done")
    two = finish(nexus, "Two")
    chat.answer = RuntimeError("boom")
    first = [job.id for job in take(nexus, lanes=["notify"])]
    for job in nexus.jobs.list(kind="chat.hear"):
        if job.id in first:
            nexus.jobs.run(job)
    blocked = take(nexus, lanes=["notify"])
    chat.answer = None
    clock.advance(minutes=10)
    nexus.jobs.drain()

    assert 2 == len(first)
    assert [] == blocked
    assert [1, 2, 1] == [attempt for _, task_id, attempt, *_ in chat.told if task_id == one]
    assert [1, 2] == [attempt for _, task_id, attempt, *_ in chat.told if task_id == two]


def test_a_dead_job_frees_those_behind_it(nexus, chat, clock):
    """One poisoned event does not stop a task's others for ever."""
    one = finish(nexus)
    nexus.tasks.move(one, "pending")
    nexus.tasks.move(one, "done")
    chat.answer = RuntimeError("boom")
    for _ in range(3):
        nexus.jobs.drain()
        clock.advance(minutes=10)
    chat.answer = None
    nexus.jobs.drain()

    assert ["dead", "done"] == [one[1] for one in jobs(nexus)]


def test_events_that_coalesce_share_one_waiting_job(nexus, clock):
    """Many changes make one rendering; what comes while it runs makes another."""
    for _ in range(3):
        finish(nexus)
    waiting = jobs(nexus, "chat.heap")
    clock.advance(seconds=5)
    [running] = [job for job in take(nexus) if job.kind == "chat.heap"]
    finish(nexus)
    nexus.jobs.run(running)

    assert 1 == len(waiting)
    assert ["done", "pending"] == [one[1] for one in jobs(nexus, "chat.heap")]


def test_a_delayed_job_waits(nexus, clock):
    """Its time is written on it."""
    finish(nexus)
    early = [job for job in take(nexus) if job.kind == "chat.heap"]
    clock.advance(seconds=5)

    assert [] == early
    assert ["chat.heap"] == [job.kind for job in take(nexus)]


def test_a_unique_key_keeps_a_second_job_away(nexus):
    """As long as the first one waits."""
    first = nexus.jobs.enqueue("chat.work", {"n": 1}, unique_key="k")

    assert first is not None
    assert nexus.jobs.enqueue("chat.work", {"n": 2}, unique_key="k") is None
    assert nexus.jobs.enqueue("chat.work", {"n": 3}, unique_key="other") is not None


def test_work_that_nobody_does_is_refused(nexus):
    """A kind without a handler would wait for ever."""
    with pytest.raises(NotFound, match=r"chat\.wrok"):
        nexus.jobs.enqueue("chat.wrok", {})


# Workers that come and go ---------------------------------------------------------------------------------------------


def test_a_job_is_one_workers_at_a_time(nexus):
    """Until its lease ends."""
    finish(nexus)
    first = take(nexus, "a", lanes=["notify"])

    assert 1 == len(first)
    assert [] == take(nexus, "b", lanes=["notify"])


def test_a_worker_takes_only_its_lanes(nexus):
    """Agents do not wait behind messages."""
    finish(nexus)

    assert [] == take(nexus, lanes=["agents"])
    assert ["notify"] == [job.lane for job in take(nexus, lanes=["notify"])]


def test_what_a_dead_worker_held_is_taken_up_again(nexus, chat, clock):
    """When its lease ends; the attempt counts, and the old worker's word comes too late."""
    finish(nexus)
    [held] = take(nexus, "dead", lanes=["notify"])
    early = nexus.jobs.sweep()
    clock.advance(seconds=31)
    nexus.jobs.sweep()
    [again] = take(nexus, "alive", lanes=["notify"])
    nexus.jobs.run(held)
    meanwhile = jobs(nexus)
    nexus.jobs.run(again)

    assert (0, 2) == (early, again.attempt)
    assert [("running", 2)] == [one[1:] for one in meanwhile]
    assert [("done", 2)] == [one[1:] for one in jobs(nexus)]


def test_a_heartbeat_keeps_a_long_job(nexus, clock):
    """And tells a worker how many are still its own."""
    finish(nexus)
    [held] = take(nexus, "slow", lanes=["notify"])
    clock.advance(seconds=20)
    kept = nexus.jobs.heartbeat([held.id], "slow")
    clock.advance(seconds=20)
    nexus.jobs.sweep()

    assert (1, 0) == (kept, nexus.jobs.heartbeat([held.id], "other"))
    assert "running" == nexus.jobs.get(held.id).state


def test_a_job_that_kills_its_workers_is_given_up(nexus, clock):
    """After as many attempts as any other, and with one event."""
    finish(nexus)
    for _ in range(4):
        take(nexus, "doomed", lanes=["notify"])
        clock.advance(minutes=1)
        nexus.jobs.sweep()

    assert [("dead", 3)] == [one[1:] for one in jobs(nexus)]
    assert 1 == len(nexus.events.list(type="job.died"))


def test_a_worker_that_lost_its_lease_does_not_declare_a_job_dead(nexus, chat, clock):
    """Its last attempt failed, but the job is another's by then: there is no death to tell."""
    finish(nexus)
    chat.answer = RuntimeError("boom")
    for _ in range(2):
        nexus.jobs.drain()
        clock.advance(minutes=10)
    [late] = take(nexus, "late", lanes=["notify"])
    clock.advance(minutes=10)
    nexus.jobs.sweep()
    told = len(nexus.events.list(type="job.died"))
    nexus.jobs.run(late)

    assert told == len(nexus.events.list(type="job.died")) == 1


def test_a_worker_that_stops_hands_back_what_it_holds(nexus):
    """At once, for another one; what was not begun does not count as an attempt."""
    finish(nexus)
    [held] = take(nexus, "a", lanes=["notify"])
    nexus.jobs.hand_back(held, begun=False)

    assert [(held.id, 1)] == [(job.id, job.attempt) for job in take(nexus, "b", lanes=["notify"])]


def test_due_jobs_are_named_for_a_broker_that_forgot(nexus, clock):
    """Those that wait for their time are not."""
    finish(nexus)
    [(heap, _, _)], [(hear, _, _)] = jobs(nexus, "chat.heap"), jobs(nexus)
    early = {ring.job_id for ring in nexus.jobs.due()}
    clock.advance(seconds=5)

    assert {hear} == early & {hear, heap}
    assert {(heap, "default"), (hear, "notify")} <= {(ring.job_id, ring.lane) for ring in nexus.jobs.due()}


def test_a_schedule_comes_round_once_however_many_ask(clock, chat):
    """Each time that it is due, for one of those who sweep."""
    chat.schedules = [Schedule(name="chat.daily", kind="chat.work", every=timedelta(days=1))]
    with nexus_for_test(chat, clock=clock) as nexus:
        for _ in range(3):
            nexus.jobs.sweep()
        first = len(jobs(nexus, "chat.work"))
        nexus.jobs.drain()
        clock.advance(days=1)
        nexus.jobs.sweep()

        assert (1, 2) == (first, len(jobs(nexus, "chat.work")))


def test_a_schedule_that_was_taken_has_its_job(clock, chat, monkeypatch):
    """A worker that dies over it takes neither: another enqueues the job at once, not a period later."""
    chat.schedules = [Schedule(name="chat.daily", kind="chat.work", every=timedelta(days=1))]
    with nexus_for_test(chat, clock=clock) as nexus:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr("nexus_core.services.jobs.NewJob", _die)
            nexus.jobs.sweep()
        before = len(jobs(nexus, "chat.work"))
        nexus.jobs.sweep()

        assert (0, 1) == (before, len(jobs(nexus, "chat.work")))


def _die(**fields):
    raise KeyboardInterrupt


def test_a_schedule_without_its_handler_holds_up_no_other(clock, chat, caplog):
    """It is said in the log."""
    chat.schedules = [
        Schedule(name="chat.a", kind="chat.gone", every=timedelta(days=1)),
        Schedule(name="chat.b", kind="chat.work", every=timedelta(days=1)),
    ]
    with nexus_for_test(chat, clock=clock) as nexus:
        nexus.jobs.sweep()

        assert 1 == len(jobs(nexus, "chat.work"))
    assert "schedule chat.a waits: no installed plugin runs jobs of the kind chat.gone" in caplog.text


@pytest.mark.parametrize(("at_start", "number"), [(True, 2), (False, 1)])
def test_what_is_done_at_the_start_of_workers(clock, chat, at_start, number):
    """Although it is not due; once for three that start together."""
    chat.schedules = [Schedule(name="chat.daily", kind="chat.work", every=timedelta(days=1), at_start=at_start)]
    with nexus_for_test(chat, clock=clock) as nexus:
        nexus.jobs.sweep()
        nexus.jobs.drain()
        clock.advance(hours=1)
        for _ in range(3):
            nexus.jobs.sweep(starting=True)
            nexus.jobs.drain()
            clock.advance(seconds=10)

        assert number == len(jobs(nexus, "chat.work"))


def test_the_figures_say_how_many_are_where(nexus):
    """By lane and state, and since when the oldest waits."""
    finish(nexus)
    figures = {(stats.lane, str(stats.state)): stats.number for stats in nexus.jobs.stats()}

    assert 1 == figures["notify", "pending"]
