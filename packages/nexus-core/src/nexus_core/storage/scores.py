"""Where complexities come from, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..clock import to_text
from ..domain.complexity import Factor, Score, Source
from . import rows
from .session import Row, SqlSession, chunks


class SqlScores:
    """Where the complexity of each task comes from."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def of(self, ids: Sequence[int]) -> dict[int, Score]:
        """The scores of these tasks, for those that have one on record."""
        found = [row for part in chunks(sorted(set(ids))) for row in self._session.all("get_scores", ids=part)]
        return {row["task_id"]: _score(row) for row in found}

    def save(self, scores: Mapping[int, Score], now: datetime) -> None:
        """Record scores, and set the tasks' complexity to them."""
        columns = [
            {
                "task_id": task_id, "value": score.value, "source": str(score.source), "estimator": score.estimator,
                "factors": rows.to_json([[factor.name, factor.value, factor.because] for factor in score.factors]),
                "reasoning": score.reasoning, "now": to_text(now),
            }
            for task_id, score in sorted(scores.items())
        ]  # fmt: skip
        self._session.many("save_score", columns)
        for part in chunks([one["task_id"] for one in columns]):
            self._session.run("set_complexities", ids=part)

    def estimated_otherwise(self, repository_id: int, estimator: str) -> list[int]:
        """The tasks of a repository whose score is an estimate, and not this estimator's."""
        found = self._session.all("estimated_otherwise", repository_id=repository_id, estimator=estimator)
        return [row["id"] for row in found]

    def parts(self, ids: Sequence[int]) -> dict[int, int]:
        """How many subtasks each of these has; only those that have some."""
        found = [row for part in chunks(sorted(set(ids))) for row in self._session.all("count_parts", ids=part)]
        return {row["parent_id"]: row["number"] for row in found}


def _score(row: Row) -> Score:
    return Score(
        value=row["value"],
        source=Source(row["source"]),
        estimator=row["estimator"],
        factors=tuple(Factor(*factor) for factor in rows.from_json(row["factors"])),
        reasoning=row["reasoning"],
    )
