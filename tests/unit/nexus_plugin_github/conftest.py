"""A real Git repository behind a stand-in for GitHub, over real HTTP on this machine."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import github_described as described
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github.client import GitHubClient
from nexus_plugin_github.transport import Transport

TOKEN = "ghs_for_tests"


@functools.cache
def _private_key() -> str:
    return subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def bare(tmp_path: Path) -> BareRepository:
    """A repository with one commit on `main`, and one more on `nexus/nx-1-work`."""
    path = tmp_path / "api.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    git = BareRepository(path)
    first = _commit(git, None, {"README.md": b"# API\n", "src/a.py": b"a = 1\n"}, "First")
    git.update_ref("refs/heads/main", first, None)
    git.update_ref("refs/heads/nexus/nx-1-work", _commit(git, first, {"src/b.py": b"b = 2\n"}, "Work"), None)
    return git


def _commit(git: BareRepository, parent: str | None, files: dict[str, bytes], message: str) -> str:
    entries = [("100644", path, git.write_blob(content)) for path, content in files.items()]
    tree = git.write_tree(parent, entries)
    return git.write_commit(tree, [parent] if parent else [], message)


@pytest.fixture
def github(bare: BareRepository) -> Iterator[GitHubStandIn]:
    """GitHub, with `acme/api` on it. Whatever a test does: GitHub's own description has nothing against our calls."""
    with GitHubStandIn({"acme/api": bare.path}, token=TOKEN) as standin:
        yield standin
    assert [] == [fault for request in described.ours(standin.requests) for fault in described.faults(request)]
    assert [] == standin.limits.violations


@pytest.fixture
def client(github: GitHubStandIn) -> Iterator[GitHubClient]:
    """Our client, with a token that the stand-in takes."""
    with GitHubClient(Transport(github.url, TOKEN)) as opened:
        yield opened


@pytest.fixture
def app_settings(github: GitHubStandIn) -> dict[str, Any]:
    """The settings of an App that is installed on `acme`. (That its signature is right, test_github_app.py holds.)"""
    github.apps.register(7, lambda signed, signature: True, "acme")
    return {"app_id": "7", "app_private_key": _private_key()}
