"""What is to happen when: by the seed alone, whatever threads and answers do meanwhile."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence

import attrs

WEIGHTS: Mapping[str, float] = {
    "worker killed": 12,
    "server killed": 6,
    "connections cut": 2,
    "connections held": 1,
    "connections slowed": 1,
    "database restarted": 1,
    "broker killed": 1,
    "broker emptied": 0.5,
}


@attrs.frozen
class Fault:
    """One thing that is to happen."""

    at: float  #: seconds after the begin
    name: str
    seed: str

    def chance(self) -> random.Random:
        """What decides its details: its own, so that no other fault's haste changes them."""
        return random.Random(self.seed)


def schedule(seed: int, faults: int, seconds: float) -> list[Fault]:
    """So many faults within so many seconds, each kind at least once; several may be under way at once."""
    chance = random.Random(f"schedule {seed}")
    names = [*WEIGHTS, *chance.choices([*WEIGHTS], [*WEIGHTS.values()], k=max(0, faults - len(WEIGHTS)))]
    chance.shuffle(names)
    times = sorted(chance.uniform(0, seconds) for _ in names)
    return [Fault(at, name, f"fault {seed} {n}") for n, (at, name) in enumerate(zip(times, names, strict=True))]


def fingerprint(planned: Sequence[Fault]) -> str:
    """The same for the same schedule, and for no other."""
    told = "\n".join(f"{fault.at:.6f} {fault.name} {fault.seed}" for fault in planned)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
