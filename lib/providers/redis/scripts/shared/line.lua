-- The line for a key: a list of addresses, first come first, and beside it, at `line:places`, a hash of address to
-- place: `seen lease tokens claim`, of which `seen` is the time of the last sign of life in ms. A place without one
-- for 5 s is passed over; a line that everybody has forgotten expires after a minute.

local PATIENCE = 5000
local LINE_EXPIRES = 60000

local function milliseconds()
  return math.floor(now() / 1000)
end

-- The key as its users call it.
local function nameOf(lock)
  return string.sub(lock, tonumber(ARGV[1]) + 1)
end

-- Tells a process something; with how many it arrived.
local function tell(address, ...)
  return redis.call('PUBLISH', ARGV[2] .. address, table.concat({...}, ' '))
end

-- An attempt's id begins with the address of its process.
local function tellHolder(attempts, what, lock)
  local attempt = string.match(attempts, '([^,]*)$')
  local address = string.match(attempt, '^(.*)%.[^.]*$')
  if address then
    tell(address, what, attempt, nameOf(lock))
  end
end

local function leaveLine(line, address)
  redis.call('LREM', line, 1, address)
  redis.call('HDEL', line .. ':places', address)
end

-- The first in line who is alive, and its place; those before it are dropped.
local function firstInLine(line)
  while true do
    local address = redis.call('LINDEX', line, 0)
    if not address then
      return nil
    end
    local place = redis.call('HGET', line .. ':places', address)
    local seen = place and tonumber(string.match(place, '^%d+'))
    if seen and milliseconds() - seen <= PATIENCE then
      return address, place
    end
    leaveLine(line, address)
  end
end

-- Stands in line, or gives a sign of life there.
local function standInLine(line, address, lease, tokens, claim)
  local places = line .. ':places'
  local place = table.concat({string.format('%.0f', milliseconds()), lease, tokens, claim}, ' ')
  if redis.call('HSET', places, address, place) == 1 or redis.call('EXISTS', line) == 0 then
    redis.call('RPUSH', line, address)
  end
  redis.call('PEXPIRE', line, LINE_EXPIRES)
  redis.call('PEXPIRE', places, LINE_EXPIRES)
end

-- Gives a free key to the first in line who is there to hear of it; whether there was one. What it is told of is
-- written before anybody else's turn, as a script runs alone.
local function passOn(lock, line)
  while true do
    local address, place = firstInLine(line)
    if not address then
      return false
    end
    leaveLine(line, address)
    local lease, tokens, claim = string.match(place, '^%d+ (%d*) (%d+) (.*)$')
    local token = takeTokens(tonumber(tokens))
    local wanted = redis.call('EXISTS', line)
    if tell(address, 'granted', token, wanted, parseClaim(claim), nameOf(lock)) > 0 then
      write(lock, 'nl1:' .. token .. claim, lease)
      return true
    end
  end
end
