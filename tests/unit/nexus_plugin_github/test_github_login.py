"""Who somebody is at GitHub: what is sent, what is believed of the answers, and what happens when there are none."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from nexus_core import (
    ConfigurationError,
    Context,
    Invalid,
    LoginAnswer,
    LoginDenied,
    LoginExpired,
    LoginPending,
    LoginRequest,
    NotFound,
    SlowDown,
    Unavailable,
)
from nexus_core.testing import nexus_for_test
from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.github_login import Account, organisation_id
from nexus_plugin_github import hooks
from nexus_plugin_github.identity import identity_of, token_of
from nexus_plugin_github.login import authorize_url, identify, poll_device, start_device
from nexus_plugin_github.settings import Settings

BACK = "https://hub.example/api/v1/auth/github/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ANN = Account(id=41, login="ann", organisations=("acme", "else"))


@pytest.fixture
def standin() -> Iterator[GitHubStandIn]:
    with GitHubStandIn({}, token="unused") as github:
        github.desk.client_id, github.desk.client_secret, github.desk.callback = "Iv1", "s3cret", BACK
        github.desk.present = ANN
        yield github


@pytest.fixture
def ctx_of(standin: GitHubStandIn) -> Iterator[Callable[..., Context]]:
    """The context of the plugin, with settings."""
    opened = []

    def make(**settings: object) -> Context:
        table = {
            "client_id": "Iv1", "client_secret": "s3cret", "oauth_url": standin.url, "api_url": standin.url, **settings,
        }  # fmt: skip
        hub = nexus_for_test(hooks, settings={"github": {k: v for k, v in table.items() if v is not None}})
        opened.append(hub)
        return hub.__enter__().context("github")

    yield make
    for hub in opened:
        hub.__exit__(None, None, None)


def code_from(ctx: Context, state: str = "s" * 43) -> str:
    """Go to GitHub as a browser does, and take what it sends back."""
    url = authorize_url(LoginRequest(state=state, challenge=CHALLENGE, redirect_uri=BACK), ctx)
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    back = parse_qs(urlsplit(connection.getresponse().headers["Location"]).query)
    assert [state] == back["state"]
    return back["code"][0]


def answer(code: str, verifier: str = VERIFIER, back: str = BACK) -> LoginAnswer:
    return LoginAnswer(code=code, verifier=verifier, redirect_uri=back)


def test_a_code_becomes_an_identity(ctx_of):
    """The number and the login; organisations are not asked for when none is listed."""
    ctx = ctx_of()
    found = identify(answer(code_from(ctx)), ctx)

    assert ("41", "ann", None, None) == (found.id, found.login, found.organisation, found.role)


@pytest.mark.parametrize("listed", ["ACME", str(organisation_id("acme"))])
def test_a_listed_organisation_is_known_by_login_or_id(ctx_of, listed):
    """The role is that of the settings."""
    ctx = ctx_of(organisations=["none", listed], organisation_role="developer")
    found = identify(answer(code_from(ctx)), ctx)

    assert ("acme", "developer") == (found.organisation, found.role)


def test_other_organisations_count_for_nothing(ctx_of):
    """Whatever they are called."""
    ctx = ctx_of(organisations=["acm", "acmee"])

    assert identify(answer(code_from(ctx)), ctx).role is None


def test_the_many_organisations_of_a_person_are_read_page_by_page(ctx_of, standin):
    """The stand-in gives all; a full page would be followed by another."""
    standin.desk.present = Account(id=42, login="bob", organisations=(*(f"o{n}" for n in range(99)), "acme"))
    ctx = ctx_of(organisations=["acme"])
    identify(answer(code_from(ctx)), ctx)
    pages = [request.path for request in standin.requests if request.path.startswith("/user/orgs")]

    assert ["/user/orgs?per_page=100&page=1", "/user/orgs?per_page=100&page=2"] == pages[:2]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"verifier": "w" * 64}, "bad_verification_code"),
        ({"verifier": ""}, "bad_verification_code"),
        ({"code": "stolen"}, "bad_verification_code"),
    ],
)
def test_a_code_without_its_verifier_is_worth_nothing(ctx_of, wrong, said):
    """A stolen code is not enough."""
    ctx = ctx_of()
    given = {"code": code_from(ctx), **wrong}

    with pytest.raises(Invalid, match=said):
        identify(answer(**given), ctx)


def test_a_code_works_once(ctx_of):
    """As GitHub has it."""
    ctx = ctx_of()
    code = code_from(ctx)
    identify(answer(code), ctx)

    with pytest.raises(Invalid, match="bad_verification_code"):
        identify(answer(code), ctx)


def test_what_the_operator_has_to_mend_is_said(ctx_of):
    """A wrong secret, a wrong callback, nothing set up, a role that is none."""
    ctx = ctx_of(client_secret="another")
    with pytest.raises(Unavailable, match="NEXUS_GITHUB_CLIENT_SECRET"):
        identify(answer(code_from(ctx)), ctx)
    ctx = ctx_of()
    with pytest.raises(Unavailable, match="NEXUS_PUBLIC_URL"):
        identify(answer(code_from(ctx), back=f"{BACK}/other"), ctx)
    for missing in ({"client_id": None}, {"client_secret": None}):
        with pytest.raises(NotFound, match="not set up"):
            authorize_url(LoginRequest(state="s", challenge=CHALLENGE, redirect_uri=BACK), ctx_of(**missing))
    with pytest.raises(NotFound, match="not set up"):
        start_device(ctx_of(client_id=None))
    with pytest.raises(ConfigurationError, match="organisation_role"):
        Settings(organisation_role="owner")


@pytest.mark.parametrize("status", [0, 404, 429, 500, 502])
@pytest.mark.parametrize("path", ["access_token", "/user$"])
def test_a_github_in_trouble_lets_nobody_in(ctx_of, standin, path, status):
    """Unavailable, each time; and the secret is not in the message."""
    ctx = ctx_of()
    code = code_from(ctx)
    standin.trouble("POST" if path == "access_token" else "GET", path, status)

    with pytest.raises(Unavailable) as error:
        identify(answer(code), ctx)
    assert "s3cret" not in error.value.message


def test_a_redirect_takes_the_secret_nowhere(ctx_of, standin):
    """Neither the form nor the token follows one: the listener hears nothing."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)

        def listen() -> None:
            with contextlib.suppress(TimeoutError):
                heard.append(listener.accept())

        thread = threading.Thread(target=listen)
        thread.start()
        elsewhere = f"http://127.0.0.1:{listener.getsockname()[1]}/steal"
        for method, path in (("POST", "access_token"), ("GET", "/user$")):
            ctx = ctx_of()
            code = code_from(ctx)
            standin.trouble(method, path, 307, headers={"Location": elsewhere})
            with pytest.raises(Unavailable):
                identify(answer(code), ctx)
        thread.join()

    assert [] == heard


def test_a_proxy_of_the_environment_sees_nothing(ctx_of, monkeypatch):
    """What is secret goes where the settings say."""
    ctx = ctx_of()
    code = code_from(ctx)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert "41" == identify(answer(code), ctx).id


def test_a_device_asks_until_somebody_confirms(ctx_of, standin):
    """Pending, too early, confirmed, used."""
    standin.desk.interval = 1
    ctx = ctx_of()
    begun = start_device(ctx)
    with pytest.raises(LoginPending):
        poll_device(begun.device_code, ctx)
    with pytest.raises(SlowDown) as slow:
        poll_device(begun.device_code, ctx)
    second = start_device(ctx)
    standin.desk.approve(second.user_code, ANN)

    assert (1, 6, 899) == (begun.interval, slow.value.details["interval"], begun.expires_in)
    assert "41" == poll_device(second.device_code, ctx).id
    with pytest.raises(Invalid, match="incorrect_device_code"):
        poll_device(second.device_code, ctx)


@pytest.mark.parametrize(("error", "kind"), [("access_denied", LoginDenied), ("expired_token", LoginExpired)])
def test_a_device_that_nobody_confirms(ctx_of, standin, error, kind):
    """Refused, or too late."""
    ctx = ctx_of()
    begun = start_device(ctx)
    standin.desk.refuse(begun.user_code, error)

    with pytest.raises(kind):
        poll_device(begun.device_code, ctx)


def test_a_device_flow_that_is_switched_off(ctx_of, standin):
    """Says where it is switched on."""
    standin.desk.is_device_flow_enabled = False

    with pytest.raises(NotFound, match="device flow"):
        start_device(ctx_of())


@pytest.mark.parametrize(
    "user", [None, [], {}, {"id": "41", "login": "a"}, {"id": 41}, {"id": True, "login": "a"}, {"id": -1, "login": "a"}]
)
def test_an_account_without_a_number_is_nobody(user):
    """Whatever the answer looks like."""
    with pytest.raises(Unavailable, match="does not say who"):
        identity_of(user, [], Settings())


@pytest.mark.parametrize("document", [None, [], "x", {"access_token": 5}, {"error": ["a"]}, {"error": "new_one"}])
def test_an_answer_without_a_token_is_worth_nothing(document):
    """Whatever it looks like."""
    with pytest.raises(Invalid, match="does not accept the code"):
        token_of(document)
