"""Keys and people: shown once, narrowed, ended; invited, promoted, never locked out."""

from datetime import timedelta

import pytest

from nexus_core.domain.access import Actor, ActorKind, Role, Scope
from nexus_core.errors import Conflict, Duplicate, Forbidden, Invalid, NotFound, Unauthenticated
from nexus_core.services.access import is_well_formed, new_secret


def key_actor(*scopes, repositories=None):
    return Actor(kind=ActorKind.KEY, name="k", scopes=frozenset(Scope(scope) for scope in scopes),
                 repositories=repositories)  # fmt: skip


def test_a_key_opens_what_it_says(nexus):
    """Its scopes, its repositories, its agent."""
    repository = nexus.repositories.add("acme/api")
    new = nexus.keys.create("ci", scopes=["tasks:read"], repositories=[repository.id], agent="ada")
    actor = nexus.keys.authenticate(new.secret)

    assert ("agent", "ada", frozenset({"tasks:read"}), frozenset({repository.id})) == (
        actor.kind, actor.name, actor.scopes, actor.repositories,
    )  # fmt: skip


def test_a_secret_has_a_shape_that_scanners_know():
    """Prefix, kind, randomness, checksum: a leak is recognised without asking us."""
    secret = new_secret("key")

    assert secret.startswith("nxs_key_")
    assert is_well_formed(secret)
    assert not is_well_formed(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    assert secret != new_secret("key")


def test_the_database_does_not_know_the_secret(nexus):
    """What is kept of it cannot be used as a key."""
    secret = nexus.keys.create("ci", role="viewer").secret
    nexus.keys.authenticate(secret)
    content = b"".join(path.read_bytes() for path in nexus.config.data_dir.iterdir() if path.is_file())

    assert secret.encode() not in content
    assert secret.rpartition("_")[2].encode() not in content


@pytest.mark.parametrize("ended", ["never was", "revoked", "expired"])
def test_a_key_that_does_not_open_looks_the_same_whatever_the_reason(nexus, clock, ended):
    """No oracle."""
    new = nexus.keys.create("ci", role="viewer", expires_at=clock.now() + timedelta(hours=1))
    secret = new.secret
    if ended == "revoked":
        nexus.keys.revoke(new.key.id)
    elif ended == "expired":
        clock.advance(hours=1)
    else:
        secret = new_secret("key")

    with pytest.raises(Unauthenticated, match="this key is not valid"):
        nexus.keys.authenticate(secret)


@pytest.mark.parametrize("secret", ["", "x", "nxs_", "\ud800", "nxs_key_" + "ü" * 36, "a" * 10_000])
def test_anything_may_be_offered_as_a_key(nexus, secret):
    """And is refused."""
    with pytest.raises(Unauthenticated):
        nexus.keys.authenticate(secret)


def test_nobody_gives_what_they_lack(nexus):
    """Neither scopes nor repositories."""
    repository = nexus.repositories.add("acme/api")
    reader = key_actor("tasks:read", "keys:write")
    narrow = key_actor("tasks:read", "keys:write", repositories=frozenset({repository.id}))

    with pytest.raises(Forbidden, match="tasks:write"):
        nexus.keys.create("x", scopes=["tasks:write"], actor=reader)
    with pytest.raises(NotFound, match="there is no repository"):
        nexus.keys.create("x", scopes=["tasks:read"], repositories=[repository.id + 1], actor=narrow)
    assert frozenset({repository.id}) == nexus.keys.create("x", scopes=["tasks:read"], actor=narrow).key.repositories


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "k", "scopes": ["tasks:raed"]}, "/scopes/0"), ({"name": "k", "scopes": []}, "/scopes"),
        ({"name": "k"}, "/scopes"), ({"name": "k", "role": "king"}, "/role"),
        ({"name": "", "role": "viewer"}, "/name"), ({"name": "x" * 101, "role": "viewer"}, "/name"),
    ],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(nexus, fields, pointer):
    """With the place."""
    with pytest.raises(Invalid) as caught:
        nexus.keys.create(**fields)

    assert [pointer] == [fault.pointer for fault in caught.value.faults]


def test_a_repository_that_is_not_there_cannot_be_named(nexus):
    """A key for nothing would be a surprise later."""
    with pytest.raises(NotFound):
        nexus.keys.create("k", role="viewer", repositories=[99])


def test_use_is_noted_about_once_a_minute(nexus, clock):
    """Enough to see which keys are dead; cheap enough for every request."""
    new = nexus.keys.create("ci", role="viewer")
    seen = []
    for seconds in (0, 30, 31):
        clock.advance(seconds=seconds)
        nexus.keys.authenticate(new.secret)
        seen.append(nexus.keys.list()[0].last_used_at)

    assert seen[0] == seen[1] < seen[2]


def test_keys_are_events_without_their_secrets(nexus):
    """Who made what and who ended it."""
    new = nexus.keys.create("ci", role="viewer")
    nexus.keys.revoke(new.key.id)
    nexus.keys.revoke(new.key.id)
    events = nexus.events.list()

    assert ["key.created", "key.revoked"] == [event.type for event in events]
    assert new.secret not in repr(events)


def test_the_first_key_is_given_once(nexus):
    """To the one who set Nexus up; as soon as any key was made, to nobody."""
    first = nexus.keys.first_admin_key()

    assert Role.ADMIN.scopes == nexus.keys.authenticate(first).scopes
    assert nexus.keys.first_admin_key() is None


def test_the_bootstrap_key_of_the_configuration_works(nexus):
    """And a new one replaces the old one."""
    old, new = "o" * 32, "n" * 32
    for secret in (old, old, new):
        nexus.keys.ensure_bootstrap(secret)

    assert Role.ADMIN.scopes == nexus.keys.authenticate(new).scopes
    with pytest.raises(Unauthenticated):
        nexus.keys.authenticate(old)
    with pytest.raises(Conflict, match="was revoked"):
        nexus.keys.ensure_bootstrap(old)


# People ---------------------------------------------------------------------------------------------------------------


def test_a_person_is_invited_by_login(nexus):
    """Once, whatever the case."""
    user = nexus.users.invite("Ada-L", role="admin")

    assert ("Ada-L", "admin", None) == (user.username, user.role, user.github_id)
    with pytest.raises(Duplicate):
        nexus.users.invite("ada-l")
    assert user == nexus.users.find("ADA-L")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a" * 40, "é", "--"])
def test_what_is_no_login_is_refused(nexus, name):
    """Letters, digits and dashes."""
    with pytest.raises(Invalid):
        nexus.users.invite(name)


def test_the_last_admin_stays_one(nexus):
    """Somebody must be able to undo things."""
    ada, bob = nexus.users.invite("ada", "admin"), nexus.users.invite("bob", "admin")
    nexus.users.set_role(bob.id, "viewer")

    with pytest.raises(Conflict, match="ada is the last admin"):
        nexus.users.set_role(ada.id, "developer")
    assert ["admin", "viewer"] == [str(user.role) for user in nexus.users.list()]


def test_an_unknown_person_is_not_found(nexus):
    """By name and by id."""
    with pytest.raises(NotFound):
        nexus.users.find("eve")
    with pytest.raises(NotFound):
        nexus.users.set_role(99, "viewer")


def test_a_look_at_a_key_that_a_revocation_overtook_is_forgotten(nexus, monkeypatch):
    """What was read before it is not remembered after it."""
    new = nexus.keys.create("ci", role="viewer")
    access = type(nexus._unit.glance().access)
    find_key = access.find_key

    def slow(self, hash_):
        found = find_key(self, hash_)
        monkeypatch.undo()
        nexus.keys.revoke(new.key.id)
        return found

    nexus.keys.authenticate(new.secret)  # the first use of a key is written, after which all is read anew
    monkeypatch.setattr(access, "find_key", slow)
    nexus.keys.authenticate(new.secret)

    with pytest.raises(Unauthenticated):
        nexus.keys.authenticate(new.secret)
