-- Append-only, also for the owner of the tables, and where triggers are switched off for replication.
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_never_changed;

CREATE TRIGGER event_seals_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON event_seals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
ALTER TABLE event_seals ENABLE ALWAYS TRIGGER event_seals_are_never_changed;
