-- What the listening session of a process calls, after LISTEN. It returns once other commands take the process for alive. A
-- former session of the process may be lost without the server's knowledge: the server ends it.

CREATE OR REPLACE FUNCTION {schema}.listen_v1(namespace text, process text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  address bigint := {schema}.address_v1(namespace, process);
BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_locks
  WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint) = address;
  PERFORM pg_advisory_lock(address);
END $$;

-- The same for a process that watches records: it shares the lock with others that do.
CREATE OR REPLACE FUNCTION {schema}.watch_records_v1(namespace text, process text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_lock_shared({schema}.address_v1(namespace, process));
END $$;
