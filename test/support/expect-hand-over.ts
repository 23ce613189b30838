import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LockingService } from '../../lib/index.js';
import { callsFor, untilInLine } from './store-view.js';

/** That a key goes from the one to the other by the release alone: nobody has to ask. */
export async function expectDirectHandOver(
  raw: Redis,
  from: LockingService,
  to: LockingService,
  key = 'k',
): Promise<void> {
  // So that the server knows the scripts.
  await from.execute(key, () => undefined, { timeout: '20s' });
  const calls: number[] = [];
  // A round of questions, once a second, may fall into the very moment.
  while (calls.at(-1) !== 1 && calls.length < 4) {
    const lock = await from.acquire(key);
    const waiting = to.acquire(key, { timeout: '20s' });
    await untilInLine(raw, key, 1);
    calls.push(await callsFor(raw, async () => Promise.all([lock.release(), waiting])));
    const next = await waiting;
    expect(next.keys).toEqual([key]);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await next.release()).toBe(true);
  }
  expect(calls.at(-1)).toBe(1);
}
