-- Acquires leases on several keys: all of them, or none.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the queue of each key
-- ARGV[1]    lease in ms; '' never expires
-- ARGV[2]    '1': only if the owner holds every key already
-- ARGV[3]    the claim, `:attempt:owner`. Asked again with the same attempt, the answer is the same
--
-- Returns {1, token and whether the owner held it before (1 or 0) of each key ...}
--      or {0, index of the key that was refused, its PTTL (-1 never expires, -2 free), whether its holder is another
--         program}
--      or {-1, error}: nothing was changed

--#include value
--#include tokens
--#include queue
--#include reenter

local lease, onlyIfOwned, claim = ARGV[1], ARGV[2] == '1', ARGV[3]
local attempt, owner = parseClaim(claim)

-- An attempt that is sent twice may have been granted the first time: a refusal releases that grant.
local function refuse(index, ttl, foreign)
  for i = 2, #KEYS, 2 do
    local value = redis.call('GET', KEYS[i])
    local token, attempts, holder, contended = parse(value or '')
    if holder == owner then
      local others = {}
      for other in string.gmatch(attempts, '[^,]+') do
        if other ~= attempt then
          others[#others + 1] = other
        end
      end
      local left = table.concat(others, ',')
      if left == '' and attempts ~= '' then
        handOffOrFree(KEYS[i], KEYS[i + 1])
      elseif left ~= attempts then
        redis.call('SET', KEYS[i], compose(token, left, holder, contended), 'KEEPTTL')
      end
    end
  end
  return {0, index, ttl, foreign}
end

-- All checks come before the first write.
local function acquireAll()
  local found = {}
  for i = 2, #KEYS, 2 do
    found[i] = redis.pcall('GET', KEYS[i])
    if type(found[i]) == 'table' then
      --#include types
      return {-1, isWrongType(found[i]) and wrongType(KEYS[i], 'string') or found[i].err}
    end
  end
  for i = 2, #KEYS, 2 do
    if hasTombstone(KEYS[i + 1], attempt) then
      return refuse(i / 2, -2, 0)
    elseif found[i] then
      local _, _, holder = parse(found[i])
      if holder ~= owner then
        return refuse(i / 2, redis.call('PTTL', KEYS[i]), holder and 0 or 1)
      end
    elseif onlyIfOwned then
      return refuse(i / 2, -2, 0)
    end
  end
  -- A free key with a queue goes to its first waiter.
  for i = 2, #KEYS, 2 do
    if not found[i] and isContended(KEYS[i + 1]) == 1 and handOff(KEYS[i], KEYS[i + 1]) then
      return refuse(i / 2, redis.call('PTTL', KEYS[i]), 0)
    end
  end

  local fresh = takeTokens(1)
  local reply = {1}
  for i = 2, #KEYS, 2 do
    local token, reentered = tonumber(fresh), 0
    if found[i] then
      token, reentered = reenter(KEYS[i], found[i], attempt, owner, lease)
    else
      write(KEYS[i], 'nl1:' .. fresh .. claim, lease)
    end
    reply[#reply + 1] = token
    reply[#reply + 1] = reentered
  end
  return reply
end

local done, reply = pcall(acquireAll)
if not done then
  --#include refusal
  local queues = {}
  for i = 3, #KEYS, 2 do
    queues[#queues + 1] = KEYS[i]
  end
  reply = refusal(reply, queues)
end
return reply
