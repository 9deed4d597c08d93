"""The audit's chain, walked part by part."""

from __future__ import annotations

import falcon

from nexus_core.errors import Fault, Invalid
from nexus_core.wire import verification_to_wire
from nexus_http.fields import MAX_ID, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, send

MOST = 20_000
WALK = (
    Field("after", "number", "Go on after this place in the chain.", minimum=0, maximum=MAX_ID),
    Field("limit", "number", "How many events at most.", minimum=1, maximum=MOST),
    Field("head", "text", "A head that was noted earlier; `saw_head` says whether it is in this part.", max_length=64),
)


class AuditVerification(Resource):
    """Whether the events are as they were sealed."""

    @operation(Scope.KEYS_READ, "Verify the audit's chain of hashes", query=WALK, returns="Verification",
               errors=("forbidden", "not_found"))  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Walk a part of the chain; `next` is where to go on.

        Only a key that sees all repositories may: an admin's, since it asks for `keys:read`.
        """
        query = self.query(req)
        found = self.nexus.audit.verify(
            after=query.get("after", 0),
            limit=query.get("limit", 10_000),
            head=_hash(query["head"]) if "head" in query else None,
            actor=actor_of(req),
        )
        send(resp, verification_to_wire(found))


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise Invalid("the head is no hash", faults=(Fault("?head", "expected 64 hexadecimal digits"),))
    return found
