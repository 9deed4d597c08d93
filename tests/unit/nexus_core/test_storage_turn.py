"""The turn to write: one at a time, among threads and processes; whoever waited long comes next."""

import subprocess
import sys
import threading
import time

import pytest

from nexus_core.storage.turn import Turn, _lock_now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nexus.db"


_HOLD = """
import sys, time
from pathlib import Path
from nexus_core.storage.turn import Turn
turn = Turn(Path(sys.argv[1]))
assert turn.take(5)
print("taken", flush=True)
time.sleep(float(sys.argv[2]))
turn.leave()
"""


def _holder(path, seconds):
    """A process that holds the turn for a time."""
    command = [sys.executable, "-c", _HOLD, str(path), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert "taken\n" == process.stdout.readline()
    return process


def test_one_thread_at_a_time(path):
    """A second thread waits until the first leaves, and gives up when its time is over."""
    turn = Turn(path)
    taken = []
    assert turn.take(1)
    late = threading.Thread(target=lambda: taken.append(turn.take(0.05)))
    late.start()
    late.join()
    turn.leave()

    assert [False] == taken
    assert turn.take(0.05)


def test_one_process_at_a_time(path):
    """What another process holds is had when it leaves, not before."""
    holder = _holder(path, 0.5)
    turn = Turn(path)
    early = turn.take(0.05)
    late = turn.take(5)
    holder.communicate()

    assert (False, True) == (early, late)


def test_a_killed_process_holds_nothing(path):
    """The turn of one that was killed is free at once."""
    holder = _holder(path, 60)
    holder.kill()
    holder.communicate()

    assert Turn(path).take(1)


def _free(path):
    """Whether nobody has the turn."""
    with open(f"{path}-turn", "r+b") as file:
        return _lock_now(file.fileno())


def test_a_wait_that_was_given_up_takes_nothing_away(path):
    """Who gives up and asks again has the turn to himself: the wait that he left behind gives back its own only."""
    first, again, other = Turn(path), Turn(path), Turn(path)
    taken = 0
    for _ in range(50):
        assert first.take(5)
        assert not again.take(0.001)
        first.leave()
        assert again.take(5)
        time.sleep(0.002)  # what was left behind may come now
        taken += _free(path)
        again.leave()

    assert not taken
    assert other.take(5)


def test_who_waited_long_comes_next(path):
    """A process that writes again and again does not keep another waiting: it takes its turn within moments."""
    busy, other = Turn(path), Turn(path)
    end = time.monotonic() + 3
    waited = []

    def write_on_and_on():
        while time.monotonic() < end and not waited:
            assert busy.take(5)
            time.sleep(0.002)
            busy.leave()

    def write_once():
        began = time.monotonic()
        assert other.take(5)
        waited.append(time.monotonic() - began)
        other.leave()

    threads = [threading.Thread(target=write_on_and_on), threading.Thread(target=write_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(waited)


def test_files_that_cannot_be_made_are_told(tmp_path):
    """A folder that is missing is an error of the system, for the engine to translate."""
    turn = Turn(tmp_path / "missing" / "nexus.db")
    for _ in range(2):
        with pytest.raises(OSError, match="No such file"):
            turn.take(1)
