-- Acquires leases on one server of a quorum, each on its own: grants the key, or refuses it and notes the process as
-- waiting.
--
-- Servers of a quorum know nothing of each other, so there is no queue. Each server notes the waiting processes in the
-- hash `queue:<key>`, in a field `?process`: `since until`, both in ms of this server's clock. A free key is refused to a
-- process while another one has waited for clearly longer and has said that it asks again soon. A process says how long
-- it has waited, not since when: so all servers come to the same order, however their clocks differ. A note can only
-- refuse, so nothing else depends on it.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the queue of each key
-- ARGV[1]    lease in ms; '' never expires
-- ARGV[2]    how many tokens to set aside for each; 0: only keys that the owner holds already
-- ARGV[3]    `waited shortest longest`, all in ms: how long the process has waited ('' does not wait), and how soon it is
--            to ask again at the earliest and at the latest
-- ARGV[4..]  for each key the claim, `:attempt:owner`. Asked again with the same attempt, the answer is the same
--
-- Returns for each key: its token, granted to a new owner; of one key without a list around it;
--      or {1, token, whether the owner held it before, whether another process waits for it}
--      or {0, PTTL of the lease in the way (-1 never expires, -2 free), 0, whether the holder is another program, 0,
--         within how many ms to ask again}
--      or {-1, error}: nothing was changed

--#include grantfree
--#include value
--#include tokens
--#include queue
--#include reenter

-- A process that has waited longer by less than this is not preferred: requests of one moment reach servers in any order.
local CLEARLY = 20
-- A process that is this late with asking again is not waited for any more.
local GRACE = 200

local waited, shortest, longest = string.match(ARGV[3], '^(%d*) (%d+) (%d+)$')
waited = tonumber(waited)

-- An attempt's id begins with the id of its process.
local function noteOf(attempt)
  return '?' .. (string.match(attempt, '^(.*)%.[^.]*$') or attempt)
end

-- How many other processes have waited for longer than that; those that have not asked again in time are dropped.
local function ahead(queue, own, since)
  local count, all = 0, 0
  for _, field in ipairs(redis.call('HKEYS', queue)) do
    if string.sub(field, 1, 1) == '?' and field ~= own then
      local start, till = string.match(redis.call('HGET', queue, field), '^(%d+) (%d+)$')
      if tonumber(till) < nowInMs() then
        redis.call('HDEL', queue, field)
      else
        all = all + 1
        if tonumber(start) + CLEARLY < since then
          count = count + 1
        end
      end
    end
  end
  return count, all
end

-- For a key that has just been granted the token is the time, in µs, from which on it was held.
local function heldFor(token)
  local age = token and nowInMs() - tonumber(token) / 1000 or 0
  return math.max(0, age)
end

-- The next process asks again soon, those behind it later; all of them less often the longer the key has been held:
-- after a tenth of that.
local function refuse(lock, queue, attempt, before, value)
  local token, attempts = parse(value or '')
  local within = math.max(tonumber(shortest) * (before + 1), heldFor(token) / 10)
  within = math.ceil(math.min(within, tonumber(longest)))
  if waited then
    local till = nowInMs() + within + GRACE
    redis.call('HSET', queue, noteOf(attempt), string.format('%.0f %.0f', nowInMs() - waited, till))
    keepQueue(queue, within + GRACE)
  end
  return {0, redis.call('PTTL', lock), 0, value and not attempts and 1 or 0, 0, within}
end

local function consider(lock, queue, claim)
  local attempt, owner = parseClaim(claim)
  if hasTombstone(queue, attempt) then
    return {0, -2, 0, 0, 0, 0}
  end
  local value = redis.pcall('GET', lock)
  if type(value) == 'table' then
    --#include types
    return {-1, isWrongType(value) and wrongType(lock, 'string') or value.err}
  end
  local note = noteOf(attempt)
  if not waited then
    -- Its note belongs to an earlier attempt.
    redis.call('HDEL', queue, note)
  end
  local before, others = ahead(queue, note, nowInMs() - (waited or 0))
  local contended = others > 0 and 1 or 0
  if value then
    local _, _, holder = parse(value)
    if holder ~= owner then
      return refuse(lock, queue, attempt, before, value)
    end
    local token, reentered = reenter(lock, value, attempt, owner, lease)
    return {1, token, reentered, contended}
  end
  if tokens == 0 then
    return {0, -2, 0, 0, 0, 0}
  end
  if before > 0 then
    return refuse(lock, queue, attempt, before)
  end
  -- An answer of its own: the other keys of this call may be granted all the same.
  if not lastToken() then
    return {-1, BADFENCE}
  end
  redis.call('HDEL', queue, note)
  local token = takeTokens(tokens)
  write(lock, compose(token, attempt, owner, false), lease)
  return {1, tonumber(token), 0, contended}
end

--#include considereach
