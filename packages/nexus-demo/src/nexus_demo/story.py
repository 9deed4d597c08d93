"""The story of the demo: the main job, step by step, each step checked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .hub import DemoHub
from .scratch import TASK_FILE, ScratchRepository
from .show import Stage, StepFailed
from .standins.github import Delivered, GitHubStandIn
from .standins.slack import SlackStandIn, signed_command

_GITHUB_SECRET = "demo-secret-for-github-webhooks"  # noqa: S105 - of a stand-in that lives for a minute
_SLACK_SECRET = "demo-secret-for-slack-signatures"  # noqa: S105 - of a stand-in that lives for a minute
_GITHUB_TOKEN = "demo-token-for-github"  # noqa: S105 - of a stand-in that lives for a minute

_CONFIG = """\
[agents.ada]
command = [{python}, "-m", "nexus_demo.agent", "--seconds", "{seconds}"]
skills = ["python"]
max_complexity = 5
timeout = "60s"

[agents.rex]
command = [{python}, "-m", "nexus_demo.agent", "--fail"]
skills = ["docs"]
max_complexity = 5
timeout = "60s"

[assignment]
retry_delay = "1h"

[worker]
lease = "{lease}"
poll = "100ms"

[documents]
delay = "500ms"
"""


class Story:
    """One performance, in one scratch folder."""

    def __init__(
        self, stage: Stage, folder: Path, *, crash: bool = False, environ: Mapping[str, str] | None = None
    ) -> None:
        """`environ` is added to the hub's environment, such as another database or a broker."""
        self.beside = dict(environ or {})
        self.stage = stage
        self.folder = folder
        self.crash = crash
        self.api = ScratchRepository(folder, "acme/api")
        self.web = ScratchRepository(folder, "acme/web")
        self.tasks: dict[str, dict[str, Any]] = {}

    def play(self) -> None:
        """Perform every step. :raises StepFailed: one did not hold"""
        stage = self.stage
        stage.title(
            "Project Nexus: the main job, for real",
            "A pull request is merged → its task is done → what waited becomes ready → an agent gets it and opens a "
            "pull request\n  → the team reads it in Slack → the documents follow.",
        )
        github = GitHubStandIn(
            {"acme/api": self.api.bare, "acme/web": self.web.bare}, token=_GITHUB_TOKEN, secret=_GITHUB_SECRET
        )
        with github as self.github, SlackStandIn() as self.slack:
            self.hub = DemoHub(self.folder, self._environ())
            try:
                self._begin()
                self._import()
                self._order()
                self._merge()
                self._work()
                self._failure()
                self._merge_agents_work()
                self._slack()
                self._documents()
                self._tell()
            finally:
                self.hub.stop()

    def _environ(self) -> dict[str, str]:
        seconds, lease = ("6", "2s") if self.crash else ("0.3", "30s")
        python = '"' + sys.executable.replace("\\", "\\\\") + '"'
        (self.folder / "nexus.toml").write_text(_CONFIG.format(python=python, seconds=seconds, lease=lease), "utf-8")
        return {
            "NEXUS_GITHUB_WEBHOOK_SECRET": _GITHUB_SECRET,
            "NEXUS_GITHUB_TOKEN": _GITHUB_TOKEN,
            "NEXUS_GITHUB_WRITE_PAUSE": "0",
            "NEXUS_GITHUB_API_URL": self.github.url,
            "NEXUS_SLACK_SIGNING_SECRET": _SLACK_SECRET,
            "NEXUS_SLACK_BOT_TOKEN": self.slack.token,
            "NEXUS_SLACK_API_URL": self.slack.url,
            "NEXUS_SLACK_CHANNEL": "#nexus",
            "NEXUS_GIT_ALLOW_LOCAL": "true",
            **self.beside,
        }

    # The steps --------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        stage = self.stage
        stage.step("Two repositories and a hub")
        for repository in (self.api, self.web):
            repository.fill()
            stage.say(f"{repository.name}: a real Git repository with {TASK_FILE}")
        stage.command("nexus up")
        self.hub.start()
        self.github.webhook_url = f"{self.hub.url}/api/v1/webhooks/github"
        stage.check(True, f"server and worker run, the API answers at {self.hub.url}")
        for repository in (self.api, self.web):
            self._nexus("repo", "add", repository.name, "--url", repository.url, "--no-check")

    def _import(self) -> None:
        stage = self.stage
        stage.step("Import the task files: flat and tagged, with the oddities of real ones")
        for repository in (self.api, self.web):
            file = str(repository.clone / TASK_FILE)
            report = self._nexus(
                "task", "import", file, "--repo", repository.name, shown=f"{repository.name}/{TASK_FILE}"
            )
            stage.say(
                f"{report['layout']} layout: {report['created']} tasks and subtasks, "
                f"{report['dependencies']} dependencies, {len(report['warnings'])} warnings"
            )
            for warning in report["warnings"][:2]:
                stage.quote(f"{warning['place']}: {warning['message']} ({warning['done']})")
            again = self._nexus("task", "import", file, "--repo", repository.name, quiet=True)
            stage.check(
                again["created"] == again["changed"] == 0 < again["unchanged"],
                f"{repository.name}: tasks, subtasks and dependencies came in; a second import changes nothing",
                otherwise=str(again),
            )
        self._look()

    def _look(self) -> None:
        """Learn the ids of the tasks, by repository and key of the file."""
        found = self.hub.get("/tasks", limit=200)["items"]
        self.tasks = {f"{task['repository']['name']} {task['external_key']}": task for task in found}

    def _task(self, repository: str, number: str) -> dict[str, Any]:
        return self.tasks[f"{repository} master:{number}"]

    def _order(self) -> None:
        stage = self.stage
        stage.step("One graph across repositories, one resolver")
        client, published = self._task("acme/web", "2"), self._task("acme/api", "3")
        self._nexus("task", "depend", client["key"], published["key"])
        stage.say(f"{client['key']} “{client['title']}” (acme/web) waits for {published['key']} (acme/api)")
        code, problem = self.hub.nexus("task", "depend", published["key"], client["key"], ok=False)
        stage.command(f"nexus task depend {published['key']} {client['key']}")
        stage.quote(str(problem.get("detail", problem)) if isinstance(problem, dict) else str(problem))
        stage.check(code == 4, "the other way round is refused as a cycle, with its path", otherwise=str(problem))
        best = self._nexus("task", "next")
        stage.say(f"{best['task']['key']} “{best['task']['title']}”: {', '.join(best['reasons'])}")
        ready = {task["key"] for task in self._nexus("task", "ready")["items"]}
        why = self._nexus("task", "why", client["key"])
        for condition in why["why"]:
            stage.quote(f"{client['key']} is not ready: {condition['message']} {self._keys(condition['tasks'])}")
        stage.check(
            best["task"]["key"] in ready and client["key"] not in ready and why["ready"] is False,
            "next, ready and why agree",
            otherwise=f"{best['task']['key']} {sorted(ready)} {why}",
        )

    def _keys(self, ids: list[int]) -> str:
        known = {task["id"]: task["key"] for task in self.tasks.values()}
        return "(" + ", ".join(known.get(one, str(one)) for one in ids) + ")"

    def _merge(self) -> None:
        stage = self.stage
        stage.step("A person's pull request is merged on GitHub")
        task = self._task("acme/api", "3")
        branch = f"mira/{task['key'].lower()}-openapi"
        self.api.commit(
            {"openapi.json": b'{"openapi": "3.1.0"}\n'}, f"Publish the description ({task['key']})", branch=branch
        )
        pull = self.github.open_pull(
            "acme/api", head=branch, base="main", title=task["title"], body=f"Closes {task['key']}", by="mira"
        )
        self._wait_status(task, "review")
        stage.say(f"acme/api#{pull.number} “{task['title']}” names {task['key']} → review")
        forged_payload = self.github.pull_payload("acme/api", pull.number, "closed", sender="mira")
        forged = self.github.deliver("pull_request", forged_payload, secret="not-the-secret-of-this-hub")  # noqa: S106 - wrong on purpose
        stage.check(forged.status == 401, "a webhook with a wrong signature is refused with 401", otherwise=str(forged))
        self.github.merge("acme/api", pull.number, by="mira")
        done = self.hub.wait_for_event("task.completed", lambda event: event["task_id"] == task["id"])
        stage.quote(f"POST /api/v1/webhooks/github  pull_request closed, merged  → {done['payload']['reason']}")
        stage.check(self._status(task) == "done", f"the signed webhook moved {task['key']} to done")
        merged = self._merge_delivery()
        before = self._history(task)
        again = self.github.deliver(
            "pull_request",
            self.github.pull_payload("acme/api", pull.number, "closed", sender="mira"),
            delivery_id=merged.id,
        )
        stage.check(
            again.status in (200, 202) and self._history(task) == before,
            "the same delivery again changes nothing",
            otherwise=str(again),
        )

    def _merge_delivery(self) -> Delivered:
        self.github.settle()
        return [sent for sent in self.github.deliveries if sent.status in (200, 202)][-1]

    def _history(self, task: dict[str, Any]) -> list[tuple[str, str]]:
        found = self.hub.get("/events", task=task["id"], type="task.*", limit=200)["items"]
        return [(event["type"], str(event["payload"])) for event in found]

    def _work(self) -> None:
        stage = self.stage
        stage.step("What waited becomes ready; the policy picks an agent, which works in its own worktree")
        task = self._task("acme/api", "4")
        self.hub.wait_for_event("task.ready", lambda event: event["task_id"] == task["id"])
        assigned = self.hub.wait_for_event("assignment.created", lambda event: event["task_id"] == task["id"])
        stage.say(
            f"{task['key']} “{task['title']}” is ready → {assigned['payload']['agent']} "
            f"({assigned['payload']['reason']})"
        )
        if self.crash:
            self._crash(task)
        completed = self.hub.wait_for_event("assignment.completed", lambda event: event["task_id"] == task["id"])
        branch = completed["payload"]["branch"]
        for activity in self.hub.get(f"/assignments/{completed['assignment_id']}/activities")["items"]:
            stage.quote(activity["body"], mark="▸")
        stage.quote(self.api.log(branch), mark="⎇")
        stage.check(
            task["key"].lower() in branch and len(self.api.log(branch).splitlines()) == 1,
            f"the agent committed on {branch}, and its words are kept as activities",
        )
        opened = self.hub.wait_for_event("change.opened", lambda event: event["task_id"] == task["id"])
        pulls = [sent for sent in self.github.requests if sent.method == "POST" and sent.path.endswith("/pulls")]
        stage.say(f"acme/api#{opened['payload']['number']} “{opened['payload']['title']}”  {opened['payload']['url']}")
        stage.check(
            len(pulls) == 1, "its commits became one pull request through the GitHub plugin", otherwise=str(pulls)
        )
        stage.check(self._wait_status(task, "review"), f"{task['key']} is in review")

    def _crash(self, task: dict[str, Any]) -> None:
        self.hub.wait_for_event("assignment.started", lambda event: event["task_id"] == task["id"])
        self.hub.kill()
        self.stage.say("kill -9: supervisor, server and worker are gone, in mid-work")
        self.hub.start()
        self.github.webhook_url = f"{self.hub.url}/api/v1/webhooks/github"
        self.stage.check(True, f"the hub is up again at {self.hub.url}; the work goes on where it stood")

    def _failure(self) -> None:
        stage = self.stage
        stage.step("An agent that fails leaves its task claimable, and says so")
        task = self._task("acme/web", "2")
        failed = self.hub.wait_for_event("assignment.failed", lambda event: event["task_id"] == task["id"])
        stage.quote(f"{failed['payload']['agent']} on {task['key']}: {failed['payload']['error']}")
        assignment = self._nexus("task", "claim", task["key"], "--agent", "mira")
        stage.check(
            assignment["fence"] == 2 and assignment["agent"] == "mira",
            f"{task['key']} was claimable again: mira has it now, with fence 2 where the failed run had 1",
            otherwise=str(assignment),
        )

    def _merge_agents_work(self) -> None:
        stage = self.stage
        stage.step("A person reviews the agent's pull request and merges it: the circle closes")
        task = self._task("acme/api", "4")
        opened = self.hub.events("change.opened", task=task["id"])[-1]
        self.github.merge("acme/api", opened["payload"]["number"], by="mira")
        stage.check(self._wait_status(task, "done"), f"{task['key']} is done; main has src/greeting.py")
        if "def greet" not in self.api.file("main", "src/greeting.py"):
            raise StepFailed("main lacks the agent's work")

    def _slack(self) -> None:
        stage = self.stage
        stage.step("The team reads it in Slack, and asks from there")
        wanted = (
            "ada took",
            "ready for review",
            "is done",
            "rex could not finish",
            f"{self._task('acme/api', '4')['key']} ",
        )
        self.hub.wait_for(lambda: True if len(self._messages()) >= 8 else None, "eight messages in Slack")
        for text in self._messages():
            stage.quote(text, mark="#nexus")
        told = [event["payload"] for event in self.hub.events("notification.sent")]
        said = "\n".join(self._messages())
        stage.check(
            all(word in said for word in wanted) and len(set(self._messages())) == len(self._messages()),
            f"{len(self._messages())} messages, none twice: agent assigned, change opened, task done, agent failed",
            otherwise=str(told),
        )
        task = self._task("acme/api", "4")
        for text in ("next", f"show {task['key']}"):
            status, answer = signed_command(self.hub.url, _SLACK_SECRET, text)
            stage.command(f"/nexus {text}")
            stage.quote(str(answer.get("text", answer)))
            stage.check(
                status == 200 and "NX-" in str(answer), f"the signed slash command /nexus {text.split()[0]} is answered"
            )

    def _messages(self) -> list[str]:
        return [str(message.get("text", "")) for message in self.slack.messages]

    def _documents(self) -> None:
        stage = self.stage
        stage.step("The documents follow")
        wanted = "docs/nexus/README.md"

        def fresh() -> str | None:
            if "nexus/docs" not in self.api.branches():
                return None
            text = self.api.file("nexus/docs", wanted)
            return text if "greeting" in text.partition("## Done")[2] else None

        text = self.hub.wait_for(fresh, "the documents on the branch nexus/docs")
        for line in text.splitlines()[:5]:
            stage.quote(line)
        stage.check(
            "```mermaid" in text,
            f"acme/api has {wanted} on the branch nexus/docs: progress, tasks by status, a Mermaid graph",
        )
        local = self.folder / "rendered"
        self._nexus("docs", "render", "--repo", "acme/api", "--output", str(local), shown="./rendered")
        rendered = (local / wanted).read_text("utf-8").rstrip()
        same = self.hub.wait_for(
            lambda: True if self.api.file("nexus/docs", wanted) == rendered else None,
            "the branch to be as rendered here",
        )
        stage.check(same, "nexus docs render writes the same locally")

    def _tell(self) -> None:
        stage = self.stage
        stage.step("Every step is an event: who, what, why, and which delivery")
        task = self._task("acme/api", "4")
        stage.command(f"nexus events --task {task['key']}")
        stage.quote(self.hub.text("events", "--task", task["key"]))
        events = self.hub.get("/events", task=task["id"], limit=200)["items"]
        merged = [event for event in events if event["type"] == "task.moved" and event["payload"]["to"] == "done"]
        stage.check(
            bool(merged)
            and merged[0]["delivery"].startswith("github:")
            and all(event["actor"]["name"] for event in events),
            f"{len(events)} events tell the story of {task['key']}; the merge names its delivery",
        )
        dead = self.hub.get("/jobs", state="dead")["items"]
        stage.check(not dead, "no job was lost or given up", otherwise=str(dead))

    # Parts ------------------------------------------------------------------------------------------------------------

    def _nexus(self, *arguments: str, shown: str = "", quiet: bool = False) -> Any:
        if not quiet:
            words = [shown if shown and word.startswith("/") else word for word in arguments]
            words = ["…/" + word.rpartition("/")[2] if word.startswith(("/", "file:")) else word for word in words]
            self.stage.command("nexus " + " ".join(words))
        return self.hub.nexus(*arguments)[1]

    def _status(self, task: dict[str, Any]) -> str:
        return str(self.hub.get(f"/tasks/{task['id']}")["status"])

    def _wait_status(self, task: dict[str, Any], status: str) -> bool:
        return self.hub.wait_for(
            lambda: True if self._status(task) == status else None, f"{task['key']} to be {status}"
        )
