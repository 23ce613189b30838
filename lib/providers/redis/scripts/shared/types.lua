-- Another program may have overwritten a key of this package with a value of another type. The errors here name that key.
-- These functions are included where a command has failed, so a script that succeeds does not define them.

local function isWrongType(answer)
  return type(answer) == 'table' and string.sub(answer.err or '', 1, 10) == 'WRONGTYPE '
end

-- What Lua's `pcall` has caught, as `redis.pcall` returns it: Redis gives its text alone.
local function caught(failure)
  if type(failure) == 'table' then
    return failure
  end
  return {err = string.match(failure, '^%u+ ') and failure or 'ERR ' .. failure}
end

-- An error reply has no room for control characters, and the key may be any text.
local function wrongType(key, type)
  return 'WRONGTYPE the key "' .. string.gsub(key, '%c', '?') .. '" holds no ' .. type
end
