"""How times are spread, for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(seconds: Sequence[float]) -> str:
    """In a line."""
    if not seconds:
        return "none"
    kept = sorted(seconds)
    return (
        f"{len(kept)}, p50 {statistics.median(kept):.3f} s, p99 {kept[int(len(kept) * 0.99) - 1]:.3f} s, "
        f"max {kept[-1]:.3f} s"
    )
