-- Lists the keys that are held, a page at a time, in the order of the keys.
--
-- request    {namespace, after: where the page before ended, or null, prefix: what the keys begin with,
--            most: how many rows to look at}
--
-- Returns a JSON array: when the server was started, where the page ended or null if it was the last, and each held key

CREATE OR REPLACE FUNCTION {schema}.list_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  most int := (r ->> 'most')::int;
  answer jsonb;
BEGIN
  SELECT jsonb_build_array(started::bigint, CASE WHEN count(*) = most THEN max(key) END)
    || coalesce(jsonb_agg(text ORDER BY key) FILTER (WHERE held AND starts_with(text, r ->> 'prefix')), '[]') INTO answer
  FROM (
    SELECT key, coalesce(name, key) AS text, {schema}.is_held_v1(l) AS held FROM {schema}.lease AS l
    WHERE namespace = r ->> 'namespace' AND key > coalesce(r ->> 'after', '')
    ORDER BY key LIMIT most
  ) AS page;
  RETURN answer;
END $$;
