import type { Redis } from 'ioredis';
import { eventually } from '../../support/poll.js';

/** How many times any library has tried to lock on the server, by `SET` or by a script. */
async function countAttempts(raw: Redis): Promise<number> {
  const stats = await raw.info('commandstats');
  const calls = stats.matchAll(/^cmdstat_(?:set|eval|evalsha):calls=(\d+)/gm);
  return [...calls].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Resolves once the waiter has polled more than once in vain. Nothing else may use the server meanwhile. */
export async function untilPolled(raw: Redis): Promise<void> {
  const before = await countAttempts(raw);
  await eventually(async () => (await countAttempts(raw)) >= before + 3);
}

/** Waits until a lease has been renewed, more than once, and for longer than `time` milliseconds from now. */
export async function untilRenewedFor(time: number, raw: Redis, storeKey: string): Promise<void> {
  const end = performance.now() + time;
  let renewals = 0;
  let last = Infinity;
  await eventually(async () => {
    const ttl = await raw.pttl(storeKey);
    if (ttl > last) renewals++;
    last = ttl;
    return renewals >= 2 && performance.now() > end;
  });
}
