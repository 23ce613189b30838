-- A lock is the string `nl1:token:attempts:owner`, the attempts whose grants stand oldest first, with commas between.
-- Anything else is another program's lock. The rest after the token, `:attempts:owner`, is called the claim. While another
-- process waits for the key, the attempts begin with `!,`: the value then differs from the one its holder knows, so a
-- release does not take the short path past the queue.

local function parse(value)
  local token, attempts, owner = string.match(value, '^nl1:(%d+):([^:]*):(.*)$')
  if attempts and string.sub(attempts, 1, 2) == '!,' then
    return token, string.sub(attempts, 3), owner, true
  end
  return token, attempts, owner, false
end

local function compose(token, attempts, owner, contended)
  return table.concat({'nl1', token, (contended and '!,' or '') .. attempts, owner}, ':')
end

local function parseClaim(claim)
  return string.match(claim, '^:([^:]*):(.*)$')
end

-- An empty lease never expires.
local function write(lock, value, lease)
  if lease == '' then
    redis.call('SET', lock, value)
  else
    redis.call('SET', lock, value, 'PX', lease)
  end
end
