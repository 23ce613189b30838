-- A lock is the string `nl1:token:attempts:owner`, the attempts whose grants stand oldest first, with commas between.
-- Anything else is another program's lock. What follows the token, `:attempts:owner`, is called the claim. While somebody
-- stands in line for the key, the attempts begin with `!,`: the value is then not what its holder knows, and whoever
-- gives it up looks closer.

local function parse(value)
  local token, attempts, owner = string.match(value, '^nl1:(%d+):([^:]*):(.*)$')
  if attempts and string.sub(attempts, 1, 2) == '!,' then
    return token, string.sub(attempts, 3), owner, true
  end
  return token, attempts, owner, false
end

local function compose(token, attempts, owner, wanted)
  return table.concat({'nl1', token, (wanted and '!,' or '') .. attempts, owner}, ':')
end

local function parseClaim(claim)
  return string.match(claim, '^:([^:]*):(.*)$')
end

-- For how long: '' is for ever.
local function write(lock, value, lease)
  if lease == '' then
    redis.call('SET', lock, value)
  else
    redis.call('SET', lock, value, 'PX', lease)
  end
end
