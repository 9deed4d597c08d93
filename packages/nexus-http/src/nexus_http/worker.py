"""gunicorn's threaded worker, with patience for slow clients and problems for broken requests.

The worker as it comes gives a thread to every connection, so that a few clients that send a byte a second keep
everybody out. Here a connection waits in the poller until the head of its request has arrived whole.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from . import waiting
from .encoding import encode
from .problems import HTTP_CODES, PROBLEM_JSON, document

HEAD_SECONDS = 10.0  #: the head of a request must arrive within
HEAD_BYTES = 32 * 1024  #: and be no larger than
LAST_CALL_SECONDS = 2.0  #: for those that have not sent theirs when the worker is to stop

_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (http_errors.LimitRequestLine, 414),
    (http_errors.LimitRequestHeaders, 431),
    (http_errors.ExpectationFailed, 417),
    (http_errors.UnsupportedTransferCoding, 501),
    (http_errors.ParseException, 400),
)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A worker whose threads see only requests that can be answered."""

    _last_call = float("inf")

    def accept(self, listener: Any) -> None:
        """Take a connection in and wait for what it wants; no thread is needed for that."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        self._await_head(TConn(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """A kept connection begins its next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_head(conn)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """More of a request has come: hand it to a thread once its head is whole."""
        arrived = _peek(conn.sock)
        if arrived is None or b"\r\n\r\n" in arrived:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            super().on_pending_socket_readable(conn, client)
        elif len(arrived) >= HEAD_BYTES:
            self._refuse(conn, client)
        else:  # be woken when there is more than this, and not before
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(arrived) + 1)

    def _await_head(self, conn: Any) -> None:
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _refuse(self, conn: Any, client: Any) -> None:
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self.nr_conns -= 1
        self._tell(conn.sock, 431)
        with suppress(OSError):  # what is left unread at the end would make the system break the answer off
            client.recv(1024 * 1024)
        conn.close()

    def murder_pending(self) -> None:
        """Close connections whose time is over; when the worker stops, soon all that wait."""
        if not self.alive:
            self._last_call = min(self._last_call, time.monotonic() + LAST_CALL_SECONDS)
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, self._last_call)
        super().murder_pending()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop: whoever waits for events is answered."""
        waiting.stopping.set()  # this thread, which runs signal handlers, never waits on it itself
        super().handle_exit(sig, frame)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer a request that could not be read, or that failed outside the application."""
        ours = not isinstance(exc, http_errors.InvalidResponseHeader | http_errors.InvalidResponseHeaderName)
        status = next((status for kind, status in _STATUSES if ours and isinstance(exc, kind)), 500)
        if status == 500:
            self.log.error("a request failed outside the application", exc_info=exc)
        self._tell(client, status)

    def _tell(self, client: socket.socket, status: int) -> None:
        try:
            client.sendall(problem_response(status))
        except OSError:
            self.log.debug("the client has gone before it could be told")


def problem_response(status: int) -> bytes:
    """A whole HTTP response with the problem for a status."""
    code, said = HTTP_CODES[status]
    problem = document(status, code, said)
    body = encode(problem)
    head = (
        f"HTTP/1.1 {status} {problem['title']}\r\n"
        f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _peek(client: socket.socket) -> bytes | None:
    """What has arrived, left where it is; None when the connection is over, which a thread may find out."""
    try:
        return client.recv(HEAD_BYTES, socket.MSG_PEEK) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
