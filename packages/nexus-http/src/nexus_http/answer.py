"""An answer on its way out: gunicorn's, with less to do for each.

Head and body leave together, which spares a call of the system and, with it, a wait for the turn to run again. Headers
that are the same on every answer were looked at once. The server is not named.
"""

from __future__ import annotations

import time

from gunicorn.http import wsgi

from .middleware import HEADERS

_ALIKE = frozenset(HEADERS.items())


class Answer(wsgi.Response):  # type: ignore[misc]  # gunicorn carries no types
    """An answer of gunicorn's."""

    headers_sent: bool
    _dated: tuple[int, str] = (0, "")

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Check the headers that the application sets."""
        others: list[tuple[str, str]] = []
        for header in headers:
            (self.headers if header in _ALIKE else others).append(header)
        super().process_headers(others)

    def default_headers(self) -> list[str]:
        """The headers of the protocol itself."""
        if self.upgrade or self.chunked:
            return [line for line in super().default_headers() if not line.startswith("Server:")]
        version = self.req.version
        return [
            f"HTTP/{version[0]}.{version[1]} {self.status}\r\n", self._date(),
            "Connection: close\r\n" if self.should_close() else "Connection: keep-alive\r\n",
        ]  # fmt: skip

    @classmethod
    def _date(cls) -> str:
        now = int(time.time())
        then, line = cls._dated
        if then != now:
            line = f"Date: {wsgi.util.http_date(now)}\r\n"
            cls._dated = (now, line)
        return line

    def send_headers(self) -> None:
        """Send the head, together with the body where one of a known length follows."""
        if self.headers_sent or not self.response_length or self._omits_body:
            super().send_headers()
            return
        lines = self.default_headers()
        lines += [f"{name}: {value}\r\n" for name, value in self.headers]
        self.sock.hold("".join([*lines, "\r\n"]).encode("latin-1"))
        self.headers_sent = True

    def close(self) -> None:
        """The application has said all."""
        super().close()
        self.sock.flush()  # a head whose body did not come
