"""Everything that Nexus does to GitHub, each with the call that does it and how often its effect is there."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.github_issues import open_issue
from nexus_plugin_github import checks, issues
from nexus_plugin_github.client import GitHubClient, PullText, marker
from nexus_plugin_github.commits import commit_files, commit_over

NAME = "acme/api"
MARK = marker("assignment-1")
PULL = PullText(title="Work (NX-1)", body=f"Text {MARK}", head="nexus/nx-1-work", base="main", marker=MARK)
CHECK = checks.Check(
    name="Nexus", key="nexus-change-1", conclusion="action_required", title="Waits for NX-2", summary="x"
)


@attrs.frozen(kw_only=True)
class World:
    """What an action works on."""

    client: GitHubClient
    github: GitHubStandIn
    bare: BareRepository

    @property
    def main(self) -> str:
        """The commit that `main` ends with."""
        return self.bare.branch("main") or ""

    def commits(self, branch: str) -> int:
        """How many commits a branch has beyond `main`."""
        return len(self.bare.between("refs/heads/main", f"refs/heads/{branch}")) if self.bare.branch(branch) else 0


@attrs.frozen(kw_only=True)
class Action:
    """One thing that Nexus does."""

    name: str
    do: Callable[[World], object]
    effects: Callable[[World], int]
    #: The writing calls within it, each by method and a pattern of its path.
    writes: tuple[tuple[str, str], ...]
    prepare: Callable[[World], object] = lambda world: None
    app: bool = False  #: only an App may


def _commented(world: World) -> int:
    return sum(marker("said-1") in comment.body for comment in world.github.world.comments)


ACTIONS = (
    Action(
        name="pull", writes=(("POST", "/pulls$"),),
        do=lambda world: world.client.ensure_pull(NAME, PULL),
        effects=lambda world: len(world.github.world.pulls),
    ),
    Action(
        name="comment", writes=(("POST", "/comments$"),),
        prepare=lambda world: open_issue(world.github.world, NAME, title="Broken"),
        do=lambda world: world.client.comment_once(NAME, 1, "said-1", "It is done"), effects=_commented,
    ),
    Action(
        name="issue", writes=(("POST", "/issues$"),),
        do=lambda world: issues.create_issue_once(world.client, NAME, "task-1", title="T", body="B", labels=["a"]),
        effects=lambda world: len(world.github.world.issues),
    ),
    Action(
        name="close", writes=(("PATCH", "/issues/1$"),),
        prepare=lambda world: open_issue(world.github.world, NAME, title="Broken"),
        do=lambda world: issues.edit_issue(
            world.client, NAME, 1, title="T", body="B", state="closed", state_reason="completed", labels=["a", "b"]
        ),
        effects=lambda world: int(world.github.world.issues[0].state == "closed"),
    ),
    Action(
        name="label", writes=(("POST", "/labels$"),),
        prepare=lambda world: open_issue(world.github.world, NAME, title="Broken"),
        do=lambda world: issues.add_labels(world.client, NAME, 1, ["nexus: blocked"]),
        effects=lambda world: sum(len(names) for names in world.github.world.labels.values()),
    ),
    Action(
        name="unlabel", writes=(("DELETE", "/labels/"),),
        prepare=lambda world: issues.create_issue_once(world.client, NAME, "t", title="T", body="", labels=["a/b"]),
        do=lambda world: issues.remove_label(world.client, NAME, 1, "a/b"),
        effects=lambda world: int(not any(world.github.world.labels.values())),
    ),
    Action(
        name="status", writes=(("POST", "/statuses/"),),
        do=lambda world: checks.show_status(world.client, NAME, world.main, CHECK),
        effects=lambda world: len(world.github.world.statuses),
    ),
    Action(
        name="check", app=True, writes=(("POST", "/check-runs$"),),
        do=lambda world: checks.show_check(world.client, NAME, world.main, CHECK),
        effects=lambda world: len(world.github.world.checks),
    ),
    Action(
        name="check again", app=True, writes=(("PATCH", "/check-runs/1$"),),
        prepare=lambda world: checks.show_check(world.client, NAME, world.main, CHECK),
        do=lambda world: checks.show_check(world.client, NAME, world.main, attrs.evolve(CHECK, conclusion="success")),
        effects=lambda world: sum(run.conclusion == "success" for run in world.github.world.checks),
    ),
    Action(
        name="files", writes=(("POST", "/git/trees$"), ("POST", "/git/commits$"), ("POST", "/git/refs$")),
        do=lambda world: commit_files(world.client, NAME, branch="nexus/docs", files={"a/b.md": "é"}, message="M"),
        effects=lambda world: world.commits("nexus/docs"),
    ),
    Action(
        name="files again", writes=(("PATCH", "/git/refs/"),),
        prepare=lambda world: world.client.create_ref(NAME, "nexus/more", world.main),
        do=lambda world: commit_files(world.client, NAME, branch="nexus/more", files={"a/b.md": "é"}, message="M"),
        effects=lambda world: world.commits("nexus/more"),
    ),
    Action(
        name="task file", writes=(("POST", "/git/commits$"), ("POST", "/git/refs$")),
        do=lambda world: commit_over(
            world.client, NAME, branch="nexus/tasks", base=world.main, path="t.json", content=b"{}", message="M"
        ),
        effects=lambda world: world.commits("nexus/tasks"),
    ),
)  # fmt: skip
