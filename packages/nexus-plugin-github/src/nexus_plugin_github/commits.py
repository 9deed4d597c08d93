"""Several files in one commit on a branch, through GitHub's Git database; none when nothing would change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import attrs

from nexus_core.errors import Conflict, Invalid, NotFound, Unavailable

from .client import GitHubClient
from .reading import table, text

_BASE = "Nexus-Base: "  #: the trailer by which a commit of ours says what it was made from


@attrs.frozen(kw_only=True)
class Committed:
    """Where the files stand now."""

    branch: str
    commit: str
    changed: bool  #: false: they stood there already
    url: str = ""


def blob_id(content: bytes) -> str:
    """The id that Git gives to a file's content.

    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def commit_files(
    client: GitHubClient, repository: str, *, branch: str, files: Mapping[str, str], message: str
) -> Committed:
    """Bring the files to the branch; the branch is made from the default branch when it is missing.

    :raises NotFound: the repository has no commit to begin with
    :raises Unavailable: somebody else moved the branch meanwhile, or GitHub is in trouble; repeat it
    """
    start, default = client.head_of(repository, branch), ""
    exists = start is not None
    if start is None:
        default = client.repository(repository).default_branch
        start = client.head_of(repository, default)
    if start is None:
        raise NotFound(f"{repository} has no branch {default}; commit something to it first")
    changed = {
        path: content
        for path, content in files.items()
        if client.blob_of(repository, path, start) != blob_id(content.encode())
    }
    if not changed:
        return Committed(branch=branch if exists else default, commit=start, changed=False)
    commit, url = _commit(client, repository, start, changed, message)
    _point(client, repository, branch, commit, exists)
    return Committed(branch=branch, commit=commit, changed=True, url=url)


def commit_over(
    client: GitHubClient, repository: str, *, branch: str, base: str, path: str, content: bytes, message: str
) -> Committed | None:
    """Bring a branch of our own to a commit with one file changed; None when somebody else committed to the branch.

    The branch always holds the base, so that its pull request can be merged: where the base went on, the new commit
    joins both.

    :raises Unavailable: somebody moved the branch meanwhile, or GitHub is in trouble; repeat it
    """
    start = client.head_of(repository, branch)
    parents = [base]
    if start is not None:
        said = text(table(client.request("GET", f"repos/{repository}/git/commits/{start}").document).get("message"))
        if _BASE not in said and start != base:
            return None
        on_base = said.endswith(f"{_BASE}{base}")
        if on_base and client.blob_of(repository, path, start) == blob_id(content):
            return Committed(branch=branch, commit=start, changed=False)
        parents = [start] if on_base or start == base else [start, base]
    files, note = {path: content.decode()}, f"{message}\n\n{_BASE}{base}"
    commit, url = _commit(client, repository, base, files, note, parents)
    _point(client, repository, branch, commit, start is not None)
    return Committed(branch=branch, commit=commit, changed=True, url=url)


def _commit(
    client: GitHubClient,
    repository: str,
    parent: str,
    files: Mapping[str, str],
    message: str,
    parents: Sequence[str] = (),
) -> tuple[str, str]:
    """A commit with files changed from those of `parent`, which is its only parent unless others are named."""
    before = client.request("GET", f"repos/{repository}/git/commits/{parent}").document
    entries = [{"path": path, "mode": "100644", "type": "blob", "content": content} for path, content in files.items()]
    body = {"base_tree": text(table(before, "tree").get("sha")), "tree": entries}
    tree = table(client.request("POST", f"repos/{repository}/git/trees", json=body).document)
    new = {"message": message, "tree": text(tree.get("sha")), "parents": list(parents or [parent])}
    made = table(client.request("POST", f"repos/{repository}/git/commits", json=new).document)
    return text(made.get("sha")), text(made.get("html_url"))


def _point(client: GitHubClient, repository: str, branch: str, commit: str, exists: bool) -> None:
    """Move or make the branch. GitHub refuses when somebody was faster: the next attempt begins there."""
    try:
        if exists:
            client.move_ref(repository, branch, commit)
        else:
            client.create_ref(repository, branch, commit)
    except (Conflict, Invalid) as error:
        raise Unavailable(f"the branch {branch} was moved meanwhile: {error.message}") from error
