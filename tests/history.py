"""A checker of histories of claims: what clients saw, each call with when it began and when it was answered.

Between these two instants a call had its effect; when exactly, nobody outside can know. So only what certainly
happened is held against the rules: per task, fences strictly increase in the order of grants; from the answer to a
claim until the holder ends it, nobody else holds the task; a write is accepted only with the live fence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class Call:
    """One call that was accepted: `claim`, `write` (it renews the lease) or `end`."""

    kind: str
    task: int
    fence: int
    agent: str
    begin: float
    end: float


class Recorder:
    """Collects the calls of many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.calls: list[Call] = []
        self.refused = 0

    def claim(self, agent: str, call: Callable[[], T], grant: Callable[[T], tuple[int, int] | None]) -> T:
        """Make a claim; `grant` reads task and fence from its answer, None when there was nothing."""
        begin = self._clock()
        answer = call()
        end = self._clock()
        if (granted := grant(answer)) is not None:
            self._add(Call("claim", *granted, agent, begin, end))
        return answer

    def write(self, kind: str, task: int, fence: int, agent: str, call: Callable[[], object], stale: type) -> bool:
        """Make a write of a holder; false when it was refused as stale."""
        begin = self._clock()
        with suppress(stale):
            call()
            self._add(Call(kind, task, fence, agent, begin, self._clock()))
            return True
        with self._lock:
            self.refused += 1
        return False

    def _add(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)


def violations(calls: Iterable[Call]) -> list[str]:
    """Every breach of the rules, in words."""
    tasks: dict[int, list[Call]] = {}
    for call in calls:
        tasks.setdefault(call.task, []).append(call)
    return [said for task in sorted(tasks) for said in _of_task(tasks[task])]


def _of_task(calls: list[Call]) -> list[str]:
    grants = sorted((call for call in calls if call.kind == "claim"), key=lambda call: (call.fence, call.end))
    if not grants:
        return [f"task {calls[0].task} was written without a claim"]
    return [*_fences(grants), *_overlaps(grants, calls), *_stale(grants, calls)]


def _fences(grants: list[Call]) -> list[str]:
    """Fences differ, and a higher one was not granted before a lower one was asked for."""
    said = []
    for former, later in pairwise(grants):
        if former.fence == later.fence:
            said.append(f"task {former.task}: fence {former.fence} was given to {former.agent} and to {later.agent}")
        elif later.end < former.begin:
            said.append(f"task {former.task}: fence {later.fence} was given before fence {former.fence}")
    return said


def _held(grant: Call, calls: list[Call]) -> tuple[float, float]:
    """From when until when a holder certainly held: its lease was good when its last write was asked for."""
    own = [call.begin for call in calls if call.kind != "claim" and call.fence == grant.fence]
    return grant.end, max(own, default=grant.end)


def _overlaps(grants: list[Call], calls: list[Call]) -> list[str]:
    held = sorted((*_held(grant, calls), grant) for grant in grants)
    said, last, until = [], None, float("-inf")
    for since, to, grant in held:
        if last is not None and since < until:
            both = f"{last.agent} (fence {last.fence}) and {grant.agent} (fence {grant.fence})"
            said.append(f"task {grant.task} had two holders: {both}")
        if to > until:
            last, until = grant, to
    return said


def _stale(grants: list[Call], calls: list[Call]) -> list[str]:
    ended = {call.fence: call.end for call in calls if call.kind == "end"}
    said = []
    for call in calls:
        if call.kind == "claim":
            continue
        if not any(grant.fence == call.fence and grant.begin <= call.end for grant in grants):
            said.append(f"task {call.task}: a {call.kind} with fence {call.fence}, which was never given")
        if any(grant.fence > call.fence and grant.end < call.begin for grant in grants):
            said.append(f"task {call.task}: a {call.kind} with the stale fence {call.fence} was accepted")
        if ended.get(call.fence, float("inf")) < call.begin:
            said.append(f"task {call.task}: a {call.kind} with fence {call.fence} was accepted after its end")
    return said
