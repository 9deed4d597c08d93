"""Logins and roles that come at the same instant, on both engines."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from engines import at_once, open_hub, outcome
from nexus_core import Conflict, DeviceLogin, Forbidden, Identity, IdentityProvider, LoginExpired, SlowDown, hookimpl
from nexus_core.domain.access import Role


class House:
    """A provider that knows Carl, of a listed organisation."""

    carl = Identity(id="50", login="carl", organisation="acme", role=Role.VIEWER)

    @hookimpl
    def nexus_identity_providers(self):
        yield IdentityProvider(
            name="house",
            authorize_url=lambda request, ctx: f"https://house.example/?state={request.state}",
            identify=lambda answer, ctx: self.carl,
            start_device=lambda ctx: DeviceLogin(device_code="dc", user_code="A", verification_uri="u", interval=1),
            poll_device=lambda code, ctx: self.carl,
        )


@pytest.fixture
def hub(database_url):
    with open_hub(database_url, House()) as opened:
        yield opened


def begin(hub):
    begun = hub.logins.begin("house", callback="https://hub.example/")
    return parse_qs(urlsplit(begun.url).query)["state"][0], begun.browser


def finish(hub, state, browser):
    return hub.logins.finish(
        "house", state=state, browser=browser, code="c", error=None, callback="https://hub.example/"
    )


def test_the_first_login_in_many_browsers_makes_one_person(hub):
    """Each gets a session of its own."""
    logins = [begin(hub) for _ in range(8)]
    entered = at_once([lambda login=login: finish(hub, *login) for login in logins])

    assert (1, 8) == (len({one.user.id for one in entered}), len({one.secret for one in entered}))
    assert ["carl"] == [user.username for user in hub.users.list()]


def test_one_login_that_comes_back_many_times_at_once_counts_once(hub):
    """The others are told to begin again."""
    login = begin(hub)
    answers = at_once([outcome(lambda: finish(hub, *login)) for _ in range(8)])

    assert 7 == len([answer for answer in answers if isinstance(answer, Forbidden)])


def test_a_device_gets_one_key_however_often_it_asks_at_once(hub):
    """Not two, when its questions cross."""
    hub.logins.begin_device()
    answers = at_once([outcome(lambda: hub.logins.finish_device("dc")) for _ in range(8)])
    refused = [answer for answer in answers if isinstance(answer, SlowDown | LoginExpired)]

    assert (7, 1) == (len(refused), len(hub.keys.list()))


def test_of_two_admins_who_end_each_other_one_stays(hub):
    """By demotion and by shutting out, whichever comes first."""
    for round_ in range(5):
        ids = [hub.users.invite(f"a{round_}-{place}", "admin").id for place in range(2)]
        for other in hub.users.list():
            if other.id not in ids:
                hub.users.set_role(other.id, "viewer")
        answers = at_once([
            outcome(lambda user=ids[0]: hub.users.set_role(user, "viewer")),
            outcome(lambda user=ids[1]: hub.users.set_disabled(user, True)),
        ])  # fmt: skip

        assert 1 == len([answer for answer in answers if isinstance(answer, Conflict)]), answers
