"""The spool in files: one a delivery, beside the database, written to the disk before it is answered for."""

from __future__ import annotations

import logging
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from ..errors import NexusError, Unavailable
from ..ports.spool import Spooled, SpoolState
from .spool_file import NotOurs, pack, unpack

try:
    import fcntl
except ImportError:  # where there is no such lock, two that store the same one meet at the store, which keeps one
    fcntl = None  # type: ignore[assignment] # a module, or its absence

ASIDE = "aside"
"""The folder, within the spool, of files that somebody must look at. One that is moved back is tried again."""

TRIES = 5
"""How often a process tries to store one that the store refuses, before it puts it aside."""

UNFINISHED_SECONDS = 60.0
"""A file that is still being written after so long was left by a process that died; its sender got no 2xx."""

COUNTED_SECONDS = 1.0
"""How long a count of what lies in the folder is good for."""

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{16}\.delivery")
_UNFINISHED = re.compile(r"\.(\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{16}\.delivery")
log = logging.getLogger("nexus.spool")


class FileSpool:
    """Deliveries in a folder of their own, that only its owner may read."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit  #: bytes
        self._number = count()  #: so that those of one instant stay in their order
        self._refusals: Counter[str] = Counter()
        self._counted: tuple[float, int] = (float("-inf"), 0)  #: when, and how many bytes

    def put(self, spooled: Spooled) -> None:
        """Keep one: file and folder are synced to the disk when this returns. :raises Unavailable: it cannot be kept"""
        content = pack(spooled)
        stamp = spooled.received_at.astimezone(UTC).strftime(_STAMP)
        name = f"{stamp}-{next(self._number) % 2**24:06x}{secrets.token_hex(5)}.delivery"
        try:
            if self._used() + len(content) > self._limit:
                raise Unavailable(
                    "the database cannot be reached, and the spool for webhooks is full; send it again later"
                )
            self._write(name, content)
        except OSError as error:
            raise Unavailable(
                f"the database cannot be reached, and the webhook cannot be spooled: {error.strerror}; "
                "send it again later"
            ) from error
        self._counted = (self._counted[0], self._counted[1] + len(content))

    def _write(self, name: str, content: bytes) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(self._folder.parent)
        unfinished = self._folder / f".{name}"
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self._folder / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(self._folder)

    def drain(self, store: Callable[[Spooled], object]) -> int:
        """Store what waits, in the order in which it came. :raises Unavailable: `store` raised it"""
        stored = 0
        for name in self._names():
            if not _NAME.fullmatch(name):
                self._look_at(name)
                continue
            with self._held(name) as content:
                if content is not None and self._stored(name, content, store):
                    (self._folder / name).unlink(missing_ok=True)
                    stored += 1
        return stored

    def _names(self) -> list[str]:
        try:
            return sorted(path.name for path in self._folder.iterdir() if path.name != ASIDE)
        except FileNotFoundError:
            return []

    @contextmanager
    def _held(self, name: str) -> Iterator[bytes | None]:
        """What a file holds, for as long as no other process may have it; None when another has it, or had it."""
        try:
            file = open(os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")  # noqa: SIM115 - see below
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            self._put_aside(name, error.strerror or "it cannot be opened")
            yield None
            return
        with file:
            yield file.read() if _lock(file.fileno()) and os.fstat(file.fileno()).st_nlink else None

    def _stored(self, name: str, content: bytes, store: Callable[[Spooled], object]) -> bool:
        try:
            store(unpack(content))
        except NotOurs as error:
            self._put_aside(name, str(error))
        except Unavailable:
            raise
        except Exception as error:
            self._refusals[name] += 1
            said = error.message if isinstance(error, NexusError) else f"{type(error).__name__}: {error}"
            log.warning("the spooled webhook %s is not taken: %s", name, said)
            if self._refusals[name] >= TRIES:
                del self._refusals[name]
                self._put_aside(name, said)
        else:
            self._refusals.pop(name, None)
            return True
        return False

    def _look_at(self, name: str) -> None:
        """What is no delivery goes aside, unless somebody is just writing it."""
        if _UNFINISHED.fullmatch(name):
            with suppress(FileNotFoundError):
                if time.time() - (self._folder / name).lstat().st_mtime > UNFINISHED_SECONDS:
                    self._put_aside(
                        name, "whoever wrote it died before it was whole; its sender was not told that it was kept"
                    )
            return
        self._put_aside(name, "it is none of the spool's files")

    def _put_aside(self, name: str, reason: str) -> None:
        aside = self._folder / ASIDE
        try:
            aside.mkdir(mode=0o700, exist_ok=True)
            place = aside / name.removeprefix(".")
            while place.exists():
                place = place.with_name(f"{name.removeprefix('.')}.{secrets.token_hex(4)}")
            (self._folder / name).rename(place)
        except FileNotFoundError:
            return  # another process was quicker
        except OSError as error:
            log.error("%s in the spool for webhooks cannot be put aside: %s (%s)", name, error.strerror, reason)
            return
        log.error("a file of the spool for webhooks was put aside as %s: %s", place, reason)

    def state(self) -> SpoolState:
        """How much waits."""
        waiting = [(name, size) for name, size in self._sizes() if _NAME.fullmatch(name)]
        first = min((name for name, _ in waiting), default=None)
        return SpoolState(
            number=len(waiting), size=sum(size for _, size in waiting), aside=self._number_aside(),
            oldest=None if first is None else datetime.strptime(first[: first.index("-")], _STAMP).replace(tzinfo=UTC),
        )  # fmt: skip

    def _number_aside(self) -> int:
        try:
            return sum(1 for _ in (self._folder / ASIDE).iterdir())
        except FileNotFoundError:
            return 0

    def _used(self) -> int:
        """Bytes in the folder: what others wrote within the last second may be missing."""
        now = time.monotonic()
        if now - self._counted[0] > COUNTED_SECONDS:
            self._counted = (now, sum(size for _, size in self._sizes()))
        return self._counted[1]

    def _sizes(self) -> Iterator[tuple[str, int]]:
        try:
            entries = list(os.scandir(self._folder))
        except FileNotFoundError:
            return
        for entry in entries:
            with suppress(FileNotFoundError):  # it was stored meanwhile
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_size


def _lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Have the disk remember which files are in a folder."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
