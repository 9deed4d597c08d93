"""Commands in comments. Who may is who has an account here that may, or whom the repository's policy names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from ..domain.access import Actor, ActorKind, Scope
from ..domain.commands import HELP, MOVES, Command, commands_in
from ..domain.events import CommandIgnored, CommandTaken
from ..domain.hosts import CommentAdded
from ..domain.repositories import Repository
from ..domain.tasks import task_key
from ..errors import NexusError
from . import hosts
from .admission import acting
from .policies import approvers
from .work import UnitOfWork, Work, require_seen

if TYPE_CHECKING:
    from .agents import AgentService
    from .tasks import TaskService

_APPROVES = frozenset({Scope.TASKS_READ, Scope.TASKS_WRITE, Scope.AGENTS_ASSIGN})
"""What an approver may who has no account here, in the repository that names them."""


@attrs.frozen(kw_only=True)
class _Asked:
    """A comment with commands: where it stands, who wrote it, and which task it speaks of."""

    repository: Repository
    actor: Actor | None
    task_id: int | None
    is_known: bool


class Comments:
    """Comments in; what their commands ask for is done, and answered by an event."""

    def __init__(
        self, unit: UnitOfWork, tasks: Callable[[], TaskService], agents: Callable[[], AgentService]
    ) -> None:  # fmt: skip
        self._unit = unit
        self._tasks = tasks
        self._agents = agents

    def take(self, fact: CommentAdded, *, actor: Actor, delivery: str | None) -> bool:
        """Do what the commands of a comment ask for; false when there are none, or nobody may give them."""
        commands = commands_in(fact.body, self._unit.config.key_prefix)
        if fact.own or not commands:
            return False
        asked = self._unit.write(lambda work: self._asked(work, fact))
        if asked is None or asked.is_known:
            return False
        common: dict[str, Any] = {"source": fact.source, "number": fact.number, "comment": _name(fact), "url": fact.url}
        if asked.actor is None:
            self._unit.write(
                lambda work: work.record(
                    CommandIgnored, actor=actor, task_id=asked.task_id, repository_id=asked.repository.id,
                    delivery=delivery, command=commands[0].said, by=fact.author, by_id=fact.author_id,
                    reason="they have no account here that may, and the repository’s policy does not name them",
                    **common,
                )
            )  # fmt: skip
            return False
        answers = [self._done(command, asked, asked.actor, fact, delivery) for command in commands]
        by = asked.actor
        self._unit.write(
            lambda work: work.record(
                CommandTaken, actor=by, task_id=asked.task_id, repository_id=asked.repository.id, delivery=delivery,
                command="; ".join(command.said for command in commands), by=by.name,
                done=all(done for done, _ in answers), answer="\n".join(said for _, said in answers), **common,
            )
        )  # fmt: skip
        return True

    def _asked(self, work: Work, fact: CommentAdded) -> _Asked | None:
        repository = hosts.known(work, fact.repository, fact.repository_external_id)
        if repository is None:
            return None
        task_id = self._spoken_of(work, repository, fact)
        is_known = work.events.has(CommandTaken.TYPE, task_id, f'"{_name(fact)}"')
        return _Asked(
            repository=repository, actor=self._who(work, fact, repository), task_id=task_id, is_known=is_known
        )

    def _who(self, work: Work, fact: CommentAdded, repository: Repository) -> Actor | None:
        """Who commands: by the host's own id, since names change hands."""
        user = work.logins.person(fact.source, fact.author_id) if fact.author_id else None
        if user is not None and user.disabled_at is not None:
            return None
        names_them = _names(approvers(work, repository.id), fact)
        if user is not None:
            them = acting(user)
            return attrs.evolve(them, scopes=them.scopes | _APPROVES) if names_them else them
        if not names_them:
            return None
        return Actor(
            kind=ActorKind.USER, name=fact.author, scopes=_APPROVES, repositories=frozenset({repository.id})
        )  # fmt: skip

    def _spoken_of(self, work: Work, repository: Repository, fact: CommentAdded) -> int | None:
        """The one task of the change or the issue that the comment is on."""
        if not fact.on_change:
            issue = work.issues.numbered(fact.source, repository.id, fact.number)
            return None if issue is None else issue.task_id
        change = work.changes.look(fact.source, repository.id, fact.number)
        links = [] if change is None else work.changes.links(change.id)
        tasks = [link.task_id for link in links if link.closes] or [link.task_id for link in links]
        return tasks[0] if len(tasks) == 1 else None

    def _done(
        self, command: Command, asked: _Asked, actor: Actor, fact: CommentAdded, delivery: str | None
    ) -> tuple[bool, str]:
        """Whether a command was carried out, and what is answered."""
        if command.verb in ("", "help"):
            why = f"Nobody here understands “{command.said}”. " if command.verb == "" else ""
            return command.verb == "help", f"{why}Write {HELP}."
        task_id = command.task_id or asked.task_id
        if task_id is None:
            return False, f"Which task? Say `/nexus {command.verb} {task_key(12, self._unit.config.key_prefix)}`."
        try:
            actor.require(command.scope)
            self._require_near(task_id, asked, actor)
            return True, self._carry_out(command, task_id, actor, fact, delivery)
        except NexusError as error:
            return False, f"“{command.said}” was not done: {error.message}."

    def _require_near(self, task_id: int, asked: _Asked, actor: Actor) -> None:
        """A task of another repository is out of reach for who commands by this repository's policy alone."""
        with self._unit.read() as work:
            require_seen(actor, work.tasks.get(task_id).repository_id, f"task {task_id}")

    def _carry_out(
        self, command: Command, task_id: int, actor: Actor, fact: CommentAdded, delivery: str | None
    ) -> str:  # fmt: skip
        key = task_key(task_id, self._unit.config.key_prefix)
        tasks = self._tasks()
        if command.verb in MOVES:
            reason = command.reason or f"{actor.name} said so in {fact.url or 'a comment'}"
            moved = tasks.move(task_id, MOVES[command.verb], reason=reason, actor=actor, delivery=delivery)
            return f"{key} is {moved.status} now."
        if command.verb == "assign":
            assignment = self._agents().assign(task_id, command.value or None, actor=actor)
            return f"{key} is with {assignment.agent} now."
        if command.verb == "why":
            found = tasks.readiness(task_id, actor=actor)
            return f"{key} is ready." if found.ready else f"{key} waits: " + "; ".join(c.message for c in found.why)
        value: str | int = int(command.value) if command.value.isdigit() else command.value
        if not value:
            return f"Which {command.verb}? Write {HELP}."
        field = "complexity_manual" if command.verb == "complexity" else "priority"
        tasks.edit(task_id, {field: value}, actor=actor)
        return f"The {command.verb} of {key} is {value} now."


def _names(accounts: tuple[str, ...], fact: CommentAdded) -> bool:
    """Whether a policy names who wrote a comment. Digits alone are an id, although logins may consist of them."""
    named = {name.lower().removeprefix("@") for name in accounts}
    logins = {name for name in named if not name.isdigit()}
    return fact.author_id in named - logins or fact.author.lower() in logins


def _name(fact: CommentAdded) -> str:
    """The comment’s name in events, which no other text in them is by chance."""
    return f"comment-{fact.external_id}"
