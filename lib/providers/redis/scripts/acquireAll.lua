-- Takes leases on several keys: every one of them, or none.
--
-- KEYS[1]    the token counter
-- KEYS[2]    the attempts that were given up before they came
-- KEYS[3..]  the lock and the line of each key
-- ARGV[1]    how many bytes of a lock's name come before the key as its users call it
-- ARGV[2]    what the channel of an address begins with
-- ARGV[3]    lease in ms; '' never expires
-- ARGV[4]    '1': only if the owner holds every key already
-- ARGV[5]    the claim, `:attempt:owner`. Asked again with the same attempt, the answer is the same
--
-- Returns {1, token and whether the owner held it before (1 or 0) of each key ...}
--      or {0, index of the key that is in the way, its PTTL (-1 never expires, -2 free), whether its holder is another
--         program}
--      or {-1, error}: nothing was changed

--#include value
--#include tokens
--#include line
--#include reenter

local lease, onlyIfOwned, claim = ARGV[3], ARGV[4] == '1', ARGV[5]
local attempt, owner = parseClaim(claim)
local found = {}

-- Sent twice, an attempt may have been granted the first time: what this answer denies is given back.
local function refuse(index, ttl, foreign)
  for i = 3, #KEYS, 2 do
    local value = redis.call('GET', KEYS[i])
    local token, attempts, holder = parse(value or '')
    if holder == owner then
      local others = {}
      for other in string.gmatch(attempts, '[^,]+') do
        if other ~= attempt then
          others[#others + 1] = other
        end
      end
      local left = table.concat(others, ',')
      if left == '' and attempts ~= '' then
        if not passOn(KEYS[i], KEYS[i + 1]) then
          redis.call('DEL', KEYS[i])
        end
      elseif left ~= attempts then
        redis.call('SET', KEYS[i], table.concat({'nl1', token, left, holder}, ':'), 'KEEPTTL')
      end
    end
  end
  saveTokens()
  return {0, index, ttl, foreign}
end

-- Before anything is written.
local values = {}
for i = 3, #KEYS, 2 do
  values[i] = redis.pcall('GET', KEYS[i])
  if type(values[i]) == 'table' then
    return {-1, values[i].err}
  end
end
if tonumber(redis.call('ZSCORE', KEYS[2], attempt) or 0) > milliseconds() then
  return refuse(1, -2, 0)
end
for i = 3, #KEYS, 2 do
  local index = (i - 1) / 2
  local value = values[i]
  if value then
    local _, _, holder = parse(value)
    if holder ~= owner then
      return refuse(index, redis.call('PTTL', KEYS[i]), holder and 0 or 1)
    end
    found[i] = value
  elseif onlyIfOwned then
    return refuse(index, -2, 0)
  end
end
-- Free, but not for whoever comes last.
for i = 3, #KEYS, 2 do
  if not found[i] and redis.call('EXISTS', KEYS[i + 1]) == 1 and passOn(KEYS[i], KEYS[i + 1]) then
    return refuse((i - 1) / 2, redis.call('PTTL', KEYS[i]), 0)
  end
end

local fresh = takeTokens(1)
local reply = {1}
for i = 3, #KEYS, 2 do
  local token, reentered = tonumber(fresh), 0
  if found[i] then
    token, reentered = reenter(KEYS[i], found[i], attempt, owner, lease)
  else
    write(KEYS[i], 'nl1:' .. fresh .. claim, lease)
  end
  reply[#reply + 1] = token
  reply[#reply + 1] = reentered
end
saveTokens()
return reply
