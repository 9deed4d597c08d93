"""What several say of one repository at once: each word counts, on both engines."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from engines import at_once
from nexus_core.domain.changes import Fact, OwnerRenamed, RepositoryRenamed
from nexus_core.domain.hosts import DefaultBranchChanged, HostAccessChanged, RepositoryStateChanged
from nexus_core.nexus import Nexus
from nexus_core.storage.repositories import SqlRepositories

NAME, ID = "acme/api", "4711"
FACTS: dict[str, Fact] = {
    "archived": RepositoryStateChanged(source="github", repository=NAME, repository_external_id=ID, state="archived"),
    "out of reach": HostAccessChanged(source="github", granted=False, repositories=((NAME, ID),)),
    "all out of reach": HostAccessChanged(source="github", granted=False, owner="acme"),
    "another branch": DefaultBranchChanged(source="github", repository=NAME, repository_external_id=ID, branch="trunk"),
    "renamed": RepositoryRenamed(source="github", old_name=NAME, new_name="acme/core", external_id=ID),
    "another owner": OwnerRenamed(source="github", old_name="acme", new_name="apex"),
}
BECOMES: dict[str, dict[str, Any]] = {
    "archived": {"state": "archived"}, "out of reach": {"reachable": False}, "all out of reach": {"reachable": False},
    "another branch": {"default_branch": "trunk"}, "renamed": {"name": "acme/core"},
    "another owner": {"name": "apex/api"}, "edited": {"url": "https://example.org"},
}  # fmt: skip


def say(hub: Nexus, word: str) -> None:
    """Have the hub hear of it."""
    if word == "edited":
        hub.repositories.edit(1, BECOMES[word])
    else:
        hub.changes.apply(FACTS[word])


@pytest.mark.parametrize(
    "words",
    [
        ("archived", "out of reach"), ("edited", "archived"), ("another branch", "all out of reach"),
        ("renamed", "archived"), ("another owner", "out of reach"),
    ],
    ids=" and ".join,
)  # fmt: skip
def test_words_that_come_at_once_are_all_kept(hub, monkeypatch, words):
    """None is written over with what was read before it."""
    hub.repositories.add(NAME, external_id=ID)
    save = SqlRepositories.save
    both = threading.Barrier(2)

    def when_both_have_read(self, repository):
        with suppress(threading.BrokenBarrierError):  # the other waits for us, as it should
            both.wait(0.5)
        save(self, repository)

    monkeypatch.setattr(SqlRepositories, "save", when_both_have_read)
    at_once([partial(say, hub, word) for word in words])
    found = hub.repositories.get(1)

    wanted = BECOMES[words[0]] | BECOMES[words[1]]
    assert wanted == {name: getattr(found, name) for name in wanted}
