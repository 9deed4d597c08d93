"""What every command is given: the way to the API, and how to answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import failures

if TYPE_CHECKING:
    from .screen import Screen
    from .transport import Answer, Transport

TIMEOUT = 60.0
"""Seconds that a call may take. Commands that wait on purpose say so themselves."""


class Session:
    """One run of the command."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ: dict[str, str] = dict(environ)
        self.as_json = False
        self._transport: Transport | None = None
        self._screen: Screen | None = None

    @property
    def debug(self) -> bool:
        """Whether tracebacks are wanted."""
        return self.environ.get("NEXUS_DEBUG") == "1"

    @property
    def prefix(self) -> str:
        """The letters before a task's number, where the API gives the number alone."""
        from .transport import places

        return places(self.environ).get("key_prefix", "NX")

    @property
    def screen(self) -> Screen:
        """Standard output, for people."""
        if self._screen is None:
            from .screen import Screen

            self._screen = Screen.of(sys.stdout, self.environ)
        return self._screen

    @property
    def transport(self) -> Transport:
        """The way to the API, chosen when first needed."""
        if self._transport is None:
            from .transport import choose

            self._transport = choose(self.environ)
        return self._transport

    def close(self) -> None:
        """Let go of what the commands opened."""
        if self._transport is not None:
            self._transport.close()

    # Asking -----------------------------------------------------------------------------------------------------------

    def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None,
        content: bytes | None = None, accept: str = "application/json", headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:  # fmt: skip
        """Call the API; `body` is sent as JSON, `content` as it is, and None in a query is left out.

        :raises Failure: it could not, or the API refused
        """
        from .transport import Request

        sent = {"Accept": accept, "User-Agent": "nexus-cli", **(headers or {})}
        if body is not None:
            content = to_json(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/octet-stream" if body is None else "application/json"
        elif method not in ("GET", "DELETE"):
            content = b""
        answer = self.transport.send(Request(method, path + _query(query or {}), sent, content, timeout))
        if not 200 <= answer.status < 300:
            raise failures.of_answer(answer.status, _document_or_none(answer), self.transport.origin)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        """The document at a path. :raises Failure:"""
        return self.document(self.call("GET", path, query=query))

    def items(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list, page by page. :raises Failure:"""
        found: list[Any] = []
        cursor = None
        while True:
            page = self.get(path, **query, limit=200, cursor=cursor)
            found += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return found

    def document(self, answer: Answer) -> Any:
        """The JSON of an answer; None when it has no body. :raises Failure: it is none"""
        if not answer.body:
            return None
        document = _document_or_none(answer)
        if document is None:
            raise failures.of_answer(answer.status, None, self.transport.origin)
        return document

    # Answering --------------------------------------------------------------------------------------------------------

    def show(self, answer: Answer, render: Callable[[Screen, Any], None]) -> None:
        """Answer: the API's own document with `--json`, else as `render` tells it to people."""
        if self.as_json and not sys.stdout.isatty():
            self.write(answer.body or b"null")
        else:
            self.show_document(self.document(answer), render)

    def show_document(self, document: Any, render: Callable[[Screen, Any], None]) -> None:
        """Answer with a document that was made here."""
        if self.as_json:
            self.write(to_json(document, pretty=sys.stdout.isatty()).encode(errors="replace"))
        else:
            render(self.screen, document)

    def write(self, data: bytes) -> None:
        """Write a document to standard output as it is, and end the line."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something beside the answer, on standard error."""
        from .screen import clean

        print(clean(text), file=sys.stderr)


def to_json(value: Any, *, pretty: bool = False) -> str:
    """A JSON document."""
    import json

    return json.dumps(value, ensure_ascii=not pretty, indent=2 if pretty else None)


def _document_or_none(answer: Answer) -> Any:
    import json

    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _query(query: Mapping[str, Any]) -> str:
    from urllib.parse import urlencode

    words = {True: "true", False: "false"}
    given = {
        name: words[value] if isinstance(value, bool) else list(value) if isinstance(value, tuple) else value
        for name, value in query.items()
        if value is not None and value != ()
    }
    return f"?{urlencode(given, doseq=True)}" if given else ""
