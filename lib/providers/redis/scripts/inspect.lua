-- Reads locks and their queues.
--
-- KEYS       the lock of each key, and the order of its queue
--
-- Returns {value or false, PTTL, {process id ...}} for each key, one after another in one flat list.

local reply = {}
for i = 1, #KEYS, 2 do
  reply[#reply + 1] = redis.call('GET', KEYS[i])
  reply[#reply + 1] = redis.call('PTTL', KEYS[i])
  reply[#reply + 1] = redis.call('LRANGE', KEYS[i + 1], 0, -1)
end
return reply
