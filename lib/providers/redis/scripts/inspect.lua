-- Looks at locks.
--
-- KEYS       the lock keys
--
-- Returns {value or false, PTTL} for each key, one after another in one flat list.

local reply = {}
for i, key in ipairs(KEYS) do
  reply[2 * i - 1] = redis.call('GET', key)
  reply[2 * i] = redis.call('PTTL', key)
end
return reply
