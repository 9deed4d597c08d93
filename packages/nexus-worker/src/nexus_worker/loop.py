"""The worker: learns of due jobs, runs them, keeps their leases, and takes up what dead workers left."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nexus_core.domain.jobs import LANES, Job, Retry
from nexus_core.errors import NexusError, Unavailable

from .absence import Watch
from .lane import Lane
from .outage import Outage
from .settling import Ended, Settling

if TYPE_CHECKING:
    from nexus_core import Nexus

    from .bell import Ear, Heard

log = logging.getLogger("nexus.worker")

GRACE_SECONDS = 20.0
"""How long a worker that is told to end waits for its running jobs."""

LOOK_SECONDS = 2.0
"""How often a worker that hears of jobs through a broker looks into the store nevertheless."""

SWEEP_SECONDS = 5.0
"""How often leases that ended are looked for, at most."""

LIMITS_SECONDS = 1.0
"""How often jobs are looked for that exceed their time limits."""

HUNG_MOST = 10
"""With so many threads that hang, a worker ends although it is busy; with fewer it ends when it holds no job."""

SPOOL_SECONDS = 2.0
"""How often webhooks are looked for that wait on the disk, on a host whose server may have gone."""

SURPLUS_SECONDS = 1.0
"""How often jobs are handed back that wait here behind jobs which take long."""

KEEPER_SECONDS = 5.0
"""How long a worker that ends waits for a renewal or a sweep that has begun."""

PREFETCH = 50
"""How many rings of a short lane a worker has in hand at most: they are acknowledged when their jobs have ended."""


def new_name() -> str:
    """A name that no other worker has, and that says where this one runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


class Worker:
    """Runs the jobs of some lanes until it is stopped, or, with `until_idle`, until nothing is due."""

    def __init__(
        self,
        nexus: Nexus,
        *,
        lanes: Sequence[str] = LANES,
        broker_url: str | None = None,
        namespace: str | None = None,
    ) -> None:
        config = nexus.config
        self.nexus = nexus
        self.name = new_name()
        self.stopping = threading.Event()
        self.lanes = {name: self._new_lane(name) for name in lanes}
        self._lease: float = config["worker.lease"].total_seconds()
        self._poll: float = config["worker.poll"].total_seconds()
        self._heard: deque[Heard] = deque()
        self._rings: dict[int, Heard] = {}
        self._wake = threading.Event()
        self._next_look = 0.0
        self._starting = True
        self._hung = 0
        self.worn = False  #: whether it ended to be started anew in another process
        self._ended = threading.Event()
        self._keepers: list[threading.Thread] = []
        self._store = Outage("the store", log)
        self._watch = Watch(nexus)
        self._settling = Settling(self._settle)
        self._ear = self._new_ear(broker_url, namespace) if broker_url else None

    def _new_lane(self, name: str) -> Lane:
        is_long = name == "agents"
        threads = self.nexus.config["worker.agents" if is_long else "worker.threads"]
        return Lane(name, threads=threads, waits=not is_long, run=self._run_job)

    def _new_ear(self, url: str, namespace: str | None) -> Ear:
        from .bell import Ear

        prefetch = {name: max(PREFETCH if lane.waits else 10, 2 * lane.threads) for name, lane in self.lanes.items()}
        return Ear(url, self._on_heard, lanes=tuple(self.lanes), prefetch=prefetch, namespace=namespace)

    def run(self, *, until_idle: bool = False) -> None:
        """Work. Ends after `stop`, when the running jobs have ended or were handed back."""
        log.info("worker %s begins: %s", self.name, ", ".join(self.lanes))
        self._settling.start()
        for lane in self.lanes.values():
            lane.start()
        self._every("heartbeat", self._lease / 3, self._renew)
        self._every("sweep", min(SWEEP_SECONDS, self._lease / 6), self._sweep)
        self._every("surplus", SURPLUS_SECONDS, self._give_up_surplus)
        self._every("limits", LIMITS_SECONDS, self._give_up_hanging)
        self._every("spool", SPOOL_SECONDS, self.nexus.deliveries.drain)
        if self._ear:
            self._ear.start()
        try:
            self._dispatch(until_idle)
        finally:
            self._end()

    def stop(self) -> None:
        """Take no new jobs and end soon. May be called from any thread, more than once; not from a signal handler."""
        self.stopping.set()
        self._wake.set()

    # Learning of jobs

    def _on_heard(self, heard: Heard) -> None:
        self._heard.append(heard)
        self._wake.set()

    def _dispatch(self, until_idle: bool) -> None:
        while not self.stopping.is_set():
            self._wake.clear()
            was_idle = not self._held()
            try:
                # When it is time the store comes first: it knows what is urgent, rings come in the order of their jobs.
                found = self._look_in_time(always=until_idle) + self._answer_rings() + self._look_hungry()
                self._store.over()
                self._watch.store_back()
            except Unavailable as error:
                self._watch.store_gone()
                self.stopping.wait(self._store.failed(error))
                continue
            if until_idle and was_idle and not found:
                return
            if self._is_worn() and not until_idle:
                self.worn = True
                return
            self._wake.wait(self._pause())

    def _pause(self) -> float:
        if any(lane.hungry and lane.free for lane in self.lanes.values()):
            return 0.0
        return max(0.0, self._next_look - time.monotonic())

    def _answer_rings(self) -> int:
        """Take the jobs that we were told of, as far as there is room; how many were still to be had."""
        for heard in [heard for heard in list(self._heard) if heard.done]:
            self._heard.remove(heard)  # it waited here for so long that the broker was told: the store remembers
        taken = 0
        for lane in self.lanes.values():
            mine = [heard for heard in list(self._heard) if heard.lane == lane.name][: lane.free]
            if not mine:
                continue
            jobs = self._claim(lane, len(mine), [heard.job_id for heard in mine])
            if any(heard.more for heard in mine):
                lane.hungry = True
            by_id = {job.id: job for job in jobs}
            for heard in mine:
                self._heard.remove(heard)
                if heard.job_id in by_id and heard.job_id not in self._rings:
                    self._rings[heard.job_id] = heard
                else:
                    heard.done = True  # somebody else has it, or it is not due: the store remembers
            lane.take(jobs)
            taken += len(jobs)
        return taken

    def _look_in_time(self, *, always: bool) -> int:
        """Ask the store for due jobs when it is time, each lane as soon as it has room; how many were found."""
        if always or time.monotonic() >= self._next_look:
            told = self._ear is not None and self._ear.connected
            self._next_look = time.monotonic() + (max(LOOK_SECONDS, self._poll) if told else self._poll)
            for lane in self.lanes.values():
                lane.is_time = True
        return sum(self._look(lane) for lane in self.lanes.values() if lane.is_time)

    def _look_hungry(self) -> int:
        """Ask the store for due jobs of lanes for which there may be more; how many were found."""
        return sum(self._look(lane) for lane in self.lanes.values() if lane.hungry)

    def _look(self, lane: Lane) -> int:
        if not (room := lane.free):
            return 0
        lane.hungry = False  # before the store is asked: what ends meanwhile may make others due
        try:
            jobs = self._claim(lane, room)
        except BaseException:
            lane.hungry = True
            raise
        lane.is_time = False
        if len(jobs) == room:
            lane.hungry = True
        lane.take(jobs)
        return len(jobs)

    def _claim(self, lane: Lane, limit: int, job_ids: list[int] | None = None) -> list[Job]:
        jobs: list[Job] = self.nexus.jobs.claim([lane.name], limit, self.name, job_ids=job_ids)
        return jobs

    # Running them

    def _run_job(self, job: Job) -> None:
        try:
            outcome = self.nexus.jobs.perform(job)
        except BaseException:
            log.exception("job %s %s could not be run", job.id, job.kind)
            self._after([job])
        else:
            if any(lane.was_given_up(job) for lane in self.lanes.values()):
                log.warning("job %s %s ended after it was given up; what it did is not recorded", job.id, job.kind)
            else:
                self._settling.put(job, outcome)

    def _settle(self, ended: Sequence[Ended]) -> None:
        try:
            self.nexus.jobs.settle(ended)
        except Unavailable as error:
            # What they did is not recorded: their leases end, and whoever sweeps next sets them to work again.
            self._store.failed(error)
        except BaseException:
            if len(ended) == 1:
                log.exception("what came of job %s %s could not be recorded", ended[0][0].id, ended[0][0].kind)
            else:  # the others must not share its fate
                for one in ended:
                    self._settle([one])
                return
        self._after([job for job, _ in ended])

    def _after(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if (heard := self._rings.pop(job.id, None)) is not None:
                heard.done = True
        for lane in self.lanes.values():
            lane.let_go(jobs)
        if self._ear is None or not self._ear.connected:
            # What ended may have made others due, and nobody rings.
            for lane in self.lanes.values():
                lane.hungry = True
        self._wake.set()

    # Keeping house

    def _held(self) -> list[Job]:
        return [job for lane in self.lanes.values() for job in lane.held()]

    def _renew(self) -> None:
        if held := [job.id for job in self._held()]:
            self.nexus.jobs.heartbeat(held, self.name)

    def _give_up_surplus(self) -> None:
        surplus = [job for lane in self.lanes.values() for job in lane.forget_surplus()]
        self._hand_back(surplus, begun=False)
        for job in surplus:
            if (heard := self._rings.pop(job.id, None)) is not None:
                heard.done = True

    def _give_up_hanging(self) -> None:
        """Take jobs back that exceed their time limits. Whatever they still do, the store no longer takes."""
        for lane in self.lanes.values():
            for job, seconds in lane.running():
                limit = self.nexus.jobs.time_limit(job)
                if limit is not None and seconds > limit.total_seconds() and lane.give_up(job):
                    log.error("job %s %s hangs: given up after %.1f s", job.id, job.kind, seconds)
                    self._hung += 1
                    self._settling.put(job, Retry(f"timed out after {limit.total_seconds():g} s"))
                    self._wake.set()

    def _is_worn(self) -> bool:
        """Whether the process is to be replaced, because of threads that hang: when idle, or when they are many."""
        return self._hung >= HUNG_MOST or (self._hung > 0 and not self._held())

    def _sweep(self) -> None:
        if self._ear:
            self._watch.broker(connected=self._ear.connected)
        found = self.nexus.jobs.sweep(starting=self._starting)
        self._starting = False  # not before it was done: the store may be away when a worker starts
        if found:
            self._next_look = 0.0
            self._wake.set()

    def _every(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        """Do something every so many seconds, in a thread of its own, until the worker has ended."""
        outage = Outage(f"the {name}", log)

        def go_on() -> None:
            pause = seconds
            while not self._ended.wait(pause):
                pause = seconds
                try:
                    action()
                    outage.over()
                except Exception as error:
                    if outage.is_over and not isinstance(error, NexusError):
                        log.exception("the %s failed", name)
                    pause = max(seconds, outage.failed(error))

        keeper = threading.Thread(target=go_on, name=f"nexus-{name}", daemon=True)
        self._keepers.append(keeper)
        keeper.start()

    # Ending

    def _end(self) -> None:
        """Let the running jobs end, hand back the rest; the leases are renewed until then."""
        deadline = time.monotonic() + GRACE_SECONDS
        waiting = [job for lane in self.lanes.values() for job in lane.forget_waiting()]
        self._hand_back(waiting, begun=False)
        ended = [lane.wait(deadline) for lane in self.lanes.values()]
        if not all(ended):
            self._hand_back(self._held(), begun=True)
        self._settling.stop(KEEPER_SECONDS)
        self._ended.set()
        if self._ear:
            self._ear.stop()
        for lane in self.lanes.values():
            lane.stop()
        for keeper in self._keepers:  # whoever ran the worker may close the database next
            keeper.join(KEEPER_SECONDS)
        log.info("worker %s ends", self.name)

    def _hand_back(self, jobs: Sequence[Job], *, begun: bool) -> None:
        """Let other workers take these at once, instead of after the lease."""
        try:
            for job in jobs:
                self.nexus.jobs.hand_back(job, begun=begun)
        except NexusError as error:
            log.warning("%s jobs wait for the end of their lease: %s", len(jobs), error)
        if jobs:
            log.info("handed back %s jobs", len(jobs))
