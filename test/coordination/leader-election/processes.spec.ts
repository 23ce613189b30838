import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LockInfo, LockingService } from '../../../lib/index.js';
import { useApplications } from '../../support/applications.js';
import { eventually } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { reportFigure } from '../../support/figures.js';
import { useWorkers, type Worker } from '../../support/workers.js';
import { HEARTBEAT, TIMEOUT } from './support.js';

/** Milliseconds that a busy machine may add. */
const BUSY = 3000;

const redis = useRawRedis();
const applications = useApplications();
const startInstances = useWorkers(fileURLToPath(new URL('instance.mjs', import.meta.url)));

afterEach(() => {
  delete process.env.LEADER_TIMEOUT;
  delete process.env.HEARTBEAT;
});

interface Scene {
  readonly leader: Worker;
  readonly next: Worker;
  /** An application that observes. */
  readonly locking: LockingService;
  /** The token of the leader's term. */
  readonly token: number;
}

const holder = async (locking: LockingService): Promise<LockInfo | null> => locking.inspect('leader:e');

/** A leader, and another instance that waits. */
async function twoInstances(): Promise<Scene> {
  const { locking } = await applications.onRedis({ redisUrl: redis.url });
  const [leader] = await startInstances(redis.url, 1);
  const { leader: token } = await leader!.hear('leader');
  const [next] = await startInstances(redis.url, 1);
  await eventually(async () => (await holder(locking))?.waiters === 1);
  return { leader: leader!, next: next!, locking, token: token as number };
}

describe('instances in processes of their own', () => {
  it('a new instance leads within leaderTimeout and a second after the leader was killed', async () => {
    const { leader, next, token } = await twoInstances();
    const since = performance.now();
    leader.kill();
    const { leader: later } = await next.hear('leader');
    const took = performance.now() - since;
    reportFigure(`leader killed, leaderTimeout of ${TIMEOUT} ms`, [took]);
    expect(took).toBeLessThan(TIMEOUT + 1000 + BUSY);
    expect(later).toBeGreaterThan(token);
  });

  it('a leader hands its leadership over at once on SIGTERM, however long the lease', async () => {
    process.env.LEADER_TIMEOUT = '60s';
    process.env.HEARTBEAT = '20s';
    const { leader, next, token } = await twoInstances();
    const since = performance.now();
    leader.signal('SIGTERM');
    const { leader: later } = await next.hear('leader');
    const took = performance.now() - since;
    reportFigure('leader ended by SIGTERM', [took]);
    expect(took).toBeLessThan(BUSY);
    expect(later).toBeGreaterThan(token);
  });

  it('a leader that wakes from a pause knows at once that it no longer leads, and does not disturb the next one', async () => {
    const { leader, next, locking, token } = await twoInstances();
    leader.tell({ do: 'watch' });
    await leader.hear('watching');
    // The leader now asks in a loop in which nothing else runs.
    await delay(150);
    leader.signal('SIGSTOP');
    const { leader: later } = await next.hear('leader');
    expect(later).toBeGreaterThan(token);
    const key = await holder(locking);
    await delay(TIMEOUT);
    leader.signal('SIGCONT');
    expect(await leader.hear('thawed')).toMatchObject({ led: true, leads: false, aborted: true });
    expect((await leader.hear('follower')).follower).toBe(token);

    // The late requests of the former leader have arrived: none of them affects the lock of the new one.
    await eventually(async () => (await holder(locking))?.waiters === 1);
    const until = Date.now() + 2 * TIMEOUT;
    await eventually(async () => {
      const now = await holder(locking);
      expect(now).toMatchObject({ ownerId: key!.ownerId, fencingToken: later });
      expect(now!.ttl).toBeGreaterThan(TIMEOUT - HEARTBEAT - BUSY);
      return Date.now() > until;
    });
    next.tell({ do: 'tell' });
    expect(await next.hear('leads')).toMatchObject({ leads: true, token: later });
    leader.tell({ do: 'tell' });
    expect(await leader.hear('leads')).toMatchObject({ leads: false });
  });

  it('instances end by themselves once they are closed, led or not, and leave no key', async () => {
    const { leader, next, locking } = await twoInstances();
    expect(await next.close()).toBe(0);
    expect(await holder(locking)).toMatchObject({ waiters: 0 });
    expect(await leader.close()).toBe(0);
    expect(await redis.raw.keys('lock:leader:*')).toEqual([]);
  });
});
