"""Every call that Nexus makes to GitHub is one that GitHub's own description accepts.

`conftest.py` holds the calls of all other tests to it as well. Here everything that Nexus does is done once, so that no
call is left out; and where Prism is at hand, it serves the description and judges the same calls.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

import github_described as described
from github_actions import ACTIONS, MARK, NAME, World
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn, Recorded
from nexus_demo.standins.github_checks import finish_check, review
from nexus_plugin_github import reviews
from nexus_plugin_github.client import GitHubClient
from nexus_plugin_github.settings import Settings


@pytest.fixture
def everything(github: GitHubStandIn, bare: BareRepository, app_settings: dict[str, Any]) -> list[Recorded]:
    """The requests of everything that Nexus does, as an App."""
    settings = Settings(api_url=github.url, write_pause=0, **app_settings)
    with GitHubClient.open(settings) as client:
        client.check()
    with GitHubClient.open(Settings(api_url=github.url, token=github.token)) as client:
        client.check()
    with GitHubClient.open(settings, NAME) as client:
        world = World(client=client, github=github, bare=bare)
        for action in sorted(ACTIONS, key=lambda one: one.name != "unlabel"):
            if action.name not in ("close", "label", "comment"):  # number 1, to which they come, is there already
                action.prepare(world)
            action.do(world)
        _read(world)
    return described.ours(github.requests)


def _read(world: World) -> None:
    pull = next(pull for pull in world.github.world.pulls if MARK in pull.body)
    review(world.github.world, NAME, pull.number, body="No", remarks=(("a.py", 1, "no"),))
    finish_check(world.github.world, NAME, pull.head_sha, conclusion="failure", annotations=(("a.py", 1, "no"),))
    world.client.pull(NAME, pull.number)
    reviews.findings(world.client, NAME, pull.number, pull.head_sha, "7")
    big = world.bare.write_blob(b"x" * 1_100_000)
    commit = world.bare.write_commit(world.bare.write_tree(None, [("100644", "big", big)]), [], "Big")
    world.client.file(NAME, "big", commit)


def test_every_call_is_described(everything: list[Recorded]) -> None:
    """Method, path, parameters and body; and what was answered is an answer that GitHub gives."""
    faults = [fault for request in everything for fault in described.faults(request)]
    refused = [f"{one.method} {one.path}: {one.status}" for one in everything if one.status not in (200, 201, 204, 304)]

    assert ([], {"404"}) == (faults, {line.rpartition(" ")[2] for line in refused}), refused


def test_no_call_is_left_out(everything: list[Recorded]) -> None:
    """All that the description was cut down to was called, but for what catches up with missed webhooks."""
    known = {
        f"{method.upper()} {path}" for path, methods in described.PATHS.items() for method in methods
        if "/hook" not in path and path != "/user"
    }  # fmt: skip

    assert known == described.operations(everything) - {"GET /user"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"path": "/repos/acme/api/pull"}, "no such call"),
        ({"method": "PUT"}, "no such call"),
        ({"path": "/repos/acme/api/pulls?states=open"}, "no parameter states"),
        ({"body": b'{"title": "T", "head": "h"}'}, "'base' is a required property"),
        ({"body": b'{"title": 5, "head": "h", "base": "b"}'}, "5 is not of type 'string'"),
        ({"body": b'{"title": "T", "head": "h", "base": "b", "labels": []}'}, "no field labels"),
        ({"body": b""}, "the body is missing"),
    ],
)
def test_what_is_not_described_is_found(change: dict[str, Any], fault: str) -> None:
    """The judge can say no."""
    good = Recorded(
        method="POST", path="/repos/acme/api/pulls", body=b'{"title": "T", "head": "h", "base": "b"}', headers={}
    )

    assert [] == described.faults(good)
    assert any(fault in said for said in described.faults(attrs.evolve(good, **change)))


@pytest.fixture
def prism(tmp_path: Path) -> Iterator[str]:
    """Prism, serving the description: `NEXUS_TEST_GITHUB_REST` names GitHub's whole one, else it is what we keep."""
    command = os.environ.get("NEXUS_TEST_PRISM") or shutil.which("prism")
    if not command:
        pytest.skip("no Prism: `npm install -g @stoplight/prism-cli`, or NEXUS_TEST_PRISM names its command; "
                    "the calls are held to the same description by jsonschema")  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    document = os.environ.get("NEXUS_TEST_GITHUB_REST") or str(described.FILE)
    with (tmp_path / "prism.log").open("w") as log:
        process = subprocess.Popen([command, "mock", "--port", str(port), document], stdout=log, stderr=log)
    try:
        _wait(process, port, tmp_path / "prism.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_prism_accepts_every_call(everything: list[Recorded], prism: str) -> None:
    """The very requests, sent again to a server made of GitHub's description: it has nothing against any."""
    refused = []
    with httpx.Client(base_url=prism, timeout=30, trust_env=False) as http:
        for one in everything:
            if not one.path.startswith("/repositories/"):
                headers = {key: value for key, value in one.headers.items() if key not in ("host", "if-none-match")}
                answer = http.request(one.method, one.path, content=one.body, headers=headers)
                if answer.status_code >= 400:
                    refused.append((one.method, one.path, answer.status_code, answer.text))
        broken = http.post(
            "/repos/acme/api/pulls", json={"title": "no branches"}, headers={"Authorization": "Bearer x"}
        )

    assert ([], 422) == (refused, broken.status_code)
    print(json.dumps({"prism": len(everything)}))
