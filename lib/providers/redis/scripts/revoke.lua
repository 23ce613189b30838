-- Revokes keys: tells the holder, and hands each key to the first waiter in its queue.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the queue of each key
-- ARGV[1]    if given, what the only key is to be revoked from: `own <token> <owner>`, where the token may be empty for any
--            token, or `raw <value>` for a lock of other software. A key that is held otherwise stays.
--
-- Returns how many of the keys were held.

--#include value
--#include tokens
--#include queue

local function isExpected(value)
  local expected = ARGV[1]
  if not expected then
    return true
  end
  if type(value) ~= 'string' then
    return false
  end
  local token, _, owner = parse(value)
  if not token then
    return expected == 'raw ' .. value
  end
  return expected == 'own ' .. token .. ' ' .. owner or expected == 'own  ' .. owner
end

local held = 0
for i = 2, #KEYS, 2 do
  local lock, queue = KEYS[i], KEYS[i + 1]
  local value = redis.pcall('GET', lock)
  if value and isExpected(value) then
    held = held + 1
    if type(value) == 'string' then
      local _, attempts = parse(value)
      if attempts then
        tellHolder(attempts, 'revoked', lock)
      end
    end
    handOffOrFree(lock, queue)
  end
end
return held
