-- Makes leases last longer: all keys, or none. A lease is never shortened.
--
-- KEYS       the lock keys
-- ARGV[1]    owner id
-- ARGV[2]    lease in ms from now; '' leaves the leases as they are
--
-- Returns 1 for each key that the owner holds, 0 for each that it does not.

local held, all = {}, true
for i, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  local holder = value and string.match(value, '^nl1:%d+:[^:]*:(.*)$')
  held[i] = holder == ARGV[1] and 1 or 0
  all = all and held[i] == 1
end

local lease = tonumber(ARGV[2])
if all and lease then
  for _, key in ipairs(KEYS) do
    local ttl = redis.call('PTTL', key)
    if ttl ~= -1 and ttl < lease then
      redis.call('PEXPIRE', key, ARGV[2])
    end
  end
end
return held
