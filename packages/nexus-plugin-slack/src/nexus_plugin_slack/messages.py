"""What Nexus tells the channel: from an event and what is known, to a message. Nothing is looked up here."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nexus_core.domain.agents import Activity
from nexus_core.domain.events import (
    AssignmentCreated,
    AssignmentFailed,
    ChangeWasOpened,
    Event,
    TaskCompleted,
)
from nexus_core.domain.tasks import Task, task_key

from . import words
from .blocks import MAX_BUTTON_VALUE, Button, Message, actions, context, message, section
from .text import count, link, plain, quote

ANSWER_ACTION = "nexus.answer"  #: the action ids of the buttons below a question begin with it


def assignment_created(event: AssignmentCreated, task: Task, prefix: str) -> Message:
    """An agent has a task now, and why it is this one."""
    agent = plain(_text(event, "agent") or "an agent", 60)
    reason = plain(_text(event, "reason"), 300)
    return message(
        f"{agent} took {words.plain_name(task, prefix)}",
        section(f":robot_face: *{agent}* took {words.name(task, prefix)}"),
        context(*words.facts(task), f"why: {reason}" if reason else ""),
    )


def change_opened(event: ChangeWasOpened, task: Task, agent: str, prefix: str) -> Message:
    """A pull request waits for people."""
    number = event.payload.get("number")
    label = f"{plain(task.repository or '')}#{number}" if isinstance(number, int) else "the change"
    draft = bool(event.payload.get("draft"))
    said = "a draft" if draft else "ready for review"
    title = plain(_text(event, "title"))
    return message(
        f"{words.plain_name(task, prefix)} is {said}: {label}",
        section(
            f":eyes: {words.name(task, prefix)} is {said}: {link(_text(event, 'url'), f'*{label}*')}",
            title if title and title != plain(task.title) else "",
        ),
        context(*words.facts(task), f"by {plain(agent, 60)}" if agent else ""),
    )


def task_completed(event: TaskCompleted, task: Task, freed: Sequence[Task], url: str, prefix: str) -> Message:
    """A task is done, and what can be started because of it. `url` is the change that did it."""
    reason = plain(_text(event, "reason"), 300)
    opened = f"{count(len(freed), 'task')} became ready"
    return message(
        f"{words.plain_name(task, prefix)} is done" + (f"; {opened}" if freed else ""),
        section(f":white_check_mark: {words.name(task, prefix)} is *done*"),
        context(words.home(task), link(url, reason) if reason else ""),
        section(f"{words.READY_SIGN} *{opened}:*", *(_freed(other, prefix) for other in freed[:10])) if freed else None,
    )


def assignment_failed(event: AssignmentFailed, task: Task, prefix: str) -> Message:
    """An agent could not do it: what went wrong, and what becomes of the task."""
    agent = plain(_text(event, "agent") or "an agent", 60)
    failures = event.payload.get("failures")
    times = f"{count(failures, 'failed run')} so far" if isinstance(failures, int) and failures > 1 else ""
    return message(
        f"{agent} could not finish {words.plain_name(task, prefix)}",
        section(
            f":warning: *{agent}* could not finish {words.name(task, prefix)}",
            quote(_text(event, "error") or "no reason given", 4, 300),
        ),
        context(*words.facts(task), times),
        context(f"`/nexus show {task_key(task.id, prefix)}` says where it stands"),
    )


def question(activity: Activity, task: Task, agent: str, prefix: str, *, buttons: bool) -> Message:
    """An agent asks. With `buttons`, its choices can be pressed; without, they are listed."""
    asker = plain(agent, 60)
    pressable = _buttons(activity) if buttons else []
    choices = [] if pressable else [f"•  {plain(choice)}" for choice in activity.choices[:10]]
    return message(
        f"{asker} asks about {words.plain_name(task, prefix)}: {plain(activity.body)}",
        section(f":speech_balloon: *{asker}* asks about {words.name(task, prefix)}", _asked(activity)),
        section(*choices),
        actions(f"nexus.inbox.{activity.id}", pressable),
        context(words.home(task), f"{'or' if pressable else 'answer'}: `nexus inbox answer {activity.id} …`"),
    )


def answered(activity: Activity, task: Task, agent: str, prefix: str) -> Message:
    """The question again, now with its answer: there is nothing left to press."""
    asker = plain(agent, 60)
    by = plain(activity.answered_by or "somebody", 60)
    return message(
        f"{by} answered {asker} about {words.plain_name(task, prefix)}",
        section(f":speech_balloon: *{asker}* asked about {words.name(task, prefix)}", _asked(activity)),
        section(f":white_check_mark: *{by}* answered: {plain(activity.answer or '', 500)}"),
        context(words.home(task)),
    )


def alert_raised(event: Event) -> Message:
    """Something needs attention: what, how it looks, and what to do."""
    summary, detail = plain(_text(event, "summary"), 300), _text(event, "detail")
    return message(
        summary,
        section(f":rotating_light: *{summary}*", quote(detail, 3, 300) if detail else ""),
        context(plain(_text(event, "advice"), 600)),
    )


def alert_resolved(event: Event) -> Message:
    """The cause of an alert is over."""
    summary = plain(_text(event, "summary"), 300)
    return message(summary, section(f":white_check_mark: {summary}"))


def refusal(text: str) -> Message:
    """Somebody may not do what was asked."""
    said = plain(text, 500)
    return message(said, section(f":lock: {said}"))


def read_answer(value: str) -> tuple[int, str] | None:
    """The question and the answer that a pressed button stands for; None when it is none of ours."""
    try:
        data = json.loads(value)
        activity, answer = data["activity"], data["answer"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (activity, answer) if type(activity) is int and isinstance(answer, str) else None


def _buttons(activity: Activity) -> list[Button]:
    buttons = [
        Button(
            label=choice,
            action_id=f"{ANSWER_ACTION}.{place}",
            value=json.dumps({"activity": activity.id, "answer": choice}, ensure_ascii=False),
        )
        for place, choice in enumerate(activity.choices)
    ]
    return buttons if all(len(button.value) <= MAX_BUTTON_VALUE for button in buttons) else []


def _freed(task: Task, prefix: str) -> str:
    return words.choice(task, prefix) + (f", {plain(task.agent, 60)} has it already" if task.agent else "")


def _asked(activity: Activity) -> str:
    return quote(activity.body, 12, 300)


def _text(event: Event, key: str) -> str:
    value = event.payload.get(key)
    return value if isinstance(value, str) else ""
