-- Fencing tokens: greater than every earlier one. The counter (KEYS[1]) survives holders, the clock survives the loss
-- of the counter. INCRBY, as that changes a number in place.

local micros

local function now()
  if not micros then
    local time = redis.call('TIME')
    micros = time[1] * 1000000 + time[2]
  end
  return micros
end

-- The first of so many tokens in a row.
local function takeTokens(count)
  local stored = redis.pcall('GET', KEYS[1]) or '0'
  local last = type(stored) == 'string' and tonumber(stored)
  -- Beyond that, numbers come out of order soon; no clock is so late.
  if not last or not (last < 9e15) then
    error({err = 'BADFENCE the token counter holds no usable number'})
  end
  local first = math.max(last + 1, now())
  redis.call('INCRBY', KEYS[1], string.format('%.0f', first + count - 1 - last))
  return string.format('%.0f', first)
end
