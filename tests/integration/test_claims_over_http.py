"""A hundred agents claim a thousand tasks through HTTP, while servers, workers and agents are killed.

`NEXUS_TEST_CLAIMS=20000` makes it twenty thousand tasks, and gives it the time for them.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from crowd import judge, perform

from history import REFUSED, UNKNOWN

TASKS = int(os.environ.get("NEXUS_TEST_CLAIMS", "1000"))
SECONDS = 180 + TASKS / 10  #: at most; alone on two cores it takes a fraction of it


@pytest.mark.timeout(SECONDS + 60)
def test_a_hundred_agents_while_everything_is_killed(database_url, tmp_path):
    """No two holders, fences that go up, nothing lost, nothing before its time, and no late word is heard."""
    story = perform(database_url, tmp_path, TASKS, seed=TASKS, seconds=SECONDS)
    outcomes = Counter(call.outcome for call in story.calls)
    ended = Counter(entry.status for entry in story.ledger)

    judge(story, database_url)
    assert min(story.killed["server"], story.killed["worker"]) >= 1, "too little was killed to show anything"
    assert min(outcomes[UNKNOWN], outcomes[REFUSED], ended["lost"], ended["failed"]) >= 10, (outcomes, ended)
    assert sum(one.slept for one in story.crowd) >= 5 and sum(one.killed for one in story.crowd) >= 5


@pytest.mark.timeout(120)
def test_a_hundred_agents_in_peace(database_url, tmp_path):
    """When nobody is killed, no call is left without an answer, and none is told to come again."""
    story = perform(database_url, tmp_path, 200)

    judge(story, database_url)
    assert {"200", "201", "204", "409"} >= set(story.seen)
