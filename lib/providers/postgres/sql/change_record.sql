-- Writes or deletes a record, unless a greater token did so before or the record has another version than is asked for.
--
-- request    {namespace, name, token, conditional: whether the version matters, condition: the version that the record must
--            have, or null for no record, ttl: for how many ms the record stays or the token of a deleted record is remembered,
--            or null for ever, version, value: what this request writes, or null to delete the record}
--
-- Returns a JSON array: when the server was started, 'changed' for a change and for a request that was carried out before,
--         else 'token' or 'version', and what `describe_record` returns

CREATE OR REPLACE FUNCTION {schema}.change_record_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  ns text := r ->> 'namespace';
  wanted text := r ->> 'name';
  new_token bigint := (r ->> 'token')::bigint;
  address bigint := {schema}.address_v1(ns, ':records');
  reason text := 'changed';
  now timestamptz;
  ends timestamptz;
  stored {schema}.record;
BEGIN
  LOOP
    SELECT * INTO stored FROM {schema}.record AS o WHERE o.namespace = ns AND o.name = wanted FOR UPDATE;
    EXIT WHEN FOUND;
    -- Fails to insert where another transaction was faster, and waits for it.
    INSERT INTO {schema}.record (namespace, name, token, until) VALUES (ns, wanted, 0, '-infinity') ON CONFLICT DO NOTHING;
  END LOOP;
  now := clock_timestamp();
  IF stored.until <= now THEN
    stored.value := NULL;
    stored.version := NULL;
    stored.token := 0;
  END IF;
  IF r ->> 'value' IS NOT NULL AND stored.version = r ->> 'version' THEN
    RETURN jsonb_build_array(started::bigint, 'changed');
  END IF;
  IF r ->> 'value' IS NOT NULL OR stored.value IS NOT NULL THEN
    IF stored.token > new_token THEN
      reason := 'token';
    ELSIF (r ->> 'conditional')::boolean AND stored.version IS DISTINCT FROM r ->> 'condition' THEN
      reason := 'version';
    END IF;
  END IF;
  IF reason <> 'changed' THEN
    RETURN jsonb_build_array(started::bigint, reason, {schema}.describe_record_v1(ns, wanted));
  END IF;
  ends := {schema}.end_v1(now, (r ->> 'ttl')::float8);
  IF r ->> 'value' IS NULL AND stored.value IS NULL AND stored.token > new_token THEN
    -- There is nothing to delete, and the greatest token stays, as long as it was to stay.
    ends := greatest(ends, stored.until);
  END IF;
  UPDATE {schema}.record AS o SET
    value = r ->> 'value', version = r ->> 'version', token = greatest(new_token, stored.token), written = now,
    until = ends
  WHERE o.namespace = ns AND o.name = wanted;
  -- A process that watches records holds this lock, shared. Without one there is no notification, which would cost all others.
  IF NOT pg_try_advisory_xact_lock(address) THEN
    PERFORM pg_notify({schema}.channel_v1(ns, ':records'), wanted);
  END IF;
  RETURN jsonb_build_array(started::bigint, reason);
END $$;
