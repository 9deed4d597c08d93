"""Which way a request travels: to the configured server, to the hub of this data folder, or through this process.

Standard library only, and of nexus_core only what is as light: agents start the CLI often.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from nexus_core import location

from .failures import Failure, Refused


class Request(NamedTuple):
    """One call of the API; `path` is below the server's address and has its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float  #: seconds


class Answer(NamedTuple):
    """What came back; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """A way to the API."""

    @property
    def origin(self) -> str:
        """How to name it to people."""
        ...

    def send(self, request: Request) -> Answer:
        """Make one call. :raises Failure: it got no answer"""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class LocalHub:
    """The hub that runs on the data folder; once it turns out to be gone, this process instead."""

    def __init__(self, hub: Transport, environ: Mapping[str, str]) -> None:
        self._transport = hub
        self._environ = environ
        self._is_certain = False

    @property
    def origin(self) -> str:
        """How to name it to people."""
        return self._transport.origin

    def send(self, request: Request) -> Answer:
        """Make one call. :raises Failure: it got no answer"""
        try:
            answer = self._transport.send(request)
        except Refused:
            if self._is_certain:
                raise
            self._transport = in_process(self._environ)
            answer = self._transport.send(request)
        self._is_certain = True
        return answer

    def close(self) -> None:
        """Let go of what it holds."""
        self._transport.close()


def choose(environ: Mapping[str, str]) -> Transport:
    """The transport for this environment.

    :raises Failure: an address cannot be used
    :raises nexus_core.ConfigurationError: the configuration file cannot be used
    """
    given = places(environ)
    if url := given.get("url"):
        return _remote(url, given.get("token") or _kept(environ, url))
    data_dir = Path(given["data_dir"]).expanduser() if "data_dir" in given else None
    hub = location.read_hub(data_dir or location.default_data_dir(environ))
    if hub is None:
        return in_process(environ)
    return LocalHub(_remote(hub.url, given.get("token") or hub.key), environ)


def _kept(environ: Mapping[str, str], url: str) -> str | None:
    """The key that `nexus login` keeps for a server."""
    from . import credentials

    return credentials.find(environ, _remote(url, None).origin)


def in_process(environ: Mapping[str, str]) -> Transport:
    """The API in this process, over the embedded store."""
    from .embedded import InProcess

    return InProcess(environ)


def _remote(url: str, token: str | None) -> Transport:
    from .remote import Remote

    return Remote(url, token)


#: What the CLI itself needs of the configuration before any of it is loaded: key -> environment variable.
_NEEDED = {
    "url": "NEXUS_URL", "token": "NEXUS_TOKEN", "data_dir": "NEXUS_DATA_DIR", "key_prefix": "NEXUS_KEY_PREFIX",
}  # fmt: skip


def places(environ: Mapping[str, str]) -> dict[str, str]:
    """Server, key, data folder and prefix, where they are given: from the file, then from the environment.

    :raises nexus_core.ConfigurationError: the file cannot be used
    """
    given = {key: environ[name] for key, name in _NEEDED.items() if environ.get(name)}
    file = location.config_file(environ=environ)
    return {**_of_file(str(file), environ), **given} if file else given


def _of_file(file: str, environ: Mapping[str, str]) -> dict[str, str]:
    import tomllib

    try:
        with open(file, "rb") as opened:
            document = tomllib.load(opened)
    except (OSError, ValueError):
        document = {"url": None}
    found = {key: document[key] for key in _NEEDED if key in document}
    if not all(isinstance(value, str) for value in found.values()):
        from nexus_core.config import load_config  # says what is wrong, and where

        load_config(file, environ)
        raise Failure(f"{file}: cannot be used", "configuration")
    return found
