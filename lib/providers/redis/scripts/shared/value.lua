-- A lock is the string `nl1:token:attempts:owner`, the attempts whose grants stand oldest first, with commas between.
-- Anything else is another program's lock. What follows the token, `:attempts:owner`, is called the claim.

local function parse(value)
  return string.match(value, '^nl1:(%d+):([^:]*):(.*)$')
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
