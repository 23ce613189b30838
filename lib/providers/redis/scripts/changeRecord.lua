-- Writes or deletes a record, unless a greater token did so before or the record has another version than is asked for.
--
-- KEYS[1]  the record
-- ARGV[1]  the token
-- ARGV[2]  the version that the record must have: '=' and the version, or '0' for no record; '' any
-- ARGV[3]  for how many ms the record stays, or the token of a deleted record is remembered; '' for ever
-- ARGV[4]  the channel that is told, and ARGV[5] the name of the record
-- ARGV[6]  the version that this request writes, and ARGV[7] the value; none to delete the record
--
-- Returns 1 for a change, and for a request that was carried out before. Else the reason, `token` or `version`, and what
-- `readRecord.lua` returns.

--#include record

local record, token, condition, ttl = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local version, value = ARGV[6], ARGV[7]
local found = readFields(record, 'token', 'version')
local exists = found[2] and true or false

if version and found[2] == version then
  return 1
end

local function refuse(reason)
  local answer = describe(record)
  table.insert(answer, 1, reason)
  return answer
end

local greatest = tonumber(found[1] or '0')
if version or exists then
  if greatest > tonumber(token) then
    return refuse('token')
  end
  if condition == '0' and exists or string.sub(condition, 1, 1) == '=' and string.sub(condition, 2) ~= found[2] then
    return refuse('version')
  end
elseif greatest > tonumber(token) then
  -- There is nothing to delete, and the greatest token stays, as long as it was to stay.
  token = found[1]
  local left = redis.call('PTTL', record)
  if left > tonumber(ttl) then
    ttl = string.format('%.0f', left)
  end
end

if version then
  redis.call('HSET', record, 'value', value, 'token', token, 'version', version, 'written', string.format('%.0f', microseconds()))
  if ttl == '' then
    redis.call('PERSIST', record)
  else
    redis.call('PEXPIRE', record, ttl)
  end
elseif token == '0' or ttl == '0' then
  redis.call('DEL', record)
else
  redis.call('HDEL', record, 'value', 'version', 'written')
  redis.call('HSET', record, 'token', token)
  redis.call('PEXPIRE', record, ttl)
end
-- A user without the right to publish may write all the same.
redis.pcall('PUBLISH', ARGV[4], ARGV[5])
return 1
