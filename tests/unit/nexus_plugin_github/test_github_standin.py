"""The stand-in for GitHub: it checks what it is sent, and merges and announces for real."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github.sansio import verify

SECRET = "a secret for the tests"
BRANCH = "nexus/nx-1-work"


def _ask(github: GitHubStandIn, method: str, path: str, **how: Any) -> httpx.Response:
    headers = how.pop("headers", {"Authorization": f"Bearer {github.token}"})
    return httpx.request(method, f"{github.url}/repos/acme/api{path}", headers=headers, trust_env=False, **how)


def _post(github: GitHubStandIn, path: str, **document: Any) -> tuple[int, str]:
    answer = _ask(github, "POST", path, json=document)
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer other"}, 401), ({"Authorization": "Bearer ghs_for_tests"}, 200)],
)
def test_the_token_is_asked_for(github: GitHubStandIn, headers: dict[str, str], status: int) -> None:
    """Nobody gets anything without it."""
    assert status == _ask(github, "GET", "", headers=headers).status_code


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"head": BRANCH, "base": "main"}, "title"),
        ({"title": "x", "head": BRANCH}, "base"),
        ({"title": "x", "head": "nowhere", "base": "main"}, "head"),
        ({"title": "x", "head": BRANCH, "base": "nowhere"}, "base"),
        ({"title": "x", "head": "main", "base": "main"}, "No commits between"),
        ({"title": 5, "head": BRANCH, "base": "main"}, "title"),
    ],
)
def test_a_wrong_pull_request_is_refused(github: GitHubStandIn, document: dict[str, Any], said: str) -> None:
    """With 422 and the words of GitHub."""
    status, answer = _post(github, "/pulls", **document)

    assert status == 422
    assert said in answer


def test_a_second_pull_request_for_a_branch_is_refused(github: GitHubStandIn) -> None:
    """As GitHub does it; after a merge the branch holds nothing new."""
    wanted = {"title": "x", "head": BRANCH, "base": "main"}
    answers = [_post(github, "/pulls", **wanted) for _ in range(2)]

    assert [status for status, _ in answers] == [201, 422]
    assert "already exists for acme:" in answers[1][1]


@pytest.mark.parametrize(
    ("content", "sha", "status"), [("aGk=", True, 200), ("aGk=", False, 422), ("not base64!", True, 422)]
)
def test_a_file_is_put_with_its_former_id(
    github: GitHubStandIn, bare: BareRepository, content: str, sha: bool, status: int
) -> None:
    """Content must be base64, and who replaces a file must name the one that is replaced."""
    entry = bare.entry("refs/heads/main", "README.md")
    assert entry is not None
    document = {"message": "x", "content": content} | ({"sha": entry.sha} if sha else {})

    assert status == _ask(github, "PUT", "/contents/README.md", json=document).status_code


def test_a_branch_moves_forward_only(github: GitHubStandIn, bare: BareRepository) -> None:
    """An update that would lose a commit is refused."""
    old = bare.branch("main")
    answer = _ask(github, "PATCH", f"/git/refs/heads/{BRANCH}", json={"sha": old})

    assert (answer.status_code, answer.json()["message"]) == (422, "Update is not a fast forward")


def test_a_merge_really_merges(github: GitHubStandIn, bare: BareRepository) -> None:
    """Afterwards the default branch holds the work, also when it went on meanwhile."""
    head = bare.branch("main") or ""
    tree = bare.write_tree(head, [("100644", "other.txt", bare.write_blob(b"x"))])
    bare.update_ref("refs/heads/main", bare.write_commit(tree, [head], "Other"), head)
    github.open_pull("acme/api", head=BRANCH, base="main", title="Work", by="mona")
    merged = github.merge("acme/api", 1).merge_commit or ""

    assert merged == bare.branch("main")
    assert {"README.md", "other.txt", "src"} == {row.path for row in bare.tree(merged)}


@pytest.fixture
def hub() -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """Somebody who receives webhooks: the address, and what came."""
    came: list[tuple[bytes, dict[str, str]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", came
        server.shutdown()


def test_it_announces_what_happens(bare: BareRepository, hub: tuple[str, list[tuple[bytes, dict[str, str]]]]) -> None:
    """Opening and merging send signed webhooks by themselves, which our own check accepts."""
    address, came = hub
    with GitHubStandIn({"acme/api": bare.path}, token="t", webhook_url=address, secret=SECRET) as github:
        github.open_pull("acme/api", head=BRANCH, base="main", title="Work", by="mona")
        github.settle()
        github.merge("acme/api", 1)
        github.settle()
    kinds = sorted(verify(body, headers, [SECRET.encode()]).kind for body, headers in came)

    assert kinds == ["pull_request.closed", "pull_request.opened", "push"]
    assert [delivered.status for delivered in github.deliveries] == [202, 202, 202]


def test_a_hub_that_is_away_is_recorded(github: GitHubStandIn) -> None:
    """As at GitHub, a webhook that nobody takes is not sent again."""
    delivered = github.deliver("ping", {"zen": "x"}, url="http://127.0.0.1:9/", secret=SECRET)

    assert delivered.status == 0
    assert "refused" in delivered.error


def test_every_request_is_recorded(github: GitHubStandIn) -> None:
    """For those who want to see what was sent."""
    _post(github, "/pulls", title="x", head=BRANCH, base="main")
    (seen,) = github.requests

    assert (seen.method, seen.path, seen.status) == ("POST", "/repos/acme/api/pulls", 201)
    assert BRANCH == json.loads(seen.body)["head"] == seen.json["head"]
