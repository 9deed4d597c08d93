"""The API over HTTP, with the standard library's client."""

from __future__ import annotations

import http.client
import os
import socket
import time
from urllib.parse import SplitResult, urlsplit

from .failures import Failure, Refused
from .transport import Answer, Request

API = "/api/v1"
KEY_HEADER = "Idempotency-Key"
_READING = ("GET", "HEAD")
_PAUSES = (0.2, 1.0)  #: seconds before a call that broke off is made again


class _Broken(Failure):
    """The connection broke off; what became of the call nobody knows."""


class Remote:
    """A server at an address."""

    def __init__(self, url: str, token: str | None) -> None:
        self._address = _address(url)
        self._token = token
        self.origin = f"{self._address.scheme}://{self._address.netloc.rpartition('@')[2].lower()}{self._address.path}"

    def send(self, request: Request) -> Answer:
        """Make one call on a connection of its own; another when the first breaks off, which takes effect once.

        :raises Refused: nothing listens there
        :raises Failure: there is no answer, or it redirects
        """
        if request.method not in _READING:
            request = request._replace(headers={KEY_HEADER: os.urandom(16).hex(), **request.headers})
        for pause in _PAUSES:
            try:
                answer = self._call(request)
            except _Broken:
                pass
            else:
                if not (answer.status == 409 and b'"in_flight"' in answer.body):
                    return answer
            time.sleep(pause)
        return self._call(request)

    def _call(self, request: Request) -> Answer:
        connection = self._connection(request.timeout)
        try:
            return self._exchange(connection, request)
        except ConnectionRefusedError:
            raise Refused(
                f"{self.origin} cannot be reached: nothing listens there. Is it running?", "unavailable"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            kind = _Broken if isinstance(error, ConnectionError | http.client.HTTPException) else Failure
            raise kind(f"{self.origin} cannot be reached: {_said(error)}", "unavailable") from None
        finally:
            connection.close()

    def close(self) -> None:
        """Nothing is held between calls."""

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        return kind(str(self._address.hostname), self._address.port, timeout=timeout)

    def _exchange(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        headers = dict(request.headers)
        if self._token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self._token}"
        connection.request(request.method, self._address.path + API + request.path, request.body, headers)
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308):
            # Following it would hand the key to whoever is named there.
            where = str(response.headers.get("Location"))[:200]
            raise Failure(f"{self.origin} redirects to {where!r}; set NEXUS_URL to the server itself", "configuration")
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, found, response.read())


def _address(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        raise Failure(f"{url!r} is no address of a server; write it as https://nexus.example.com", "configuration")
    return address._replace(path=address.path.rstrip("/").removesuffix(API))


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it hung up without an answer"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
