import { now, sleep } from '../../clock.js';
import type { WorkerContext } from '../context.js';
import { keepTrying } from '../keep-trying.js';
import { usedHeap } from './heap.js';

const crowd = { size: 0, served: 0, gaveUp: 0, lastServedAt: NaN, emptyHeap: 0, all: Promise.resolve() };

/** Starts `size` waiters for a key that another process holds. */
export async function gatherCrowd(
  { contender }: WorkerContext,
  { key, size }: { key: string; size: number },
): Promise<void> {
  Object.assign(crowd, { size, served: 0, gaveUp: 0, lastServedAt: NaN, emptyHeap: await usedHeap() });
  const job = async (): Promise<void> => {
    crowd.served++;
    crowd.lastServedAt = now();
    return Promise.resolve();
  };
  const waits = Array.from({ length: size }, async () => {
    const gaveUp = await keepTrying(contender, key, job);
    crowd.gaveUp += gaveUp;
  });
  crowd.all = Promise.all(waits).then(() => undefined);
}

/** Bytes of heap for each waiter, its caller's own promise included. */
export async function weighCrowd(): Promise<number> {
  return ((await usedHeap()) - crowd.emptyHeap) / crowd.size;
}

/** Waits, up to a limit, until all waiters have been served and are gone. */
export async function dissolveCrowd(
  _context: WorkerContext,
  { withinMs }: { withinMs: number },
): Promise<{ served: number; gaveUp: number; lastServedAt: number; drained: boolean }> {
  const drained = await Promise.race([crowd.all.then(() => true), sleep(withinMs).then(() => false)]);
  const { served, gaveUp, lastServedAt } = crowd;
  return { served, gaveUp, lastServedAt, drained };
}
