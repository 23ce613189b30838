-- Takes leases: every key, or none.
--
-- KEYS[1]    the token counter of the namespace
-- KEYS[2..]  the lock keys
-- ARGV[1]    owner id
-- ARGV[2]    attempt id: asked again with the same one, the answer is the same
-- ARGV[3]    lease in ms; '' never expires
-- ARGV[4]    '1': only if the owner holds every key already
--
-- Returns {1, fencing token and whether the owner held it before (1 or 0) of each key ...}
--      or {0, index of the key that is in the way, its PTTL (-1 never expires, -2 free)}
--
-- A lock is the string `nl1:token:attempts:owner`, the attempts whose grants stand oldest first, with commas between.
-- Anything else is another program's lock.

local owner, attempt, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local found = {}

-- Sent twice, an attempt may have been granted the first time: what this answer denies is given back.
local function refuse(index, ttl)
  for i = 2, #KEYS > 2 and #KEYS or 0 do
    local value = redis.call('GET', KEYS[i])
    local token, attempts, holder = string.match(value or '', '^nl1:(%d+):([^:]*):(.*)$')
    if holder == owner then
      local others = {}
      for other in string.gmatch(attempts, '[^,]+') do
        if other ~= attempt then
          others[#others + 1] = other
        end
      end
      local left = table.concat(others, ',')
      if left == '' and attempts ~= '' then
        redis.call('DEL', KEYS[i])
      elseif left ~= attempts then
        redis.call('SET', KEYS[i], table.concat({'nl1', token, left, holder}, ':'), 'KEEPTTL')
      end
    end
  end
  return {0, index, ttl}
end

for i = 2, #KEYS do
  local value = redis.call('GET', KEYS[i])
  if value then
    local token, attempts, holder = string.match(value, '^nl1:(%d+):([^:]*):(.*)$')
    local ttl = redis.call('PTTL', KEYS[i])
    if holder ~= owner then
      return refuse(i - 1, ttl)
    end
    found[i] = {token = token, attempts = attempts, ttl = ttl}
  elseif ARGV[4] == '1' then
    return refuse(i - 1, -2)
  end
end

-- Greater than every earlier one: the counter survives holders, the clock survives the loss of the counter.
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
local fresh = math.max(last + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
local freshText = string.format('%.0f', fresh)
redis.call('SET', KEYS[1], freshText)

local reply = {1}
for i = 2, #KEYS do
  local token, attempts, ttl = freshText, attempt, nil
  if found[i] then
    ttl = found[i].ttl
    local others = {}
    local newest
    for other in string.gmatch(found[i].attempts, '[^,]+') do
      newest = other
      if other ~= attempt then
        others[#others + 1] = other
      end
    end
    if newest == attempt then
      token = found[i].token
    end
    -- Of an owner that keeps taking it again only the newest 16 are told apart.
    others[#others + 1] = attempt
    attempts = table.concat(others, ',', math.max(1, #others - 15))
  end
  local value = table.concat({'nl1', token, attempts, owner}, ':')
  if not lease or ttl == -1 then
    redis.call('SET', KEYS[i], value)
  else
    redis.call('SET', KEYS[i], value, 'PX', string.format('%.0f', math.max(lease, ttl or 0)))
  end
  reply[#reply + 1] = tonumber(token)
  reply[#reply + 1] = attempts ~= attempt and 1 or 0
end
return reply
