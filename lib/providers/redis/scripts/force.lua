-- Takes keys from whoever holds them, tells the holder, and gives them to the first in line.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the line of each key
--
-- Returns how many of the keys were held.

--#include value
--#include tokens
--#include line

local held = 0
for i = 2, #KEYS, 2 do
  local lock, line = KEYS[i], KEYS[i + 1]
  local value = redis.pcall('GET', lock)
  if value then
    held = held + 1
    if type(value) == 'string' then
      local _, attempts = parse(value)
      if attempts then
        tellHolder(attempts, 'taken', lock)
      end
    end
    if not passOn(lock, line) then
      redis.call('DEL', lock)
    end
  end
end
return held
