"""Every hook of Nexus. A plugin implements those it needs with `@nexus_core.hookimpl` and yields records.

All are called once, when `Nexus` opens. An unknown hook name is refused, and so are two records of one name.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from . import records

hookspec = pluggy.HookspecMarker("nexus")
hookimpl = pluggy.HookimplMarker("nexus")


@hookspec
def nexus_event_handlers() -> Iterable[records.EventHandler]:
    """Run a function after events.

    yield EventHandler(name="chat.announce", on=TaskCompleted, call=announce)
    """
    return ()


@hookspec
def nexus_delivery_sources() -> Iterable[records.DeliverySource]:
    """Receive webhooks of another system, at `/api/v1/webhooks/<name>`.

    yield DeliverySource(name="gitlab", verify=verify, translate=translate)
    """
    return ()


@hookspec
def nexus_job_handlers() -> Iterable[records.JobHandler]:
    """Run background work of the plugin's own.

    yield JobHandler(kind="chat.digest", call=send_digest, lane="notify")
    """
    return ()


@hookspec
def nexus_agent_runners() -> Iterable[records.AgentRunnerFactory]:
    """Launch agents in another way.

    yield AgentRunnerFactory(name="container", make=ContainerRunner)
    """
    return ()


@hookspec
def nexus_stores() -> Iterable[records.StoreFactory]:
    """Keep everything in another database.

    yield StoreFactory(schemes=("postgresql",), open=open_store)
    """
    return ()


@hookspec
def nexus_wakeups() -> Iterable[records.WakeupFactory]:
    """Tell workers of new jobs through a broker.

    yield WakeupFactory(schemes=("amqp", "redis"), open=KombuWakeup)
    """
    return ()


@hookspec
def nexus_assignment_policies() -> Iterable[records.AssignmentPolicy]:
    """Pick agents for tasks in another way; `[assignment] policy` names the one in use.

    yield AssignmentPolicy(name="cheapest", choose=choose)
    """
    return ()


@hookspec
def nexus_complexity_estimators() -> Iterable[records.ComplexityEstimator]:
    """Estimate complexity in another way; `[complexity] estimator` names the one in use.

    yield ComplexityEstimator(name="model", estimate=estimate, background=True)
    """
    return ()


@hookspec
def nexus_task_formats() -> Iterable[records.TaskFormat]:
    """Read and write another file format of tasks.

    yield TaskFormat(name="csv", parse=parse, render=render)
    """
    return ()


@hookspec
def nexus_document_renderers() -> Iterable[records.DocumentRenderer]:
    """Keep further documents in the repositories.

    yield DocumentRenderer(name="burndown", render=render)
    """
    return ()


@hookspec
def nexus_commands() -> Iterable[records.Command]:
    """Add a command to the CLI.

    yield Command(name="report", summary="Print the weekly report", load=load_report)
    """
    return ()


@hookspec
def nexus_routes() -> Iterable[records.Route]:
    """Add a route to the REST API.

    yield Route(path="/reports", make=Reports, scope="tasks:read")
    """
    return ()


@hookspec
def nexus_transports() -> Iterable[records.Transport]:
    """Let the CLI reach the API without a server.

    yield Transport(name="in-process", open=create_app)
    """
    return ()


@hookspec
def nexus_identity_providers() -> Iterable[records.IdentityProvider]:
    """Let people come in by another provider.

    yield IdentityProvider(name="gitlab", authorize_url=authorize_url, identify=identify)
    """
    return ()


@hookspec
def nexus_health_checks() -> Iterable[records.HealthCheck]:
    """Have `nexus doctor` look at something.

    yield HealthCheck(name="chat.reachable", check=check)
    """
    return ()


@hookspec
def nexus_code_hosts() -> Iterable[records.CodeHost]:
    """Look at repositories on a code host: access, policy, task file, webhooks.

    yield CodeHost(name="gitlab", owns=owns, look=look)
    """
    return ()


@hookspec
def nexus_git_credentials() -> Iterable[records.GitCredentials]:
    """Say who Nexus is towards a Git host.

    yield GitCredentials(name="gitlab", find=find)
    """
    return ()


@hookspec
def nexus_settings() -> Iterable[records.PluginSettings]:
    """Declare the plugin's settings, so that they are checked at start and shown by `nexus config`.

    yield PluginSettings(name="chat", cls=Settings, settings=(Setting(key="url", doc="Where to post"),))
    """
    return ()


@hookspec
def nexus_schedules() -> Iterable[records.Schedule]:
    """Have a job come round.

    yield Schedule(name="chat.daily", kind="chat.digest", every=timedelta(days=1))
    """
    return ()
