"""Server and worker killed at any moment of the main job: it is finished later, and nothing is seen twice."""

import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hubs import wait_until

from nexus_demo.hub import DemoHub
from nexus_demo.scratch import ScratchRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.slack import SlackStandIn

CONFIG = """\
[agents.ada]
command = [{python!r}, "-m", "nexus_demo.agent", "--seconds", "0.4"]
timeout = "60s"

[worker]
lease = "1s"
poll = "50ms"

[documents]
delay = "200ms"
"""
TOKEN, SECRET = "a-token-for-github", "a-secret-for-github-webhooks"


class Scene:
    """One hub, one repository, and the services of others."""

    def __init__(self, folder: Path, github: GitHubStandIn, slack: SlackStandIn, repository: ScratchRepository) -> None:
        self.github, self.slack, self.repository = github, slack, repository
        (folder / "nexus.toml").write_text(CONFIG.format(python=sys.executable))
        self.hub = DemoHub(
            folder,
            {
                "NEXUS_GITHUB_WEBHOOK_SECRET": SECRET,
                "NEXUS_GITHUB_TOKEN": TOKEN,
                "NEXUS_GITHUB_API_URL": github.url,
                "NEXUS_GITHUB_WRITE_PAUSE": "0",
                "NEXUS_SLACK_BOT_TOKEN": slack.token,
                "NEXUS_SLACK_API_URL": slack.url,
                "NEXUS_GIT_ALLOW_LOCAL": "true",
            },
        )

    def start(self) -> None:
        self.hub.start()
        self.github.webhook_url = f"{self.hub.url}/api/v1/webhooks/github"

    def status(self, task: dict) -> str:
        return self.hub.get(f"/tasks/{task['id']}")["status"]

    def texts_of(self, task: dict) -> list[str]:
        return [message["text"] for message in self.slack.messages if f"{task['key']} " in message["text"]]


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_it_finishes_once(tmp_path: Path, seed: int) -> None:
    """One pull request, one commit, each message once, whenever the kill came."""
    chance = random.Random(seed)
    repository = ScratchRepository(tmp_path, "acme/api")
    repository.fill()
    with GitHubStandIn({"acme/api": repository.bare}, token=TOKEN, secret=SECRET) as github, SlackStandIn() as slack:
        scene = Scene(tmp_path, github, slack, repository)
        try:
            scene.start()
            scene.hub.nexus("repo", "add", "acme/api", "--url", repository.url, "--no-check")
            task = scene.hub.nexus("task", "add", f"Greet {seed}", "--repo", "acme/api")[1]
            time.sleep(chance.uniform(0, 2.5))
            scene.hub.kill()
            scene.start()
            wait_until(lambda: scene.status(task) == "review")
            wait_until(lambda: len(scene.texts_of(task)) >= 2)
            time.sleep(2.5)  # whatever was to happen twice has its chance
            pulls = [one for one in github.requests if one.method == "POST" and one.path.endswith("/pulls")]
            branch = next(name for name in repository.branches() if task["key"].lower() in name)
            dead = scene.hub.get("/jobs", state="dead")["items"]
        finally:
            scene.hub.stop()

        assert 1 == len([one for one in pulls if one.status == 201])
        assert 1 == len(repository.log(branch).splitlines())
        assert {} == {text: times for text, times in Counter(scene.texts_of(task)).items() if times > 1}
        assert [] == dead
