-- A record is a hash: `value`, the `token` and the `version` of its last write, and when it was `written`, in µs by the
-- clock of the server. Of a deleted record the token remains, without a value.

local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function readFields(key, ...)
  local found = redis.pcall('HMGET', key, ...)
  if found.err then
    --#include types
    error(isWrongType(found) and {err = wrongType(key, 'hash')} or found)
  end
  return found
end

-- The record as it is: value, token, version, age in ms and PTTL; nothing if there is none.
local function describe(key)
  local found = readFields(key, 'value', 'token', 'version', 'written')
  if not found[1] then
    return {}
  end
  local age = math.max(0, math.floor((microseconds() - tonumber(found[4])) / 1000))
  return {found[1], found[2], found[3], string.format('%.0f', age), redis.call('PTTL', key)}
end
