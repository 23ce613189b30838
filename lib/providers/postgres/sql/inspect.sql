-- Reads leases and their queues.
--
-- request    {namespace, keys: [key, ...]}
--
-- Returns a JSON array: when the server was started, and for each key null if it is free,
--         else [owner, token, ms left (-1 never expires), [process id ...]]

CREATE OR REPLACE FUNCTION {schema}.inspect_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  found text;
BEGIN
  SELECT string_agg(coalesce((
    SELECT jsonb_build_array(l.owner, l.token, {schema}.left_v1(l.until), coalesce((
      SELECT jsonb_agg(q.process ORDER BY q.place) FROM {schema}.queue AS q WHERE q.namespace = l.namespace AND q.key = l.key
    ), '[]'))::text
    FROM {schema}.lease AS l
    WHERE l.namespace = r ->> 'namespace' AND l.key = asked.key AND {schema}.is_held_v1(l)
  ), 'null'), ',' ORDER BY n) INTO found
  FROM jsonb_array_elements_text(r -> 'keys') WITH ORDINALITY AS asked (key, n);
  RETURN '[' || started || ',' || found || ']';
END $$;
