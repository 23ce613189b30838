-- Lists records, a page at a time, in the order of their names.
--
-- request    {namespace, after: where the page before ended, or null, prefix: what the names begin with,
--            most: how many rows to look at}
--
-- Returns a JSON array: when the server was started, where the page ended or null if it was the last, and for each record its
--         name and what `describe_record` returns

CREATE OR REPLACE FUNCTION {schema}.list_records_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  most int := (r ->> 'most')::int;
  answer jsonb;
BEGIN
  SELECT jsonb_build_array(started::bigint, CASE WHEN count(*) = most THEN max(name) END)
    || coalesce(jsonb_agg(jsonb_build_array(name, described) ORDER BY name) FILTER (WHERE described IS NOT NULL), '[]') INTO answer
  FROM (
    SELECT name, {schema}.describe_record_v1(namespace, name) AS described FROM {schema}.record
    WHERE namespace = r ->> 'namespace' AND name >= r ->> 'prefix' AND name > coalesce(r ->> 'after', '')
      AND starts_with(name, r ->> 'prefix')
    ORDER BY name LIMIT most
  ) AS page;
  RETURN answer;
END $$;
