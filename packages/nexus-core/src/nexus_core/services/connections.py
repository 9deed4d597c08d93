"""Connections of repositories with their hosts: access, policy, task file, and what is wanting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.events import RepositoryConnected, RepositoryEdited
from ..domain.hosts import Connection, HostFinding, HostReport
from ..domain.repositories import Repository, check_repository_name
from ..errors import Forbidden, Invalid, NexusError, NotFound, Unavailable
from .imports import ImportService
from .policies import take_policy
from .repositories import add_repository
from .work import UnitOfWork, Work, repository_of

if TYPE_CHECKING:
    from ..plugins.context import Context
    from ..plugins.records import CodeHost


class ConnectionService:
    """Looks at repositories on their hosts, and takes over what is found."""

    def __init__(self, unit: UnitOfWork, imports: ImportService) -> None:
        self._unit = unit
        self._imports = imports

    def add(
        self,
        name: str,
        url: str = "",
        *,
        default_branch: str | None = None,
        external_id: str | None = None,
        set_up: bool = False,
        actor: Actor = LOCAL,
    ) -> tuple[Repository, Connection]:
        """Add a repository that its host lets us see, and connect it.

        Where there is no access to the host, or the host does not answer, it is added and the connection says so.

        :raises Duplicate: there is one of this name
        :raises Invalid: the name is none, or the host shows us no such repository
        """
        check_repository_name(name)
        actor.require_whole_hub("add repositories")
        new = Repository(
            id=0, name=name, url=url or f"https://github.com/{name}.git", created_at=self._unit.clock.now(),
            external_id=external_id,
        )  # fmt: skip
        with self._unit.read() as work:
            is_known = work.repositories.find(name) is not None
        found = None if is_known else self._host(new)  # one that is here already is refused without a look
        try:
            report = found[0].look(new, set_up, found[1]) if found else None
            reason = ""
        except (NotFound, Forbidden) as error:
            raise Invalid(f"{name} was not added: {error.message}") from None
        except Unavailable as error:
            report, reason = None, error.message
        branch = default_branch or (report.default_branch if report else "main")
        repository = self._unit.write(
            lambda work: add_repository(
                work, name, url, default_branch=branch, external_id=external_id, connected=True, actor=actor
            )
        )
        if report is not None and found is not None:
            return self._take(repository.id, found[0].name, report, actor=actor)
        return repository, self._not_connected(repository, found[0].name if found else "", reason, actor)

    def connect(
        self,
        repository: int | str,
        *,
        set_up: bool = False,
        patiently: bool = False,
        tasks: bool = True,
        actor: Actor = LOCAL,
        delivery: str | None = None,
    ) -> Connection:
        """Look at a repository on its host, and take over what is there; with `set_up`, set first what is wanting.

        Without `tasks`, its task file is left alone.

        :raises Unavailable: with `patiently`, when the host does not answer
        """
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            place = work.repositories.get(repository_id)
        found = self._host(place)
        if found is None:
            return self._not_connected(place, "", "", actor)
        record, ctx = found
        try:
            report = record.look(place, set_up, ctx)
        except (NotFound, Forbidden) as error:
            return self._not_connected(place, record.name, error.message, actor)
        except Unavailable as error:
            if patiently and not error.details.get("unconfigured"):
                raise
            return self._not_connected(place, record.name, error.message, actor)
        report = report if tasks else attrs.evolve(report, task_file=None)
        return self._take(place.id, record.name, report, actor=actor, delivery=delivery)[1]

    def _host(self, repository: Repository) -> tuple[CodeHost, Context] | None:
        for record in self._unit.plugins.code_hosts.values():
            ctx: Context = self._unit.context(self._unit.plugins.owner(record))
            if record.owns(repository, ctx):
                return record, ctx
        return None

    def _not_connected(self, place: Repository, host: str, reason: str, actor: Actor) -> Connection:
        reason = reason or f"no installed plugin knows the host of {place.url}"
        if host:
            self._unit.write(
                lambda work: work.record(
                    RepositoryConnected, actor=actor, repository_id=place.id, host=host, reachable=False,
                    reason=reason, wanting=[], set=[],
                )
            )  # fmt: skip
        return Connection(host=host, is_reachable=False, reason=reason)

    def _take(
        self, repository_id: int, host: str, report: HostReport, *, actor: Actor, delivery: str | None = None
    ) -> tuple[Repository, Connection]:
        """Take over what the host says; the task file in a transaction of its own, since it may be refused."""

        def action(work: Work) -> tuple[Repository, Connection]:
            place = _renewed(work, work.repositories.get(repository_id, lock=True), report, actor, delivery)
            state, faults = take_policy(work, place.id, report.policy, actor=actor, delivery=delivery)
            work.record(
                RepositoryConnected, actor=actor, repository_id=place.id, delivery=delivery, host=host, reachable=True,
                reason="", **_told(report.findings),
            )  # fmt: skip
            return place, Connection(
                host=host, is_reachable=True, policy=state, policy_faults=tuple(faults), findings=report.findings
            )

        place, done = self._unit.write(action)
        if report.task_file is None:
            return place, done
        path, content = report.task_file
        try:
            imported = self._imports.import_file(content, place.name, path=path, actor=actor, delivery=delivery)
        except NexusError as error:
            return place, attrs.evolve(done, import_error=error.message)
        return place, attrs.evolve(done, imported=imported.tasks)


def _told(findings: tuple[HostFinding, ...]) -> dict[str, Any]:
    return {
        "wanting": [one.what for one in findings if not one.done], "set": [one.what for one in findings if one.done],
    }  # fmt: skip


def _renewed(work: Work, old: Repository, report: HostReport, actor: Actor, delivery: str | None) -> Repository:
    """The repository as its host has it now, where that is not another's here."""
    new = attrs.evolve(old, default_branch=report.default_branch, state=report.state, reachable=True)
    if report.external_id and old.external_id is None and work.repositories.find_external(report.external_id) is None:
        new = attrs.evolve(new, external_id=report.external_id)
    namesake = work.repositories.find(report.name)
    if namesake is None or namesake.id == old.id:
        new = attrs.evolve(new, name=report.name)
    if new == old:
        return old
    work.repositories.save(new)
    told = {
        name: {"from": getattr(old, name), "to": getattr(new, name)}
        for name in ("name", "default_branch", "state", "reachable")
        if getattr(old, name) != getattr(new, name)
    }
    if told:
        work.record(RepositoryEdited, actor=actor, repository_id=old.id, delivery=delivery, changes=told)
    return new
