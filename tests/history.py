"""A checker of histories of claims: what clients saw, each call with when it began and when it was answered.

Between these two instants a call had its effect; when exactly, nobody outside can know. A call whose answer was lost
may have had its effect at any time after it began, or never: it counts as a possible reason for what others saw, and
never as a fact. Only what certainly happened is held against the rules. `violations` looks at the calls alone,
`reconcile` at what the hub says afterwards.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TypeVar

import attrs

T = TypeVar("T")
OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
ENDS: Mapping[str, str] = {"complete": "completed", "fail": "failed", "release": "cancelled"}
"""The writes that end an assignment, and how it stands afterwards."""
SLACK = 0.05
"""Seconds by which the clocks of two processes on this machine may go apart while a lease lasts."""


@attrs.frozen
class Call:
    """One call: `claim`, `write` (it renews the lease), one of ENDS, or `done` (a person's word that a task is)."""

    kind: str
    task: int  #: 0 for a claim whose answer was lost
    fence: int  #: 0 where there is none, or it is not known
    agent: str
    begin: float
    end: float
    outcome: str = OK


@attrs.frozen
class Entry:
    """One assignment, as the hub tells of it afterwards."""

    task: int
    fence: int
    agent: str
    status: str


class Recorder:
    """Collects the calls of many threads. A claim that raises `lost` had no answer: it is recorded, and raised."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, lost: type[Exception] | tuple[()] = ()) -> None:
        self._clock = clock
        self._lost = lost
        self._lock = threading.Lock()
        self.calls: list[Call] = []

    @property
    def refused(self) -> int:
        """How many calls were refused."""
        return sum(call.outcome == REFUSED for call in self.calls)

    def claim(self, agent: str, call: Callable[[], T], grant: Callable[[T], tuple[int, int] | None]) -> T:
        """Make a claim; `grant` reads task and fence from its answer, None when there was nothing."""
        begin = self._clock()
        try:
            answer = call()
        except self._lost:
            self._add(Call("claim", 0, 0, agent, begin, self._clock(), UNKNOWN))
            raise
        end = self._clock()
        if (granted := grant(answer)) is not None:
            self._add(Call("claim", *granted, agent, begin, end))
        return answer

    def write(self, kind: str, task: int, fence: int, agent: str, call: Callable[[], object], stale: type) -> bool:
        """Make a write of a holder; false when it was refused as stale."""
        begin = self._clock()
        outcome = UNKNOWN
        try:
            call()
            outcome = OK
        except stale:
            outcome = REFUSED
        finally:  # an answer that did not come says nothing about what was done
            self._add(Call(kind, task, fence, agent, begin, self._clock(), outcome))
        return outcome == OK

    def _add(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)


# What the clients saw
# --------------------


def violations(
    calls: Iterable[Call], *, lease: float | None = None, depends: Mapping[int, Iterable[int]] | None = None
) -> list[str]:
    """Every breach of the rules, in words.

    `lease` is how many seconds a lease lasts, where all last alike; `depends` says what each task waits for.
    """
    everything = list(calls)
    tasks: dict[int, list[Call]] = {}
    for call in everything:
        tasks.setdefault(call.task, []).append(call)
    lost = [call.begin for call in tasks.pop(0, [])]
    said = [one for task in sorted(tasks) for one in _of_task(tasks[task], lease)]
    return said + _skipped(tasks, lost) + _order(tasks, depends or {})


def _of_task(calls: list[Call], lease: float | None) -> list[str]:
    grants = sorted((call for call in calls if call.kind == "claim"), key=lambda call: (call.fence, call.end))
    written = [call for call in calls if call.fence and call.outcome == OK]
    if not grants:
        return [f"task {written[0].task} was written without a claim"] if written else []
    said = [*_fences(grants), *_overlaps(grants, written), *_stale(grants, written), *_endings(written)]
    return said if lease is None else said + _leases(grants, calls, lease)


def _fences(grants: list[Call]) -> list[str]:
    """Fences differ, and a higher one was not granted before a lower one was asked for."""
    said = []
    for former, later in pairwise(grants):
        if former.fence == later.fence:
            said.append(f"task {former.task}: fence {former.fence} was given to {former.agent} and to {later.agent}")
        elif later.end < former.begin:
            said.append(f"task {former.task}: fence {later.fence} was given before fence {former.fence}")
    return said


def _skipped(tasks: Mapping[int, list[Call]], lost: list[float]) -> list[str]:
    """Fences go up by one with each grant: each that nobody saw was given to a claim whose answer was lost.

    One of them explains one skipped fence, if it was made before the next fence that somebody saw was given.
    """
    gaps: list[tuple[float, int, int]] = []
    for task, calls in tasks.items():
        known = sorted({call.fence: call.end for call in calls if call.kind == "claim"}.items())
        for (former, _), (later, end) in pairwise([(0, 0.0), *known]):
            gaps += [(end, task, fence) for fence in range(former + 1, later)]
    said, waiting = [], sorted(lost)
    for place, (end, task, fence) in enumerate(sorted(gaps)):
        if sum(begin <= end for begin in waiting) <= place - len(said):
            said.append(f"task {task}: fence {fence} was given to nobody")
    return said


def _held(grant: Call, written: list[Call]) -> tuple[float, float]:
    """From when until when a holder certainly held: its lease was good when its last write was asked for."""
    own = [call.begin for call in written if call.kind != "claim" and call.fence == grant.fence]
    return grant.end, max(own, default=grant.end)


def _overlaps(grants: list[Call], written: list[Call]) -> list[str]:
    held = sorted(((*_held(grant, written), grant) for grant in grants), key=lambda found: found[:2])
    said, last, until = [], None, float("-inf")
    for since, to, grant in held:
        if last is not None and since < until:
            both = f"{last.agent} (fence {last.fence}) and {grant.agent} (fence {grant.fence})"
            said.append(f"task {grant.task} had two holders: {both}")
        if to > until:
            last, until = grant, to
    return said


def _stale(grants: list[Call], written: list[Call]) -> list[str]:
    ended = {call.fence: call.end for call in written if call.kind in ENDS}
    said = []
    for call in written:
        if call.kind == "claim":
            continue
        if not any(grant.fence == call.fence and grant.begin <= call.end for grant in grants):
            said.append(f"task {call.task}: a {call.kind} with fence {call.fence}, which was never given")
        if any(grant.fence > call.fence and grant.end < call.begin for grant in grants):
            said.append(f"task {call.task}: a {call.kind} with the stale fence {call.fence} was accepted")
        if ended.get(call.fence, float("inf")) < call.begin:
            said.append(f"task {call.task}: a {call.kind} with fence {call.fence} was accepted after its end")
    return said


def _endings(written: list[Call]) -> list[str]:
    """An assignment ends once, and a task is completed once: nothing in a history reopens it."""
    ends = Counter((call.task, call.fence) for call in written if call.kind in ENDS)
    said = [f"task {task}: fence {fence} was ended {times} times" for (task, fence), times in ends.items() if times > 1]
    completed = sorted(call.fence for call in written if call.kind == "complete")
    if len(set(completed)) > 1:
        said.append(f"task {written[0].task} was completed more than once, with the fences {completed}")
    return said


def _leases(grants: list[Call], calls: list[Call], lease: float) -> list[str]:
    said = []
    for place, grant in enumerate(grants):
        own = [call for call in calls if call.fence == grant.fence]
        ended = min((call.begin for call in calls if _may_end(call, grant.fence)), default=float("inf"))
        for call in own:
            said += _overslept(call, own, lease) + _turned_away(call, own, lease, ended)
        if place + 1 < len(grants):
            said += _robbed(grants[place + 1], grant, own, lease, ended)
    return said


def _may_end(call: Call, fence: int) -> bool:
    """Whether a call may have ended the assignment: a holder's own end, or a person's word."""
    return call.outcome != REFUSED and (call.kind == "done" or (call.kind in ENDS and call.fence == fence))


def _good_until(own: list[Call], before: float, lease: float) -> float:
    """Until when a lease certainly ran, by what was answered before an instant."""
    renewed = [call.begin for call in own if call.outcome == OK and call.end <= before]
    return max(renewed, default=float("-inf")) + lease - SLACK


def _overslept(call: Call, own: list[Call], lease: float) -> list[str]:
    """A write is accepted only while the lease may still run."""
    if call.kind == "claim" or call.outcome != OK:
        return []
    renewals = [one for one in own if one is not call and one.outcome != REFUSED and one.begin < call.begin]
    if not renewals or any(one.outcome == UNKNOWN for one in renewals):
        return []  # a renewal without an answer may have come late
    if call.begin <= max(one.end for one in renewals) + lease + SLACK:
        return []
    return [f"task {call.task}: a {call.kind} with fence {call.fence} was accepted after its lease had run out"]


def _turned_away(call: Call, own: list[Call], lease: float, ended: float) -> list[str]:
    """A holder in time is not refused."""
    if call.outcome != REFUSED or ended < call.end or _good_until(own, call.begin, lease) < call.end:
        return []
    return [f"task {call.task}: a {call.kind} with fence {call.fence} was refused while its lease ran"]


def _robbed(later: Call, former: Call, own: list[Call], lease: float, ended: float) -> list[str]:
    """A task is not given away while its holder's lease runs."""
    if ended < later.end or _good_until(own, later.begin, lease) < later.end:
        return []
    return [f"task {later.task} was given to {later.agent} while the lease of {former.agent} ran"]


def _order(tasks: Mapping[int, list[Call]], depends: Mapping[int, Iterable[int]]) -> list[str]:
    """A task is given away only after somebody said that each of what it waits for is done."""
    done = {
        task: min((call.begin for call in calls if call.kind == "done" and call.outcome != REFUSED), default=None)
        for task, calls in tasks.items()
    }
    said = []
    for task, calls in sorted(tasks.items()):
        given = min((call.end for call in calls if call.kind == "claim"), default=None)
        for other in depends.get(task, ()) if given is not None else ():
            at = done.get(other)
            if at is None or given < at:
                said.append(f"task {task} was given away before task {other} was done")
    return said


# What the hub says afterwards
# ----------------------------


def reconcile(calls: Iterable[Call], ledger: Iterable[Entry]) -> list[str]:
    """Every difference between what clients were told and what the hub has kept."""
    seen, kept = list(calls), list(ledger)
    by_place = {(entry.task, entry.fence): entry for entry in kept}
    granted = {(call.task, call.fence): call for call in seen if call.kind == "claim" and call.outcome == OK}
    unseen = Counter(entry.agent for place, entry in by_place.items() if place not in granted)
    lost = Counter(call.agent for call in seen if call.kind == "claim" and call.outcome == UNKNOWN)
    said = [f"{agent} has {number} assignments that it never asked for" for agent, number in (unseen - lost).items()]
    for call in granted.values():
        entry = by_place.get((call.task, call.fence))
        if entry is None or entry.agent != call.agent:
            said.append(f"task {call.task}: the grant of fence {call.fence} to {call.agent} is lost")
    return said + _contiguous(kept) + [one for entry in kept for one in _ending(entry, seen)]


def _contiguous(kept: list[Entry]) -> list[str]:
    fences: dict[int, list[int]] = {}
    for entry in kept:
        fences.setdefault(entry.task, []).append(entry.fence)
    return [
        f"task {task} has the fences {found}"
        for task, found in ((task, sorted(found)) for task, found in sorted(fences.items()))
        if found != [*range(1, len(found) + 1)]
    ]


def _ending(entry: Entry, calls: list[Call]) -> list[str]:
    """The hub's word on how an assignment ended is that of its holder."""
    place = f"task {entry.task}: fence {entry.fence}"
    own = [call for call in calls if (call.task, call.fence) == (entry.task, entry.fence) and call.kind in ENDS]
    told = {ENDS[call.kind] for call in own if call.outcome == OK}
    possible = told or {ENDS[call.kind] for call in own if call.outcome == UNKNOWN} | {"lost"}
    if entry.status not in ("completed", "failed", "cancelled", "lost"):
        return [f"{place} is still {entry.status}"]
    return [] if entry.status in possible else [f"{place} ended as {entry.status}, and its holder says {possible}"]
