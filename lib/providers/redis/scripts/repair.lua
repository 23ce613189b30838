-- Gives a server of a quorum back the leases that it has lost, or has never had. The holder asks for it when a majority
-- of the servers has just confirmed the lease.
--
-- KEYS[1]    the token counter
-- KEYS[2..]  the lock and the queue of each key
-- ARGV       for each key four: what is left of the lease in ms ('' never expires), its token, the last token that was
--            set aside with it, and the claim, `:attempt:owner`
--
-- Returns for each key: 1 the owner has it here; 0 it does not: another owner does, the attempt was cancelled, or an
-- operator has just freed the key by force (noted as an attempt called `repair` that was cancelled); {-1, error} nothing
-- was changed.

--#include value
--#include tokens
--#include queue

-- Later tokens have to be greater than the tokens that were set aside.
local function raiseTo(token)
  local last = lastToken()
  if not last then
    error({err = BADFENCE})
  end
  if last < token then
    redis.call('INCRBY', KEYS[1], string.format('%.0f', token - last))
    counter = token
  end
end

local function give(lock, queue, lease, token, lastToken, claim)
  local attempt, owner = parseClaim(claim)
  local value = redis.pcall('GET', lock)
  if value then
    local _, _, holder = parse(type(value) == 'string' and value or '')
    return holder == owner and 1 or 0
  end
  if hasTombstone(queue, attempt) or hasTombstone(queue, 'repair') then
    return 0
  end
  raiseTo(tonumber(lastToken))
  write(lock, 'nl1:' .. token .. claim, lease)
  return 1
end

local replies = {}
for i = 2, #KEYS, 2 do
  local n = i / 2
  local done, reply = pcall(give, KEYS[i], KEYS[i + 1], ARGV[4 * n - 3], ARGV[4 * n - 2], ARGV[4 * n - 1], ARGV[4 * n])
  if not done then
    --#include refusal
    reply = refusal(reply, {KEYS[i + 1]})
  end
  replies[n] = reply
end
return replies
