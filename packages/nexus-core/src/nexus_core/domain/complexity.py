"""Complexity, 1 to 10, with the factors that it comes from."""

from __future__ import annotations

import math

import attrs


@attrs.frozen(kw_only=True)
class Complexity:
    """An estimate that can be explained."""

    score: int  #: 1 to 10
    factors: tuple[tuple[str, float], ...]  #: what added how much


def estimate(*, text: str, dependencies: int, subtasks: int) -> Complexity:
    """Estimate from what a task says and where it stands: a transparent formula, not a model.

    It starts at 3 (a plain task) and adds up to 4 for the length of its text, up to 2 for its subtasks and up to 1
    for its dependencies.

    >>> estimate(text="Fix a typo", dependencies=0, subtasks=0).score
    3
    """
    factors = (
        ("base", 3.0),
        ("text length", round(min(4.0, math.log2(1 + len(text.split()) / 20)), 2)),
        ("subtasks", min(2.0, subtasks * 0.4)),
        ("dependencies", min(1.0, dependencies * 0.25)),
    )
    return Complexity(score=max(1, min(10, round(sum(value for _, value in factors)))), factors=factors)
