import { afterEach, describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { useApplications } from '../support/applications.js';
import { rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();

// The server goes on first: an application closes only slowly while it hangs.
afterEach(() => {
  redis.server.kill('SIGCONT');
});

const applications = useApplications();

/** Blocks the event loop. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('while the event loop is blocked', () => {
  it('an answer that arrives in time counts, though it is read too late', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.execute('k', () => undefined);
    const acquiring = locking.acquire('k', { timeout: '30s' });
    await Promise.resolve();
    block(5200);
    expect((await acquiring).held).toBe(true);
  });

  it('an answer that arrives in time counts also for a caller with a short timeout', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.execute('k', () => undefined);
    const acquiring = locking.acquire('k', { timeout: '200ms' });
    await Promise.resolve();
    block(600);
    expect((await acquiring).held).toBe(true);
  });

  it('the message of a call that fails says that the event loop was blocked', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.execute('k', () => undefined);
    redis.server.kill('SIGSTOP');
    const failing = rejectionOf(locking.acquire('k', { timeout: '30s' }));
    await setImmediate();
    block(6500);
    expect((await failing).message).toMatch(
      /the store did not answer within 5000 ms; for the last \d+ ms of that the event loop of this process was blocked/,
    );
  });
});
