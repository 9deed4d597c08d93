"""Scopes, roles and what an actor sees."""

import pytest

from nexus_core.domain.access import LOCAL, Actor, ActorKind, Role, Scope, plugin_actor, system_actor
from nexus_core.errors import Forbidden


def test_a_viewer_reads_everything_but_keys_and_people():
    """Every `:read` scope but `keys:` and `users:`."""
    expected = {"tasks:read", "assignments:read", "repositories:read", "events:read", "jobs:read"}

    assert expected == set(Role.VIEWER.scopes)


def test_a_developer_works_but_does_not_administrate():
    """A viewer's scopes, and those of work."""
    more = {
        "tasks:write", "agents:assign", "assignments:claim", "assignments:write", "repositories:write", "users:read",
    }  # fmt: skip

    assert more == set(Role.DEVELOPER.scopes - Role.VIEWER.scopes)
    assert Role.VIEWER.scopes < Role.DEVELOPER.scopes


def test_an_admin_may_do_all():
    """A new scope is an admin's at once."""
    assert frozenset(Scope) == Role.ADMIN.scopes


def test_a_missing_scope_is_named():
    """The refusal says what to ask for."""
    reader = Actor(kind=ActorKind.KEY, name="ci", scopes=Role.VIEWER.scopes)

    with pytest.raises(Forbidden, match="ci may not do this: the scope tasks:write is missing"):
        reader.require(Scope.TASKS_WRITE)


def test_a_narrowed_actor_sees_its_repositories_only():
    """Also not what belongs to no repository."""
    narrowed = Actor(kind=ActorKind.KEY, name="ci", repositories=frozenset({1}))

    assert [True, False, False] == [narrowed.sees(1), narrowed.sees(2), narrowed.sees(None)]


@pytest.mark.parametrize("actor", [LOCAL, system_actor(), plugin_actor("github")])
def test_nexus_itself_may_do_all_and_sees_all(actor):
    """The system, a plugin at work and a program that uses the library."""
    assert frozenset(Scope) == actor.scopes
    assert actor.sees(None)
