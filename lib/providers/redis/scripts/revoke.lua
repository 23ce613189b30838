-- Revokes keys: tells the holder, and hands each key to the first waiter in its queue.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the queue of each key
--
-- Returns how many of the keys were held.

--#include value
--#include tokens
--#include queue

local held = 0
for i = 2, #KEYS, 2 do
  local lock, queue = KEYS[i], KEYS[i + 1]
  local value = redis.pcall('GET', lock)
  if value then
    held = held + 1
    if type(value) == 'string' then
      local _, attempts = parse(value)
      if attempts then
        tellHolder(attempts, 'revoked', lock)
      end
    end
    if not handOff(lock, queue) then
      redis.call('DEL', lock)
    end
  end
end
return held
