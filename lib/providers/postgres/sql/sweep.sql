-- Deletes expired records, and the rows of keys that have not been held for half a minute, at most once in 10 s for all processes. Waits for nothing.
--
-- request    {}
--
-- Returns a JSON array: when the server was started, how many rows were deleted, and whether some may be left (1 or 0)

CREATE OR REPLACE FUNCTION {schema}.sweep_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  idle timestamptz := clock_timestamp() - interval '30 s';
  l {schema}.lease;
  highest bigint;
  deleted int;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM 1 FROM {schema}.meta WHERE swept_at < clock_timestamp() - interval '10 s' FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN '[' || started || ',0,1]';
  END IF;
  -- Processes that have died in the queue.
  DELETE FROM {schema}.queue WHERE ctid IN (
    SELECT ctid FROM {schema}.queue WHERE seen < idle LIMIT 1000 FOR UPDATE SKIP LOCKED
  );
  DELETE FROM {schema}.record WHERE ctid IN (
    SELECT ctid FROM {schema}.record WHERE until < idle LIMIT 10000 FOR UPDATE SKIP LOCKED
  );
  -- What makes a row busy may be over.
  FOR l IN SELECT * FROM {schema}.lease WHERE busy AND until < idle LIMIT 1000 FOR UPDATE SKIP LOCKED LOOP
    UPDATE {schema}.lease SET
      tombstones = {schema}.live_tombstones_v1(l.tombstones),
      busy = {schema}.live_tombstones_v1(l.tombstones) IS NOT NULL OR {schema}.has_queue_v1(l)
    WHERE namespace = l.namespace AND key = l.key;
  END LOOP;
  -- A row that changes meanwhile is looked at again, but by its own columns only: hence `busy`.
  WITH gone AS (
    DELETE FROM {schema}.lease WHERE ctid IN (
      SELECT ctid FROM {schema}.lease WHERE until < idle AND NOT busy LIMIT 10000 FOR UPDATE SKIP LOCKED
    ) RETURNING last
  )
  SELECT count(*), max(last) INTO deleted, highest FROM gone;
  UPDATE {schema}.meta SET
    floor = greatest(floor, highest), swept_at = CASE WHEN deleted < 10000 THEN clock_timestamp() ELSE swept_at END;
  RETURN format('[%s,%s,%s]', started, deleted, (deleted = 10000)::int);
END $$;
