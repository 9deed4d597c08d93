"""`nexus login` and `logout` against a real HTTP server: where the key is kept, and to whom it goes."""

from __future__ import annotations

import json
import os
import stat

import pytest

from nexus_cli import credentials

BEGUN = {
    "device_code": "dc", "user_code": "AB-CD", "verification_uri": "https://github.com/login/device",
    "expires_in": 900, "interval": 0,
}  # fmt: skip
MADE = {"id": 3, "name": "laptop", "key": "nxs_usr_one", "expires_at": "2027-01-31T12:00:00.000000Z"}
ME = {"kind": "user", "name": "ann", "id": 1, "scopes": [], "repositories": None, "agent": None}


@pytest.fixture
def ready(server):
    """A server at which the login is confirmed already."""
    server.answer("POST", "/auth/device", BEGUN)
    server.answer("POST", "/auth/device/token", MADE)
    server.answer("GET", "/me", ME)
    server.answer("POST", "/auth/logout", b"", 204)
    return server


@pytest.fixture
def kept(tmp_path):
    """The file of the keys."""
    return tmp_path / "config" / "nexus" / "credentials.json"


def keys(server, path):
    """The keys that calls of a path came with."""
    return [headers.get("Authorization") for _, asked, headers, _ in server.asked if asked.endswith(path)]


def test_the_key_is_kept_for_its_owner_and_shown_to_nobody(nexus, ready, kept):
    """Also over a file that everybody could read; address and code go to standard error."""
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    kept.chmod(0o644)
    ran = nexus("login", "--server", ready.url, "--json")

    assert {"server": ready.url, "username": "ann", "key_id": 3, "expires_at": MADE["expires_at"]} == ran.document
    assert "Open https://github.com/login/device and enter the code AB-CD" in ran.err
    assert (0o600, "nxs_usr_one") == (
        stat.S_IMODE(kept.stat().st_mode), json.loads(kept.read_text())[ready.url]["key"],
    )  # fmt: skip
    assert "nxs_usr_one" not in ran.out + ran.err
    assert [kept] == list(kept.parent.iterdir())


def test_the_key_goes_to_its_server_alone(nexus, ready, monkeypatch):
    """Not to another, not without a server, and NEXUS_TOKEN goes before it."""
    nexus("login", "--server", ready.url)
    nexus("whoami", "--server", ready.url)
    nexus("whoami", "--server", ready.url.replace("127.0.0.1", "localhost"))
    monkeypatch.setenv("NEXUS_TOKEN", "nxs_key_mine")
    nexus("whoami", "--server", ready.url)

    assert ["Bearer nxs_usr_one", "Bearer nxs_usr_one", None, "Bearer nxs_key_mine"] == keys(ready, "/me")


def test_logging_in_again_revokes_the_key_before(nexus, ready):
    """With that key itself."""
    nexus("login", "--server", ready.url)
    ready.answer("POST", "/auth/device/token", {**MADE, "key": "nxs_usr_two"})
    nexus("login", "--server", ready.url)

    assert ["Bearer nxs_usr_one"] == keys(ready, "/auth/logout")
    assert "nxs_usr_two" == credentials.find(os.environ, ready.url)


def test_logging_out_revokes_and_forgets(nexus, ready, kept):
    """Also a key that ended already; a second time there is nothing to do."""
    nexus("login", "--server", ready.url)
    ready.answer("POST", "/auth/logout", {"code": "unauthenticated", "detail": "no"}, 401)
    first, second = (nexus("logout", "--server", ready.url, "--json") for _ in range(2))

    assert [(0, True), (0, False)] == [(ran.code, ran.document["logged_out"]) for ran in (first, second)]
    assert (["Bearer nxs_usr_one"], {}) == (keys(ready, "/auth/logout"), json.loads(kept.read_text()))


def test_a_key_that_could_not_be_revoked_is_not_forgotten(nexus, ready, kept):
    """It still opens the door there."""
    nexus("login", "--server", ready.url)
    ready.answer("POST", "/auth/logout", {"code": "unavailable", "detail": "no"}, 503)

    assert 75 == nexus("logout", "--server", ready.url).code
    assert "nxs_usr_one" in kept.read_text()


@pytest.mark.parametrize(
    ("code", "exit_code"), [("access_denied", 5), ("expired_token", 5), ("forbidden", 5), ("invalid", 2)]
)
def test_a_login_that_comes_to_nothing(nexus, ready, kept, code, exit_code):
    """Says so, with its exit code, and keeps nothing."""
    ready.answer("POST", "/auth/device/token", {"code": code, "detail": "no"}, 400)

    assert exit_code == nexus("login", "--server", ready.url).code
    assert not kept.exists()


@pytest.mark.parametrize("code", ["authorization_pending", "slow_down", "unavailable"])
def test_what_passes_is_waited_for_until_the_time_is_over(nexus, ready, code):
    """And no longer."""
    ready.answer("POST", "/auth/device", {**BEGUN, "expires_in": 0.2, "interval": 0.05})
    ready.answer("POST", "/auth/device/token", {"code": code, "detail": "wait"}, 400)
    ran = nexus("login", "--server", ready.url)

    assert 75 == ran.code
    assert 2 <= len(keys(ready, "/auth/device/token")) <= 6


def test_without_a_server_there_is_nowhere_to_log_in(nexus):
    """Embedded, the owner of the data folder is who acts."""
    ran = nexus("login")

    assert (2, True) == (ran.code, "--server" in ran.err)


def test_a_key_that_cannot_be_kept_is_revoked(nexus, ready, tmp_path):
    """Rather than left behind where nobody finds it."""
    (tmp_path / "config").write_text("a file, not a folder")

    assert 2 == nexus("login", "--server", ready.url).code
    assert ["Bearer nxs_usr_one"] == keys(ready, "/auth/logout")


def test_a_spoilt_file_is_as_good_as_none(nexus, ready, kept):
    """It is written anew."""
    kept.parent.mkdir(parents=True)
    for text in ("[]", "{", '{"x": []}'):
        kept.write_text(text)

        assert 0 == nexus("login", "--server", ready.url).code


def test_people_are_shut_out_and_let_in(nexus):
    """Embedded, over the real API."""
    nexus("user", "invite", "ann", "--role", "admin")
    nexus("user", "invite", "bob")
    out, back = nexus("user", "disable", "bob", "--json"), nexus("user", "enable", "bob", "--json")
    last = nexus("user", "disable", "ann")

    assert (True, None, 4) == (bool(out.document["disabled_at"]), back.document["disabled_at"], last.code)
    assert "shut out" in nexus("user", "disable", "bob").out
