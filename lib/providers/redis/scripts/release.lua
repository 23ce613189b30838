-- Gives leases up, each key for itself, and each to the first in line for it.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock of each key
-- ARGV[1]    how: '' frees the keys now; 'keep ms' lets them run out in so many ms; 'undo': the attempt was given up,
--            so it goes alone, as if it had never been; 'undo ms address': it also leaves the line, where it may stand
--            under this address, and if it has not come yet, it is refused for so many ms. Either may be left out
-- ARGV[2..]  for each key the claim, `:attempt:owner`: the grant of this attempt, and the older ones; with an empty
--            attempt, all that the owner holds
--
-- Returns for each key: 0 the owner did not hold it, 1 freed, 2 kept, as another grant of the owner stands on it.

-- Most of the time nobody is in line, and the value is what it was: a token of 16 digits, and the claim. What comes
-- first does no more than that takes; the rest is not even defined until it is needed.
local outcomes, freed = {}, {}
if ARGV[1] == '' then
  if #KEYS == 2 then
    local value = redis.pcall('GET', KEYS[2])
    if type(value) == 'string' and string.sub(value, 21) == ARGV[2] then
      redis.call('DEL', KEYS[2])
      return {1}
    end
  elseif #KEYS <= 1000 then
    -- Lua takes no more than some thousand arguments.
    local values = redis.call('MGET', unpack(KEYS, 2))
    for n = 1, #KEYS - 1 do
      if values[n] and string.sub(values[n], 21) == ARGV[n + 1] then
        freed[#freed + 1] = KEYS[n + 1]
        outcomes[n] = 1
      end
    end
    if #freed > 0 then
      redis.call('DEL', unpack(freed))
    end
    if #freed == #KEYS - 1 then
      return outcomes
    end
  end
end

--#include value
--#include tokens
--#include line

local how, expires, address = string.match(ARGV[1], '^(%a*) ?(%d*) ?(.*)$')
local undo = how == 'undo'

-- The attempt was not found at the key: it stands in line, or has not come, or is over.
local function undoElsewhere(lock, line, claim)
  local place = redis.call('HGET', line, address)
  if place and string.match(place, '^%d+ %d* %d+ (.*)$') == claim then
    leaveLine(line, address)
    if redis.call('EXISTS', lock) == 0 then
      passOn(lock, line)
    end
  end
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
  local token, attempts, holder, wanted
  if type(value) == 'string' then
    token, attempts, holder, wanted = parse(value)
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
        redis.call('SET', lock, compose(token, left, holder, wanted), 'KEEPTTL')
      end
      return 2
    end
  end
  if how == 'keep' then
    redis.call('SET', lock, compose(token, '', holder, false), 'PX', expires)
  elseif not passOn(lock, line) then
    redis.call('DEL', lock)
  end
  return 1
end

for n = 1, #KEYS - 1 do
  local lock = KEYS[n + 1]
  outcomes[n] = outcomes[n] or giveUp(lock, lineOf(lock), ARGV[n + 1])
  if undo and expires ~= '' then
    -- Wherever it was found: it may come once more.
    local attempt = parseClaim(ARGV[n + 1])
    refuseLate(lineOf(lock), attempt, tonumber(expires))
  end
end
return outcomes
