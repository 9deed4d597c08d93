"""The bell: job ids through RabbitMQ or Redis, so that workers learn of work at once. The only user of kombu.

A message is `{"job": id}`, as JSON, in the durable queue `nexus.<lane>`. It is a hint, and the job row is the
truth: what is lost here is found by the workers' regular look into the store. Of many jobs only some are announced, the
last with `"more": true`: whoever hears that looks for the others.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urldefrag, urlsplit

import attrs
import kombu as _kombu

from nexus_core.domain.jobs import LANES
from nexus_core.ports.wakeup import Ring

kombu: Any = _kombu  # annotated in part only, so that a type checker can make nothing of it
log = logging.getLogger("nexus.worker.bell")

RING_SECONDS = 3.0
"""How long ringing may take altogether; what is not rung by then is left to the workers' look."""

RINGS_MOST = 20
"""How many jobs of a lane are announced at once: the broker confirms each, and somebody waits for that."""

CONNECT_SECONDS = 1.5
"""How long a broker has to accept a connection and greet."""

ANSWER_SECONDS = 1.5
"""How long it has to confirm a ring."""

QUIET_SECONDS = 5.0
"""How long a broker that failed is left alone, so that not every change waits for it."""

HINT_SECONDS = 3600
"""How long a ring is worth keeping when no worker fetches it."""

ACK_SECONDS = 0.01
"""How soon after a ring was dealt with it is acknowledged: the broker sends no others meanwhile."""

REDIS_VISIBILITY = 300
"""Seconds after which Redis hands out again what a consumer took and never acknowledged."""


@attrs.frozen(kw_only=True)
class Address:
    """A broker, and the prefix of our queues there."""

    url: str = attrs.field(repr=False)
    namespace: str = "nexus"

    @classmethod
    def from_url(cls, url: str, namespace: str | None = None) -> Address:
        """Read a broker URL; hubs that share a broker tell their queues apart by its fragment, `amqp://host/#blue`."""
        bare, fragment = urldefrag(url)
        return cls(url=bare, namespace=namespace or fragment or "nexus")

    @property
    def label(self) -> str:
        """The broker's host, fit to be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or 'localhost'}" + (f":{parts.port}" if parts.port else "")

    @property
    def is_redis(self) -> bool:
        """Whether it is Redis, as opposed to RabbitMQ."""
        return self.url.startswith("redis")

    def queue(self, lane: str) -> Any:
        """The queue of a lane: durable, reached through the default exchange."""
        return kombu.Queue(f"{self.namespace}.{lane}", routing_key=f"{self.namespace}.{lane}", durable=True)

    def connect(self, *, heartbeat: int, patience: float) -> Any:
        """Connect, in one attempt; no wait for the broker's answer lasts longer than `patience` seconds."""
        connection = kombu.Connection(
            self.url,
            connect_timeout=CONNECT_SECONDS,
            heartbeat=0 if self.is_redis else heartbeat,
            transport_options=self._redis_options(patience) if self.is_redis else self._amqp_options(patience),
        )
        connection.ensure_connection(max_retries=0)
        return connection

    def _amqp_options(self, patience: float) -> dict[str, Any]:
        # Without confirms three messages of four were lost when the broker was killed, and no publish failed.
        return {
            "confirm_publish": True,
            "read_timeout": patience,
            "write_timeout": patience,
            "max_retries": 0,
        }

    def _redis_options(self, patience: float) -> dict[str, Any]:
        return {
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": patience,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "visibility_timeout": REDIS_VISIBILITY,
            "max_retries": 0,
            # What is fetched and not acknowledged is kept apart by hub, as the queues are.
            "unacked_key": f"{self.namespace}.unacked",
            "unacked_index_key": f"{self.namespace}.unacked_index",
            "unacked_mutex_key": f"{self.namespace}.unacked_mutex",
        }


class KombuWakeup:
    """Announces jobs through a broker. One connection a process, shared by its threads; it never raises."""

    def __init__(self, url: str, *, namespace: str | None = None) -> None:
        self.address = Address.from_url(url, namespace)
        self._begin_anew()
        weak = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (method := weak()) and method())

    def _begin_anew(self) -> None:
        # The parent's connection is kept, so that nothing closes it here.
        self._inherited = getattr(self, "_connection", None)
        self._connection: Any = None
        self._producer: Any = None
        self._lock = threading.Lock()
        self._quiet_until = 0.0
        self._silent = False

    def ring(self, rings: Sequence[Ring]) -> None:
        """Announce committed jobs. Best effort: what does not get through is found in the store."""
        deadline = time.monotonic() + RING_SECONDS
        if not rings or time.monotonic() < self._quiet_until or not self._lock.acquire(timeout=RING_SECONDS):
            return
        try:
            self._ring(_some(rings), deadline)
        finally:
            self._lock.release()

    def _ring(self, todo: list[tuple[Ring, bool]], deadline: float) -> None:
        was_idle = self._connection is not None
        while True:
            try:
                self._publish(todo, deadline)
                self._came_back()
                return
            except Exception as error:
                self._drop()
                # A connection that died while it was idle is worth a second attempt, a broker that is slow is not.
                if not was_idle or time.monotonic() > deadline - CONNECT_SECONDS - ANSWER_SECONDS / 2:
                    self._went_away(error)
                    return
                was_idle = False

    def _publish(self, todo: list[tuple[Ring, bool]], deadline: float) -> None:
        producer = self._opened()
        # Declared anew each time, past kombu's memory of what it declared: RabbitMQ confirms a message to a queue
        # that somebody deleted, and drops it.
        for lane in {ring.lane for ring, _ in todo}:
            self.address.queue(lane).bind(producer.channel).declare()
        while todo:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(todo)} rings were not sent within {RING_SECONDS:g} s")
            ring, more = todo[0]
            queue = self.address.queue(ring.lane)
            producer.publish(
                {"job": ring.job_id, **({"more": True} if more else {})},
                serializer="json",
                exchange="",
                routing_key=queue.name,
                declare=[queue],
                delivery_mode=2,
                expiration=HINT_SECONDS,
                **({} if self.address.is_redis else {"confirm_timeout": ANSWER_SECONDS}),
            )
            todo.pop(0)

    def _opened(self) -> Any:
        if self._producer is None:
            # No heartbeat: nobody would send it while nothing rings. The confirm notices a dead connection.
            self._connection = self.address.connect(heartbeat=0, patience=ANSWER_SECONDS)
            self._producer = kombu.Producer(self._connection.default_channel)
        return self._producer

    def _drop(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        _abandon(connection)

    def _went_away(self, error: Exception) -> None:
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        if not self._silent:
            self._silent = True
            log.warning("the broker %s cannot be reached; workers ask the store (%s)", self.address.label, _say(error))

    def _came_back(self) -> None:
        if self._silent:
            self._silent = False
            log.info("the broker %s is back", self.address.label)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()


def _some(rings: Sequence[Ring]) -> list[tuple[Ring, bool]]:
    """Those that are announced, each with whether there are more of its lane."""
    lanes: dict[str, list[Ring]] = {}
    for ring in dict.fromkeys(rings):
        lanes.setdefault(ring.lane, []).append(ring)
    return [
        (ring, number == RINGS_MOST and len(found) > RINGS_MOST)
        for found in lanes.values()
        for number, ring in enumerate(found[:RINGS_MOST], 1)
    ]


@attrs.define(kw_only=True, eq=False)
class Heard:
    """A job id that came through the broker. Who dealt with it sets `done`; it is acknowledged then."""

    lane: str
    job_id: int
    message: Any = attrs.field(repr=False)
    more: bool = False  #: there are other jobs of the lane, which were not announced
    at: float = attrs.field(factory=time.monotonic)
    done: bool = False


class Ear:
    """Listens for rings in a thread of its own, which alone touches the connection, and reconnects for ever.

    A ring is acknowledged when it was dealt with, or `hold` seconds after it came: a job may take longer
    than a broker waits, and the row holds it then.
    """

    def __init__(
        self,
        url: str,
        on_heard: Callable[[Heard], None],
        *,
        lanes: Sequence[str] = LANES,
        prefetch: Mapping[str, int] | None = None,
        namespace: str | None = None,
        hold: float = 60.0,
    ) -> None:
        self.address = Address.from_url(url, namespace)
        self.connected = False
        self.garbage = 0  #: messages that made no sense and were thrown away
        self._on_heard = on_heard
        self._lanes = tuple(lanes)
        self._prefetch = prefetch or {}
        self._hold = hold
        self._unacked: list[Heard] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nexus-ear", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        """Stop listening; what was dealt with is acknowledged, the rest goes back to the broker."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        wait, told = 0.5, False
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._listen()
            except Exception as error:
                if not told:
                    log.warning("lost the broker %s; asking the store (%s)", self.address.label, _say(error))
                told = True
            self.connected = False
            wait = 0.5 if time.monotonic() - began > 30 else min(wait * 2, 10.0)
            self._stopping.wait(wait)

    def _listen(self) -> None:
        with self._session() as connection:
            log.info("listening to the broker %s", self.address.label)
            self.connected = True
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=ACK_SECONDS if self._unacked else 0.5)
                self._acknowledge()
                if not self.address.is_redis:
                    connection.heartbeat_check()
            self._acknowledge()

    @contextlib.contextmanager
    def _session(self) -> Iterator[Any]:
        connection = self.address.connect(heartbeat=20, patience=5.0)
        try:
            for lane in self._lanes:
                self._consume(connection, lane)
            yield connection
            connection.release()
        finally:
            for heard in self._unacked:
                heard.done = True  # the broker sends it once more, or has forgotten it
            self._unacked.clear()
            _abandon(connection)

    def _consume(self, connection: Any, lane: str) -> None:
        # A channel each: rings of one lane that wait for a free thread must not keep back those of another.
        channel = connection.channel()
        consumer = kombu.Consumer(
            channel,
            queues=[self.address.queue(lane)],
            accept=["json"],
            callbacks=[lambda body, message: self._came(lane, body, message)],
            on_decode_error=self._undecodable,
            prefetch_count=self._prefetch.get(lane, 10),
        )
        consumer.consume()

    def _came(self, lane: str, body: Any, message: Any) -> None:
        job_id = body.get("job") if isinstance(body, dict) else None
        if type(job_id) is not int or not 0 < job_id < 2**63:
            self._undecodable(message, ValueError("it names no job"))
            return
        heard = Heard(lane=lane, job_id=job_id, message=message, more=bool(body.get("more")))
        self._unacked.append(heard)
        self._on_heard(heard)

    def _undecodable(self, message: Any, error: Exception) -> None:
        self.garbage += 1
        log.warning("a message in the broker made no sense and was thrown away (%s)", type(error).__name__)
        message.ack()

    def _acknowledge(self) -> None:
        late = time.monotonic() - self._hold
        for heard in self._unacked:
            if heard.done or heard.at < late:
                heard.done = True
                heard.message.ack()
        self._unacked = [heard for heard in self._unacked if not heard.done]


def _abandon(connection: Any) -> None:
    """Let go of a connection that may be broken, without a word to the other side."""
    if connection is not None:
        with contextlib.suppress(Exception):
            connection.collect(socket_timeout=0.1)


def _say(error: Exception) -> str:
    """What went wrong, in a line, without the address, which may hold a password."""
    reason = getattr(error, "strerror", None) or (str(error) if isinstance(error, TimeoutError) else "")
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__
