"""A client's socket as the threads of the server see it: nobody waits at it for long, in either direction."""

from __future__ import annotations

import errno
import select
import socket
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from .arrivals import Arrival

READ_SECONDS = 5.0  #: a thread waits so long for what should be there
PARTS = 64  #: are sent at once
UNREAD_BYTES = 1024 * 1024  #: a client that leaves so much unread gets no more


class ClientSocket:
    """Gives first what has arrived already, and keeps what the client does not take yet.

    The socket itself never blocks. A thread that reads finds the whole request here, and a thread that writes is done
    when the answer is made: the poller sends what is left.
    """

    def __init__(self, client: socket.socket) -> None:
        client.setblocking(False)
        self._socket = client
        self.number = client.fileno()  #: of the file, for pollers
        self._arrival: Arrival | None = None
        self._read: Callable[[int], bytes] = _nothing
        self._unsent: deque[memoryview] = deque()
        self._patience = READ_SECONDS
        self.is_over = False  #: the client ended in the midst of what it announced
        self.is_whole = True  #: the request was waited for; else the connection ends with the answer

    def give(self, arrival: Arrival) -> None:
        """Let the next reader have what arrived."""
        self._arrival, self._read = arrival, arrival.reader()

    def forget(self) -> bytes:
        """What arrived and was not read; it is gone from here."""
        rest = self._read(UNREAD_BYTES) if self._arrival is not None else b""
        if self._arrival is not None:
            self._arrival.close()
        self._arrival, self._read = None, _nothing
        return rest

    def receive(self, size: int) -> bytes | None:
        """What came since; None when nothing has, and nothing when the client has ended. :raises OSError:"""
        try:
            return self._socket.recv(size)
        except BlockingIOError:
            return None

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What a reader in a thread asks for: what arrived, then what comes within a short time."""
        if flags:
            return self._socket.recv(size, flags)
        if arrived := self._read(size):
            return arrived
        come = self.receive(size)
        if come is None and self._is_ready(select.POLLIN):
            come = self.receive(size)
        if not come:
            self.is_over = True
        return come or b""

    def _is_ready(self, event: int) -> bool:
        poll = select.poll()
        poll.register(self._socket, event)
        return bool(poll.poll(self._patience * 1000))

    def sendall(self, data: Any) -> None:
        """Send what the client takes now, and keep the rest.

        :raises BrokenPipeError: it has left too much unread already
        """
        while self.unsent > UNREAD_BYTES and not self.flush():  # less leaves with what is added: in one call
            if not self._is_ready(select.POLLOUT):
                raise BrokenPipeError(errno.EPIPE, "the client does not read")
        self._unsent.append(memoryview(data))
        self.flush()

    def hold(self, data: bytes) -> None:
        """Keep what is to be sent with what follows."""
        self._unsent.append(memoryview(data))

    def flush(self) -> bool:
        """Send more of what is kept; whether all is gone. :raises OSError: the client has"""
        while self._unsent:
            try:
                sent = self._socket.sendmsg([*islice(self._unsent, PARTS)])
            except BlockingIOError:
                return False
            while self._unsent and sent >= len(self._unsent[0]):
                sent -= len(self._unsent.popleft())
            if sent:
                self._unsent[0] = self._unsent[0][sent:]
        return True

    @property
    def unsent(self) -> int:
        """How many bytes wait for the client."""
        return sum(len(part) for part in self._unsent)

    def setblocking(self, flag: bool) -> None:
        """Nothing changes: it never blocks."""

    def settimeout(self, seconds: float | None) -> None:
        """How long a reader waits."""
        self._patience = READ_SECONDS if seconds is None else seconds

    def gettimeout(self) -> float:
        """How long a reader waits."""
        return self._patience

    def close(self) -> None:
        """End the connection."""
        self.forget()
        self._unsent.clear()
        self._socket.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def _nothing(size: int) -> bytes:
    return b""
