"""The table of commands: what `nexus --help` shows without importing any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """A command or a group of commands."""

    summary: str
    home: str = ""  #: `module:attribute` below nexus_cli.commands
    children: Mapping[str, Entry] = {}  #: of a group
    default: str | None = None  #: the child that runs when none is named
    distribution: str = ""  #: the package whose hooks yield it, when it is not ours


TASK = {
    "list": Entry("List tasks, filtered", "task_list:list_"),
    "show": Entry("Show a task", "task_show:show"),
    "add": Entry("Create a task", "task_add:add"),
    "edit": Entry("Change fields of a task", "task_edit:edit"),
    "status": Entry("Move a task to another status", "task_status:status"),
    "next": Entry("Show the best task that is ready, and why it is", "task_next:next_"),
    "ready": Entry("List the tasks that are ready, in the order of work", "task_ready:ready"),
    "why": Entry("Say why a task is not ready, and what it holds up", "task_why:why"),
    "complexity": Entry("Say how complex a task is, and by what factors", "task_complexity:complexity"),
    "depend": Entry("Let a task wait for others, or no longer", "task_depend:depend"),
    "graph": Entry("Show what waits for what; draw it as Mermaid or SVG", "task_graph:graph"),
    "import": Entry("Import a task file or a complexity report of Taskmaster's", "task_import:import_"),
    "export": Entry("Write a repository's task file, with what changed since", "task_export:export"),
    "doctor": Entry("Say what is wrong in the tasks of a repository, and mend it", "task_doctor:doctor"),
    "claim": Entry("Take a ready task for an agent, atomically", "task_claim:claim"),
}
POLICY = {"check": Entry("Check a policy file, such as in CI", "repo_policy:check")}
REPO = {
    "list": Entry("List the repositories", "repo:list_"),
    "add": Entry("Add a repository", "repo:add"),
    "show": Entry("Show a repository", "repo:show"),
    "connect": Entry("Look at a repository on its host, and say what is wanting", "repo:connect"),
    "sync": Entry("Bring a repository in step with its host", "repo:sync"),
    "policy": Entry("The policy file of a repository", children=POLICY),
}
AGENT = {
    "list": Entry("List the agents with what they do", "agent:list_"),
    "assign": Entry("Hand a task to an agent", "agent:assign"),
    "runs": Entry("List assignments, the live ones first", "agent:runs"),
    "log": Entry("Show what an agent said of its work", "agent:log"),
    "cancel": Entry("End an assignment", "agent:cancel"),
}
INBOX = {
    "list": Entry("List the questions that wait for a person", "inbox:list_"),
    "answer": Entry("Answer an agent's question", "inbox:answer"),
}
USER = {
    "list": Entry("List the people and their roles", "user:list_"),
    "invite": Entry("Invite a GitHub login", "user:invite"),
    "role": Entry("Give a person another role", "user:role"),
    "disable": Entry("Shut a person out, with their sessions and keys", "user:disable"),
    "enable": Entry("Let a person in again", "user:enable"),
}
KEY = {
    "list": Entry("List the API keys", "key:list_"),
    "create": Entry("Make an API key; it is shown once", "key:create"),
    "revoke": Entry("Revoke an API key", "key:revoke"),
}
JOBS = {
    "list": Entry("List background jobs", "jobs:list_"),
    "lanes": Entry("How each lane is doing: what waits, for how long, and how many end a minute", "jobs:lanes"),
    "retry": Entry("Set a dead job to work again", "jobs:retry"),
}
AUDIT = {
    "verify": Entry("Find the event that was altered: walk the chain of hashes", "audit:verify"),
}
DOCS = {
    "render": Entry("Show a repository's documents as they would be now", "docs:render"),
    "sync": Entry("Have a repository's documents published now", "docs:sync"),
}

#: Every first-party command. tests/unit/nexus_cli/test_cli_table.py holds it to what is there and what hooks yield.
COMMANDS: dict[str, Entry] = {
    "up": Entry("Start everything on this machine: API, docs and worker", "up:up"),
    "task": Entry("Tasks: what is there, what is next, what waits for what", children=TASK),
    "repo": Entry("Repositories that Nexus looks after", children=REPO),
    "agent": Entry("Agents and their assignments", children=AGENT),
    "inbox": Entry("Questions of agents that wait for a person", children=INBOX, default="list"),
    "events": Entry("What happened, as a story; --follow to watch", "events:events"),
    "audit": Entry("Whether the events are as they were written", children=AUDIT),
    "jobs": Entry("Background jobs", children=JOBS, default="list"),
    "docs": Entry("Documents that Nexus keeps in the repositories", children=DOCS),
    "key": Entry("API keys of agents and tools", children=KEY),
    "user": Entry("People and their roles", children=USER),
    "login": Entry("Log in at a server, by a code that you confirm in a browser", "login:login"),
    "logout": Entry("Log out at a server: the login's key is revoked", "login:logout"),
    "whoami": Entry("Say who you are to Nexus, and what you may do", "whoami:whoami"),
    "demo": Entry("Watch the main job happen on this machine, in under a minute", distribution="nexus-demo"),
    "serve": Entry("Run the server: the REST API and its reference", distribution="nexus-http"),
    "worker": Entry("Run background work", distribution="nexus-worker"),
    "migrate": Entry("Bring the database's schema up to date", "migrate:migrate"),
    "doctor": Entry("Look for what is wrong", "doctor:doctor"),
    "config": Entry("Show the effective configuration and where it comes from", "config:config"),
    "plugins": Entry("List the installed plugins and what they add", "plugins:plugins"),
}

EXAMPLES = """\
Start with `nexus demo`, or with `nexus up` and, in another terminal:

\b
  nexus task import .taskmaster/tasks/tasks.json --repo acme/api
  nexus task next
  nexus events --follow
"""
