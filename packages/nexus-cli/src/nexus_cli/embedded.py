"""The API in this process: a WSGI call without a socket, over the embedded store."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from .failures import Failure
from .transport import Answer, Request

API = "/api/v1"


class InProcess:
    """The application that a plugin yields as the transport `in-process`, opened when it is first needed."""

    origin = "Nexus"

    def __init__(self, environ: Mapping[str, str]) -> None:
        # Importing makes thousands of objects and no garbage: looking for some costs a tenth of the start.
        self._collects = gc.isenabled()
        gc.disable()
        self._silence = _Silence() if environ.get("NEXUS_DEBUG") != "1" else None
        try:
            self._open(environ)
        except BaseException:
            self._restore()
            raise

    def _open(self, environ: Mapping[str, str]) -> None:
        from nexus_core import LOCAL, Nexus, load_config

        config = load_config(environ=environ)
        self._token = config["token"]
        self._has_written = False
        self._actor = LOCAL
        self._nexus = Nexus.open(config, check_settings=False)
        try:
            self._app = self._application()
        except BaseException:
            self._nexus.close()
            raise

    def _application(self) -> Callable[..., Iterable[bytes]]:
        transports = self._nexus.plugins.transports
        if "in-process" not in transports:
            raise Failure("no server is configured, and nexus-http is not installed; set NEXUS_URL", "configuration")
        return transports["in-process"].open(self._nexus)

    def send(self, request: Request) -> Answer:
        """Make one call."""
        self._has_written = self._has_written or request.method not in ("GET", "HEAD")
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda data: None

        chunks = self._app(self._environ(request), start_response)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        if self._collects:
            gc.enable()
        status, headers = started[-1]
        return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, body)

    def _environ(self, request: Request) -> dict[str, Any]:
        path, _, query = (API + request.path).partition("?")
        body = request.body or b""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query, "RAW_URI": API + request.path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.multithread": False,
            "wsgi.multiprocess": True, "wsgi.run_once": True,
        }  # fmt: skip
        if request.body is not None:
            environ["CONTENT_LENGTH"] = str(len(body))
        return environ | self._headers(request) | self._identity()

    def _headers(self, request: Request) -> dict[str, str]:
        plain = ("CONTENT_TYPE", "CONTENT_LENGTH")
        named = {name.upper().replace("-", "_"): value for name, value in request.headers.items()}
        return {name if name in plain else f"HTTP_{name}": value for name, value in named.items()}

    def _identity(self) -> dict[str, Any]:
        # A key that is given is used, with what it may not do; else the owner of the data folder acts. No client can
        # set `nexus.actor`: what comes from one stands behind HTTP_.
        return {"HTTP_AUTHORIZATION": f"Bearer {self._token}"} if self._token else {"nexus.actor": self._actor}

    def close(self) -> None:
        """Seal what was written, for no worker may be there to do it, and close the store."""
        try:
            self._seal()
        finally:
            self._nexus.close()
            self._restore()

    def _seal(self) -> None:
        from nexus_core.errors import NexusError

        if self._has_written:
            with suppress(NexusError):  # whoever comes next does it
                self._nexus.audit.seal(seconds=1.0)

    def _restore(self) -> None:
        if self._collects:
            gc.enable()
        if self._silence is not None:
            self._silence.end()


class _Silence:
    """The command says what happened; a log beside it would only repeat it, with a traceback."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("nexus")
        self._handler = logging.NullHandler()
        self._propagate = self._logger.propagate
        self._logger.addHandler(self._handler)
        self._logger.propagate = False

    def end(self) -> None:
        """Have the logs flow again: this process may go on."""
        self._logger.removeHandler(self._handler)
        self._logger.propagate = self._propagate
