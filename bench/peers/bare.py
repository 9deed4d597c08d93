"""The ceiling: Falcon and psycopg alone, JSON built by PostgreSQL; nobody is asked who they are, nothing is checked.

`BENCH_DATABASE` is the database; the body of a task is, byte for byte, what Nexus answers.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import cache

import falcon
from psycopg_pool import ConnectionPool

COLUMNS = """
  t.id, 'NX-' || t.id AS key,
  CASE WHEN t.repository_id IS NULL THEN NULL
       ELSE json_build_object('id', t.repository_id, 'name', r.name) END AS repository,
  t.parent_id, t.title, t.description, t.details, t.test_strategy, t.status, t.priority,
  COALESCE(t.complexity_manual, t.complexity_auto) AS complexity, t.complexity_auto, t.complexity_manual,
  ARRAY(SELECT d.depends_on_id FROM task_dependencies d WHERE d.task_id = t.id ORDER BY 1) AS dependencies,
  t.open_dependencies, t.startable AND (t.not_before IS NULL OR t.not_before <= now()) AS ready, t.labels, t.agent,
  t.external_key, t.raw_data,
  to_char(t.not_before AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS not_before, t.version,
  to_char(t.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
  to_char(t.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS updated_at
"""
TASKS = f"SELECT {COLUMNS} FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id"
ONE = f"SELECT row_to_json(q)::text FROM ({TASKS} WHERE t.id = %s) q"
LIST = f"""SELECT string_agg(row_to_json(q)::text, ','), max(q.id)
             FROM ({TASKS} WHERE t.repository_id = %s AND t.status = %s ORDER BY t.id LIMIT %s) q"""
STORE = """INSERT INTO bench_events (delivery_id, event, payload) VALUES (%s, %s, %s::jsonb)
           ON CONFLICT (delivery_id) DO NOTHING RETURNING id"""
SECRET = os.environ.get("BENCH_SECRET", "").encode()


@cache
def pool() -> ConnectionPool:
    """A worker's connections; made after the fork."""
    connections = ConnectionPool(
        os.environ["BENCH_DATABASE"], min_size=4, max_size=4, kwargs={"autocommit": True}, open=True
    )
    connections.wait()
    return connections


class Task:
    """One task."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, task_id: int) -> None:
        """The JSON that PostgreSQL made."""
        with pool().connection() as connection:
            row = connection.execute(ONE, (task_id,)).fetchone()
        if row is None:
            raise falcon.HTTPNotFound
        resp.data, resp.content_type = f'{row[0][:-1]}, "changes": []}}'.encode(), "application/json"


class Tasks:
    """A page of tasks."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The JSON that PostgreSQL made, with the cursor of the next page."""
        wanted = (req.get_param_as_int("repository"), req.get_param("status"), req.get_param_as_int("limit"))
        with pool().connection() as connection:
            items, last = connection.execute(LIST, wanted).fetchone()
        resp.data = f'{{"items":[{items}],"next_cursor":"id.{last}"}}'.encode()
        resp.content_type = "application/json"


class Hello:
    """A body that is always the same."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Hello."""
        resp.data, resp.content_type = b'{"hello":"world"}', "application/json"


class Hook:
    """A webhook: its signature is checked, its text is stored as jsonb."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Store it once."""
        body = req.bounded_stream.read()
        signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, req.get_header("X-Hub-Signature-256") or ""):
            raise falcon.HTTPForbidden
        wanted = (req.get_header("X-GitHub-Delivery"), req.get_header("X-GitHub-Event"), body.decode())
        with pool().connection() as connection:
            row = connection.execute(STORE, wanted).fetchone()
        resp.status = falcon.HTTP_202
        resp.media = {"duplicate": row is None}


app = falcon.App()
app.add_route("/api/v1/tasks/{task_id:int}", Task())
app.add_route("/api/v1/tasks", Tasks())
app.add_route("/api/v1/webhooks/github", Hook())
app.add_route("/hello", Hello())
