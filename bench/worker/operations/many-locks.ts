import { now } from '../../clock.js';
import type { Held } from '../../contenders/contender.js';
import type { WorkerContext } from '../context.js';
import { usedHeap } from './heap.js';

let held: Held[] = [];

const AT_A_TIME = 100;

/** Acquires `count` locks; returns the bytes of heap for each. */
export async function holdMany(
  { contender }: WorkerContext,
  { prefix, count }: { prefix: string; count: number },
): Promise<{ heapPerLock: number }> {
  const before = await usedHeap();
  const locks: Held[] = [];
  while (locks.length < count) {
    const taken = locks.length;
    const batch = Array.from({ length: AT_A_TIME }, async (_, i) =>
      contender.acquire(`${prefix}:${String(taken + i)}`),
    );
    locks.push(...(await Promise.all(batch)));
  }
  held = locks;
  return { heapPerLock: ((await usedHeap()) - before) / count };
}

/** Extends all of them at once; returns how long that took. */
export async function extendAll(): Promise<number | null> {
  if (!held[0]?.extend) return null;
  const begun = now();
  await Promise.all(held.map(async (lock) => lock.extend?.()));
  return now() - begun;
}

export async function releaseMany(): Promise<void> {
  for (let i = 0; i < held.length; i += AT_A_TIME) {
    await Promise.all(held.slice(i, i + AT_A_TIME).map(async (lock) => lock.release()));
  }
  held = [];
}
