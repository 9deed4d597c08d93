"""Facts about code hosts themselves: their repositories, our access to them, and the people who log in there."""

from __future__ import annotations

from typing import Any

import attrs

from ..domain.access import Actor
from ..domain.changes import OwnerRenamed, RepositoryRenamed
from ..domain.events import AuthorizationWithdrawn, RepositoryEdited
from ..domain.hosts import AuthorizationRevoked, DefaultBranchChanged, HostAccessChanged, RepositoryStateChanged
from ..domain.repositories import Repository
from .admission import acting
from .work import Work

HostFact = (
    RepositoryRenamed
    | OwnerRenamed
    | RepositoryStateChanged
    | DefaultBranchChanged
    | HostAccessChanged
    | AuthorizationRevoked
)


def look_up(work: Work, name: str, external_id: str | None) -> Repository | None:
    """A repository by its host's own id, else by its name unless that is another one's now."""
    found = work.repositories.find_external(external_id) if external_id else None
    if found is None and (found := work.repositories.find(name)) is not None:
        is_another = external_id is not None and found.external_id not in (None, external_id)
        return None if is_another else found
    return found


def known(work: Work, name: str, external_id: str | None) -> Repository | None:
    """The same, known by its host's id from now on, whatever it is called."""
    found = look_up(work, name, external_id)
    if found is not None and external_id and found.external_id is None:
        found = attrs.evolve(work.repositories.get(found.id, lock=True), external_id=external_id)
        work.repositories.save(found)
    return found


def _to_change(work: Work, name: str, external_id: str | None) -> Repository | None:
    """The same, which nobody else changes until the transaction ends: it is written as a whole."""
    found = known(work, name, external_id)
    return None if found is None else work.repositories.get(found.id, lock=True)


def apply(work: Work, fact: HostFact, actor: Actor, delivery: str | None) -> bool:
    """Take a fact in; false when it concerns nobody here, or says nothing new."""
    match fact:
        case RepositoryRenamed():
            return _rename(work, fact, actor, delivery)
        case OwnerRenamed():
            return _rename_all(work, fact, actor, delivery)
        case RepositoryStateChanged():
            return _state(work, fact, actor, delivery)
        case DefaultBranchChanged():
            return _branch(work, fact, actor, delivery)
        case HostAccessChanged():
            return _access(work, fact, actor, delivery)
        case AuthorizationRevoked():
            return _revoke(work, fact, actor, delivery)


def _rename(work: Work, fact: RepositoryRenamed, actor: Actor, delivery: str | None) -> bool:
    repository = _to_change(work, fact.old_name, fact.external_id)
    if repository is None or repository.name == fact.new_name or work.repositories.find(fact.new_name):
        return False
    return _change(work, repository, actor, delivery, name=fact.new_name)


def _rename_all(work: Work, fact: OwnerRenamed, actor: Actor, delivery: str | None) -> bool:
    renamed = [
        _change(work, one, actor, delivery, name=name)
        for one in _of_owner(work, fact.old_name)
        if work.repositories.find(name := f"{fact.new_name}/{one.name.partition('/')[2]}") is None
    ]
    return any(renamed)


def _of_owner(work: Work, owner: str) -> list[Repository]:
    """Those of an owner, which nobody else changes until the transaction ends."""
    listed = [one.id for one in work.repositories.list() if _is_of(one, owner)]
    return [one for one in (work.repositories.get(number, lock=True) for number in listed) if _is_of(one, owner)]


def _is_of(repository: Repository, owner: str) -> bool:
    return repository.name.lower().startswith(f"{owner.lower()}/")


def _state(work: Work, fact: RepositoryStateChanged, actor: Actor, delivery: str | None) -> bool:
    repository = _to_change(work, fact.repository, fact.repository_external_id)
    if repository is None or _is_past(fact, repository.state_at):
        return False
    return _change(work, repository, actor, delivery, state=fact.state, state_at=fact.at)


def _branch(work: Work, fact: DefaultBranchChanged, actor: Actor, delivery: str | None) -> bool:
    repository = _to_change(work, fact.repository, fact.repository_external_id)
    return repository is not None and _change(work, repository, actor, delivery, default_branch=fact.branch)


def _access(work: Work, fact: HostAccessChanged, actor: Actor, delivery: str | None) -> bool:
    named = [known(work, name, external_id) for name, external_id in fact.repositories]
    ids = {one.id for one in named if one is not None}
    if fact.owner and not (fact.granted and fact.repositories):
        ids |= {one.id for one in _of_owner(work, fact.owner)}
    took = [
        _change(work, repository, actor, delivery, reachable=fact.granted, reachable_at=fact.at, why=fact.reason)
        for repository in (work.repositories.get(number, lock=True) for number in sorted(ids))
        if not _is_past(fact, repository.reachable_at)
    ]
    return any(took)


def _is_past(fact: RepositoryStateChanged | HostAccessChanged, since: Any) -> bool:
    return fact.at is not None and since is not None and fact.at < since


def _change(
    work: Work, old: Repository, actor: Actor, delivery: str | None, *, why: str = "", **fields: Any
) -> bool:  # fmt: skip
    new = attrs.evolve(old, **fields)
    if new == old:
        return False
    work.repositories.save(new)
    told = {
        name: {"from": getattr(old, name), "to": value}
        for name, value in fields.items()
        if not name.endswith("_at") and getattr(old, name) != value
    }
    if told:
        because: dict[str, Any] = {"reason": why} if why else {}
        work.record(
            RepositoryEdited, actor=actor, repository_id=old.id, delivery=delivery, changes=told, **because
        )  # fmt: skip
    return bool(told)


def _revoke(work: Work, fact: AuthorizationRevoked, actor: Actor, delivery: str | None) -> bool:
    user = work.logins.person(fact.source, fact.account_id)
    if user is None:
        return False
    work.logins.end_all(user.id, work.now)
    work.record(
        AuthorizationWithdrawn, actor=acting(user), delivery=delivery, username=user.username, provider=fact.source
    )  # fmt: skip
    return True
