/**
 * Writes rows, unless a newer fencing token was seen for their file, and notes the write in the journal either way.
 *
 * KEYS: the rows, the tokens of the files, the journal. ARGV: the file, the fencing token, the entry of the journal as
 * JSON, then the id and the cents of each row. Returns 1, or 0 if the write was refused.
 */
export const WRITE = `
local stale = tonumber(ARGV[2]) < tonumber(redis.call('hget', KEYS[2], ARGV[1]) or '0')
redis.call('rpush', KEYS[3], string.sub(ARGV[3], 1, -2) .. ',"refused":' .. tostring(stale) .. '}')
if stale then return 0 end
redis.call('hset', KEYS[2], ARGV[1], ARGV[2])
for i = 4, #ARGV, 2 do redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
`;
