"""Where a request comes from, and what the audit says of it."""

from __future__ import annotations

import pytest
from falcon import testing

from nexus_core import Nexus
from nexus_core.config import load_config
from nexus_core.domain.access import Role
from nexus_core.errors import ConfigurationError
from nexus_http.app import create_app
from nexus_http.client_address import ClientAddress


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.8,10.0.0.7", "10.0.0.8"),
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, <script>, 10.0.0.7", "10.0.0.7"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("2001:db8:1::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", ",".join(["10.0.0.2"] * 5000), "10.0.0.2"),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_what_our_proxies_say_is_believed(peer, forwarded, address):
    """From the right, up to the first that is none of ours: what stands further left may be invented."""
    assert address == ClientAddress(["10.0.0.0/8", "2001:db8:1::/48"]).behind(peer, forwarded)


@pytest.fixture
def proxied(tmp_path):
    """The application behind a proxy, with an admin's key."""
    environ = {"NEXUS_DATA_DIR": str(tmp_path), "NEXUS_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}
    with Nexus.open(load_config(environ=environ), load_plugins=False) as nexus:
        key = nexus.keys.create("lead", role=Role.ADMIN)
        yield nexus, testing.TestClient(create_app(nexus)), key


def test_an_event_says_by_which_key_and_from_where(proxied):
    """What a call changed names its key, its address and its id."""
    nexus, client, key = proxied
    headers = {
        "Authorization": f"Bearer {key.secret}", "X-Forwarded-For": "203.0.113.9", "X-Request-Id": "r-1",
        "Content-Type": "application/json",
    }  # fmt: skip
    client.simulate_post("/api/v1/tasks", headers=headers, body='{"title": "x"}')
    shown = client.simulate_get("/api/v1/events?type=task.created", headers=headers).json["items"][0]
    [event] = nexus.events.list(type="task.created")

    assert (key.key.id, "203.0.113.9", "r-1") == (event.key_id, event.address, event.request_id)
    assert (key.key.id, "203.0.113.9", "r-1") == (shown["actor"]["key_id"], shown["address"], shown["request_id"])


def test_the_key_of_an_agent_is_named(proxied):
    """Its actor is the agent; which of its keys it used stands beside."""
    nexus, client, _ = proxied
    nexus.tasks.create("x")
    key = nexus.keys.create("claude", scopes=["assignments:claim"], agent="claude")
    headers = {"Authorization": f"Bearer {key.secret}", "Content-Type": "application/json"}
    client.simulate_post("/api/v1/tasks/claim", headers=headers, body="{}")
    [event] = nexus.events.list(type="assignment.created")

    assert ("agent", "claude", key.key.id, "127.0.0.1") == (
        event.actor_kind, event.actor_name, event.key_id, event.address
    )  # fmt: skip


def test_without_trusted_proxies_nobody_is_believed(tmp_path):
    """The header is anybody's to send."""
    with Nexus.open(load_config(environ={"NEXUS_DATA_DIR": str(tmp_path)}), load_plugins=False) as nexus:
        client = testing.TestClient(create_app(nexus))
        client.simulate_get("/api/v1/tasks", headers={"X-Forwarded-For": "203.0.113.9"})
        [event] = nexus.events.list(type="access.refused")

    assert ("127.0.0.1", "127.0.0.1") == (event.address, event.payload["address"])


def test_a_network_that_is_none_is_said_at_the_start(tmp_path):
    """With the setting and what is expected."""
    with pytest.raises(ConfigurationError, match="NEXUS_TRUSTED_PROXIES: expected addresses or networks"):
        load_config(environ={"NEXUS_DATA_DIR": str(tmp_path), "NEXUS_TRUSTED_PROXIES": "proxy.local"})
