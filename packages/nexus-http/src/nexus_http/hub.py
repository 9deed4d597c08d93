"""What surrounds the server: one hub a data folder, its socket, its local key, its end with its supervisor."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_core.errors import Busy, ConfigurationError, NexusError, Unavailable
from nexus_core.location import read_hub

if TYPE_CHECKING:
    from nexus_core.config import Config
    from nexus_core.nexus import Nexus

LOCK_FILE = "hub.lock"
_PR_SET_PDEATHSIG = 1
_log = logging.getLogger("nexus.http")


class HubLock:
    """Held by the hub that runs on a data folder; the system lets go of it when the hub dies, however it dies."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._descriptor = -1

    def __enter__(self) -> HubLock:
        """Take the lock.

        :raises Busy: another hub has it; the message names its address
        :raises ConfigurationError: the data folder cannot be used
        """
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(f"the data folder {self._data_dir} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = self._address()
            self.close()
            raise Busy(f"a hub runs on {self._data_dir} already{f', at {address}' if address else ''}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tell(self, address: str) -> None:
        """Leave the address for those who find the lock taken."""
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps({"url": address}).encode(), 0)

    def close(self) -> None:
        """Let go of the lock; in a forked process, of this process's share, so that it ends with the first one."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _address(self) -> str | None:
        hub = read_hub(self._data_dir)
        if hub is not None:
            return hub.url
        try:
            return str(json.loads(os.pread(self._descriptor, 1000, 0))["url"])
        except (ValueError, KeyError):
            return None


@contextmanager
def bind(address: str) -> Iterator[socket.socket]:
    """A socket that is bound to `host:port`; port 0 picks a free one.

    :raises Unavailable: the address is in use
    :raises ConfigurationError: it makes no sense, or is not this machine's
    """
    host, port = split_address(address)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigurationError(f"cannot listen at {address}: {error.strerror}") from None
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Unavailable(
                    f"{address} is in use by another program; stop it, or choose another with --bind or NEXUS_BIND"
                ) from None
            raise ConfigurationError(f"cannot listen at {address}: {error.strerror}") from None
        yield listener


def split_address(address: str) -> tuple[str, int]:
    """Host and port.

    >>> split_address("[::1]:8700")
    ('::1', 8700)

    :raises ConfigurationError: it is not host:port
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigurationError(f"“{address}” is no address to listen at; write host:port, such as 127.0.0.1:8700")
    return host, int(port)


def urls(listener: socket.socket) -> tuple[str, str]:
    """Where the server listens, to be shown, and where this machine reaches it."""
    host, port = listener.getsockname()[:2]

    def url(name: str) -> str:
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    return url(host), url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))  # noqa: S104 - a comparison, no bind


@contextmanager
def local_key(config: Config) -> Iterator[str]:
    """A key for this machine's user, good for as long as the hub runs; those of hubs that were killed are revoked.

    Before it, the configured admin key is accepted; and when there is no key at all, the first one is made and shown.
    """
    # A shared database may serve several hubs, and each revokes none but its own.
    name = "local hub" if config.is_sqlite else f"local hub ({socket.gethostname()}: {config.data_dir})"[:100]
    with _open(config) as nexus:
        nexus.keys.ensure_bootstrap(config["bootstrap_admin_key"])
        _show_first_key(nexus.keys.first_admin_key())
        _revoke(nexus, name)
        made = nexus.keys.create(name, role="admin")
    maker = os.getpid()
    try:
        yield made.secret
    finally:
        if os.getpid() == maker:  # else it is a server process that ends, while others go on
            _revoke_at_last(config, name)


def _revoke_at_last(config: Config, name: str) -> None:
    try:
        with _open(config) as nexus:
            _revoke(nexus, name)
    except NexusError as error:
        _log.warning("the hub's local key could not be revoked now; the next start does it: %s", error.message)


def _show_first_key(secret: str | None) -> None:
    """Print the first admin key, once; alone on standard output, so that a script can take it from there."""
    if secret is not None:
        if not is_supervised(os.environ):  # `nexus up` says so in its own words
            print("The first admin key, which is shown this once:", file=sys.stderr, flush=True)
        print(secret, flush=True)


def is_supervised(environ: Mapping[str, str]) -> bool:
    """Whether `nexus up` started this process."""
    return environ.get("NEXUS_SUPERVISED") == "1"


def supervise(environ: Mapping[str, str]) -> None:
    """Under a supervisor (`NEXUS_SUPERVISED=1`, set by `nexus up`), end when it ends, even when it is killed."""
    if is_supervised(environ):
        end_with_parent()


def end_with_parent() -> None:
    """Have the system send SIGTERM to this process when the one that started it dies; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _revoke(nexus: Nexus, name: str) -> None:
    for key in nexus.keys.list():
        if key.name == name and key.revoked_at is None:
            nexus.keys.revoke(key.id)


def _open(config: Config) -> Nexus:
    from nexus_core.nexus import Nexus  # the whole library, needed only once the socket is ours

    return Nexus.open(config)
