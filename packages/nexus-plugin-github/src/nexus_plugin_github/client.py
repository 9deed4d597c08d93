"""The calls that Nexus makes to GitHub, in its own words. What creates something looks for it first."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import attrs

from nexus_core.errors import Invalid, NexusError, NotFound, Unavailable

from .connecting import MakePace, connect
from .reading import rows, table, text, whole
from .settings import Settings
from .transport import Answer, Transport

Document = Mapping[str, Any]
_ROWS = 100  #: a page, the most that GitHub gives
_INSIDE = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_PAGES = 1000  #: more are a mistake, and not a list
_NEXT = re.compile(r"<([^<>]+)>\s*;[^,]*rel=\"?next\"?")


@attrs.frozen(kw_only=True)
class RemoteRepository:
    """A repository as GitHub knows it."""

    name: str  #: `owner/name`, the present one
    external_id: str
    default_branch: str
    url: str


@attrs.frozen(kw_only=True)
class PullText:
    """What a pull request is to say and to join."""

    title: str
    body: str
    head: str  #: the branch with the work
    base: str  #: the branch that it goes to
    marker: str = ""  #: stands in the body and names the pull request for good


def in_path(value: str) -> str:
    """A value as one segment of a path: slashes are escaped, as GitHub's own clients do."""
    return quote(value, safe="")


def _decoded(content: Any) -> bytes:
    try:
        return base64.b64decode(text(content))
    except binascii.Error:
        raise Invalid("GitHub sent a file that cannot be read") from None


def next_page(link: str) -> str:
    """The address of the next page in a header `Link`, or an empty text.

    >>> next_page('<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=9>; rel="last"')
    'https://api.github.com/x?page=2'
    """
    found = _NEXT.search(link)
    return found[1] if found else ""


def marker(name: str) -> str:
    """The comment, invisible on GitHub, by which Nexus recognises what it wrote."""
    return f"<!-- nexus:{name} -->"


class GitHubClient:
    """GitHub's REST API, as far as Nexus needs it. Errors are those of `Transport.request`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    def open(cls, settings: Settings, repository: str = "", *, pace: MakePace | None = None) -> GitHubClient:
        """A client for the configured GitHub: as the App where it is installed on the repository's owner, or by token.

        Without a repository, as the App itself. `pace` makes the pace that is shared with other processes.

        :raises Unavailable: no access is configured
        :raises NotFound: the App is not installed on that account
        """
        return cls(connect(settings, repository, pace))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def request(self, method: str, path: str, *, json: Any = None, **params: str) -> Answer:
        """One call of any kind, for what has no method of its own."""
        return self._transport.request(method, path, json=json, params=params or None)

    def pages(self, path: str, *, within: str = "", **params: str) -> Iterator[Document]:
        """The rows of a list, of all its pages as GitHub's `Link` names them; `within` is the key that holds them."""
        answer = self.request("GET", path, **({"per_page": str(_ROWS)} | params))
        for _ in range(_PAGES):
            yield from rows(table(answer.document).get(within) if within else answer.document)
            following = next_page(answer.headers.get("link", ""))
            if not following:
                return
            answer = self._transport.request("GET", following)
        # To go on as if that were all would be to miss what is there.
        raise NexusError(f"GitHub's list {path} does not end after {_PAGES} pages")

    def check(self) -> None:
        """Find out whether GitHub answers and accepts us."""
        # As the App itself: it has no limits to be asked for. As anybody else: asking costs nothing of them.
        self.request("GET", "app" if self._transport.is_app else "rate_limit")

    # Repositories and files

    def repository(self, name: str) -> RemoteRepository:
        """A repository, also by a former name."""
        found = table(self.request("GET", f"repos/{name}").document)
        return RemoteRepository(
            name=text(found.get("full_name")) or name,
            external_id=str(whole(found.get("id")) or ""),
            default_branch=text(found.get("default_branch")) or "main",
            url=text(found.get("clone_url")),
        )

    def head_of(self, name: str, branch: str) -> str | None:
        """The commit that a branch ends with; None when there is no such branch."""
        try:
            found = self.request("GET", f"repos/{name}/git/ref/{in_path(f'heads/{branch}')}")
        except NotFound:
            return None
        return text(table(found.document, "object").get("sha")) or None

    def create_ref(self, name: str, branch: str, commit: str) -> None:
        """Make a branch that ends with a commit."""
        self.request("POST", f"repos/{name}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": commit})

    def move_ref(self, name: str, branch: str, commit: str) -> None:
        """Move a branch forward to a commit; never away from what somebody else added."""
        path = f"repos/{name}/git/refs/{in_path(f'heads/{branch}')}"
        self.request("PATCH", path, json={"sha": commit, "force": False})

    def file(self, name: str, path: str, ref: str) -> bytes | None:
        """A file's content at a branch or commit; None when it is not there."""
        found = self._contents(name, path, ref)
        if found.get("encoding") != "base64" and (sha := text(found.get("sha"))):
            # Files above a megabyte come without their content, which only the Git database has then.
            found = table(self.request("GET", f"repos/{name}/git/blobs/{sha}").document)
        return _decoded(found.get("content")) if found else None

    def blob_of(self, name: str, path: str, ref: str) -> str | None:
        """The blob id of a file at a branch or commit; None when there is no such file."""
        return text(self._contents(name, path, ref).get("sha")) or None

    def _contents(self, name: str, path: str, ref: str) -> Document:
        """What GitHub says of a file; empty when there is none (a folder is none)."""
        try:
            return table(self.request("GET", f"repos/{name}/contents/{in_path(path)}", ref=ref).document)
        except NotFound:
            return {}

    # Pull requests and comments

    def pull(self, name: str, number: int) -> Document:
        """A pull request as it stands."""
        return table(self.request("GET", f"repos/{name}/pulls/{number}").document)

    def pulls(self, name: str, branch: str, state: str = "open") -> list[Document]:
        """The pull requests from a branch of the repository itself, the newest first."""
        owner = name.partition("/")[0]
        path = f"repos/{name}/pulls"
        found = self.request("GET", path, head=f"{owner}:{branch}", state=state, per_page=str(_ROWS))
        # GitHub ignores a filter that it cannot read, and another's pull request must not pass for ours.
        return [pull for pull in rows(found.document) if text(table(pull, "head").get("ref")) == branch]

    def find_pull(self, name: str, wanted: PullText) -> Document | None:
        """The open pull request of the branch, or the one with our marker, whatever became of it since."""
        known = self.pulls(name, wanted.head, "all")
        is_open = [pull for pull in known if pull.get("state") == "open"]
        is_ours = [pull for pull in known if wanted.marker and wanted.marker in text(pull.get("body"))]
        return next(iter(is_open + is_ours), None)

    def ensure_pull(self, name: str, wanted: PullText) -> Document:
        """The pull request, opened when there is none yet. Safe to repeat, also after an unknown outcome."""
        if found := self.find_pull(name, wanted):
            return found
        body = {"title": wanted.title, "body": wanted.body, "head": wanted.head, "base": wanted.base}
        try:
            return table(self.request("POST", f"repos/{name}/pulls", json=body).document)
        except (Unavailable, Invalid) as error:
            if _may_be_there(error) and (found := self.find_pull(name, wanted)):
                return found
            raise

    def comments(self, name: str, number: int) -> Iterator[Document]:
        """The comments of an issue or pull request, the oldest first."""
        yield from self.pages(f"repos/{name}/issues/{number}/comments")

    def comment_once(self, name: str, number: int, key: str, body: str) -> Document:
        """Comment on an issue or pull request unless the comment of this key stands there already."""
        mark = marker(key)
        if found := self._comment_with(name, number, mark):
            return found
        try:
            path = f"repos/{name}/issues/{number}/comments"
            return table(self.request("POST", path, json={"body": f"{body}\n\n{mark}"}).document)
        except Unavailable as error:
            if error.details.get("unknown_outcome") and (found := self._comment_with(name, number, mark)):
                return found
            raise

    def _comment_with(self, name: str, number: int, mark: str) -> Document | None:
        found = (row for row in self.comments(name, number) if mark in text(row.get("body")))
        return next((row for row in found if _may_be_ours(row)), None)


def _may_be_there(error: NexusError) -> bool:
    """Whether what was to be made may exist: the answer was lost, or somebody was faster."""
    said = text(error.details.get("said")).lower()
    return bool(error.details.get("unknown_outcome")) or "already exists" in said


def _may_be_ours(comment: Document) -> bool:
    """Whether Nexus may have written a comment: a stranger who writes our marker does not keep us from speaking."""
    association = text(comment.get("author_association"))
    return not association or association in _INSIDE or table(comment, "user").get("type") == "Bot"
