import { now } from '../../clock.js';
import type { WorkerContext } from '../context.js';

export interface CycleParameters {
  /** Keys are this and a number. */
  readonly prefix: string;
  /** How many locks are acquired and released at a time. */
  readonly width: number;
  /** Ends after this time or this many locks. */
  readonly ms?: number;
  readonly count?: number;
}

/** Acquires and releases locks; each key is used once. */
export async function cycle(
  { contender }: WorkerContext,
  { prefix, width, ms = Infinity, count = Infinity }: CycleParameters,
): Promise<{ locks: number; ms: number }> {
  const start = now();
  let locks = 0;
  const takeAndFree = async (): Promise<void> => {
    const held = await contender.acquire(`${prefix}:${String(locks++)}`);
    await held.release();
  };
  while (locks < count && now() - start < ms) {
    if (width === 1) await takeAndFree();
    else await Promise.all(Array.from({ length: width }, takeAndFree));
  }
  return { locks, ms: now() - start };
}
