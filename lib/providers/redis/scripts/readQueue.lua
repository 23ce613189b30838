-- Reads the queue of a key, for operators.
--
-- KEYS[1]    the token counter
-- KEYS[2,3]  the lock and the queue of the key
--
-- Returns {process id, ms since its last heartbeat (-1 without an entry), owner} for each entry in order, one after another
-- in one flat list.

--#include value
--#include tokens
--#include queue

local function readQueue(queue)
  local reply = {}
  for _, process in ipairs(redis.call('LRANGE', orderOf(queue), 0, -1)) do
    local entry = redis.call('HGET', queue, process)
    local seen, claim = string.match(entry or '', '^(%d+) %d* %d+ (.*)$')
    local owner
    if claim then
      owner = select(2, parseClaim(claim))
    end
    reply[#reply + 1] = process
    reply[#reply + 1] = seen and string.format('%.0f', math.max(0, nowInMs() - tonumber(seen))) or '-1'
    reply[#reply + 1] = owner or ''
  end
  return reply
end

local done, reply = pcall(readQueue, KEYS[3])
if not done then
  --#include refusal
  return redis.error_reply(refusal(reply, {KEYS[3]})[2])
end
return reply
