"""People log in for real: a hub with two processes, a stand-in for GitHub that checks what it is sent, the CLI."""

from __future__ import annotations

import http.client
import json
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hubs import ADMIN_KEY, environment, nexus, running_hub

from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.github_login import Account

ANN = Account(id=41, login="ann")
SECRET = "the-secret-of-the-oauth-app"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """A hub, its GitHub, and a browser that keeps cookies."""

    def __init__(self, folder: Path, github: GitHubStandIn, port: int) -> None:
        self.folder = folder
        self.github = github
        self.url = f"http://127.0.0.1:{port}"
        github.desk.client_id, github.desk.client_secret, github.desk.interval = "Iv1.nexus", SECRET, 1
        github.desk.callback = f"{self.url}/api/v1/auth/github/callback"
        self.environ = environment(
            folder, NEXUS_BIND=f"127.0.0.1:{port}", NEXUS_GITHUB_OAUTH_URL=github.url,
            NEXUS_GITHUB_API_URL=github.url, NEXUS_GITHUB_CLIENT_ID="Iv1.nexus", NEXUS_GITHUB_CLIENT_SECRET=SECRET,
            NEXUS_GITHUB_ORGANISATIONS="acme", NEXUS_URL="", XDG_CONFIG_HOME=str(folder / "config"),
        )  # fmt: skip
        self.cookies: dict[str, str] = {}

    def call(self, method: str, address: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        """One request of the browser, which follows nothing by itself."""
        parts = urlsplit(address if "://" in address else f"{self.url}/api/v1{address}")
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies and parts.port == urlsplit(self.url).port:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/json"
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def log_in(self) -> http.client.HTTPResponse:
        """Over to GitHub, and back with what it says; the last answer."""
        out = self.call("GET", "/auth/github/login?next=/docs")
        there = self.call("GET", out.headers["Location"])
        return self.call("GET", there.headers["Location"])

    def admin(self, *arguments: str) -> Any:
        """A command of the admin, with the key of the set-up."""
        ran = nexus({**self.environ, "NEXUS_URL": self.url, "NEXUS_TOKEN": ADMIN_KEY}, *arguments, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def person(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of a person at that server, with no key but that of their login."""
        environ = {name: value for name, value in self.environ.items() if name != "NEXUS_BOOTSTRAP_ADMIN_KEY"}
        return nexus(environ, *arguments, "--server", self.url)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with GitHubStandIn({}, token="unused") as github:
        house = House(tmp_path, github, _free_port())
        # The first admin comes from the command line, before anything runs.
        invited = nexus(house.environ, "user", "invite", "ann", "--role", "admin", "--json")
        assert invited.returncode == 0, invited.stderr
        with running_hub(house.environ, tmp_path):
            yield house


def document(answer: http.client.HTTPResponse) -> Any:
    return json.loads(answer.read() or b"null")


def test_the_first_admin_logs_in_and_lets_others_in(house: House) -> None:
    """Invited on the command line, known by the id from then on; GitHub's token is not kept anywhere."""
    house.github.desk.present = ANN
    back = house.log_in()
    me = document(house.call("GET", "/me"))
    own = {"Origin": house.url, "X_CSRF_Token": me["csrf_token"]}
    made = house.call("POST", "/users", {"username": "bob"}, **own)

    assert (302, "/docs", "user", "ann", 201) == (
        back.status, back.headers["Location"], me["kind"], me["name"], made.status,
    )  # fmt: skip
    assert ("41", "admin") == tuple(house.admin("user", "list")["items"][0][f] for f in ("github_id", "role"))
    assert b"gho_" not in b"".join(path.read_bytes() for path in (house.folder / "data").rglob("*") if path.is_file())
    asked = parse_qs(urlsplit(house.github.requests[0].path).query)
    assert (["S256"], ["read:org"]) == (asked["code_challenge_method"], asked["scope"])


def test_nobody_else_gets_in(house: House) -> None:
    """A stranger, the login of an admin in other hands, one who said no, a secret that is wrong: and no row."""
    desk = house.github.desk
    desk.present = ANN
    assert 302 == house.log_in().status
    found = []
    for present in (Account(id=66, login="mallory"), Account(id=67, login="ann"), None):
        desk.present, house.cookies = present, {}
        found.append(house.log_in())
    desk.present, desk.client_secret = ANN, "another"
    found.append(house.log_in())

    assert [403, 403, 403, 503] == [answer.status for answer in found]
    assert ["ann"] == [user["username"] for user in house.admin("user", "list")["items"]]
    assert not [name for name, value in house.cookies.items() if "session" in name and value]


def test_members_of_a_listed_organisation_come_in_as_viewers(house: House) -> None:
    """Uninvited, and with the least that there is."""
    house.github.desk.present = Account(id=50, login="carl", organisations=("else", "ACME"))
    back = house.log_in()
    me = document(house.call("GET", "/me"))

    assert (302, "carl", False) == (back.status, me["name"], "tasks:write" in me["scopes"])


def test_a_code_of_github_works_once_and_in_its_browser_alone(house: House) -> None:
    """The victim's way back in another browser is refused before GitHub hears of it."""
    house.github.desk.present = ANN
    out = house.call("GET", "/auth/github/login")
    there = house.call("GET", out.headers["Location"])
    mine, house.cookies = house.cookies, {}
    stolen = house.call("GET", there.headers["Location"])
    exchanged = [request for request in house.github.requests if request.method == "POST"]
    house.cookies = mine

    assert (403, []) == (stolen.status, exchanged)
    assert [302, 403] == [house.call("GET", there.headers["Location"]).status for _ in range(2)]


def _confirm(house: House, process: subprocess.Popen[str]) -> tuple[str, str]:
    """Read what the command says on standard error, do it, and wait; what else it said."""
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"code (\S+)", line)
    assert found, line
    house.github.desk.approve(found[1], ANN)
    return process.communicate(timeout=60)


def _device(house: House) -> subprocess.Popen[str]:
    environ = {name: value for name, value in house.environ.items() if name != "NEXUS_BOOTSTRAP_ADMIN_KEY"}
    return subprocess.Popen(
        [sys.executable, "-m", "nexus_cli", "login", "--server", house.url, "--json"], env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_command_line_logs_in_works_and_logs_out(house: House) -> None:
    """The key is in the user's folder, for its owner alone; it follows its person's role, and ends with the logout."""
    process = _device(house)
    out, err = _confirm(house, process)
    kept = house.folder / "config" / "nexus" / "credentials.json"
    [login] = json.loads(kept.read_text()).values()
    who = json.loads(house.person("whoami", "--json").stdout)
    house.admin("user", "invite", "boss", "--role", "admin")
    written = house.person("task", "add", "One", "--json")
    house.admin("user", "role", "ann", "viewer")
    refused = house.person("task", "add", "Two", "--json")

    assert (0, "ann") == (process.returncode, json.loads(out)["username"]), err
    assert (0o600, "user", "ann") == (stat.S_IMODE(kept.stat().st_mode), who["kind"], who["name"])
    assert (0, 5) == (written.returncode, refused.returncode)
    assert login["key"] not in out + err
    gone = house.person("logout", "--json")
    assert ({"server": house.url, "logged_out": True}, {}) == (json.loads(gone.stdout), json.loads(kept.read_text()))
    assert 401 == house.call("GET", "/me", Authorization=f"Bearer {login['key']}").status
    assert 5 == house.person("whoami").returncode


def test_logging_in_again_ends_the_key_before(house: House) -> None:
    """One login for each server and machine."""
    keys = []
    for _ in range(2):
        _confirm(house, _device(house))
        keys.append(
            next(iter(json.loads((house.folder / "config/nexus/credentials.json").read_text()).values()))["key"]
        )

    assert [401, 200] == [house.call("GET", "/me", Authorization=f"Bearer {key}").status for key in keys]


def test_a_refused_device_ends_the_command(house: House) -> None:
    """With the exit code for what is not allowed, and nothing kept."""
    process = _device(house)
    assert process.stderr is not None
    found = re.search(r"code (\S+)", process.stderr.readline())
    assert found
    house.github.desk.refuse(found[1])
    out, _ = process.communicate(timeout=60)

    assert (5, "access_denied") == (process.returncode, json.loads(out)["code"])
    assert not (house.folder / "config" / "nexus" / "credentials.json").exists()


def test_many_logins_at_once_make_one_person(house: House) -> None:
    """The first login of one person in several browsers at the same time."""
    house.github.desk.present = Account(id=50, login="carl", organisations=("acme",))
    browsers = [House(house.folder, house.github, int(urlsplit(house.url).port or 0)) for _ in range(6)]
    threads = [threading.Thread(target=browser.log_in) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert ["carl"] * 6 == [document(browser.call("GET", "/me"))["name"] for browser in browsers]
    assert ["ann", "carl"] == [user["username"] for user in house.admin("user", "list")["items"]]
