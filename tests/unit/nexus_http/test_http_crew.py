"""The threads that answer: few at a time, in order, and more of them once requests wait too long."""

import threading
import time

import pytest

from nexus_http import crew, waiting


class Work:
    """Work that lasts until it is let go, and what was seen of it."""

    def __init__(self):
        self.begun = []
        self.go = threading.Event()
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, item):
        with self._lock:
            self.begun.append(item)
            self._now += 1
            self.most = max(self.most, self._now)
        self.go.wait(5)
        with self._lock:
            self._now -= 1

    def await_begun(self, number):
        end = time.monotonic() + 5
        while len(self.begun) < number and time.monotonic() < end:
            time.sleep(0.002)
        return len(self.begun)


@pytest.fixture
def work():
    made = Work()
    yield made
    made.go.set()


@pytest.fixture
def threads(work):
    made = crew.Crew(8, work, "test")
    yield made
    made.shutdown()


def test_only_a_few_work_at_a_time(threads, work):
    """The rest waits, and all of it is done."""
    for item in range(20):
        threads.submit(item)
    assert work.await_begun(crew.AT_WORK) == crew.AT_WORK
    work.go.set()
    assert work.await_begun(20) == 20
    assert work.most == crew.AT_WORK
    assert sorted(work.begun) == [*range(20)]


def test_what_is_late_has_the_reserve_help(threads, work):
    """As many as there are threads, and no more."""
    for item in range(20):
        threads.submit(item)
    work.await_begun(crew.AT_WORK)
    time.sleep(crew.LATE_SECONDS + 0.02)
    for _ in range(20):
        threads.help()
    assert work.await_begun(8) == 8  # all of them, and no more than there are
    assert len(work.begun) == 8


def test_who_waits_for_events_keeps_nobody_from_work(threads, work):
    """Those who only wait are not counted among those at work."""
    assert waiting.take_seat()
    try:
        for item in range(20):
            threads.submit(item)
        assert work.await_begun(crew.AT_WORK + 1) == crew.AT_WORK + 1
    finally:
        waiting.leave_seat()


def test_a_single_thread_keeps_the_order(work):
    """First come, first served."""
    single = crew.Crew(1, work, "test")
    work.go.set()
    for item in range(100):
        single.submit(item)
    assert work.await_begun(100) == 100
    assert work.begun == [*range(100)]
    single.shutdown()


def test_the_same_thread_goes_on_working_where_one_is_enough(work):
    """What it used is at hand still."""
    seen = set()
    done = threading.Semaphore(0)

    def note(item):
        seen.add(threading.current_thread().name)
        done.release()

    made = crew.Crew(8, note, "same")
    for item in range(50):
        made.submit(item)
        assert done.acquire(timeout=5)
        time.sleep(0.001)
    assert seen == {"same_0"}
    made.shutdown()


def test_threads_that_rest_end_when_told(work):
    """None is left behind."""
    work.go.set()
    made = crew.Crew(4, work, "ending")
    for item in range(20):
        made.submit(item)
    assert work.await_begun(20) == 20
    assert _named("ending")
    end = time.monotonic() + 5
    while _named("ending") and time.monotonic() < end:
        made.shutdown()  # a thread that has just begun its last piece of work is not yet idle
        time.sleep(0.002)
    assert not _named("ending")


def _named(name):
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]
