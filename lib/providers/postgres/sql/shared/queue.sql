-- The queue of a key. All of this happens while its row in `lease` is locked. An entry without a heartbeat for 5 s is skipped.

-- Joins the queue, or renews the heartbeat of the entry; tells the holder if the process is the first.
CREATE OR REPLACE FUNCTION {schema}.enqueue_v1(
  l {schema}.lease, asking text, attempt text, owner text, ttl float8, tokens bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  alive timestamptz := clock_timestamp() - interval '5 s';
  head text;
BEGIN
  INSERT INTO {schema}.queue AS q
  VALUES (l.namespace, l.key, asking, 1 + coalesce((
    SELECT max(place) FROM {schema}.queue WHERE namespace = l.namespace AND key = l.key
  ), 0), attempt, owner, ttl, tokens, clock_timestamp())
  ON CONFLICT (namespace, key, process) DO UPDATE
  SET attempt = excluded.attempt, owner = excluded.owner, ttl = excluded.ttl, tokens = excluded.tokens, seen = excluded.seen;
  IF NOT l.busy THEN
    UPDATE {schema}.lease SET busy = true WHERE namespace = l.namespace AND key = l.key;
  END IF;
  SELECT process INTO head FROM {schema}.queue
  WHERE namespace = l.namespace AND key = l.key AND seen >= alive ORDER BY place LIMIT 1;
  IF head = asking THEN
    PERFORM {schema}.tell_holder_v1(l.namespace, l.key, l.attempts, 'contended');
  END IF;
END $$;

-- Gives a free key to the first waiter that is there to hear of it, and frees it if there is none. If that waiter is the
-- process that asks (as `asking`, or by `attempt`), the key is not written: the caller grants it.
--
-- Returns 'given', 'yours', 'free', or 'relied on' where a transaction relies on the last grant: the key stays free then.
CREATE OR REPLACE FUNCTION {schema}.hand_off_v1(l {schema}.lease, asking text, asking_attempt text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  entry {schema}.queue;
  first bigint;
  relied_on boolean;
BEGIN
  LOOP
    SELECT * INTO entry FROM {schema}.queue
    WHERE namespace = l.namespace AND key = l.key ORDER BY place LIMIT 1;
    EXIT WHEN NOT FOUND;
    relied_on := coalesce(relied_on, {schema}.is_relied_on_v1(l));
    EXIT WHEN relied_on;
    IF entry.seen >= clock_timestamp() - interval '5 s' THEN
      IF entry.process = asking OR entry.attempt = asking_attempt THEN
        DELETE FROM {schema}.queue WHERE namespace = l.namespace AND key = l.key AND process = entry.process;
        RETURN 'yours';
      END IF;
      IF NOT {schema}.is_gone_v1(l.namespace, entry.process) THEN
        DELETE FROM {schema}.queue WHERE namespace = l.namespace AND key = l.key AND process = entry.process;
        first := {schema}.grant_v1(l, entry.owner, entry.attempt, entry.ttl, entry.tokens);
        PERFORM pg_notify(
          {schema}.channel_v1(l.namespace, entry.process),
          json_build_array('granted', l.key, entry.attempt, first, {schema}.has_queue_v1(l))::text
        );
        RETURN 'given';
      END IF;
    END IF;
    DELETE FROM {schema}.queue WHERE namespace = l.namespace AND key = l.key AND process = entry.process;
  END LOOP;
  relied_on := coalesce(relied_on, {schema}.is_relied_on_v1(l));
  IF l.owner IS NOT NULL OR l.busy OR relied_on THEN
    UPDATE {schema}.lease SET
      owner = NULL, attempts = '{}', until = least(until, clock_timestamp()),
      tombstones = {schema}.live_tombstones_v1(l.tombstones),
      busy = relied_on OR {schema}.live_tombstones_v1(l.tombstones) IS NOT NULL
    WHERE namespace = l.namespace AND key = l.key;
  END IF;
  RETURN CASE WHEN relied_on THEN 'relied on' ELSE 'free' END;
END $$;
