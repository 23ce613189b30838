-- What every command does first. Only under READ COMMITTED does each statement of a function see what the transactions before
-- it have left, once it has waited for them.
--
-- Returns when the server was started, in ms: another number is another server, or one that may have lost the last writes.

CREATE OR REPLACE FUNCTION {schema}.enter_v1() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the isolation level of this connection is %', current_setting('transaction_isolation')
      USING ERRCODE = 'NL001';
  END IF;
  RETURN floor(extract(epoch FROM pg_postmaster_start_time()) * 1000)::text;
END $$;

-- The server's time in µs.
CREATE OR REPLACE FUNCTION {schema}.micros_v1() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (extract(epoch FROM clock_timestamp())::float8 * 1000000)::bigint
$$;

-- When a lease of so many ms ends that begins now; NULL never ends.
CREATE OR REPLACE FUNCTION {schema}.end_v1(start timestamptz, ttl float8) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN ttl IS NULL THEN 'infinity' ELSE start + least(ttl, 1e14) * interval '1 ms' END
$$;

-- How many ms are left; -1: it never ends.
CREATE OR REPLACE FUNCTION {schema}.left_v1(until timestamptz) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN until = 'infinity' THEN -1
    ELSE greatest(0, ceil(extract(epoch FROM until - clock_timestamp()) * 1000))::bigint END
$$;
