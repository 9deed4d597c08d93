"""Where the ready tasks begin: moved on behind the claims, so that none walks past what others took.

The migration `pg_0002_contract_front.sql` says why, and how none that becomes ready is missed.
"""

from __future__ import annotations

import threading
from time import monotonic

from psycopg import Error

from .connection import PatientConnection

EVERY = 64
"""Claims of this process between two looks: a few hundred entries that are walked past cost little."""

PAUSE = 0.2
"""Seconds between two looks, of this process and of all: each leaves a dead version of the front behind."""

_ALONE = "SELECT pg_try_advisory_xact_lock(7237103) AS alone"
_MOVE = """
UPDATE ready_front f
   SET priority_rank = first.priority_rank, neg_impact = first.neg_impact, complexity_order = first.complexity_order,
       id = first.id, moved_at = clock_timestamp()
  FROM (SELECT t.priority_rank, -t.impact AS neg_impact, t.complexity_order, t.id FROM tasks t
         WHERE t.startable
           AND (t.priority_rank, -t.impact, t.complexity_order, t.id)
               >= (SELECT o.priority_rank, o.neg_impact, o.complexity_order, o.id FROM ready_front o)
         ORDER BY t.priority_rank, -t.impact, t.complexity_order, t.id LIMIT 1) first
 WHERE f.moved_at < clock_timestamp() - make_interval(secs => %(pause)s)
   AND (f.priority_rank, f.neg_impact, f.complexity_order, f.id)
       < (first.priority_rank, first.neg_impact, first.complexity_order, first.id)"""


class ReadyFront:
    """Counts the claims of a process and moves the front on now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims = 0
        self._next = 0.0

    def claimed(self, connection: PatientConnection) -> None:
        """Note a claim that was committed; move the front on when it is time, outside of any transaction."""
        with self._lock:
            self._claims += 1
            if self._claims < EVERY or monotonic() < self._next:
                return
            self._claims, self._next = 0, monotonic() + PAUSE
        try:
            with connection.transaction():
                # A statement of its own: what is ready must be looked up after the lock is held.
                row = connection.execute(_ALONE).fetchone()
                if row and row["alone"]:
                    connection.execute(_MOVE, {"pause": PAUSE})
        except Error:
            return  # It only makes claims cheaper, and the claim itself was committed.
