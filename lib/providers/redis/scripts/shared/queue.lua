-- The queue of a key: a hash of process id to queue entry, `queue:<key>`, and a list of the process ids, first come first,
-- `order:<key>`. An entry is `seen lease tokens claim`; `seen` is the time of its last heartbeat in ms. An entry without a
-- heartbeat for 5 s is skipped, and a queue without any expires. A field `!attempt` of the hash is a tombstone: until
-- that time in ms, an attempt that was cancelled before it arrived is refused. Fields `?process` belong to `vote.lua`.
--
-- In a cluster all names carry a tag that puts them into the slot of the lock: `queue:{tag}:<key>`, `order:{tag}:<key>`.
-- There PUBLISH counts only the subscribers of this server, so its count cannot tell whether a process is alive: a process
-- that is handed a key has it for a moment only, and for its lease once it has asked again.

local PATIENCE = 5000
local QUEUE_EXPIRES = 8000
local OFFER_EXPIRES = 3000

-- KEYS[1] is `prefix .. 'nestjs-locking:fence' .. tag`; the tag is `:{...}` in a cluster, and empty elsewhere.
local prefix, tag = string.match(KEYS[1], '^(.*)nestjs%-locking:fence(.*)$')

local function nowInMs()
  return math.floor(now() / 1000)
end

local function queueOf(lock)
  return prefix .. 'nestjs-locking:queue' .. tag .. ':' .. string.sub(lock, #prefix + 1)
end

local function orderOf(queue)
  return prefix .. 'nestjs-locking:order' .. string.sub(queue, #prefix + 21)
end

-- Whether another process waits for the key.
local function isContended(queue)
  return redis.call('EXISTS', orderOf(queue))
end

-- The key as the application calls it.
local function nameOf(lock)
  return string.sub(lock, #prefix + 1)
end

local function channelOf(process)
  return prefix .. 'nestjs-locking:wake:' .. process
end

-- Sends a message to a process. Returns how many subscribers got it; 0 also where this user may not publish.
local function tell(process, ...)
  local heard = redis.pcall('PUBLISH', channelOf(process), table.concat({...}, ' '))
  return type(heard) == 'number' and heard or 0
end

-- Whether a process is gone: its channel has no subscriber. PUBLISH also counts subscribers to a pattern, such as a
-- monitor of all channels, and would take every process for alive. Where this user may not ask, PUBLISH decides.
local function isGone(process)
  return redis.pcall('PUBSUB', 'NUMSUB', channelOf(process))[2] == 0
end

-- An attempt's id begins with its process id.
local function tellHolder(attempts, what, lock)
  local attempt = string.match(attempts, '([^,]*)$')
  local process = string.match(attempt, '^(.*)%.[^.]*$')
  if process then
    tell(process, what, attempt, nameOf(lock))
  end
end

local function keepQueue(queue, expires)
  if redis.call('PTTL', queue) < expires then
    redis.call('PEXPIRE', queue, expires)
  end
end

-- The entry goes first: a process id without an entry is dropped when it is the first, and its process can join again.
local function dequeue(queue, process)
  redis.call('HDEL', queue, process)
  redis.call('LREM', orderOf(queue), 1, process)
end

-- The first process that is alive, its entry, and the process behind it; drops the entries before it.
local function firstWaiter(queue)
  while true do
    local process, follower = unpack(redis.call('LRANGE', orderOf(queue), 0, 1))
    if not process then
      return nil
    end
    local entry = redis.call('HGET', queue, process)
    local seen = entry and tonumber(string.match(entry, '^%d+'))
    if seen and nowInMs() - seen <= PATIENCE then
      return process, entry, follower
    end
    dequeue(queue, process)
  end
end

-- Tombstones can keep the hash alive for longer than its entries. Entries of an expired order do not count any more:
-- their processes have to join again.
local function dropStaleEntries(queue)
  if redis.call('EXISTS', orderOf(queue)) == 0 then
    for _, field in ipairs(redis.call('HKEYS', queue)) do
      if not string.find(field, '^[!?]') then
        redis.call('HDEL', queue, field)
      end
    end
  end
end

-- Joins the queue, or renews the heartbeat of the entry.
local function enqueue(queue, process, lease, tokens, claim)
  local order = orderOf(queue)
  local entry = table.concat({string.format('%.0f', nowInMs()), lease, tokens, claim}, ' ')
  dropStaleEntries(queue)
  -- The process id goes first: an entry without one would never be the first.
  if not redis.call('HGET', queue, process) then
    redis.call('RPUSH', order, process)
  end
  redis.call('HSET', queue, process, entry)
  redis.call('PEXPIRE', order, QUEUE_EXPIRES)
  keepQueue(queue, QUEUE_EXPIRES)
end

-- Whether a second process waits behind the first.
local function isFollowed(queue)
  return redis.call('LINDEX', orderOf(queue), 1) and 1 or 0
end

-- Gives a free key to the first waiter that is there to hear of it. If that waiter is the process that asks (under
-- `asking`, with `attempt`), the key is not written: the script returns false and the process id, and the caller grants
-- the key and removes the entry. Without usable tokens no process gets the key.
--
-- All that can fail comes before the first write, and an entry is removed only after its process has the key. So no
-- waiter is lost wherever a script stops.
local function handOff(lock, queue, asking, attempt)
  if not lastToken() then
    return false
  end
  while true do
    local process, entry, follower = firstWaiter(queue)
    if not process then
      return false
    end
    local lease, tokens, claim = string.match(entry, '^%d+ (%d*) (%d+) (.*)$')
    local granted, owner = parseClaim(claim)
    -- This write needs no memory, and after a first write Redis stops no script for want of memory: a hand-off succeeds
    -- on a full server, where an acquire does not.
    redis.call('PEXPIRE', orderOf(queue), QUEUE_EXPIRES)
    if process == asking or granted == attempt then
      return false, process
    end
    if tag == '' and isGone(process) then
      dequeue(queue, process)
    else
      local token, contended = takeTokens(tonumber(tokens)), follower and 1 or 0
      local value = compose(token, granted, owner, contended == 1)
      if tag ~= '' then
        write(lock, value, math.min(tonumber(lease) or OFFER_EXPIRES, OFFER_EXPIRES))
        dequeue(queue, process)
        tell(process, 'offered', granted, nameOf(lock))
        return true
      end
      write(lock, value, lease)
      dequeue(queue, process)
      if tell(process, 'granted', token, contended, granted, nameOf(lock)) > 0 then
        return true
      end
      redis.call('DEL', lock)
    end
  end
end

-- Frees a held key, or gives it to the first waiter. Where another program has overwritten the queue there is no waiter to
-- find, and the holder is done all the same.
local function handOffOrFree(lock, queue)
  local done, handedOff = pcall(handOff, lock, queue)
  if not done then
    --#include types
    if not isWrongType(caught(handedOff)) then
      error(caught(handedOff))
    end
    handedOff = false
  end
  if not handedOff then
    redis.call('DEL', lock)
  end
end

-- Refuses a cancelled attempt, should it still arrive within so many ms.
local function writeTombstone(queue, attempt, expires)
  dropStaleEntries(queue)
  for _, field in ipairs(redis.call('HKEYS', queue)) do
    if string.sub(field, 1, 1) == '!' and tonumber(redis.call('HGET', queue, field)) <= nowInMs() then
      redis.call('HDEL', queue, field)
    end
  end
  redis.call('HSET', queue, '!' .. attempt, string.format('%.0f', nowInMs() + expires))
  keepQueue(queue, expires)
end

local function hasTombstone(queue, attempt)
  return tonumber(redis.call('HGET', queue, '!' .. attempt) or 0) > nowInMs()
end
