"""gunicorn's threaded worker, with patience for slow clients and problems for broken requests.

The worker as it comes gives a thread to every connection, so that a few clients that send a byte a second, or that do
not read their answer, keep everybody out. Here a connection waits in the poller until its request has arrived whole,
body included, and again until its answer has been taken. A thread sees only what can be answered at once.
"""

from __future__ import annotations

import errno
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http import errors as http_errors
from gunicorn.http import wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from . import waiting
from .answer import Answer
from .arrivals import CHUNK, HEAD_BYTES, SPOOL_ABOVE, Arrival, Head
from .clients import ClientSocket
from .crew import LATE_SECONDS, Crew
from .refusals import problem_response

HEAD_SECONDS = 10.0  #: the head of a request must arrive within
BODY_SECONDS = 30.0  #: its body within, and
BYTES_A_SECOND = 50_000  #: a second more for so many bytes
TAKE_SECONDS = 30.0  #: an answer must be taken within, and a second more for as many bytes
FAREWELL_SECONDS = 2.0  #: a client is listened to so long after its last answer
LAST_CALL_SECONDS = 2.0  #: for those that have not sent their request when the worker is to stop
HEAVY = 1024 * 1024  #: of bodies that are larger,
HEAVY_AT_ONCE = 2  #: only so many are worked on at once, since each is in memory several times
SPOOLED_BYTES = 4 * 1024**3  #: in files, together
UNTAKEN_BYTES = 256 * 1024**2  #: in answers, together
INTAKE = b"/api/v1/webhooks/"  #: what comes there is answered by
INTAKE_THREADS = 4  #: threads of its own: while the database is away, others may wait for it in all the rest
SIGN_OF_LIFE_SECONDS = 0.5  #: between two that gunicorn's master is given
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (http_errors.LimitRequestLine, 414),
    (http_errors.LimitRequestHeaders, 431),
    (http_errors.ExpectationFailed, 417),
    (http_errors.UnsupportedTransferCoding, 501),
    (http_errors.ParseException, 400),
)


class Place:
    """Where a connection stands while no thread has it."""

    __slots__ = ("deadline", "kind")

    def __init__(self, kind: str, deadline: float) -> None:
        self.kind = kind  #: kept, head, body, answer, farewell
        self.deadline = deadline


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A worker whose threads see only requests that can be answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places: dict[Any, Place] = {}  #: those that wait the longest come first
        self._seating = threading.Lock()  #: for places, and for the poller, which must agree with them
        self._arrivals: dict[Any, Arrival] = {}
        self._heavy: deque[Any] = deque()  #: whole, but waiting for others of their weight
        self._heavy_now: set[Any] = set()
        self._spooled: dict[Any, int] = {}
        self._next_look = 0.0
        self._last_call = float("inf")
        self._next_sign = 0.0
        self._intake: Crew | None = None

    def init_process(self) -> None:
        """Begin to work."""
        wsgi.Response = Answer
        self._intake = Crew(min(INTAKE_THREADS, self.cfg.threads), self._answer, "nexus-intake")
        super().init_process()

    def get_thread_pool(self) -> Crew:
        """The threads for all else."""
        return Crew(self.cfg.threads, self._answer, "nexus-request")

    def notify(self) -> None:
        """Show gunicorn's master that this worker lives: now and then, and not at each event."""
        now = time.monotonic()
        if now >= self._next_sign:
            self._next_sign = now + SIGN_OF_LIFE_SECONDS
            super().notify()

    # In ---------------------------------------------------------------------------------------------------------------

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections or not. A worker that ends takes those that the system has taken for it, then hangs up.

        Whoever comes while the socket is open and nobody takes connections from it would be cut off later, unanswered;
        once all workers have closed it he is refused at once, and a balancer takes him elsewhere.
        """
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                while self._take(listener):
                    pass
                listener.close()

    def accept(self, listener: Any) -> None:
        """Take a connection in and wait for what it wants; no thread is needed for that."""
        self._take(listener)

    def _take(self, listener: Any) -> bool:
        """Take one in; false when there is none."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self._places:
                self._drop(next(iter(self._places)))
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return error.errno == errno.ECONNABORTED
        self.nr_conns += 1
        conn = TConn(self.cfg, ClientSocket(client), address, listener.getsockname())
        if self.nr_conns >= self.worker_connections and self._places:  # whoever waits the longest makes room
            self._drop(next(iter(self._places)))
        self._guarded(self._begin, conn)
        return True

    def _begin(self, conn: Any, come: bytes = b"") -> None:
        """A connection begins a request, of which a part may have come with the former one."""
        self._arrivals[conn] = Arrival(come)
        conn.sock.is_whole = True
        self._take_in(conn, time.monotonic() + HEAD_SECONDS)

    def _take_in(self, conn: Any, deadline: float) -> None:
        """Take what has come, and see whether it is a request that a thread can answer."""
        arrival = self._arrivals[conn]
        if arrival.missing:
            data = conn.sock.receive(CHUNK)
            if data == b"":  # it sends no more; of a request that had begun it may still wait for the answer
                if arrival.is_begun:
                    self._refuse(conn, 400)
                else:
                    self._drop(conn)
                return
            arrival.add(data or b"")
        if arrival.head is not None and not arrival.is_seen:
            arrival.is_seen = True
            self._on_head(conn, arrival, arrival.head)
        else:
            self._go_on(conn, arrival, deadline)

    def _go_on(self, conn: Any, arrival: Arrival, deadline: float) -> None:
        if not arrival.missing:
            self._hand_over(conn)
        elif arrival.is_endless:
            self._refuse(conn, 431)
        else:
            if arrival.head is not None:  # be woken when there is something worth it
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(arrival.missing, SPOOL_ABOVE))
            kind = "head" if arrival.head is None else "body"
            self._watch(conn, kind, deadline, lambda conn: self._take_in(conn, deadline))

    def _on_head(self, conn: Any, arrival: Arrival, head: Head) -> None:
        """The head is whole: wait for the body, unless it will not be wanted."""
        if not head.has_length or head.length > self.app.body_limit(head.method, head.target):
            conn.sock.is_whole = False  # the application refuses it by its head
            self._hand_over(conn)
            return
        if arrival.missing and head.length > SPOOL_ABOVE:
            if sum(self._spooled.values()) + head.length > SPOOLED_BYTES:
                self._refuse(conn, 503)
                return
            self._spooled[conn] = head.length
            arrival.spool(self.app.spool_folder)
        if arrival.missing and head.expects:
            conn.sock.sendall(CONTINUE)
        self._go_on(conn, arrival, time.monotonic() + BODY_SECONDS + head.length / BYTES_A_SECOND)

    def _hand_over(self, conn: Any) -> None:
        """Let a thread answer."""
        arrival = self._arrivals[conn]
        if arrival.head is not None and arrival.head.length > HEAVY and conn.sock.is_whole:
            if len(self._heavy_now) >= HEAVY_AT_ONCE:
                self._heavy.append(conn)
                return
            self._heavy_now.add(conn)
        del self._arrivals[conn]
        self._spooled.pop(conn, None)
        if arrival.head is not None and arrival.head.length:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        conn.sock.give(arrival)
        conn.data_ready = True
        if arrival.head is not None and arrival.head.target.startswith(INTAKE) and self._intake is not None:
            self._intake.submit(conn)
        else:
            self.tpool.submit(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for what happens next; not long while requests wait for a thread, since more may have to help."""
        super().wait_for_and_dispatch_events(min(timeout, LATE_SECONDS) if self.tpool.queue else timeout)
        self.tpool.help()

    # Out --------------------------------------------------------------------------------------------------------------

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Have the application answer."""
        req._expected_100_continue = False  # the client was told when it should send
        if not conn.sock.is_whole:
            req.force_close()
        return bool(super().handle_request(req, conn))

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether another request may come. Nothing is read to find out: what was announced is here."""
        whole = keepalive and conn.sock.is_whole
        return bool(whole and super()._keepalive_after(conn, keepalive) and not conn.sock.is_over)

    def _answer(self, conn: Any) -> None:
        """Answer a request, in a thread of the crew."""
        keep = False
        try:
            keep = bool(self.handle(conn))
            if keep and conn not in self._heavy_now and self._stays(conn):
                return
        except BaseException:  # whatever it was: the thread goes on
            self.log.exception("a connection is given up")
            keep = False
        self.method_queue.defer(self._finish, conn, keep)

    def _stays(self, conn: Any) -> bool:
        """Let a connection wait for its next request, where that is all there is to do: most often it is.

        It spares the round through the main thread, which else would wake for it once more.
        """
        if not conn.sock.flush():
            return False
        if rest := self._rest(conn):
            self.method_queue.defer(self._guarded, partial(self._begin, come=rest), conn)
        else:
            self._watch_kept(conn)
        return True

    def _finish(self, conn: Any, keep: bool) -> None:
        """A thread is done: send what the client has not taken, then see whether it wants more."""
        self._heavy_now.discard(conn)
        if self._heavy:
            self._guarded(self._hand_over, self._heavy.popleft())
        self._guarded(partial(self._send, keep=keep, deadline=None), conn)

    def _send(self, conn: Any, *, keep: bool, deadline: float | None) -> None:
        if conn.sock.flush():
            (self._keep if keep else self._farewell)(conn)
            return
        if deadline is None:
            deadline = time.monotonic() + TAKE_SECONDS + conn.sock.unsent / BYTES_A_SECOND
            self._make_room()
        callback = partial(self._send, keep=keep, deadline=deadline)
        self._watch(conn, "answer", deadline, callback, selectors.EVENT_WRITE)

    def _make_room(self) -> None:
        """Give up on those that have left their answers lying the longest, while there is too much of them."""
        slow = [(conn, conn.sock.unsent) for conn, place in [*self._places.items()] if place.kind == "answer"]
        total = sum(size for _, size in slow)
        for conn, size in slow:
            if total <= UNTAKEN_BYTES:
                return
            total -= size
            self._drop(conn)

    def _keep(self, conn: Any) -> None:
        """The connection stays for another request."""
        if rest := self._rest(conn):
            self._begin(conn, rest)
        else:
            self._watch_kept(conn)

    def _rest(self, conn: Any) -> bytes:
        """What came with a request and belongs to the next."""
        rest: bytes = conn.parser.unreader.take_buffered() + conn.sock.forget()
        return rest

    def _watch_kept(self, conn: Any) -> None:
        self._watch(conn, "kept", time.monotonic() + self.cfg.keepalive, self._begin)

    def _farewell(self, conn: Any) -> None:
        """Close as RFC 9112 has it: what still comes is read, else the system would break the answer off."""
        with suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        self._listen(conn, deadline=time.monotonic() + FAREWELL_SECONDS)

    def _listen(self, conn: Any, *, deadline: float) -> None:
        if conn.sock.receive(CHUNK) == b"":
            self._drop(conn)
            return
        self._watch(conn, "farewell", deadline, partial(self._listen, deadline=deadline))

    def _refuse(self, conn: Any, status: int) -> None:
        """Answer a request that no thread shall see."""
        if (arrival := self._arrivals.pop(conn, None)) is not None:
            arrival.close()
        self._tell(conn.sock, status)
        self._send(conn, keep=False, deadline=None)

    # Waiting ----------------------------------------------------------------------------------------------------------

    def _watch(
        self, conn: Any, kind: str, deadline: float, then: Callable[[Any], None], event: int = selectors.EVENT_READ
    ) -> None:
        """Go on with a connection once, when its socket is ready; it is given up at the deadline."""
        with self._seating:
            self._places[conn] = Place(kind, deadline)
            self.poller.register(conn.sock.number, event, partial(self._on_ready, conn, then))

    def _on_ready(self, conn: Any, then: Callable[[Any], None], _: Any) -> None:
        self._leave_place(conn)
        self._guarded(then, conn)

    def _leave_place(self, conn: Any) -> None:
        with self._seating:
            if self._places.pop(conn, None) is not None:
                self.poller.unregister(conn.sock.number)

    def _guarded(self, step: Callable[[Any], None], conn: Any) -> None:
        """Take a step with a connection; when that fails, the connection ends and nothing else does."""
        try:
            step(conn)
        except OSError as error:
            self.log.debug("a connection ended: %s", error)
            self._drop(conn)
        except Exception:
            self.log.exception("a connection is given up")
            self._drop(conn)

    def _drop(self, conn: Any) -> None:
        """End a connection that no thread has."""
        self._leave_place(conn)
        self._spooled.pop(conn, None)
        if (arrival := self._arrivals.pop(conn, None)) is not None:
            arrival.close()
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """End connections whose time is over; when the worker stops, soon all that wait."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + 0.5
        if not self.alive:
            self._last_call = min(self._last_call, now + LAST_CALL_SECONDS)
        for conn, place in [*self._places.items()]:
            limit = place.deadline if place.kind in ("answer", "farewell") else min(place.deadline, self._last_call)
            if now >= limit:
                self._guarded(self._give_up, conn)

    def _give_up(self, conn: Any) -> None:
        arrival = self._arrivals.get(conn)
        if arrival is not None and arrival.is_begun:
            self._leave_place(conn)
            self._refuse(conn, 408)
        else:
            self._drop(conn)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop: whoever waits for events is answered."""
        waiting.stopping.set()  # this thread, which runs signal handlers, never waits on it itself
        super().handle_exit(sig, frame)

    # Refusals ---------------------------------------------------------------------------------------------------------

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that could not be read, or that failed outside the application."""
        ours = not isinstance(exc, http_errors.InvalidResponseHeader | http_errors.InvalidResponseHeaderName)
        status = next((status for kind, status in _STATUSES if ours and isinstance(exc, kind)), 500)
        if status == 500:
            self.log.error("a request failed outside the application", exc_info=exc)
        self._tell(client, status)

    def _tell(self, client: Any, status: int) -> None:
        try:
            client.sendall(problem_response(status))
        except OSError:
            self.log.debug("the client has gone before it could be told")


__all__ = ["HEAD_BYTES", "HEAD_SECONDS", "PatientWorker"]
