-- The line for a key is a hash of address to place, `line:<key>`, and a list of the addresses, first come first,
-- `order:<key>`. A place is `seen lease tokens claim`, of which `seen` is the time of the last sign of life in ms: without one
-- for 5 s it is passed over, and a line that everybody has forgotten expires. A field `!attempt` is the time in ms up to
-- which this attempt is refused: it was given up before it came. Fields `?process` belong to `vote.lua`.
--
-- In a cluster all of them carry a tag that puts them into the slot of the lock: `line:{tag}:<key>`, `order:{tag}:<key>`.
-- There PUBLISH tells how many listen at this very server, which says nothing: who is handed a key has it for a moment
-- only, and for its lease once it has asked again.

local PATIENCE = 5000
local LINE_EXPIRES = 8000
local OFFER_EXPIRES = 3000

-- What every name begins with, and the tag: KEYS[1] is `prefix .. 'nestjs-locking:fence' .. tag`, the tag `:{...}` in a
-- cluster, and nothing else.
local prefix, tag = string.match(KEYS[1], '^(.*)nestjs%-locking:fence(.*)$')

local function milliseconds()
  return math.floor(now() / 1000)
end

local function lineOf(lock)
  return prefix .. 'nestjs-locking:line' .. tag .. ':' .. string.sub(lock, #prefix + 1)
end

local function orderOf(line)
  return prefix .. 'nestjs-locking:order' .. string.sub(line, #prefix + 20)
end

-- Whether anybody stands in line.
local function isWanted(line)
  return redis.call('EXISTS', orderOf(line))
end

-- The key as its users call it.
local function nameOf(lock)
  return string.sub(lock, #prefix + 1)
end

local function channelOf(address)
  return prefix .. 'nestjs-locking:wake:' .. address
end

-- Tells a process something; with how many it arrived. Where this user may not publish, with none.
local function tell(address, ...)
  local heard = redis.pcall('PUBLISH', channelOf(address), table.concat({...}, ' '))
  return type(heard) == 'number' and heard or 0
end

-- Whether a process is gone, as nothing is subscribed to its channel. PUBLISH counts subscriptions to a pattern as well,
-- such as those of a monitor that hears all, and with them every process seems to be there. Where this user may not ask,
-- nobody is taken for gone before PUBLISH.
local function isGone(address)
  return redis.pcall('PUBSUB', 'NUMSUB', channelOf(address))[2] == 0
end

-- An attempt's id begins with the address of its process.
local function tellHolder(attempts, what, lock)
  local attempt = string.match(attempts, '([^,]*)$')
  local address = string.match(attempt, '^(.*)%.[^.]*$')
  if address then
    tell(address, what, attempt, nameOf(lock))
  end
end

local function keepLine(line, expires)
  if redis.call('PTTL', line) < expires then
    redis.call('PEXPIRE', line, expires)
  end
end

-- The place first: an address without one is dropped when it comes first, and its process may join again.
local function leaveLine(line, address)
  redis.call('HDEL', line, address)
  redis.call('LREM', orderOf(line), 1, address)
end

-- The first in line who is alive, and its place; those before it are dropped.
local function firstInLine(line)
  while true do
    local address = redis.call('LINDEX', orderOf(line), 0)
    if not address then
      return nil
    end
    local place = redis.call('HGET', line, address)
    local seen = place and tonumber(string.match(place, '^%d+'))
    if seen and milliseconds() - seen <= PATIENCE then
      return address, place
    end
    leaveLine(line, address)
  end
end

-- Notes about attempts may keep the hash for longer than everybody has been gone from the line: what it says of places
-- is over then, and whoever comes back has to join again.
local function forgetPlaces(line)
  if redis.call('EXISTS', orderOf(line)) == 0 then
    for _, field in ipairs(redis.call('HKEYS', line)) do
      if not string.find(field, '^[!?]') then
        redis.call('HDEL', line, field)
      end
    end
  end
end

-- Stands in line, or gives a sign of life there.
local function standInLine(line, address, lease, tokens, claim)
  local order = orderOf(line)
  local place = table.concat({string.format('%.0f', milliseconds()), lease, tokens, claim}, ' ')
  forgetPlaces(line)
  -- The address first: a place without one would never come first.
  if not redis.call('HGET', line, address) then
    redis.call('RPUSH', order, address)
  end
  redis.call('HSET', line, address, place)
  redis.call('PEXPIRE', order, LINE_EXPIRES)
  keepLine(line, LINE_EXPIRES)
end

-- Whether another process stands behind the first in line.
local function isFollowed(line)
  return redis.call('LINDEX', orderOf(line), 1) and 1 or 0
end

-- Gives a key that nobody holds any more to the first waiter in line who is there to hear of it. Where that is the
-- process that asks for it (under `asking`, with `attempt`) the key is not written: its address is returned beside
-- false, for the answer to grant it the key and take it out of the line. Without usable tokens nobody gets the key.
--
-- All that can fail comes before the first write, and a waiter leaves the line only once it has the key, so that
-- wherever a script stops, no waiter is lost.
local function passOn(lock, line, asking, attempt)
  if not lastToken() then
    return false
  end
  while true do
    local address, place = firstInLine(line)
    if not address then
      return false
    end
    local lease, tokens, claim = string.match(place, '^%d+ (%d*) (%d+) (.*)$')
    local granted, owner = parseClaim(claim)
    -- A write that needs no memory: after a first one, Redis stops no script for want of memory. A key can be handed on
    -- where none could be taken.
    redis.call('PEXPIRE', orderOf(line), LINE_EXPIRES)
    if address == asking or granted == attempt then
      return false, address
    end
    if tag == '' and isGone(address) then
      leaveLine(line, address)
    else
      local token, wanted = takeTokens(tonumber(tokens)), isFollowed(line)
      local value = compose(token, granted, owner, wanted == 1)
      if tag ~= '' then
        write(lock, value, math.min(tonumber(lease) or OFFER_EXPIRES, OFFER_EXPIRES))
        leaveLine(line, address)
        tell(address, 'offered', granted, nameOf(lock))
        return true
      end
      write(lock, value, lease)
      leaveLine(line, address)
      if tell(address, 'granted', token, wanted, granted, nameOf(lock)) > 0 then
        return true
      end
      redis.call('DEL', lock)
    end
  end
end

-- The attempt was given up: should it still come within so many ms, it is refused.
local function refuseLate(line, attempt, expires)
  forgetPlaces(line)
  for _, field in ipairs(redis.call('HKEYS', line)) do
    if string.sub(field, 1, 1) == '!' and tonumber(redis.call('HGET', line, field)) <= milliseconds() then
      redis.call('HDEL', line, field)
    end
  end
  redis.call('HSET', line, '!' .. attempt, string.format('%.0f', milliseconds() + expires))
  keepLine(line, expires)
end

local function comesTooLate(line, attempt)
  return tonumber(redis.call('HGET', line, '!' .. attempt) or 0) > milliseconds()
end
