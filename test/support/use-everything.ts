import { expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { RedisLockingProvider, type LockingService, type RedisLockingProviderOptions } from '../../lib/index.js';
import { listedKeys } from './listed-keys.js';
import { eventually } from './poll.js';

/** Uses locks in all ways: uncontended, contended, by hand, and with missing answers. */
export async function useEverything(
  raw: Cluster | Redis,
  [one, two]: readonly [LockingService, LockingService],
  options: RedisLockingProviderOptions,
): Promise<void> {
  await alone(one);
  await contended(raw, one, two);
  await byHand(one, two);
  await unanswered(options);
}

async function alone(locking: LockingService): Promise<void> {
  expect(await locking.execute('a', () => 'ran')).toBe('ran');
  expect(await locking.execute(['a', 'b', 'c'], () => 'ran')).toBe('ran');
  await Promise.all(['a', 'b', 'c'].map((key) => locking.execute(key, () => undefined, { minHold: '50ms' })));
  const lock = await locking.acquire(['a', 'b'], { ownerId: 'me', expire: '10s' });
  const again = await locking.acquire('a', { ownerId: 'me', expire: '20s' });
  expect(await lock.extend('1m')).toBe(true);
  expect(await locking.extend('a', { ownerId: 'me', expire: '2m' })).toBe(true);
  expect(await again.release()).toBe(true);
  expect(await locking.releaseAll({ ownerId: 'me' })).toBeGreaterThan(0);
  // Held for long enough to be renewed.
  await locking.execute('a', ({ remaining }) => eventually(() => remaining > 0), { expire: '300ms', minHold: '400ms' });
}

/** Both instances wait for each other, longer than a poll, and one of them in vain. */
async function contended(raw: Cluster | Redis, one: LockingService, two: LockingService): Promise<void> {
  const order: number[] = [];
  const lock = await one.acquire('k');
  const waiting = [two, one, two].map((locking, index) =>
    locking.execute('k', () => order.push(index), { timeout: '30s' }),
  );
  await expect(two.acquire('k', { timeout: '20ms' })).rejects.toThrow();
  const left = await raw.pttl('lock:k');
  await eventually(async () => (await raw.pttl('lock:k')) < left - 1200);
  await lock.release();
  await Promise.all(waiting);
  expect(order).toHaveLength(3);
  const held = await one.acquire('l');
  await expect(two.acquire('l', { timeout: '1500ms' })).rejects.toThrow();
  await held.release();
  await Promise.all(
    [one, two, one, two].map((locking) => locking.execute(['k', 'l'], () => undefined, { timeout: '30s' })),
  );
}

async function byHand(one: LockingService, two: LockingService): Promise<void> {
  const lock = await one.acquire('k');
  expect(await two.inspect('k')).toMatchObject({ ownerId: lock.ownerId });
  expect(await listedKeys(two)).toEqual(['k']);
  expect(await two.tryAcquire('k')).toBeNull();
  const waiting = two.execute('k', () => 'ran', { timeout: '30s' });
  expect(await two.forceRelease('k')).toBe(1);
  expect(await waiting).toBe('ran');
}

/** Loses answers, so that attempts are sent again and cancelled. */
async function unanswered(options: RedisLockingProviderOptions): Promise<void> {
  const provider = new RedisLockingProvider(options, { id: 'direct', warn: () => undefined });
  await provider.connect(() => undefined);
  try {
    const request = {
      keys: ['u'],
      ownerId: randomUUID(),
      attemptId: 'x.1',
      processId: 'x',
      ttl: 5000,
      onlyIfOwned: false,
    };
    const { ownerId, attemptId, keys } = request;
    for (let round = 0; round < 2; round += 1) {
      expect(await provider.acquire(request)).toMatchObject({ granted: true });
    }
    const ended = { keys, ownerId, attemptId, processId: 'x', pending: true };
    await provider.cancel(ended);
    await provider.cancel({ ...ended, attemptId: 'x.2' });
    expect(await provider.acquire(request)).toMatchObject({ granted: false });
    await records(provider);
  } finally {
    await provider.close();
  }
}

async function records(provider: RedisLockingProvider): Promise<void> {
  await provider.watchRecords({ changed: () => undefined, restored: () => undefined });
  const record = { name: 'r', value: '1', version: 'one', token: 1 };
  expect(await provider.writeRecord({ ...record, ttl: 5000 })).toEqual({ changed: true });
  expect(await provider.writeRecord({ ...record, version: 'two', ttl: null })).toEqual({ changed: true });
  expect(await provider.readRecords(['r'])).toMatchObject([{ value: '1', version: 'two' }]);
  for await (const { name } of provider.listRecords('')) expect(name).toBe('r');
  expect(await provider.deleteRecord({ name: 'r', token: 1, keepTokenFor: 5000 })).toEqual({ changed: true });
}
