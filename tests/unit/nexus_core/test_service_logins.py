"""Logging in: by a provider that a third party could have written, with everything that others would try."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from nexus_core import (
    Conflict,
    DeviceLogin,
    Forbidden,
    Identity,
    IdentityProvider,
    Invalid,
    LoginDenied,
    LoginExpired,
    LoginPending,
    NotFound,
    SlowDown,
    Unauthenticated,
    hookimpl,
)
from nexus_core.domain.access import ActorKind, Role
from nexus_core.domain.logins import local_path
from nexus_core.testing import nexus_for_test

BACK = "https://hub.example/api/v1/auth/house/callback"


class House:
    """An identity provider of forty lines: who is before the browser, and what devices were told."""

    def __init__(self) -> None:
        self.present = Identity(id="7", login="ann")
        self.device: Identity | Exception = LoginPending()
        self.asked = 0
        self.name = "house"

    @hookimpl
    def nexus_identity_providers(self):
        yield IdentityProvider(
            name=self.name, authorize_url=self._url, identify=self._identify,
            start_device=lambda ctx: DeviceLogin(device_code="dc", user_code="AB-CD", verification_uri="https://h/d"),
            poll_device=self._poll,
        )  # fmt: skip

    def _url(self, request, ctx):
        return f"https://house.example/?state={request.state}&challenge={request.challenge}&back={request.redirect_uri}"

    def _identify(self, answer, ctx):
        if answer.code != "good":
            raise Invalid("the code is worth nothing")
        return self.present

    def _poll(self, device_code, ctx):
        self.asked += 1
        if isinstance(self.device, Exception):
            raise self.device
        return self.device


@pytest.fixture
def house():
    return House()


@pytest.fixture
def nexus(house, clock):
    with nexus_for_test(house, clock=clock) as opened:
        opened.users.invite("boss", "admin", provider="house")
        yield opened


def begin(nexus, **more):
    """A login under way: its state, and what binds it to the browser."""
    begun = nexus.logins.begin("house", callback=BACK, **more)
    return parse_qs(urlsplit(begun.url).query)["state"][0], begun.browser


def finish(nexus, state, browser, **more):
    given = {"code": "good", "error": None, "callback": BACK, **more}
    return nexus.logins.finish("house", state=state, browser=browser, **given)


def log_in(nexus, **more):
    return finish(nexus, *begin(nexus), **more)


def events(nexus, kind):
    return [dict(event.payload) for event in nexus.events.list(type=kind)]


def test_the_invited_come_in_as_who_they_are_for_good(nexus, house):
    """The invitation is by login; from the first login on it is the id that counts, whatever it is called then."""
    invited = nexus.users.invite("Ann", "developer", provider="house")
    first = log_in(nexus, address="10.0.0.1")
    house.present = Identity(id="7", login="anna")
    second = log_in(nexus)

    assert (invited.id, invited.id) == (first.user.id, second.user.id)
    assert ["ann", "anna"] == [first.user.username, second.user.username]
    assert {"from": "ann", "to": "anna"} == events(nexus, "user.renamed")[-1]
    told = {"username": "ann", "provider": "house", "by": "browser", "address": "10.0.0.1", "key_id": None}
    assert told in events(nexus, "user.logged_in")


@pytest.mark.parametrize(
    "newcomer", [Identity(id="8", login="ann"), Identity(id="8", login="ann", organisation="acme", role=Role.ADMIN)]
)
def test_a_login_that_changed_hands_opens_nothing(nexus, house, newcomer):
    """Somebody else registered the name of one who came in before: refused, on record, and no row."""
    nexus.users.invite("ann", "admin", provider="house")
    log_in(nexus)
    house.present = newcomer

    with pytest.raises(Forbidden, match="belonged to somebody else"):
        log_in(nexus)
    assert ["boss", "ann"] == [user.username for user in nexus.users.list()]
    assert [("8", "ann")] == [(told["id"], told["login"]) for told in events(nexus, "login.refused")]


def test_a_stranger_leaves_no_row_not_even_the_first(house, clock):
    """Nobody becomes admin by coming first."""
    with nexus_for_test(house, clock=clock) as empty:
        with pytest.raises(Forbidden, match="nobody invited them"):
            log_in(empty)

        assert [] == empty.users.list()


def test_an_invitation_counts_where_it_was_meant(nexus, house):
    """A login of the same name at another provider is somebody else."""
    nexus.users.invite("ann", "admin")  # of GitHub

    with pytest.raises(Forbidden):
        log_in(nexus)


def test_members_of_listed_organisations_come_in_until_they_leave(nexus, house):
    """With the role that the provider's settings give; when they are no longer in it, all that they had ends."""
    house.present = Identity(id="7", login="ann", organisation="acme", role=Role.VIEWER)
    entered = log_in(nexus)
    assert ("acme", Role.VIEWER) == (entered.user.organisation, entered.user.role)
    house.present = Identity(id="7", login="ann")

    with pytest.raises(Forbidden, match="left acme"):
        log_in(nexus)
    with pytest.raises(Unauthenticated):
        nexus.sessions.authenticate(entered.secret)


def test_a_login_belongs_to_the_browser_that_began_it(nexus):
    """Another browser, a made-up state, a second use, ten minutes later: refused, and a foreign try spoils nothing."""
    nexus.users.invite("ann", provider="house")
    state, browser = begin(nexus)
    for wrong in ((state, "another"), ("made-up", browser), (state, ""), ("", browser)):
        with pytest.raises(Forbidden, match="begin again"):
            finish(nexus, *wrong)
    finish(nexus, state, browser)

    with pytest.raises(Forbidden, match="begin again"):
        finish(nexus, state, browser)


def test_a_login_lasts_ten_minutes(nexus, clock):
    """Not an instant longer."""
    nexus.users.invite("ann", provider="house")
    state, browser = begin(nexus)
    clock.advance(minutes=10)

    with pytest.raises(Forbidden, match="begin again"):
        finish(nexus, state, browser)


def test_a_refusal_of_the_provider_uses_the_login_up(nexus):
    """The person said no; so does a code that is worth nothing."""
    nexus.users.invite("ann", provider="house")
    state, browser = begin(nexus)
    with pytest.raises(Forbidden, match="access_denied"):
        finish(nexus, state, browser, code=None, error="access_denied")
    with pytest.raises(Forbidden, match="begin again"):
        finish(nexus, state, browser)
    with pytest.raises(Invalid, match="worth nothing"):
        finish(nexus, *begin(nexus), code="stolen")


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        (None, "/docs"), ("", "/docs"), ("/tasks?q=a%2Fb", "/tasks?q=a%2Fb"), ("//evil.example", "/"),
        ("/\\evil.example", "/"), ("\\\\evil", "/"), ("https:", "/"), ("https://evil.example", "/"),
        ("/%2f/evil", "/"), ("/%5Cevil", "/"), ("/%252fevil", "/"), ("/a\r\nSet-Cookie: x=1", "/"), ("docs", "/"),
        ("/\tx", "/"), ("/%09/evil", "/"), ("javascript:alert(1)", "/"), ("/" + "a" * 2001, "/"),
    ],
)  # fmt: skip
def test_a_login_leads_to_a_path_of_this_server(wanted, led):
    """Anything that a browser or a proxy might take for another place leads home."""
    assert led == local_path(wanted)


def test_a_session_ends_by_idleness_by_age_and_by_logging_out(nexus, clock):
    """Eight hours without a request, seven days in all, or when its person says so: for every holder of the cookie."""
    nexus.users.invite("ann", provider="house")
    idle, old, left = (log_in(nexus).secret for _ in range(3))
    actor = nexus.sessions.authenticate(left)
    nexus.sessions.end(left, actor=actor)
    for _ in range(24 * 7 // 7 - 1):
        clock.advance(hours=7)
        nexus.sessions.authenticate(old)
    clock.advance(hours=7)

    assert (ActorKind.USER, "ann", Role.DEVELOPER.scopes) == (actor.kind, actor.name, actor.scopes)
    for secret in (idle, old, left, "", "nxs_ses_made-up"):
        with pytest.raises(Unauthenticated):
            nexus.sessions.authenticate(secret)


def test_eight_idle_hours_end_a_session(nexus, clock):
    """To the instant."""
    nexus.users.invite("ann", provider="house")
    secret = log_in(nexus).secret
    clock.advance(hours=8, microseconds=-1)
    nexus.sessions.authenticate(secret)
    clock.advance(hours=8)

    with pytest.raises(Unauthenticated):
        nexus.sessions.authenticate(secret)


def test_logging_in_again_ends_the_session_before(nexus):
    """A session that somebody slipped in beforehand is worth nothing afterwards."""
    nexus.users.invite("ann", provider="house")
    before = log_in(nexus).secret
    after = log_in(nexus, former=before).secret

    assert nexus.sessions.authenticate(after)
    with pytest.raises(Unauthenticated):
        nexus.sessions.authenticate(before)


def test_what_the_database_knows_opens_nothing(nexus):
    """Neither session, state nor device code stands there as it is."""
    nexus.users.invite("ann", provider="house")
    state, browser = begin(nexus)
    session = finish(nexus, state, browser).secret
    other, other_browser = begin(nexus)
    nexus.logins.begin_device("house")
    content = b"".join(path.read_bytes() for path in nexus.config.data_dir.iterdir() if path.is_file())

    assert not [text for text in (session, other, other_browser, state) if text.encode() in content]


def test_the_device_gets_a_key_with_its_persons_rights_as_they_are(nexus, house, clock):
    """A change of role narrows it at once, a shut-out ends it; more than at the login it never gets."""
    ann = nexus.users.invite("ann", "admin", provider="house")
    nexus.logins.begin_device()
    house.device = house.present
    made = nexus.logins.finish_device("dc", name="laptop", address="10.0.0.2")
    whole = nexus.keys.authenticate(made.secret)
    nexus.users.set_role(ann.id, "viewer")
    narrow = nexus.keys.authenticate(made.secret)

    assert ("laptop", ann.id, clock.now() + timedelta(days=90)) == (
        made.key.name, made.key.user_id, made.key.expires_at,
    )  # fmt: skip
    assert (ActorKind.USER, "ann", ann.id) == (whole.kind, whole.name, whole.id)
    assert (Role.ADMIN.scopes, Role.VIEWER.scopes) == (whole.scopes, narrow.scopes)
    nexus.users.set_disabled(ann.id, True)
    with pytest.raises(Unauthenticated, match="this key is not valid"):
        nexus.keys.authenticate(made.secret)
    nexus.users.set_disabled(ann.id, False)
    with pytest.raises(Unauthenticated, match="this key is not valid"):
        nexus.keys.authenticate(made.secret)


def test_a_key_does_not_grow_with_its_person(nexus, house):
    """Who was promoted logs in again."""
    ann = nexus.users.invite("ann", "viewer", provider="house")
    nexus.logins.begin_device()
    house.device = house.present
    made = nexus.logins.finish_device("dc")
    nexus.users.set_role(ann.id, "admin")

    assert Role.VIEWER.scopes == nexus.keys.authenticate(made.secret).scopes


def test_the_device_waits_its_turn(nexus, house, clock):
    """Pending until it is confirmed; who asks too early waits five seconds longer each time, and troubles nobody."""
    nexus.users.invite("ann", provider="house")
    nexus.logins.begin_device()
    with pytest.raises(LoginPending) as first:
        nexus.logins.finish_device("dc")
    clock.advance(seconds=4)
    with pytest.raises(SlowDown) as early:
        nexus.logins.finish_device("dc")
    clock.advance(seconds=9)
    with pytest.raises(SlowDown) as again:
        nexus.logins.finish_device("dc")

    assert [5, 10, 15] == [said.value.details["interval"] for said in (first, early, again)]
    assert 1 == house.asked
    clock.advance(seconds=15)
    house.device = house.present
    assert nexus.logins.finish_device("dc").secret.startswith("nxs_usr_")
    with pytest.raises(LoginExpired):
        nexus.logins.finish_device("dc")


@pytest.mark.parametrize("end", [LoginDenied(), LoginExpired()])
def test_a_refused_device_is_over(nexus, house, clock, end):
    """Asking again does not reach the provider."""
    nexus.logins.begin_device()
    house.device = end
    with pytest.raises(type(end)):
        nexus.logins.finish_device("dc")
    clock.advance(minutes=1)

    with pytest.raises(LoginExpired):
        nexus.logins.finish_device("dc")
    assert 1 == house.asked


def test_only_codes_that_this_hub_began_reach_the_provider(nexus, house, clock):
    """A made-up one does not, nor one whose time is over."""
    with pytest.raises(LoginExpired):
        nexus.logins.finish_device("made-up")
    nexus.logins.begin_device()
    clock.advance(minutes=15)
    with pytest.raises(LoginExpired):
        nexus.logins.finish_device("dc")

    assert 0 == house.asked


def test_the_provider_says_slow_down(nexus, house, clock):
    """Its word counts when it asks for more than ours."""
    nexus.logins.begin_device()
    house.device = SlowDown(interval=30)
    with pytest.raises(SlowDown) as slow:
        nexus.logins.finish_device("dc")

    assert 30 == slow.value.details["interval"]


def test_logging_out_on_the_command_line_revokes_that_key_alone(nexus, house):
    """A key that no login made is ended otherwise."""
    nexus.users.invite("ann", provider="house")
    nexus.logins.begin_device()
    house.device = house.present
    made = nexus.logins.finish_device("dc")
    actor = nexus.keys.authenticate(made.secret)
    other = nexus.keys.create("ci", role="viewer")
    with pytest.raises(NotFound, match="comes from no login"):
        nexus.sessions.end_key(other.secret, actor=actor)
    nexus.sessions.end_key(made.secret, actor=actor)

    assert nexus.keys.authenticate(other.secret)
    with pytest.raises(Unauthenticated):
        nexus.keys.authenticate(made.secret)


def test_a_shut_out_person_is_out_everywhere(nexus, house):
    """Their sessions end at once, and the provider's word lets them in no more; the last admin stays."""
    ann = nexus.users.invite("ann", provider="house")
    session = log_in(nexus).secret
    nexus.users.set_disabled(ann.id, True)
    with pytest.raises(Unauthenticated):
        nexus.sessions.authenticate(session)
    with pytest.raises(Forbidden, match="shut them out"):
        log_in(nexus)
    with pytest.raises(Conflict, match="last admin"):
        nexus.users.set_disabled(nexus.users.find("boss").id, True)
    nexus.users.set_disabled(ann.id, False)

    assert log_in(nexus).user.id == ann.id
    assert (1, 1) == (len(events(nexus, "user.disabled")), len(events(nexus, "user.enabled")))


def test_a_disabled_admin_does_not_count_as_one(nexus):
    """Or nobody could let anybody in again."""
    other = nexus.users.invite("second", "admin")
    nexus.users.set_disabled(other.id, True)

    with pytest.raises(Conflict, match="last admin"):
        nexus.users.set_role(nexus.users.find("boss").id, "viewer")


def test_a_role_changes_what_a_session_may_at_once(nexus):
    """Nothing of it is kept in the session."""
    ann = nexus.users.invite("ann", "admin", provider="house")
    session = log_in(nexus).secret
    nexus.users.set_role(ann.id, "viewer")

    assert Role.VIEWER.scopes == nexus.sessions.authenticate(session).scopes


def test_nobody_logs_in_where_there_is_no_provider(nexus):
    """By browser, by device, by invitation."""
    for call in (
        lambda: nexus.logins.begin("elsewhere", callback=BACK),
        lambda: nexus.logins.begin_device("elsewhere"),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(Invalid, match="nobody logs in by it"):
        nexus.users.invite("ann", provider="elsewhere")
