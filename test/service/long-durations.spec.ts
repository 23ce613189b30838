import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { onEveryStore } from '../support/stores.js';

/** A timer of Node takes 24.8 days at most; a longer one fires at once, with a warning. */
const LONG = '9000h';
const DAY = 86_400_000;

const LONGEST = 2 ** 31 - 1;
const real = globalThis.setTimeout;
let longest = 0;

beforeEach(() => {
  longest = 0;
  const noting = (...args: Parameters<typeof setTimeout>) => {
    longest = Math.max(longest, args[1] ?? 0);
    return real(...args);
  };
  globalThis.setTimeout = Object.assign<typeof noting, typeof setTimeout>(noting, real);
});

afterEach(() => {
  globalThis.setTimeout = real;
});

onEveryStore((store) => {
  it('durations may be longer than a timer of Node allows', async () => {
    const options = { waitLockingTimeout: LONG, expire: LONG, drainTimeout: LONG, maximumRetryInterval: LONG } as const;
    const locking = await store.open({ ...options, defaultRetryInterval: LONG });
    const lock = await locking.acquire('a', { maxHold: LONG, minHold: LONG, renew: true });
    const fixed = await locking.acquire('b', { expire: LONG });
    const abort = new AbortController();
    const waiting = locking.acquire('a', { timeout: LONG, signal: abort.signal }).catch(() => 'given up');
    expect(await Promise.race([waiting, delay(100, 'waits')])).toBe('waits');
    expect([lock.held, fixed.held]).toEqual([true, true]);
    expect((await locking.inspect('a'))?.ttl).toBeGreaterThan(300 * DAY);
    expect(await fixed.extend('87000h')).toBe(true);
    abort.abort();
    expect(await waiting).toBe('given up');
    expect(await lock.release()).toBe(true);
    expect((await locking.inspect('a'))?.ttl).toBeGreaterThan(300 * DAY);
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThanOrEqual(LONGEST);
  });
});
