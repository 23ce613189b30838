import { now, sleep } from '../../clock.js';
import type { Held } from '../../contenders/contender.js';
import type { WorkerContext } from '../context.js';
import { keepTrying } from '../keep-trying.js';

const held = new Map<string, Held>();
const waits = new Map<string, Promise<number>>();

/** Acquires a key that is free, and holds it. */
export async function hold({ contender }: WorkerContext, { key }: { key: string }): Promise<void> {
  held.set(key, await contender.acquire(key));
}

/** Releases the key after an idle time; returns when the release began. */
export async function release(
  _context: WorkerContext,
  { key, afterMs }: { key: string; afterMs: number },
): Promise<number> {
  const lock = held.get(key);
  if (!lock) throw new Error(`${key} is not held here`);
  held.delete(key);
  await sleep(afterMs);
  const begun = now();
  await lock.release();
  return begun;
}

/** Begins to wait for a key. */
export async function beginWait({ contender }: WorkerContext, { key }: { key: string }): Promise<void> {
  let servedAt = NaN;
  const job = async (): Promise<void> => {
    servedAt = now();
    return Promise.resolve();
  };
  waits.set(
    key,
    keepTrying(contender, key, job).then(() => servedAt),
  );
  return Promise.resolve();
}

/** Returns when that wait ended, once the key is free again. */
export async function endWait(_context: WorkerContext, { key }: { key: string }): Promise<number> {
  const servedAt = await waits.get(key);
  waits.delete(key);
  if (servedAt === undefined) throw new Error(`Nobody waits for ${key} here`);
  return servedAt;
}

/** How long a PING takes after an idle time: what a round trip costs a process that has just slept. */
export async function ping({ redis }: WorkerContext, { afterMs }: { afterMs: number }): Promise<number> {
  await sleep(afterMs);
  const begun = now();
  await redis.ping();
  return now() - begun;
}
