"""Which events a handler wants: the others cause no job."""

from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import EventHandler
from nexus_core.testing import nexus_for_test


def test_events_that_a_handler_does_not_want_need_no_job(clock):
    """It is asked with the event alone."""

    class Picky:
        NEXUS_NAME = "picky"

        @hookimpl
        def nexus_event_handlers(self):
            """Only what goes back to where it began."""
            yield EventHandler(
                name="picky.back", on="task.moved", call=lambda event, ctx: None,
                when=lambda event: (event.id, event.payload["to"]) == (0, "pending"),
            )  # fmt: skip

    with nexus_for_test(Picky(), clock=clock) as nexus:
        task = nexus.tasks.create("T")
        for word in ("blocked", "pending", "blocked"):
            nexus.tasks.move(task.id, word)

        [job] = nexus.jobs.list(kind="picky.back")
        assert "pending" == nexus.events.get(job.event_id).payload["to"]
