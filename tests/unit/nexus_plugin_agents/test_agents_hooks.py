"""The plugin within a hub: from a ready task to a pushed branch."""

from __future__ import annotations

import os

import pytest

from nexus_core import Agent, Config, ConfigurationError, Nexus
from nexus_plugin_agents import hooks


@pytest.fixture
def hub(tmp_path, agent):
    """Opens a hub with one agent, and closes it."""
    opened = []

    def open_hub(*script, agents=None, **plugin):
        command = agent(*script)
        config = Config(
            values={"data_dir": str(tmp_path / "data"), "git_allow_local": True},
            agents={a.name: a for a in agents or [Agent(name="robot", command=command)]},
            plugins={"agents": {"grace": 1.0, **plugin}},
            environ=dict(os.environ),
        )
        opened.append(Nexus.open(config, plugins=[hooks], load_plugins=False))
        return opened[-1]

    yield open_hub
    for nexus in opened:
        nexus.close()


def test_a_ready_task_becomes_a_pushed_branch(hub, remote, support):
    """The hub hands the task out, the agent works, the branch is at the remote and the task in review."""
    nexus = hub("echo hi > hi; echo working")
    nexus.repositories.add("acme/api", f"file://{remote}")
    task = nexus.tasks.create("Say hi", repository="acme/api")
    nexus.jobs.drain()
    (assignment,) = nexus.assignments.list(task_id=task.id)

    assert ("completed", "review") == (str(assignment.status), str(nexus.tasks.get(task.id).status))
    assert "hi" == support.git("show", f"{assignment.branch}:hi", cwd=remote)


def test_a_failed_agent_frees_its_task(hub, remote):
    """The error is kept, and the task can be claimed again."""
    nexus = hub("echo no licence; exit 3")
    nexus.repositories.add("acme/api", f"file://{remote}")
    task = nexus.tasks.create("Say hi", repository="acme/api")
    nexus.jobs.drain()
    assignment = nexus.assignments.list(task_id=task.id)[0]

    assert ("failed", "exit code 3: no licence") == (str(assignment.status), assignment.result["error"])


def test_the_health_check_names_agents_that_cannot_be_launched(hub):
    """Attached agents and those of other runners are left out."""
    agents = [
        Agent(name="gone", command=("no-such-agent",)),
        Agent(name="typo", preset="cluade"),
        Agent(name="attached"),
        Agent(name="other", command=("no-such-agent",), runner="container"),
        Agent(name="fine", command=("git",)),
    ]
    fault = hooks.check_commands(hub(agents=agents).context("agents"))

    assert "no-such-agent is not found" in fault and "'cluade'" in fault
    assert not [name for name in ("attached", "other", "fine") if name in fault]


def test_all_is_well_without_agents(hub):
    """A hub whose agents can be launched has nothing to tell."""
    assert None is hooks.check_commands(hub("true").context("agents"))


def test_wrong_settings_are_refused(hub):
    """A setting that is none is told at once."""
    with pytest.raises(ConfigurationError, match="graze"):
        hub("true", graze=3).plugins.check_settings()


def test_every_setting_is_described():
    """What can be set is documented, with its default."""
    (declared,) = hooks.nexus_settings()

    assert {field.name for field in hooks.attrs.fields(declared.cls)} == {s.key for s in declared.settings}
