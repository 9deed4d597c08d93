"""The audit is complete: every method of every service that changes something is on record, exactly once.

A new method fails `test_every_method_is_accounted_for` until somebody says here what it records.
"""

from __future__ import annotations

import inspect
from collections import Counter
from functools import cached_property

import pytest

from nexus_core import Agent, ChangeMerged, ChangeOpened, ChangeRef, JobHandler, Retry, hookimpl
from nexus_core.domain.access import LOCAL, Actor, ActorKind, Role
from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.domain.events import AccessRefused
from nexus_core.domain.hosts import HostReport
from nexus_core.domain.rework import Finding
from nexus_core.errors import Unauthenticated
from nexus_core.nexus import Nexus
from nexus_core.plugins.records import CodeHost, DeliverySource
from nexus_core.testing import nexus_for_test

LEAD = Actor(
    kind=ActorKind.KEY, name="lead", id=7, scopes=Role.ADMIN.scopes, key_id=7, address="203.0.113.9", request_id="r-1"
)
FILE = b'{"tasks": [{"id": 1, "title": "One", "status": "pending"}]}'
REF = ChangeRef(
    source="github", repository="acme/api", number=7, title="NX-1", body="closes NX-1", branch="b", url="https://example.com/7",
    author="ada", head="abc",
)  # fmt: skip

#: What reads, and what is not the business of the audit, with the reason.
READS = [
    "agents.list",
    "assignments.activities",
    "assignments.get",
    "assignments.list",
    "audit.verify",
    "changes.find",
    "changes.for_task",
    "changes.near",
    "changes.open_in",
    "deliveries.find",
    "deliveries.get",
    "deliveries.list",
    "deliveries.spool",
    "documents.render",
    "events.get",
    "events.list",
    "gates.around",
    "gates.of_branch",
    "health.check",
    "health.ready",
    "inbox.list",
    "issues.of_task",
    "issues.outgoing",
    "jobs.due",
    "jobs.ended_a_minute",
    "jobs.get",
    "jobs.lanes",
    "jobs.list",
    "jobs.stats",
    "jobs.time_limit",
    "retention.prune",
    "keys.ended_assignment",
    "keys.list",
    "repositories.get",
    "repositories.list",
    "scores.estimate",
    "scores.explain",
    "scores.stale",
    "sessions.csrf_token",
    "task_doctor.checks",
    "task_doctor.examine",
    "tasks.export",
    "tasks.export_file",
    "tasks.get",
    "tasks.graph",
    "tasks.list",
    "tasks.many",
    "tasks.next",
    "tasks.outline",
    "tasks.readiness",
    "tasks.show",
    "tasks.show_page",
    "tasks.ready",
    "turns.closed_for",
    "users.find",
    "users.list",
]
ELSEWHERE = {
    "answers.applying": "remembers that a request took effect; the effect is on record",
    "answers.begin": "remembers that a request came",
    "answers.fail": "remembers what a request was answered",
    "answers.finish": "remembers what a request was answered",
    "answers.prune": "forgets requests of days ago",
    "deliveries.drain": "delivery.spooled beside the delivery's own event, held by test_service_intake.py",
    "limits.prune": "forgets counts of minutes ago",
    "limits.settle": "counts requests; refusals are on record",
    "logins.begin": "nobody came in yet",
    "logins.begin_device": "nobody came in yet",
    "logins.finish": "user.logged_in or login.refused, held by test_service_logins.py",
    "logins.finish_device": "user.logged_in or login.refused, held by test_service_logins.py",
    "sessions.authenticate": "notes when a session was last used; what is then done with it is on record",
    "sessions.end": "user.logged_out, held by test_service_logins.py",
    "sessions.end_key": "user.logged_out, held by test_service_logins.py",
    "turns.calm": "how fast a service outside may be called; what is done there is on record",
    "turns.close": "as above", "turns.give_back": "as above", "turns.strike": "as above", "turns.take": "as above",
    "tasks.wake_parked": "task.ready, held by the tests of parking",
    "users.set_disabled": "user.disabled or user.enabled, held by test_service_logins.py",
    "keys.authenticate": "notes when a key was last used; what is then done with it is on record",
    "assignments.heartbeat": "lengthens a lease by the holder's own word; nothing else changes",
    "jobs.claim": "work that an event caused", "jobs.run": "as above", "jobs.drain": "as above",
    "jobs.perform": "as above", "jobs.settle": "as above",
    "jobs.heartbeat": "as above", "jobs.hand_back": "as above", "jobs.enqueue": "as above", "jobs.sweep": "as above",
    "agents.run": "the runner reports through assignments", "deliveries.handle": "hands facts to changes.apply",
    "changes.prune": "forgets how checks of old commits ended; each is on record as it came",
    "issues.take": "hears of it from changes.apply: held by test_service_issues.py", "issues.transfer": "as above",
    "issues.written": "notes what an issue says by now; the task that it follows is on record",
    "tasks.create_in": "a part of the transaction of others", "tasks.edit_in": "as above",
    "scores.ask": "a part of the transaction of others", "scores.refresh": "as above",
    "scores.run": "an estimator's answer: task.scored when it differs",
    "tasks.recount": "counts that are kept beside tasks; no task changes",
    "agents.dispatch": "hands out by agents' own path, as agents.assign", "audit.seal": "seals events",
    "alerts.look": "raises through the path of alerts.report", "documents.refresh": "documents.changed, when they do",
    "refusals.flush": "writes what was counted", "refusals.close": "as above",
    "events.record": "is the record itself",
    "keys.first_admin_key": "makes its key by keys.create",
}  # fmt: skip


class Sender:
    """A plugin that takes webhooks, and has a job that dies."""

    NEXUS_NAME = "probe"

    @hookimpl
    def nexus_delivery_sources(self):
        """Webhooks whose body is their id."""
        yield DeliverySource(name="probe", verify=self._verify, translate=lambda delivery, ctx: None)

    @hookimpl
    def nexus_job_handlers(self):
        """Dies at once."""
        yield JobHandler(kind="probe.die", call=lambda job, ctx: Retry("no"), max_attempts=1)

    @hookimpl
    def nexus_code_hosts(self):
        """One repository is there, with a policy."""
        yield CodeHost(
            name="probe",
            owns=lambda repository, ctx: repository.name == "acme/hosted",
            look=lambda repository, set_up, ctx: HostReport(
                name="acme/hosted", default_branch="main", policy=b'issues = "all"'
            ),
        )

    def _verify(self, body, headers, ctx):
        if body == b"forged":
            raise Unauthenticated("the signature is wrong")
        return VerifiedDelivery(
            source="probe", id=body.decode(), kind="thing.done", body=body, headers={}, fingerprint=body[:1].hex()
        )


class World:
    """A hub with one of each, and what scenarios need of it."""

    def __init__(self, hub):
        self.hub = hub
        self.repository = hub.repositories.add("acme/api")
        self.task = hub.tasks.create("One", repository="acme/api").id
        self.other = hub.tasks.create("Two", repository="acme/api").id
        self.key = hub.keys.create("spare", role="viewer").key.id
        self.user = hub.users.invite("ada").id

    def held(self):
        """An assignment of the task: its id and fence."""
        held = self.hub.assignments.claim(agent="claude", task_id=self.task)
        return held.id, held.fence

    def finished(self):
        """An agent finished on a branch, and what it did was sent back."""
        self.hub.assignments.complete(*self.held(), branch="b")
        self.hub.tasks.move(self.task, "in-progress")

    def question(self):
        """A question that waits."""
        return self.hub.assignments.add_activity(*self.held(), "elicitation", "This?", choices=["yes"]).id

    def dead_job(self):
        """A job that used up its attempts."""
        found = self.hub.jobs.enqueue("probe.die", {})
        self.hub.jobs.drain()
        return found

    def delivery(self, body=b"a1"):
        """A stored webhook."""
        return self.hub.deliveries.receive("probe", body, {}).delivery_id

    def forge(self):
        """A webhook that is refused."""
        with pytest.raises(Unauthenticated):
            self.delivery(b"forged")

    def failed_delivery(self):
        """One whose handling failed."""
        from nexus_core.domain.deliveries import DeliveryState

        found = self.delivery()
        self.hub.jobs.drain()
        with self.hub.store.writing() as tx:
            tx.deliveries.settle(found, DeliveryState.FAILED, "no", self.hub.clock.now())


HANDED_OUT = ["assignment.created", "task.moved"]
#: Method (and case) -> how to prepare, what to do, what is then on record, by whom.
WRITES = {
    "agents.assign": (None, lambda w, _: w.hub.agents.assign(w.task, "claude", actor=LEAD), HANDED_OUT),
    "agents.assign override": (
        lambda w: (w.hub.tasks.depend(w.task, w.other), w.hub.tasks.get(w.task))[0],
        lambda w, _: w.hub.agents.assign(w.task, "claude", override=True, actor=LEAD),
        HANDED_OUT,
    ),
    "assignments.claim": (None, lambda w, _: w.hub.assignments.claim(agent="claude", actor=LEAD), HANDED_OUT),
    "assignments.start": (
        World.held, lambda w, held: w.hub.assignments.start(*held, actor=LEAD), ["assignment.started"]
    ),
    "assignments.add_activity": (
        World.held,
        lambda w, held: w.hub.assignments.add_activity(*held, "thought", "Hm", actor=LEAD),
        ["activity.added"],
    ),
    "assignments.complete": (
        World.held,
        lambda w, held: w.hub.assignments.complete(*held, actor=LEAD),
        ["assignment.completed", "task.moved"],
    ),
    "assignments.fail": (
        World.held,
        lambda w, held: w.hub.assignments.fail(*held, error="no", actor=LEAD),
        ["assignment.failed", "task.moved", "task.ready"],
    ),
    "assignments.release": (
        World.held,
        lambda w, held: w.hub.assignments.release(*held, actor=LEAD),
        ["assignment.released", "task.moved", "task.ready"],
    ),
    "assignments.cancel": (
        World.held,
        lambda w, held: w.hub.assignments.cancel(held[0], actor=LEAD),
        ["assignment.cancelled", "task.moved", "task.ready"],
    ),
    "assignments.reclaim_lost": (
        lambda w: (w.held(), w.hub.clock.advance(days=1)),
        lambda w, _: w.hub.assignments.reclaim_lost(),
        ["assignment.lost", "task.moved", "task.ready"],
    ),
    "changes.apply": (
        None,
        lambda w, _: w.hub.changes.apply(ChangeOpened(change=REF), actor=LEAD),
        ["change.linked", "change.opened", "task.moved"],
    ),
    "deliveries.receive": (None, lambda w, _: w.delivery(), ["probe.thing.done"]),
    "deliveries.receive duplicate": (World.delivery, lambda w, _: w.delivery(), ["delivery.duplicated"]),
    "deliveries.receive again": (World.failed_delivery, lambda w, _: w.delivery(), ["delivery.duplicated"]),
    "deliveries.receive replay": (World.delivery, lambda w, _: w.delivery(b"a2"), ["probe.thing.done"]),
    "deliveries.receive forged": (
        None, lambda w, _: w.forge(), ["delivery.refused"]
    ),
    "deliveries.replay": (
        World.delivery, lambda w, stored: w.hub.deliveries.replay(stored, actor=LEAD), ["delivery.replayed"]
    ),
    "documents.mark_published": (
        None,
        lambda w, _: w.hub.documents.mark_published("acme/api", ["README.md"], branch="b", commit="c", actor=LEAD),
        ["documents.published"],
    ),
    "inbox.answer": (
        World.question, lambda w, asked: w.hub.inbox.answer(asked, "yes", actor=LEAD), ["inbox.answered"]
    ),
    "jobs.retry": (World.dead_job, lambda w, job: w.hub.jobs.retry(job, actor=LEAD), ["job.retried"]),
    "keys.create": (None, lambda w, _: w.hub.keys.create("x", role="viewer", actor=LEAD), ["key.created"]),
    "keys.revoke": (None, lambda w, _: w.hub.keys.revoke(w.key, actor=LEAD), ["key.revoked"]),
    "keys.revoke again": (
        lambda w: w.hub.keys.revoke(w.key), lambda w, _: w.hub.keys.revoke(w.key, actor=LEAD), []
    ),
    "keys.ensure_bootstrap": (None, lambda w, _: w.hub.keys.ensure_bootstrap("a" * 32), ["key.created"]),
    "keys.ensure_bootstrap another": (
        lambda w: w.hub.keys.ensure_bootstrap("a" * 32),
        lambda w, _: w.hub.keys.ensure_bootstrap("b" * 32),
        ["key.created", "key.revoked"],
    ),
    "refusals.note": (
        None,
        lambda w, _: w.hub.refusals.note(AccessRefused, actor=LEAD, address="203.0.113.9", reason="no"),
        ["access.refused"],
    ),
    "alerts.report": (None, lambda w, _: w.hub.alerts.report("broker.away", "broker"), ["alert.raised"]),
    "alerts.resolve": (
        lambda w: w.hub.alerts.report("broker.away", "broker"),
        lambda w, _: w.hub.alerts.resolve("broker.away", "broker"),
        ["alert.resolved"],
    ),
    "connections.add": (
        None,
        lambda w, _: w.hub.connections.add("acme/web", "https://git.example/acme/web", actor=LEAD),
        ["repository.added"],
    ),
    "connections.connect": (
        lambda w: w.hub.repositories.add("acme/hosted").id,
        lambda w, hosted: w.hub.connections.connect(hosted, actor=LEAD),
        ["policy.changed", "repository.connected"],
    ),
    "repositories.add": (None, lambda w, _: w.hub.repositories.add("acme/web", actor=LEAD), ["repository.added"]),
    "repositories.edit": (
        None,
        lambda w, _: w.hub.repositories.edit("acme/api", {"name": "acme/new"}, actor=LEAD),
        ["repository.edited"],
    ),
    "repositories.sync": (None, lambda w, _: w.hub.repositories.sync("acme/api", actor=LEAD), ["repository.synced"]),
    "rework.ask": (
        World.finished,
        lambda w, _: w.hub.rework.ask(w.task, [Finding(key="k", text="No")], branch="b", url="", rounds=1, actor=LEAD),
        ["assignment.created", "rework.requested"],
    ),
    "task_doctor.mend": (
        lambda w: w.hub.tasks.import_file(FILE.replace(b'"pending"', b'"pending", "dependencies": [1]'), "acme/web"),
        lambda w, _: w.hub.task_doctor.mend("acme/web", actor=LEAD),
        None,
    ),
    "tasks.create": (None, lambda w, _: w.hub.tasks.create("x", actor=LEAD), ["task.created", "task.ready"]),
    "tasks.edit": (None, lambda w, _: w.hub.tasks.edit(w.task, {"title": "y"}, actor=LEAD), ["task.edited"]),
    "tasks.edit nothing": (None, lambda w, _: w.hub.tasks.edit(w.task, {"title": "One"}, actor=LEAD), []),
    "tasks.move": (None, lambda w, _: w.hub.tasks.move(w.task, "deferred", actor=LEAD), ["task.moved"]),
    "tasks.depend": (None, lambda w, _: w.hub.tasks.depend(w.task, w.other, actor=LEAD), ["task.depended"]),
    "tasks.undepend": (
        lambda w: w.hub.tasks.depend(w.task, w.other),
        lambda w, _: w.hub.tasks.undepend(w.task, w.other, actor=LEAD),
        ["task.ready", "task.undepended"],
    ),
    "tasks.import_file": (
        None,
        lambda w, _: w.hub.tasks.import_file(FILE, "acme/web", actor=LEAD),
        ["repository.added", "tasks.imported"],
    ),
    "tasks.import_file dry": (
        None, lambda w, _: w.hub.tasks.import_file(FILE, "acme/web", dry_run=True, actor=LEAD), []
    ),
    "users.invite": (None, lambda w, _: w.hub.users.invite("bob", actor=LEAD), ["user.invited"]),
    "users.set_role": (None, lambda w, _: w.hub.users.set_role(w.user, "viewer", actor=LEAD), ["user.edited"]),
    "users.set_role same": (None, lambda w, _: w.hub.users.set_role(w.user, "developer", actor=LEAD), []),
}  # fmt: skip


@pytest.fixture
def world(clock):
    with nexus_for_test(Sender(), clock=clock, agents={"claude": Agent(name="claude")}) as hub:
        yield World(hub)


def events_of(hub):
    """All that is on record."""
    with hub.store.reading() as tx:
        return tx.events.list(after=0, kind=None, task_id=None, visible=None, limit=500, newest=False)


def test_every_method_is_accounted_for():
    """Each one reads, or is on record as this page says, or has a reason not to be."""
    services = {name: value for name, value in vars(Nexus).items() if isinstance(value, cached_property)}
    with nexus_for_test() as hub:
        methods = {
            f"{name}.{method}"
            for name in services
            if not name.startswith("_")
            for method, _ in inspect.getmembers(getattr(hub, name), inspect.ismethod)
            if not method.startswith("_")
        }

    assert methods == {*READS, *ELSEWHERE, *(case.split()[0] for case in WRITES)}


@pytest.mark.parametrize("case", WRITES)
def test_what_is_changed_is_on_record_once(world, case):
    """With who did it, by which key, from where, in which request."""
    prepare, act, expected = WRITES[case]
    prepared = prepare(world) if prepare else None
    before = len(events_of(world.hub))
    act(world, prepared)
    said = events_of(world.hub)[before:]
    types = Counter(event.type for event in said)

    if expected is None:
        assert types["tasks.mended"] >= 1
    else:
        assert Counter(expected) == types
    if "LEAD" in act.__code__.co_names:
        assert {("lead", 7, "203.0.113.9", "r-1")} >= {
            (event.actor_name, event.key_id, event.address, event.request_id) for event in said
        }


@pytest.mark.parametrize(
    ("case", "before", "after"),
    [
        ("users.set_role", "developer", "viewer"),
        ("tasks.move", "pending", "deferred"),
        ("jobs.retry", "dead", None),
    ],
)
def test_a_change_says_what_was_before(world, case, before, after):
    """What there was and what there is now."""
    prepare, act, _ = WRITES[case]
    act(world, prepare(world) if prepare else None)
    event = events_of(world.hub)[-1]

    assert (before, after) == (event.payload["from"], event.payload.get("to"))


@pytest.mark.parametrize(
    ("case", "field", "change"),
    [
        ("tasks.edit", "title", {"from": "One", "to": "y"}),
        ("repositories.edit", "name", {"from": "acme/api", "to": "acme/new"}),
    ],
)
def test_an_edit_says_what_was_before_field_by_field(world, case, field, change):
    """What there was and what there is now."""
    WRITES[case][1](world, None)

    assert change == events_of(world.hub)[-1].payload["changes"][field]


def test_an_override_says_so(world):
    """Who handed out what was not ready."""
    prepare, act, _ = WRITES["agents.assign override"]
    act(world, prepare(world))
    [created] = world.hub.events.list(type="assignment.created")

    assert "not ready; overridden by lead" in created.payload["reason"]


def test_what_a_merge_did_names_its_delivery(world):
    """Each fact that follows from a webhook carries the webhook's id."""
    world.hub.changes.apply(ChangeOpened(change=REF), actor=LEAD, delivery="github:1")
    before = len(events_of(world.hub))
    world.hub.changes.apply(ChangeMerged(change=REF), actor=LOCAL, delivery="github:2")
    said = events_of(world.hub)[before:]

    assert {"change.merged", "task.moved"} <= {event.type for event in said}
    assert {"github:2"} == {event.delivery for event in said}
