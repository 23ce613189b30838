-- Revokes keys: tells the holder, and hands each key to the first waiter in its queue.
--
-- request    {namespace, keys: [key, ...]}
--
-- Returns a JSON array: when the server was started, and how many of the keys were held

CREATE OR REPLACE FUNCTION {schema}.revoke_v1(request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  started text := {schema}.enter_v1();
  r jsonb := request::jsonb;
  l {schema}.lease;
  held int := 0;
BEGIN
  FOR l IN
    SELECT * FROM {schema}.lease
    WHERE namespace = r ->> 'namespace' AND key IN (SELECT jsonb_array_elements_text(r -> 'keys'))
    ORDER BY key FOR NO KEY UPDATE
  LOOP
    CONTINUE WHEN NOT {schema}.is_held_v1(l);
    held := held + 1;
    PERFORM {schema}.tell_holder_v1(l.namespace, l.key, l.attempts, 'lost');
    PERFORM {schema}.hand_off_v1(l, NULL, NULL);
  END LOOP;
  RETURN format('[%s,%s]', started, held);
END $$;
