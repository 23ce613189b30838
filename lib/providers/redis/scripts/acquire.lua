-- Takes leases on keys, each for itself: grants it, or refuses it and stands in line.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the line of each key
-- ARGV[1]    lease in ms; '' never expires
-- ARGV[2]    how many tokens to set aside for each; 0: only what the owner holds already
-- ARGV[3]    the address to stand in line under; '' does not
-- ARGV[4..]  for each key the claim, `:attempt:owner`. Asked again with the same attempt, the answer is the same
--
-- Returns for each key: its token, granted to a new owner with nobody else in line;
--      or {1, token, whether the owner held it before, whether somebody stands in line}
--      or {0, PTTL of the lease in the way (-1 never expires, -2 free), whether it stands in line, whether the holder
--         is another program, the last token so far if it stands in line}
--      or {-1, error}: nothing was changed

-- Most of the time nobody is in line, nothing was given up, and the clock is ahead of the counter.
--#include grantfree

--#include value
--#include tokens
--#include line
--#include reenter

local address = ARGV[3]

-- While somebody stands in line, the value says so.
local function mark(lock)
  local token, attempts, owner, wanted = parse(redis.call('GET', lock))
  if token and not wanted then
    redis.call('SET', lock, compose(token, attempts, owner, true), 'KEEPTTL')
  end
end

local function refuse(lock, line, claim, attempts)
  local queued, last = 0, 0
  if address ~= '' then
    mark(lock)
    standInLine(line, address, lease, ARGV[2], claim)
    queued, last = 1, tonumber(redis.call('GET', KEYS[1]) or 0)
    if attempts and firstInLine(line) == address then
      tellHolder(attempts, 'wanted', lock)
    end
  end
  return {0, redis.call('PTTL', lock), queued, attempts and 0 or 1, last}
end

local function consider(lock, line, claim)
  local attempt, owner = parseClaim(claim)
  if comesTooLate(line, attempt) then
    return {0, -2, 0, 0, 0}
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
    return {1, token, reentered, isWanted(line)}
  end
  if tokens == 0 then
    return {0, -2, 0, 0, 0}
  end
  -- An answer of its own: the other keys of this call may be granted, or waited for, all the same.
  if not lastToken() then
    return {-1, BADFENCE}
  end
  local passed, place = passOn(lock, line, address, attempt)
  if passed then
    local _, attempts = parse(redis.call('GET', lock))
    return refuse(lock, line, claim, attempts)
  end
  local token, wanted = takeTokens(tokens), place and isFollowed(line) or 0
  write(lock, compose(token, attempt, owner, wanted == 1), lease)
  if place then
    leaveLine(line, place)
  end
  return {1, tonumber(token), 0, wanted}
end

for i = 2, #KEYS, 2 do
  local n = i / 2
  replies[n] = replies[n] or consider(KEYS[i], KEYS[i + 1], ARGV[n + 3])
end
return replies
