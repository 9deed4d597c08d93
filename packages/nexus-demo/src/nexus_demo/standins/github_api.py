"""The REST endpoints of the stand-in: they check what is sent and answer as GitHub does, from real Git."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from . import github_shapes as shapes
from .bare import GitFailed, TreeEntry
from .github_shapes import BOT, Hosted, Json, Pull
from .github_world import Comment, Refused, World, wanted


@attrs.frozen(kw_only=True)
class Request:
    """A request that was let in."""

    method: str
    path: str  #: decoded, without the query
    query: Mapping[str, str]
    accept: str
    document: Any  #: the JSON of the body, or None
    app: int | None = None  #: the App whose installation calls


@attrs.frozen(kw_only=True)
class Response:
    """What is answered: a document as JSON, or bytes."""

    status: int = 200
    document: Any = None
    raw: bytes | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)


Endpoint = Callable[..., Response]
_ENDPOINTS: list[tuple[str, re.Pattern[str], Endpoint]] = []
_LARGE = 1024 * 1024  #: bytes; the content of larger files only the Git database gives
_SHA = re.compile(r"[0-9a-f]{40}")


def endpoint(method: str, path: str) -> Callable[[Endpoint], Endpoint]:
    """Serve a path below a repository; its groups become arguments."""

    def register(call: Endpoint) -> Endpoint:
        _ENDPOINTS.append((method, re.compile(path), call))
        return call

    return register


def answer(world: World, request: Request) -> Response:
    """Answer a request.

    :raises Refused: as GitHub refuses it
    """
    if request.path == "rate_limit":
        limits = {"limit": 5000, "remaining": 4999, "reset": 4102444800, "used": 1}
        return Response(document={"resources": {"core": limits}, "rate": limits})
    if request.path == "user":
        return Response(document=shapes.user(BOT))
    found = re.fullmatch(r"repos/([^/]+/[^/]+)(?:/(.*))?", request.path)
    by_id = re.fullmatch(r"repositories/([0-9]+)(?:/(.*))?", request.path)
    if found and (moved := world.moved(found[1])):
        return _redirect(world, request, f"repositories/{moved}", found[2])
    if by_id:
        return _below(world, world.by_id(int(by_id[1])), request, by_id[2] or "")
    if found:
        return _below(world, world.repository(found[1]), request, found[2] or "")
    raise Refused(404, "Not Found")


def _redirect(world: World, request: Request, place: str, rest: str | None) -> Response:
    location = f"{world.address}/{place}" + (f"/{rest}" if rest else "")
    if request.query:
        location += "?" + "&".join(f"{name}={value}" for name, value in request.query.items())
    status = 301 if request.method == "GET" else 307
    return Response(status=status, document={"message": "Moved Permanently"}, headers={"Location": location})


def _below(world: World, hosted: Hosted, request: Request, path: str) -> Response:
    for method, pattern, call in _ENDPOINTS:
        if method == request.method and (found := pattern.fullmatch(path)):
            try:
                return call(world, hosted, request, *found.groups())
            except GitFailed as error:
                raise Refused(422, str(error)) from error
    raise Refused(404, "Not Found")


def page(request: Request, rows: list[Json], world: World) -> Response:
    """One page of a list, with the header that names the next one."""
    size = min(int(request.query.get("per_page", "30")), 100)
    number = int(request.query.get("page", "1"))
    headers = {}
    if number * size < len(rows):
        query = {**request.query, "page": str(number + 1)}
        address = f"{world.address}/{request.path}?" + "&".join(f"{key}={query[key]}" for key in query)
        headers["Link"] = f'<{address}>; rel="next"'
    return Response(document=rows[(number - 1) * size : number * size], headers=headers)


@endpoint("GET", "")
def get_repository(world: World, hosted: Hosted, _request: Request) -> Response:
    """A repository."""
    return Response(document=shapes.repository(hosted, world.address))


# Refs


def _ref(world: World, hosted: Hosted, name: str) -> Json:
    sha = hosted.git.resolve(f"refs/{name}")
    if sha is None:
        raise Refused(404, "Not Found")
    below = f"{world.address}/repos/{hosted.name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{below}/commits/{sha}"}
    return {"ref": f"refs/{name}", "url": f"{below}/refs/{name}", "object": target}


def _commit_id(hosted: Hosted, value: Any) -> str:
    if not isinstance(value, str) or not _SHA.fullmatch(value) or hosted.git.resolve(value) is None:
        raise Refused(422, "Object does not exist")
    return value


@endpoint("GET", r"git/ref/(.+)")
def get_ref(world: World, hosted: Hosted, _request: Request, name: str) -> Response:
    """A ref."""
    return Response(document=_ref(world, hosted, name))


@endpoint("POST", "git/refs")
def create_ref(world: World, hosted: Hosted, request: Request) -> Response:
    """Make a ref."""
    sent = wanted(request.document, "ref", "sha")
    name, sha = str(sent["ref"]), _commit_id(hosted, sent["sha"])
    if name.count("/") < 2 or not hosted.git.is_ref_name(name):
        raise Refused(422, "Reference name must start with 'refs' and have at least two slashes.")
    with world.lock:
        if hosted.git.resolve(name):
            raise Refused(422, "Reference already exists")
        hosted.git.update_ref(name, sha, None)
    return Response(status=201, document=_ref(world, hosted, name.removeprefix("refs/")))


@endpoint("PATCH", r"git/refs/(.+)")
def move_ref(world: World, hosted: Hosted, request: Request, name: str) -> Response:
    """Move a ref; forward only, unless forced."""
    sent = wanted(request.document, "sha")
    new = _commit_id(hosted, sent["sha"])
    with world.lock:
        old = hosted.git.resolve(f"refs/{name}")
        if old is None:
            raise Refused(422, "Reference does not exist")
        if not sent.get("force") and not hosted.git.is_ancestor(old, new):
            raise Refused(422, "Update is not a fast forward")
        hosted.git.update_ref(f"refs/{name}", new, old)
    return Response(document=_ref(world, hosted, name))


@endpoint("DELETE", r"git/refs/(.+)")
def delete_ref(_world: World, hosted: Hosted, _request: Request, name: str) -> Response:
    """Take a ref away."""
    if hosted.git.resolve(f"refs/{name}") is None:
        raise Refused(422, "Reference does not exist")
    hosted.git.delete_ref(f"refs/{name}")
    return Response(status=204)


# Commits, trees, blobs


@endpoint("GET", r"git/commits/([0-9a-f]{40})")
def get_commit(world: World, hosted: Hosted, _request: Request, sha: str) -> Response:
    """A commit."""
    if hosted.git.resolve(sha) is None:
        raise Refused(404, "Not Found")
    return Response(document=shapes.commit(hosted.git.commit(sha), hosted, world.address))


@endpoint("POST", "git/commits")
def create_commit(world: World, hosted: Hosted, request: Request) -> Response:
    """Make a commit, which no branch holds yet."""
    sent = wanted(request.document, "message", "tree")
    if hosted.git.resolve(str(sent["tree"]), "tree") is None:
        raise Refused(422, "Tree SHA does not exist")
    parents = [_commit_id(hosted, parent) for parent in sent.get("parents") or []]
    sha = hosted.git.write_commit(str(sent["tree"]), parents, str(sent["message"]))
    return Response(status=201, document=shapes.commit(hosted.git.commit(sha), hosted, world.address))


def _row(hosted: Hosted, row: TreeEntry) -> Json:
    found: Json = {"path": row.path, "mode": row.mode, "type": row.kind, "sha": row.sha}
    return found | ({"size": len(hosted.git.blob(row.sha))} if row.kind == "blob" else {})


def _tree(world: World, hosted: Hosted, sha: str, recursive: bool) -> Json:
    rows = [_row(hosted, row) for row in hosted.git.tree(sha, recursive=recursive)]
    url = f"{world.address}/repos/{hosted.name}/git/trees/{sha}"
    return {"sha": sha, "url": url, "tree": rows, "truncated": False}


@endpoint("GET", r"git/trees/(.+)")
def get_tree(world: World, hosted: Hosted, request: Request, name: str) -> Response:
    """A tree, by its id or that of a branch."""
    sha = hosted.git.resolve(name, "tree") or hosted.git.resolve(f"refs/heads/{name}", "tree")
    if sha is None:
        raise Refused(404, "Not Found")
    return Response(document=_tree(world, hosted, sha, "recursive" in request.query))


@endpoint("POST", "git/trees")
def create_tree(world: World, hosted: Hosted, request: Request) -> Response:
    """Make a tree from another one and changes to it."""
    sent = wanted(request.document, "tree")
    base = sent.get("base_tree")
    if base is not None and hosted.git.resolve(str(base), "tree") is None:
        raise Refused(422, "base_tree is not a valid tree oid")
    entries = [_entry(hosted, row) for row in sent["tree"]]
    sha = hosted.git.write_tree(base, entries)
    return Response(status=201, document=_tree(world, hosted, sha, False))


def _entry(hosted: Hosted, row: Any) -> tuple[str, str, str | None]:
    if not isinstance(row, dict) or not row.get("path"):
        raise Refused(422, "tree.path is missing")
    path, mode = str(row["path"]), row.get("mode")
    if path.startswith("/") or ".." in path.split("/"):
        raise Refused(422, "tree.path contains a malformed path component")
    if mode not in ("100644", "100755", "120000"):
        raise Refused(422, "tree.mode is not one of 100644, 100755, 120000")
    if ("content" in row) == ("sha" in row):
        raise Refused(422, "Must supply either tree.sha or tree.content, and not both")
    if "content" in row:
        return mode, path, hosted.git.write_blob(str(row["content"]).encode())
    if row["sha"] is not None and hosted.git.resolve(str(row["sha"]), "blob") is None:
        raise Refused(422, "tree.sha does not exist")
    return mode, path, row["sha"]


@endpoint("POST", "git/blobs")
def create_blob(world: World, hosted: Hosted, request: Request) -> Response:
    """Store a file's content."""
    sent = request.document if isinstance(request.document, dict) else {}
    content = sent.get("content")
    if not isinstance(content, str):
        raise Refused(422, 'Invalid request.\n\n"content" wasn\'t supplied.')
    data = _decoded(content) if sent.get("encoding") == "base64" else content.encode()
    sha = hosted.git.write_blob(data)
    url = f"{world.address}/repos/{hosted.name}/git/blobs/{sha}"
    return Response(status=201, document={"sha": sha, "url": url})


@endpoint("GET", r"git/blobs/([0-9a-f]{40})")
def get_blob(_world: World, hosted: Hosted, _request: Request, sha: str) -> Response:
    """A file's content by its id."""
    if hosted.git.resolve(sha, "blob") is None:
        raise Refused(404, "Not Found")
    data = hosted.git.blob(sha)
    content = base64.encodebytes(data).decode()
    return Response(document={"sha": sha, "size": len(data), "encoding": "base64", "content": content})


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "content is not valid Base64") from None


# Files


def _at(hosted: Hosted, request: Request) -> str:
    name = request.query.get("ref", hosted.default_branch)
    sha = hosted.git.branch(name.removeprefix("refs/heads/"))
    sha = sha or (hosted.git.resolve(name) if _SHA.fullmatch(name) else None)
    if sha is None:
        raise Refused(404, f"No commit found for the ref {name}")
    return sha


def _file(world: World, hosted: Hosted, path: str, sha: str) -> Json:
    content = hosted.git.blob(sha)
    is_large = len(content) > _LARGE
    return {
        "type": "file", "encoding": "none" if is_large else "base64", "size": len(content),
        "name": path.rpartition("/")[2], "path": path,
        "content": "" if is_large else base64.encodebytes(content).decode(), "sha": sha,
        "url": f"{world.address}/repos/{hosted.name}/contents/{path}",
    }  # fmt: skip


@endpoint("GET", r"contents/(.+)")
def get_contents(world: World, hosted: Hosted, request: Request, path: str) -> Response:
    """A file, as JSON or as it is; or the rows of a folder."""
    commit = _at(hosted, request)
    row = hosted.git.entry(commit, path.rstrip("/"))
    if row is None:
        raise Refused(404, "Not Found")
    if row.kind == "tree":
        return Response(document=[_row(hosted, below) for below in hosted.git.tree(row.sha)])
    if ".raw" in request.accept:
        return Response(raw=hosted.git.blob(row.sha))
    return Response(document=_file(world, hosted, row.path, row.sha))


@endpoint("PUT", r"contents/(.+)")
def put_contents(world: World, hosted: Hosted, request: Request, path: str) -> Response:
    """Commit one file."""
    sent = wanted(request.document, "message")
    if not isinstance(sent.get("content"), str):
        raise Refused(422, 'Invalid request.\n\n"content" wasn\'t supplied.')
    data, branch = _decoded(sent["content"]), str(sent.get("branch") or hosted.default_branch)
    with world.lock:
        head = hosted.git.branch(branch)
        if head is None:
            raise Refused(404, f"Branch {branch} not found")
        before = hosted.git.entry(head, path)
        _check_before(before, sent.get("sha"), path)
        blob = hosted.git.write_blob(data)
        tree = hosted.git.write_tree(head, [("100644", path, blob)])
        commit = hosted.git.write_commit(tree, [head], str(sent["message"]))
        hosted.git.update_ref(f"refs/heads/{branch}", commit, head)
    made = shapes.commit(hosted.git.commit(commit), hosted, world.address)
    document = {"content": _file(world, hosted, path, blob), "commit": made}
    return Response(status=200 if before else 201, document=document)


def _check_before(before: TreeEntry | None, sha: Any, path: str) -> None:
    if before and not sha:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if before and sha != before.sha:
        raise Refused(409, f"{path} does not match {sha}")


# Pull requests


def _listed(pull: Pull, hosted: Hosted, world: World) -> Json:
    """In lists GitHub says less of a pull request."""
    whole = shapes.pull(pull, hosted, world.address)
    return {key: value for key, value in whole.items() if key not in ("merged", "merged_by")}


@endpoint("GET", "pulls")
def list_pulls(world: World, hosted: Hosted, request: Request) -> Response:
    """Pull requests, by state, head (`owner:branch`) and base."""
    state, head, base = (request.query.get(name, "") for name in ("state", "head", "base"))
    owner = hosted.name.partition("/")[0]
    rows = [
        _listed(pull, hosted, world)
        for pull in world.pulls_of(hosted.name)
        if state == "all" or pull.state == (state or "open")
        if ":" not in head or head == f"{owner}:{pull.head}"
        if not base or base == pull.base
    ]
    return page(request, rows, world)


@endpoint("POST", "pulls")
def create_pull(world: World, hosted: Hosted, request: Request) -> Response:
    """Open a pull request."""
    sent = wanted(request.document, "title", "head", "base")
    pull = world.open_pull(
        hosted.name,
        head=str(sent["head"]),
        base=str(sent["base"]),
        title=str(sent["title"]),
        body=str(sent.get("body") or ""),
        draft=sent.get("draft") is True,
    )
    return Response(status=201, document=shapes.pull(pull, hosted, world.address))


@endpoint("GET", r"pulls/([0-9]+)")
def get_pull(world: World, hosted: Hosted, _request: Request, number: str) -> Response:
    """A pull request."""
    pull = world.pull(hosted.name, int(number))
    return Response(document=shapes.pull(pull, hosted, world.address))


@endpoint("PUT", r"pulls/([0-9]+)/merge")
def merge_pull(world: World, hosted: Hosted, _request: Request, number: str) -> Response:
    """Merge a pull request."""
    pull = world.merge(hosted.name, int(number), BOT)
    document = {"sha": pull.merge_commit, "merged": True, "message": "Pull Request successfully merged"}
    return Response(document=document)


def _comment(comment: Comment) -> Json:
    author = shapes.user(comment.author)
    return {
        "id": comment.id, "body": comment.body, "user": author, "created_at": comment.created_at,
        # An App is nobody to a repository; people here belong to it, unless they are called otherwise.
        "author_association": "NONE" if comment.author in (BOT, "mallory") else "MEMBER",
    }  # fmt: skip


@endpoint("GET", r"issues/([0-9]+)/comments")
def list_comments(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """The comments of an issue or pull request, the oldest first."""
    world.numbered(hosted.name, int(number))
    rows = [_comment(row) for row in world.comments if (row.repository, row.number) == (hosted.name, int(number))]
    return page(request, rows, world)


@endpoint("POST", r"issues/([0-9]+)/comments")
def create_comment(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """Comment on an issue or pull request."""
    sent = wanted(request.document, "body")
    return Response(status=201, document=_comment(world.comment(hosted.name, int(number), str(sent["body"]))))
