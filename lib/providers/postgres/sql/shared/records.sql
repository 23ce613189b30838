-- Records. Of a deleted one the row stays for a while without a value, so that its token is known.

-- The record as it is: [value, token, version, age in ms, ms left (-1 never expires)]; null if there is none.
CREATE OR REPLACE FUNCTION {schema}.describe_record_v1(ns text, wanted text) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT jsonb_build_array(
    value, token, version,
    greatest(0, floor(extract(epoch FROM clock_timestamp() - written) * 1000))::bigint, {schema}.left_v1(until)
  )
  FROM {schema}.record
  WHERE namespace = ns AND name = wanted AND value IS NOT NULL AND until > clock_timestamp()
$$;
