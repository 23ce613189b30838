-- Acquires leases on several keys: all of them, or none. It does not queue.
--
-- request    {namespace, ttl: lease in ms or null, owned: only if the owner holds every key already, attempt, owner,
--            keys: [[key, whole key if `key` is its hash], ...]}
--            Asked again with the same attempt, the answer is the same.
--
-- Returns a JSON array: when the server was started, and
--         1, and of each key its token and whether the owner held it before (1 or 0);
--      or 0, the index of the key that was refused, ms left of its lease (-1 never expires)

CREATE OR REPLACE FUNCTION {schema}.acquire_all_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  ns text := r ->> 'namespace';
  ttl float8 := (r ->> 'ttl')::float8;
  owned boolean := (r ->> 'owned')::boolean;
  attempt text := r ->> 'attempt';
  new_owner text := r ->> 'owner';
  item record;
  l {schema}.lease;
  refused bigint;
  remaining bigint := 0;
  outcome text;
  durable boolean := false;
  first bigint;
  reentered boolean;
  answers text[] := '{}';
BEGIN
  FOR item IN
    SELECT e ->> 0 AS key, e ->> 1 AS whole FROM jsonb_array_elements(r -> 'keys') AS t (e) ORDER BY (e ->> 0) COLLATE "C"
  LOOP
    PERFORM {schema}.lock_row_v1(ns, item.key, item.whole);
  END LOOP;

  -- All checks come before the first write.
  FOR item IN SELECT n, e ->> 0 AS key FROM jsonb_array_elements(r -> 'keys') WITH ORDINALITY AS t (e, n) ORDER BY n LOOP
    SELECT * INTO l FROM {schema}.lease WHERE namespace = ns AND key = item.key;
    IF {schema}.has_tombstone_v1(l, attempt) THEN
      refused := item.n;
    ELSIF {schema}.is_held_v1(l) THEN
      IF l.owner <> new_owner THEN
        refused := item.n;
        remaining := {schema}.left_v1(l.until);
      END IF;
    ELSIF owned THEN
      refused := item.n;
    END IF;
    EXIT WHEN refused IS NOT NULL;
  END LOOP;

  -- A free key with a queue goes to its first waiter.
  IF refused IS NULL THEN
    FOR item IN SELECT n, e ->> 0 AS key FROM jsonb_array_elements(r -> 'keys') WITH ORDINALITY AS t (e, n) ORDER BY n LOOP
      SELECT * INTO l FROM {schema}.lease WHERE namespace = ns AND key = item.key;
      CONTINUE WHEN {schema}.is_held_v1(l) OR (l.owner IS NULL AND NOT l.busy);
      outcome := {schema}.hand_off_v1(l, NULL, NULL);
      durable := true;
      IF outcome <> 'free' THEN
        refused := item.n;
        SELECT CASE outcome WHEN 'given' THEN {schema}.left_v1(until) ELSE 100 END INTO remaining
        FROM {schema}.lease WHERE namespace = ns AND key = item.key;
        EXIT;
      END IF;
    END LOOP;
  END IF;

  IF refused IS NOT NULL THEN
    -- An attempt that is sent twice may have been granted the first time: a refusal releases that grant.
    FOR item IN SELECT e ->> 0 AS key FROM jsonb_array_elements(r -> 'keys') AS t (e) LOOP
      SELECT * INTO l FROM {schema}.lease WHERE namespace = ns AND key = item.key;
      IF l.owner = new_owner AND attempt = ANY (l.attempts) AND {schema}.is_held_v1(l) THEN
        PERFORM {schema}.keep_attempts_v1(l, array_remove(l.attempts, attempt), NULL);
        durable := true;
      END IF;
    END LOOP;
    IF NOT durable THEN
      PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    RETURN format('[%s,0,%s,%s]', started, refused - 1, remaining);
  END IF;

  FOR item IN SELECT n, e ->> 0 AS key FROM jsonb_array_elements(r -> 'keys') WITH ORDINALITY AS t (e, n) ORDER BY n LOOP
    SELECT * INTO l FROM {schema}.lease WHERE namespace = ns AND key = item.key;
    IF {schema}.is_held_v1(l) THEN
      SELECT * INTO first, reentered FROM {schema}.reenter_v1(l, attempt, ttl);
    ELSE
      first := {schema}.grant_v1(l, new_owner, attempt, ttl, 1);
      reentered := false;
    END IF;
    answers := answers || first::text || reentered::int::text;
  END LOOP;
  RETURN '[' || started || ',1,' || array_to_string(answers, ',') || ']';
END $$;
