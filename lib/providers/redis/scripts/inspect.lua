-- Reads locks and their queues.
--
-- KEYS       the lock of each key, and the order of its queue
--
-- Returns {value or false, PTTL, {process id ...}} for each key, one after another in one flat list. An order that another
-- program has overwritten names no process.

local reply = {}
for i = 1, #KEYS, 2 do
  local value, processes = redis.pcall('GET', KEYS[i]), redis.pcall('LRANGE', KEYS[i + 1], 0, -1)
  if type(value) == 'table' or processes.err then
    --#include types
    if isWrongType(value) then
      return redis.error_reply(wrongType(KEYS[i], 'string'))
    elseif not isWrongType(processes) then
      return type(value) == 'table' and value or processes
    end
    processes = {}
  end
  reply[#reply + 1] = value
  reply[#reply + 1] = redis.call('PTTL', KEYS[i])
  reply[#reply + 1] = processes
end
return reply
