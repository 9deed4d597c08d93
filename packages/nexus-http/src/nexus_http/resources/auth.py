"""Logging in and out: by browser at an identity provider, or by a code for another device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import falcon

from nexus_core.wire import new_key_to_wire
from nexus_http.browser import Browsers, bearer_of
from nexus_http.client_address import address_of
from nexus_http.fields import Field
from nexus_http.operations import ANYBODY, PUBLIC, Resource, actor_of, operation, send

if TYPE_CHECKING:
    from nexus_core.nexus import Nexus
    from nexus_http.counters import RequestCounters

_LONGEST = 1000
CALLBACK = (
    Field("state", doc="What the login was begun with."),
    Field("code", doc="What the provider vouches with."),
    Field("error", doc="Why it does not."),
)
WAITS = ("authorization_pending", "slow_down", "expired_token", "access_denied", "forbidden", "unavailable")


class _Auth(Resource):
    """What the resources share."""

    def __init__(self, nexus: Nexus, counters: RequestCounters) -> None:
        super().__init__(nexus, counters)
        self.browsers = Browsers(nexus)

    def callback(self, provider: str) -> str:
        """Where a provider sends browsers back: by the configuration, whatever a request says."""
        return f"{self.nexus.config.public_url}/api/v1/auth/{provider}/callback"


class Login(_Auth):
    """The way out, to a provider."""

    @operation(
        PUBLIC, "Log in by browser", status=302, answers=(), errors=("not_found", "forbidden"),
        query=(Field("next", doc="Where to go then: a path of this server.", max_length=2000),),
    )  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response, provider: str) -> None:
        """Send the browser to the provider, such as `github`; it comes back to the callback within ten minutes."""
        self.browsers.check_safe()
        begun = self.nexus.logins.begin(
            provider, callback=self.callback(provider), next=self.query(req).get("next"),
            browser=self.browsers.login_of(req),
        )  # fmt: skip
        self.browsers.begin_login(resp, begun.browser)
        resp.status = 302
        resp.location = begun.url


class Callback(_Auth):
    """The way back."""

    @operation(PUBLIC, "Come back from a login", status=302, answers=(), query=CALLBACK,
               errors=("not_found", "forbidden", "unavailable"))  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response, provider: str) -> None:
        """Begin a session, when this browser began the login and the person may come in; each login works once."""
        entered = self.nexus.logins.finish(
            provider, state=_given(req, "state") or "", code=_given(req, "code"), error=_given(req, "error"),
            browser=self.browsers.login_of(req), former=self.browsers.session_of(req),
            callback=self.callback(provider), address=address_of(req),
        )  # fmt: skip
        self.browsers.begin_session(resp, entered.secret)
        resp.status = 302
        resp.location = entered.next


class Device(_Auth):
    """A login on another device."""

    @operation(PUBLIC, "Begin a login on another device", returns="DeviceLogin", errors=("not_found", "unavailable"),
               body=(Field("provider", doc="By whom, when there are several.", max_length=40),))  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A code that the person types at the provider's address, and one to ask for the key with."""
        begun = self.nexus.logins.begin_device(self.body(req).get("provider"))
        send(resp, {
            "device_code": begun.device_code, "user_code": begun.user_code, "expires_in": begun.expires_in,
            "verification_uri": begun.verification_uri, "interval": begun.interval,
        })  # fmt: skip


class DeviceToken(_Auth):
    """The key that a login on another device leads to."""

    @operation(
        PUBLIC, "Ask for the key of a login on another device", returns="NewKey", errors=WAITS,
        body=(
            Field("device_code", required=True, max_length=_LONGEST),
            Field("name", doc="What the key is to be called.", max_length=100),
        ),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A key with the person's rights, once they confirmed; until then a problem that says when to ask again."""
        asked = self.body(req)
        made = self.nexus.logins.finish_device(
            asked["device_code"], name=asked.get("name"), address=address_of(req)
        )  # fmt: skip
        send(resp, new_key_to_wire(made))


class Logout(_Auth):
    """The way out for good."""

    @operation(ANYBODY, "Log out", status=204, body=(), errors=("not_found",), repeatable=False)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """End the session, or revoke the key of the login, that this request came with."""
        self.body(req)
        secret = getattr(req.context, "session", None)
        if secret is not None:
            self.nexus.sessions.end(secret, actor=actor_of(req))
            self.browsers.end_session(resp)
        else:
            self.nexus.sessions.end_key(bearer_of(req), actor=actor_of(req))
        resp.status = 204


def _given(req: falcon.Request, name: str) -> str | None:
    """A parameter that is given once; providers may add others of their own."""
    value = req.params.get(name)
    return value[:_LONGEST] if isinstance(value, str) and value else None
