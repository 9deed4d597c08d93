"""Launches an agent in a folder and tells what came of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from nexus_core.errors import Invalid, StaleClaim
from nexus_core.ports.agents import RunRequest

from .process import Callbacks, Ending, GuardedCommand, Limits
from .processes import end_marked
from .records import MARK
from .reporting import Pace, Reporter
from .sansio import command_of, duration_text, environment_of, secrets_of
from .settings import Settings
from .transcript import Transcript, clean, short

_MIB = 1 << 20


@attrs.frozen(kw_only=True)
class Outcome:
    """How the agent ended."""

    error: str = ""  #: empty: well
    summary: str = ""  #: its last answer


def find_command(request_command: tuple[str, ...], environ: Mapping[str, str], agent: str) -> list[str]:
    """The command with the place of its program.

    :raises Invalid: the program is not there, or is named by a relative path (a repository could provide it)
    """
    program, *arguments = request_command
    if "/" in program and not program.startswith("/"):
        raise Invalid(f"agent {agent}: write {program} as an absolute path, or as a name on PATH")
    found = shutil.which(program, path=environ.get("PATH", ""))
    if found is None or not found.startswith("/"):
        raise Invalid(f"agent {agent}: the command {program} is not found; install it, or correct its path")
    return [found, *arguments]


@attrs.frozen(kw_only=True)
class Launch:
    """An agent about to be launched for a request."""

    request: RunRequest
    settings: Settings
    environ: Mapping[str, str] = attrs.field(repr=False)
    key: str  #: of the task, such as NX-12
    token: str  #: marks the processes of the run

    def run(self, cwd: Path, task_file: Path, on_guard: Callable[[int], None]) -> Outcome:
        """Run the agent to its end; `on_guard` is told the process id of its guard.

        :raises StaleClaim: the work was handed on; the agent is ended
        :raises Invalid: it cannot be launched
        """
        agent = self.request.agent
        env = environment_of(agent, self.environ, self._facts(task_file))
        command = find_command(command_of(agent), env, agent.name)
        task_file.write_text(self.request.prompt, "utf-8")
        task_file.chmod(0o600)
        transcript = Transcript(root=str(cwd))
        secrets = secrets_of(agent, self.environ)
        limit = self.settings.output_kib * 1024
        reporter = Reporter(self.request.report, transcript, secrets=secrets, limit=limit)
        with GuardedCommand(command, cwd=cwd, env=env, limits=self._limits(), stdin=task_file) as guarded:
            on_guard(guarded.pid)
            ending = guarded.follow(self._callbacks(reporter))
        if ending.code < 0:  # the guard itself was killed
            end_marked(MARK, self.token, self.settings.grace)
        if ending.reason == "taken":
            raise StaleClaim("another run of this assignment took over")
        reporter.finish()
        return self._outcome(ending, transcript, reporter)

    def _facts(self, task_file: Path) -> dict[str, str]:
        facts = {
            "NEXUS_TASK_KEY": self.key,
            "NEXUS_TASK_FILE": str(task_file),
            "NEXUS_ASSIGNMENT": str(self.request.assignment.id),
            "NEXUS_AGENT": self.request.agent.name,
            MARK: self.token,
        }
        if self.request.repository is not None:
            facts |= {"NEXUS_REPOSITORY": self.request.repository.name, "NEXUS_BRANCH": self.request.branch}
        return facts

    def _limits(self) -> Limits:
        return Limits(
            deadline=self.request.agent.timeout.total_seconds(),
            grace=self.settings.grace,
            memory=self.settings.memory_mib * _MIB,
            file=self.settings.file_mib * _MIB,
            processes=self.settings.processes,
            privileges=self.settings.allow_privileges,
        )

    def _callbacks(self, reporter: Reporter) -> Callbacks:
        heartbeat = Pace(self.settings.heartbeat, self.request.heartbeat)
        reports = Pace(1.0, reporter.flush)

        def tick() -> None:
            reports.tick()
            heartbeat.tick()

        return Callbacks(
            started=self.request.started,
            line=reporter.line,
            tick=tick,
            is_flooded=lambda: reporter.is_flooded,
        )

    def _outcome(self, ending: Ending, transcript: Transcript, reporter: Reporter) -> Outcome:
        said = transcript.error or reporter.tail
        if ending.reason and ending.code == 127:
            error = f"the command cannot be run: {ending.reason}"
        elif ending.reason:
            error = self._why_ended(ending.reason)
        elif ending.code or transcript.failed:
            error = f"exit code {ending.code}: {said}" if said else f"exit code {ending.code}, without a word"
        else:
            return Outcome(summary=reporter.redacted(transcript.summary))
        return Outcome(error=short(clean(" ".join(reporter.redacted(error).split())), 600))

    def _why_ended(self, reason: str) -> str:
        allowed = {
            "timeout": f"timed out after {duration_text(self.request.agent.timeout.total_seconds())}",
            "memory": f"it used more memory than it may ({self.settings.memory_mib} MiB)",
            "processes": f"it started more processes than it may ({self.settings.processes})",
        }
        return allowed.get(reason, "it was ended from outside")
