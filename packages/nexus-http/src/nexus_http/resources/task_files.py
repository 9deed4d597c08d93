"""Task files in and out."""

from __future__ import annotations

from typing import Any

import falcon

from nexus_core.errors import Invalid, NotFound
from nexus_core.wire import report_to_wire
from nexus_http.encoding import decode
from nexus_http.fields import REPOSITORY, Field, check_body
from nexus_http.middleware import is_json, media_type
from nexus_http.operations import FILE_LIMIT, Resource, Scope, actor_of, operation, raw_body, send

JSON_LINES = "application/jsonl"

PLACE = (
    Field(
        "repository", "text", "The repository, owner/name; it is added if it is new.", max_length=201,
        pattern=REPOSITORY,
    ),
    Field("path", "text", "Where the file stands in the repository.", max_length=500),
    Field(
        "format", "text", "Such as `taskmaster` or `jsonl`; otherwise media type, path or content tell.",
        listed="formats",
    ),
    Field("tag", "text", "Of a complexity report: the tag that it is of. Default: as its path says.", max_length=100),
    Field("dry_run", "flag", "Only report what would be done."),
)  # fmt: skip
BODY = (
    Field("repository", required=True, max_length=201, pattern=REPOSITORY),
    Field("content", required=True, doc="The file.", max_length=FILE_LIMIT),
    *PLACE[1:],
)


class TaskImport(Resource):
    """The import of a task file."""

    @operation(
        Scope.TASKS_WRITE, "Import a task file, or a complexity report", query=PLACE, body=BODY,
        media=("application/octet-stream", JSON_LINES, "application/x-ndjson", "application/x-jsonlines", "text/*"),
        max_body=FILE_LIMIT, returns="ImportReport", errors=("unreadable_file",),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Import a file, and report what came of it, with the place of every warning.

        A complexity report is known by its shape: its scores go to the tasks that are here.
        The body is the file itself, with `?repository=`; or JSON with `repository` and `content`.
        """
        place = self.query(req) | {"media_type": media_type(req)}
        raw = raw_body(req)
        if is_json(media_type(req)) and (given := _enclosing(raw, "repository" in place)) is not None:
            raw = given.pop("content").encode()
            place = given | place | {"media_type": None}
        repository = place.pop("repository", None)
        if repository is None:
            raise NotFound("no repository is named; send the file with `?repository=owner/name`")
        report = self.nexus.tasks.import_file(raw, repository, **place, actor=actor_of(req))
        send(resp, report_to_wire(report, self.prefix))


def _enclosing(raw: bytes, may_be_file: bool) -> dict[str, Any] | None:
    """The fields of a body that has the file as one of them; None when the body is the file itself.

    :raises Invalid: it cannot be the file, and is no such body
    """
    try:
        body = decode(raw)
    except Invalid:
        if may_be_file:
            return None
        raise
    if may_be_file and not (isinstance(body, dict) and isinstance(body.get("content"), str)):
        return None
    return check_body(body, BODY)


class TaskExport(Resource):
    """The export of a task file."""

    @operation(
        Scope.TASKS_READ, "Export a repository's tasks as a file",
        query=(
            Field("repository", "text", required=True),
            Field("format", "text", "Such as `taskmaster` or `jsonl`. Default: the one of the imported file.",
                  listed="formats"),
        ),
        answers=("application/json", JSON_LINES), returns="TaskFile",
    )  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The file that was imported, with what changed since; or, by `format` or `Accept`, in another format."""
        query = self.query(req)
        wanted = query.get("format") or self._accepted(req)
        file = self.nexus.tasks.export(query["repository"], format=wanted, actor=actor_of(req))
        resp.append_header("Vary", "Accept")
        resp.content_type = file.media_type
        resp.data = file.content

    def _accepted(self, req: falcon.Request) -> str | None:
        """The format whose media type the client asks for by name."""
        asked = {part.partition(";")[0].strip().lower() for part in req.accept.split(",")} - {"application/json"}
        return next((one.name for one in self.nexus.plugins.formats.values() if asked & set(one.media_types)), None)
