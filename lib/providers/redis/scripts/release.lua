-- Gives leases up, each key for itself.
--
-- KEYS       the lock keys
-- ARGV[1]    owner id
-- ARGV[2]    only the grant of this attempt, and the older ones; '' for all of the owner's
-- ARGV[3]    '1': the attempt was given up, so it goes alone, as if it had never been
-- ARGV[4]    let the key run out in so many ms; '' frees it at once
--
-- Returns for each key: 0 the owner did not hold it, 1 freed, 2 kept, as another grant of the owner stands on it.

local outcomes = {}
for i, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  local token, attempts, holder
  if value then
    token, attempts, holder = string.match(value, '^nl1:(%d+):([^:]*):(.*)$')
  end
  if holder ~= ARGV[1] then
    outcomes[i] = 0
  else
    local left = ''
    if ARGV[2] ~= '' then
      local list = ',' .. attempts .. ','
      local first, last = string.find(list, ',' .. ARGV[2] .. ',', 1, true)
      if not first then
        left = list
      elseif ARGV[3] == '1' then
        left = string.sub(list, 1, first) .. string.sub(list, last + 1)
      else
        left = string.sub(list, last)
      end
    end
    left = string.gsub(string.gsub(left, '^,+', ''), ',+$', '')
    local rest = table.concat({'nl1', token, left, holder}, ':')
    if left ~= '' or (ARGV[2] ~= '' and attempts == '') then
      if left ~= attempts then
        redis.call('SET', key, rest, 'KEEPTTL')
      end
      outcomes[i] = 2
    else
      if ARGV[4] == '' then
        redis.call('DEL', key)
      else
        redis.call('SET', key, rest, 'PX', ARGV[4])
      end
      outcomes[i] = 1
    end
  end
end
return outcomes
