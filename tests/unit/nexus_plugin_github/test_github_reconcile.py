"""A hub that was away when things happened on GitHub finds out, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus_core.config import Config
from nexus_core.nexus import Nexus
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github import hooks
from nexus_plugin_github.reconcile import fact_of, reconcile

BRANCH = "nexus/nx-1-work"


@pytest.fixture
def hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[Nexus]:
    """A hub with `acme/api`, to which no webhook comes."""
    table = {"api_url": github.url, "token": github.token, "webhook_secret": "s" * 20, "write_pause": 0}
    config = Config(values={"assignment.automatic": False}, plugins={"github": table})
    with Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False) as opened:
        opened.repositories.add("acme/api")
        yield opened


def _look(hub: Nexus) -> tuple[list[str], int]:
    """What a look tells, and how many events there are then."""
    told = reconcile(hub.context("github"))
    return told, len(hub.events.list(limit=200))


def test_what_was_missed_counts_once(hub: Nexus, github: GitHubStandIn) -> None:
    """A pull request that was opened, and one that was merged, while nobody told; a second look finds nothing new."""
    task = hub.tasks.create("Add login", repository="acme/api").id
    github.open_pull("acme/api", head=BRANCH, base="main", title=f"closes NX-{task}", body="", by="ada")
    told, events = _look(hub)
    again = _look(hub)

    assert ["acme/api: 1 pull requests looked at"] == told
    assert ("review", (told, events)) == (hub.tasks.get(task).status, again)

    github.merge("acme/api", 1)
    _, merged = _look(hub)

    assert "done" == hub.tasks.get(task).status
    assert merged > events
    assert merged == _look(hub)[1]
    assert 1 == len(hub.events.list(type="task.completed"))


def test_what_was_closed_is_free_again(hub: Nexus, github: GitHubStandIn) -> None:
    """Unmerged: the task waits for somebody again."""
    task = hub.tasks.create("Add login", repository="acme/api").id
    github.open_pull("acme/api", head=BRANCH, base="main", title=f"closes NX-{task}", body="", by="ada")
    _look(hub)
    github.world.close_pull("acme/api", 1)
    _look(hub)

    assert "pending" == hub.tasks.get(task).status


LONG_AGO = "2020-01-31T12:00:00Z"


def test_what_is_open_since_long_ago_is_linked(hub: Nexus, github: GitHubStandIn) -> None:
    """The hub came later than the pull request, which nobody touched since."""
    task = hub.tasks.create("Add login", repository="acme/api").id
    github.open_pull("acme/api", head=BRANCH, base="main", title=f"closes NX-{task}", body="", by="ada")
    github.pull("acme/api", 1).updated_at = LONG_AGO
    _look(hub)

    assert "review" == hub.tasks.get(task).status


@pytest.mark.parametrize(("merge", "status"), [(True, "done"), (False, "pending")])
def test_what_ended_long_ago_is_not_open_for_ever(
    hub: Nexus, github: GitHubStandIn, merge: bool, status: str
) -> None:  # fmt: skip
    """The hub was away for longer than a week: what it takes for open is asked for by its number."""
    task = hub.tasks.create("Add login", repository="acme/api").id
    opened = github.open_pull("acme/api", head=BRANCH, base="main", title=f"closes NX-{task}", body="", by="ada")
    opened.created_at = opened.updated_at = "2020-01-01T12:00:00Z"
    _look(hub)
    end = github.merge if merge else github.close
    end("acme/api", 1)
    opened.updated_at = opened.closed_at = LONG_AGO
    _look(hub)

    assert status == hub.tasks.get(task).status


def test_it_comes_round(hub: Nexus) -> None:
    """A worker's sweep starts it."""
    hub.jobs.sweep()
    hub.jobs.drain()
    (job,) = hub.jobs.list(kind="github.reconcile")

    assert ("done", "acme/api: 0 pull requests looked at") == (job.state, job.last_error)


def test_a_repository_that_is_gone_is_told(hub: Nexus) -> None:
    """And the others are looked at all the same."""
    hub.repositories.add("acme/gone")
    told = reconcile(hub.context("github"))

    assert "acme/api: 0 pull requests looked at" in told
    assert any(line.startswith("acme/gone: its pull requests cannot be seen") for line in told)


def test_nonsense_says_nothing() -> None:
    """An answer without a number is no pull request."""
    assert None is fact_of({"state": "open"}, "acme/api")
