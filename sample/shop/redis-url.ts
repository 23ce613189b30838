/** Where stock, orders and locks are kept. Without it everything is in memory, in one process. */
export function redisUrl(): string | undefined {
  const url = process.env.LOCKING_REDIS_URL?.trim();
  return url === '' ? undefined : url;
}
