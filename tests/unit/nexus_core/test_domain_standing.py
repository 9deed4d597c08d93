"""Where a task stands by what closes it, and what a text takes back."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from nexus_core.domain.changes import ChangeState
from nexus_core.domain.references import find_references, find_reverts
from nexus_core.domain.standing import Closer, standing

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
OPEN, DRAFT, MERGED, CLOSED = ChangeState.OPEN, ChangeState.DRAFT, ChangeState.MERGED, ChangeState.CLOSED


def closer(number, state, opened=None, ended=None, **fields):
    at = [None if minute is None else AT + timedelta(minutes=minute) for minute in (opened, ended)]
    return Closer(
        key=f"change:{number}", name=f"a/b#{number}", state=state, merged=f"a/b#{number} merged", opened_at=at[0],
        ended_at=at[1], **fields,
    )  # fmt: skip


CASES = {
    "nothing": ((), None),
    "open": ((closer(1, OPEN),), "review"),
    "a draft": ((closer(1, DRAFT),), "in-progress"),
    "closed": ((closer(1, CLOSED),), None),
    "merged": ((closer(1, MERGED),), "done"),
    "wanted changes": ((closer(1, OPEN, findings=("no",)),), "in-progress"),
    "one of two wants work": ((closer(1, OPEN), closer(2, OPEN, findings=("no",))), "in-progress"),
    "merged beside an open one": ((closer(1, MERGED), closer(2, OPEN)), "review"),
    "merged beside a closed one": ((closer(1, MERGED), closer(2, CLOSED)), "done"),
    "taken back": ((closer(1, MERGED, reverted_by="a/b#2"),), None),
    "taken back, and another stands": ((closer(1, MERGED, reverted_by="x"), closer(2, MERGED)), "done"),
    "spent": ((closer(1, MERGED, spent=True),), None),
    "opened afterwards": ((closer(1, MERGED, 0, 5), closer(2, OPEN, 6)), "done"),
    "opened before": ((closer(1, MERGED, 0, 5), closer(2, OPEN, 4)), "review"),
    "opened while a third kept it open": (
        (closer(1, MERGED, 0, 5), closer(2, OPEN, 6), closer(3, MERGED, 3, 9)), "review",
    ),
    "opened after the merge was taken back": ((closer(1, MERGED, 0, 5, reverted_by="x"), closer(2, OPEN, 6)), "review"),
    "a commit": ((closer(1, MERGED, None, 5), closer(2, DRAFT, 7)), "done"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_task_stands_where_its_changes_say(name):
    """In whatever order they are given."""
    closers, expected = CASES[name]

    assert {expected} == {standing(order).status for order in permutations(closers)}


def test_the_reason_speaks_of_the_change_that_is_asked_about():
    """Where several say the same."""
    both = (closer(1, OPEN), closer(2, OPEN))

    assert ["a/b#1 is open for review", "a/b#2 is open for review"] == [
        standing(both, first).reason for first in ("", "change:2")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reverts acme/api#7", ("#7",)),
        ("reverts #7", ("#7",)),
        ("Reverts Acme/API#7 and reverts #8", ("#7", "#8")),
        ("This reverts merge request !7", ("#7",)),
        (f"This reverts commit {'a' * 40}.", ("a" * 40,)),
        ("Reverts other/api#7", ()),
        ("Reverts acme/api#07", ()),
        ("This reverts commit abc1234", ()),
        ("Reverts NX-7", ()),
        ("Does not mention #7", ()),
        ("`Reverts #7`", ()),
        ("<!-- Reverts #7 -->", ()),
        ("It prereverts #7", ()),
    ],
)
def test_a_text_names_what_it_takes_back(text, expected):
    """Of its own repository; commits by their whole hash."""
    assert expected == find_reverts(text, "acme/api")


def test_a_commit_takes_back_commits_alone():
    """Its message may quote the text of the change that it came with."""
    assert () == find_reverts("Revert “x”\n\nReverts acme/api#7", "acme/api", changes=False)


def test_a_repositorys_own_words_close_too():
    """Beside the common ones, in one word or several."""
    found = find_references(body="Ships NX-1. Takes care of NX-2. Fixes NX-3", closing=("ships", "takes care of"))

    assert [(1, True), (2, True), (3, True)] == sorted((one.task_id, one.closes) for one in found)
    assert "the body says “takes care of NX-2”" in [one.reason for one in found]
