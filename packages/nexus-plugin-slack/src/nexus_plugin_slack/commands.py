"""What `/nexus …` says: from what was asked and is known, to a message. Nothing is looked up here."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

import attrs

from nexus_core.domain.changes import Change
from nexus_core.domain.readiness import Condition, Readiness
from nexus_core.domain.tasks import Task, parse_task_id, task_key
from nexus_core.errors import Invalid

from . import words
from .blocks import Message, context, message, section
from .text import code, count, link, one_line, plain, quote

MOST = 10  #: tasks that a list shows


class Verb(enum.StrEnum):
    """What can be asked."""

    NEXT = "next"
    READY = "ready"
    SHOW = "show"
    WHY = "why"
    HELP = "help"


@attrs.frozen(kw_only=True)
class Command:
    """What somebody asked."""

    verb: Verb
    argument: str = ""
    unknown: str = ""  #: the word that is no command, when there is one


@attrs.frozen(kw_only=True)
class Picture:
    """A task with what is known around it."""

    task: Task
    readiness: Readiness
    dependencies: tuple[Task, ...] = ()
    changes: tuple[Change, ...] = ()
    others: Mapping[int, Task] = attrs.field(factory=dict)  #: the tasks that the readiness speaks of


def parse(text: str, prefix: str) -> Command:
    """What the text after `/nexus` asks for; a bare task key asks to show it.

    >>> parse("why NX-12", "NX")
    Command(verb=<Verb.WHY: 'why'>, argument='NX-12', unknown='')
    """
    asked = one_line(text, 300).split()
    if not asked:
        return Command(verb=Verb.HELP)
    verb, argument = asked[0].lower(), " ".join(asked[1:])
    if verb in set(Verb):
        return Command(verb=Verb(verb), argument=argument)
    try:
        parse_task_id(asked[0], prefix)
    except Invalid:
        return Command(verb=Verb.HELP, unknown=asked[0])
    return Command(verb=Verb.SHOW, argument=asked[0])


def help_(unknown: str = "", prefix: str = "NX") -> Message:
    """Everything that can be asked."""
    example = task_key(12, prefix)
    lead = f":grey_question: There is no {code(f'/nexus {unknown}')}. This is what I know:" if unknown else ""
    return message(
        f"Ask me: /nexus next, /nexus ready, /nexus show {example}, /nexus why {example}",
        section(lead or ":compass: *Ask Nexus what to work on, and why.*"),
        section(
            "`/nexus next`  the best task to start now; `/nexus next owner/name` within one repository",
            "`/nexus ready`  everything that can be started now, best first",
            f"`/nexus show {example}`  a task: status, who has it, what it waits for, its pull requests",
            f"`/nexus why {example}`  why a task is not ready, and what waits for it",
        ),
        context("Only you see these answers."),
    )


def usage(verb: Verb, prefix: str = "NX") -> Message:
    """How a command that lacks its task is written."""
    text = f"Which task? Write `/nexus {verb} {task_key(12, prefix)}`."
    return message(text.replace("`", ""), section(f":grey_question: {text}"))


def trouble(text: str, hint: str = "") -> Message:
    """Something could not be answered; `text` may hold anything, `hint` is our own."""
    said = plain(text, 500)
    return message(said, section(f":mag: {said}"), context(hint))


def no_task(asked: str, prefix: str) -> Message:
    """There is no such task."""
    example = task_key(12, prefix)
    hint = f"A task is written {code(example)}  ·  `/nexus ready` lists some"
    return trouble(f"I know no task {asked}.", hint)


def no_repository(asked: str, known: Sequence[str]) -> Message:
    """There is no such repository."""
    some = ", ".join(code(name) for name in known[:MOST])
    return trouble(f"I look after no repository {asked}.", f"I know {some}" if some else "I know none yet")


def next_(task: Task | None, reasons: Sequence[str], repository: str, prefix: str) -> Message:
    """The best task to start now."""
    if task is None:
        where = f" in {plain(repository)}" if repository else ""
        hint = f"`/nexus why {task_key(12, prefix)}` says what a task waits for"
        said = f"Nothing is ready{where}."
        return message(said, section(f":zzz: *{said}*"), context(hint))
    why = "  ·  ".join(plain(reason) for reason in reasons)
    return message(
        f"Next: {words.plain_name(task, prefix)}",
        section(f"{words.READY_SIGN} Next: {words.name(task, prefix)}"),
        context(*words.facts(task)),
        section(quote(task.description, 3)),
        section(f"*Why this one:* {why}" if why else ""),
        context(f"`/nexus show {task_key(task.id, prefix)}` tells more  ·  `/nexus ready` lists the rest"),
    )


def ready(tasks: Sequence[Task], repository: str, prefix: str) -> Message:
    """Everything that can be started now."""
    if not tasks:
        return next_(None, (), repository, prefix)
    where = f" in {plain(repository)}" if repository else ""
    lines = [words.choice(task, prefix) for task in tasks[:MOST]]
    more = "There are more; these come first." if len(tasks) > MOST else ""
    total = f"{MOST} of the ready tasks" if more else f"{count(len(tasks), 'task')} ready"
    return message(
        f"{total}{where}, best first: {words.plain_name(tasks[0], prefix)}",
        section(f"{words.READY_SIGN} *{total}{where}*, best first:", *lines),
        context(more, f"`/nexus why {task_key(tasks[0].id, prefix)}` says what waits for it"),
    )


def show(picture: Picture, prefix: str) -> Message:
    """A task, with what it waits for and its pull requests."""
    task, is_ready = picture.task, picture.readiness.ready
    hint = f"`/nexus why {task_key(task.id, prefix)}` says why it is not ready"
    needs = words.items(picture.dependencies, prefix, most=MOST)
    changes = [
        f"•  {link(change.url, plain(f'#{change.number} {change.title}'))}  —  {change.state}"
        for change in picture.changes[:MOST]
    ]
    return message(
        f"{words.plain_name(task, prefix)}: {'ready' if is_ready else task.status}",
        section(words.name(task, prefix)),
        context(words.status(task, ready=is_ready), *words.facts(task)),
        section(quote(task.description)),
        section("*Depends on*", *needs) if needs else None,
        section("*Pull requests*", *changes) if changes else None,
        section(_waiting(picture, prefix)),
        context("" if is_ready or task.status.is_closed else hint),
    )


def why(picture: Picture, prefix: str) -> Message:
    """Why a task is not ready, condition by condition, and what waits for it."""
    task, readiness = picture.task, picture.readiness
    if readiness.ready:
        verdict = f"{words.READY_SIGN} {words.name(task, prefix)} is *ready*."
    elif task.status.is_closed:
        verdict = f"{words.status(task)}: {words.name(task, prefix)}"
    else:
        verdict = f":hourglass_flowing_sand: {words.name(task, prefix)} is *not ready*:"
    conditions = () if task.status.is_closed else readiness.why
    state = "ready" if readiness.ready else "not ready" if conditions else str(task.status)
    reasons = [line for condition in conditions for line in _condition(condition, picture, prefix)]
    return message(
        f"{words.plain_name(task, prefix)}: {state}",
        section(verdict, *reasons),
        context(*words.facts(task)),
        section(_waiting(picture, prefix)),
        context(*(plain(note) for note in readiness.notes[:3])),
    )


def _condition(condition: Condition, picture: Picture, prefix: str) -> list[str]:
    causes = [picture.others[cause] for cause in condition.tasks if cause in picture.others]
    hidden = len(condition.tasks) - len(causes)
    lines = [f"      {line}" for line in words.items(causes, prefix, most=MOST)]
    more = [f"      •  and {hidden} more"] if hidden and causes else []
    said = plain(condition.message)
    return [f"*{said[:1].upper()}{said[1:]}*", *lines, *more]


def _waiting(picture: Picture, prefix: str) -> str:
    impact = picture.readiness.impact
    if impact is None or not impact.waiting or picture.task.status.is_closed:
        return ""
    freed = [picture.others[task] for task in impact.unblocks if task in picture.others]
    names = "; ".join(words.name(task, prefix) for task in freed[:3])
    more = f" and {len(impact.unblocks) - 3} more" if len(impact.unblocks) > 3 else ""
    opens = f" Done, it makes ready: {names}{more}." if names else ""
    waits = "waits" if impact.waiting == 1 else "wait"
    chain = f", {impact.longest_chain} of them in a row" if impact.longest_chain > 1 else ""
    number = f"{impact.waiting} or more open tasks" if impact.is_at_least else count(impact.waiting, "open task")
    return f":link: *{number} {waits} for it*{chain}.{opens}"
