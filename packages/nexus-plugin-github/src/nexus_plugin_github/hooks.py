"""What the plugin adds to Nexus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from nexus_core.domain import events
from nexus_core.plugins import records
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.lazily import lazily

from .settings import DECLARED

_SETTLING = timedelta(seconds=20)
"""Changes of tasks come in swarms; a task file is written once for all of them."""
_RESTS = 20
"""What is written of all tasks of a large repository takes long: it has a twentieth of a processor."""

_CATCHING_UP = timedelta(minutes=10)
_RECONCILING = timedelta(hours=1)

_CHANGE_FILES = (
    events.TaskCreated, events.TaskEdited, events.TaskMoved, events.TaskScored, events.TaskDepended,
    events.TaskUndepended, events.TasksMended, events.TasksImported,
)  # fmt: skip
_CHANGE_READINESS = (
    events.ChangeLinked, events.ChangeWasOpened, events.TaskMoved, events.TaskDepended, events.TaskUndepended,
    "github.pull_request.synchronize", "github.check_run.rerequested", "github.check_suite.rerequested",
)  # fmt: skip

NEXUS_NAME = "github"  #: what the plugin is called also where it is given to `Nexus.open` by hand


def may_ask_for_mending(event: events.Event) -> bool:
    """Of all moves only those to work, by what GitHub said."""
    by_github = (event.delivery or "").startswith("github:")
    return event.task_id is None or (by_github and event.payload.get("to") == "in-progress")


@hookimpl
def nexus_settings() -> Iterable[records.PluginSettings]:
    """The table `[plugins.github]`."""
    yield DECLARED


@hookimpl
def nexus_delivery_sources() -> Iterable[records.DeliverySource]:
    """GitHub's webhooks."""
    yield records.DeliverySource(
        name="github",
        verify=lazily("nexus_plugin_github.handlers:verify"),
        translate=lazily("nexus_plugin_github.handlers:read"),
    )


@hookimpl
def nexus_event_handlers() -> Iterable[records.EventHandler]:
    """Pull requests for finished work and what is said of them; documents; task files; issues; answers to commands."""
    yield records.EventHandler(
        name="github.open_pull_request",
        on=events.AssignmentCompleted,
        call=lazily("nexus_plugin_github.handlers:open_pull_request"),
    )
    yield records.EventHandler(
        name="github.publish_documents",
        on=events.DocumentsChanged,
        call=lazily("nexus_plugin_github.handlers:publish_documents"),
        lane="docs",
        coalesce=lambda event: str(event.repository_id),
        rest=_RESTS,
    )
    yield records.EventHandler(
        name="github.write_issue",
        on=(events.TaskEdited, events.TaskMoved),
        call=lazily("nexus_plugin_github.syncing:write_issue"),
        lane="notify",
        # One job for all that is written to a task meanwhile; none for the many tasks that have no issue.
        coalesce=lambda event: str(event.task_id) if event.payload.get("issue") is not None else None,
    )
    yield records.EventHandler(
        name="github.answer_command",
        on=events.CommandTaken,
        call=lazily("nexus_plugin_github.syncing:answer_command"),
        lane="notify",
    )
    yield records.EventHandler(
        name="github.write_task_file",
        on=_CHANGE_FILES,
        call=lazily("nexus_plugin_github.taskfile:write_task_file"),
        lane="docs",
        coalesce=lambda event: None if event.repository_id is None else str(event.repository_id),
        delay=_SETTLING,
        rest=_RESTS,
    )
    yield records.EventHandler(
        name="github.show_readiness",
        on=_CHANGE_READINESS,
        call=lazily("nexus_plugin_github.showing:show_readiness"),
        coalesce=lambda event: event.delivery if event.task_id is None else str(event.task_id),
    )
    yield records.EventHandler(
        name="github.tell_completed",
        on=(events.TaskCompleted, events.ChangeWasMerged),
        call=lazily("nexus_plugin_github.showing:tell_completed"),
        lane="notify",
        coalesce=lambda event: None if event.task_id is None else str(event.task_id),
    )
    yield records.EventHandler(
        name="github.hand_back",
        on=(events.TaskMoved, "github.pull_request_review.submitted", "github.check_suite.completed"),
        call=lazily("nexus_plugin_github.mending:hand_back"),
        when=may_ask_for_mending,
    )


@hookimpl
def nexus_identity_providers() -> Iterable[records.IdentityProvider]:
    """GitHub's accounts: by browser, and by a code for another device."""
    yield records.IdentityProvider(
        name="github",
        authorize_url=lazily("nexus_plugin_github.login:authorize_url"),
        identify=lazily("nexus_plugin_github.login:identify"),
        start_device=lazily("nexus_plugin_github.login:start_device"),
        poll_device=lazily("nexus_plugin_github.login:poll_device"),
    )


@hookimpl
def nexus_code_hosts() -> Iterable[records.CodeHost]:
    """Repositories on GitHub: access, policy, task file, webhook."""
    yield records.CodeHost(
        name="github",
        owns=lazily("nexus_plugin_github.hosting:owns"),
        look=lazily("nexus_plugin_github.hosting:look"),
    )


@hookimpl
def nexus_git_credentials() -> Iterable[records.GitCredentials]:
    """The token, for cloning and pushing."""
    yield records.GitCredentials(name="github", find=lazily("nexus_plugin_github.handlers:git_credentials"))


@hookimpl
def nexus_job_handlers() -> Iterable[records.JobHandler]:
    """Asking again for webhooks that never arrived, and looking at pull requests that none told of."""
    yield records.JobHandler(kind="github.catch_up", call=lazily("nexus_plugin_github.catchup:run"), lane="notify")
    yield records.JobHandler(kind="github.reconcile", call=lazily("nexus_plugin_github.reconcile:run"), lane="notify")


@hookimpl
def nexus_schedules() -> Iterable[records.Schedule]:
    """GitHub does not send a failed webhook again by itself, and forgets it after three days."""
    yield records.Schedule(name="github.catch_up", kind="github.catch_up", every=_CATCHING_UP, at_start=True)
    yield records.Schedule(name="github.reconcile", kind="github.reconcile", every=_RECONCILING, at_start=True)


@hookimpl
def nexus_health_checks() -> Iterable[records.HealthCheck]:
    """Whether GitHub answers and takes the token."""
    yield records.HealthCheck(
        name="github.access",
        check=lazily("nexus_plugin_github.handlers:check_access"),
        summary="GitHub answers and accepts the token",
    )
