"""What stands before several servers: passes each connection to the next one that takes it, and knows no HTTP."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Sequence

PATIENCE = 5.0
"""Seconds for which a server is looked for that takes a connection."""


class Balancer:
    """A TCP balancer on loopback: by turns, and another one when a server refuses."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._turn = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self.refused = 0  #: connections that no server took
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            far = self._connect()
            if far is None:
                self.refused += 1
                return
            with far:
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()

    def _connect(self) -> socket.socket | None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            first = next(self._turn)
            for number in range(len(self._ports)):
                with contextlib.suppress(OSError):
                    address = ("127.0.0.1", self._ports[(first + number) % len(self._ports)])
                    far = socket.create_connection(address, 5)
                    far.settimeout(None)
                    return far
            time.sleep(0.05)
        return None

    def close(self) -> None:
        """Take no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:  # cut off: so is who reads of it
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        return
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
