"""The runner "command": launches an agent's command in a git worktree of its own, and pushes what it did."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from nexus_core.domain.repositories import Repository
from nexus_core.domain.tasks import task_key
from nexus_core.errors import Invalid
from nexus_core.ports.agents import RunRequest, RunResult

from . import records
from .git import BranchMoved, Git, GitFailed
from .launching import Launch, Outcome
from .locks import locked
from .processes import shield, start_time
from .records import Record
from .reporting import Pace
from .sansio import check_branch, check_remote
from .settings import Settings
from .transcript import clean, short
from .workplace import Mirror, Worktree, folder_name, make_private, remove

_PUSHES = (0.0, 2.0, 6.0)  # seconds before each attempt
_KEPT = 30 * 24 * 3600  # seconds after which the record of a run is forgotten


class CommandRunner:
    """Runs command agents; see AgentRunner for the contract."""

    def __init__(
        self, settings: Settings, *, environ: Mapping[str, str], allow_local: bool = False, prefix: str = "NX"
    ) -> None:
        self._settings, self._environ = settings, environ
        self._allow_local, self._prefix = allow_local, prefix
        shield()

    def run(self, request: RunRequest) -> RunResult:
        """Run the agent to its end, its time-out or the loss of the claim; leave no process behind.

        :raises StaleClaim: the assignment was handed on meanwhile
        """
        key = task_key(request.task.id, self._prefix)
        job = _Run(request=request, settings=self._settings, environ=self._environ, key=key)
        try:
            if request.repository is None or not request.repository.url:
                return job.without_repository()
            return job.in_repository(request.repository, allow_local=self._allow_local)
        except Invalid as error:
            return RunResult(ok=False, error=error.message)
        except (GitFailed, OSError) as error:
            return RunResult(ok=False, error=short(clean(" ".join(str(error).split())), 600))


@attrs.frozen(kw_only=True)
class _Run:
    """One run of one request."""

    request: RunRequest
    settings: Settings
    environ: Mapping[str, str] = attrs.field(repr=False)
    key: str

    def without_repository(self) -> RunResult:
        """Run in an empty folder; the exit code decides."""
        folder = make_private(self.request.worktrees / "scratch") / f"task-{self.request.task.id}"
        _sweep(folder.parent, self.settings.grace)
        with self._alone(folder) as record:
            if not record.is_finished:
                work = make_private(folder / "work")
                outcome = self._launch(folder, work)
                if outcome.error:
                    return RunResult(ok=False, error=outcome.error)
                record = Record(key=self._identity, is_finished=True, summary=outcome.summary)
                record.write(_beside(folder, "json"))
            return RunResult(ok=True, summary=record.summary)

    def in_repository(self, repository: Repository, *, allow_local: bool) -> RunResult:
        """Run in a worktree of the repository; commits decide, and are pushed."""
        branch = check_branch(self.request.branch)
        if branch == check_branch(repository.default_branch):
            raise Invalid(f"an agent does not work on the branch {branch} itself")
        git = self._git(repository, allow_local)
        home = make_private(self.request.worktrees / folder_name(repository.name, repository.url))
        mirror = Mirror(path=home / "mirror.git", git=git)
        _sweep(home, self.settings.grace)
        folder = home / folder_name(branch.rpartition("/")[2], branch)
        tree = Worktree(folder=folder, git=git, branch=branch, author=self.request.agent.name, url=repository.url)
        with self._alone(folder) as record:
            if record.is_delivered:
                return _done(branch, record)
            if not (record.is_finished and tree.repository.is_dir()):
                mirror.update()
                base = mirror.tip(branch) or mirror.tip(repository.default_branch)
                if base is None:
                    raise GitFailed(f"the repository has no branch {repository.default_branch} to begin with")
                tree.create(mirror.path, base)
                outcome = self._launch(folder, tree.tree)
                if outcome.error:
                    return RunResult(ok=False, error=outcome.error)
                record = self._harvest(tree, base, outcome)
            if not record.commits:
                return RunResult(ok=False, error="it ended without a change")
            return self._deliver(mirror, tree, record)

    @property
    def _identity(self) -> str:
        assignment = self.request.assignment
        return f"{assignment.id} of {assignment.assigned_at.isoformat()}"

    def _git(self, repository: Repository, allow_local: bool) -> Git:
        remote = check_remote(repository.url, allow_local=allow_local, hosts=self.settings.git_hosts)
        return Git(
            remote=remote,
            environ=self.environ,
            timeout=self.settings.git_timeout,
            credentials=self.request.git_credentials(repository.url) if remote.takes_password else None,
            beat=Pace(self.settings.heartbeat, self.request.heartbeat).tick,
        )

    @contextmanager
    def _alone(self, folder: Path) -> Iterator[Record]:
        """End what is left of an earlier run, keep others out; yields what that run finished of this work."""
        path = _beside(folder, "json")
        records.read(path).end_processes(self.settings.grace)
        wait, beat = self.settings.grace + 60, Pace(self.settings.heartbeat, self.request.heartbeat).tick
        with locked(_beside(folder, "lock"), wait=wait, beat=beat) as is_ours:
            if not is_ours:
                raise GitFailed("another run works on the same branch")
            record = records.read(path)
            record.end_processes(self.settings.grace)
            is_same = record.is_finished and record.key == self._identity
            if not is_same:
                remove(folder)
            try:
                yield record if is_same else Record()
            finally:
                remove(folder)

    def _launch(self, folder: Path, cwd: Path) -> Outcome:
        path, token = _beside(folder, "json"), secrets.token_hex(16)
        record = Record(key=self._identity, token=token).write(path)

        def on_guard(pid: int) -> None:
            attrs.evolve(record, guard=pid, guard_started=start_time(pid)).write(path)

        launch = Launch(request=self.request, settings=self.settings, environ=self.environ, key=self.key, token=token)
        return launch.run(cwd, folder / "task.md", on_guard)

    def _harvest(self, tree: Worktree, base: str, outcome: Outcome) -> Record:
        """Commit what the agent left, and write down that there is something to deliver."""
        tree.secure()
        title = short(" ".join(clean(self.request.task.title).split()), 120)
        tree.commit_leftovers(f"{self.key}: {title}\n\n{self.request.agent.name} left these changes uncommitted.\n")
        subjects = tree.subjects(base)
        summary = outcome.summary or short(clean("; ".join(subjects)), 500)
        record = Record(
            key=self._identity,
            is_finished=True,
            summary=summary,
            base=base,
            head=tree.head(),
            commits=len(subjects),
        )
        return record.write(_beside(tree.folder, "json")) if subjects else record

    def _deliver(self, mirror: Mirror, tree: Worktree, record: Record) -> RunResult:
        """Push it. The claim is looked at once more before: what was handed on is not ours to push."""
        for number, pause in enumerate(_PUSHES, 1):
            time.sleep(pause)
            self.request.heartbeat()
            try:
                mirror.push(record.head, tree.branch, base=record.base, source=tree.repository)
                break
            except GitFailed as error:
                if number == len(_PUSHES) or isinstance(error, BranchMoved):
                    raise
        attrs.evolve(record, is_delivered=True).write(_beside(tree.folder, "json"))
        return _done(tree.branch, record)


def _done(branch: str, record: Record) -> RunResult:
    return RunResult(ok=True, summary=record.summary, branch=branch, head=record.head, commits=record.commits)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f"{folder.name}.{ending}")


def _sweep(home: Path, grace: float) -> None:
    """Clear what runs left here whose worker died and that nobody took up again."""
    for path in home.glob("*.json"):
        with suppress(FileNotFoundError), locked(_beside(path.with_suffix(""), "lock"), wait=0) as is_ours:
            if is_ours:
                _clear(path, grace, is_old=time.time() - path.stat().st_mtime > _KEPT)


def _clear(path: Path, grace: float, *, is_old: bool) -> None:
    folder, record = path.with_suffix(""), records.read(path)
    if folder.exists() and (is_old or not record.is_finished):
        record.end_processes(grace)
        remove(folder)
    if is_old:
        path.unlink()
        _beside(folder, "lock").unlink()
