"""Repositories: add, edit, sync."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.events import RepositoryAdded, RepositoryEdited, RepositorySynced
from ..domain.repositories import Repository, check_repository_name
from ..errors import Fault, Invalid
from .work import UnitOfWork, Work, repository_of, said_from

_EDITABLE = ("name", "url", "default_branch")


class RepositoryService:
    """The repositories that Nexus looks after."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def add(
        self,
        name: str,
        url: str = "",
        *,
        default_branch: str = "main",
        external_id: str | None = None,
        actor: Actor = LOCAL,
    ) -> Repository:
        """Add a repository; without a URL it is GitHub's. :raises Duplicate: :raises Invalid:"""
        check_repository_name(name)
        actor.require_whole_hub("add repositories")
        return self._unit.write(
            lambda work: add_repository(
                work, name, url, default_branch=default_branch, external_id=external_id, actor=actor
            )
        )

    def get(self, repository: int | str, *, actor: Actor = LOCAL) -> Repository:
        """By id or `owner/name`. :raises NotFound:"""
        with self._unit.read() as work:
            found = repository_of(work, repository, actor)
            assert found is not None  # noqa: S101 - only None gives None
            return work.repositories.get(found)

    def list(self, *, actor: Actor = LOCAL) -> builtins.list[Repository]:
        """All that the actor may see."""
        with self._unit.read() as work:
            return [repository for repository in work.repositories.list() if actor.sees(repository.id)]

    def edit(self, repository: int | str, changes: Mapping[str, Any], *, actor: Actor = LOCAL) -> Repository:
        """Change name, URL or default branch. :raises Invalid: with every fault"""
        faults = [
            Fault(f"/{key}", f"expected one of {', '.join(_EDITABLE)}, with a text")
            for key, value in changes.items()
            if key not in _EDITABLE or not isinstance(value, str) or not value
        ]
        if faults:
            raise Invalid("the change is not valid", faults=tuple(faults))
        check_repository_name(changes.get("name", "a/b"))
        if "name" in changes:  # the name decides whose webhooks are heard, and a taken one tells of another repository
            actor.require_whole_hub("rename repositories")

        def action(work: Work) -> Repository:
            found = repository_of(work, repository, actor)
            assert found is not None  # noqa: S101 - only None gives None
            old = work.repositories.get(found, lock=True)
            new = attrs.evolve(old, **dict(changes))
            if new != old:
                work.repositories.save(new)
                told = {
                    name: {**said_from(getattr(old, name)), "to": value}
                    for name, value in changes.items()
                    if value != getattr(old, name)
                }
                work.record(RepositoryEdited, actor=actor, repository_id=old.id, changes=told)
            return new

        return self._unit.write(action)

    def sync(self, repository: int | str, *, actor: Actor = LOCAL) -> Repository:
        """Ask for a repository to be brought in step: its documents, and what plugins do on `repository.synced`."""

        def action(work: Work) -> Repository:
            found = repository_of(work, repository, actor)
            assert found is not None  # noqa: S101 - only None gives None
            work.record(RepositorySynced, actor=actor, repository_id=found, name=work.repositories.get(found).name)
            return work.repositories.get(found)

        return self._unit.write(action)


def add_repository(
    work: Work,
    name: str,
    url: str,
    *,
    default_branch: str = "main",
    external_id: str | None = None,
    connected: bool = False,
    actor: Actor,
) -> Repository:
    """Add a repository within a transaction; without a URL it is GitHub's. `connected`: its host was looked at."""
    repository = work.repositories.add(
        name, url or f"https://github.com/{name}.git", default_branch=default_branch, external_id=external_id,
        now=work.now,
    )  # fmt: skip
    told: dict[str, Any] = {"connected": True} if connected else {}
    work.record(RepositoryAdded, actor=actor, repository_id=repository.id, name=name, url=repository.url, **told)
    return repository
