/**
 * Adds one entry to the ledger, and says in it whether it is refused: a newer fencing token was seen for the account.
 *
 * KEYS: the account, the ledger. ARGV: the fencing token, the payment's number if it is charged now (0 if not), the
 * entry as JSON. Returns 1, or 0 if it was refused.
 */
export const WRITE = `
local time = redis.call('time')
local at = time[1] .. string.format('%03d', math.floor(tonumber(time[2]) / 1000))
local stale = tonumber(ARGV[1]) < tonumber(redis.call('hget', KEYS[1], 'token') or '0')
if not stale then
  redis.call('hset', KEYS[1], 'token', ARGV[1])
  if tonumber(ARGV[2]) > 0 then redis.call('hset', KEYS[1], 'sequence', ARGV[2]) end
end
-- Joined as text: cjson writes fewer digits than a token has.
local entry = string.sub(ARGV[3], 1, -2) .. ',"at":' .. at .. ',"refused":' .. tostring(stale) .. '}'
redis.call('rpush', KEYS[2], entry)
return stale and 0 or 1
`;
