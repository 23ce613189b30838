-- The owner takes again what it holds: the lease is never shortened, and a new attempt gets a new token.
-- Returns the token, and whether another attempt stood before this one.

local function reenter(lock, value, attempt, owner, lease)
  local token, attempts, _, wanted = parse(value)
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
  -- Of an owner that keeps taking it again only the newest 16 are told apart.
  others[#others + 1] = attempt
  attempts = table.concat(others, ',', math.max(1, #others - 15))
  local left = redis.call('PTTL', lock)
  if left == -1 then
    lease = ''
  elseif lease ~= '' then
    lease = string.format('%.0f', math.max(tonumber(lease), left))
  end
  write(lock, compose(token, attempts, owner, wanted), lease)
  return tonumber(token), reentered
end
