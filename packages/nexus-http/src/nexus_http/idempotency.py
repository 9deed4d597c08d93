"""`Idempotency-Key`: a request that is sent again takes effect once, and is answered as it was the first time."""

from __future__ import annotations

import hashlib
import io
import json
import re
import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from nexus_core.domain.answers import Attempt
from nexus_core.errors import AnswerLost, Fault, Invalid

from .encoding import encode
from .operations import actor_of, raw_body
from .problems import PROBLEM_JSON, of_error, request_id
from .sealing import seal, unseal

if TYPE_CHECKING:
    import falcon

    from nexus_core.nexus import Nexus

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
_REMEMBERED = ("Content-Type", "ETag", "Location")


class Idempotency:
    """Falcon middleware, behind the authentication: whatever changes something gains it, and knows nothing of it."""

    def __init__(self, nexus: Nexus) -> None:
        self._nexus = nexus

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Begin the request, or answer as before.

        :raises Invalid: the key is none
        :raises Conflict: the same request is being worked on, or its answer is lost
        """
        key = req.get_header(HEADER)
        declared = getattr(req.context, "operation", None)
        if key is None or declared is None or not declared.takes_key(req.method):
            return
        if not _KEY.fullmatch(key):
            fault = Fault(HEADER, "expected 1 to 255 visible ASCII characters")
            raise Invalid("the Idempotency-Key is not valid", faults=(fault,))
        req.context.body = raw_body(req)
        _give_back(req, req.context.body)
        attempt = _attempt(req, key)
        known = self._nexus.answers.begin(attempt)
        if known is None:
            stack = ExitStack()
            stack.enter_context(self._nexus.answers.applying(attempt))
            req.context.attempt = (attempt, stack)
        elif known.answer is not None and (text := unseal(known.answer, *_secret(req, key))) is not None:
            _replay(resp, known.status or 500, text)
        else:
            raise AnswerLost

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Remember the answer. What failed for a reason that may pass is forgotten, unless it took effect.

        If it did, whoever repeats it is told so, and not the failure for a day.
        """
        attempt, stack = getattr(req.context, "attempt", (None, None))
        if attempt is None or stack is None:
            return
        stack.close()
        secret = _secret(req, req.get_header(HEADER) or "")
        if resp.status_code < 500:
            self._nexus.answers.finish(attempt, resp.status_code, seal(_text(resp), *secret))
            return
        lost = of_error(AnswerLost(), request_id(req))
        headers = json.dumps({"Content-Type": PROBLEM_JSON}).encode()
        self._nexus.answers.fail(attempt, lost["status"], seal(headers + b"\n" + encode(lost), *secret))


def _attempt(req: falcon.Request, key: str) -> Attempt:
    actor = actor_of(req)
    request = hashlib.sha256(f"{req.method} {req.relative_uri}\n".encode("utf-8", "surrogatepass"))
    request.update(req.context.body)
    return Attempt(
        asker=f"{actor.kind}:{actor.name if actor.id is None else actor.id}",
        key_hash=hashlib.sha256(key.encode()).hexdigest(), fingerprint=request.hexdigest(), token=secrets.token_hex(8),
    )  # fmt: skip


def _give_back(req: falcon.Request, body: bytes) -> None:
    """Let a plugin's resource read the body itself, as if nobody had."""
    req.env["wsgi.input"] = req.stream = io.BytesIO(body)
    req._bounded_stream = None


def _secret(req: falcon.Request, key: str) -> tuple[str, str]:
    return req.get_header("Authorization") or "", key


def _text(resp: falcon.Response) -> bytes:
    headers = {name: value for name in _REMEMBERED if (value := resp.get_header(name)) is not None}
    return json.dumps(headers).encode() + b"\n" + (resp.render_body() or b"")


def _replay(resp: falcon.Response, status: int, text: bytes) -> None:
    headers, _, body = text.partition(b"\n")
    resp.status = status
    for name, value in json.loads(headers).items():
        resp.set_header(name, value)
    resp.data = body or None
    resp.set_header(REPLAYED, "true")
    resp.complete = True
