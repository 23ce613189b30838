-- Acquires leases on keys, each on its own: grants the key, or refuses it and joins its queue.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the queue of each key
-- ARGV[1]    lease in ms; '' never expires
-- ARGV[2]    how many tokens to set aside for each; 0: only keys that the owner holds already
-- ARGV[3]    the process id to queue under; '' does not queue
-- ARGV[4..]  for each key the claim, `:attempt:owner`. Asked again with the same attempt, the answer is the same
--
-- Returns for each key: its token, granted to a new owner, and the queue is empty; of one key without a list around it;
--      or {1, token, whether the owner held it before, whether a process waits}
--      or {0, PTTL of the lease in the way (-1 never expires, -2 free), whether it is queued, whether the holder is
--         another program, the last token so far if it is queued}
--      or {-1, error}: nothing was changed

--#include grantfree

--#include value
--#include tokens
--#include queue
--#include reenter

local process = ARGV[3]

-- While a process waits, the value says so.
local function mark(lock)
  local token, attempts, owner, contended = parse(redis.call('GET', lock))
  if token and not contended then
    redis.call('SET', lock, compose(token, attempts, owner, true), 'KEEPTTL')
  end
end

local function refuse(lock, queue, claim, attempts)
  local queued, last = 0, 0
  if process ~= '' then
    mark(lock)
    enqueue(queue, process, lease, ARGV[2], claim)
    queued, last = 1, tonumber(redis.pcall('GET', KEYS[1]) or 0) or 0
    if attempts and firstWaiter(queue) == process then
      tellHolder(attempts, 'contended', lock)
    end
  end
  return {0, redis.call('PTTL', lock), queued, attempts and 0 or 1, last}
end

local function consider(lock, queue, claim)
  local attempt, owner = parseClaim(claim)
  if hasTombstone(queue, attempt) then
    return {0, -2, 0, 0, 0}
  end
  local value = redis.pcall('GET', lock)
  if type(value) == 'table' then
    --#include types
    return {-1, isWrongType(value) and wrongType(lock, 'string') or value.err}
  end
  if value then
    local _, attempts, holder = parse(value)
    if holder ~= owner then
      return refuse(lock, queue, claim, attempts)
    end
    local token, reentered = reenter(lock, value, attempt, owner, lease)
    return {1, token, reentered, isContended(queue)}
  end
  if tokens == 0 then
    return {0, -2, 0, 0, 0}
  end
  -- An answer of its own: the other keys of this call may be granted, or waited for, all the same.
  if not lastToken() then
    return {-1, BADFENCE}
  end
  local handedOff, entry = handOff(lock, queue, process, attempt)
  if handedOff then
    local _, attempts = parse(redis.call('GET', lock))
    return refuse(lock, queue, claim, attempts)
  end
  local token, contended = takeTokens(tokens), entry and isFollowed(queue) or 0
  write(lock, compose(token, attempt, owner, contended == 1), lease)
  if entry then
    dequeue(queue, entry)
  end
  return {1, tonumber(token), 0, contended}
end

--#include considereach
