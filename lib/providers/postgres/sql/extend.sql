-- Extends leases; a lease is never shortened.
--
-- request    {namespace, ttl: lease in ms from now, or null: leave the leases as they are,
--            requests: [[owner, key, ...], ...]: each extends all its keys, or none}
--
-- Returns a JSON array: when the server was started, and for each key 1 if the owner holds it, else 0. A key that is kept for
-- the owner after its release is not held.

CREATE OR REPLACE FUNCTION {schema}.extend_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  ns text := r ->> 'namespace';
  ttl float8 := (r ->> 'ttl')::float8;
  item record;
  held int[] := '{}';
  missed boolean[] := '{}';
BEGIN
  FOR item IN
    SELECT n, e ->> 0 AS owner, k #>> '{}' AS key, jsonb_array_length(e) = 2 AS single, row_number() OVER (ORDER BY n, m) AS place
    FROM jsonb_array_elements(r -> 'requests') WITH ORDINALITY AS t (e, n),
      jsonb_array_elements(e - 0) WITH ORDINALITY AS u (k, m)
    ORDER BY (k #>> '{}') COLLATE "C", n
  LOOP
    IF ttl IS NULL THEN
      PERFORM 1 FROM {schema}.lease
      WHERE namespace = ns AND key = item.key AND owner = item.owner AND attempts <> '{}' AND until > clock_timestamp();
    ELSIF item.single THEN
      UPDATE {schema}.lease SET until = greatest(until, {schema}.end_v1(clock_timestamp(), ttl))
      WHERE namespace = ns AND key = item.key AND owner = item.owner AND attempts <> '{}' AND until > clock_timestamp();
    ELSE
      PERFORM 1 FROM {schema}.lease
      WHERE namespace = ns AND key = item.key AND owner = item.owner AND attempts <> '{}' AND until > clock_timestamp()
      FOR NO KEY UPDATE;
    END IF;
    held[item.place] := FOUND::int;
    missed[item.n] := coalesce(missed[item.n], false) OR NOT FOUND;
  END LOOP;
  IF ttl IS NOT NULL THEN
    -- The rows are locked by now.
    FOR item IN
      SELECT k #>> '{}' AS key
      FROM jsonb_array_elements(r -> 'requests') WITH ORDINALITY AS t (e, n), jsonb_array_elements(e - 0) AS k
      WHERE jsonb_array_length(e) > 2 AND NOT missed[n]
    LOOP
      UPDATE {schema}.lease SET until = greatest(until, {schema}.end_v1(clock_timestamp(), ttl))
      WHERE namespace = ns AND key = item.key;
    END LOOP;
  END IF;
  RETURN '[' || started || ',' || array_to_string(held, ',') || ']';
END $$;
