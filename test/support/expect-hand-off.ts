import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LockingService } from '../../lib/index.js';
import { callsFor, messagesSent, untilQueued } from './store-view.js';

const DIRECT = 'scripts: 1, messages: 1';

/** Expects that a key goes from one instance to the other by the release and one message, without another request. */
export async function expectDirectHandOff(
  raw: Redis,
  from: LockingService,
  to: LockingService,
  key = 'k',
): Promise<void> {
  // Loads the scripts into the server.
  await from.execute(key, () => undefined, { timeout: '20s' });
  let traffic = '';
  // The poll of the waiter, once a second, may fall into the same moment.
  for (let tries = 0; tries < 4 && traffic !== DIRECT; tries += 1) {
    const lock = await from.acquire(key);
    const waiting = to.acquire(key, { timeout: '20s' });
    await untilQueued(raw, key, 1);
    const calls = await callsFor(raw, async () => Promise.all([lock.release(), waiting]));
    traffic = `scripts: ${calls}, messages: ${await messagesSent(raw)}`;
    const next = await waiting;
    expect(next.keys).toEqual([key]);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await next.release()).toBe(true);
  }
  expect(traffic).toBe(DIRECT);
}
