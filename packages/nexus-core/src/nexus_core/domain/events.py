"""Events: rows of the append-only table, for webhooks from outside and for facts from inside.

Each fact has a class, so that a handler can say `on=TaskCompleted`. The classes add no fields: what is particular
to a type stands in its `payload`, as each docstring says. A webhook's event is a plain `Event` whose type names its
source: `github.pull_request.closed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from .access import Actor, ActorKind


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened."""

    TYPE: ClassVar[str] = ""

    id: int
    type: str
    actor_kind: ActorKind
    actor_name: str
    created_at: datetime
    actor_id: int | None = None
    task_id: int | None = None
    repository_id: int | None = None
    assignment_id: int | None = None
    delivery: str | None = None  #: `source:id` of the webhook that caused it
    payload: Mapping[str, Any] = attrs.field(factory=dict)
    key_id: int | None = None  #: the API key that was used
    address: str | None = None  #: where the request came from
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class NewEvent:
    """An event that is to be stored."""

    type: str
    actor: Actor
    task_id: int | None = None
    repository_id: int | None = None
    assignment_id: int | None = None
    delivery: str | None = None
    payload: Mapping[str, Any] = attrs.field(factory=dict)

    def stored(self, event_id: int, at: datetime) -> Event:
        """The event that this became."""
        return event_class(self.type)(
            id=event_id, type=self.type, actor_kind=self.actor.kind, actor_name=self.actor.name,
            actor_id=self.actor.id, created_at=at, task_id=self.task_id, repository_id=self.repository_id,
            assignment_id=self.assignment_id, delivery=self.delivery, payload=self.payload, key_id=self.actor.key_id,
            address=self.actor.address, request_id=self.actor.request_id,
        )  # fmt: skip


class TaskCreated(Event):
    """A task came into being. Payload: `title`, `status`."""

    TYPE = "task.created"


class TaskEdited(Event):
    """Fields of a task changed. Payload: `changes`, field by field `{"from", "to"}`."""

    TYPE = "task.edited"


class TaskScored(Event):
    """A report, or an estimator that took its time, gave a task another score. Payload: `from`, `to`, `source`."""

    TYPE = "task.scored"


class TaskMoved(Event):
    """A task's status changed. Payload: `from`, `to`, `reason`."""

    TYPE = "task.moved"


class TaskCompleted(Event):
    """A task is done. It follows the `task.moved` that says how. Payload: `reason`, `title`."""

    TYPE = "task.completed"


class TaskReady(Event):
    """A task became ready. Payload: `because`, the id of the task that it waited for, or null."""

    TYPE = "task.ready"


class TaskConflicted(Event):
    """A task file, or the issue of a task, and Nexus both changed it. Payload: `title`; `conflicts`, each in full with
    `field`, `base`, `file` (or `issue`), `nexus` and which was `taken`."""

    TYPE = "task.conflicted"


class TaskDepended(Event):
    """A task now depends on another. Payload: `on`."""

    TYPE = "task.depended"


class TaskUndepended(Event):
    """A task no longer depends on another. Payload: `on`; `reason`, when the doctor dropped it."""

    TYPE = "task.undepended"


class TasksImported(Event):
    """A task file was imported. Payload: the figures of the report (`created`, `changed`, `unchanged`, `warnings`,
    `conflicts`), the `format`, and the `digest` of the file (SHA-256)."""

    TYPE = "tasks.imported"


class ScoresImported(Event):
    """A complexity report was imported. Payload: `tag`, and the rows `scored`, `changed`, `unscored`, `unmatched`."""

    TYPE = "scores.imported"


class TasksMended(Event):
    """The doctor of tasks mended all that one check found. Payload: `code`, `mend`, `reason`, `changes` in words.

    Each change of a task has an event of its own beside it; changes of the task file's text have this one alone.
    """

    TYPE = "tasks.mended"


class RepositoryAdded(Event):
    """A repository was added. Payload: `name`, `url`."""

    TYPE = "repository.added"


class RepositoryEdited(Event):
    """A repository changed, or was renamed by its host. Payload: `changes`, field by field `{"from", "to"}`."""

    TYPE = "repository.edited"


class RepositorySynced(Event):
    """Somebody asked for a repository to be brought in step. Payload: `name`."""

    TYPE = "repository.synced"


class RepositoryConnected(Event):
    """A repository was looked at on its host. Payload: `host`, `reachable`, `reason`, `wanting`, `set` (by Nexus)."""

    TYPE = "repository.connected"


class PolicyTouched(Event):
    """A push to the default branch touched the policy file of a repository. Payload: `commit`."""

    TYPE = "policy.touched"


class PolicyChanged(Event):
    """What a repository's policy file says came into force. Payload: `changes`, field by field `{"from", "to"}`."""

    TYPE = "policy.changed"


class PolicyRefused(Event):
    """A repository's policy file is not valid; the one before it stays in force. Payload: `file`, `faults`."""

    TYPE = "policy.refused"


class AssignmentCreated(Event):
    """An agent got a task, by claim or by assignment. Payload: `agent`, `fence`, `lease_until`, `reason`."""

    TYPE = "assignment.created"


class AssignmentStarted(Event):
    """An agent began to work. Payload: `agent`, `branch`."""

    TYPE = "assignment.started"


class AssignmentCompleted(Event):
    """An agent finished. Payload: `agent`, `branch`, `head`, `commits`, `summary`."""

    TYPE = "assignment.completed"


class AssignmentFailed(Event):
    """An agent failed or ran out of time; the task is claimable again. Payload: `agent`, `error`, `failures`."""

    TYPE = "assignment.failed"


class AssignmentReleased(Event):
    """An agent handed its task back. Payload: `agent`, `reason`."""

    TYPE = "assignment.released"


class AssignmentCancelled(Event):
    """A person, or what happened on the code host, ended an assignment. Payload: `agent`, `reason`."""

    TYPE = "assignment.cancelled"


class AssignmentLost(Event):
    """A lease ran out and nobody renewed it; the task is claimable again. Payload: `agent`, `lease_until`."""

    TYPE = "assignment.lost"


class ReworkRequested(Event):
    """What reviewers and checks found in an agent's change went back to it. Payload: `agent`, `url`, `round`, `keys`,
    `findings`."""

    TYPE = "rework.requested"


class ActivityAdded(Event):
    """An agent said something of its work. Payload: `activity_id`, `type`, `body` (shortened), `choices`."""

    TYPE = "activity.added"


class InboxAnswered(Event):
    """A person answered an agent's question. Payload: `activity_id`, `answer`."""

    TYPE = "inbox.answered"


class ChangeWasOpened(Event):
    """A change that names a task was opened. Payload: `source`, `number`, `url`, `title`, `draft`."""

    TYPE = "change.opened"


class ChangeWasMerged(Event):
    """A change that names a task was merged. Payload: as for `change.opened`, and `by`."""

    TYPE = "change.merged"


class ChangeWasClosed(Event):
    """A change that names a task was closed unmerged. Payload: as for `change.opened`."""

    TYPE = "change.closed"


class ChangeWasReviewed(Event):
    """A person reviewed an open change that names a task. Payload: as for `change.opened`, and `verdict`, `by`,
    `body`, `commit`."""

    TYPE = "change.reviewed"


class ChangeWasChecked(Event):
    """A check of an open change that names a task ended. Payload: as for `change.opened`, and `conclusion`, `name`,
    `summary`, `details` (an address), `commit`."""

    TYPE = "change.checked"


class ChangeLinked(Event):
    """A change was tied to a task. Payload: `source`, `number`, `closes`, `reason`."""

    TYPE = "change.linked"


class IssueBecameTask(Event):
    """An issue became a task, which is kept in step with it. Payload: `source`, `number`, `url`, `title`, `author`."""

    TYPE = "issue.became_task"


class IssueMoved(Event):
    """The issue of a task is another one now, in another repository. Payload: `source`, `from`, `to`, `url`."""

    TYPE = "issue.moved"


class CommandTaken(Event):
    """Somebody gave a command in a comment. Payload: `source`, `number`, `comment`, `url`, `command`, `by`, `done`
    (false: it could not be done), `answer`."""

    TYPE = "command.taken"


class CommandIgnored(Event):
    """Somebody who may not gave a command in a comment. Payload: `source`, `number`, `comment`, `url`, `command`,
    `by`, `by_id`, `reason`."""

    TYPE = "command.ignored"


class DocumentsChanged(Event):
    """A repository's documents would read differently now. Payload: `paths`."""

    TYPE = "documents.changed"


class DocumentsPublished(Event):
    """A repository's documents were committed by a plugin. Payload: `paths`, `branch`, `commit`, `url`."""

    TYPE = "documents.published"


class NotificationSent(Event):
    """People were told. Payload: `via`, `channel`, `text`, `sent` (false: rendered and logged only)."""

    TYPE = "notification.sent"


class DeliveryRefused(Event):
    """A webhook was refused, such as for a wrong signature. Payload: `source`, `reason`, `address`.

    One that stands for many has `times`: under a flood, those of one address are counted together.
    """

    TYPE = "delivery.refused"


class DeliveryDuplicated(Event):
    """A webhook came once more under its sender's id. Payload: `source`, `delivery_id`, `again` (handled again)."""

    TYPE = "delivery.duplicated"


class DeliverySpooled(Event):
    """A webhook that came while the store was away was stored. Payload: `source`, `delivery_id`, `received_at`."""

    TYPE = "delivery.spooled"


class DeliveryReplayed(Event):
    """A stored webhook was handled again on request. Payload: `source`, `delivery_id`."""

    TYPE = "delivery.replayed"


class AccessRefused(Event):
    """Somebody was refused. Payload: `reason`, `code`, `method`, `path`, `address`, `key_given`.

    One that stands for many has `times`: under a flood, those of one address are counted together.
    """

    TYPE = "access.refused"


class KeyCreated(Event):
    """An API key was made. Payload: `key_id`, `name`, `scopes`, `repositories`, `agent`, `assignment_id`."""

    TYPE = "key.created"


class KeyRevoked(Event):
    """An API key was revoked. Payload: `key_id`, `name`."""

    TYPE = "key.revoked"


class UserInvited(Event):
    """A person was invited. Payload: `username`, `role`."""

    TYPE = "user.invited"


class UserEdited(Event):
    """A person's role changed. Payload: `username`, `from`, `to`."""

    TYPE = "user.edited"


class UserJoined(Event):
    """A member of a listed organisation came in without an invitation. Payload: `username`, `role`, `organisation`."""

    TYPE = "user.joined"


class UserRenamed(Event):
    """A person has another login where they come from; they are the same one. Payload: `from`, `to`."""

    TYPE = "user.renamed"


class UserDisabled(Event):
    """A person was shut out; their sessions and the keys of their logins ended. Payload: `username`."""

    TYPE = "user.disabled"


class UserEnabled(Event):
    """A person who was shut out may come in again. Payload: `username`."""

    TYPE = "user.enabled"


class UserLoggedIn(Event):
    """A person logged in. Payload: `username`, `provider`, `by` (`browser` or `device`), `address`, `key_id`."""

    TYPE = "user.logged_in"


class UserLoggedOut(Event):
    """A person logged out. Payload: `username`, `by`, `key_id`."""

    TYPE = "user.logged_out"


class AuthorizationWithdrawn(Event):
    """A person withdrew, where they come from, that they log in here; their sessions and the keys of their logins
    ended. Payload: `username`, `provider`."""

    TYPE = "authorization.withdrawn"


class LoginRefused(Event):
    """Somebody proved who they are, and may not come in. Payload: `provider`, `id`, `login`, `reason`, `address`."""

    TYPE = "login.refused"


class AlertRaised(Event):
    """Something asks for attention. Payload: `rule`, `source`, `times`, `summary`, `advice`, `detail`."""

    TYPE = "alert.raised"


class AlertResolved(Event):
    """The cause of an alert is over. Payload: `rule`, `source`, `summary`."""

    TYPE = "alert.resolved"


class JobDied(Event):
    """A job used up its attempts. Payload: `job_id`, `kind`, `error`."""

    TYPE = "job.died"


class JobRetried(Event):
    """A person set a dead job to work again. Payload: `job_id`, `kind`, `from`."""

    TYPE = "job.retried"


#: Every type of fact, by its name on the wire.
EVENT_TYPES: dict[str, type[Event]] = {kind.TYPE: kind for kind in Event.__subclasses__()}


def event_class(type_name: str) -> type[Event]:
    """The class for a type; `Event` itself for those from outside."""
    return EVENT_TYPES.get(type_name, Event)
