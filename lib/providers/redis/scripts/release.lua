-- Gives leases up, each key for itself, and each to the first in line for it.
--
-- KEYS[1]    the token counter
-- KEYS[2]    the attempts that were given up before they came
-- KEYS[3..]  the lock and the line of each key
-- ARGV[1]    how many bytes of a lock's name come before the key as its users call it
-- ARGV[2]    what the channel of an address begins with
-- ARGV[3]    '1': the attempt was given up, so it goes alone, as if it had never been, and leaves the line, too
-- ARGV[4]    let the key run out in so many ms; '' frees it at once
-- ARGV[5]    with ARGV[3], the address under which the attempt may stand in line; '' if it can do neither this nor:
-- ARGV[6]    come late; it is then refused for so many ms
-- ARGV[7..]  for each key the claim, `:attempt:owner`: the grant of this attempt, and the older ones; with an empty
--            attempt, all that the owner holds
--
-- Returns for each key: 0 the owner did not hold it, 1 freed, 2 kept, as another grant of the owner stands on it.

--#include value
--#include tokens
--#include line

local undo, keepFor, address = ARGV[3] == '1', ARGV[4], ARGV[5]

-- The attempt was not found at the key: it stands in line, or has not come, or is over.
local function undoElsewhere(lock, line, claim)
  if address == '' then
    return
  end
  local attempt = parseClaim(claim)
  local place = redis.call('HGET', line .. ':places', address)
  if place and string.match(place, '^%d+ %d* %d+ (.*)$') == claim then
    leaveLine(line, address)
    if redis.call('EXISTS', lock) == 0 then
      passOn(lock, line)
    end
    return
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', milliseconds()))
  redis.call('ZADD', KEYS[2], string.format('%.0f', milliseconds() + tonumber(ARGV[6])), attempt)
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
end

-- The attempts that are left once this one is given up, and whether it was among them.
local function without(attempt, attempts)
  local list = ',' .. attempts .. ','
  local first, final = string.find(list, ',' .. attempt .. ',', 1, true)
  if not first then
    return attempts, false
  end
  local left = undo and string.sub(list, 1, first) .. string.sub(list, final + 1) or string.sub(list, final)
  left = string.gsub(string.gsub(left, '^,+', ''), ',+$', '')
  return left, true
end

local function giveUp(lock, line, claim)
  local attempt, owner = parseClaim(claim)
  local value = redis.pcall('GET', lock)
  local token, attempts, holder
  if type(value) == 'string' then
    token, attempts, holder = parse(value)
  end
  if holder ~= owner then
    if undo then
      undoElsewhere(lock, line, claim)
    end
    return 0
  end
  if attempt ~= '' then
    local left, stood = without(attempt, attempts)
    if undo and not stood then
      undoElsewhere(lock, line, claim)
    end
    if left ~= '' or not stood then
      if left ~= attempts then
        redis.call('SET', lock, table.concat({'nl1', token, left, holder}, ':'), 'KEEPTTL')
      end
      return 2
    end
  end
  if keepFor ~= '' then
    redis.call('SET', lock, table.concat({'nl1', token, '', holder}, ':'), 'PX', keepFor)
  elseif not passOn(lock, line) then
    redis.call('DEL', lock)
  end
  return 1
end

local locks, lines = {}, {}
for i = 3, #KEYS, 2 do
  locks[#locks + 1] = KEYS[i]
  lines[#lines + 1] = KEYS[i + 1]
end
local values = redis.call('MGET', unpack(locks))
local simple = keepFor == '' and redis.call('EXISTS', unpack(lines)) == 0
local freed, outcomes = {}, {}

-- Most of the time nobody is in line, and the value is what it was: a token of 16 digits, and the claim.
for n = 1, #locks do
  local value = values[n]
  if simple and value and string.sub(value, 21) == ARGV[n + 6] then
    freed[#freed + 1] = locks[n]
    outcomes[n] = 1
  end
end
if #freed > 0 then
  redis.call('DEL', unpack(freed))
end
for n = 1, #locks do
  outcomes[n] = outcomes[n] or giveUp(locks[n], lines[n], ARGV[n + 6])
end
saveTokens()
return outcomes
