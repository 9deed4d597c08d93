"""A bare Git repository, read and written with Git's own plumbing: no checkout, no library."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_NOBODY = "0" * 40
_IDENTITY = {"NAME": "GitHub stand-in", "EMAIL": "noreply@stand-in.invalid"}


class GitFailed(Exception):
    """Git refused; the message is its own."""


class TreeEntry(NamedTuple):
    """One row of a tree."""

    mode: str
    kind: str  #: blob, tree or commit
    sha: str
    path: str


class CommitInfo(NamedTuple):
    """A commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: str  #: ISO 8601
    message: str


class BareRepository:
    """The plumbing on one bare repository. Methods raise `GitFailed` unless they say otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, data: bytes = b"", index: str | None = None) -> bytes:
        """Run a Git command on the repository and return what it prints."""
        done = subprocess.run(
            ["git", f"--git-dir={self.path}", *arguments],
            input=data,
            capture_output=True,
            env=_environment(index),
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise GitFailed(said or f"git {arguments[0]} exited with {done.returncode}")
        return done.stdout

    def _line(self, *arguments: str, data: bytes = b"", index: str | None = None) -> str:
        return self.git(*arguments, data=data, index=index).decode().strip()

    def resolve(self, name: str, kind: str = "commit") -> str | None:
        """The id of what a ref or id names, when it is of this kind; else None."""
        try:
            return self._line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{{kind}}}")
        except GitFailed:
            return None

    def branch(self, name: str) -> str | None:
        """The commit that a branch ends with, or None."""
        return self.resolve(f"refs/heads/{name}")

    def commit(self, sha: str) -> CommitInfo:
        """What a commit says."""
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B"
        fields = self.git("log", "-1", f"--format={form}", "--end-of-options", sha).decode().split("\0")
        found, tree, parents, author, email, date, message = fields
        return CommitInfo(found, tree, tuple(parents.split()), author, email, date, message.rstrip("\n"))

    def tree(self, name: str, *, recursive: bool = False) -> list[TreeEntry]:
        """The rows of a tree."""
        flags = ["-r", "-t"] if recursive else []
        listed = self.git("ls-tree", "-z", *flags, name).decode("utf-8", "surrogateescape")
        return _rows(listed)

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """The row of a path in a commit's tree, or None."""
        listed = self.git("ls-tree", "-z", commit, "--", path).decode("utf-8", "surrogateescape")
        return next((row for row in _rows(listed) if row.path == path), None)

    def blob(self, sha: str) -> bytes:
        """The content of a file."""
        return self.git("cat-file", "blob", sha)

    def write_blob(self, content: bytes) -> str:
        """Store a file's content; its id."""
        return self._line("hash-object", "-w", "--stdin", data=content)

    def write_tree(self, base: str | None, entries: Sequence[tuple[str, str, str | None]]) -> str:
        """A tree from another one and changes to it: (mode, path, id); an id of None takes the path away."""
        rows = b"".join(
            f"{mode if sha else '0'} {sha or _NOBODY}\t{path}".encode() + b"\0" for mode, path, sha in entries
        )
        with tempfile.TemporaryDirectory() as folder:
            index = str(Path(folder) / "index")
            if base:
                self.git("read-tree", base, index=index)
            self.git("update-index", "-z", "--index-info", data=rows, index=index)
            return self._line("write-tree", index=index)

    def write_commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Store a commit; its id."""
        joined = [part for parent in parents for part in ("-p", parent)]
        return self._line("commit-tree", tree, *joined, "-F", "-", data=message.encode())

    def update_ref(self, ref: str, new: str, old: str | None) -> None:
        """Point a ref to a commit, if it still points to the old one (None: if it does not exist)."""
        self.git("update-ref", ref, new, old or _NOBODY)

    def delete_ref(self, ref: str) -> None:
        """Take a ref away."""
        self.git("update-ref", "-d", ref)

    def is_ref_name(self, ref: str) -> bool:
        """Whether Git takes this as the full name of a ref."""
        try:
            self.git("check-ref-format", ref)
        except GitFailed:
            return False
        return ref.startswith("refs/")

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether one commit is in the history of another."""
        try:
            self.git("merge-base", "--is-ancestor", old, new)
        except GitFailed:
            return False
        return True

    def between(self, base: str, head: str) -> list[CommitInfo]:
        """The commits of one history that the other lacks, the oldest first."""
        listed = self._line("rev-list", "--reverse", f"{base}..{head}").split()
        return [self.commit(sha) for sha in listed]

    def changes(self, commit: str) -> dict[str, list[str]]:
        """What a commit did to files: `added`, `removed`, `modified`."""
        rows = self.git(
            "diff-tree",
            "-z",
            "--root",
            "-r",
            "-m",
            "--first-parent",
            "--no-commit-id",
            "--name-status",
            commit,
        )
        parts = rows.decode("utf-8", "surrogateescape").split("\0")
        found: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
        kinds = {"A": "added", "D": "removed"}
        for status, path in zip(parts[::2], parts[1::2], strict=False):
            found[kinds.get(status, "modified")].append(path)
        return found

    def merge(self, base: str, head: str, message: str) -> str:
        """A merge commit of two commits; its id. Conflicts are refused."""
        # Nothing happened on the base: the result is the head's tree: no need of `merge-tree`, which is new.
        if self.is_ancestor(base, head):
            tree = self.commit(head).tree
        else:
            tree = self._line("merge-tree", "--write-tree", base, head).splitlines()[0]
        return self.write_commit(tree, [base, head], message)


def _rows(listed: str) -> list[TreeEntry]:
    """The rows that `git ls-tree -z` prints."""
    found = []
    for row in filter(None, listed.split("\0")):
        mode, kind, rest = row.split(" ", 2)
        sha, _, path = rest.partition("\t")
        found.append(TreeEntry(mode, kind, sha, path))
    return found


def _environment(index: str | None) -> dict[str, str]:
    """Nothing of the machine's own Git configuration plays a part."""
    given = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    given |= {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    for who in ("AUTHOR", "COMMITTER"):
        given |= {f"GIT_{who}_{part}": value for part, value in _IDENTITY.items()}
    return given | ({"GIT_INDEX_FILE": index} if index else {})
