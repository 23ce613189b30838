-- Acquires leases on keys, each on its own: grants the key, or refuses it and joins its queue.
--
-- request    {namespace, ttl: lease in ms or null, tokens: how many to reserve for each key, owned: only keys that the owner
--            holds already, process: the process id to queue under or null,
--            items: [[key, attempt, owner, whole key if `key` is its hash], ...]}
--            Asked again with the same attempt, the answer is the same.
--
-- Returns a JSON array: when the server was started, and for each item
--         its token: granted, and no process waits;
--      or [1, token, whether the owner held it before, whether a process waits] (1 or 0);
--      or [0, ms left of the lease in the way (-1 never expires), whether it is queued, the last token so far]

CREATE OR REPLACE FUNCTION {schema}.acquire_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  ns text := r ->> 'namespace';
  ttl float8 := (r ->> 'ttl')::float8;
  tokens bigint := (r ->> 'tokens')::bigint;
  owned boolean := (r ->> 'owned')::boolean;
  asking text := r ->> 'process';
  item record;
  answers text[] := '{}';
  answer text;
  given boolean;
  durable boolean := false;
BEGIN
  FOR item IN
    SELECT n, e ->> 0 AS key, e ->> 1 AS attempt, e ->> 2 AS owner, e ->> 3 AS whole
    FROM jsonb_array_elements(r -> 'items') WITH ORDINALITY AS t (e, n) ORDER BY (e ->> 0) COLLATE "C", n
  LOOP
    answer := NULL;
    given := true;
    IF NOT owned THEN
      answer := {schema}.acquire_free_v1(ns, item.key, item.whole, item.attempt, item.owner, ttl, tokens);
    END IF;
    IF answer IS NULL THEN
      SELECT * INTO answer, given FROM {schema}.acquire_busy_v1(
        ns, item.key, item.whole, item.attempt, item.owner, ttl, tokens, owned, asking
      );
    END IF;
    durable := durable OR given;
    answers[item.n] := answer;
  END LOOP;
  -- A refusal or a place in the queue may be lost with the server.
  IF NOT durable THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN '[' || started || ',' || array_to_string(answers, ',') || ']';
END $$;

-- The short path: grants a key that is free, has no queue, and that no transaction relies on. NULL where that is not so.
CREATE OR REPLACE FUNCTION {schema}.acquire_free_v1(
  ns text, id text, whole text, attempt text, new_owner text, ttl float8, tokens bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  micros bigint := {schema}.micros_v1();
  first bigint;
  floor bigint;
BEGIN
  UPDATE {schema}.lease SET
    owner = new_owner, attempts = ARRAY[attempt],
    token = greatest(last + 1, micros), last = greatest(last + 1, micros) + tokens - 1,
    until = {schema}.end_v1(clock_timestamp(), ttl)
  WHERE namespace = ns AND key = id AND owner IS NULL AND NOT busy AND last IS NOT NULL
  RETURNING token INTO first;
  IF FOUND THEN
    RETURN first::text;
  END IF;
  INSERT INTO {schema}.lease (namespace, key, name, owner, attempts, token, last, until)
  VALUES (ns, id, whole, new_owner, ARRAY[attempt], micros, micros + tokens - 1, {schema}.end_v1(clock_timestamp(), ttl))
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  -- Read after the insert, which has waited for a sweep that deleted the row.
  SELECT meta.floor INTO floor FROM {schema}.meta;
  IF micros <= floor THEN
    micros := floor + 1;
    UPDATE {schema}.lease SET token = micros, last = micros + tokens - 1 WHERE namespace = ns AND key = id;
  END IF;
  RETURN micros::text;
END $$;

-- The long path. `given`: the key was granted, to this owner or to the first waiter.
CREATE OR REPLACE FUNCTION {schema}.acquire_busy_v1(
  ns text, id text, whole text, attempt text, new_owner text, ttl float8, tokens bigint, owned boolean, asking text,
  OUT answer text, OUT given boolean
) LANGUAGE plpgsql AS $$
DECLARE
  l {schema}.lease := {schema}.lock_row_v1(ns, id, whole);
  first bigint;
  reentered boolean;
  outcome text;
BEGIN
  given := false;
  answer := '[0,0,0,0]';
  IF {schema}.has_tombstone_v1(l, attempt) THEN
    RETURN;
  END IF;
  IF {schema}.is_held_v1(l) THEN
    IF l.owner = new_owner THEN
      SELECT * INTO first, reentered FROM {schema}.reenter_v1(l, attempt, ttl);
      given := true;
      answer := format('[1,%s,%s,%s]', first, reentered::int, {schema}.has_queue_v1(l)::int);
      RETURN;
    END IF;
  ELSIF owned THEN
    RETURN;
  ELSE
    outcome := {schema}.hand_off_v1(l, asking, attempt);
    given := outcome <> 'relied on';
    IF outcome IN ('free', 'yours') THEN
      first := {schema}.grant_v1(l, new_owner, attempt, ttl, tokens);
      answer := format('[1,%s,0,%s]', first, {schema}.has_queue_v1(l)::int);
      RETURN;
    END IF;
    l := {schema}.lock_row_v1(ns, id, whole);
  END IF;
  IF asking IS NOT NULL THEN
    PERFORM {schema}.enqueue_v1(l, asking, attempt, new_owner, ttl, tokens);
  END IF;
  answer := format('[0,%s,%s,%s]',
    -- No process is told when a transaction ends.
    CASE outcome WHEN 'relied on' THEN 100 ELSE {schema}.left_v1(l.until) END,
    (asking IS NOT NULL)::int,
    coalesce(l.last, (SELECT meta.floor FROM {schema}.meta)));
END $$;
