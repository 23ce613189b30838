import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LockBackendError } from '../../lib/index.js';
import { startRedisServer, type RedisServer } from '../../tools/redis-server/index.mjs';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';

const applications = useApplications();
let server: RedisServer;

beforeEach(async () => {
  server = await startRedisServer();
});

afterEach(async () => {
  await server.stop();
});

it('a shutdown while the server is down names the locks that could not be released, and ends', async () => {
  const { app, locking, log } = await applications.onRedis({ redisUrl: server.url });
  const lock = await locking.acquire('k');
  await server.stop();
  await eventually(async () => (await rejectionOf(locking.inspect('k'))).message.includes('not connected'));

  await app.close();
  expect(log.of('error')).toHaveLength(1);
  expect(log.of('error')[0]).toMatch(
    /^The locks of provider "locking-redis" could not all be released at shutdown: .*"k".*not connected to Redis.* They end with their leases; free what never expires with forceRelease$/,
  );
  expect(await rejectionOf(locking.acquire('k'))).toBeInstanceOf(LockBackendError);
  expect(await lock.release().catch((error: unknown) => error)).not.toBe(true);
});
