-- Releases leases, or cancels attempts, each on its own, and hands each key to the first waiter in its queue.
--
-- request    {namespace, keep: let the keys expire in so many ms, or null,
--            cancel: end the grant and the queue entry of each attempt alone,
--            process: whose queue entry, tombstone: refuse each attempt for so many ms, or null,
--            items: [[key, attempt, owner, whole key if `key` is its hash], ...]}
--            An attempt stands for its grant and the older ones; null stands for all that the owner holds.
--
-- Returns a JSON array: when the server was started, and for each item
--         0 the owner did not hold it, 1 freed, 2 still held by another attempt of the owner

CREATE OR REPLACE FUNCTION {schema}.release_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  ns text := r ->> 'namespace';
  keep float8 := (r ->> 'keep')::float8;
  cancel boolean := (r ->> 'cancel')::boolean;
  tombstone float8 := (r ->> 'tombstone')::float8;
  item record;
  relied_on boolean;
  outcomes int[] := '{}';
  outcome int;
  durable boolean := tombstone IS NOT NULL OR keep IS NOT NULL;
BEGIN
  FOR item IN
    SELECT n, e ->> 0 AS key, e ->> 1 AS attempt, e ->> 2 AS owner, e ->> 3 AS whole
    FROM jsonb_array_elements(r -> 'items') WITH ORDINALITY AS t (e, n) ORDER BY (e ->> 0) COLLATE "C", n
  LOOP
    outcome := NULL;
    IF NOT cancel AND keep IS NULL THEN
      -- The short path. Where a transaction relies on the grant, the new version of the row has its lock.
      UPDATE {schema}.lease SET owner = NULL, attempts = '{}', until = clock_timestamp()
      WHERE namespace = ns AND key = item.key AND owner = item.owner AND attempts = ARRAY[item.attempt] AND NOT busy
        AND until > clock_timestamp()
      RETURNING xmax <> 0 INTO relied_on;
      IF FOUND THEN
        outcome := 1;
        IF relied_on THEN
          UPDATE {schema}.lease SET busy = true WHERE namespace = ns AND key = item.key;
        END IF;
      END IF;
    END IF;
    IF outcome IS NULL THEN
      outcome := {schema}.end_grant_v1(
        ns, item.key, item.whole, item.attempt, item.owner, keep, cancel, r ->> 'process', tombstone
      );
      durable := true;
    END IF;
    outcomes[item.n] := outcome;
  END LOOP;
  -- A release that is lost with the server is repeated, or the lease expires.
  IF NOT durable THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN '[' || started || ',' || array_to_string(outcomes, ',') || ']';
END $$;

CREATE OR REPLACE FUNCTION {schema}.end_grant_v1(
  ns text, id text, whole text, attempt text, the_owner text, keep float8, cancel boolean, asking text, tombstone float8
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  l {schema}.lease;
  outcome int := 0;
BEGIN
  IF tombstone IS NOT NULL THEN
    l := {schema}.lock_row_v1(ns, id, whole);
    UPDATE {schema}.lease SET busy = true, tombstones =
      coalesce({schema}.live_tombstones_v1(l.tombstones), '{}') || jsonb_build_object(
        attempt, floor(extract(epoch FROM clock_timestamp()) * 1000) + tombstone
      )
    WHERE namespace = ns AND key = id
    RETURNING * INTO l;
  ELSE
    SELECT * INTO l FROM {schema}.lease WHERE namespace = ns AND key = id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RETURN 0;
    END IF;
  END IF;
  IF {schema}.is_held_v1(l) AND l.owner = the_owner THEN
    IF attempt IS NULL THEN
      RETURN {schema}.keep_attempts_v1(l, '{}', keep);
    ELSIF attempt = ANY (l.attempts) THEN
      RETURN {schema}.keep_attempts_v1(
        l,
        CASE WHEN cancel THEN array_remove(l.attempts, attempt)
          ELSE l.attempts[array_position(l.attempts, attempt) + 1:] END,
        keep
      );
    END IF;
    outcome := 2;
  END IF;
  IF cancel THEN
    -- The attempt does not hold the key: it waits in the queue, has not arrived, or is over.
    DELETE FROM {schema}.queue AS q
    WHERE q.namespace = ns AND q.key = id AND q.process = asking AND q.attempt = end_grant_v1.attempt AND q.owner = the_owner;
    IF FOUND AND NOT {schema}.is_held_v1(l) THEN
      PERFORM {schema}.hand_off_v1(l, NULL, NULL);
    END IF;
  END IF;
  RETURN outcome;
END $$;

-- Keeps these attempts of the owner; without any, hands the key on, or keeps it for a while.
CREATE OR REPLACE FUNCTION {schema}.keep_attempts_v1(l {schema}.lease, remaining text[], keep float8) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(remaining) > 0 THEN
    UPDATE {schema}.lease SET attempts = remaining WHERE namespace = l.namespace AND key = l.key;
    RETURN 2;
  END IF;
  IF keep IS NULL THEN
    PERFORM {schema}.hand_off_v1(l, NULL, NULL);
  ELSE
    UPDATE {schema}.lease SET attempts = '{}', until = {schema}.end_v1(clock_timestamp(), keep)
    WHERE namespace = l.namespace AND key = l.key;
  END IF;
  RETURN 1;
END $$;
