-- Fencing tokens: greater than every earlier one. The counter (KEYS[1]) survives holders, the clock survives the loss
-- of the counter. INCRBY changes a number in place, so it needs no memory.

local BADFENCE = 'BADFENCE the token counter holds no usable number'

local micros

local function now()
  if not micros then
    local time = redis.call('TIME')
    micros = time[1] * 1000000 + time[2]
  end
  return micros
end

-- Read once; of what these scripts write to the counter, only `takeTokens` comes after.
local counter

-- The last token set aside; nil where the counter holds no whole number.
local function lastToken()
  if counter then
    return counter
  end
  local stored = redis.pcall('GET', KEYS[1]) or '0'
  local last = type(stored) == 'string' and tonumber(stored)
  -- Beyond 9e15, numbers come out of order soon; no clock is so late. In any other spelling INCRBY refuses it.
  counter = last and last < 9e15 and string.format('%.0f', last) == stored and last or nil
  return counter
end

-- The first of so many tokens in a row. If it fails, nothing was changed.
local function takeTokens(count)
  local last = lastToken()
  if not last then
    error({err = BADFENCE})
  end
  local first = math.max(last + 1, now())
  redis.call('INCRBY', KEYS[1], string.format('%.0f', first + count - 1 - last))
  counter = first + count - 1
  return string.format('%.0f', first)
end
