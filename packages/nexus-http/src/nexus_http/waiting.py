"""Requests that wait: how many may at once, and that they end when the server stops.

A waiting request keeps a thread of its worker busy, so only half of the threads may wait; the other half answers. Who
went away without waiting for an answer must not keep a place from others.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Set when this process is to stop: whoever waits then answers at once.
stopping = threading.Event()

PAUSE_SECONDS = 0.25  #: between two looks at the store
_seats = threading.BoundedSemaphore(4)
_size = 4


def limit_seats(number: int) -> None:
    """Say how many requests of this process may wait at once; called before the first request."""
    global _seats, _size
    _size = max(1, number)
    _seats = threading.BoundedSemaphore(_size)


def seated() -> int:
    """How many requests wait."""
    return _size - _seats._value  # its only count, which it does not give out by another name


def take_seat(patience: float = 0.0) -> bool:
    """A place to wait; false when all are taken, for so many seconds. Give it back with `leave_seat`."""
    return _seats.acquire(timeout=patience)


def leave_seat() -> None:
    """Give the place to wait back."""
    _seats.release()


@contextmanager
def seat() -> Iterator[bool]:
    """A place to wait for the length of a block; false when all are taken."""
    taken = take_seat()
    try:
        yield taken
    finally:
        if taken:
            leave_seat()


def has_left(client: socket.socket | None) -> bool:
    """Whether a client has closed its connection, which nothing else tells while there is nothing to write."""
    if client is None:  # where there is no connection, in-process
        return False
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def pause(seconds: float = PAUSE_SECONDS) -> bool:
    """Wait a little; false when the process is to stop."""
    return not stopping.wait(seconds)
