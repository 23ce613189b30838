-- Reads a record.
--
-- KEYS[1]  the record
--
-- Returns value, token, version, age in ms and PTTL; an empty list if there is no record.

--#include record

return describe(KEYS[1])
