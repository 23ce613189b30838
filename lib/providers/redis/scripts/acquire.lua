-- Takes leases on keys, each for itself: grants it, or refuses it and stands in line.
--
-- KEYS[1]    the token counter
-- KEYS[2]    the attempts that were given up before they came
-- KEYS[3..]  the lock and the line of each key
-- ARGV[1]    how many bytes of a lock's name come before the key as its users call it
-- ARGV[2]    what the channel of an address begins with
-- ARGV[3]    lease in ms; '' never expires
-- ARGV[4]    how many tokens to set aside for each
-- ARGV[5]    the address to stand in line under; '' does not
-- ARGV[6]    '1': only what the owner holds already
-- ARGV[7..]  for each key the claim, `:attempt:owner`. Asked again with the same attempt, the answer is the same
--
-- Returns for each key: its token, granted to a new owner with nobody else in line;
--      or {1, token, whether the owner held it before, whether somebody stands in line}
--      or {0, PTTL of the lease in the way (-1 never expires, -2 free), whether it stands in line, whether the holder
--         is another program}
--      or {-1, error}: nothing was changed

--#include value
--#include tokens
--#include line
--#include reenter

local lease, tokens, address, onlyIfOwned = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6] == '1'
local replies = {}

local function refuse(lock, line, claim, attempts)
  local queued = 0
  if address ~= '' then
    standInLine(line, address, lease, ARGV[4], claim)
    queued = 1
    if attempts and redis.call('LINDEX', line, 0) == address then
      tellHolder(attempts, 'wanted', lock)
    end
  end
  return {0, redis.call('PTTL', lock), queued, attempts and 0 or 1}
end

local function consider(lock, line, claim)
  local attempt, owner = parseClaim(claim)
  local void = tonumber(redis.call('ZSCORE', KEYS[2], attempt) or 0)
  if void > milliseconds() then
    return {0, -2, 0, 0}
  end
  local value = redis.pcall('GET', lock)
  if type(value) == 'table' then
    return {-1, value.err}
  end
  if value then
    local _, attempts, holder = parse(value)
    if holder ~= owner then
      return refuse(lock, line, claim, attempts)
    end
    local token, reentered = reenter(lock, value, attempt, owner, lease)
    return {1, token, reentered, redis.call('EXISTS', line)}
  end
  if onlyIfOwned then
    return {0, -2, 0, 0}
  end
  local first = firstInLine(line)
  if first == address then
    leaveLine(line, address)
  elseif first and passOn(lock, line) then
    local _, attempts = parse(redis.call('GET', lock))
    return refuse(lock, line, claim, attempts)
  end
  local token = takeTokens(tokens)
  write(lock, 'nl1:' .. token .. claim, lease)
  return {1, tonumber(token), 0, redis.call('EXISTS', line)}
end

-- Most of the time there is no line at all, and nothing was given up.
local watched = {KEYS[2]}
for i = 4, #KEYS, 2 do
  watched[#watched + 1] = KEYS[i]
end
local simple = not onlyIfOwned and redis.call('EXISTS', unpack(watched)) == 0

for i = 3, #KEYS, 2 do
  local n = (i - 1) / 2
  local claim = ARGV[n + 6]
  if simple and lease ~= '' then
    local before, any = last, granted
    local token = takeTokens(tokens)
    if redis.call('SET', KEYS[i], 'nl1:' .. token .. claim, 'NX', 'PX', lease) then
      replies[n] = tonumber(token)
    else
      last, granted = before, any
    end
  end
  if not replies[n] then
    -- Whoever is refused here may be in line from now on.
    simple = simple and address == ''
    replies[n] = consider(KEYS[i], KEYS[i + 1], claim)
  end
end
saveTokens()
return replies
