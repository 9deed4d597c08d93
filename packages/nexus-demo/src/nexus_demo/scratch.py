"""The demo's two repositories: real Git, in a scratch folder."""

from __future__ import annotations

import os
import subprocess
from importlib import resources
from pathlib import Path

TASK_FILE = ".taskmaster/tasks/tasks.json"
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Mira",
    "GIT_AUTHOR_EMAIL": "mira@acme.example",
    "GIT_COMMITTER_NAME": "Mira",
    "GIT_COMMITTER_EMAIL": "mira@acme.example",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


class ScratchRepository:
    """A bare repository, as a host keeps it, and a person's clone of it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.bare = folder / "github" / f"{name}.git"
        self.clone = folder / "mira" / name.partition("/")[2]
        self.bare.parent.mkdir(parents=True, exist_ok=True)
        self.clone.parent.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(folder, "clone", "--quiet", str(self.bare), str(self.clone))

    @property
    def url(self) -> str:
        """Where it is cloned from."""
        return self.bare.as_uri()

    def fill(self) -> None:
        """The first commit: a readme and the task file that ships with the demo."""
        shipped = f"{self.name.replace('/', '-')}.tasks.json"
        content = resources.files(__package__).joinpath("data", shipped).read_bytes()
        self.commit({"README.md": f"# {self.name}\n".encode(), TASK_FILE: content}, "Plan the work")

    def commit(self, files: dict[str, bytes], message: str, *, branch: str = "main") -> None:
        """Write files, commit and push them."""
        git(
            self.clone, "switch", "--quiet", *([] if branch == "main" else ["--create"]), branch, check=branch != "main"
        )
        for path, content in files.items():
            target = self.clone / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "-m", message)
        git(self.clone, "push", "--quiet", "--set-upstream", "origin", branch)

    def log(self, branch: str) -> str:
        """The commits of a branch that main does not have."""
        return git(self.bare, "log", "--oneline", "--format=%h %an: %s", f"main..{branch}")

    def branches(self) -> list[str]:
        """The branches that were pushed."""
        return git(self.bare, "branch", "--format=%(refname:short)").split()

    def file(self, branch: str, path: str) -> str:
        """A file of a branch."""
        return git(self.bare, "show", f"{branch}:{path}")


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Run git without any influence of the person's own configuration; what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **_IDENTITY}, check=check, capture_output=True, text=True
    )
    return done.stdout.rstrip()
