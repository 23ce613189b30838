import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LockingService } from '../../lib/index.js';
import { callsFor, messagesSent, untilQueued } from './store-view.js';

const DIRECT = 'scripts: 1, messages: 1';

/** That a key goes from the one to the other by the release and one message: nobody has to ask. */
export async function expectDirectHandOver(
  raw: Redis,
  from: LockingService,
  to: LockingService,
  key = 'k',
): Promise<void> {
  // So that the server knows the scripts.
  await from.execute(key, () => undefined, { timeout: '20s' });
  let traffic = '';
  // A round of questions, once a second, may fall into the very moment.
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
