-- Included where a request has failed.

--#include types

-- The answer to a request that failed for one of its queues, or for want of usable tokens: {-1, error}. Raises any other
-- failure again.
local function refusal(failure, queues)
  failure = caught(failure)
  if failure.err == BADFENCE then
    return {-1, BADFENCE}
  elseif not isWrongType(failure) then
    error(failure)
  end
  for _, queue in ipairs(queues) do
    if isWrongType(redis.pcall('LINDEX', orderOf(queue), 0)) then
      return {-1, wrongType(orderOf(queue), 'list')}
    elseif isWrongType(redis.pcall('HGET', queue, '')) then
      return {-1, wrongType(queue, 'hash')}
    end
  end
  return {-1, failure.err}
end
