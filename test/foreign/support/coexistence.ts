import { beforeAll, describe, expect, it } from '@jest/globals';
import { LockTimeoutError, type Lock, type LockInfo, type LockingService } from '../../../lib/index.js';
import { useApplications } from '../../support/applications.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import type { RawRedis } from '../../support/raw-redis.js';
import { deferred } from '../../support/deferred.js';
import type { ForeignHold, ForeignLibrary, ForeignLocks } from './foreign-locks.js';
import { untilPolled, untilRenewedFor } from './observe.js';
import { raceForCounter } from './race.js';
import type { ForeignAccess } from './use-foreign-locks.js';

const KEY = 'order:42';

/** Longer than any of these tests. */
const LONG = 60_000;

/** The shortest lease that every library can have. */
const SHORT = 1000;

/** The longest wait between two of our polls. */
const MAXIMUM_RETRY_INTERVAL = 200;

/** The longest time until we go on: one such wait, and what a busy machine adds. */
const SOON = MAXIMUM_RETRY_INTERVAL + 1000;

/** Tests that a library and this package exclude each other on common keys. */
export function describeCoexistence(library: ForeignLibrary, redis: RawRedis, foreign: ForeignAccess): void {
  const applications = useApplications();
  const storeKey = library.namespace + KEY;
  let theirs: ForeignLocks;

  beforeAll(() => {
    theirs = foreign.open(library);
  });

  const startOurs = async (): Promise<LockingService> => {
    const options = { namespace: library.namespace, maximumRetryInterval: MAXIMUM_RETRY_INTERVAL };
    return (await applications.onRedis({ redisUrl: redis.url, ...options })).locking;
  };

  const hold = async (lease: number): Promise<ForeignHold> => {
    const held = await theirs.tryHold(KEY, lease);
    if (!held) throw new Error(`${library.name} did not get a free key`);
    return held;
  };

  describe(`a key that ${library.name} holds`, () => {
    it('a key of another library is shown with its value, and is refused to us', async () => {
      const ours = await startOurs();
      const held = await hold(LONG);
      expect(await redis.raw.get(storeKey)).toBe(held.value);

      const info = await ours.inspect(KEY);
      expect(info).toMatchObject({ key: KEY, ownerId: held.value, fencingToken: null });
      expect(info?.ttl).toBeGreaterThan(LONG - 10_000);
      expect(info?.ttl).toBeLessThanOrEqual(LONG);
      expect(await ours.tryAcquire(KEY)).toBeNull();
      expect(await rejectionOf(ours.acquire(['a', KEY], { timeout: '500ms' }))).toBeInstanceOf(LockTimeoutError);
      // The call ends at its deadline; the release of its other keys may still be under way.
      await eventually(async () => (await redis.raw.exists(`${library.namespace}a`)) === 0, 1000);

      await held.release();
      expect(await ours.inspect(KEY)).toBeNull();
      expect(await ours.tryAcquire(KEY)).not.toBeNull();
    });

    it('we do not release or extend a key of another library, not even under its owner id', async () => {
      const ours = await startOurs();
      const { value } = await hold(LONG);
      for (const owner of [{}, { ownerId: value }]) {
        expect(await ours.release(KEY, owner)).toBe(false);
        expect(await ours.releaseAll(owner)).toBe(0);
      }
      expect(await ours.extend(KEY, { ownerId: value, expire: '1h' })).toBe(false);
      expect(await ours.tryAcquire(KEY, { ownerId: value, expire: '1h' })).toBeNull();
      expect(await redis.raw.get(storeKey)).toBe(value);
      expect(await redis.raw.pttl(storeKey)).toBeLessThanOrEqual(LONG);
    });

    it('a key of another library becomes ours soon after its release, without a message', async () => {
      const ours = await startOurs();
      const held = await hold(LONG);
      let released = false;
      const waiting = ours.execute(KEY, (lock) => look(ours, lock, released), { timeout: '20s' });
      await untilPolled(redis.raw);
      released = true;
      await held.release();
      const releasedAt = performance.now();

      const { at, wasFree, lock, info } = await waiting;
      expect(wasFree).toBe(true);
      expect(at - releasedAt).toBeLessThan(SOON);
      expect(info).toMatchObject({ ownerId: lock.ownerId, fencingToken: lock.fencingToken });
    });

    it('a key of another library becomes ours soon after its lease expired, and a late release leaves it ours', async () => {
      const ours = await startOurs();
      const sentAt = performance.now();
      const held = await hold(SHORT);
      const job = async (lock: Lock): Promise<Sight> => {
        const sight = await look(ours, lock, true);
        await Promise.allSettled([held.release()]);
        return { ...sight, info: await ours.inspect(KEY) };
      };
      const { at, lock, info } = await ours.execute(KEY, job, { timeout: '20s' });
      // The server counts whole milliseconds.
      expect(at - sentAt).toBeGreaterThan(SHORT - 5);
      expect(at - sentAt).toBeLessThan(SHORT + SOON);
      expect(info).toMatchObject({ ownerId: lock.ownerId, fencingToken: lock.fencingToken });
    });

    it('a key of another library stays theirs for longer than its first lease while they renew it', async () => {
      const ours = await startOurs();
      const [begun, end] = [deferred(), deferred()];
      const running = theirs.run(KEY, SHORT, async () => {
        begun.resolve();
        await end.promise;
      });
      await begun.promise;
      const value = await redis.raw.get(storeKey);
      let released = false;
      const waiting = ours.execute(KEY, (lock) => look(ours, lock, released), { timeout: '20s' });
      await untilRenewedFor(2 * SHORT, redis.raw, storeKey);
      expect(await redis.raw.get(storeKey)).toBe(value);
      expect(await ours.inspect(KEY)).toMatchObject({ ownerId: value, fencingToken: null });
      expect(await ours.tryAcquire(KEY)).toBeNull();

      released = true;
      end.resolve();
      await running;
      const releasedAt = performance.now();
      const { at, wasFree } = await waiting;
      expect(wasFree).toBe(true);
      expect(at - releasedAt).toBeLessThan(SOON);
    });
  });

  describe('a key that we hold', () => {
    it(`is refused to ${library.name}, which goes on after our release`, async () => {
      const ours = await startOurs();
      const lock = await ours.acquire(KEY);
      expect(await theirs.tryHold(KEY, LONG)).toBeNull();

      let released = false;
      const waiting = theirs.run(KEY, LONG, async () => ({ wasFree: released, info: await ours.inspect(KEY) }));
      await untilPolled(redis.raw);
      expect(lock.held).toBe(true);
      expect(await ours.inspect(KEY)).toMatchObject({ ownerId: lock.ownerId, fencingToken: lock.fencingToken });

      released = true;
      expect(await lock.release()).toBe(true);
      const { wasFree, info } = await waiting;
      expect(wasFree).toBe(true);
      expect(info).toMatchObject({ fencingToken: null });
      expect(await redis.raw.exists(storeKey)).toBe(0);
    });

    it('a key stays ours for longer than its first lease while we renew it', async () => {
      const ours = await startOurs();
      let released = false;
      let waiting: Promise<boolean> | undefined;
      const job = async (lock: Lock): Promise<void> => {
        waiting = theirs.run(KEY, LONG, async () => released);
        await untilRenewedFor(2 * SHORT, redis.raw, storeKey);
        expect(lock.signal.aborted).toBe(false);
        expect(await theirs.tryHold(KEY, LONG)).toBeNull();
        released = true;
      };
      await ours.execute(KEY, job, { expire: `${SHORT}ms` });
      expect(await waiting).toBe(true);
    });
  });

  it(`loses no update to a race of ours and ${library.name}`, async () => {
    const ours = await startOurs();
    await raceForCounter(redis.raw, [
      (job) => ours.execute(KEY, job, { timeout: '20s' }),
      (job) => theirs.run(KEY, LONG, job),
    ]);
  });
}

/** The state that a job of ours finds when it begins. */
interface Sight {
  readonly at: number;
  readonly wasFree: boolean;
  readonly lock: Lock;
  readonly info: LockInfo | null;
}

async function look(ours: LockingService, lock: Lock, wasFree: boolean): Promise<Sight> {
  return { at: performance.now(), wasFree, lock, info: await ours.inspect(KEY) };
}
