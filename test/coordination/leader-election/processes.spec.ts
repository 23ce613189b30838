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

/** What a busy machine may add, in milliseconds. */
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
  /** An application that looks on. */
  readonly locking: LockingService;
  /** The token of the leader's term. */
  readonly token: number;
}

const holder = async (locking: LockingService): Promise<LockInfo | null> => locking.inspect('leader:e');

/** A leader, and another instance in line. */
async function twoInstances(): Promise<Scene> {
  const { locking } = await applications.onRedis({ redisUrl: redis.url });
  const [leader] = await startInstances(redis.url, 1);
  const { leader: token } = await leader!.hear('leader');
  const [next] = await startInstances(redis.url, 1);
  await eventually(async () => (await holder(locking))?.waiters === 1);
  return { leader: leader!, next: next!, locking, token: token as number };
}

describe('instances in processes of their own', () => {
  it('have a new leader within leaderTimeout and a second of the kill of the last one', async () => {
    const { leader, next, token } = await twoInstances();
    const since = performance.now();
    leader.kill();
    const { leader: later } = await next.hear('leader');
    const took = performance.now() - since;
    reportFigure(`leader killed, leaderTimeout of ${TIMEOUT} ms`, [took]);
    expect(took).toBeLessThan(TIMEOUT + 1000 + BUSY);
    expect(later).toBeGreaterThan(token);
  });

  it('hand over at once on SIGTERM, however long the lease', async () => {
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

  it('know at once that they no longer lead when they wake from a pause, and leave the next leader alone', async () => {
    const { leader, next, locking, token } = await twoInstances();
    leader.tell({ do: 'watch' });
    await leader.hear('watching');
    // It now asks in a loop that lets nothing else run.
    await delay(150);
    leader.signal('SIGSTOP');
    const { leader: later } = await next.hear('leader');
    expect(later).toBeGreaterThan(token);
    const key = await holder(locking);
    await delay(TIMEOUT);
    leader.signal('SIGCONT');
    expect(await leader.hear('thawed')).toMatchObject({ led: true, leads: false, aborted: true });
    expect((await leader.hear('follower')).follower).toBe(token);

    // Whatever it still had under way has arrived: nothing of it touches the lock of the new leader.
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

  it('end by themselves once they are closed, led or not, and leave no key', async () => {
    const { leader, next, locking } = await twoInstances();
    expect(await next.close()).toBe(0);
    expect(await holder(locking)).toMatchObject({ waiters: 0 });
    expect(await leader.close()).toBe(0);
    expect(await redis.raw.keys('lock:leader:*')).toEqual([]);
  });
});
