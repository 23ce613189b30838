-- Reads records.
--
-- request    {namespace, names: [name, ...]}
--
-- Returns a JSON array: when the server was started, and for each name what `describe_record` returns

CREATE OR REPLACE FUNCTION {schema}.read_records_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  answer jsonb;
BEGIN
  SELECT jsonb_build_array(started::bigint)
    || jsonb_agg({schema}.describe_record_v1(r ->> 'namespace', name) ORDER BY n) INTO answer
  FROM jsonb_array_elements_text(r -> 'names') WITH ORDINALITY AS t (name, n);
  RETURN answer;
END $$;
