"""Tasks as the API shows them: JSON that the database makes in one look, so that no object is built on the way."""

from __future__ import annotations

from ..domain.access import Actor
from ..ports.queries import ShownPage, TaskQuery
from .work import Work, repository_of


def show_page(work: Work, query: TaskQuery, actor: Actor, prefix: str) -> ShownPage:
    """A page of tasks. :raises NotFound: there is no such repository"""
    named = query.repository
    known = named if isinstance(named, int) and 0 < named < 2**63 else None
    repository_id = repository_of(work, named, actor) if known is None else known
    found = work.tasks.show_page(
        query, repository_id=repository_id, visible=actor.repositories, prefix=prefix, now=work.now
    )
    if known is not None and found.items == "[]":  # where there are tasks, the repository is there too, and seen
        repository_of(work, known, actor)
    return found


def one_plan_fits(query: TaskQuery, actor: Actor) -> bool:
    """Whether one plan of the database suits the query whatever its values, so that a glance is enough."""
    return query.is_plain and (actor.repositories is None or len(actor.repositories) == 1)
