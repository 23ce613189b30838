-- Fencing tokens: greater than every earlier one. The counter (KEYS[1]) survives holders, the clock survives the loss
-- of the counter. Whoever uses them calls saveTokens() at the end.

local micros, last
local granted = false

local function now()
  if not micros then
    local time = redis.call('TIME')
    micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  return micros
end

-- The first of so many tokens in a row.
local function takeTokens(count)
  last = last or tonumber(redis.call('GET', KEYS[1]) or 0)
  local first = math.max(last + 1, now())
  last = first + count - 1
  granted = true
  return string.format('%.0f', first)
end

local function saveTokens()
  if granted then
    redis.call('SET', KEYS[1], string.format('%.0f', last))
  end
end
