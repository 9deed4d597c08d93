"""Requests on their way in: what has come of each, what is still to come, and where it is kept meanwhile."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

HEAD_BYTES = 32 * 1024  #: the head of a request is no larger than
SPOOL_ABOVE = 64 * 1024  #: a larger body waits in a file, so that those who send slowly fill no memory
CHUNK = 256 * 1024  #: taken from a socket at once

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r\n)")
_ENCODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")


class Head(NamedTuple):
    """What the head of a request says of its body."""

    method: bytes
    target: bytes
    size: int  #: of the head itself
    length: int  #: of the body; 0 when none is announced, or not in a way that can be waited for
    has_length: bool  #: whether the body's length is known; a body in chunks has none
    expects: bool  #: whether the client waits to be told to send its body


def head_of(data: bytes | bytearray) -> Head | None:
    """The head at the beginning of what came; None while it is not whole.

    What is wrong in it, the server's parser finds; here it only means that no body is waited for.
    """
    end = data.find(_END)
    if end < 0:
        return None
    text = bytes(data[: end + 2])
    method, _, rest = text.partition(b"\r\n")[0].partition(b" ")
    small = text.lower()
    lengths = _LENGTH.findall(small) if b"content-length" in small else ()
    encoded = b"transfer-encoding" in small and _ENCODED.search(small) is not None
    expects = b"100-continue" in small and _EXPECTS.search(small) is not None
    length = int(lengths[0]) if len(lengths) == 1 else 0
    return Head(method, rest.partition(b" ")[0], end + len(_END), length, not encoded, expects)


class Arrival:
    """A request that is on its way in."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)
        self._file: IO[bytes] | None = None
        self._checked = 0
        self.is_seen = False  #: whether somebody has looked at the head
        self.head: Head | None = None
        self._size = len(data)
        self._look()

    def add(self, data: bytes) -> None:
        """More has come. :raises OSError: the disk is full"""
        self._size += len(data)
        if self._file is not None:
            self._file.write(data)
            return
        self._data += data
        self._look()

    def _look(self) -> None:
        if self.head is None and self._data.find(_END, max(0, self._checked - 3)) >= 0:
            self.head = head_of(self._data)
        self._checked = len(self._data)

    @property
    def is_begun(self) -> bool:
        """Whether anything has come."""
        return self._size > 0

    @property
    def is_endless(self) -> bool:
        """Whether so much has come that there should be a whole head, and is none."""
        return self.head is None and self._size >= HEAD_BYTES

    @property
    def missing(self) -> int:
        """How many bytes are still to come; 1 when nobody knows."""
        return 1 if self.head is None else max(0, self.head.size + self.head.length - self._size)

    def spool(self, folder: Path | None) -> None:
        """Keep the rest in a file. :raises OSError: there is no place for it"""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever reads it
        self._file.write(self._data)
        self._data.clear()

    def reader(self) -> Callable[[int], bytes]:
        """A function that gives what came, so many bytes at most, and nothing when that was all."""
        if self._file is not None:
            self._file.seek(0)
            return self._file.read
        data, place = bytes(self._data), 0

        def read(size: int) -> bytes:
            nonlocal place
            part = data[place : place + size]
            place += len(part)
            return part

        return read

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
