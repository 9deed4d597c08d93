"""Webhooks: taken in, looked at, handled again."""

from __future__ import annotations

import falcon

from nexus_core.domain.deliveries import DeliveryState, Reply
from nexus_core.wire import delivery_to_wire
from nexus_http.client_address import address_of
from nexus_http.cursors import after_of, next_after
from nexus_http.encoding import encode
from nexus_http.fields import PAGE, Field
from nexus_http.operations import (
    FILE_LIMIT,
    PUBLIC,
    Resource,
    Scope,
    actor_of,
    operation,
    page,
    raw_body,
    send,
)

FILTERS = (Field("source"), Field("state", choices=tuple(str(state) for state in DeliveryState)), *PAGE)


class Webhooks(Resource):
    """Where other systems send their webhooks."""

    @operation(PUBLIC, "Receive a webhook; its signature decides", media=("*/*",), max_body=FILE_LIMIT,
               returns="Received", status=202, metered=False)  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response, source: str) -> None:
        """Check the signature over the raw body, store the delivery, answer; it is handled in the background.

        While the database is away it is kept on the disk (`spooled`), has no id yet, and is stored afterwards.
        """
        received = self.nexus.deliveries.receive(
            source,
            raw_body(req),
            dict(req.headers_lower),
            address=address_of(req),
            request_id=getattr(req.context, "request_id", None),
        )
        if received.reply is not None:
            _reply(resp, received.reply)
            return
        send(
            resp, {"id": received.delivery_id, "duplicate": received.duplicate, "spooled": received.spooled}, 202
        )  # fmt: skip


class Deliveries(Resource):
    """All webhooks that came."""

    @operation(Scope.JOBS_READ, "List webhooks as they came", query=FILTERS, returns="Page[Delivery]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Deliveries with what became of them, the latest first."""
        query = self.query(req)
        limit, after = query.pop("limit", 50), after_of(query.pop("cursor", None))
        found = self.nexus.deliveries.list(**query, limit=limit, after=after, actor=actor_of(req))
        send(resp, page([delivery_to_wire(delivery) for delivery in found], next_after(found, limit)))


class OneDelivery(Resource):
    """One webhook."""

    @operation(Scope.JOBS_READ, "Read a webhook", returns="Delivery")
    def on_get(self, req: falcon.Request, resp: falcon.Response, delivery_id: int) -> None:
        """The delivery."""
        send(resp, delivery_to_wire(self.nexus.deliveries.get(delivery_id, actor=actor_of(req))))


class DeliveryReplay(Resource):
    """A stored webhook, handled again."""

    @operation(Scope.JOBS_WRITE, "Handle a stored webhook again", body=(), returns="Delivery", status=202)
    def on_post(self, req: falcon.Request, resp: falcon.Response, delivery_id: int) -> None:
        """Run the stored delivery again, in the background."""
        self.body(req)
        actor = actor_of(req)
        self.nexus.deliveries.replay(delivery_id, actor=actor)
        send(resp, delivery_to_wire(self.nexus.deliveries.get(delivery_id, actor=actor)), 202)


def _reply(resp: falcon.Response, reply: Reply) -> None:
    """Answer the sender as its source wants it: JSON, or a text as it is."""
    resp.status = reply.status
    resp.content_type = reply.content_type
    if isinstance(reply.body, str):
        resp.data = reply.body.encode()
    elif reply.body is not None:
        resp.data = encode(reply.body)
