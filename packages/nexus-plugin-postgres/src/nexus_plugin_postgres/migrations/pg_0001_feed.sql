-- Sequences are not commit order. The feed is ordered by the writing transaction, and shows what no open transaction
-- can precede any more.
ALTER TABLE events ALTER COLUMN xid SET DEFAULT CAST(CAST(pg_current_xact_id() AS text) AS bigint);

-- The rows at the head of these queues change all the time; what is dead must not pile up before the live.
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE tasks SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
