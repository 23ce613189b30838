-- The short path: grants keys that are free and have no queue, and ends the script if that was all. The functions after
-- it are defined only if they are needed. Otherwise `replies` has the answers for the keys that were granted.
--
-- ARGV[1] is the lease in ms, ARGV[2] how many tokens to set aside for each key, and ARGV[4..] the claims.

local lease, tokens = ARGV[1], tonumber(ARGV[2])
local replies, complete = {}, false
local waiters
if #KEYS == 3 then
  waiters = redis.call('EXISTS', KEYS[3])
else
  local queues = {}
  for i = 3, #KEYS, 2 do
    queues[#queues + 1] = KEYS[i]
  end
  waiters = redis.call('EXISTS', unpack(queues))
end
if waiters == 0 and lease ~= '' and tokens > 0 then
  local time = redis.call('TIME')
  local first = time[1] * 1000000 + time[2]
  local token = first
  -- Of one key with one token, the first is the last. It is put together: `string.format` takes as long as a command.
  local only = #KEYS == 3 and tokens == 1 and time[1] .. string.sub('000000', #time[2] + 1) .. time[2]
  complete = true
  for i = 2, #KEYS, 2 do
    local n = i / 2
    local value = 'nl1:' .. (only or string.format('%.0f', token)) .. ARGV[n + 3]
    if redis.call('SET', KEYS[i], value, 'NX', 'PX', lease) then
      replies[n] = token
      token = token + tokens
    else
      complete = false
    end
  end
  if token > first then
    local last = redis.pcall('SET', KEYS[1], only or string.format('%.0f', token - 1), 'GET')
    -- Of numbers with as many digits, the texts are in order, too.
    if only and (not last or #last == #only and last < only and string.find(last, '^[1-9]%d*$')) then
      return only
    end
    local number = last and tonumber(last) or 9e15
    -- As in `lastToken`: no other spelling of a number counts.
    if last and not (number < 9e15 and string.format('%.0f', number) == last) then
      -- The counter holds no usable number, or this user may not write it: undo the grants.
      for i = 2, #KEYS, 2 do
        if replies[i / 2] then
          redis.call('DEL', KEYS[i])
        end
      end
      if type(last) == 'string' then
        redis.call('SET', KEYS[1], last)
      elseif string.sub(last.err, 1, 9) ~= 'WRONGTYPE' then
        return last
      end
      return redis.error_reply('BADFENCE the token counter holds no usable number')
    end
    local behind = last and number + 1 - first or 0
    if behind > 0 then
      -- The counter is ahead of the clock: the tokens follow it.
      for i = 2, #KEYS, 2 do
        local n = i / 2
        if replies[n] then
          replies[n] = replies[n] + behind
          redis.call('SET', KEYS[i], string.format('nl1:%.0f', replies[n]) .. ARGV[n + 3], 'PX', lease)
        end
      end
      redis.call('SET', KEYS[1], string.format('%.0f', token - 1 + behind))
    end
  end
end
if complete then
  return replies
end
