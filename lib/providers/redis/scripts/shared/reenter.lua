-- The owner acquires a key that it holds: the lease is never shortened, and a new attempt gets a new token.
-- Returns the token, and whether the owner has it by another attempt too.

local function reenter(lock, value, attempt, owner, lease)
  local token, attempts, _, contended = parse(value)
  local others, newest = {}, nil
  for other in string.gmatch(attempts, '[^,]+') do
    newest = other
    if other ~= attempt then
      others[#others + 1] = other
    end
  end
  if newest ~= attempt then
    token = takeTokens(1)
  end
  local reentered = #others > 0 and 1 or 0
  -- Only the newest 16 attempts of an owner are told apart.
  others[#others + 1] = attempt
  attempts = table.concat(others, ',', math.max(1, #others - 15))
  local left = redis.call('PTTL', lock)
  if left == -1 then
    lease = ''
  elseif lease ~= '' then
    lease = string.format('%.0f', math.max(tonumber(lease), left))
  end
  write(lock, compose(token, attempts, owner, contended), lease)
  return tonumber(token), reentered
end
