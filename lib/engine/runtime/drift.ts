/**
 * Until when a lease can be trusted that was asked for at `sentAt` (local clock) and lasts `ttl` milliseconds in the
 * store. It counts from the sending, for the store cannot have started earlier. The margin, 1 % and 2 ms, covers
 * clocks that run at different speeds and the store's whole milliseconds, as in the Redlock algorithm
 * (https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/).
 */
export function localDeadline(sentAt: number, ttl: number | null): number {
  if (ttl === null) return Infinity;
  return sentAt + ttl - Math.min(ttl / 2, ttl * 0.01 + 2);
}
