"""`nexus task ready`: what can be worked on now."""

from __future__ import annotations

from typing import Any

from .. import scope
from ..options import command, limit_options, repo_option
from ..paging import pages
from ..session import Session
from .task_list import show_tasks


@command("ready", example="nexus task ready --repo all --limit 10")
@repo_option()
@limit_options
def ready(session: Session, repository: str | None, everything: bool, limit: int) -> None:
    """List the tasks that are ready, in the order of work."""

    def read(page: dict[str, Any]) -> Any:
        query = {"ready": True, "sort": "order", "limit": limit, **page}
        return scope.ask(session, "/tasks", repository, query=query)

    pages(session, read, show_tasks, everything=everything)
