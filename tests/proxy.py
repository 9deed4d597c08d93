"""A TCP proxy on loopback that can fall silent, be slow, cut its connections, or refuse new ones.

`Proxy` runs in threads of this process, which is enough where this process does little else. Where it does much, each
byte would wait for the interpreter: `ProxyApart` is the same in a process of its own, `python -m tests.proxy PORT`.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Proxy:
    """Forwards to a TCP address or a Unix socket."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._passing = threading.Event()
        self._passing.set()
        self.port = 0
        self.delay = 0.0  #: seconds by which everything is late
        self.listen()

    def listen(self) -> None:
        """Take connections, on the same port as before if there was one."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Be gone: refuse new connections and end the old ones."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = self._connect()
                except OSError:  # who is behind us is gone for the moment
                    near.close()
                    continue
                self._open += [near, far]
                for one in (near, far):
                    if one.family != socket.AF_UNIX:  # else small pieces would wait for one another, 40 ms each time
                        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._target, str):
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect(self._target)
            return far
        return socket.create_connection(self._target)

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                # Silent: what comes is taken, and acknowledged by the kernel, and kept.
                self._passing.wait()
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def fall_silent(self) -> None:
        """Take everything and pass nothing on, on old connections and new ones."""
        self._passing.clear()

    def speak(self) -> None:
        """Pass on again, beginning with what was kept."""
        self._passing.set()

    def cut(self) -> None:
        """End all connections at once."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def close(self) -> None:
        """End for good."""
        self.refuse()
        self.speak()


class ProxyApart:
    """A proxy to a port of this machine, in a process of its own."""

    def __init__(self, target: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proxy", str(target)], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._words, self._answers = self._process.stdin, self._process.stdout
        self._asking = threading.Lock()
        self.port = int(self._answers.readline())

    def _tell(self, words: str) -> None:
        """Say it, and wait until it is so."""
        with self._asking, contextlib.suppress(OSError):
            self._words.write(f"{words}\n")
            self._words.flush()
            self._answers.readline()

    def slow(self, seconds: float) -> None:
        """Be late by so much with everything."""
        self._tell(f"slow {seconds}")

    def fall_silent(self) -> None:
        """As `Proxy`."""
        self._tell("silent")

    def speak(self) -> None:
        """As `Proxy`."""
        self._tell("speak")

    def cut(self) -> None:
        """As `Proxy`."""
        self._tell("cut")

    def close(self) -> None:
        """End for good."""
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Be a proxy to the port that is named; take orders from standard input until it ends."""
    proxy = Proxy(("127.0.0.1", int(sys.argv[1])))
    print(proxy.port, flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "slow":
            proxy.delay = float(rest[0])
        else:
            {"silent": proxy.fall_silent, "speak": proxy.speak, "cut": proxy.cut}[word]()
        print("so", flush=True)


@contextlib.contextmanager
def proxied(target: tuple[str, int] | str) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()


if __name__ == "__main__":
    main()
