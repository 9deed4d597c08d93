"""What the stand-in for GitHub knows: real bare repositories, and pull requests and comments in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from .bare import BareRepository, GitFailed
from .github_shapes import BOT, Hosted, Json, Pull, now, pull_event, push_event


class Refused(Exception):
    """The answer to a request that GitHub would not accept."""

    def __init__(self, status: int, message: str, *errors: Json) -> None:
        super().__init__(message)
        self.status = status
        self.document: Json = {
            "message": message,
            "status": str(status),
            "documentation_url": "https://docs.github.com/rest",
        }
        if errors:
            self.document["errors"] = list(errors)


def invalid(resource: str, message: str = "", *, field: str = "") -> Refused:
    """GitHub's “Validation Failed”, about a field or in words of its own."""
    error = {"resource": resource, "code": "invalid", "field": field} if field else {}
    error = error or {"resource": resource, "code": "custom", "message": message}
    return Refused(422, "Validation Failed", error)


@attrs.frozen(kw_only=True)
class Comment:
    """A comment on a pull request."""

    id: int
    repository: str
    number: int
    body: str
    author: str
    created_at: str = attrs.field(factory=now)


#: Called with the name of an event and its payload.
Announce = Callable[[str, Json], None]


class World:
    """Everything behind the API. Its methods may be called from many threads."""

    def __init__(self, repositories: Mapping[str, Path], announce: Announce) -> None:
        self.lock = threading.RLock()
        self.address = ""  #: the stand-in's own, once it listens
        self.pulls: list[Pull] = []
        self.comments: list[Comment] = []
        # What github_issues.py and github_checks.py keep.
        self.issues: list[Any] = []
        self.labels: dict[tuple[int, int], list[str]] = {}  #: by repository and number
        self.checks: list[Any] = []
        self.statuses: list[tuple[int, str, Json]] = []  #: repository, commit, status
        self.reviews: list[Json] = []
        # What github_hooks.py keeps.
        self.hooks: list[tuple[int, Json]] = []  #: repository, webhook
        self.hooks_hidden: set[str] = set()  #: repositories whose webhooks the token may not see
        self.hook_deliveries: dict[int, list[Json]] = {}  #: by webhook
        self.asked_again: list[int] = []  #: deliveries
        self._announce = announce
        self._hosted: dict[str, Hosted] = {}
        for place, (name, path) in enumerate(repositories.items(), start=1):
            self._hosted[name.lower()] = _host(700_000_000 + place, name, path)
        self._moved: dict[str, int] = {}

    def repository(self, name: str) -> Hosted:
        """A repository by its present name.

        :raises Refused: 404
        """
        try:
            return self._hosted[name.lower()]
        except KeyError:
            raise Refused(404, "Not Found") from None

    def by_id(self, number: int) -> Hosted:
        """A repository by its id, which survives a rename.

        :raises Refused: 404
        """
        for hosted in self._hosted.values():
            if hosted.id == number:
                return hosted
        raise Refused(404, "Not Found")

    def moved(self, name: str) -> int | None:
        """The id of the repository that once had this name, or None."""
        return self._moved.get(name.lower())

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name; requests for the old one are redirected."""
        with self.lock:
            hosted = self._hosted.pop(old.lower())
            self._moved[old.lower()] = hosted.id
            hosted.name = new
            self._hosted[new.lower()] = hosted
            for one in (*self.pulls, *self.issues, *self.checks):
                one.repository = new if one.repository == old else one.repository
            self.comments = [
                attrs.evolve(one, repository=new) if one.repository == old else one for one in self.comments
            ]

    def pull(self, name: str, number: int) -> Pull:
        """A pull request.

        :raises Refused: 404
        """
        for pull in self.pulls:
            if pull.repository.lower() == name.lower() and pull.number == number:
                self._follow(pull)
                return pull
        raise Refused(404, "Not Found")

    def numbered(self, name: str, number: int) -> Any:
        """An issue or pull request.

        :raises Refused: 404
        """
        found = (one for one in self.issues if (one.repository.lower(), one.number) == (name.lower(), number))
        return next(found, None) or self.pull(name, number)

    def next_number(self, name: str) -> int:
        """The number of the next issue or pull request: they are counted together."""
        return len([one for one in (*self.pulls, *self.issues) if one.repository == name]) + 1

    def pulls_of(self, name: str) -> list[Pull]:
        """The pull requests of a repository, the newest first."""
        found = [pull for pull in self.pulls if pull.repository.lower() == name.lower()]
        for pull in found:
            self._follow(pull)
        return found[::-1]

    def _follow(self, pull: Pull) -> None:
        """An open pull request ends where its branch ends."""
        head = self.repository(pull.repository).git.branch(pull.head) if pull.state == "open" else None
        if head and head != pull.head_sha:
            pull.head_sha, pull.updated_at = head, now()

    def open_pull(
        self,
        name: str,
        *,
        head: str,
        base: str,
        title: str,
        body: str = "",
        author: str = BOT,
        draft: bool = False,
    ) -> Pull:
        """Open a pull request from one branch to another.

        :raises Refused: 422, as GitHub does
        """
        with self.lock:
            hosted = self.repository(name)
            branch = self._branch_of(hosted, head)
            head_sha, base_sha = hosted.git.branch(branch), hosted.git.branch(base)
            if base_sha is None:
                raise invalid("PullRequest", field="base")
            if head_sha is None:
                raise invalid("PullRequest", field="head")
            self._check_new(hosted, branch, base)
            number = self.next_number(hosted.name)
            pull = Pull(
                repository=hosted.name, number=number, title=title, body=body, head=branch, base=base,
                head_sha=head_sha, base_sha=base_sha, author=author, draft=draft,
            )  # fmt: skip
            self.pulls.append(pull)
        self._tell(pull, "opened", author)
        return pull

    def _branch_of(self, hosted: Hosted, head: str) -> str:
        owner, colon, branch = head.rpartition(":")
        if colon and owner.lower() != hosted.name.partition("/")[0].lower():
            raise invalid("PullRequest", field="head")
        return branch

    def _check_new(self, hosted: Hosted, head: str, base: str) -> None:
        if not hosted.git.between(f"refs/heads/{base}", f"refs/heads/{head}"):
            raise invalid("PullRequest", f"No commits between {base} and {head}")
        for pull in self.pulls_of(hosted.name):
            if (pull.state, pull.head, pull.base) == ("open", head, base):
                owner = hosted.name.partition("/")[0]
                raise invalid("PullRequest", f"A pull request already exists for {owner}:{head}.")

    def merge(self, name: str, number: int, by: str = "octocat") -> Pull:
        """Merge a pull request into its base, with a merge commit, in the real repository.

        :raises Refused: 405 when it cannot be merged
        """
        with self.lock:
            hosted, pull = self.repository(name), self.pull(name, number)
            base = hosted.git.branch(pull.base)
            if pull.state != "open" or base is None:
                raise Refused(405, "Pull Request is not mergeable")
            merged = self._merge_commit(hosted, pull, base)
            hosted.git.update_ref(f"refs/heads/{pull.base}", merged, base)
            pull.merge_commit, pull.merged_by = merged, by
            self._end(pull)
        self._announce("push", push_event(pull.base, base, merged, hosted, self.address, by))
        self._tell(pull, "closed", by)
        return pull

    def _merge_commit(self, hosted: Hosted, pull: Pull, base: str) -> str:
        owner = hosted.name.partition("/")[0]
        message = f"Merge pull request #{pull.number} from {owner}/{pull.head}\n\n{pull.title}"
        try:
            return hosted.git.merge(base, pull.head_sha, message)
        except GitFailed:
            raise Refused(405, "Pull Request has merge conflicts") from None

    def close_pull(self, name: str, number: int, by: str = "octocat") -> Pull:
        """Close a pull request without merging it."""
        with self.lock:
            pull = self.pull(name, number)
            self._end(pull)
        self._tell(pull, "closed", by)
        return pull

    def _end(self, pull: Pull) -> None:
        pull.state = "closed"
        pull.updated_at = pull.closed_at = now()

    def _tell(self, pull: Pull, action: str, sender: str) -> None:
        self._announce("pull_request", self.pull_payload(pull, action, sender))

    def pull_payload(self, pull: Pull, action: str, sender: str) -> Json:
        """What GitHub sends about a pull request."""
        return pull_event(action, pull, self.repository(pull.repository), self.address, sender)

    def comment(self, name: str, number: int, body: str, author: str = BOT) -> Comment:
        """Comment on an issue or pull request."""
        with self.lock:
            on = self.numbered(name, number)
            comment = Comment(
                id=len(self.comments) + 1, repository=on.repository, number=number, body=body, author=author
            )
            self.comments.append(comment)
        return comment


def _host(number: int, name: str, path: Path) -> Hosted:
    git = BareRepository(path)
    head = git.git("symbolic-ref", "--short", "HEAD").decode().strip()
    return Hosted(id=number, name=name, git=git, default_branch=head)


def wanted(document: Any, *fields: str) -> Json:
    """The object that was sent, when it has these fields.

    :raises Refused: 400 or 422, as GitHub does
    """
    if not isinstance(document, dict):
        raise Refused(400, "Body should be a JSON object")
    missing = [field for field in fields if document.get(field) in (None, "")]
    if missing:
        verb = "wasn't" if len(missing) == 1 else "weren't"
        names = ", ".join(f'"{field}"' for field in missing)
        raise Refused(422, f"Invalid request.\n\n{names} {verb} supplied.")
    for field in fields:
        if not isinstance(document[field], str | list):
            raise Refused(422, f"Invalid request.\n\nFor 'properties/{field}', {document[field]!r} is not a string.")
    return document
