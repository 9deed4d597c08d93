"""Starts a command under its guard and follows what it prints."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import attrs

_GUARD = Path(__file__).with_name("guard.py")
_LINE_LIMIT = 1 << 20  # bytes: of a longer line the rest is dropped
_CHUNK = 1 << 16
_AFTERGLOW = 2.0  # seconds in which output is still read when the command has ended


@attrs.frozen(kw_only=True)
class Limits:
    """What a command may use. Seconds and bytes; 0 means no limit, but for the deadline."""

    deadline: float
    grace: float = 10.0
    memory: int = 0
    file: int = 0
    processes: int = 0
    confine: bool = True  #: whether it is kept from looking into other processes
    privileges: bool = False  #: whether it may gain privileges, such as by sudo


@attrs.frozen(kw_only=True)
class Ending:
    """How a command ended."""

    code: int
    reason: str = ""  #: timeout, memory, processes, asked or taken: why it was ended; or why it could not start


@attrs.frozen(kw_only=True)
class Callbacks:
    """What is called while a command runs. An exception of any ends the command, and is raised."""

    started: Callable[[], None] = lambda: None
    line: Callable[[str], None] = lambda _: None
    tick: Callable[[], None] = lambda: None  #: about five times a second
    is_flooded: Callable[[], bool] = lambda: False  #: whether to read slowly, so that a torrent costs little


class GuardedCommand:
    """A command under its guard; a context manager, at whose end nothing of the command is left."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        limits: Limits,
        stdin: Path | None = None,
    ) -> None:
        self._limits = limits
        self._life, theirs = socket.socketpair()
        options = {
            "life": theirs.fileno(), "parent": os.getpid(),
            "grace": limits.grace, "deadline": limits.deadline,
            "memory": limits.memory, "file": limits.file, "processes": limits.processes,
            "confine": int(limits.confine), "privileges": int(limits.privileges),
        }  # fmt: skip
        head = [
            sys.executable,
            "-I",
            "-S",
            str(_GUARD),
            *(f"{key}={value}" for key, value in options.items()),
            "--",
        ]
        with theirs, open(stdin or os.devnull, "rb") as source:
            self._process = subprocess.Popen(
                [*head, *command],
                cwd=cwd,
                env=dict(env),
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._told = b""

    @property
    def pid(self) -> int:
        """The guard's process id."""
        return self._process.pid

    def __enter__(self) -> GuardedCommand:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        for stream in (self._process.stdout, self._process.stderr, self._life):
            if stream is not None:
                stream.close()

    def follow(self, callbacks: Callbacks) -> Ending:
        """Read what it prints until it has ended."""
        streams = [stream for stream in (self._process.stdout, self._process.stderr) if stream is not None]
        readers = {stream: _Lines(callbacks.line) for stream in streams}
        is_started = False
        for _ in self._rounds(readers):
            if not is_started and b"agent " in self._told:
                is_started = True
                callbacks.started()
            callbacks.tick()
            if callbacks.is_flooded():
                time.sleep(0.02)
        self._end()
        for lines in readers.values():
            lines.finish()
        return self._ending()

    def _rounds(self, readers: Mapping[IO[bytes], _Lines]) -> Iterator[None]:
        """Read what there is, again and again, until all is read or there is no more to hope for."""
        give_up = time.monotonic() + self._limits.deadline + self._limits.grace + 30
        with selectors.DefaultSelector() as selector:
            sources: tuple[IO[bytes] | socket.socket, ...] = (*readers, self._life)
            for source in sources:
                os.set_blocking(source.fileno(), False)
                selector.register(source, selectors.EVENT_READ)
            while selector.get_map() and time.monotonic() < give_up:
                for key, _ in selector.select(0.2):
                    self._read(key.fileobj, readers, selector)
                yield
                if self._process.poll() is not None:
                    give_up = min(give_up, time.monotonic() + _AFTERGLOW)

    def _read(self, source: object, readers: Mapping[IO[bytes], _Lines], selector: selectors.BaseSelector) -> None:
        if source is self._life:
            with suppress(ConnectionError):
                data = self._life.recv(4096)
                self._told += data
                if data:
                    return
            selector.unregister(self._life)
            return
        for stream, lines in readers.items():
            if stream is source:
                data = os.read(stream.fileno(), _CHUNK)
                lines.feed(data)
                if not data:
                    selector.unregister(stream)

    def _end(self) -> None:
        """Have the guard end what still runs; closing our end of the socket tells it to."""
        with suppress(OSError):
            self._life.shutdown(socket.SHUT_WR)
        try:
            self._process.wait(self._limits.grace + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ending(self) -> Ending:
        told = [line.partition(" ") for line in self._told.decode(errors="replace").splitlines()]
        reason = next((text for word, _, text in told if word in ("ended", "unstarted")), "")
        return Ending(code=self._process.returncode, reason=reason)


class _Lines:
    """Bytes to lines."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._buffer = b""
        self._dropping = False

    def feed(self, data: bytes) -> None:
        """Take what was read; calls with each line that is complete."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not self._dropping:
                self._take(line.decode("utf-8", "replace"))
            self._dropping = False
        if len(self._buffer) > _LINE_LIMIT:
            if not self._dropping:
                self._take(self._buffer[:_LINE_LIMIT].decode("utf-8", "replace"))
            self._buffer, self._dropping = b"", True

    def finish(self) -> None:
        """Take what stands after the last end of line."""
        if self._buffer and not self._dropping:
            self._take(self._buffer.decode("utf-8", "replace"))
        self._buffer = b""
