"""Where an agent works: a mirror of each repository, and for each run a git worktree of its own.

A run has a small repository of its own too, which borrows its objects from the mirror: what an agent does to
branches, stashes or configuration touches neither another run nor the mirror. Below the worktrees folder:

    <repository>/mirror.git          fetched under a lock; no agent is told of it
    <repository>/<branch>/git, tree  the run: repository and worktree, removed at its end
    <repository>/<branch>.json       what came of the run (see records.py), and <branch>.lock
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import attrs

from .git import BranchMoved, Git, GitFailed
from .locks import locked

_EXPIRED = ("config.worktree", "info/attributes", "info/grafts", "index.lock", "HEAD.lock")


def folder_name(words: str, *unique: str) -> str:
    """A name for a folder: what can be read of the words, and a few letters that keep it apart."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-").lower()[:40]
    return f"{readable}-{hashlib.sha256('|'.join((words, *unique)).encode()).hexdigest()[:10]}"


def make_private(folder: Path) -> Path:
    """The folder, made where it is missing; its owner alone may look into it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, also what was made read-only."""

    def unlock(function: Callable[[str], object], path: str, _: object) -> None:
        for place in (Path(path).parent, Path(path)):
            if not place.is_symlink() and place.exists():
                place.chmod(place.stat().st_mode | stat.S_IRWXU)
        function(path)

    if folder.exists():
        shutil.rmtree(folder, onerror=unlock)


def _quoted(text: str) -> str:
    return '"' + "".join(letter for letter in text if letter >= " ").replace("\\", "\\\\").replace('"', '\\"') + '"'


@attrs.frozen(kw_only=True)
class Mirror:
    """A bare copy of a repository that runs borrow from; only we read and write it."""

    path: Path
    git: Git

    def update(self) -> None:
        """Bring it up to date, one at a time.

        :raises GitFailed: the repository cannot be reached
        """
        with locked(self.path.with_suffix(".lock"), wait=self.git.timeout, beat=self.git.beat) as is_ours:
            if not is_ours:
                raise GitFailed("another fetch of the repository takes too long")
            if not (self.path / "HEAD").exists():
                self.git.run("init", "--bare", "--quiet", "--template=", "--", str(make_private(self.path)))
            for stale in (*self.path.glob("*.lock"), *(self.path / "refs").rglob("*.lock")):
                stale.unlink(missing_ok=True)
            self.secure()
            specs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            fetch = ("fetch", "--prune", "--no-tags", "--quiet", "--no-write-fetch-head", "--end-of-options")
            self.git.reach(*fetch, self.git.remote.url, *specs, git_dir=self.path)
            self.git.run("-c", "gc.auto=6700", "gc", "--auto", "--quiet", git_dir=self.path)

    def secure(self) -> None:
        """Write the configuration anew: whatever else came into it has no say when credentials are used."""
        _write(self.path / "config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        for name in _EXPIRED[:3]:
            (self.path / name).unlink(missing_ok=True)

    def tip(self, branch: str) -> str | None:
        """The commit that a branch pointed to at the last update."""
        try:
            return self.git.run(
                "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}", git_dir=self.path
            ).strip()
        except GitFailed:
            return None

    def push(self, head: str, branch: str, *, base: str, source: Path) -> None:
        """Push a commit of the repository `source`, which began at `base`, as a branch.

        :raises BranchMoved: somebody else moved the branch meanwhile
        :raises GitFailed: it was refused
        """
        self.secure()
        ref = f"refs/heads/{branch}"
        listed = self.git.reach("ls-remote", "--quiet", "--end-of-options", self.git.remote.url, ref, git_dir=self.path)
        now = next((line.split("\t")[0] for line in listed if line.endswith("\t" + ref)), "")
        if now == head:
            return
        if now and now != base and not self._is_ancestor(now, head, source):
            raise BranchMoved(f"the branch {branch} was changed by somebody else meanwhile")
        lease = f"--force-with-lease={ref}:{now}"
        push = ("push", "--quiet", "--no-verify", lease, "--end-of-options", self.git.remote.url)
        self.git.reach(*push, f"{head}:{ref}", git_dir=self.path, objects=source / "objects")

    def _is_ancestor(self, old: str, new: str, source: Path) -> bool:
        try:
            self.git.run("merge-base", "--is-ancestor", old, new, git_dir=source)
        except GitFailed:
            return False
        return True


@attrs.frozen(kw_only=True)
class Worktree:
    """The repository and the worktree of one run."""

    folder: Path
    git: Git
    branch: str
    author: str
    url: str

    @property
    def tree(self) -> Path:
        """Where the agent works."""
        return self.folder / "tree"

    @property
    def repository(self) -> Path:
        """The run's own repository."""
        return self.folder / "git"

    @property
    def _inner(self) -> Path:
        return self.repository / "worktrees" / "tree"

    def create(self, mirror: Path, start: str) -> None:
        """Make it anew, with the branch at the commit `start`.

        :raises GitFailed: git refused
        """
        remove(self.folder)
        make_private(self.folder)
        self.git.run("init", "--bare", "--quiet", "--template=", "--", str(self.repository))
        _write(self.repository / "objects" / "info" / "alternates", f"{mirror / 'objects'}\n")
        self._configure()
        specs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", str(mirror))
        self.git.run(*fetch, *specs, git_dir=self.repository, local=True)
        add = ("worktree", "add", "--quiet", "--no-track", "-b", self.branch, "--", str(self.tree), start)
        self.git.run(*add, git_dir=self.repository)
        self.tree.chmod(0o700)

    def secure(self) -> None:
        """Undo what an agent may have done to the configuration, before git runs here for us.

        :raises GitFailed: the worktree is no longer there
        """
        if not self._inner.is_dir() or not self.tree.is_dir() or self.tree.is_symlink():
            raise GitFailed("the worktree is gone: the agent removed it")
        self._configure()
        for folder in (self.repository, self._inner):
            for name in _EXPIRED:
                (folder / name).unlink(missing_ok=True)
        _write(self._inner / "commondir", "../..\n")
        _write(self._inner / "gitdir", f"{self.tree / '.git'}\n")

    def commit_leftovers(self, message: str) -> bool:
        """Commit what the agent left uncommitted; whether there was anything.

        :raises GitFailed: it left a merge unfinished, or git refused
        """
        if self._here("ls-files", "--unmerged"):
            raise GitFailed("the agent left a merge with conflicts unfinished")
        if not self._here("status", "--porcelain", "--untracked-files=all"):
            return False
        self._here("add", "--all", "--", ".")
        if not self._here("diff", "--cached", "--name-only"):
            return False
        self._here("commit", "--quiet", "--no-verify", "--file=-", text=message)
        return True

    def head(self) -> str:
        """The commit that the worktree stands on."""
        return self._here("rev-parse", "--verify", "HEAD^{commit}").strip()

    def subjects(self, base: str) -> list[str]:
        """The first line of each commit since `base`, the oldest first."""
        return self._here("log", "--reverse", "--format=%s", f"{base}..HEAD", "--").splitlines()

    def _here(self, *arguments: str, text: str = "") -> str:
        return self.git.run(*arguments, git_dir=self._inner, work_tree=self.tree, text=text)

    def _configure(self) -> None:
        slug = re.sub(r"[^A-Za-z0-9.-]+", "-", self.author).strip("-.") or "agent"
        _write(
            self.repository / "config",
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[gc]\n\tauto = 0\n"
            f'[remote "origin"]\n\turl = {_quoted(self.url)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
            f"[user]\n\tname = {_quoted(f'{self.author} (Nexus agent)')}\n"
            f"\temail = {slug}@agents.nexus.invalid\n",
        )


def _write(path: Path, text: str) -> None:
    """Write a file in one step, never through a link that stands in its place."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    beside.write_text(text, "utf-8")
    beside.replace(path)
