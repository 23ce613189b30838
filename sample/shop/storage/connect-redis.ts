import { Redis } from 'ioredis';

const CONNECT_TIMEOUT_MS = 3_000;

/** Connects a client, or throws an error of one line that names the URL and the cause. */
export async function connectRedis(url: string): Promise<Redis> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error('LOCKING_REDIS_URL must be a URL such as redis://localhost:6379');
  }
  const redis = new Redis(url, { lazyConnect: true });
  let cause: string | undefined;
  // Each command fails with its own cause; without a listener ioredis prints every attempt to reconnect.
  redis.on('error', (error: Error) => (cause = error.message));
  const timer = setTimeout(() => {
    redis.disconnect();
  }, CONNECT_TIMEOUT_MS);
  try {
    await redis.connect();
    return redis;
  } catch {
    redis.disconnect();
    const { host } = new URL(url);
    throw new Error(`Cannot reach Redis at ${host}: ${cause ?? `no answer within ${CONNECT_TIMEOUT_MS} ms`}`);
  } finally {
    clearTimeout(timer);
  }
}
