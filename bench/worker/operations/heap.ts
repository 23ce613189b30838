import { setImmediate } from 'node:timers/promises';

/** Bytes of the heap that are in use after a garbage collection. */
export async function usedHeap(): Promise<number> {
  const { gc } = globalThis;
  if (!gc) throw new Error('Workers run with --expose-gc');
  for (let i = 0; i < 3; i++) {
    await setImmediate();
    gc();
  }
  return process.memoryUsage().heapUsed;
}
