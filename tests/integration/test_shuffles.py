"""Facts of a code host that come late, twice and in any order end where they end in order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations

import attrs
import pytest

from engines import at_once, open_hub, outcome
from nexus_core.domain.changes import ChangeClosed, ChangeMerged, ChangeOpened, ChangeRef
from nexus_core.domain.deliveries import DeliveryState, VerifiedDelivery
from nexus_core.plugins import records
from nexus_core.plugins.hookspecs import hookimpl

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ref(minute, number=7, **fields):
    """A pull request as its host describes it at that minute; its branch names no task."""
    plain = {"title": "NX-1: log in", "branch": "login", "url": f"https://git.example/{number}", "head": "a"}
    at = AT + timedelta(minutes=minute)
    return ChangeRef(source="github", repository="acme/api", number=number, updated_at=at, **{**plain, **fields})


def opened(minute, draft=False, reopened=False, **fields):
    return ChangeOpened(change=ref(minute, **fields), draft=draft, reopened=reopened)


def closed(minute, **fields):
    return ChangeClosed(change=ref(minute, **fields))


def merged(minute, **fields):
    return ChangeMerged(change=ref(minute, **fields))


#: Histories as they happened. Task 1 is named by the title, tasks 2 and 3 by texts that come and go.
SHORT = {
    "merged": (opened(0), opened(1, head="b"), opened(2, title="NX-1: log in, edited"), merged(3, title="NX-1: ok")),
    "closed": (opened(0), opened(1, head="b"), opened(2, title="NX-1: edited"), closed(3, title="NX-1: given up")),
    "reopened": (opened(0), closed(1), opened(2, reopened=True), opened(3, head="c", title="NX-1: again")),
    "draft": (opened(0, draft=True), opened(1, draft=True, head="b"), opened(2), opened(3, draft=True)),
    "renamed": (opened(0), opened(1, title="NX-2: this"), opened(2, title="NX-3: that"), merged(3, title="NX-3: that")),
    "body": (
        opened(0, body="Fixes NX-2"), opened(1, body="Refs NX-2"), opened(2, body="Refs NX-2, closes NX-3"), opened(3),
    ),
    "late edit": (opened(0), merged(1), opened(-1, body="Fixes NX-2"), opened(-2, draft=True)),
    "two": (opened(0), opened(1, number=8), merged(2), closed(3, number=8)),
    "two the other way": (opened(0), opened(1, number=8), closed(2), merged(3, number=8)),
}  # fmt: skip
LONG = (
    opened(0, draft=True),
    opened(1, draft=True, head="b", body="Fixes NX-2"),
    opened(2, head="b", body="Fixes NX-2"),
    opened(3, head="c", body="Fixes NX-2"),
    opened(4, head="c", title="NX-1: log in quickly", body="Refs NX-2"),
    closed(5, head="c", title="NX-1: log in quickly", body="Refs NX-2"),
    opened(6, head="c", title="NX-1: log in quickly", reopened=True),
    opened(7, head="d", title="NX-1: log in safely", body="Closes NX-3"),
    opened(8, head="d", title="NX-1: log in safely", draft=True, body="Closes NX-3"),
    opened(9, head="e", title="NX-1: log in safely", body="Closes NX-3"),
    opened(10, head="e", title="NX-1: log in", body="Closes NX-3"),
)
ENDS = {
    "merged": merged(11, head="e", title="NX-1: log in", body="Closes NX-3"),
    "closed": closed(11, head="e", title="NX-1: log in", body="Closes NX-3"),
    "open": opened(11, head="f", title="NX-1: log in!", body="Closes NX-3"),
}


def story(nexus, facts):
    """Tell a repository of its own the facts; how its tasks and its changes stand afterwards."""
    name = f"acme/api-{len(nexus.repositories.list())}"
    ids = make_tasks(nexus, name)
    for fact in facts:
        nexus.changes.apply(attrs.evolve(fact, change=here(fact.change, name, ids)))
    return standing(nexus, ids, name)


def make_tasks(nexus, repository):
    """A new repository with three tasks."""
    nexus.repositories.add(repository)
    return [nexus.tasks.create(f"Task {index}", repository=repository).id for index in (1, 2, 3)]


def here(change, repository, ids):
    """The same change in another repository, with its tasks."""
    texts = {}
    for field in ("title", "body"):
        first, *parts = getattr(change, field).split("NX-")
        texts[field] = first + "".join(f"NX-{ids[int(part[0]) - 1]}{part[1:]}" for part in parts)
    return attrs.evolve(change, repository=repository, **texts)


def standing(nexus, ids, repository):
    """Status of each task, and state, title and head of each change, told without their numbers."""
    changes = sorted(nexus.changes.find(repository, branch="login"), key=lambda change: change.number)
    return (
        [str(nexus.tasks.get(task).status) for task in ids],
        [(change.number, str(change.state), change.title.partition(":")[2], change.head) for change in changes],
    )


@pytest.mark.parametrize("name", SHORT)
def test_every_order_of_four_ends_alike(hub, name):
    """All 24, each fact told twice."""
    wanted = story(hub, SHORT[name])
    ends = {order: story(hub, [fact for fact in order for _ in (0, 1)]) for order in permutations(SHORT[name])}

    assert {} == {str(order): end for order, end in ends.items() if end != wanted}


@pytest.mark.parametrize("end", ENDS)
def test_shuffled_histories_end_alike(hub, end):
    """Some hundred shuffles of twelve facts, with up to six of them repeated."""
    facts = [*LONG, ENDS[end]]
    wanted = story(hub, facts)
    wrong = {}
    for seed in range(120 if hub.store.name == "sqlite" else 40):
        chance = random.Random(seed)
        shuffled = [*facts, *chance.choices(facts, k=chance.randrange(7))]
        chance.shuffle(shuffled)
        if (found := story(hub, shuffled)) != wanted:
            wrong[seed] = found

    assert {} == wrong, wanted


@pytest.mark.parametrize("end", ENDS)
def test_facts_that_come_at_once_end_alike(hub, end):
    """From twelve threads, without an order at all."""
    facts = [*LONG, ENDS[end]]
    wanted = story(hub, facts)
    ids = make_tasks(hub, "acme/at-once")
    moved = [attrs.evolve(fact, change=here(fact.change, "acme/at-once", ids)) for fact in facts]
    answers = at_once([outcome(partial(hub.changes.apply, fact)) for fact in moved])

    assert [] == [answer for answer in answers if isinstance(answer, Exception)]
    assert wanted == standing(hub, ids, "acme/at-once")


def test_what_was_expected_of_these_histories(hub):
    """The orders agree on what the rules say, not on something else."""
    ends = {name: story(hub, facts)[0] for name, facts in SHORT.items()}

    assert {
        "merged": ["done", "pending", "pending"],
        "closed": ["pending", "pending", "pending"],
        "reopened": ["review", "pending", "pending"],
        "draft": ["in-progress", "pending", "pending"],
        "renamed": ["pending", "pending", "done"],
        "body": ["review", "pending", "pending"],
        "late edit": ["done", "pending", "pending"],
        "two": ["done", "pending", "pending"],
        "two the other way": ["done", "pending", "pending"],
    } == ends


def state(nexus):
    """All that a fact could change of two tasks."""
    return nexus.changes.for_task(1), nexus.tasks.get(1), nexus.tasks.get(2), len(nexus.events.list(limit=200))


def test_a_stale_fact_changes_no_column(hub):
    """Nor title, head or state of the change, nor its links, nor the version of a task."""
    make_tasks(hub, "acme/api")
    hub.changes.apply(opened(5, title="NX-1: new"))
    before = state(hub)
    stale = [opened(4, title="NX-1: old", body="Fixes NX-2", head="z"), closed(3, title="NX-1: older")]
    took = [hub.changes.apply(fact) for fact in stale]

    assert [False] * 2 == took
    assert before == state(hub)


def test_a_merge_that_is_told_late_counts(hub):
    """Even when something newer was told before it; what it says of the title is old then."""
    make_tasks(hub, "acme/api")
    hub.changes.apply(opened(5, title="NX-1: new"))
    hub.changes.apply(merged(4, title="NX-1: old"))
    [(change, _)] = hub.changes.for_task(1)

    assert ("done", "merged", "NX-1: new") == (hub.tasks.get(1).status, change.state, change.title)


def test_a_merge_from_before_a_task_was_reopened_does_not_complete_it_again(hub):
    """When a later change for it is given up."""
    make_tasks(hub, "acme/api")
    for fact in (opened(0), merged(1)):
        hub.changes.apply(fact)
    hub.tasks.move(1, "pending", reason="it does not work")
    for fact in (opened(2, number=8), closed(3, number=8)):
        hub.changes.apply(fact)

    assert "pending" == hub.tasks.get(1).status


def test_an_agent_keeps_the_task_that_its_change_no_longer_names(hub):
    """It goes back to work on it; only the review is over."""
    make_tasks(hub, "acme/api")
    held = hub.assignments.claim(agent="ada", task_id=1)
    for fact in (opened(0), opened(1, title="Something else")):
        hub.changes.apply(fact)

    assert ("in-progress", held.id) == (hub.tasks.get(1).status, hub.tasks.get(1).assignment_id)


# Deliveries
# ----------


class Hook:
    """A source whose deliveries merge a change; it notes which were handled."""

    def __init__(self):
        self.handled = []

    @hookimpl
    def nexus_delivery_sources(self):
        yield records.DeliverySource(name="hook", verify=self.verify, translate=self.translate)

    def verify(self, body, headers, ctx):
        return VerifiedDelivery(
            source="hook", id=headers["x-id"], kind="change.merged", body=body, fingerprint=headers.get("x-print")
        )

    def translate(self, delivery, ctx):
        self.handled.append(delivery.delivery_id)
        return [ChangeMerged(change=attrs.evolve(ref(1), source="hook"))]


@pytest.fixture
def hook():
    return Hook()


@pytest.fixture
def hooked(database_url, hook):
    with open_hub(database_url, hook) as opened_hub:
        make_tasks(opened_hub, "acme/api")
        yield opened_hub


def test_one_delivery_that_comes_twenty_times_at_once_has_one_effect(hooked, hook):
    """All are answered; one is stored, handled and told of."""
    answers = at_once([lambda: hooked.deliveries.receive("hook", b"{}", {"X-Id": "d1"})] * 20)
    hooked.jobs.drain()
    types = [event.type for event in hooked.events.list(limit=200)]

    assert (19, 1) == (sum(answer.duplicate for answer in answers), len({answer.delivery_id for answer in answers}))
    assert (["d1"], 1) == (hook.handled, len(hooked.deliveries.list()))
    assert [1, 1, 1] == [types.count(kind) for kind in ("hook.change.merged", "change.merged", "task.completed")]


def test_one_body_under_twenty_names_at_once_has_one_effect(hooked, hook):
    """A replay is kept as what it is."""
    headers = [{"X-Id": f"d{index}", "X-Print": "p"} for index in range(20)]
    answers = at_once([outcome(partial(hooked.deliveries.receive, "hook", b"{}", one)) for one in headers])
    hooked.jobs.drain()
    states = sorted(str(delivery.state) for delivery in hooked.deliveries.list())

    assert ([], 1) == ([one for one in answers if isinstance(one, Exception)], len(hook.handled))
    assert ["done", *["replay"] * 19] == states


def test_many_redeliveries_of_one_that_failed_handle_it_once(hooked, hook):
    """It is set to work again by one of them."""
    delivery = hooked.deliveries.receive("hook", b"{}", {"X-Id": "d1"}).delivery_id
    hooked.jobs.drain()
    with hooked.store.writing() as transaction:
        transaction.deliveries.settle(delivery, DeliveryState.FAILED, "it broke", hooked.clock.now())
    at_once([lambda: hooked.deliveries.receive("hook", b"{}", {"X-Id": "d1"})] * 12)
    hooked.jobs.drain()

    assert ["d1", "d1"] == hook.handled
