"""Answers of the server itself, to what never reaches the application."""

from __future__ import annotations

import json
import logging
import uuid

from .encoding import encode
from .middleware import HEADERS
from .problems import HTTP_CODES, PROBLEM_JSON, RETRY_AFTER_SECONDS, document

_log = logging.getLogger("nexus.http.access")


def problem_response(status: int) -> bytes:
    """A whole HTTP response with the problem for a status; it stands in the log like any other."""
    code, said = HTTP_CODES[status]
    request_id = uuid.uuid4().hex
    problem = document(status, code, said, request_id)
    body = encode(problem)
    headers = {
        "Content-Type": PROBLEM_JSON, "Content-Length": str(len(body)), "X-Request-Id": request_id, **HEADERS,
        **({"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}), "Connection": "close",
    }  # fmt: skip
    _log.info(json.dumps({"request_id": request_id, "method": None, "path": None, "status": status}))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {problem['title']}\r\n{lines}\r\n".encode("ascii") + body
