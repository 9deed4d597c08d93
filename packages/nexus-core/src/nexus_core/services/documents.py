"""Documents: what Nexus keeps in the repositories, rendered from their tasks."""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain.access import LOCAL, Actor, system_actor
from ..domain.events import DocumentsChanged, DocumentsPublished
from ..domain.repositories import Repository
from ..domain.tasks import Task
from ..plugins.records import Document
from .policies import wanted_documents
from .work import UnitOfWork, Work, repository_of

if TYPE_CHECKING:
    from ..plugins.context import Context


class DocumentService:
    """Renders documents, and says when they would read differently."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def render(self, repository: int | str, *, actor: Actor = LOCAL) -> builtins.list[Document]:
        """Every document of a repository as it reads now."""
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            place = work.repositories.get(repository_id)
            tasks = work.tasks.graph(repository_id, None)
            wanted = wanted_documents(work, repository_id)
        found = self._render(place, tasks)
        return [document for document in found if document.path in wanted] if wanted else found

    def _render(self, repository: Repository, tasks: builtins.list[Task]) -> builtins.list[Document]:
        found: builtins.list[Document] = []
        for record in self._unit.plugins.renderers.values():
            ctx: Context = self._unit.context(self._unit.plugins.owner(record))
            found += record.render(repository, tasks, ctx)
        return found

    def refresh(self, repository_id: int, *, force: bool = False, delivery: str | None = None) -> bool:
        """Record `documents.changed` when the documents read differently from the last time; whether they did."""
        documents = self.render(repository_id)
        text = "\0".join(f"{document.path}\0{document.content}" for document in documents)
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = f"documents:{repository_id}"

        def action(work: Work) -> bool:
            if work.access.meta(name) == digest and not force:
                return False
            work.access.set_meta(name, digest)
            work.record(
                DocumentsChanged, actor=system_actor(), repository_id=repository_id, delivery=delivery,
                paths=[document.path for document in documents],
            )  # fmt: skip
            return True

        return self._unit.write(action)

    def mark_published(
        self,
        repository: int | str,
        paths: Iterable[str],
        *,
        branch: str,
        commit: str,
        url: str = "",
        actor: Actor = LOCAL,
    ) -> None:
        """Record that a plugin committed the documents; saying it twice records it once."""

        def action(work: Work) -> None:
            repository_id = repository_of(work, repository, actor)
            if work.events.has(DocumentsPublished.TYPE, None, commit):
                return
            work.record(
                DocumentsPublished, actor=actor, repository_id=repository_id, paths=list(paths), branch=branch,
                commit=commit, url=url,
            )  # fmt: skip

        self._unit.write(action)
