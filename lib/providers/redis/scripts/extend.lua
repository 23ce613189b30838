-- Extends leases; a lease is never shortened.
--
-- KEYS       the lock keys
-- ARGV[1]    lease in ms from now; '' leaves the leases as they are
-- ARGV[2]    '1': all keys, or none
-- ARGV[3..]  for each key the claim, `:attempt:owner`; with an empty attempt, any attempt of the owner
--
-- Returns 1 for each key that the owner holds, 0 for each that it does not. A key that is kept for the owner after its
-- release is not held.

--#include value

local function holds(value, claim)
  if type(value) ~= 'string' then
    return false
  end
  -- The usual case: a token of 16 digits, and the claim.
  if string.sub(value, 21) == claim and string.sub(claim, 1, 2) ~= '::' then
    return true
  end
  local _, owner = parseClaim(claim)
  local _, attempts, holder = parse(value)
  -- A key that is kept after its release has no attempts.
  return holder == owner and attempts ~= ''
end

-- `unpack` takes a few thousand values at most.
local values = #KEYS <= 1000 and redis.call('MGET', unpack(KEYS)) or {}
local held, all = {}, true
for i = 1, #KEYS do
  local value = values[i]
  if #KEYS > 1000 then
    value = redis.pcall('GET', KEYS[i])
  end
  held[i] = holds(value, ARGV[i + 2]) and 1 or 0
  all = all and held[i] == 1
end
if ARGV[1] ~= '' and (all or ARGV[2] == '0') then
  for i = 1, #KEYS do
    if held[i] == 1 then
      redis.call('PEXPIRE', KEYS[i], ARGV[1], 'GT')
    end
  end
end
return held
