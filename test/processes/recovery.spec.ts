import { describe, expect, it } from '@jest/globals';
import type { LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { reportFigure } from '../support/figures.js';
import { untilQueued } from '../support/store-view.js';
import { useWorkers } from '../support/workers.js';

/** The rounds of each case, and the milliseconds that a busy machine may add. */
const ROUNDS = 3;
const BUSY = 3000;
const LEASE = 900;

const redis = useRawRedis();
const applications = useApplications();
const startWorkers = useWorkers();

const start = async (): Promise<LockingService> => (await applications.onRedis({ redisUrl: redis.url })).locking;

/** Reports how long each round takes, and expects all of them within `limit`. */
async function measure(what: string, limit: number, round: () => Promise<() => Promise<unknown>>): Promise<void> {
  const took: number[] = [];
  for (let count = 0; count < ROUNDS; count += 1) {
    const recover = await round();
    const since = performance.now();
    await recover();
    took.push(performance.now() - since);
  }
  reportFigure(what, took);
  expect(Math.max(...took)).toBeLessThan(limit + BUSY);
}

describe('recovery of waiters', () => {
  it('the first waiter gets the lock within lease and a second after the holder was killed', async () => {
    const waiter = await start();
    await measure(`holder killed, lease of ${LEASE} ms`, LEASE + 1000, async () => {
      const [holder] = await startWorkers(redis.url, 1);
      holder!.tell({ do: 'hold', key: 'k', expire: `${LEASE}ms` });
      await holder!.hear('holds');
      const waiting = waiter.acquire('k', { timeout: '20s' });
      await untilQueued(redis.raw, 'k', 1);
      holder!.kill();
      return async () => (await waiting).release();
    });
  });

  it('the first waiter gets the lock within a second if its subscription was cut before the release', async () => {
    const [holder, waiter] = await Promise.all([start(), start()]);
    await measure('subscription cut, then released', 1000, async () => {
      const lock = await holder.acquire('k', { timeout: '20s' });
      const waiting = waiter.acquire('k', { timeout: '20s' });
      await untilQueued(redis.raw, 'k', 1);
      await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'PUBSUB');
      await lock.release();
      return async () => (await waiting).release();
    });
  });
});

describe('recovery of calls', () => {
  /** Resolves once a job has run. */
  const works = async (locking: LockingService): Promise<void> =>
    eventually(async () => (await locking.execute('k', () => 'ran').catch(() => '')) === 'ran');

  it('calls work again within a second after the connection was cut', async () => {
    const locking = await start();
    await measure('connection cut', 1000, async () => {
      await works(locking);
      await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal');
      return async () => works(locking);
    });
  });

  it('calls work again within a second after the server has come back', async () => {
    const locking = await start();
    await measure('server back', 1000, async () => {
      await works(locking);
      redis.server.kill('SIGKILL');
      // The server is away for so long that the client reconnects at its slowest pace.
      let refused = 0;
      await eventually(async () => {
        await locking.execute('k', () => 'ran').catch(() => (refused += 1));
        return refused >= 120;
      });
      await redis.server.restart();
      return async () => works(locking);
    });
  });
});
