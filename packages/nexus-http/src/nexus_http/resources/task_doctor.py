"""What is wrong in tasks, and its mends."""

from __future__ import annotations

import falcon

from nexus_core.wire import finding_to_wire, mend_report_to_wire
from nexus_http.cursors import after_of, cursor_of
from nexus_http.fields import PAGE, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

_CASES = Field("cases", "number", "How many cases of each finding at most; 20 otherwise.", minimum=1, maximum=200)
_PLACE = "Its id or its name, owner/name; `none` for the tasks that are in no repository."
QUERY = (
    Field("repository", "name", _PLACE),
    Field("only", "texts", "Only these checks, by code.", listed="checks"),
    _CASES,
    *PAGE,
)
BODY = (
    Field("repository", "name", _PLACE, required=True),
    Field(
        "mend", "texts", "`code`, or `code:name` where there is a choice. Without it, all that asks for no decision.",
        nullable=True, listed="mends",
    ),
    Field("dry_run", "flag", "Only report what would be done."),
    _CASES,
)  # fmt: skip


class TaskDoctor(Resource):
    """The doctor of tasks."""

    @operation(Scope.TASKS_READ, "Say what is wrong in tasks, and how to mend it", query=QUERY, returns="Page[Finding]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The findings of one repository, or of all that the key may see, repository by repository.

        What one check finds in a repository is one finding, with the first cases and the count of all. A page ends
        with the repository that brings it to `limit`, so it may hold a few more.
        """
        query = self.query(req)
        after = after_of(query.pop("cursor", None))
        found = self.nexus.task_doctor.examine(**query, after=after, actor=actor_of(req))
        more = None if found.next_cursor is None else cursor_of(int(found.next_cursor))
        send(resp, page([finding_to_wire(finding, self.prefix) for finding in found.items], more))

    @operation(Scope.TASKS_WRITE, "Mend what is wrong in the tasks of a repository", body=BODY, returns="MendReport")
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Mend in one transaction, each change with its event; the answer says what was done, and what remains."""
        body = self.body(req)
        mends = body.pop("mend", None)
        report = self.nexus.task_doctor.mend(body.pop("repository"), mends, **body, actor=actor_of(req))
        send(resp, mend_report_to_wire(report, self.prefix))
