"""Several files in one commit, checked in the real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nexus_core.errors import NotFound, Unavailable
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github.client import GitHubClient
from nexus_plugin_github.commits import Committed, blob_id, commit_files

FILES = {"docs/tasks.md": "# Tasks\n", ".taskmaster/tasks/tasks.json": '{"é": 1}\n'}


def _publish(client: GitHubClient, **files: str) -> Committed:
    return commit_files(client, "acme/api", branch="nexus/docs", files=FILES | files, message="Update documents")


def test_the_files_are_committed_to_a_new_branch(bare: BareRepository, client: GitHubClient) -> None:
    """One commit on top of the default branch, with all files and what was there before."""
    done = _publish(client)
    (commit,) = bare.between("refs/heads/main", "refs/heads/nexus/docs")

    assert (True, done.commit, "Update documents") == (done.changed, commit.sha, commit.message)
    assert {"added": sorted(FILES), "removed": [], "modified": []} == bare.changes(commit.sha)


def test_the_default_branch_is_left_alone(bare: BareRepository, client: GitHubClient) -> None:
    """Documents go to their own branch."""
    before = bare.branch("main")
    _publish(client)

    assert before == bare.branch("main")


def test_unchanged_files_make_no_commit(github: GitHubStandIn, client: GitHubClient) -> None:
    """The same documents again write nothing at all."""
    first = _publish(client)
    github.requests.clear()
    second = _publish(client)

    assert (False, first.commit) == (second.changed, second.commit)
    assert {"GET"} == {seen.method for seen in github.requests}


def test_only_what_changed_is_in_the_next_commit(bare: BareRepository, client: GitHubClient) -> None:
    """A later commit stands on the earlier one."""
    _publish(client)
    done = commit_files(
        client, "acme/api", branch="nexus/docs", files={**FILES, "docs/tasks.md": "new\n"}, message="Again"
    )

    assert bare.changes(done.commit)["modified"] == ["docs/tasks.md"]
    assert len(bare.between("refs/heads/main", "refs/heads/nexus/docs")) == 2


def test_documents_that_the_default_branch_holds_need_no_branch(bare: BareRepository, client: GitHubClient) -> None:
    """After a merge and a deleted branch there is nothing to do."""
    done = commit_files(client, "acme/api", branch="nexus/docs", files={"README.md": "# API\n"}, message="None")

    assert (done.changed, done.branch, bare.branch("nexus/docs")) == (False, "main", None)


def test_somebody_elses_commit_is_not_overwritten(
    bare: BareRepository, github: GitHubStandIn, client: GitHubClient
) -> None:
    """When the branch moves between reading and writing, the attempt fails and the next one builds on it."""
    first = _publish(client)
    tree = bare.write_tree(first.commit, [("100644", "note.md", bare.write_blob(b"mine"))])
    other = bare.write_commit(tree, [first.commit], "By a person")
    real_head = client.head_of("acme/api", "nexus/docs")
    bare.update_ref("refs/heads/nexus/docs", other, first.commit)
    stale = _StaleHead(client, real_head)

    with pytest.raises(Unavailable, match="moved meanwhile"):
        _publish(stale, extra="x")

    _publish(client, extra="x")
    assert bare.entry("refs/heads/nexus/docs", "note.md") is not None


class _StaleHead(GitHubClient):
    """A client that read the branch before somebody else moved it."""

    def __init__(self, client: GitHubClient, head: str | None) -> None:
        super().__init__(client._transport)
        self._head = head

    def head_of(self, name: str, branch: str) -> str | None:
        """The head as it was."""
        return self._head


def test_an_empty_repository_is_named(tmp_path: Path) -> None:
    """There is nothing to begin with; the message says what to do."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "empty.git")], check=True)
    with GitHubStandIn({"acme/empty": tmp_path / "empty.git"}, token="t") as github:
        from nexus_plugin_github.transport import Transport

        with (
            GitHubClient(Transport(github.url, "t")) as client,
            pytest.raises(NotFound, match="no branch main"),
        ):
            commit_files(client, "acme/empty", branch="nexus/docs", files=FILES, message="x")


@pytest.mark.parametrize("content", [b"", b"a\n", "é".encode(), b"\x00" * 1000])
def test_our_blob_id_is_gits(bare: BareRepository, content: bytes) -> None:
    """The id that we compute to spare a commit is the one that Git gives."""
    assert bare.write_blob(content) == blob_id(content)
