"""Commands in comments: lines that begin with `/nexus`."""

from __future__ import annotations

import re

import attrs

from .access import Scope
from .prose import prose
from .tasks import Priority, Status

MOST = 10  #: commands of one comment
_LINE = re.compile(r"^[ ]{0,3}/nexus(?:[ \t]+(.*?))?[ \t]*$", re.MULTILINE | re.IGNORECASE)

#: What each moves a task to.
MOVES = {
    "done": Status.DONE, "complete": Status.DONE, "cancel": Status.CANCELLED, "defer": Status.DEFERRED,
    "block": Status.BLOCKED, "reopen": Status.PENDING, "approve": Status.PENDING,
}  # fmt: skip
_OTHERS = ("assign", "priority", "complexity", "why", "help")
HELP = (
    "`/nexus done|cancel|defer|block|reopen|approve [NX-12] [reason]`, `/nexus assign [agent] [NX-12]`, "
    "`/nexus priority critical|high|medium|low [NX-12]`, `/nexus complexity 1-10 [NX-12]`, `/nexus why [NX-12]`"
)


@attrs.frozen(kw_only=True)
class Command:
    """What somebody asks for in a comment."""

    verb: str  #: one of the above, or empty when nobody understands it
    said: str  #: the line, without `/nexus`
    task_id: int | None = None  #: the task that it names; None = the one that is spoken of
    value: str = ""  #: the agent, the priority, the complexity
    reason: str = ""

    @property
    def scope(self) -> Scope:
        """What one needs for it."""
        if self.verb == "assign":
            return Scope.AGENTS_ASSIGN
        return Scope.TASKS_WRITE if self.verb in (*MOVES, "priority", "complexity") else Scope.TASKS_READ


def commands_in(text: str, prefix: str = "NX") -> tuple[Command, ...]:
    """The commands of a comment, in order. Quotes, code and what is hidden hold none.

    >>> [(one.verb, one.task_id, one.reason) for one in commands_in("/nexus done NX-7 it works")]
    [('done', 7, 'it works')]
    """
    return tuple(_command(line or "", prefix) for line in _LINE.findall(prose(text))[:MOST])


def _command(line: str, prefix: str) -> Command:
    said = " ".join(line.split())[:300]
    verb, _, rest = said.partition(" ")
    verb = verb.lower()
    task_id, rest = _task(rest, prefix)
    if verb in MOVES:
        return Command(verb=verb, said=said, task_id=task_id, reason=rest)
    if verb in _OTHERS or verb == "":
        return Command(verb=verb or "help", said=said, task_id=task_id, value=_value(verb, rest))
    return Command(verb="", said=said, task_id=task_id)


def _task(rest: str, prefix: str) -> tuple[int | None, str]:
    """The task that the words name, and the words without it."""
    found = re.search(rf"(?<!\S){re.escape(prefix)}-([1-9]\d{{0,17}})(?!\S)", rest, re.IGNORECASE | re.ASCII)
    if found is None:
        return None, rest
    return int(found[1]), " ".join((rest[: found.start()] + rest[found.end() :]).split())


def _value(verb: str, rest: str) -> str:
    word = rest.partition(" ")[0]
    if verb == "priority":
        return word.lower() if word.lower() in list(Priority) else ""
    if verb == "complexity":
        return word if re.fullmatch(r"10|[1-9]", word) else ""
    return word.lstrip("@")
