"""The feed of all that happened: by page, by long poll, as server-sent events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import falcon

from nexus_core.domain.access import Actor
from nexus_core.domain.events import Event
from nexus_core.errors import Invalid, NexusError
from nexus_core.wire import event_to_wire
from nexus_http import waiting
from nexus_http.encoding import encode
from nexus_http.fields import MAX_ID, PAGE, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send
from nexus_http.problems import HttpProblem

MAX_WAIT = 25
_FEED = (
    Field("after", "number", "Only events after this id.", minimum=0, maximum=MAX_ID),
    Field("type", "text", "Of this type; `task.*` for all of a noun.", max_length=100),
    Field("task", "task", "Only those of this task."),
)
LIST = (
    *_FEED,
    Field("wait", "number", "Wait so many seconds for the first event.", minimum=0, maximum=MAX_WAIT),
    Field("newest", "flag", "The latest ones, instead of the first."),
    *PAGE,
)
LAST_ID = Field(
    "Last-Event-ID", "text", "The last event that you got; wins over `after`.", pattern="^[0-9]{1,18}$", max_length=18
)
_STREAM_SECONDS = 600  #: then the client comes again, by itself, where it was
_COMMENT_SECONDS = 15  #: a sign of life, which also shows that the client has gone
_BATCH = 100
_TRUSTED_SECONDS = 0.5  #: after so long, who follows shows their key again


class _Feed(Resource):
    """What both forms of the feed share."""

    def reader(self, query: dict[str, Any], req: falcon.Request) -> Callable[[int, int], list[Event]]:
        """A function (after, limit) that reads the feed as the query filters it."""
        asker = _Asker(req)
        task = self.seen_task(req, query["task"], "?task") if "task" in query else None

        def read(after: int, limit: int) -> list[Event]:
            return self.nexus.events.list(
                after,
                type=query.get("type"),
                task=task,
                limit=limit,
                newest=query.get("newest", False),
                actor=asker.now(),
            )

        return read


class _Asker:
    """Who follows: asked again while the answer lasts, so that a key that was revoked reads nothing more."""

    def __init__(self, req: falcon.Request) -> None:
        self._actor = actor_of(req)
        self._identify: Callable[[], Actor] = req.context.identify_again
        self._known_at = time.monotonic()

    def now(self) -> Actor:
        """The actor.

        :raises Unauthenticated: the key is no longer one of ours
        :raises Forbidden: it may no longer read events
        """
        if time.monotonic() - self._known_at > _TRUSTED_SECONDS:
            self._actor, self._known_at = self._identify(), time.monotonic()
            self._actor.require(Scope.EVENTS_READ)
        return self._actor


class Events(_Feed):
    """The feed, a page at a time."""

    @operation(Scope.EVENTS_READ, "List events", query=LIST, returns="Page[Event]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Events after an id, in the order in which they were committed: who follows `next_cursor` misses none."""
        query = self.query(req)
        after, limit = _start(query), query.get("limit", 50)
        read = self.reader(query, req)
        # Of the newest there is nothing to wait for: what comes later is found after them.
        patience = 0 if query.get("newest") else query.get("wait", 0)
        found = read(after, limit) or _wait(read, after, limit, patience, _gone(req))
        more = None if query.get("newest") or not found else str(found[-1].id)
        send(resp, page([event_to_wire(event) for event in found], more if len(found) == limit else None))


class EventStream(_Feed):
    """The feed as server-sent events."""

    @operation(Scope.EVENTS_READ, "Follow events", query=_FEED, returns="Event",
               answers=("text/event-stream",), headers=(LAST_ID,))  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Events as they happen: from now on, from `after`, or from where `Last-Event-ID` says that you were."""
        query = self.query(req)
        actor = actor_of(req)
        read = self.reader(query, req)
        after = self._start(req, query, actor)
        resp.content_type = "text/event-stream"
        resp.set_header("X-Accel-Buffering", "no")
        if req.method == "HEAD":  # the framework lets go of its body unread, and nothing would give the place back
            return
        # As long as it takes until those who have gone are noticed, such as this client on its former connection.
        if not waiting.take_seat(2 * waiting.PAUSE_SECONDS):
            raise HttpProblem(503, "too many are following already; ask `GET /events` with `after` instead")
        resp.stream = _Stream(read, after, _gone(req))

    def _start(self, req: falcon.Request, query: dict[str, Any], actor: Actor) -> int:
        last = req.get_header("Last-Event-ID")
        if last is not None:
            if not (last.isascii() and last.isdigit() and len(last) <= 18):
                raise Invalid("Last-Event-ID is not the id of an event")
            return int(last)
        if "after" in query:
            return int(query["after"])
        newest = self.nexus.events.list(0, limit=1, newest=True, actor=actor)
        return newest[0].id if newest else 0


class _Stream:
    """The body of a stream; gives its place back when it ends, however it ends."""

    def __init__(self, read: Callable[[int, int], list[Event]], after: int, gone: Callable[[], bool]) -> None:
        self._chunks = _chunks(read, after, gone)
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """The connection is over."""
        self._chunks.close()
        if self._open:
            self._open = False
            waiting.leave_seat()


def _gone(req: falcon.Request) -> Callable[[], bool]:
    """A function that tells whether the client has gone."""
    return partial(waiting.has_left, req.env.get("gunicorn.socket"))


def _chunks(
    read: Callable[[int, int], list[Event]], after: int, gone: Callable[[], bool]
) -> Generator[bytes, None, None]:
    yield b"retry: 2000\n\n"
    end, said = time.monotonic() + _STREAM_SECONDS, time.monotonic()
    while time.monotonic() < end:
        try:
            found = read(after, _BATCH)
        except NexusError:
            return  # the client comes again where it was, and is told then
        for event in found:
            after = event.id
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (
                event.id,
                event.type.encode(),
                encode(event_to_wire(event)),
            )
        if found:
            said = time.monotonic()
        elif not waiting.pause() or gone():
            return
        elif time.monotonic() - said > _COMMENT_SECONDS:
            said = time.monotonic()
            yield b": still here\n\n"


def _start(query: dict[str, Any]) -> int:
    cursor = query.get("cursor")
    if cursor is None:
        return int(query.get("after", 0))
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise Invalid("the cursor is none that a list gave out")
    return int(cursor)


def _wait(
    read: Callable[[int, int], list[Event]], after: int, limit: int, seconds: int, gone: Callable[[], bool]
) -> list[Event]:
    """Look again until there is something, for so many seconds; at once when too many wait already."""
    end = time.monotonic() + seconds
    with waiting.seat() as seated:
        while seated and time.monotonic() < end and waiting.pause() and not gone():
            if found := read(after, limit):
                return found
    return []
