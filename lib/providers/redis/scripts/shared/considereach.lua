-- Answers for the keys that the short path has left, each by `consider`: a failure of one does not touch the others.

for i = 2, #KEYS, 2 do
  local n = i / 2
  if not replies[n] then
    local done, reply = pcall(consider, KEYS[i], KEYS[i + 1], ARGV[n + 3])
    if not done then
      --#include refusal
      reply = refusal(reply, {KEYS[i + 1]})
    end
    replies[n] = reply
  end
end
return replies
