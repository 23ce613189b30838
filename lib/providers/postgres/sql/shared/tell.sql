-- Messages to processes. Each process listens to a channel of its own, and holds an advisory lock on its address for as long
-- as it does. A message is a JSON array: ["granted", key, attempt, token, contended] or ["contended" | "lost", key, attempt].

CREATE OR REPLACE FUNCTION {schema}.address_v1(namespace text, process text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(namespace || chr(1) || process, 0)
$$;

CREATE OR REPLACE FUNCTION {schema}.channel_v1(namespace text, process text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'nestjs_locking_' || to_hex({schema}.address_v1(namespace, process))
$$;

-- Whether a process does not listen: its advisory lock is free.
CREATE OR REPLACE FUNCTION {schema}.is_gone_v1(namespace text, process text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT pg_try_advisory_xact_lock_shared({schema}.address_v1(namespace, process))
$$;

-- Tells the process of the newest attempt in `attempts`. The id of an attempt begins with the process id and a dot.
CREATE OR REPLACE FUNCTION {schema}.tell_holder_v1(namespace text, key text, attempts text[], what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  attempt text := attempts[array_upper(attempts, 1)];
  process text := substring(attempt FROM '^(.*)[.][^.]*$');
BEGIN
  IF process IS NOT NULL THEN
    PERFORM pg_notify({schema}.channel_v1(namespace, process), json_build_array(what, key, attempt)::text);
  END IF;
END $$;
