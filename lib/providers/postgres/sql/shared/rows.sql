-- Rows of `lease`: locking and writing them. Commands lock the rows of all their keys in the order of the keys, so that two
-- commands never wait for each other.

-- Locks the row of a key; makes one if there is none. This lock lets transactions pass that rely on the present grant
-- (FOR KEY SHARE): they hinder the next grant only, see `is_relied_on`.
CREATE OR REPLACE FUNCTION {schema}.lock_row_v1(ns text, id text, whole text) RETURNS {schema}.lease LANGUAGE plpgsql AS $$
DECLARE
  l {schema}.lease;
BEGIN
  LOOP
    SELECT * INTO l FROM {schema}.lease WHERE namespace = ns AND key = id FOR NO KEY UPDATE;
    IF FOUND THEN
      RETURN l;
    END IF;
    -- Fails to insert where another transaction was faster, and waits for it.
    INSERT INTO {schema}.lease (namespace, key, name) VALUES (ns, id, whole) ON CONFLICT DO NOTHING;
  END LOOP;
END $$;

-- Whether a transaction of the application relies on the last grant of a row that is locked here: it has to end first.
CREATE OR REPLACE FUNCTION {schema}.is_relied_on_v1(l {schema}.lease) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM {schema}.lease WHERE namespace = l.namespace AND key = l.key FOR UPDATE SKIP LOCKED;
  RETURN NOT FOUND;
END $$;

CREATE OR REPLACE FUNCTION {schema}.is_held_v1(l {schema}.lease) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT l.owner IS NOT NULL AND l.until > clock_timestamp()
$$;

-- Whether the attempt was cancelled before it arrived.
CREATE OR REPLACE FUNCTION {schema}.has_tombstone_v1(l {schema}.lease, attempt text) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  SELECT l.tombstones IS NOT NULL
    AND coalesce((l.tombstones ->> attempt)::float8 > extract(epoch FROM clock_timestamp()) * 1000, false)
$$;

-- The tombstones that still count; NULL for none.
CREATE OR REPLACE FUNCTION {schema}.live_tombstones_v1(tombstones jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN tombstones IS NOT NULL THEN (
    SELECT jsonb_object_agg(entry.key, entry.value) FROM jsonb_each(tombstones) AS entry
    WHERE (entry.value #>> '{}')::float8 > extract(epoch FROM clock_timestamp()) * 1000
  ) END
$$;

CREATE OR REPLACE FUNCTION {schema}.has_queue_v1(l {schema}.lease) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT EXISTS (SELECT 1 FROM {schema}.queue WHERE namespace = l.namespace AND key = l.key)
$$;

-- The first of the next tokens: greater than all before.
CREATE OR REPLACE FUNCTION {schema}.next_token_v1(l {schema}.lease) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT greatest(coalesce(l.last, (SELECT floor FROM {schema}.meta)) + 1, {schema}.micros_v1())
$$;

-- Grants a locked row to an owner.
CREATE OR REPLACE FUNCTION {schema}.grant_v1(
  l {schema}.lease, new_owner text, attempt text, ttl float8, tokens bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  first bigint := {schema}.next_token_v1(l);
BEGIN
  UPDATE {schema}.lease SET
    owner = new_owner, attempts = ARRAY[attempt], token = first, last = first + tokens - 1,
    until = {schema}.end_v1(clock_timestamp(), ttl), tombstones = {schema}.live_tombstones_v1(l.tombstones),
    busy = {schema}.live_tombstones_v1(l.tombstones) IS NOT NULL OR {schema}.has_queue_v1(l)
  WHERE namespace = l.namespace AND key = l.key;
  RETURN first;
END $$;

-- The owner acquires a key that it holds: the lease is never shortened, and a new attempt gets a new token.
-- Returns the token, and whether the owner has the key by another attempt too.
CREATE OR REPLACE FUNCTION {schema}.reenter_v1(
  l {schema}.lease, attempt text, ttl float8, OUT first bigint, OUT reentered boolean
) LANGUAGE plpgsql AS $$
DECLARE
  others text[] := array_remove(l.attempts, attempt);
BEGIN
  first := l.token;
  IF l.attempts[array_upper(l.attempts, 1)] IS DISTINCT FROM attempt THEN
    first := {schema}.next_token_v1(l);
  END IF;
  reentered := cardinality(others) > 0;
  UPDATE {schema}.lease SET
    attempts = others[greatest(1, cardinality(others) - 14):] || attempt, token = first, last = greatest(l.last, first),
    until = greatest(l.until, {schema}.end_v1(clock_timestamp(), ttl))
  WHERE namespace = l.namespace AND key = l.key;
END $$;
