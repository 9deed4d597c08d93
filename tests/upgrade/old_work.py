"""Run by the previous revision's Python: a hub on this database with something of everything; tells what it holds."""

import json
import sys
from datetime import timedelta
from inspect import signature

from nexus_core.config import Config
from nexus_core.domain.changes import ChangeMerged, ChangeOpened, ChangeRef
from nexus_core.domain.deliveries import DeliveryState, VerifiedDelivery
from nexus_core.domain.jobs import NewJob
from nexus_core.nexus import Nexus

FILE = {
    "tasks": [
        {"id": 1, "title": "Lay the ground", "status": "done"},
        {"id": 2, "title": "Build the walls", "dependencies": [1], "priority": "high"},
        {"id": 3, "title": "Put a roof on", "dependencies": [2], "subtasks": [{"id": 1, "title": "Buy tiles"}]},
    ]
}


def fill(nexus):
    """Tasks, work, questions, changes, keys, people, jobs, deliveries."""
    nexus.tasks.import_file(json.dumps(FILE).encode(), "acme/api")
    other = nexus.repositories.add("acme/web", "https://github.com/acme/web")
    blocked = nexus.tasks.create("Wait", repository="acme/web", dependencies=[2], labels=("python",))
    nexus.tasks.create("Not yet", parent_id=blocked.id, complexity_manual=7)
    held = nexus.assignments.claim(agent="ada")
    nexus.assignments.add_activity(held.id, held.fence, "elicitation", "This or that?", choices=["this", "that"])
    failed = nexus.tasks.create("Hard")
    once = nexus.assignments.claim(agent="bob", task_id=failed.id)
    nexus.assignments.fail(once.id, once.fence, error="no luck")
    merged = nexus.tasks.create("Merge me", repository="acme/web")
    change = ChangeRef(
        source="github", repository=other.name, number=7, title=f"NX-{merged.id} it", url="https://x/7", author="ada"
    )
    nexus.changes.apply(ChangeOpened(change=change))
    nexus.changes.apply(ChangeMerged(change=change))
    nexus.users.invite("ada-l", "developer")
    with nexus.store.writing() as tx:
        tx.jobs.add(NewJob(kind="core.nobody", lane="default", payload={"n": 1}, unique_key="k"), nexus.clock.now())
        webhook = VerifiedDelivery(source="github", id="guid", kind="ping", body=b"{}", headers={"a": "b"})
        state = (DeliveryState.RECEIVED,) if "state" in signature(tx.deliveries.add).parameters else ()
        tx.deliveries.add(webhook, *state, nexus.clock.now())  # some revisions are told the state
    secret = nexus.keys.create("old key", role="developer").secret
    return held, nexus.inbox.list()[0], secret


def main():
    url, folder = sys.argv[1:]
    values = {"database_url": url, "data_dir": folder, "auto_migrate": True, "documents.delay": timedelta(0)}
    config = Config(values=values)
    with Nexus.open(config) as nexus:
        held, question, secret = fill(nexus)
        nexus.jobs.drain()
        tasks = nexus.tasks.list().items
        print(json.dumps({
            "tasks": {task.id: [task.title, str(task.status), list(task.dependencies), task.version] for task in tasks},
            "ready": [task.id for task in nexus.tasks.ready()],
            "held": [held.id, held.task_id, held.fence],
            "question": question.id,
            "secret": secret,
            "events": [event.id for event in nexus.events.list(limit=200)],
            "export": nexus.tasks.export_file("acme/api").decode(),
            "jobs": [[job.kind, str(job.state)] for job in nexus.jobs.list(limit=200)],
            "users": [user.username for user in nexus.users.list()],
        }))  # fmt: skip


main()
