"""Logging in by browser and by device, and what a session's cookie is good for: nothing that another site can use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from falcon import testing

from nexus_core import DeviceLogin, Identity, IdentityProvider, LoginPending, Nexus, hookimpl
from nexus_core.config import Config
from nexus_http.app import create_app

ORIGIN = "https://hub.example"


class House:
    """An identity provider that knows Ann, and devices once they are told."""

    def __init__(self) -> None:
        self.is_confirmed = False

    @hookimpl
    def nexus_identity_providers(self) -> Iterator[IdentityProvider]:
        yield IdentityProvider(
            name="house",
            authorize_url=lambda request, ctx: (
                f"https://house.example/?state={request.state}&to={request.redirect_uri}"
            ),
            identify=lambda answer, ctx: Identity(id="7", login=answer.code),
            start_device=lambda ctx: DeviceLogin(device_code="dc", user_code="AB-CD", verification_uri="https://h/d"),
            poll_device=self._poll,
        )

    def _poll(self, device_code: str, ctx: Any) -> Identity:
        if not self.is_confirmed:
            raise LoginPending
        return Identity(id="7", login="ann")


class Browser:
    """A browser: keeps cookies by name, as one does for a host; says where its page is from."""

    def __init__(self, nexus: Nexus) -> None:
        self.client = testing.TestClient(create_app(nexus))
        self.cookies: dict[str, str] = {}

    def call(self, method: str, path: str, **more: Any) -> testing.Result:
        headers = dict(more.pop("headers", {}))
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.client.simulate_request(method, f"/api/v1{path}", headers=headers, **more)
        for cookie in answer.cookies.values():
            if not cookie.value:
                self.cookies.pop(cookie.name, None)
            else:
                self.cookies[cookie.name] = cookie.value
        return answer

    def begin(self, **query: str) -> str:
        """Go to the provider; the state that the way out has."""
        answer = self.call("GET", "/auth/house/login", params=query)
        return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]

    def come_back(self, state: str, **query: str) -> testing.Result:
        return self.call("GET", "/auth/house/callback", params={"state": state, "code": "ann", **query})

    def log_in(self) -> None:
        assert 302 == self.come_back(self.begin()).status_code

    def own(self, **more: str) -> dict[str, str]:
        """The headers of a request that one of our own pages makes."""
        return {"Origin": ORIGIN, "X-CSRF-Token": self.call("GET", "/me").json["csrf_token"], **more}


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def hub(config: Config, house: House) -> Iterator[Nexus]:
    """A hub behind TLS, which Ann is invited to."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config.replace(public_url=ORIGIN), load_plugins=False, plugins=[house]) as opened:
        opened.users.invite("ann", "admin", provider="house")
        opened.users.invite("boss", "admin")
        yield opened


@pytest.fixture
def browser(hub: Nexus) -> Browser:
    return Browser(hub)


TASK = {"body": b'{"title": "x"}'}
JSON = {"Content-Type": "application/json"}


def test_there_and_back(browser, hub):
    """The way out names our callback by the configuration; the way back begins a session and leads where it should."""
    answer = browser.call("GET", "/auth/house/login", params={"next": "/docs?a=1"}, headers={"Host": "evil.example"})
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    back = browser.come_back(asked["state"][0])

    assert (302, [f"{ORIGIN}/api/v1/auth/house/callback"]) == (answer.status_code, asked["to"])
    assert (302, "/docs?a=1") == (back.status_code, back.headers["location"])
    me = browser.call("GET", "/me").json
    assert ("user", "ann", hub.users.find("ann").id) == (me["kind"], me["name"], me["id"])
    assert 200 == browser.call("GET", "/users").status_code


def test_the_cookies_can_be_read_by_nobody_else(browser):
    """Of this host alone, over TLS alone, out of reach for scripts and for requests of other sites."""
    out = browser.call("GET", "/auth/house/login")
    state = parse_qs(urlsplit(out.headers["location"]).query)["state"][0]
    back = browser.come_back(state)
    made = [out.cookies["__Host-nexus_login"], back.cookies["__Host-nexus_session"]]

    assert [600, 7 * 24 * 3600] == [cookie.max_age for cookie in made]
    for cookie in made:
        assert (True, True, "Lax", "/", None) == (
            cookie.secure, cookie.http_only, cookie.same_site, cookie.path, cookie.domain,
        )  # fmt: skip


def test_on_loopback_without_tls_the_names_are_plain(config, house):
    """A browser takes `__Host-` and Secure over TLS alone; elsewhere without TLS there is no login by browser."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, plugins=[house]) as nexus:
        nexus.users.invite("ann", provider="house")
        browser = Browser(nexus)
        browser.log_in()
    with Nexus.open(config.replace(public_url="http://hub.example"), load_plugins=False, plugins=[house]) as nexus:
        refused = Browser(nexus).call("GET", "/auth/house/login")

    assert ["nexus_login", "nexus_session"] == list(browser.cookies)
    assert (403, True) == (refused.status_code, "TLS" in refused.json["detail"])


@pytest.mark.parametrize("written", ["https://Hub.example:443", "https://hub.example/"])
def test_a_page_is_ours_however_the_address_is_written(config, house, written):
    """Browsers leave the usual port out, and write small letters."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config.replace(public_url=written), load_plugins=False, plugins=[house]) as nexus:
        nexus.users.invite("ann", provider="house")
        browser = Browser(nexus)
        browser.log_in()

        assert 201 == browser.call("POST", "/tasks", headers=browser.own(**JSON), **TASK).status_code


def test_a_victims_code_is_worth_nothing_in_another_browser(browser, hub):
    """No cookie, a foreign cookie, no state, a used state: 403 each, and nobody is logged in."""
    state = browser.begin()
    other = Browser(hub)
    found = [other.come_back(state)]
    other.begin()
    found += [other.come_back(state), other.come_back(""), browser.come_back(state), browser.come_back(state)]

    assert [403, 403, 403, 302, 403] == [answer.status_code for answer in found]
    assert [] == [name for name in other.cookies if "session" in name]


def test_several_logins_of_one_browser_do_not_disturb_each_other(browser):
    """Two tabs: each comes back."""
    first, second = browser.begin(), browser.begin()

    assert [302, 302] == [browser.come_back(state).status_code for state in (second, first)]


def test_a_session_id_is_new_at_each_login(browser):
    """And the one before is worth nothing, also when somebody else had planted it."""
    browser.log_in()
    planted = dict(browser.cookies)
    browser.log_in()
    after = dict(browser.cookies)
    browser.cookies = planted

    assert planted != after
    assert 401 == browser.call("GET", "/me").status_code


@pytest.mark.parametrize("wanted", ["//evil.example", "/\\evil.example", "https:", "/%2f/evil.example", "/%5cevil"])
def test_a_login_does_not_lead_to_another_site(browser, wanted):
    """However it is written."""
    back = browser.come_back(browser.begin(next=wanted))

    assert (302, "/") == (back.status_code, back.headers["location"])


def test_who_may_not_come_in_is_told_so(browser, hub):
    """403, and no row and no session; the same when the provider refuses."""
    stranger = browser.come_back(browser.begin(), code="mallory")
    refused = browser.come_back(browser.begin(), error="access_denied")

    assert [403, 403] == [stranger.status_code, refused.status_code]
    assert (["ann", "boss"], []) == (
        [user.username for user in hub.users.list()], [name for name in browser.cookies if "session" in name],
    )  # fmt: skip
    told = [len(hub.events.list(type=kind)) for kind in ("login.refused", "access.refused")]
    assert [1, 1] == told, "each refusal is on record once"


def test_a_provider_that_is_not_there_is_not_found(browser):
    """Nor is a callback from it."""
    assert [404, 404] == [browser.call("GET", f"/auth/none/{way}").status_code for way in ("login", "callback")]


def test_a_page_of_ours_changes_things(browser):
    """With where it is from, and what only it can know."""
    browser.log_in()
    made = [
        browser.call("POST", "/tasks", headers=browser.own(**JSON), **TASK),
        browser.call("POST", "/tasks", headers=browser.own(**JSON, **{"Sec-Fetch-Site": "same-origin"}), **TASK),
    ]

    assert [201, 201] == [answer.status_code for answer in made]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://hub.example.evil.example"}, 403),
        ({"Origin": "http://hub.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "0" * 64}, 403),
        ({"X-CSRF-Token": "é"}, 403),
        ({"Origin": None}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": None}, 415),
    ],
)  # fmt: skip
def test_no_other_site_changes_things(browser, hub, headers, status):
    """Whatever one of the conditions is missing: nothing is made, and it is put on record."""
    browser.log_in()
    sent = {**browser.own(**JSON), **headers}
    answer = browser.call(
        "POST", "/tasks", headers={name: value for name, value in sent.items() if value is not None}, **TASK
    )

    assert (status, 0) == (answer.status_code, len(hub.tasks.list().items))
    assert (status == 403) == bool(hub.events.list(type="access.refused"))


def test_every_unsafe_method_is_guarded(browser):
    """Of every route, whatever it takes; a cookie alone reads."""
    browser.log_in()
    paths = [
        ("PATCH", "/users/1"), ("DELETE", "/keys/1"), ("PUT", "/tasks/1/dependencies/2"), ("POST", "/auth/logout"),
        ("POST", "/tasks/import"),
    ]  # fmt: skip

    assert [403] * len(paths) == [browser.call(*one).status_code for one in paths]
    assert 200 == browser.call("GET", "/tasks").status_code


def test_a_key_makes_the_cookie_count_for_nothing(browser, hub):
    """Who sends a key is who the key says, also when it is worth nothing; no CSRF token is asked for."""
    browser.log_in()
    viewer = {"Authorization": f"Bearer {hub.keys.create('v', role='viewer').secret}"}
    admin = {"Authorization": f"Bearer {hub.keys.create('a', role='admin').secret}"}

    assert ("key", None) == tuple(browser.call("GET", "/me", headers=viewer).json[f] for f in ("kind", "csrf_token"))
    assert [403, 201] == [
        browser.call("POST", "/tasks", headers={**key, **JSON}, **TASK).status_code for key in (viewer, admin)
    ]
    assert 401 == browser.call("GET", "/me", headers={"Authorization": "Bearer nxs_key_none"}).status_code


def test_two_cookies_of_one_name_are_none(browser):
    """A neighbouring host slipped one in: which is which cannot be told."""
    browser.log_in()
    name, value = "__Host-nexus_session", browser.cookies["__Host-nexus_session"]
    browser.cookies = {}
    answers = [
        browser.call("GET", "/me", headers={"Cookie": f"{name}={value}; {name}={other}"}).status_code
        for other in (value, "nxs_ses_x")
    ]

    assert [401, 401] == answers


def test_logging_out_ends_the_session_for_every_holder(browser):
    """Not only in the browser that forgets its cookie."""
    browser.log_in()
    stolen = dict(browser.cookies)
    gone = browser.call("POST", "/auth/logout", headers=browser.own())
    after = dict(browser.cookies)
    browser.cookies = stolen

    assert (204, False) == (gone.status_code, "__Host-nexus_session" in after)
    assert "expires=Thu, 01 Jan 1970" in gone.headers["set-cookie"]
    assert 401 == browser.call("GET", "/me").status_code


def test_a_change_of_role_counts_from_the_next_request_on(browser, hub):
    """And a shut-out ends the session."""
    browser.log_in()
    ann = hub.users.find("ann")
    hub.users.set_role(ann.id, "viewer")
    refused = browser.call("POST", "/tasks", headers=browser.own(**JSON), **TASK)
    hub.users.set_disabled(ann.id, True)

    assert 403 == refused.status_code
    assert 401 == browser.call("GET", "/me").status_code


def test_the_device_asks_until_it_gets_its_key(hub, house, anonymous_of):
    """The refusals till then have the codes of RFC 8628, and say when to ask again."""
    api = anonymous_of(hub)
    begun = api.post("/auth/device", {}).json
    asked = {"device_code": begun["device_code"], "name": "laptop"}
    waits = [api.post("/auth/device/token", asked) for _ in range(2)]
    unknown = api.post("/auth/device/token", {"device_code": "other"})

    assert {"device_code", "user_code", "verification_uri", "expires_in", "interval"} == set(begun)
    assert [(400, "authorization_pending", 5), (400, "slow_down", 10), (404, "expired_token", None)] == [
        (answer.status_code, answer.json["code"], answer.json.get("interval")) for answer in (*waits, unknown)
    ]


def test_the_key_of_a_device_is_its_persons(hub, house, anonymous_of):
    """It acts as the person, and logging out ends it."""
    api = anonymous_of(hub)
    house.is_confirmed = True
    code = api.post("/auth/device", {"provider": "house"}).json["device_code"]
    made = api.post("/auth/device/token", {"device_code": code, "name": "laptop"}).json
    api.key = made["key"]
    me = api.get("/me").json
    gone = api.post("/auth/logout")

    assert ("user", "ann", "laptop", hub.users.find("ann").id) == (
        me["kind"], me["name"], made["name"], made["user_id"],
    )  # fmt: skip
    assert (204, 401) == (gone.status_code, api.get("/me").status_code)


def test_a_person_is_shut_out_by_patch(hub, anonymous_of):
    """One thing at a time, the last admin never."""
    api = anonymous_of(hub)
    api.key = hub.keys.create("a", role="admin").secret
    ann, boss = (hub.users.find(name).id for name in ("ann", "boss"))
    bodies = [{"disabled": True}, {}, {"disabled": True, "role": "viewer"}, {"disabled": None}]
    answers = [api.patch(f"/users/{ann}", body) for body in bodies]

    assert [200, 400, 400, 400] == [answer.status_code for answer in answers]
    assert answers[0].json["disabled_at"]
    assert 409 == api.patch(f"/users/{boss}", {"disabled": True}).status_code
    assert api.patch(f"/users/{ann}", {"disabled": False}).json["disabled_at"] is None


def test_a_login_is_on_record_with_the_address_behind_our_proxy(config, house):
    """Not with the proxy's own, from which everybody would seem to come."""
    config.data_dir.mkdir(parents=True)
    proxied = config.replace(public_url=ORIGIN, trusted_proxies=("127.0.0.1/32",))
    with Nexus.open(proxied, load_plugins=False, plugins=[house]) as hub:
        hub.users.invite("ann", "admin", provider="house")
        browser = Browser(hub)
        state = browser.begin()
        browser.call(
            "GET", "/auth/house/callback", params={"state": state, "code": "ann"},
            headers={"X-Forwarded-For": "203.0.113.9"},
        )  # fmt: skip
        [event] = hub.events.list(type="user.logged_in")

    assert ("203.0.113.9", "203.0.113.9") == (event.address, event.payload["address"])
