"""The calls to GitHub, over real HTTP to a stand-in over real Git."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github.client import GitHubClient, PullText, marker
from nexus_plugin_github.settings import Settings
from nexus_plugin_github.transport import Transport

MARK = marker("assignment-1")
PULL = PullText(title="Work (NX-1)", body=f"Text {MARK}", head="nexus/nx-1-work", base="main", marker=MARK)


def _writes(github: GitHubStandIn) -> list[tuple[str, str]]:
    return [(seen.method, seen.path) for seen in github.requests if seen.method != "GET"]


def test_a_repository_is_read(client: GitHubClient) -> None:
    """The id and the default branch are what the rest needs."""
    found = client.repository("acme/api")

    assert (found.name, found.external_id, found.default_branch) == ("acme/api", "700000001", "main")


def test_a_renamed_repository_is_followed(github: GitHubStandIn, client: GitHubClient) -> None:
    """GitHub redirects from a former name, also when something is created there."""
    github.world.rename("acme/api", "acme/core")

    assert client.repository("acme/api").name == "acme/core"
    assert client.ensure_pull("acme/api", PULL)["number"] == 1


def test_a_redirect_to_another_host_is_refused(github: GitHubStandIn, client: GitHubClient) -> None:
    """The token goes to the configured host and nowhere else."""
    github.trouble("GET", "repos", 302, headers={"Location": "http://localhost:1/repos/acme/api"})

    with pytest.raises(Unavailable, match="another host"):
        client.repository("acme/api")


def test_redirects_end(github: GitHubStandIn, client: GitHubClient) -> None:
    """Two redirects in a row are a circle."""
    github.trouble("GET", "repos", 307, headers={"Location": "/repos/acme/api"}, times=2)

    with pytest.raises(Unavailable, match="circles"):
        client.repository("acme/api")


def test_a_wrong_token_is_named(github: GitHubStandIn) -> None:
    """The message says which setting to look at, and does not repeat the token."""
    with (
        GitHubClient(Transport(github.url, "wrong-token")) as client,
        pytest.raises(Unauthenticated) as raised,
    ):
        client.check()

    assert "NEXUS_GITHUB_TOKEN" in raised.value.message
    assert "wrong-token" not in raised.value.message


def test_without_a_token_there_is_no_client() -> None:
    """Who has no token is told so before anything is sent."""
    with pytest.raises(Unavailable, match="NEXUS_GITHUB_TOKEN"):
        GitHubClient.open(Settings())


@pytest.mark.parametrize(
    ("status", "headers", "error", "wait"),
    [
        (403, {"Retry-After": "17"}, Unavailable, 17.0),
        (429, {}, Unavailable, 60.0),
        (403, {"X-RateLimit-Remaining": "0"}, Unavailable, 60.0),
        (403, {}, Forbidden, None),
        (502, {}, Unavailable, None),
        (404, {}, NotFound, None),
        (422, {}, Invalid, None),
    ],
)
def test_refusals_become_our_errors(
    github: GitHubStandIn,
    client: GitHubClient,
    status: int,
    headers: dict[str, str],
    error: type[Exception],
    wait: float | None,
) -> None:
    """A limit carries how long to wait; we never sleep for it ourselves."""
    github.trouble("GET", "rate_limit", status, headers=headers)

    with pytest.raises(error) as raised:
        client.check()

    details: Any = raised.value
    assert wait == details.details.get("wait")


def test_an_unreachable_host_is_unavailable() -> None:
    """Nothing listens there: try again later."""
    with GitHubClient(Transport("http://127.0.0.1:9", "t")) as client, pytest.raises(Unavailable):
        client.check()


def test_a_pull_request_is_opened_once(github: GitHubStandIn, client: GitHubClient) -> None:
    """A repeated call finds what the first one opened."""
    numbers = [client.ensure_pull("acme/api", PULL)["number"] for _ in range(3)]

    assert numbers == [1, 1, 1]
    assert _writes(github) == [("POST", "/repos/acme/api/pulls")]


@pytest.mark.parametrize("status", [0, 502], ids=["cut", "502"])
def test_a_lost_answer_opens_no_second_pull_request(github: GitHubStandIn, client: GitHubClient, status: int) -> None:
    """GitHub opened it and the answer was lost: we look before we post again."""
    github.trouble("POST", "pulls", status, after=True)

    assert client.ensure_pull("acme/api", PULL)["number"] == 1
    assert len(_writes(github)) == 1


def test_a_lost_request_is_reported_for_a_retry(github: GitHubStandIn, client: GitHubClient) -> None:
    """Nothing was opened: the error says to try again, and the next attempt opens it."""
    github.trouble("POST", "pulls", 0)

    with pytest.raises(Unavailable):
        client.ensure_pull("acme/api", PULL)

    assert client.ensure_pull("acme/api", PULL)["number"] == 1


def test_a_merged_pull_request_is_not_opened_again(github: GitHubStandIn, client: GitHubClient) -> None:
    """A late second attempt recognises its own by the marker, whatever became of it."""
    client.ensure_pull("acme/api", PULL)
    github.merge("acme/api", 1)

    assert client.ensure_pull("acme/api", PULL)["state"] == "closed"


def test_a_pull_request_that_the_agent_opened_is_taken(github: GitHubStandIn, client: GitHubClient) -> None:
    """Who works on the branch may have opened it; there is one for a branch."""
    github.open_pull("acme/api", head="nexus/nx-1-work", base="main", title="Mine", by="agent")

    assert client.ensure_pull("acme/api", PULL)["title"] == "Mine"


def test_a_branch_that_is_not_there_is_invalid(client: GitHubClient) -> None:
    """GitHub's own words come through."""
    wanted = PullText(title="x", body="", head="nowhere", base="main")

    with pytest.raises(Invalid, match="head invalid"):
        client.ensure_pull("acme/api", wanted)


def test_a_comment_is_written_once(github: GitHubStandIn, client: GitHubClient) -> None:
    """The marker is looked for on every page, also after a lost answer."""
    client.ensure_pull("acme/api", PULL)
    for number in range(100):
        github.world.comment("acme/api", 1, f"talk {number}")
    github.trouble("POST", "comments", 0, after=True)
    for _ in range(2):
        client.comment_once("acme/api", 1, "done-1", "It is done")

    assert sum(marker("done-1") in comment.body for comment in github.world.comments) == 1


def test_a_file_is_read(bare: BareRepository, client: GitHubClient) -> None:
    """By branch or commit; what is not there, or is a folder, is None."""
    head = bare.branch("nexus/nx-1-work") or ""

    assert client.file("acme/api", "src/b.py", head) == b"b = 2\n"
    assert client.file("acme/api", "src/b.py", "main") is None
    assert client.file("acme/api", "src", "main") is None


def test_a_large_file_is_read_from_the_git_database(bare: BareRepository, client: GitHubClient) -> None:
    """Above a megabyte GitHub leaves the content out of its answer."""
    head = bare.branch("main")
    content = b"x" * 1_100_000
    tree = bare.write_tree(head, [("100644", "big.json", bare.write_blob(content))])
    bare.update_ref("refs/heads/main", bare.write_commit(tree, [head or ""], "Big"), head)

    assert content == client.file("acme/api", "big.json", "main")


def test_writing_calls_are_kept_apart(github: GitHubStandIn) -> None:
    """GitHub asks for a pause between writes; reading does not wait."""
    import time

    with GitHubClient(Transport(github.url, "ghs_for_tests", pause=0.15)) as client:
        client.ensure_pull("acme/api", PULL)
        begun = time.monotonic()
        client.comment_once("acme/api", 1, "a", "x")
        client.comment_once("acme/api", 1, "b", "x")

    assert time.monotonic() - begun > 0.2
