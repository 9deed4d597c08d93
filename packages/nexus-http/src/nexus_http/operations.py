"""Operations: what a resource does for one method of HTTP, with the scope that it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from nexus_core.domain.access import Actor, Scope
from nexus_core.domain.tasks import parse_task_id
from nexus_core.errors import Fault, Invalid, NotFound

from .encoding import decode, encode
from .fields import Field, check_body, check_query
from .problems import HttpProblem

if TYPE_CHECKING:
    import falcon

    from nexus_core.nexus import Nexus

    from .counters import RequestCounters

MIB = 1024 * 1024
JSON_LIMIT = MIB
FILE_LIMIT = 25 * MIB

#: Instead of a scope: for everybody, and for whoever is known.
PUBLIC = "public"
ANYBODY = "authenticated"


@attrs.frozen(kw_only=True)
class Operation:
    """What one method of a resource does, asks for and answers."""

    scope: str  #: a Scope, PUBLIC or ANYBODY
    summary: str
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] | None = None  #: fields of its JSON; None = it takes none
    media: tuple[str, ...] = ()  #: what else the body may be, as it is; `text/*`, and `*/*` = anything
    max_body: int = JSON_LIMIT  #: bytes
    returns: str | None = None  #: the name of a schema in openapi.py; `Page[…]` for a list
    status: int = 200
    answers: tuple[str, ...] = ("application/json",)  #: media types
    conditional: bool = False  #: asks for If-Match
    errors: tuple[str, ...] = ()  #: codes that are particular to it
    headers: tuple[Field, ...] = ()  #: what it reads beside If-Match
    one_of: tuple[str, ...] = ()  #: fields of the body of which exactly one is given
    metered: bool = True  #: counts for the limits of its key or address
    repeatable: bool = True  #: takes an Idempotency-Key, when it changes something and asks who one is

    def takes_key(self, method: str) -> bool:
        """Whether a request of this method may carry an Idempotency-Key."""
        return self.repeatable and self.scope != PUBLIC and method in ("POST", "PUT", "PATCH", "DELETE")


Responder = TypeVar("Responder", bound=Callable[..., None])


def operation(scope: str, summary: str, **more: Any) -> Callable[[Responder], Responder]:
    """Declare what a responder does, and the scope that it asks for."""

    def declare(responder: Responder) -> Responder:
        responder.__dict__["operation"] = Operation(scope=scope, summary=summary, **more)
        return responder

    return declare


def operation_of(resource: object, method: str) -> Operation | None:
    """What a resource declared for a method; None when it has none."""
    responder = getattr(resource, f"on_{method.lower()}", None)
    found = getattr(responder, "operation", None)
    return found if isinstance(found, Operation) else None


class Resource:
    """What the resources share: the hub, and reading and answering in the house's way."""

    def __init__(self, nexus: Nexus, counters: RequestCounters) -> None:
        self.nexus = nexus
        self.counters = counters
        self.prefix = nexus.config.key_prefix  #: the letters before a task's number

    def query(self, req: falcon.Request) -> dict[str, Any]:
        """The parameters of the query.

        :raises Invalid: with every fault
        """
        given = {name: [text] if isinstance(text, str) else text for name, text in req.params.items()}
        return check_query(given, _declared(self, req).query)

    def body(self, req: falcon.Request) -> dict[str, Any]:
        """The fields of the body.

        :raises Invalid: with every fault
        """
        return check_body(decode(raw_body(req) or b"{}"), _declared(self, req).body or ())

    def task_id(self, given: str | int, pointer: str = "") -> int:
        """The id that a path or a field names.

        :raises NotFound: a path names no task
        :raises Invalid: a field names none
        """
        try:
            return parse_task_id(given, self.prefix)
        except Invalid as error:
            if pointer:
                raise Invalid(error.message, faults=(Fault(pointer, error.message),)) from None
            raise NotFound(f"there is no task {given[:40] if isinstance(given, str) else given}") from None

    def seen_task(self, req: falcon.Request, given: str | int, pointer: str) -> int:
        """The id of a task that a filter names.

        :raises NotFound: there is none, or none that the actor may see: an empty list would read as “nothing yet”
        """
        return self.nexus.tasks.get(self.task_id(given, pointer), actor=actor_of(req)).id


def actor_of(req: falcon.Request) -> Actor:
    """Who acts, as the authentication found out."""
    actor = req.context.actor
    assert isinstance(actor, Actor)  # noqa: S101 - auth.py sets it before any responder runs
    return actor


def _declared(resource: object, req: falcon.Request) -> Operation:
    declared = operation_of(resource, "GET" if req.method == "HEAD" else req.method)
    assert declared is not None  # noqa: S101 - auth.py lets nothing through that declares nothing
    return declared


def raw_body(req: falcon.Request) -> bytes:
    """The bytes of the body; its length was checked when it was declared.

    :raises HttpProblem: it is shorter than it said
    """
    kept: bytes | None = getattr(req.context, "body", None)  # when it was read before, to compare it
    if kept is not None:
        return kept
    declared = req.content_length or 0
    body: bytes = req.bounded_stream.read() if declared else b""
    if len(body) < declared:
        raise HttpProblem(400, "the body is shorter than its Content-Length says")
    return body


def send(resp: falcon.Response, value: Any, status: int = 200) -> None:
    """Answer with a JSON document."""
    resp.status = status
    resp.content_type = "application/json"
    resp.data = encode(value)


def send_encoded(resp: falcon.Response, document: bytes) -> None:
    """Answer with a JSON document that is encoded already."""
    resp.content_type = "application/json"
    resp.data = document


def send_encoded_page(resp: falcon.Response, items: bytes, next_cursor: str | None) -> None:
    """Answer with a list, as `page` has it, whose items are a JSON array already."""
    send_encoded(resp, b'{"items":%b,"next_cursor":%b}' % (items, encode(next_cursor)))


def page(items: list[Any], next_cursor: str | None = None) -> dict[str, Any]:
    """A list as the API answers it."""
    return {"items": items, "next_cursor": next_cursor}


__all__ = [
    "ANYBODY", "FILE_LIMIT", "JSON_LIMIT", "MIB", "PUBLIC", "Operation", "Resource", "Scope", "actor_of", "operation",
    "operation_of", "page", "raw_body", "send", "send_encoded", "send_encoded_page",
]  # fmt: skip
