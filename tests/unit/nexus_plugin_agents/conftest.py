"""A real repository, real agents (small scripts) and the requests to run them."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from nexus_core.domain.agents import ActivityType, Agent, Assignment, AssignmentStatus
from nexus_core.domain.repositories import Repository
from nexus_core.domain.tasks import Priority, Status, Task
from nexus_core.ports.agents import RunRequest
from nexus_plugin_agents.runner import CommandRunner
from nexus_plugin_agents.settings import Settings

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@attrs.define
class Heard:
    """What a runner told the hub."""

    said: list[tuple[str, str]] = attrs.field(factory=list)
    starts: int = 0
    beats: int = 0

    def report(self, type: ActivityType, body: str) -> None:
        self.said.append((str(type), body))

    def start(self) -> None:
        self.starts += 1

    def beat(self) -> None:
        self.beats += 1

    @property
    def text(self) -> str:
        return "\n".join(body for _, body in self.said)


def make_request(
    worktrees: Path,
    command: tuple[str, ...],
    url: str = "",
    *,
    task: int = 12,
    assignment: int = 5,
    **values: Any,
) -> RunRequest:
    """A request to run a command on a repository, or in a scratch folder when there is no URL."""
    heard: Heard = values.pop("heard", None) or Heard()
    agent = Agent(
        name="robot",
        command=command,
        env=values.pop("env", ()),
        timeout=timedelta(seconds=values.pop("timeout", 60)),
    )
    defaults: dict[str, Any] = {
        "agent": agent,
        "assignment": Assignment(
            id=assignment, task_id=task, agent="robot", status=AssignmentStatus.ASSIGNED, fence=1,
            lease_until=AT, assigned_at=AT,
        ),
        "task": Task(
            id=task, title=values.pop("title", "Add a greeting"), status=Status.IN_PROGRESS,
            priority=Priority.HIGH, version=1, created_at=AT, updated_at=AT,
        ),
        "repository": Repository(id=1, name="acme/api", url=url, created_at=AT) if url else None,
        "branch": f"nexus/nx-{task}-add-a-greeting",
        "prompt": "Please add a greeting.",
        "worktrees": worktrees,
        "report": heard.report,
        "heartbeat": heard.beat,
        "started": heard.start,
        "git_credentials": lambda url: None,
    }  # fmt: skip
    return RunRequest(**{**defaults, **values})


def make_runner(environ: dict[str, str] | None = None, **settings: Any) -> CommandRunner:
    """A runner with short times."""
    values = {"heartbeat": 0.5, "grace": 1.0, **settings}
    return CommandRunner(Settings(**values), environ=environ or dict(os.environ), allow_local=True)


def git(*arguments: str, cwd: Path) -> str:
    """Run git as a person would."""
    env = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A Person", "GIT_AUTHOR_EMAIL": "p@example.com",
        "GIT_COMMITTER_NAME": "A Person", "GIT_COMMITTER_EMAIL": "p@example.com",
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def wait_until(condition: Callable[[], Any], seconds: float = 10.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with one commit on main."""
    seed, bare = tmp_path / "seed", tmp_path / "remote.git"
    git("init", "--quiet", "--initial-branch=main", str(seed), cwd=tmp_path)
    (seed / "README.md").write_text("hello\n")
    git("add", ".", cwd=seed)
    git("commit", "--quiet", "-m", "begin", cwd=seed)
    git("clone", "--quiet", "--bare", str(seed), str(bare), cwd=tmp_path)
    return bare


@pytest.fixture
def agent(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Makes the command of an agent from the lines of a shell script."""

    def write(*lines: str, name: str = "agent.sh", shebang: str = "#!/bin/sh") -> tuple[str, ...]:
        script = tmp_path / name
        script.write_text("\n".join((shebang, *lines, "")))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return (str(script),)

    return write


@pytest.fixture
def worktrees(tmp_path: Path) -> Path:
    """The folder that runners work in."""
    return tmp_path / "worktrees"


@pytest.fixture
def support() -> Any:
    """The functions of this file."""

    class Support:
        request = staticmethod(make_request)
        runner = staticmethod(make_runner)
        git = staticmethod(git)
        is_alive = staticmethod(is_alive)
        wait_until = staticmethod(wait_until)
        Heard = Heard

    return Support
