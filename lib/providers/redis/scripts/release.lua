-- Gives leases up, each key for itself.
--
-- KEYS       the lock keys
-- ARGV[1]    owner id
-- ARGV[2]    only the grant of this attempt; '' for any of the owner's
-- ARGV[3]    '1': the attempt was given up, so a key that the owner had held before it stays held
-- ARGV[4]    let the key run out in so many ms; '' frees it at once
--
-- Returns for each key: 0 the owner did not hold it, 1 freed, 2 kept, as another grant of the owner stands on it.

local outcomes = {}
for i, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  local attempt, reentered, holder
  if value then
    attempt, reentered, holder = string.match(value, '^nl1:%d+:([^:]*):([01]):(.*)$')
  end
  if holder ~= ARGV[1] then
    outcomes[i] = 0
  elseif (ARGV[2] ~= '' and attempt ~= ARGV[2]) or (ARGV[3] == '1' and reentered == '1') then
    outcomes[i] = 2
  else
    if ARGV[4] == '' then
      redis.call('DEL', key)
    else
      redis.call('PEXPIRE', key, ARGV[4])
    end
    outcomes[i] = 1
  end
end
return outcomes
