"""How often each has asked lately: counts that the processes of a server share, and that hosts tell each other.

The processes of one host count in memory that they share, under one lock. Far from its limit a process counts by itself
for a moment, since to lock makes a thread wait for its turn to run again. What each host counted goes to the store once
a second, in a statement for each that asked, and comes back as what others counted.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, NamedTuple

import attrs

from nexus_core.errors import NexusError

WINDOW = 60  #: seconds in which so much may be asked
SLOTS = 8192
SETTLE_SECONDS = 1.0
ALONE_SECONDS = 0.05
"""How long a process counts by itself, up to half of a limit that is no small one."""

_SMALL = 200
_NEAR = 8  #: slots that one may be in
_SLOT = struct.Struct("<QIIII")  #: who, which window, counted here, told to the others, counted by the others
_HEADER = struct.Struct("<d")  #: when it was last told
_log = logging.getLogger("nexus.http")

#: Tells the store what was counted here, by who and window, and answers what all hosts counted together.
Settle = Callable[[Mapping[tuple[str, int], int]], Mapping[tuple[str, int], int]]


class Count(NamedTuple):
    """What one has asked for in the present window."""

    used: int
    reset: int  #: seconds until the next window


@attrs.define
class _Alone:
    """What a process counted by itself."""

    window: int
    until: float  #: when it looks again what others counted
    most: int  #: where it looks in any case
    before: int = 0  #: of all, when it looked
    since: int = 0


class Meter:
    """Counts by name. Made before the workers are forked, it lies in memory that they share."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._file = _unnamed_file()
        size = _HEADER.size + SLOTS * _SLOT.size
        self._file.truncate(size)
        self._memory = mmap.mmap(self._file.fileno(), size)
        self._lock = threading.Lock()
        self._settle: Settle | None = None
        self._pid = 0
        self._alone: dict[int, _Alone] = {}

    def share(self, settle: Settle) -> None:
        """Other hosts count too: tell them, and hear from them, by way of the store."""
        self._settle = settle

    def count(self, name: str, limit: int = 0) -> Count:
        """Count one more for a name, of which there may be so many."""
        who = _hash(name)
        now = self._now() + who % WINDOW  # so that not everybody begins anew in the same second
        window = int(now // WINDOW)
        with self._lock:
            alone = self._alone.get(who)
            if alone is None or alone.window != window:
                alone = self._alone[who] = _Alone(window, now, limit // 2 if limit >= _SMALL else 0)
            alone.since += 1
            if now >= alone.until or alone.before + alone.since > alone.most:
                self._look(who, alone, now)
            used = alone.before + alone.since
        self._begin_settling()
        return Count(used, max(1, int(WINDOW - now % WINDOW)))

    def _look(self, who: int, alone: _Alone, now: float) -> None:
        """Tell the other processes what this one counted, and see what they did."""
        with self._file_locked():
            place = self._find(who, alone.window)
            _, _, here, told, others = self._read(place)
            here = min(here + alone.since, 2**32 - 1)
            _SLOT.pack_into(self._memory, place, who, alone.window, here, told, others)
        alone.before, alone.since, alone.until = here + others, 0, now + ALONE_SECONDS
        if len(self._alone) > SLOTS:
            self._alone.clear()

    @contextmanager
    def _file_locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock, self._file_locked():
            yield

    def _read(self, place: int) -> tuple[int, int, int, int, int]:
        return _SLOT.unpack_from(self._memory, place)

    def _find(self, who: int, window: int) -> int:
        """The slot of this one in this window; that of whoever has not asked for the longest, when there is none."""
        oldest, since = 0, 2**32
        for step in range(_NEAR):
            place = _HEADER.size + (who + step) % SLOTS * _SLOT.size
            found, then, *_ = self._read(place)
            if found == who and then == window:
                return place
            if found == who:
                then = 0
            if then < since:
                oldest, since = place, then
        _SLOT.pack_into(self._memory, oldest, who, window, 0, 0, 0)
        return oldest

    # Between hosts ----------------------------------------------------------------------------------------------------

    def _begin_settling(self) -> None:
        if self._settle is not None and self._pid != os.getpid():
            with self._lock:
                if self._pid == os.getpid():
                    return
                self._pid = os.getpid()
            threading.Thread(target=self._settle_for_ever, name="nexus-meter", daemon=True).start()

    def _settle_for_ever(self) -> None:
        while True:
            time.sleep(SETTLE_SECONDS / 2)
            try:
                self.settle()
            except NexusError as error:
                _log.warning("what other hosts count is not known: %s", error.message)
            except Exception:
                _log.exception("what other hosts count is not known")

    def settle(self) -> int:
        """Tell the store what was counted since, when no process of this host did in this second; how many it were."""
        if self._settle is None:
            return 0
        told = self._untold()
        if not told:
            return 0
        try:
            totals = self._settle({(f"{who:016x}", window): number for (who, window), number in told.items()})
        except BaseException:
            self._take_back(told)
            raise
        with self._locked():
            for (who, window), place in self._known(told):
                _, _, here, before, others = self._read(place)
                found = min(totals.get((f"{who:016x}", window), 0) - before, 2**32 - 1)
                # They only grow: of two answers that cross, the later one counts.
                _SLOT.pack_into(self._memory, place, who, window, here, before, max(others, found))
        return len(told)

    def _take_back(self, told: Mapping[tuple[int, int], int]) -> None:
        """The store did not hear of these: they are told later."""
        with self._locked():
            for who, place in self._known(told):
                _, _, here, before, others = self._read(place)
                _SLOT.pack_into(self._memory, place, *who, here, max(0, before - told[who]), others)

    def _known(self, told: Iterable[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
        """Those that still have a slot for that window, with it."""
        for who, window in told:
            for step in range(_NEAR):
                place = _HEADER.size + (who + step) % SLOTS * _SLOT.size
                if self._read(place)[:2] == (who, window):
                    yield (who, window), place
                    break

    def _untold(self) -> dict[tuple[int, int], int]:
        """What is to be told, noted as told: the store may take longer than it is until another process looks."""
        now = self._now()
        with self._locked():
            if now - _HEADER.unpack_from(self._memory, 0)[0] < SETTLE_SECONDS:
                return {}
            _HEADER.pack_into(self._memory, 0, now)
            untold: dict[tuple[int, int], int] = {}
            for place in range(_HEADER.size, _HEADER.size + SLOTS * _SLOT.size, _SLOT.size):
                who, window, here, told, others = self._read(place)
                if here > told and window == int((now + who % WINDOW) // WINDOW):
                    untold[who, window] = here - told
                    _SLOT.pack_into(self._memory, place, who, window, here, here, others)
            return untold


def _unnamed_file() -> IO[bytes]:
    """A file that processes can lock, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("nexus-meter"), "r+b")
    import tempfile

    return tempfile.TemporaryFile()


@lru_cache(maxsize=SLOTS)
def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest())
