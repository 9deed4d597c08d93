"""What this plugin adds to Nexus: the runner for command agents, its settings and a look at the commands."""

from __future__ import annotations

import os
from collections.abc import Iterable

import attrs

from nexus_core.plugins.context import Context
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import AgentRunnerFactory, HealthCheck, PluginSettings, Setting
from nexus_core.ports.agents import AgentRunner

from .settings import Settings

NEXUS_NAME = "agents"
"""What the plugin is called when it is registered by hand."""

_DOCS = {
    "heartbeat": "How often the lease of a running assignment is renewed, in seconds.",
    "grace": "What an agent has between the request to end and the kill, in seconds.",
    "git_timeout": "The longest a single git command may take, in seconds.",
    "git_hosts": "The hosts that repositories may be fetched from and pushed to. None: any.",
    "output_kib": "How much of an agent's output is kept, in KiB; the rest is counted.",
    "memory_mib": "The memory of an agent with all its children, in MiB; 0: no limit.",
    "processes": "How many processes an agent may have at once; 0: no limit.",
    "file_mib": "The largest file that an agent may write, in MiB; 0: no limit.",
    "allow_privileges": "Whether an agent may gain privileges, such as by `sudo -u` in its command.",
}


def make_runner(ctx: Context) -> AgentRunner:
    """The runner, with the hub's configuration."""
    from .runner import CommandRunner

    config = ctx.nexus.config
    return CommandRunner(
        ctx.settings(Settings),
        environ=config.environ or os.environ,
        allow_local=bool(config["git_allow_local"]),
        prefix=config.key_prefix,
    )


def check_commands(ctx: Context) -> str | None:
    """Which agents cannot be launched, and why; None when all can."""
    from nexus_core.errors import Invalid

    from .launching import find_command
    from .sansio import command_of

    faults = []
    for agent in ctx.nexus.config.agents.values():
        if not agent.is_launched or agent.runner != "command":
            continue
        try:
            find_command(command_of(agent), ctx.nexus.config.environ or os.environ, agent.name)
        except Invalid as error:
            faults.append(error.message)
    return "; ".join(faults) or None


@hookimpl
def nexus_agent_runners() -> Iterable[AgentRunnerFactory]:
    """The runner of agents with a command or a preset."""
    yield AgentRunnerFactory(name="command", make=make_runner)


@hookimpl
def nexus_health_checks() -> Iterable[HealthCheck]:
    """Whether the agents' commands are there."""
    yield HealthCheck(name="agents.commands", check=check_commands, summary="the commands of the agents are on PATH")


@hookimpl
def nexus_settings() -> Iterable[PluginSettings]:
    """The table [plugins.agents]."""
    fields = attrs.fields_dict(Settings)
    settings = (Setting(key=key, doc=doc, default=fields[key].default) for key, doc in _DOCS.items())
    yield PluginSettings(name="agents", cls=Settings, settings=tuple(settings))
