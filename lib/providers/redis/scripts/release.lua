-- Releases leases, each on its own, and hands each key to the first waiter in its queue.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock of each key
-- ARGV[1]    '' frees the keys now; 'keep ms' lets them expire in so many ms; 'cancel' cancels this attempt alone;
--            'cancel ms process' also removes its queue entry under this process id, and refuses the attempt for so many
--            ms if it has not arrived yet. Either may be left out
-- ARGV[2..]  for each key the claim, `:attempt:owner`: the grant of this attempt, and the older ones; with an empty
--            attempt, all that the owner holds
--
-- Returns for each key: 0 the owner did not hold it, 1 freed, 2 still held by another attempt of the owner, {-1, error} the
-- attempt does not hold it, but may be in its queue or still arrive: another program has overwritten the queue. One key
-- that is freed on the short path has no list around its answer.

-- The short path: without waiters the value is the one that the holder knows, a token of 16 digits and the claim. The
-- functions after it are defined only if they are needed.
local outcomes, freed = {}, {}
local value
if ARGV[1] == '' then
  if #KEYS == 2 then
    value = redis.pcall('GET', KEYS[2])
    if type(value) == 'string' and string.sub(value, 21) == ARGV[2] then
      return redis.call('DEL', KEYS[2])
    end
  elseif #KEYS <= 1000 then
    -- `unpack` takes a few thousand values at most.
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
--#include queue

local how, expires, process = string.match(ARGV[1], '^(%a*) ?(%d*) ?(.*)$')
local cancel = how == 'cancel'

-- The attempt does not hold the key: it waits in the queue, has not arrived, or is over.
local function cancelElsewhere(lock, queue, claim)
  local entry = redis.call('HGET', queue, process)
  if entry and string.match(entry, '^%d+ %d* %d+ (.*)$') == claim then
    dequeue(queue, process)
    if redis.call('EXISTS', lock) == 0 then
      handOff(lock, queue)
    end
  end
end

-- The attempts that remain without this one, and whether it was among them.
local function without(attempt, attempts)
  local list = ',' .. attempts .. ','
  local first, final = string.find(list, ',' .. attempt .. ',', 1, true)
  if not first then
    return attempts, false
  end
  local left = cancel and string.sub(list, 1, first) .. string.sub(list, final + 1) or string.sub(list, final)
  left = string.gsub(string.gsub(left, '^,+', ''), ',+$', '')
  return left, true
end

local function release(lock, queue, claim, value)
  local attempt, owner = parseClaim(claim)
  local token, attempts, holder, contended
  if type(value) == 'string' then
    token, attempts, holder, contended = parse(value)
  end
  if holder ~= owner then
    if cancel then
      cancelElsewhere(lock, queue, claim)
    end
    return 0
  end
  if attempt ~= '' then
    local left, stood = without(attempt, attempts)
    if cancel and not stood then
      cancelElsewhere(lock, queue, claim)
    end
    if left ~= '' or not stood then
      if left ~= attempts then
        redis.call('SET', lock, compose(token, left, holder, contended), 'KEEPTTL')
      end
      return 2
    end
  end
  if how == 'keep' then
    redis.call('SET', lock, compose(token, '', holder, contended), 'PX', expires)
  else
    handOffOrFree(lock, queue)
  end
  return 1
end

local function finish(lock, queue, claim, value)
  local outcome = release(lock, queue, claim, value)
  if cancel and expires ~= '' then
    -- A copy of the attempt may still arrive.
    writeTombstone(queue, parseClaim(claim), tonumber(expires))
  end
  return outcome
end

for n = 1, #KEYS - 1 do
  local lock = KEYS[n + 1]
  if not outcomes[n] then
    local queue = queueOf(lock)
    local done, outcome = pcall(finish, lock, queue, ARGV[n + 1], value or redis.pcall('GET', lock))
    if not done then
      --#include refusal
      outcome = refusal(outcome, {queue})
    end
    outcomes[n] = outcome
  end
end
return outcomes
